"""Reading the event log: by type, request, actor, document and time; torn lines are nobody's."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ragkit.audit.schema import canonical
from ragkit.compliance.events import EventLog, documents_of, moment, stamped
from ragkit.errors import ConfigError

REQUEST, OTHER = "0" * 16, "1" * 16


def _event(seq: int, kind: str, *, day: int = 1, **more: Any) -> bytes:
    plain = {"actor": {"id": "h:" + "a" * 20}, "data": {}, "outcome": "ok", "request": "", "session": ""}
    return canonical(plain | {"seq": seq, "ts": f"2026-11-{day:02d}T10:00:00.000000Z", "type": kind} | more) + b"\n"


@pytest.fixture
def log(tmp_path: Path) -> EventLog:
    """Two segments: a torn line that was closed off, and one that is still being written."""
    first = [
        _event(1, "query.received", request=REQUEST),
        _event(2, "retrieval.done", request=REQUEST, data={"chunks": [{"chunk": 1, "doc": "d" * 20}]}),
        _event(3, "egress.intent", request=OTHER, day=2, data={"conversation": "c" * 20}),
        b'{"data":{},"seq":4,"type":"egr\n',
    ]
    second = [
        _event(4, "log.recovered", day=2, data={"bytes": 31, "segment": 1}),
        _event(5, "egress.blocked", outcome="denied", day=3, session="s" * 20),
        _event(6, "doc.added", day=3, actor={"id": "h:" + "b" * 20}, data={"doc": "d" * 20}),
        b'{"data":{},"seq":7',
    ]
    (tmp_path / "00000001.jsonl").write_bytes(b"".join(first))
    (tmp_path / "00000002.jsonl").write_bytes(b"".join(second))
    return EventLog(tmp_path)


@pytest.mark.parametrize(
    ("kinds", "asked", "found"),
    [
        ((), {}, [1, 2, 3, 4, 5, 6]),
        (("egress.",), {}, [3, 5]),
        (("egress.intent", "doc.added"), {}, [3, 6]),
        (("egress",), {}, []),
        ((), {"request": REQUEST}, [1, 2]),
        ((), {"session": "c" * 20}, [3]),
        ((), {"session": "s" * 20}, [5]),
        ((), {"actor": "h:" + "b" * 20}, [6]),
        ((), {"outcome": "denied"}, [5]),
        ((), {"doc": "d" * 20}, [2, 6]),
        (("doc.",), {"doc": "d" * 20}, [6]),
        ((), {"since": moment("2026-11-02")}, [3, 4, 5, 6]),
        ((), {"until": moment("2026-11-02")}, [1, 2]),
        ((), {"since": moment("2026-11-02"), "until": moment("2026-11-02", end=True)}, [3, 4]),
        ((), {"since": moment("2026-11-02T10:00"), "until": moment("2026-11-03T12:00+02:00")}, [3, 4]),
        ((), {"since": 2, "until": 4}, [2, 3, 4]),
    ],
)
def test_what_fits_is_found(log: EventLog, kinds: tuple[str, ...], asked: dict[str, Any], found: list[int]) -> None:
    """Each filter narrows; together they all hold; a family ends in a dot."""
    assert [event["seq"] for event in log.read(*kinds, **asked)] == found


def test_the_last_of_a_type_is_found_in_an_older_segment_too(log: EventLog) -> None:
    """``last`` goes back through the segments."""
    newest, left = log.last(), log.last("retrieval.done", "query.")
    assert newest is not None
    assert newest["seq"] == 6
    assert left is not None
    assert left["seq"] == 2
    assert log.last("key.") is None
    before = log.last("egress.", before=moment("2026-11-03"))
    assert before is not None
    assert before["seq"] == 3


def test_lines_tell_of_torn_ones_and_leave_out_the_one_being_written(log: EventLog) -> None:
    """A torn line has a length and no event."""
    lines = list(log.lines())
    assert [line.event and line.event["seq"] for line in lines] == [1, 2, 3, None, 4, 5, 6]
    assert [line.segment for line in lines] == [1, 1, 1, 1, 2, 2, 2]
    assert lines[3].length == 30


def test_a_log_that_does_not_exist_is_empty(tmp_path: Path) -> None:
    """Nothing was recorded yet, which is no error."""
    log = EventLog(tmp_path / "none")
    assert list(log.read()) == []
    assert list(log.lines()) == []
    assert log.last() is None


def test_the_documents_of_an_event_are_those_it_lists(log: EventLog) -> None:
    """By ``doc``, and by the chunks that were found."""
    assert [documents_of(event) for event in log.read("retrieval.done", "doc.")] == [{"d" * 20}, {"d" * 20}]


def test_times_are_utc_unless_they_say_otherwise(log: EventLog) -> None:
    """A day as an end is its last moment."""
    assert moment("2026-11-01") == datetime(2026, 11, 1, tzinfo=UTC)
    assert moment("2026-11-01", end=True) == datetime(2026, 11, 2, tzinfo=UTC)
    assert moment("2026-11-01T10:00", end=True) == moment("2026-11-01T12:00+02:00") == moment("2026-11-01T10:00Z")
    assert stamped(next(log.read())) == datetime(2026, 11, 1, 10, tzinfo=UTC)


@pytest.mark.parametrize("text", ["", "yesterday", "2026-13-01", "01.11.2026"])
def test_what_is_no_time_is_refused_without_being_repeated(text: str) -> None:
    """The message does not hold what was typed."""
    with pytest.raises(ConfigError) as refused:
        moment(text)
    assert not text or text not in str(refused.value)
