"""Ids as somebody types them: whole, cut as the log prints them, or the number of an event."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from ragkit.compliance.events import EventLog, moment
from ragkit.compliance.finding_ids import named, time_of, whole_id
from ragkit.errors import UnknownId

ONE, TWO, THREE = "94f8b55a" + "0" * 24, "94f8b55a" + "1" * 24, "12345678" + "a" * 24


@pytest.fixture
def log(tmp_path: Path) -> EventLog:
    """Two requests that begin alike, a third whose first characters are digits, and number 3 missing."""
    plain = {"type": "query.received", "ts": "2026-11-01T10:00:00.000000Z", "outcome": "ok", "data": {}}
    lines = [json.dumps(plain | {"seq": seq, "request": of}) for seq, of in ((1, ONE), (2, TWO), (4, THREE))]
    (tmp_path / "00000001.jsonl").write_text("".join(line.replace(": ", ":") + "\n" for line in lines))
    return EventLog(tmp_path)


@pytest.mark.parametrize("typed", [ONE, f"#{ONE}", ONE[:9], f" #{ONE[:12]} "])
def test_an_id_is_known_by_its_first_characters(log: EventLog, typed: str) -> None:
    """With or without the sign that the log prints before it."""
    found, events = named(log, typed)
    assert (found, [one["seq"] for one in events]) == (ONE, [1])


def test_first_characters_that_are_digits_are_a_number_only_where_there_is_one(log: EventLog) -> None:
    """No log has as many events, mostly."""
    assert named(log, "#12345678")[0] == THREE
    assert [one["seq"] for one in named(log, "4")[1]] == [4]


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("94f8b55a", "2 ids of the log begin so"),
        ("94f8b55", "nothing in the log has this id"),
        ("ffffffff", "nothing in the log has this id"),
        ("query.re", "nothing in the log has this id"),
        ("#3", "the number is missing"),
        ("#5", "nothing in the log has this id"),
        ("0", "nothing in the log has this id"),
    ],
)
def test_what_the_log_does_not_have_is_told_apart(log: EventLog, typed: str, said: str) -> None:
    """Several, none, a hole in the numbers, and a number that is not reached."""
    with pytest.raises(UnknownId, match=said) as refused:
        named(log, typed)
    assert refused.value.remedy


def test_a_number_stands_for_its_time(log: EventLog) -> None:
    """As an end it is within; a number that is missing means the next event, or as an end the one before."""
    ten = moment("2026-11-01T10:00")
    assert time_of(log, ten) == time_of(log, 1) == time_of(log, 3) == ten
    assert time_of(log, 3, end=True) == ten + timedelta(microseconds=1)
    for number, end in ((5, False), (0, True)):
        with pytest.raises(UnknownId, match="no event of this number"):
            time_of(log, number, end=end)


def test_what_begins_no_id_stays_as_it_is(log: EventLog) -> None:
    """Whoever asks on tells that it is unknown."""
    assert whole_id(log, "ffffffff") == "ffffffff"
    assert whole_id(log, "#94f") == "94f"
