"""Examine a workspace part by part, and describe what it holds. Neither shows a name, a title or a text."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from ragkit.build import OpenCollection, build_connector, build_detectors, find_ocr_of
from ragkit.config import Config
from ragkit.config_sections import UPLOADS, SourceSection
from ragkit.errors import ManifestMismatch, RagkitError
from ragkit.index.collection import IndexStatus
from ragkit.policy import Policy
from ragkit.protocols import Embedder, Recorder
from ragkit.types import Principal

_FREE_BYTES = 512 * 2**20
_LOG_BYTES = 256 * 2**20


@dataclass(frozen=True, slots=True)
class Check:
    """One thing examined: what was found, and what to do when it is not as it should be."""

    name: str
    ok: bool
    detail: str
    remedy: str = ""


def examine(
    config: Config,
    collections: Mapping[str, OpenCollection],
    *,
    embedder: Embedder,
    recorder: Recorder,
    actor: Principal | None = None,
) -> list[Check]:
    """Run every check; one that fails does not stop the others. ``actor`` is who asks, for the event."""
    checks = [
        _try("python", _python),
        _try("data directory", lambda: _data_folder(config.data_folder)),
        _try("free space", lambda: _space(config.folder)),
        _try("pictures", lambda: _pictures(config)),
        _try("encoder", lambda: _encoder(embedder)),
        _try("event log", lambda: _events(config, recorder)),
        _try("checkpoints", lambda: _signed(config, recorder)),
        _try("callers", lambda: _callers(config)),
    ]
    checks += [_try(f"detector {name}", partial(_detector, config, name)) for name in _detectors(config)]
    if collections:
        checks.append(_try("record store", lambda: _store(next(iter(collections.values())))))
    for name, section in config.collections.items():
        part = collections.get(name)
        checks += [_try(f"source {name}/{one.name}", partial(_source, config, one, part)) for one in section.sources]
        if name in collections:
            checks.append(_try(f"keys of {name}", partial(_keys, collections[name])))
            checks.append(_try(f"masking of {name}", partial(_masking, collections[name])))
            checks.append(_try(f"index of {name}", partial(_index, collections[name])))
        else:
            checks.append(Check(f"index of {name}", ok=False, detail="never synced", remedy="Run `ragkit sync`."))
    failed = [check for check in checks if not check.ok]
    recorder.record("health.checked", actor=actor, data={"checks": len(checks), "failed": len(failed)})
    return checks


def describe(config: Config, collections: Mapping[str, OpenCollection]) -> dict[str, Any]:
    """Return plain figures of the workspace: counts, versions and states."""
    figures: dict[str, Any] = {}
    for name, part in collections.items():
        held = part.store.inventory()
        index, refused = _index_status(part)
        figures[name] = {
            "data_class": part.section.data_class.value,
            "documents": held.documents,
            "chunks": held.chunks,
            "masked_values": held.vault_values,
            "quarantined": dict(held.quarantined),
            "last_sync": held.last_sync,
            "generation": index.generation,
            "delta": index.delta,
            "healthy": index.healthy,
            "refuses": refused,
            **_due(part),
            **_past(part),
        }
    for name in config.collections:
        figures.setdefault(name, {"last_sync": ""})
    size = sum(path.stat().st_size for path in config.data_folder.rglob("*") if path.is_file())
    return {"workspace": config.workspace.name, "bytes": size, "collections": figures}


def _due(part: OpenCollection) -> dict[str, int]:
    """How many documents are older than a retention rule allows, and how many of them a legal hold keeps."""
    from ragkit.lifecycle.holds import Holds
    from ragkit.lifecycle.retention import Retention
    from ragkit.lifecycle.retention_rules import rules_of

    rules = rules_of(part.config.retention, part.name)
    holds = Holds(part.store.database, part.collection)
    retention = Retention(part.store, rules, vault=part.masker.vault, holds=holds, recorder=part.recorder)
    found = retention.due() if rules else []
    return {
        "retention_due": sum(one.documents for one in found),
        "retention_held": sum(one.held for one in found),
        "holds": sum(one.released_at is None for one in holds.every()),
    }


def _past(part: OpenCollection) -> dict[str, Any]:
    """What is kept of versions that were replaced, so that answers can be replayed, and since when it is all there."""
    kept = part.store.history().kept()
    return {"past_versions": kept.versions, "past_bytes": kept.bytes, "replay_since": kept.since}


def _index_status(part: OpenCollection) -> tuple[IndexStatus, str]:
    """How the index stands, and why it refuses to answer; empty when it does not."""
    try:
        return part.index.status(), ""
    except ManifestMismatch as refused:
        live = part.store.inventory().chunks
        return IndexStatus(generation=0, chunks=0, delta=0, live=live, healthy=False, needs_rebuild=True), str(refused)


def _try(name: str, look: Callable[[], str]) -> Check:
    try:
        return Check(name, ok=True, detail=look())
    except RagkitError as found:
        return Check(name, ok=False, detail=str(found), remedy=found.remedy)
    except OSError as found:
        return Check(name, ok=False, detail=type(found).__name__, remedy="Check the file system and its permissions.")


def _python() -> str:
    return ".".join(map(str, sys.version_info[:3]))


def _data_folder(folder: Path) -> str:
    mode = folder.stat().st_mode & 0o777
    if mode & 0o077:
        raise RagkitError(f"mode {mode:o}: open to others", remedy="Run `chmod -R go-rwx .ragkit` in the workspace.")
    return f"mode {mode:o}"


def _space(folder: Path) -> str:
    free = shutil.disk_usage(folder).free
    if free < _FREE_BYTES:
        raise RagkitError(
            f"{free / 2**20:,.0f} MiB free", remedy="Free some space; a rebuild needs room for two indexes."
        )
    return f"{free / 2**30:,.1f} GiB free"


def _pictures(config: Config) -> str:
    if config.parser.ocr == "off":
        return "not read: `ocr` is off"
    ocr = find_ocr_of(config)
    wanted = ", ".join(config.parser.ocr_languages)
    return (
        f"read in {wanted}" if ocr.is_there else f"not read: `ragkit[ocr]` or Tesseract's data for {wanted} are absent"
    )


def _encoder(embedder: Embedder) -> str:
    embedder.load()
    return f"{embedder.dimension} dimensions, {embedder.max_tokens} word pieces, hashes as pinned"


def _events(config: Config, recorder: Recorder) -> str:
    """Write, and tell of little room before there is none: in the mode `required` nothing is answered then."""
    mode, folder = config.audit.mode, config.data_folder / "events"
    if mode == "unsafe_off":
        return "off: nothing is recorded"
    recorder.flush()
    free = shutil.disk_usage(folder if folder.exists() else config.data_folder).free
    if free < _LOG_BYTES:
        raise RagkitError(
            f"{free / 2**20:,.0f} MiB free for events",
            remedy="Free some space on the file system of `.ragkit/events`, before recording stops.",
        )
    return f"mode {mode}, writable"


def _signed(config: Config, recorder: Recorder) -> str:
    """Sign: a log that does not continue what was signed, or a key that is gone, is found here too."""
    from ragkit.audit.recorder import EventRecorder

    if not isinstance(recorder, EventRecorder) or recorder.signer is None:
        return "nobody signs"
    notes = config.data_folder / "events" / "checkpoints.txt"
    before = f", before that {_ago(time.time() - notes.stat().st_mtime)} ago" if notes.exists() else ""
    recorder.checkpoint()
    return f"signed{before}"


def _callers(config: Config) -> str:
    """Tell who could call a service: how many API keys are not revoked, and how many issuers are trusted."""
    from ragkit.store.keyfile import KeyFile

    if config.serve.authentication == "unsafe_none":
        return "no authentication: whoever reaches the service from this machine is the owner"
    file = KeyFile(config.data_folder / "callers.db", writable=False)
    try:
        made = file.look("PRAGMA user_version")
        rows = file.look("SELECT count(*) FROM api_keys WHERE revoked IS NULL") if made and made[0][0] else [(0,)]
    finally:
        file.close()
    keys, issuers = int(rows[0][0]), len(config.serve.oidc)
    if not keys and not issuers:
        return "nobody: `ragkit keys create` makes an API key for who is to call `ragkit serve`"
    if keys and (mode := file.path.stat().st_mode & 0o777) & 0o077:
        raise RagkitError(f"callers.db has mode {mode:o}", remedy="Run `chmod 600 .ragkit/callers.db`.")
    return f"{keys:,} API keys that are not revoked, {issuers:,} issuers of tokens"


def _ago(seconds: float) -> str:
    for unit, length in (("days", 86_400), ("hours", 3_600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:,.0f} {unit}"
    return f"{max(0.0, seconds):,.0f} seconds"


def _store(part: OpenCollection) -> str:
    from ragkit.store.records import check

    check(part.store.database)
    with part.store.database.read() as connection:
        return f"sound, {part.store.database.backend.described(connection)}"


def _keys(part: OpenCollection) -> str:
    """Count record keys, and rows that nothing opens: an erasure or a restore was interrupted."""
    from ragkit.store.keysweep import count_keys

    found = count_keys(part.store.database, part.collection.id)
    if dead := found.dead_documents + found.dead_values:
        raise RagkitError(
            f"{dead:,} records have no key any more: nobody is shown them, and their rows are still there",
            remedy="Finish what was interrupted: `ragkit subject resume`, or `ragkit restore` again.",
        )
    past = f", {found.past:,} of versions kept for replay" if found.past else ""
    return f"{found.documents:,} of documents, {found.values:,} of values{past}, {found.released:,} of replaced records"


def _source(config: Config, source: SourceSection, part: OpenCollection | None) -> str:
    if part is None and source.connector == UPLOADS:
        return "uploads, nothing was ever synced"
    connector = build_connector(config, source) if part is None else part.connector(source)
    first = next(iter(connector.changes(None)), None)
    return f"{source.connector}, readable" if first is not None else f"{source.connector}, empty"


def _detectors(config: Config) -> list[str]:
    """The learned detectors that the policies in use name, each once."""
    named = (config.policy_of(collection).detectors for collection in config.collections)
    return list(dict.fromkeys(name for names in named for name in names))


def _detector(config: Config, name: str) -> str:
    """Build it for every policy in use that names it; its fingerprint reads its files."""
    policies = [config.policy_of(collection) for collection in config.collections]
    states = {_state(config, policy, name) for policy in policies if name in policy.detectors}
    kind = config.detectors[name].kind if name in config.detectors else name
    return f"{kind}, {', '.join(sorted(states))}"


def _state(config: Config, policy: Policy, name: str) -> str:
    made = build_detectors(config, policy.model_copy(update={"detectors": (name,)}))
    return f"files there ({made[0].fingerprint[-8:]})" if made else "not needed by a policy"


def _masking(part: OpenCollection) -> str:
    part.masker.load()
    if waiting := part.store.waiting(part.masker.policy):
        raise RagkitError(
            f"{sum(waiting.values()):,} documents were masked under another policy, from: {', '.join(waiting)}",
            remedy="Run `ragkit remask`; with `--dry-run` it shows first what would change.",
        )
    return f"policy {part.masker.policy[:12]}, detectors loaded"


def _index(part: OpenCollection) -> str:
    status = part.index.status()
    if not status.healthy:
        raise RagkitError(
            f"generation {status.generation} is condemned; exact search answers", remedy="Run `ragkit rebuild`."
        )
    return f"generation {status.generation}, {status.chunks:,} chunks, {status.delta:,} in the delta"
