"""Asks the rest of ragkit what it found, for the report: verifier, checks, gaps, anchors, receipts, figures."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from ragkit.compliance import anchoring, gaps
from ragkit.compliance.checks import ABOUT, Check, run_checks
from ragkit.compliance.events import EventLog
from ragkit.compliance.naming import Names
from ragkit.compliance.verifying import Verified, verify_log
from ragkit.doctor import describe
from ragkit.errors import ConfigError
from ragkit.handles import Handles
from ragkit.protocols import Progress
from ragkit.report.model import Level, Report
from ragkit.report.setting import Found, Setting
from ragkit.report.writing import make_report, measured_recall
from ragkit.types import Principal

_USUAL = timedelta(days=30)
_CHECKS = tuple(name for name in ABOUT if name not in ("log", "gaps"))  # these two have chapters of their own
_LEVELS: Mapping[str, Level] = {"ok": "ok", "notice": "", "finding": "finding", "unchecked": "unknown"}
_ONLY_TOLD = frozenset({"clock-jump", "recovered", "unclosed", "resumed", "sink-failed", "anchor-failed"})
"""Gaps that happen in the life of a machine and explain themselves."""


def report_of(
    handles: Handles,
    log: EventLog,
    *,
    since: datetime | None,
    until: datetime | None,
    principal: Principal,
    progress: Progress | None = None,
) -> Report:
    """Return the report of a time, and record that it was made.

    Args:
        handles: The open workspace.
        log: Its event log.
        since: First moment; by default 30 days before ``until``.
        until: The moment before which events count; by default now.
        principal: Who asks.
        progress: Called with ``"verify"``, ``"checks"`` and ``"report"``.

    Raises:
        ConfigError: The time ends before it begins.
    """
    now = datetime.now(UTC)
    last = until or now
    first = since or last - _USUAL
    if first >= last:
        raise ConfigError("the report's time ends before it begins", remedy="Give `--from` before `--to`.")
    asked = log.last("access.audit") or {}
    setting = collect(
        handles,
        log,
        since=first,
        until=last,
        principal=principal,
        running=str(asked.get("writer", "")),
        progress=progress,
    )
    origin = str(asked.get("log", ""))
    report = make_report(setting, log, since=first, until=last, origin=origin, written_at=now)
    data = {"events": report.events.count, "findings": report.findings}
    handles.recorder.record("audit.reported", actor=principal, data=data)
    return report


def collect(
    handles: Handles,
    log: EventLog,
    *,
    since: datetime,
    until: datetime,
    principal: Principal,
    running: str,
    progress: Progress | None = None,
) -> Setting:
    """Return what is known beside the events.

    Args:
        handles: The open workspace.
        log: Its event log.
        since: First moment of the report.
        until: The moment before which events count.
        principal: Who asks.
        running: The writer that asks, whose process is not over.
        progress: Called with ``"verify"`` and ``"checks"``.
    """
    config = handles.config
    anchored = anchoring.anchored(handles, principal=principal)
    kept = [config.resolve(one.path) for one in config.audit.anchors if one.kind == "file" and one.path]
    verified = verify_log(
        handles, checkpoints=[path for path in kept if path.exists()], principal=principal, progress=progress
    )
    signed = log.last("checkpoint") is not None
    missing = gaps.gaps(
        log,
        since=since,
        until=until,
        every_seconds=config.audit.checkpoints.every_seconds if signed else None,
        running=running,
    )
    return Setting(
        config=config,
        since=since.isoformat(timespec="seconds"),
        until=until.isoformat(timespec="seconds"),
        shown=Names(config, handles.recorder).shown,
        collections=describe(config, handles.known())["collections"],
        receipts=_receipts(handles),
        verified=tuple(_of_verifier(verified)),
        checks=tuple(map(_of_check, run_checks(handles, _CHECKS, principal=principal, progress=progress))),
        gaps=tuple(_of_gap(one) for one in missing),
        anchors=tuple((one.anchor, one.size, one.at.isoformat(timespec="seconds") if one.at else "never")
                      for one in anchored.places if one.configured),
        lines=anchored.lines,
        key=", ".join(verified.keys),
        measured=measured_recall({name for one in config.collections for name in config.policy_of(one).detectors}),
    )  # fmt: skip


def _of_verifier(found: Verified) -> Iterable[Found]:
    for one in found.report["findings"]:
        level: Level = "finding" if one["level"] == "finding" else ""
        yield Found(one["code"], level, one["message"], seqs=(one["seq"],) if one.get("seq") else ())
    for unchecked in found.report["unchecked"]:
        yield Found("unchecked", "unknown", str(unchecked))
    if found.status == 0:
        lines, notes = found.report["lines"], found.report["notes"]
        yield Found("verified", "ok", f"{lines:,} lines and {notes:,} checkpoints hold together.")


def _of_check(check: Check) -> Found:
    name = f"{check.name}: {check.collection}" if check.collection else check.name
    return Found(name, _LEVELS[check.level], check.detail, check.remedy, check.seqs)


def _of_gap(gap: gaps.Gap) -> Found:
    figures = ", ".join(f"{name} {value:,}" for name, value in gap.counts.items())
    told = f"{gaps.ABOUT[gap.kind]} {figures}".strip()
    level: Level = "" if gap.kind in _ONLY_TOLD else "finding"
    return Found(gap.kind, level, told, gap.remedy, (gap.seq,) if gap.seq else ())


def _receipts(handles: Handles) -> Mapping[str, Mapping[str, Any]]:
    from ragkit.store.receipts import Receipts

    found: dict[str, Mapping[str, Any]] = {}
    for part in handles.known().values():
        kept = Receipts(part.store.database.key_file)
        for request in kept.requests():
            found[request] = json.loads(kept.find(request) or "{}")
    return found
