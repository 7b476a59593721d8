"""Work of several threads done together: everybody gets their own results, and what fails fails for its batch only."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from ragkit.models.together import Together


def test_what_waits_is_done_in_one_go_and_everybody_gets_their_own() -> None:
    """Ten callers that come while the first is served are served by one call, each with what is theirs."""
    batches: list[list[int]] = []
    begun, go_on = threading.Event(), threading.Event()

    def work(items: Sequence[int]) -> list[int]:
        batches.append(list(items))
        begun.set()
        assert go_on.wait(10)
        return [item * 10 for item in items]

    together = Together(work, most=100)
    with ThreadPoolExecutor(11) as pool:
        first = pool.submit(together.do, [1])
        assert begun.wait(10)
        others = [pool.submit(together.do, [number, number + 1]) for number in range(100, 120, 2)]
        while len(together._waiting) < 10:
            pass
        go_on.set()
        assert list(first.result(10)) == [10]
        assert [list(one.result(10)) for one in others] == [
            [number * 10, number * 10 + 10] for number in range(100, 120, 2)
        ]
    assert [len(batch) for batch in batches] == [1, 20]


def test_a_batch_is_bounded_and_one_caller_may_bring_more() -> None:
    """No call of the work holds more than ``most`` items, unless one caller alone brings them."""
    sizes: list[int] = []
    go_on = threading.Event()

    def work(items: Sequence[int]) -> Sequence[int]:
        sizes.append(len(items))
        assert go_on.wait(10)
        return items

    together = Together(work, most=4)
    with ThreadPoolExecutor(12) as pool:
        asked = [pool.submit(together.do, [number]) for number in range(10)]
        asked.append(pool.submit(together.do, list(range(7))))
        while len(together._waiting) < 10:
            pass
        go_on.set()
        results = [list(one.result(10)) for one in asked]
    assert results == [[number] for number in range(10)] + [list(range(7))]
    assert max(size for size in sizes if size != 7) <= 4


def test_a_failure_reaches_everybody_of_its_batch_and_nobody_after() -> None:
    """What the work raises is raised to who brought the items; the next call works."""

    def work(items: Sequence[int]) -> Sequence[int]:
        if 13 in items:
            raise ValueError("thirteen")
        return items

    together = Together(work, most=4)
    with pytest.raises(ValueError, match="thirteen"):
        together.do([13])
    assert list(together.do([14])) == [14]
