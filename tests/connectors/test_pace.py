"""Calls come at an even rate."""

from __future__ import annotations

import pytest

from ragkit_connectors.pace import Pace


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def test_calls_are_spaced_evenly() -> None:
    """The first goes at once, each further one a gap later; time that passed anyway is not waited again."""
    clock = Clock()
    pace = Pace(4, clock=lambda: clock.now, sleep=clock.sleep)
    times = []
    for _ in range(3):
        pace.wait()
        times.append(clock.now)
    clock.now += 10
    pace.wait()
    assert times == [100.0, 100.25, 100.5]
    assert clock.now == 110.5


def test_a_server_that_asks_for_patience_gets_it() -> None:
    """``hold`` keeps the next call back, also where there is no rate."""
    clock = Clock()
    pace = Pace(0, clock=lambda: clock.now, sleep=clock.sleep)
    pace.hold(7)
    pace.wait()
    assert clock.now == 107.0
    with pytest.raises(ValueError, match="negative"):
        Pace(-1)
