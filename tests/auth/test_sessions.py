"""Browser sessions and visitors' cookies."""

from __future__ import annotations

import pytest

from ragkit.auth import sessions
from ragkit.auth.sessions import IDLE_SECONDS, SESSION_SECONDS, VISITOR_SECONDS, Sessions, Visitors
from ragkit.auth.throttle import Throttle

SECRET = bytes(range(32))


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_session_is_found_by_its_cookie_alone() -> None:
    """And no part or variation of it; its value is nowhere in what is kept."""
    kept = Sessions()
    value = kept.begin("shop", "key1")
    found = kept.find(value)
    assert found is not None
    assert (found.tenant, found.credential) == ("shop", "key1")
    assert kept.find(value[:-1]) is None
    assert kept.find(value.swapcase()) is None
    assert kept.find("") is None
    assert value not in repr(vars(kept))


def test_a_session_ends_when_it_is_quiet_or_old() -> None:
    """Two hours without use, twelve hours in all; being used does not prolong the latter."""
    clock = Clock()
    kept = Sessions(clock=clock)
    quiet, busy = kept.begin("shop", "a"), kept.begin("shop", "b")
    for _ in range(int(SESSION_SECONDS / 3600)):
        clock.now += 3600
        assert kept.find(busy) is not None
    assert kept.find(quiet) is None
    clock.now += 1
    assert kept.find(busy) is None
    again = kept.begin("shop", "c")
    clock.now += IDLE_SECONDS + 1
    assert kept.find(again) is None
    assert len(kept) == 0


def test_logging_out_ends_one_and_a_dead_key_all() -> None:
    """Other people's sessions go on."""
    kept = Sessions()
    mine, also, other = kept.begin("shop", "a"), kept.begin("shop", "a"), kept.begin("shop", "b")
    kept.end(mine)
    assert kept.find(mine) is None
    assert kept.find(also) is not None
    kept.end_of("shop", "a")
    assert kept.find(also) is None
    assert kept.find(other) is not None


def test_nobody_fills_the_memory_or_drives_others_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """One key has a bounded number of sessions; of all, the one that was quiet longest goes."""
    monkeypatch.setattr(sessions, "_MOST", 60)
    kept = Sessions()
    other = kept.begin("shop", "other")
    mine = [kept.begin("shop", "greedy") for _ in range(200)]
    assert kept.find(other) is not None
    assert sum(kept.find(one) is not None for one in mine) == 50
    for number in range(100):
        kept.begin("shop", f"key{number}")
    assert len(kept) == 60


def test_a_visitors_cookie_is_read_back_by_its_tenant() -> None:
    """The id stays when it is renewed; another tenant and another secret read nothing."""
    mine = Visitors("shop", SECRET)
    visitor, cookie = mine.make()
    assert mine.read(cookie) == visitor
    same, renewed = mine.make(visitor)
    assert same == visitor
    assert mine.read(renewed) == visitor
    assert Visitors("other", SECRET).read(cookie) is None
    assert Visitors("shop", bytes(32)).read(cookie) is None
    assert mine.make()[0] != visitor


@pytest.mark.parametrize("change", ["", ".", "..", "a.b.c", "{v}.9999999999.{m}", "{v}.{e}.", "{v}.{e}", "{e}.{v}.{m}"])
def test_a_made_up_cookie_is_nobodys(change: str) -> None:
    """A later end, another id, no mark."""
    visitors = Visitors("shop", SECRET)
    visitor, ends, mark = visitors.make()[1].split(".")
    assert visitors.read(change.format(v=visitor, e=ends, m=mark)) is None
    assert visitors.read(f"{visitor}.{ends}.{mark}") == visitor
    assert visitors.read(f"{'0' * 32}.{ends}.{mark}") is None
    assert visitors.read(f"{visitor}.{ends}.{mark}" + "x" * 400) is None
    assert visitors.read(f"{visitor}.\N{ARABIC-INDIC DIGIT ONE}.{mark}") is None


def test_a_visit_ends() -> None:
    """After a day."""
    clock = Clock()
    visitors = Visitors("shop", SECRET, clock=clock)
    _, cookie = visitors.make()
    clock.now += VISITOR_SECONDS - 1
    assert visitors.read(cookie) is not None
    clock.now += 1
    assert visitors.read(cookie) is None


def test_a_throttle_counts_each_for_itself_and_begins_anew() -> None:
    """So often in a stretch; the next stretch begins at zero."""
    clock = Clock()
    throttle = Throttle(2, 60, clock=clock)
    assert [throttle.passes("a") for _ in range(3)] == [True, True, False]
    assert throttle.passes("b")
    assert throttle.left("a") == 60
    clock.now += 60
    assert throttle.passes("a")


def test_a_throttle_is_bounded() -> None:
    """A million addresses use no more memory than ten thousand; who fails now is still counted."""
    throttle = Throttle(1, 60)
    for number in range(10_500):
        throttle.passes(f"2001:db8::{number:x}")
    assert len(throttle) == 10_000
    assert not throttle.passes("2001:db8::2903")
