"""Writes the report: reads the log once, asks the other parts what they found, fills the chapters.

::

    report = make_report(setting, EventLog(folder), written_at=now)
    Path("report.html").write_text(render(report))
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from importlib import resources
from importlib.metadata import version
from typing import Any

from ragkit.audit.segments import segment_paths
from ragkit.audit.tree import leaf_hash
from ragkit.compliance.events import EventLog
from ragkit.compliance.exits import exits
from ragkit.config_sections import BUILTIN_DETECTOR
from ragkit.report import annexes, personal, proof, systems
from ragkit.report.model import Report, Section
from ragkit.report.setting import Setting
from ragkit.report.tally import Tally

_CHAPTERS: tuple[Callable[[Setting, Tally], Section], ...] = (
    proof.checks,
    systems.systems,
    systems.flow,
    personal.masking,
    personal.egress,
    personal.reveals,
    personal.erasures,
    personal.retention,
    systems.models,
    systems.volume,
    proof.incidents,
    proof.access,
    proof.checkpoints,
)
_SEQ = b'"seq":'


def make_report(
    setting: Setting, log: EventLog, *, since: datetime, until: datetime, origin: str, written_at: datetime
) -> Report:
    """Return the report of a time.

    Args:
        setting: What is known beside the events.
        log: The event log.
        since: First moment.
        until: The moment before which events count.
        origin: The log's name.
        written_at: Now.
    """
    tally = Tally().read(log.read(since=since, until=until))
    tally.open_ends += [one for one in exits(log.read("egress.", since=since, until=until)) if one.state == "open"]
    report = Report(
        workspace=setting.config.workspace.name,
        origin=origin,
        since=setting.since,
        until=setting.until,
        written_at=written_at.isoformat(timespec="seconds"),
        software=version("ragkit"),
        events=tally.every,
        sections=tuple(chapter(setting, tally) for chapter in _CHAPTERS),
        annexes=annexes.annexes(setting, tally),
        cannot_show=proof.cannot_show(setting),
    )
    return _with_evidence(report, log)


def measured_recall(detectors: set[str]) -> Mapping[str, Any]:
    """Return the figures that ship with the detector, if it is the one in use; empty for one that brings none."""
    if BUILTIN_DETECTOR not in detectors:
        return {}
    file = resources.files("ragkit") / "assets" / "detector" / "measured.json"
    found: Mapping[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return found


def _with_evidence(report: Report, log: EventLog) -> Report:
    """Add what identifies each event that a line names."""
    wanted = report.cited_numbers()
    return replace(report, evidence=tuple(_identified(log, wanted)))


def _identified(log: EventLog, wanted: set[int]) -> Iterator[Mapping[str, str | int]]:
    for path in segment_paths(log.directory):
        with path.open("rb") as lines:
            for line in lines:
                at = line.rfind(_SEQ) + len(_SEQ)
                digits = line[at : line.find(b",", at)]
                if not digits.isdigit() or int(digits) not in wanted:
                    continue
                try:
                    event = json.loads(line)
                except ValueError:
                    continue
                yield {
                    "seq": event["seq"],
                    "ts": event["ts"],
                    "type": event["type"],
                    "outcome": event["outcome"],
                    "leaf": leaf_hash(line.rstrip(b"\n")).hex(),
                }
