"""Checks of the record itself: ``log``, ``anchors``, ``gaps``."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from ragkit.compliance.checks import Check, Scope, some
from ragkit.compliance.events import stamped

_DAY = timedelta(days=1)
_EXPLAINED = frozenset({"clock-jump", "recovered", "unclosed", "resumed"})
"""Gaps that happen in the life of a machine and that the log itself explains."""


def log(scope: Scope) -> Iterator[Check]:
    """The log against its signatures, what is remembered outside, and the anchors that are files on this machine."""
    from ragkit.compliance.verifying import verify_log

    config = scope.handles.config
    kept = [config.resolve(one.path) for one in config.audit.anchors if one.kind == "file" and one.path]
    found = verify_log(
        scope.handles,
        checkpoints=[path for path in kept if path.is_file()],
        principal=scope.principal,
        progress=scope.progress,
    )
    for one in found.findings:
        place = f" (segment {one['segment']}, line {one['line']})" if one["line"] else ""
        yield Check(
            name="log",
            level="finding",
            code=one["code"],
            detail=f"{one['message']}{place}.",
            remedy="Keep the folder as it is, and compare it with a copy and with checkpoints from elsewhere.",
            seqs=some([one["seq"]]),
        )
    if found.report["unchecked"]:
        remedy = "`ragkit audit checkpoint` signs the log as it is; `ragkit audit key show` tells what signs it."
        why = "; ".join(found.report["unchecked"])
        yield Check(name="log", level="unchecked", code="unproven", detail=f"{why}.", remedy=remedy)
    if found.status == 0:
        counts = {name: found.report[name] for name in ("lines", "signed", "anchored", "notes")}
        detail = "{signed:,} of {lines:,} lines are as they were signed, by {notes:,} checkpoints.".format(**counts)
        yield Check(name="log", level="ok", code="log", detail=detail, counts=counts)


def anchors(scope: Scope) -> Iterator[Check]:
    """Each place of ``[[audit.anchors]]``: when it last took a checkpoint."""
    places = scope.handles.config.audit.anchors
    if not places:
        yield Check(
            name="anchors",
            level="finding",
            code="none",
            detail="No checkpoint is taken off this machine: whoever holds the signing key can write the log anew.",
            remedy="Name a place under [[audit.anchors]], and run `ragkit audit anchor` every day.",
        )
    for place in places:
        taken = [one for one in scope.log.read("anchor.") if one["data"].get("anchor") == place.name]
        done = [one for one in taken if one["type"] == "anchor.done"]
        failed = [one for one in taken if one["type"] == "anchor.failed" and (not done or one["seq"] > done[-1]["seq"])]
        age = scope.now - stamped(done[-1]) if done else None
        size = int(done[-1]["data"].get("size", 0)) if done else 0
        if age is not None and age <= _DAY and not failed:
            detail = f"{place.name} took a checkpoint of {size:,} lines within the last day."
            yield Check(
                name="anchors", level="ok", code="anchors", detail=detail, seqs=some([done[-1]["seq"]]),
                counts={"size": size},
            )  # fmt: skip
            continue
        when = (
            "never took one" if age is None else f"took its last one {age.days:,} days and {age.seconds // 3600} h ago"
        )
        tries = f"; {len(failed):,} tries since have failed" if failed else ""
        yield Check(
            name="anchors",
            level="finding",
            code="failing" if failed else "overdue",
            detail=f"{place.name} {when}{tries}.",
            remedy="Run `ragkit audit anchor`, once a day at least; it says what stands in the way.",
            seqs=some(one["seq"] for one in [*done[-1:], *failed]),
            counts={"size": size, "failed": len(failed)},
        )


def gaps(scope: Scope) -> Iterator[Check]:
    """What the log says is missing from it, one finding a kind."""
    from ragkit.compliance import gaps as missing

    asking = scope.log.last("access.audit", "audit.checked")
    signed = scope.log.last("checkpoint") is not None
    found = missing.gaps(
        scope.log,
        every_seconds=scope.handles.config.audit.checkpoints.every_seconds if signed else None,
        running=str(asking.get("writer", "")) if asking else "",
    )
    by_kind: dict[missing.Kind, list[missing.Gap]] = {}
    for one in found:
        by_kind.setdefault(one.kind, []).append(one)
    for kind, these in by_kind.items():
        times = sum(one.counts.get("times", 1) for one in these)
        explained = kind in _EXPLAINED
        yield Check(
            name="gaps",
            level="notice" if explained else "finding",
            code=kind,
            detail=f"{missing.ABOUT[kind]} {times:,} in all.",
            remedy="" if explained else "`ragkit audit gaps` lists each with its time and what to do.",
            seqs=some(one.seq for one in these),
            counts={"gaps": times},
        )
