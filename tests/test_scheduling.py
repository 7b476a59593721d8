"""The timetable of syncs: fixed beats, one run at a time, nothing kept from going on; by a clock of the test's own."""

from __future__ import annotations

from collections.abc import Collection

import pytest

from ragkit.config_sections import seconds_of
from ragkit.scheduling import AGAIN_S, IDLE_S, Round, Task, Timetable, keep_to


@pytest.mark.parametrize(("written", "seconds"), [("30s", 30), ("15m", 900), ("2h", 7_200), ("1d", 86_400)])
def test_a_duration_is_a_number_and_a_letter(written: str, seconds: int) -> None:
    """Seconds, minutes, hours, days."""
    assert seconds_of(written) == seconds


@pytest.mark.parametrize("written", ["", "15", "m", "0m", "-1m", "1.5h", "15 m", "1w", "15m ", "１m", "9999999s"])
def test_anything_else_is_no_duration(written: str) -> None:
    """No units of one's own, nothing that never comes, nothing that comes all the time."""
    with pytest.raises(ValueError, match="not a duration"):
        seconds_of(written)


def test_beats_are_multiples_of_the_interval_and_missed_ones_are_left_out() -> None:
    """A run from 0 to 25 with a beat of 10 goes on at 30: no drift, nothing made up for."""
    table = Timetable([Task("a", "sync", 10)], now=0)
    assert table.due(0) == Round(("a",))
    table.done(Round(("a",)), 25)
    assert (table.wait(25), table.due(29.9)) == (5, Round())
    assert table.due(30.2) == Round(("a",))
    table.done(Round(("a",)), 30.4)
    assert table.wait(30.4) == pytest.approx(9.6)


def test_a_sync_reads_permissions_too() -> None:
    """Where both are due there is one sync; permissions alone are read between, on their own beat."""
    table = Timetable([Task("a", "sync", 30), Task("a", "permissions", 10), Task("b", "permissions", 30)], now=0)
    assert table.due(0) == Round(("a",), ("b",))
    table.done(Round(("a",), ("b",)), 1)
    assert table.due(10) == Round((), ("a",))
    table.done(Round((), ("a",)), 11)
    assert table.due(20, changed={"a"}) == Round(("a",))
    table.done(Round(("a",)), 21)
    assert table.due(30) == Round(("a",), ("b",))


def test_an_empty_timetable_waits_for_news() -> None:
    """Where files alone are watched nothing is ever due by itself."""
    assert (Timetable([], now=0).wait(5), Timetable([], now=0).due(5)) == (IDLE_S, Round())


def test_the_loop_runs_one_at_a_time_goes_past_failures_and_ends_when_stopped() -> None:
    """Half a day by the test's clock: the rounds are where they should be, also after one that took long."""
    now, rounds, going = 0.0, list[tuple[float, Round]](), 0

    def work(ready: Round) -> None:
        nonlocal now, going
        assert not going, "two at once"
        going += 1
        rounds.append((now, ready))
        now += 20 * 60 if len(rounds) == 2 else 60
        going -= 1

    def pause(seconds: float) -> Collection[str]:
        nonlocal now
        if now > 3_000:
            raise KeyboardInterrupt
        now += seconds
        return ()

    with pytest.raises(KeyboardInterrupt):
        keep_to(Timetable([Task("a", "sync", 600)], now=0), work, clock=lambda: now, pause=pause)
    assert [at for at, _ in rounds] == [0, 600, 2_400, 3_000]


def test_what_changed_is_synced_at_once_and_nothing_else() -> None:
    """A folder's news brings one source forward; the others keep their beat. What is named at first comes at once."""
    now, rounds, news = 0.0, list[tuple[float, Round]](), [{"b"}, set[str]()]

    def pause(seconds: float) -> Collection[str]:
        nonlocal now
        if not news:
            raise KeyboardInterrupt
        now += 5
        return news.pop(0)

    with pytest.raises(KeyboardInterrupt):
        keep_to(
            Timetable([Task("a", "sync", 100)], now=0),
            lambda ready: rounds.append((now, ready)),
            clock=lambda: now,
            pause=pause,
            changed=["b"],
        )
    assert rounds == [(0, Round(("a", "b"))), (5, Round(("b",)))]


def test_what_changed_and_could_not_be_synced_is_tried_again() -> None:
    """A folder tells its news once: while another process writes, it is kept, and not made up for by a beat's place."""
    now, rounds = 0.0, list[tuple[float, Round]]()
    outcomes = [["b"], ["a", "b"], list[str]()]

    def work(ready: Round) -> Collection[str]:
        rounds.append((now, ready))
        return outcomes.pop(0)

    def pause(seconds: float) -> Collection[str]:
        nonlocal now
        if not outcomes:
            raise KeyboardInterrupt
        now += seconds
        return ()

    with pytest.raises(KeyboardInterrupt):
        keep_to(Timetable([Task("a", "sync", 60)], now=0), work, clock=lambda: now, pause=pause, changed=["b"])
    assert rounds == [(0, Round(("a", "b"))), (60, Round(("a", "b"))), (120, Round(("a", "b")))]
    table = Timetable([], now=0)
    table.done(Round(("b",)), 10, changed=["b"], failed=["b"])
    assert (table.wait(10), table.due(70)) == (AGAIN_S, Round(("b",)))
    table.done(Round(("b",)), 75)
    assert table.wait(75) == IDLE_S
