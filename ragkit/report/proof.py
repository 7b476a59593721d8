"""Chapters on the record itself: checks, incidents, gaps, who looked, changes, checkpoints, what it cannot show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ragkit.report.model import Cited, Row, Section, Table, cited
from ragkit.report.setting import Found, Setting
from ragkit.report.tally import Tally

_CHANGES = (
    "config.changed",
    "policy.changed",
    "key.created",
    "key.destroyed",
    "key.rotated",
    "key.escrowed",
    "key.recovered",
    "backup.made",
    "backup.restored",
    "permissions.reviewed",
    "approval.requested",
    "approval.granted",
    "approval.used",
)
_MOST_ROWS = 200


def checks(setting: Setting, _: Tally) -> Section:
    """What the checks found."""
    return Section(
        "checks",
        "Checks",
        "What `ragkit audit check` found when this report was written.",
        (Table("Checks", ("check", "found", "what to do"), tuple(_told(setting.checks)), "No check was run."),),
        notes=("A line marked `could not tell` was not examined; it is not a clean one.",),
    )


def incidents(setting: Setting, tally: Tally) -> Section:
    """What went wrong."""
    reported = [
        Row(
            (
                str(event["ts"])[:19],
                str(event["data"].get("incident", ""))[:12],
                str(event["data"].get("severity", "")),
                setting.who(event["actor"]),
            ),
            cited([event]),
            "finding",
        )
        for event in tally.of("incident.reported")
    ]
    closed = {event["data"].get("incident") for event in tally.of("incident.closed")}
    reported = [
        Row(
            (*row.cells, "closed" if _closed(row, closed) else "open"),
            row.events,
            "" if _closed(row, closed) else "finding",
        )
        for row in reported
    ]
    guards = [Row((key[0], key[1], key[2], sums["count"]), events) for key, events, sums in tally.grouped("guard")]
    failed = [Row((key[0], key[1], key[2], events.count), events) for key, events, _ in tally.grouped("outcome")]
    return Section(
        "incidents",
        "Incidents, guards and gaps",
        "Incidents that people reported, what the guards noticed, everything that did not end well, and places where "
        "the record has a gap, a jump or an overlap.",
        (
            Table("Incidents", ("time (UTC)", "incident", "severity", "reported by", "state"), tuple(reported)),
            Table("Guards", ("guard", "code", "collection", "signs"), tuple(guards)),
            Table("Not well ended", ("event", "outcome", "reason", "times"), tuple(failed)),
            Table("Gaps", ("kind", "what", "what to do"), tuple(_told(setting.gaps)), "None was found."),
        ),
    )


def _closed(row: Row, closed: set[object]) -> bool:
    return any(str(incident).startswith(str(row.cells[1])) for incident in closed)


def access(setting: Setting, tally: Tally) -> Section:
    """Who looked at the log, the vault and the evidence; what was changed and approved."""
    looked = [
        Row((key[0], setting.who(key[1]), key[2], events.count), events) for key, events, _ in tally.grouped("looked")
    ]
    changes = [
        Row(
            (str(event["ts"])[:19], str(event["type"]), _about(event["data"]), setting.who(event["actor"])),
            cited([event]),
        )
        for event in tally.of(*_CHANGES)
    ]
    notes = (
        (f"Only the newest {_MOST_ROWS} of {len(changes):,} changes are told.",) if len(changes) > _MOST_ROWS else ()
    )
    return Section(
        "access",
        "Access to the record, and changes",
        "Who read the event log, the vault and the evidence; what was changed in configuration, policies and keys, and "
        "what was approved.",
        (
            Table("Who looked", ("event", "who", "verb", "times"), tuple(looked)),
            Table("Changes", ("time (UTC)", "event", "what", "by"), tuple(changes[-_MOST_ROWS:])),
        ),
        notes=notes,
    )


def _about(data: dict[str, object]) -> str:
    told = [f"{key} {value}" for key, value in data.items() if isinstance(value, str | int) and key not in ("ms",)]
    parts = data.get("parts")
    if isinstance(parts, dict):
        told.append(f"{len(parts):,} parts recorded")
    return ", ".join(str(one)[:60] for one in told[:4])


def checkpoints(setting: Setting, tally: Tally) -> Section:
    """Whether the record holds, and where it is anchored."""
    signed = tally.behind("checkpoint")
    anchored = [
        Row((name, size, when, max(setting.lines - size, 0)), level="ok" if size else "finding")
        for name, size, when in setting.anchors
    ]
    reasons: dict[str, list[Mapping[str, Any]]] = {}
    for event in tally.of("checkpoint.refused"):
        reasons.setdefault(str(event.get("reason", "")), []).append(event)
    refused = [
        Row((why, len(events), str(events[0]["ts"])[:19], str(events[-1]["ts"])[:19]), cited(events), "finding")
        for why, events in reasons.items()
    ]
    figures = [
        Row(("events in this time", tally.every.count), tally.every),
        Row(("lines in the log", setting.lines), Cited()),
        Row(("checkpoints signed in this time", signed.count), signed),
        Row(("verifier key", setting.key or "none"), level="" if setting.key else "unknown"),
    ]
    return Section(
        "checkpoints",
        "Checkpoints and verification",
        "The log was verified line by line when this report was written. A checkpoint that somebody else keeps is what "
        "shows later that nothing before it was changed.",
        (
            Table(
                "Verification", ("what", "found", "what to do"), tuple(_told(setting.verified)), "It was not verified."
            ),
            Table("Figures", ("what", "how many"), tuple(figures)),
            Table(
                "Anchors",
                ("anchor", "lines covered", "taken there (UTC)", "lines since"),
                tuple(anchored),
                "No checkpoint was taken off this machine: who holds the signing key could write the whole log anew.",
            ),
            Table("Refused to sign", ("why", "times", "first (UTC)", "last (UTC)"), tuple(refused)),
        ),
        notes=("How to verify without ragkit: docs/audit-verify.md.",),
    )


def _told(found: Sequence[Found]) -> list[Row]:
    return [Row((one.name, one.detail, one.remedy), _numbers(one.seqs), one.level) for one in found]


def _numbers(seqs: Sequence[int]) -> Cited:
    return cited([{"seq": seq} for seq in seqs])


def cannot_show(setting: Setting) -> tuple[str, ...]:
    """What no record of this kind can show, and what this one in particular cannot."""
    config = setting.config
    lines = [
        "Events that were never written: whoever reads documents, models or the network beside ragkit leaves none.",
        "Whether a recipient deleted, kept or passed on what was sent. The register holds what they declared.",
        "Whether a purpose was true. Purposes are keyed hashes of what somebody typed.",
        "Personal data that no detector found; the check `residual` gives a bound from a sample.",
        "Lines after the newest checkpoint that somebody else keeps, if the holder of the signing key wrote them anew.",
        "Copies made outside ragkit: file-system snapshots, exports, screenshots, the memory of people.",
        "Who sat at the machine. The local owner is whoever can read the workspace's key.",
    ]
    if not config.audit.anchors:
        lines.append("Here nothing is anchored, so the two lines above on checkpoints hold for the whole log.")
    if config.audit.writes != "required":
        lines.append(f"The audit mode is `{config.audit.mode}`: things may have been done that are not recorded.")
    if not config.audit.keeps_evidence:
        lines.append("No evidence is kept: what was asked and answered cannot be shown, only that it was.")
    if not config.audit.history_days:
        lines.append("No history of chunks is kept: an answer cannot be replayed once a document has changed.")
    return tuple(lines)
