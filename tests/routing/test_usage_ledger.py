"""The ledger of usage: nothing is spent twice, by however many threads and processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ragkit.errors import StoreError
from ragkit.routing.accounts import Held, Limit, Spender, Spent, Standing
from ragkit.routing.ledger import LONGEST_CALL_SECONDS, UsageLedger
from ragkit.routing.owner import Owner
from ragkit.types import Principal, TokenUsage

KEY = b"k" * 32
ANA = Principal("local|ana", frozenset({"crm|sales"}))
BEN = Principal("local|ben", frozenset({"crm|sales", "crm|board"}))
MONTH = date(2026, 11, 1)


def at(day: int, hour: int = 12) -> datetime:
    """A time in November."""
    return datetime(2026, 11, day, hour, tzinfo=UTC)


@pytest.fixture
def ledger(tmp_path: Path) -> UsageLedger:
    """A ledger whose clock stands still."""
    return UsageLedger(tmp_path / "usage.db", key=KEY, clock=lambda: at(22))


def spender(principal: Principal | None = ANA, generator: str = "small", collection: str = "care") -> Spender:
    """Who calls what."""
    return Spender(generator=generator, collection=collection, principal=principal)


def tokens(limit: int, **more: object) -> list[Limit]:
    """One limit on tokens since the first of November."""
    return [Limit(number=0, since=MONTH, tokens=limit, **more)]  # type: ignore[arg-type]


def held(made: Held | Standing) -> Held:
    """The reservation, which must have fitted."""
    assert isinstance(made, Held)
    return made


def test_what_is_reserved_is_not_there_for_others(ledger: UsageLedger) -> None:
    """A reservation counts until it is settled or given back; then the truth does."""
    first = held(ledger.reserve(spender(), tokens=600, cost_micro=None, limits=tokens(1_000)))
    full = ledger.reserve(spender(BEN), tokens=401, cost_micro=None, limits=tokens(1_000))
    assert isinstance(full, Standing)
    assert full.tokens == 600
    ledger.settle(first, Spent(usage=TokenUsage(100, 20), cost_micro=7))
    second = held(ledger.reserve(spender(BEN), tokens=880, cost_micro=None, limits=tokens(1_000)))
    ledger.release(second)
    assert ledger.standing(tokens(1_000))[0].tokens == 120


def test_a_budget_counts_whom_it_names(ledger: UsageLedger) -> None:
    """By group, by person, by collection and by generator; who changes groups leaves the past where it was."""
    ledger.book(spender(ANA), Spent(usage=TokenUsage(10, 0)))
    ledger.book(spender(BEN, generator="large"), Spent(usage=TokenUsage(200, 0)))
    ledger.book(spender(Principal("local|ana"), collection="law"), Spent(usage=TokenUsage(3_000, 0)))
    ledger.book(spender(None), Spent(usage=TokenUsage(40_000, 0)))

    def used(**where: object) -> int:
        return ledger.standing(tokens(1, **where))[0].tokens

    assert used() == 43_210
    assert used(holder=ledger.hash_token("g:crm|sales")) == 210
    assert used(holder=ledger.hash_token("g:crm|board")) == 200
    assert used(holder=ledger.hash_token("u:local|ana")) == 3_010
    assert used(holder=ledger.hash_token("u:")) == 40_000
    assert used(collection="law") == 3_000
    assert used(generator="large", holder=ledger.hash_token("g:crm|sales")) == 200


def test_money_needs_a_price_and_its_own_currency(ledger: UsageLedger) -> None:
    """A limit in money takes no call of unknown cost, and counts only its own currency."""
    limit = [Limit(number=0, since=MONTH, cost_micro=1_000, currency="EUR")]
    assert isinstance(ledger.reserve(spender(), tokens=1, cost_micro=None, limits=limit), Standing)
    ledger.book(spender(), Spent(usage=TokenUsage(1, 1), cost_micro=900, currency="USD"))
    made = held(ledger.reserve(spender(), tokens=1, cost_micro=1_000, limits=limit))
    ledger.settle(made, Spent(usage=TokenUsage(1, 1), cost_micro=400, currency="EUR"))
    assert ledger.standing(limit)[0].cost_micro == 400
    assert isinstance(ledger.reserve(spender(), tokens=1, cost_micro=601, limits=limit), Standing)


def test_a_clock_that_goes_back_gives_nothing_back(tmp_path: Path) -> None:
    """What was booked later still counts in an earlier month and day; a call belongs to the day it began."""
    now = [at(22)]
    ledger = UsageLedger(tmp_path / "usage.db", key=KEY, clock=lambda: now[0])
    ledger.book(spender(), Spent(usage=TokenUsage(900, 0)))
    now[0] = datetime(2026, 10, 3, tzinfo=UTC)
    october = [Limit(number=0, since=date(2026, 10, 1), tokens=1_000)]
    assert isinstance(ledger.reserve(spender(), tokens=200, cost_micro=None, limits=october), Standing)
    begun = held(ledger.reserve(spender(), tokens=100, cost_micro=None, limits=october))
    now[0] = at(23)
    ledger.settle(begun, Spent(usage=TokenUsage(50, 0)))
    assert [row["day"] for row in ledger.rows()] == ["2026-10-03", "2026-11-22"]


def test_a_new_month_begins_with_nothing_spent(tmp_path: Path) -> None:
    """The period is looked at when a call is made, in UTC."""
    ledger = UsageLedger(tmp_path / "usage.db", key=KEY, clock=lambda: at(30, 23))
    ledger.book(spender(), Spent(usage=TokenUsage(900, 0)))
    december = [Limit(number=0, since=date(2026, 12, 1), tokens=1_000)]
    assert ledger.standing(december)[0].tokens == 0


HOLDER = """
import sys, time
from datetime import date
from pathlib import Path
from ragkit.routing.accounts import Limit, Spender
from ragkit.routing.ledger import UsageLedger
ledger = UsageLedger(Path(sys.argv[1]), key=b"k" * 32)
limit = Limit(number=0, since=date(2026, 1, 1), tokens=1000)
print(ledger.reserve(Spender(generator="small"), tokens=1000, cost_micro=None, limits=[limit]), flush=True)
time.sleep(60)
"""


def test_reservations_of_a_killed_process_end_with_it(tmp_path: Path) -> None:
    """They hold while it lives, and not a moment longer."""
    path = tmp_path / "usage.db"
    child = subprocess.Popen([sys.executable, "-c", HOLDER, str(path)], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert child.stdout.readline().startswith("Held(")
    ledger = UsageLedger(path, key=KEY)
    limit = [Limit(number=0, since=date(2026, 1, 1), tokens=1_000)]
    assert isinstance(ledger.reserve(spender(), tokens=1, cost_micro=None, limits=limit), Standing)
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdout.close()
    held(ledger.reserve(spender(), tokens=1_000, cost_micro=None, limits=limit))


def test_a_process_elsewhere_is_given_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reservation from another host or container, of which nothing can be seen, ends after the longest call."""
    now = [at(22, 12)]
    ledger = UsageLedger(tmp_path / "usage.db", key=KEY, clock=lambda: now[0])
    monkeypatch.setattr(Owner, "is_dead", lambda self: None)
    held(ledger.reserve(spender(), tokens=1_000, cost_micro=None, limits=tokens(1_000)))
    assert isinstance(ledger.reserve(spender(), tokens=1, cost_micro=None, limits=tokens(1_000)), Standing)
    now[0] = datetime.fromtimestamp(now[0].timestamp() + LONGEST_CALL_SECONDS + 1, UTC)
    held(ledger.reserve(spender(), tokens=1_000, cost_micro=None, limits=tokens(1_000)))


def test_a_reused_process_number_is_another_process() -> None:
    """The time it began is part of who it is."""
    mine = Owner.of_this_process()
    assert mine.is_dead() is False
    assert Owner(mine.place, mine.pid, mine.began + 1).is_dead() is True
    assert Owner("elsewhere/pid:[1]", mine.pid, mine.began).is_dead() is None
    assert Owner.parse(str(mine)) == mine


RACER = """
import random, sys, threading
from datetime import date
from pathlib import Path
from ragkit.routing.accounts import Held, Limit, Spender, Spent
from ragkit.routing.ledger import UsageLedger
from ragkit.types import Principal, TokenUsage

path, seed, threads = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
ledger = UsageLedger(path, key=b"k" * 32)
limits = [Limit(number=0, since=date(2026, 1, 1), tokens=20_000, cost_micro=30_000)]
spent, worst = [], []

def race(number):
    chance, mine = random.Random(seed * 100 + number), Spender(generator="small", principal=Principal("local|ana"))
    for _ in range(40):
        wanted = chance.randrange(50, 400)
        made = ledger.reserve(mine, tokens=wanted, cost_micro=wanted, limits=limits)
        standing = ledger.standing(limits)[0]
        worst.append(max(standing.tokens - 20_000, standing.cost_micro - 30_000))
        if not isinstance(made, Held):
            continue
        if chance.random() < 0.2:
            ledger.release(made)
        else:
            used = chance.randrange(0, wanted + 1)
            ledger.settle(made, Spent(usage=TokenUsage(used, 0), cost_micro=used))
            spent.append(used)
    ledger.close()

workers = [threading.Thread(target=race, args=(number,)) for number in range(threads)]
[worker.start() for worker in workers]
[worker.join() for worker in workers]
print(sum(spent), max(worst))
"""


def test_eight_threads_and_four_processes_never_spend_a_token_too_many(tmp_path: Path) -> None:
    """All race for one budget on one file that none of them has made; each sees it kept at every moment."""
    path = tmp_path / "usage.db"
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", RACER, str(path), str(seed), "2"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for seed in range(4)
    ]
    said = [racer.communicate(timeout=120) for racer in racers]
    assert [racer.returncode for racer in racers] == [0] * 4, said
    spent, worst = zip(*(map(int, out.split()) for out, _ in said))
    assert max(worst) <= 0
    limit = [Limit(number=0, since=date(2026, 1, 1), tokens=20_000)]
    standing = UsageLedger(path, key=KEY).standing(limit)[0]
    assert standing.tokens == sum(spent) <= 20_000
    assert sum(spent) > 19_000  # they did race for the end of it


def test_threads_share_one_ledger(ledger: UsageLedger) -> None:
    """Eight threads take a token each of a hundred until none is left: exactly a hundred come through."""
    taken: list[Held] = []

    def take() -> None:
        for _ in range(40):
            made = ledger.reserve(spender(), tokens=1, cost_micro=None, limits=tokens(100))
            if isinstance(made, Held):
                taken.append(made)
        ledger.close()

    workers = [threading.Thread(target=take) for _ in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(taken) == 100
    assert len({one.id for one in taken}) == 100


STEPS = st.lists(
    st.tuples(st.sampled_from(["reserve", "settle", "release"]), st.integers(0, 300), st.integers(0, 5)), max_size=30
)


@settings(max_examples=40, deadline=None)
@given(steps=STEPS, limit=st.integers(1, 600))
def test_whatever_is_done_the_limit_holds(tmp_path_factory: pytest.TempPathFactory, steps: list, limit: int) -> None:
    """Against a plain sum: a reservation is refused exactly when it does not fit; the limit is never passed."""
    ledger = UsageLedger(tmp_path_factory.mktemp("ledger") / "usage.db", key=KEY, clock=lambda: at(22))
    spent, open_ones = 0, []
    for verb, amount, which in steps:
        if verb == "reserve":
            fits = spent + sum(size for _, size in open_ones) + amount <= limit
            made = ledger.reserve(spender(), tokens=amount, cost_micro=None, limits=tokens(limit))
            assert isinstance(made, Held) == fits
            if isinstance(made, Held):
                open_ones.append((made, amount))
        elif open_ones:
            made, size = open_ones.pop(which % len(open_ones))
            if verb == "settle":
                used = min(amount, size)
                ledger.settle(made, Spent(usage=TokenUsage(used, 0)))
                spent += used
            else:
                ledger.release(made)
        standing = ledger.standing(tokens(limit))[0]
        assert standing.tokens == spent + sum(size for _, size in open_ones) <= limit
    ledger.close()


def test_the_file_is_private_and_holds_no_name(ledger: UsageLedger, tmp_path: Path) -> None:
    """Mode 0600, also of what SQLite puts beside it, and neither subject nor group in any byte."""
    held(ledger.reserve(spender(BEN), tokens=1, cost_micro=None, limits=tokens(10)))
    ledger.book(spender(ANA), Spent(usage=TokenUsage(1, 1), model="qwen3-4b"))
    there = sorted(tmp_path.iterdir())
    assert [path.name for path in there] == ["usage.db", "usage.db-shm", "usage.db-wal"]
    assert {path.stat().st_mode & 0o777 for path in there} == {0o600}
    raw = b"".join(path.read_bytes() for path in there)
    assert b"qwen3-4b" in raw
    assert not any(word in raw for word in (b"ana", b"ben", b"sales", b"board", b"local|"))
    assert "ben" not in repr(ledger.reserve(spender(BEN), tokens=1, cost_micro=None, limits=tokens(10)))


def test_another_key_makes_another_file_of_it(tmp_path: Path) -> None:
    """The hashes are keyed: with another key nobody is recognised."""
    ledger = UsageLedger(tmp_path / "usage.db", key=KEY)
    assert ledger.hash_token("u:local|ana") != UsageLedger(tmp_path / "b.db", key=b"x" * 32).hash_token("u:local|ana")


def test_a_ledger_that_cannot_be_written_refuses(tmp_path: Path) -> None:
    """Nothing may be spent that cannot be booked; a folder or rubbish in its place is an error with a remedy."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "rubbish").write_bytes(b"no database" * 500)
    (tmp_path / "link").symlink_to(tmp_path / "target.db")
    for name in ("folder", "rubbish", "link", "absent/usage.db"):
        with pytest.raises(StoreError) as refused:
            UsageLedger(tmp_path / name, key=KEY).book(spender(), Spent(usage=TokenUsage(1, 1)))
        assert refused.value.remedy
        assert str(tmp_path) not in str(refused.value)


def test_after_a_fork_the_child_has_its_own_connection(ledger: UsageLedger) -> None:
    """Parent and child go on writing; nothing is lost and the child's reservations are its own."""
    ledger.book(spender(), Spent(usage=TokenUsage(1, 0)))
    child = os.fork()
    if child == 0:
        try:
            for _ in range(20):
                ledger.book(spender(), Spent(usage=TokenUsage(1, 0)))
            ledger.reserve(spender(), tokens=5, cost_micro=None, limits=tokens(10_000))
        finally:
            os._exit(0)
    for _ in range(20):
        ledger.book(spender(), Spent(usage=TokenUsage(1, 0)))
    os.waitpid(child, 0)
    time.sleep(0.01)
    assert ledger.standing(tokens(10_000))[0].tokens == 41
