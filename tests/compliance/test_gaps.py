"""What the log says of itself that is missing or odd: each fault planted alone, and found alone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, get_args

import pytest

from ragkit.audit.schema import canonical
from ragkit.compliance.events import EventLog, moment
from ragkit.compliance.gap_remedies import REMEDIES
from ragkit.compliance.gaps import ABOUT, Kind, gaps

ONE, OTHER = "aaaaaaaa:1:1", "bbbbbbbb:7:1"
BEGUN = datetime(2026, 11, 1, 10, tzinfo=UTC)
Line = dict[str, Any] | bytes
Write = Callable[..., EventLog]


def event(kind: str, *, after: float = 0, writer: str = ONE, boot: str = "b1", **more: Any) -> dict[str, Any]:
    """An event so many seconds after the first."""
    stamp = (BEGUN + timedelta(seconds=after)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    plain = {"data": {}, "outcome": "ok", "reason": "", "request": "", "actor": {"id": "system"}, "id": "0" * 32}
    return plain | {"type": kind, "ts": stamp, "writer": writer, "boot": boot} | more


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write events, numbered from 1 unless they have a number, and torn lines as they are."""

    def written(*lines: Line) -> EventLog:
        seq, out = 0, b""
        for line in lines:
            if isinstance(line, bytes):
                out += line + b"\n"
                continue
            seq = line.get("seq", seq + 1)
            out += canonical({**line, "seq": seq}) + b"\n"
        (tmp_path / "00000001.jsonl").write_bytes(out)
        return EventLog(tmp_path)

    return written


def found(log: EventLog, **asked: Any) -> list[tuple[str, int, dict[str, int]]]:
    """Kind, number and figures of what is found."""
    return [(one.kind, one.seq, dict(one.counts)) for one in gaps(log, **asked)]


def test_a_whole_log_has_no_gap(write: Write) -> None:
    """Two processes, one after the other, with everything they began brought to its end."""
    log = write(
        event("log.opened"),
        event("ingest.run.started", data={"run": "r" * 16}),
        event("ingest.run.finished", data={"run": "r" * 16}),
        event("answer.begun", request="q" * 16),
        event("answer.released", request="q" * 16),
        event("egress.intent", request="q" * 16, data={"destination": "far", "attempt": 1}),
        event("egress.done", request="q" * 16, data={"destination": "far", "attempts": 1}),
        event("log.closed", data={"calls": {"generate": 1, "webhook": 5}}),
        event("log.opened", writer=OTHER, boot="b2", after=9),
        event("log.closed", writer=OTHER, boot="b2", after=9),
    )
    assert found(log) == []


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([event("log.opened", seq=4)], ("hole", 4, {"missing": 3})),
        ([event("log.opened"), event("auth.ok", seq=5)], ("hole", 1, {"missing": 3})),
        ([event("log.opened"), event("auth.ok", seq=1)], ("repeated", 1, {"back": 1})),
        ([event("log.opened", after=60), event("auth.ok")], ("clock-backwards", 2, {"ms": 60_000})),
        ([event("log.opened"), event("clock.jump", data={"ms": -5000})], ("clock-jump", 2, {"ms": -5000})),
        ([event("log.opened"), b'{"half', event("auth.ok")], ("torn-line", 1, {"segment": 1, "bytes": 6})),
        ([event("log.opened"), event("log.dropped", data={"events": 3})], ("dropped", 2, {"events": 3})),
        ([event("log.opened"), event("log.reopened", data={"segment": 1})], ("reopened", 2, {"segment": 1})),
        ([event("log.opened"), event("sink.failed", data={"sink": "siem"})], ("sink-failed", 2, {})),
        ([event("ingest.run.started", data={"run": "r" * 16})], ("open-run", 1, {})),
        ([event("answer.begun", request="q" * 16)], ("open-answer", 1, {})),
        ([event("erasure.requested", request="q" * 16)], ("open-erasure", 1, {})),
        (
            [event("erasure.requested", request="q" * 16), event("erasure.receipt", data={"complete": False})],
            ("open-erasure", 1, {}),
        ),
        ([event("egress.intent", data={"destination": "far", "bytes": 9})], ("open-egress", 1, {"bytes": 9})),
    ],
)
def test_each_fault_is_found_alone(write: Write, lines: list[Line], expected: tuple[str, int, dict[str, int]]) -> None:
    """By its kind, the number of the event, and its figures."""
    assert found(write(*lines, event("log.closed", after=60))) == [expected]


def test_a_torn_line_that_was_closed_off_is_told_as_such(write: Write) -> None:
    """``log.recovered`` right behind it, with its length, explains it; with another length it does not."""
    told = write(event("log.opened"), b'{"half', event("log.recovered", data={"bytes": 6}), event("log.closed"))
    assert [kind for kind, *_ in found(told)] == ["recovered"]
    other = write(event("log.opened"), b'{"half', event("log.recovered", data={"bytes": 7}), event("log.closed"))
    assert [kind for kind, *_ in found(other)] == ["torn-line", "recovered"]


def test_a_process_that_never_closed_is_told_unless_it_is_the_one_that_asks(write: Write) -> None:
    """It may have been killed, or it may still run."""
    log = write(event("log.opened"), event("auth.ok"))
    assert found(log) == [("unclosed", 2, {})]
    assert found(log, running=ONE) == []


def test_more_calls_than_the_log_holds_are_told(write: Write) -> None:
    """Compared process by process, so that one's silence is not covered by another's intents."""
    asked = {"destination": "far", "attempt": 1}
    log = write(
        event("egress.intent", data=asked),
        event("egress.done", data={**asked, "attempts": 1}),
        event("egress.probed", data={"destination": "far"}),
        event("egress.done", data={"destination": "far"}),
        event("log.closed", data={"calls": {"generate": 2}}),
        event("log.opened", writer=OTHER),
        event("log.closed", writer=OTHER, data={"calls": {"generate": 1}}),
    )
    assert found(log) == [("unlogged-egress", 7, {"calls": 1, "logged": 0})]


def test_two_machines_that_write_at_once_are_told(write: Write) -> None:
    """Their events stand between each other's; processes of one machine may."""
    mixed = [event("log.opened"), event("log.opened", writer=OTHER, boot="b2"), event("log.closed")]
    ends = [event("log.closed", writer=OTHER, boot="b2")]
    assert found(write(*mixed, *ends)) == [("overlap", 2, {"events": 1})]
    same = "aaaaaaaa:2:2"
    log = write(
        event("log.opened"), event("log.opened", writer=same), event("log.closed"), event("log.closed", writer=same)
    )
    assert found(log) == []


def test_events_without_a_signature_for_too_long_are_told(write: Write) -> None:
    """From the first unsigned event to its checkpoint, or to the end of the log."""
    signed = event("checkpoint", after=100, data={"size": 2})
    log = write(event("log.opened"), signed, event("auth.ok", after=101), event("log.closed", after=500))
    assert found(log, every_seconds=60) == [("no-checkpoint", 3, {"ms": 399_000, "events": 1})]
    assert found(log, every_seconds=30)[0] == ("no-checkpoint", 1, {"ms": 100_000, "events": 1})
    assert found(log) == []


def test_a_stretch_of_time_can_be_asked_for(write: Write) -> None:
    """By time or by number; what began before it and has no end is of its beginning."""
    log = write(
        event("log.opened", seq=3), event("auth.ok", seq=9, after=7200), event("log.closed", seq=12, after=7300)
    )
    assert [seq for _, seq, _ in found(log)] == [3, 3, 9]
    assert [seq for _, seq, _ in found(log, since=moment("2026-11-01T11:00"))] == [9]
    assert [seq for _, seq, _ in found(log, until=3)] == [3, 3]
    assert [seq for _, seq, _ in found(log, since=4)] == [9]


def test_every_kind_is_explained() -> None:
    """In a sentence, for whoever reads the list."""
    assert set(ABOUT) == set(get_args(Kind))


def test_a_refusal_that_every_process_notes_is_told_once(write: Write) -> None:
    """With how often and the last; another reason is another line, and each says what to do."""
    refused = [event("checkpoint.refused", reason="edited", after=one, data={"size": 9}) for one in (1, 2, 3)]
    log = write(event("log.opened"), *refused, event("checkpoint.refused", reason="rolled-back"), event("log.closed"))
    first, other = gaps(log)
    assert (first.seq, first.about, first.counts) == (2, "edited", {"size": 9, "times": 3, "last": 4})
    assert (other.seq, other.about, other.counts) == (5, "rolled-back", {})
    assert "audit verify" in first.remedy


def test_every_kind_has_a_sentence_and_a_remedy() -> None:
    """So that no finding leaves its reader alone."""
    assert set(REMEDIES) == set(ABOUT) == set(get_args(Kind))
    assert all(one.endswith(".") for one in REMEDIES.values())
