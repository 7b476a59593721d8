"""Places for blocking work: how many, in whose turn, until when, and given back in every case."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import aclosing
from typing import Any

import pytest

from ragkit.auth.callers import SCOPES, Caller
from ragkit.config_serve import LimitsSection
from ragkit.serve.admission import Admission
from ragkit.serve.current import CurrentRequest, set_current
from ragkit.serve.fairness import FairQueue
from ragkit.serve.replies import ClientGone, Overloaded, Stopping, TooLate, TooSlow
from ragkit.types import Principal


def caller(name: str = "ana", tenant: str = "shop") -> Caller:
    """Somebody who was let in."""
    return Caller(tenant, Principal(f"local|{name}"), frozenset(SCOPES), "key")


def played(scene: Callable[[Admission], Awaitable[None]], **limits: Any) -> None:
    """Play a scene on places with these limits."""

    async def play() -> None:
        admission = Admission(LimitsSection(**{"running": 1, "waiting": 4, **limits}))
        try:
            await asyncio.wait_for(scene(admission), 90)
        finally:
            admission.close()

    asyncio.run(play())


async def until(true: Callable[[], bool]) -> None:
    """Wait until something is so."""
    end = time.monotonic() + 60
    while not true():
        assert time.monotonic() < end, "it never came so"
        await asyncio.sleep(0.002)


def client() -> CurrentRequest:
    """Make this task one that answers a client, who can leave."""
    request = CurrentRequest("f" * 32, asyncio.get_running_loop().create_future())
    set_current(request)
    return request


def test_work_runs_in_threads_of_its_own_and_its_result_or_error_comes_back() -> None:
    """Neither the loop's thread nor one of anybody's pool runs it."""

    async def scene(admission: Admission) -> None:
        assert (await admission.run(caller(), lambda: threading.current_thread().name)).startswith("ragkit-ask")
        with pytest.raises(ZeroDivisionError):
            await admission.run(caller(), lambda: 1 // 0)
        with pytest.raises(RuntimeError, match="StopIteration"):
            await admission.run(caller(), lambda: next(iter(())))
        assert [piece async for piece in admission.stream(caller(), lambda: iter("abc"))] == ["a", "b", "c"]
        assert admission.places.running() == 0

    played(scene)


def test_no_more_run_than_places_and_no_more_wait_than_may() -> None:
    """What is beyond gets 429 with a time that follows from how long places are held."""

    async def scene(admission: Admission) -> None:
        free, most, now = threading.Event(), 0, 0
        lock = threading.Lock()

        def work() -> None:
            nonlocal most, now
            with lock:
                now += 1
                most = max(most, now)
            free.wait(60)
            with lock:
                now -= 1

        tasks = [asyncio.create_task(admission.run(caller(f"c{number}"), work)) for number in range(6)]
        await until(lambda: admission.places.running() == 2 and admission.places.waiting() == 4)
        with pytest.raises(Overloaded) as refused:
            await admission.run(caller("late"), work)
        assert 1 <= int(refused.value.headers["Retry-After"]) <= 600
        assert admission.places.refused["shop"] == 1
        free.set()
        await asyncio.gather(*tasks)
        assert most == 2
        assert (admission.places.running(), admission.places.waiting()) == (0, 0)

    played(scene, running=2)


def test_the_time_to_come_again_grows_with_what_waits_and_how_long_it_takes() -> None:
    """Ten of 3 s wait for one place: about half a minute."""

    async def scene(admission: Admission) -> None:
        places = admission.places
        for _ in range(40):
            place = await places.take(("shop", "a"), until=time.monotonic() + 1)
            place.since -= 3
            places.give_back(place)
        assert places.retry_after() in (3, 4)
        held = await places.take(("shop", "a"), until=time.monotonic() + 1)
        waiting = [asyncio.create_task(places.take(("shop", f"w{n}"), until=time.monotonic() + 5)) for n in range(9)]
        await until(lambda: places.waiting() == 9)
        assert 28 <= places.retry_after() <= 34
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        places.give_back(held)
        assert (places.running(), places.waiting()) == (0, 0)

    played(scene, waiting=9)


def test_one_caller_gets_no_more_than_its_share() -> None:
    """Its third is refused while others are let in; one with a place of its own counts too."""

    async def scene(admission: Admission) -> None:
        free = threading.Event()
        tasks = [asyncio.create_task(admission.run(caller("greedy"), lambda: free.wait(60))) for _ in range(2)]
        await until(lambda: admission.places.running() + admission.places.waiting() == 2)
        with pytest.raises(Overloaded):
            await admission.run(caller("greedy"), lambda: None)
        tasks.append(asyncio.create_task(admission.run(caller("modest"), lambda: True)))
        await until(lambda: admission.places.waiting() == 2)
        free.set()
        await asyncio.gather(*tasks)
        assert await admission.run(caller("greedy"), lambda: 1) == 1

    played(scene, per_caller=2)


def test_tenants_and_callers_take_turns() -> None:
    """Whoever came with many does not keep whoever came with one waiting for all of them."""
    line: FairQueue[str] = FairQueue()
    for whose, item in [
        (("a", "x"), "ax1"), (("a", "x"), "ax2"), (("a", "x"), "ax3"), (("a", "y"), "ay1"), (("b", "z"), "bz1"),
    ]:  # fmt: skip
        line.put(whose, item)
    assert line.of_tenant("a") == 4
    assert line.remove(("a", "x"), "ax3")
    assert not line.remove(("a", "x"), "ax3")
    assert [line.take() for _ in range(len(line))] == ["ax1", "bz1", "ay1", "ax2"]
    with pytest.raises(IndexError):
        line.take()


def test_nobody_fills_the_line_for_the_others() -> None:
    """When it is full, the last of whoever has most of it gives way: among tenants, a tenant's visitors, callers."""

    async def scene(admission: Admission) -> None:
        places, until_then = admission.places, time.monotonic() + 60

        def waits(tenant: str, subject: str) -> asyncio.Task[Any]:
            return asyncio.create_task(places.take((tenant, subject), until=until_then))

        held = await places.take(("shop", "chat|0"), until=until_then)
        visitors = [waits("shop", f"chat|{number}") for number in range(4)]
        await until(lambda: places.waiting() == 4)
        staff, other = waits("shop", "crm|bo"), waits("other", "crm|eve")
        await until(lambda: sum(one.done() for one in visitors) == 2)
        assert [one.done() for one in (*visitors, staff, other)] == [False, False, True, True, False, False]
        for one in visitors[2:]:
            with pytest.raises(Overloaded):
                one.result()
        assert (places.waiting(), places.waiting("shop"), places.refused["shop"]) == (4, 3, 2)
        with pytest.raises(Overloaded):  # nobody has more than one more
            await places.take(("shop", "chat|9"), until=until_then)
        places.give_back(held)
        for task in (visitors[0], staff, other, visitors[1]):
            places.give_back(await asyncio.wait_for(task, 5))
        assert (places.running(), places.waiting()) == (0, 0)

    played(scene)


def test_one_caller_of_a_tenant_gives_way_to_another() -> None:
    """Who waits with several gives up the last of them; who would then have as many does not."""

    async def scene(admission: Admission) -> None:
        places, until_then = admission.places, time.monotonic() + 60
        held = await places.take(("shop", "greedy"), until=until_then)
        many = [asyncio.create_task(places.take(("shop", "greedy"), until=until_then)) for _ in range(4)]
        await until(lambda: places.waiting() == 4)
        few = [asyncio.create_task(places.take(("shop", "modest"), until=until_then)) for _ in range(3)]
        await until(lambda: many[3].done() and many[2].done() and few[2].done())
        assert [one.done() for one in (*many, *few)] == [False, False, True, True, False, False, True]
        for task in (many[2], many[3], few[2]):
            with pytest.raises(Overloaded):
                task.result()
        places.give_back(held)
        for task in (many[0], few[0], many[1], few[1]):
            places.give_back(await asyncio.wait_for(task, 5))

    played(scene)


def test_who_waits_too_long_is_told_and_what_runs_too_long_keeps_its_place() -> None:
    """503 before the turn, 504 after; a thread cannot be killed, so its place is taken until it ends."""

    async def scene(admission: Admission) -> None:
        free = threading.Event()
        running = asyncio.create_task(admission.run(caller(), lambda: free.wait(60)))
        await until(lambda: admission.places.running() == 1)
        with pytest.raises(TooLate):
            await admission.run(caller("other"), lambda: None)
        with pytest.raises(TooSlow):
            await running
        assert admission.places.running() == 1
        free.set()
        await until(lambda: admission.places.running() == 0)

    played(scene, request_seconds=0.1)


def test_a_client_that_leaves_gives_up_its_turn() -> None:
    """Its work is never begun."""

    async def scene(admission: Admission) -> None:
        free, begun = threading.Event(), []
        running = asyncio.create_task(admission.run(caller(), lambda: free.wait(60)))
        await until(lambda: admission.places.running() == 1)

        async def one() -> None:
            request = client()
            asyncio.get_running_loop().call_later(0.02, request.gone.set_result, None)
            await admission.run(caller("leaver"), lambda: begun.append(1))

        with pytest.raises(ClientGone):
            await asyncio.create_task(one())
        assert admission.places.waiting() == 0
        free.set()
        await running
        assert not begun

    played(scene)


def test_a_cancelled_call_frees_its_turn_or_leaves_its_place_until_the_work_ends() -> None:
    """Cancelled while it waits: gone from the line. Cancelled while it runs: counted until the thread is back."""

    async def scene(admission: Admission) -> None:
        free = threading.Event()
        running = asyncio.create_task(admission.run(caller(), lambda: free.wait(60)))
        waiting = asyncio.create_task(admission.run(caller("b"), lambda: None))
        await until(lambda: admission.places.waiting() == 1)
        waiting.cancel()
        running.cancel()
        await asyncio.gather(waiting, running, return_exceptions=True)
        assert (admission.places.running(), admission.places.waiting()) == (1, 0)
        free.set()
        await until(lambda: admission.places.running() == 0)

    played(scene)


class Pieces:
    """An iterator that tells when it is closed; between two pieces it waits for a word."""

    def __init__(self, *, hold: bool = True) -> None:
        self.go, self.closed = threading.Semaphore(0), threading.Event()
        self._hold = hold

    def __call__(self) -> Iterator[int]:
        number = 0
        try:
            while True:
                if self._hold:
                    self.go.acquire(timeout=60)
                yield number
                number += 1
        finally:
            self.closed.set()


def test_a_stream_that_is_left_is_closed_in_its_thread_and_its_place_given_back() -> None:
    """Left by the consumer between two pieces."""

    async def scene(admission: Admission) -> None:
        pieces = Pieces()
        pieces.go.release()
        async with aclosing(admission.stream(caller(), pieces)) as stream:  # type: ignore[type-var]
            assert await anext(stream) == 0
        pieces.go.release()
        await until(lambda: pieces.closed.is_set() and admission.places.running() == 0)

    played(scene)


def test_a_client_that_leaves_before_the_first_piece_ends_the_stream() -> None:
    """The route that waits for the first piece is told, and the iterator is closed at its next piece."""

    async def scene(admission: Admission) -> None:
        pieces, request = Pieces(), client()
        asyncio.get_running_loop().call_later(0.02, request.gone.set_result, None)
        with pytest.raises(ClientGone):
            await anext(admission.stream(caller(), pieces))
        pieces.go.release()
        await until(lambda: pieces.closed.is_set() and admission.places.running() == 0)

    played(scene)


def test_a_stream_that_nobody_closes_ends_with_its_request() -> None:
    """A generator that is left is not always closed at once; its place is not to wait for the garbage collector."""

    async def scene(admission: Admission) -> None:
        pieces, request = Pieces(hold=False), client()
        stream = admission.stream(caller(), pieces)
        assert await anext(stream) == 0
        assert admission.places.running() == 1
        request.end()
        await until(lambda: pieces.closed.is_set() and admission.places.running() == 0)
        with pytest.raises(ClientGone):
            await anext(stream)

    played(scene)


def test_a_slow_reader_of_a_stream_holds_no_place() -> None:
    """The thread reads ahead; the pieces are all there when the reader comes."""

    async def scene(admission: Admission) -> None:
        stream = admission.stream(caller(), lambda: iter(range(1_000)))
        assert await anext(stream) == 0
        await until(lambda: admission.places.running() == 0)
        assert [piece async for piece in stream] == list(range(1, 1_000))

    played(scene)


def test_a_stream_without_end_is_held_up_and_cut_at_the_deadline() -> None:
    """What nobody reads is not read ahead for ever, neither in memory nor in time."""

    async def scene(admission: Admission) -> None:
        pieces = Pieces(hold=False)
        stream = admission.stream(caller(), pieces)
        assert await anext(stream) == 0
        await until(pieces.closed.is_set)
        last = 0
        with pytest.raises(TooSlow):  # noqa: PT012 - the stream is what raises
            async for number in stream:
                last = number
        assert 0 < last < 5_000

    played(scene, request_seconds=0.2)


def test_an_error_of_a_stream_comes_in_place_of_a_piece() -> None:
    """Before the first one and after it."""

    def torn() -> Iterator[int]:
        yield 1
        raise ZeroDivisionError

    async def scene(admission: Admission) -> None:
        got = []
        with pytest.raises(ZeroDivisionError):  # noqa: PT012 - the stream is what raises
            async for piece in admission.stream(caller(), torn):
                got.append(piece)  # noqa: PERF401 - what came before the error is wanted
        assert got == [1]
        with pytest.raises(ZeroDivisionError):
            await anext(admission.stream(caller(), lambda: iter([1 // 0])))
        await until(lambda: admission.places.running() == 0)

    played(scene)


def test_at_the_end_who_waits_is_sent_away_and_nobody_is_let_in() -> None:
    """What runs may end."""

    async def scene(admission: Admission) -> None:
        free = threading.Event()
        running = asyncio.create_task(admission.run(caller(), lambda: free.wait(60)))
        waiting = asyncio.create_task(admission.run(caller("b"), lambda: None))
        await until(lambda: admission.places.waiting() == 1)
        admission.close()
        with pytest.raises(Stopping):
            await waiting
        with pytest.raises(Stopping):
            await admission.run(caller(), lambda: None)
        free.set()
        assert await running

    played(scene)


def test_the_wait_for_a_place_is_noted_with_the_request() -> None:
    """For the log and the figures."""

    async def scene(admission: Admission) -> None:
        free = threading.Event()
        running = asyncio.create_task(admission.run(caller(), lambda: free.wait(60)))
        await until(lambda: admission.places.running() == 1)

        async def one() -> float:
            request = client()
            asyncio.get_running_loop().call_later(0.05, free.set)
            await admission.run(caller("b"), lambda: None)
            return request.queue_ms

        assert await asyncio.create_task(one()) >= 20
        await running

    played(scene)
