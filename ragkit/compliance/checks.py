"""Checks that a script can run every night: each says ok, what was found with its remedy, or why it could not look.

::

    for one in run_checks(handles, ("egress", "retention")):
        print(one.name, one.level, one.detail, one.remedy, one.seqs)
    exit_code(found)              # 0 clean, 1 something was found, 2 something could not be checked

Nothing here shows text, a name or a title: documents and requests are named by their opaque ids.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import import_module
from typing import Literal

from ragkit.compliance.events import EventLog
from ragkit.errors import ConfigError, RagkitError
from ragkit.handles import Handles
from ragkit.protocols import Progress
from ragkit.types import Principal

CheckLevel = Literal["ok", "notice", "finding", "unchecked"]
MOST_SEQS = 100
"""Events that are named behind one finding; all are counted."""

ABOUT: Mapping[str, str] = {
    "log": "Is the log what was signed?",
    "anchors": "Are checkpoints taken off this machine?",
    "gaps": "Does the log say that something is missing from it?",
    "egress": "Did anything leave outside the register, past the gateway, or with an unknown end?",
    "vault": "Who was shown masked values, and why?",
    "retention": "Is anything kept longer than the rules say?",
    "drift": "Is everything masked and indexed under what is configured?",
    "permissions": "Is it written down who may do what, and was it looked at?",
    "residual": "Does personal data stand in stored passages?",
}
"""The checks, in the order in which they run, each as a question."""

_PLACES = {
    "log": "checks_log",
    "anchors": "checks_log",
    "gaps": "checks_log",
    "egress": "checks_leaving",
    "vault": "checks_leaving",
    "retention": "checks_keeping",
    "drift": "checks_keeping",
    "permissions": "checks_permissions",
    "residual": "checks_residual",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that was looked at.

    Attributes:
        name: The check, a key of :data:`ABOUT`.
        level: ``ok``, ``notice`` (nothing wrong, but somebody should know), ``finding`` or ``unchecked``.
        code: What was found, as a short word; the check's name where all is well.
        detail: One sentence.
        remedy: What to do about it.
        collection: Of which collection; empty for the whole workspace.
        seqs: Numbers of the events behind it, at most :data:`MOST_SEQS`.
        counts: Figures.
    """

    name: str
    level: CheckLevel
    code: str
    detail: str
    remedy: str = ""
    collection: str = ""
    seqs: tuple[int, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What a check looks at.

    Attributes:
        handles: The open workspace.
        log: Its event log.
        principal: Who asks.
        now: The present.
        sample: Passages that ``residual`` draws of each collection.
        review_days: After how many days permissions are to be looked at again.
        seed: Makes the draw the same again; ``None`` draws anew.
        progress: Told of long work.
    """

    handles: Handles
    log: EventLog
    principal: Principal
    now: datetime
    sample: int = 200
    review_days: int = 90
    seed: int | None = None
    progress: Progress | None = None


def run_checks(
    handles: Handles,
    names: Sequence[str] = (),
    *,
    principal: Principal | None = None,
    sample: int = 200,
    review_days: int = 90,
    seed: int | None = None,
    progress: Progress | None = None,
) -> list[Check]:
    """Run checks, and record that as the event ``audit.checked``. One that fails does not stop the others.

    Args:
        handles: The open workspace.
        names: Which, of :data:`ABOUT`; default: all.
        principal: Who asks; by default the owner.
        sample: Passages that ``residual`` draws of each collection.
        review_days: After how many days permissions are to be looked at again.
        seed: Makes the draw the same again.
        progress: Called with ``"checks"``, and by ``log`` and ``residual`` for themselves.

    Raises:
        ConfigError: There is no such check.
    """
    if unknown := [name for name in names if name not in ABOUT]:
        raise ConfigError(f"there is no check {unknown[0]!r}", remedy=f"Name one of: {', '.join(ABOUT)}.")
    handles.recorder.flush()
    scope = Scope(
        handles=handles,
        log=EventLog(handles.config.data_folder / "events"),
        principal=principal or handles.config.workspace.principal,
        now=datetime.now(UTC),
        sample=sample,
        review_days=review_days,
        seed=seed,
        progress=progress,
    )
    chosen, found = [name for name in ABOUT if not names or name in names], list[Check]()
    for done, name in enumerate(chosen):
        if progress:
            progress("checks", done, len(chosen))
        found += _run(name, scope)
    if progress:
        progress("checks", len(chosen), len(chosen))
    counts = Counter(one.level for one in found)
    codes = Counter(f"{one.name}.{one.code}" for one in found if one.level == "finding")
    handles.recorder.record(
        "audit.checked",
        actor=scope.principal,
        outcome=("ok", "error", "degraded")[exit_code(found)],
        data={
            "checks": len(chosen),
            "findings": counts["finding"],
            "unchecked": counts["unchecked"],
            "codes": dict(codes),
        },
    )
    return found


def exit_code(found: Iterable[Check]) -> int:
    """Return 1 if something was found, 2 if something could not be checked, otherwise 0."""
    levels = {one.level for one in found}
    return 1 if "finding" in levels else 2 if "unchecked" in levels else 0


def _run(name: str, scope: Scope) -> list[Check]:
    look: Callable[[Scope], Iterator[Check]] = getattr(import_module(f"ragkit.compliance.{_PLACES[name]}"), name)
    try:
        found = list(look(scope))
    except RagkitError as failed:
        return [Check(name=name, level="unchecked", code="failed", detail=str(failed), remedy=failed.remedy)]
    except OSError as failed:
        remedy = "Check the file system and its permissions."
        return [Check(name=name, level="unchecked", code="failed", detail=type(failed).__name__, remedy=remedy)]
    if any(one.level in ("finding", "unchecked", "ok") for one in found):
        return found
    return [*found, Check(name=name, level="ok", code=name, detail="Nothing was found.")]


def some(seqs: Iterable[int]) -> tuple[int, ...]:
    """Return the first of these numbers of events, those that a finding names."""
    return tuple(sorted({*seqs} - {0}))[:MOST_SEQS]
