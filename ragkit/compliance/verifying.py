"""Verify the workspace's own log with the very file that an auditor carries away, and what only the workspace can tell.

::

    found = verify_log(handles, checkpoints=[Path("/mnt/worm/acme.notes")])
    found.status          # 0 all is well, 1 something was found, 2 it could not be checked
    found.report["findings"]

The workspace adds its public key, the newest checkpoint that is remembered outside the data directory, and whether
the evidence that events commit to is still there or was destroyed as it should be.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from ragkit.compliance.events import EventLog
from ragkit.errors import ConfigError, EvidenceGone, RagkitError
from ragkit.handles import Handles
from ragkit.keyfiles import write_private
from ragkit.protocols import Progress
from ragkit.types import Principal

ragkit_verify: Any = import_module("ragkit.assets.ragkit_verify")
"""The auditor's file. It is data to ragkit's packages, so that nothing here can come to lean on it."""
VERIFIER = Path(ragkit_verify.__file__)
_SHOWN = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """What a verification found.

    Attributes:
        status: 0: all is well; 1: something was found; 2: something could not be checked.
        report: As the stand-alone verifier's ``--json``: counts, ``findings``, ``unchecked``, ``proven``.
        keys: The verifier keys that were trusted.
        lost: Requests whose evidence is gone and was not destroyed by ragkit; ``None`` where it was not looked for.
        ms: Milliseconds it took.
    """

    status: int
    report: Mapping[str, Any]
    keys: tuple[str, ...]
    lost: int | None
    ms: int

    @property
    def findings(self) -> list[Mapping[str, Any]]:
        """The findings, without notices."""
        return [one for one in self.report["findings"] if one["level"] == "finding"]


def verify_log(
    handles: Handles,
    *,
    checkpoints: Sequence[Path] = (),
    keys: Sequence[str] = (),
    proofs: Sequence[Path] = (),
    principal: Principal | None = None,
    progress: Progress | None = None,
) -> Verified:
    """Verify the log of an open workspace, and record that as the event ``verify.run``.

    Args:
        handles: The open workspace.
        checkpoints: Files with checkpoints that were kept elsewhere.
        keys: Trusted verifier keys; by default the workspace's own.
        proofs: Files with proofs of inclusion or consistency.
        principal: Who asks.
        progress: Told of the bytes read, as the stage ``verify``.

    Raises:
        ConfigError: A key is none, or a file cannot be read.
    """
    begun = time.monotonic()
    handles.recorder.flush()
    trusted, unchecked = _keys(handles, keys)
    kept = [(path.name, _read(path)) for path in checkpoints]
    seen = _seen(handles)
    found = ragkit_verify.Verification(
        handles.config.data_folder / "events",
        [ragkit_verify.parse_key(key) for key in trusted],
        structure_only=not trusted,
        progress=(lambda done, total: progress("verify", done, total)) if progress else None,
    )
    found.unchecked += unchecked
    if not seen and found.folder is not None and (found.folder / "checkpoints.txt").exists():
        found.tell("seen", "no newest checkpoint is remembered outside the data directory", "notice", (0, 0, 0))
    found.run(kept, [(path.name, _read(path)) for path in proofs], seen)
    lost = _lost_evidence(handles)
    for request, seq in list(lost.items())[:_SHOWN] if lost else []:
        message = f"the evidence of request {request} is gone, and no erasure, age or officer destroyed it"
        found.tell("evidence", message, at=(0, 0, seq))
    ms = int((time.monotonic() - begun) * 1000)
    result = Verified(
        status=found.status,
        report=found.report(),
        keys=tuple(trusted),
        lost=None if lost is None else len(lost),
        ms=ms,
    )
    _record(handles, result, principal)
    return result


def in_words(found: Verified) -> str:
    """Return a report as the stand-alone verifier prints it."""
    return str(ragkit_verify.told(dict(found.report)))


def copy_verifier(path: Path) -> None:
    """Write the stand-alone verifier to a new file. Raises ConfigError: it is there, or cannot be written."""
    write_private(path, VERIFIER.read_text(encoding="utf-8").removesuffix("\n"))


def own_key(handles: Handles) -> str:
    """Return the verifier key of the key that signs now, ``name+id+key``.

    Raises:
        ConfigError: The key cannot be read here.
    """
    from ragkit.audit.notes import VerifierKey
    from ragkit.audit.signing import key_source
    from ragkit.recording import log_id, log_origin

    actor_key = handles.secret("events")
    private = key_source(handles.config, log_id(handles.config, actor_key)).read()
    return str(VerifierKey.of(log_origin(handles.config, actor_key), private))


def _keys(handles: Handles, given: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the keys to trust, and why there are none."""
    if not given:
        try:
            return [own_key(handles)], []
        except RagkitError as failed:
            return [], [f"no key was given, and the one that signs here cannot be read: {failed}"]
    for key in given:
        try:
            ragkit_verify.parse_key(key)
        except ValueError as why:
            raise ConfigError(f"a verifier key is none: {why}", remedy="`ragkit audit key show` prints it.") from None
    return list(given), []


def _seen(handles: Handles) -> bytes:
    from ragkit.audit.signing import seen_path
    from ragkit.recording import log_id

    path = seen_path(handles.config, log_id(handles.config, handles.secret("events")))
    return path.read_bytes() if path.exists() else b""


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as failed:
        raise ConfigError(
            f"a file cannot be read ({type(failed).__name__})", remedy="Name a file with checkpoints or a proof."
        ) from None


def _lost_evidence(handles: Handles) -> dict[str, int] | None:
    """Return the requests whose evidence should be there and is not, with an event each; ``None`` without evidence."""
    wanted: dict[str, int] = {}
    log = EventLog(handles.config.data_folder / "events")
    for event in log.read(mentions="payload"):
        if event.get("payload") and event["request"]:
            wanted.setdefault(str(event["request"]), int(event["seq"]))
    if not wanted:
        return None
    store = handles.evidence
    there = {request for name in handles.config.collections for request in store.requests(name)}
    return {request: seq for request, seq in wanted.items() if request not in there and _is_lost(handles, request)}


def _is_lost(handles: Handles, request: str) -> bool:
    try:
        handles.evidence.parts(request)
    except EvidenceGone as gone:
        return gone.cause == "missing"
    except RagkitError:  # of a collection that ragkit.toml no longer has: kept, and not ours to open
        return False
    return False


def _record(handles: Handles, found: Verified, principal: Principal | None) -> None:
    codes = Counter(one["code"] for one in found.findings)
    handles.recorder.record(
        "verify.run",
        outcome=("ok", "error", "degraded")[found.status],
        reason=min(codes, default=""),
        actor=principal,
        data={
            "lines": found.report["lines"],
            "checkpoints": found.report["notes"],
            "findings": sum(found.report["counts"][code] for code in codes),
            "ms": found.ms,
            "codes": {code: found.report["counts"][code] for code in codes},
        },
    )
