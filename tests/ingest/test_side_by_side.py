"""Several sources at once: read together, worked on in turns, and the store as if they had come one by one."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from ragkit.connect.actions import Action, Change, Drain
from ragkit.errors import SourceError
from ragkit.ingest.report import SyncReport
from ragkit.ingest.side_by_side import AHEAD_ITEMS, SideBySide
from ragkit.ingest.told import Told
from ragkit.store.records import check
from ragkit.testing.light import BEN, LightIngest
from ragkit.testing.stages import ListConnector, text_item
from ragkit.types import Change as SourceChange
from ragkit.types import Checkpoint, Delete, SourceItem, Upsert

ONLY_ANA, EVERYBODY = frozenset({"u:local|ana"}), frozenset({"u:local|ana", "pub"})


@pytest.fixture
def light(tmp_path: Path) -> Iterator[LightIngest]:
    """A fresh record store with light stages; Ada is a person."""
    made = LightIngest(tmp_path, words=["Ada"])
    yield made
    made.database.close()


class Slow(ListConnector):
    """Waits before each item, as a server does, and counts how often another waited at the same time."""

    waiting = 0
    at_once = 0

    def __init__(self, items: Mapping[str, str | SourceItem], *, seconds: float) -> None:
        super().__init__(items)
        self._seconds = seconds

    def changes(self, cursor: str | None) -> Iterator[SourceChange]:
        for change in super().changes(cursor):
            Slow.waiting += 1
            Slow.at_once += Slow.waiting > 1
            time.sleep(self._seconds)
            Slow.waiting -= 1
            yield change


class Scripted:
    """Gives these changes; something that can be called is called on the way."""

    def __init__(self, *script: SourceChange | Callable[[], None]) -> None:
        self._script = script

    def changes(self, cursor: str | None) -> Iterator[SourceChange]:
        for step in self._script:
            if callable(step):
                step()
            else:
                yield step


def together(light: LightIngest, **sources: object) -> tuple[dict[str, SyncReport | BaseException], SideBySide]:
    """Sync these sources at once; return what came of each."""
    turns, came = SideBySide(), dict[str, SyncReport | BaseException]()
    threads = [threading.Thread(target=one_pass, args=(light, turns, name, of, came)) for name, of in sources.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive()
    return came, turns


def one_pass(
    light: LightIngest, turns: SideBySide, name: str, source: object, came: dict[str, SyncReport | BaseException]
) -> None:
    """Run one source when it has the turn."""
    try:
        with turns.turn():
            light.options["ahead"] = turns.ahead
            came[name] = light.ingestor().sync(source, name)  # type: ignore[arg-type]
    except BaseException as failed:
        came[name] = failed


def test_two_slow_sources_are_waited_for_together(light: LightIngest) -> None:
    """Twice 40 items of 25 ms take near one second on a quiet machine, and not two; counted, for a busy one."""
    Slow.waiting = Slow.at_once = 0
    sources = {
        name: Slow({f"{name}{n}": f"Ada wrote {n}." for n in range(items)}, seconds=0.025)
        for name, items in (("a", 40), ("b", 40))
    }
    came, _ = together(light, **sources)
    assert {name: report.added for name, report in came.items()} == {"a": 40, "b": 40}  # type: ignore[union-attr]
    assert Slow.at_once > 20, "they were waited for one after the other"
    assert len(light.texts()) == 80
    check(light.database)


def test_one_that_waits_for_its_server_holds_up_nobody(light: LightIngest) -> None:
    """The second source is whole while the first still waits for its next item; the first goes on after."""
    through = threading.Event()
    waits = Scripted(
        Upsert(text_item("first", "Ada began.")),
        lambda: assert_true(through.wait(10)),
        Upsert(text_item("second", "Ada ended.")),
        Checkpoint(None, complete=True),
    )
    turns, came = SideBySide(), dict[str, SyncReport | BaseException]()
    held = threading.Thread(target=one_pass, args=(light, turns, "waits", waits, came))
    held.start()
    one_pass(light, turns, "quick", ListConnector({"x": "Ada is quick."}), came)
    assert "waits" not in came
    assert light.texts().keys() >= {"x"}
    through.set()
    held.join(10)
    assert {report.added for report in came.values()} == {1, 2}  # type: ignore[union-attr]
    assert light.texts().keys() == {"first", "second", "x"}


def assert_true(found: bool) -> None:
    """A wait that came to its end."""
    assert found


def test_an_item_that_goes_and_comes_back_is_there(light: LightIngest) -> None:
    """What the engine reads ahead is never older than what it said: deleted and named again, it is taken in again."""
    item = text_item("back", "Ada came back.")
    light.sync(Scripted(Upsert(item), Checkpoint("1")), "list")  # type: ignore[arg-type]
    came, _ = together(light, list=Scripted(Delete("back"), Upsert(item), Checkpoint("2")))
    report = came["list"]
    assert isinstance(report, SyncReport)
    assert (report.deleted, report.added) == (1, 1)
    assert light.texts().keys() == {"back"}


def test_the_last_word_on_permissions_counts(light: LightIngest) -> None:
    """Opened and closed again within one pass, a document is closed."""

    def seen_by(access: frozenset[str]) -> SourceChange:
        return Upsert(text_item("letter", "Ada wrote.", access=access))

    def far() -> Iterator[SourceChange]:
        yield from (Upsert(text_item(f"{n}", f"filler {n}")) for n in range(300))  # a batch of its own

    light.sync(Scripted(seen_by(ONLY_ANA), Checkpoint("1")), "list")  # type: ignore[arg-type]
    came, _ = together(light, list=Scripted(seen_by(EVERYBODY), *far(), seen_by(ONLY_ANA), Checkpoint("2")))
    assert isinstance(came["list"], SyncReport)
    assert came["list"].access_changed == 2
    assert "letter" in light.texts()
    assert light.texts(BEN) == {}


def test_one_that_breaks_loses_the_others_nothing(light: LightIngest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A source that breaks keeps what came before; a run that fails in the middle takes no token of another along."""

    def breaks() -> None:
        raise SourceError("the server is gone", remedy="Wait.")

    monkeypatch.setattr("random.uniform", lambda *_: 0.0)  # waits between attempts
    broken = Scripted(Upsert(text_item("kept", "Ada was here.")), breaks)
    well = Slow({f"w{n}": f"Ada {n}" for n in range(30)}, seconds=0.01)
    came, _ = together(light, well=well, broken=broken)
    assert isinstance(came["well"], SyncReport)
    assert came["well"].added == 30
    assert isinstance(came["broken"], SourceError)
    assert light.texts().keys() >= {"kept", *(f"w{n}" for n in range(30))}
    check(light.database)
    assert light.store.inventory().vault_values == 1


def test_a_stop_ends_every_run_and_the_next_sync_goes_on(light: LightIngest) -> None:
    """What was committed stays; a source that waits for its server does not keep anybody."""
    turns, came = SideBySide(), dict[str, SyncReport | BaseException]()
    reached, never = threading.Event(), threading.Event()
    items = [Upsert(text_item(f"{n}", f"Ada {n}")) for n in range(3)]
    waits = Scripted(*items, Checkpoint("3"), reached.set, lambda: assert_true(never.wait(2)))
    run = threading.Thread(target=one_pass, args=(light, turns, "waits", waits, came))
    run.start()
    assert reached.wait(10)
    turns.stop()
    never.set()
    run.join(10)
    assert isinstance(came["waits"], KeyboardInterrupt)
    with pytest.raises(KeyboardInterrupt), turns.turn():
        raise AssertionError("a turn was given after the stop")
    del light.options["ahead"]
    again = light.sync(ListConnector({f"{n}": f"Ada {n}" for n in range(4)}), "waits")
    assert again.added + again.unchanged == 4
    assert len(light.texts()) == 4


def test_reading_ahead_is_bounded() -> None:
    """A source that gives faster than it is worked on waits, after a bounded number of items."""
    given = 0

    def actions() -> Iterator[Action]:
        nonlocal given
        for _ in range(10 * AHEAD_ITEMS):
            given += 1
            yield Change(entry=None, item=text_item("x", "y"))  # type: ignore[arg-type]

    turns = SideBySide()
    with turns.turn():
        stream = turns.ahead(actions())
        next(stream)
        time.sleep(0.2)
        assert AHEAD_ITEMS <= given <= AHEAD_ITEMS + 2
        stream.close()  # type: ignore[attr-defined]
        time.sleep(0.05)
        assert given <= AHEAD_ITEMS + 2


def test_a_stop_ends_a_reader_that_nobody_asks_any_more() -> None:
    """A run that ended by a fault leaves what it drew from to the garbage collector; its source is let go of before."""
    closed = threading.Event()

    def endless() -> Iterator[Action]:
        try:
            while True:
                yield Drain()
        finally:
            closed.set()

    turns = SideBySide()
    with turns.turn():
        left = turns.ahead(endless())
        assert next(left) == Drain()
    assert not closed.wait(0.2), "it waits until its last word is carried out"
    turns.stop()
    assert closed.wait(10)
    del left


def test_the_progress_of_all_is_one_sum() -> None:
    """Two sources tell theirs; the total is known when each is; asked again, the last sum comes again."""
    heard: list[tuple[str, int, int | None]] = []
    told = Told(lambda stage, done, total: heard.append((stage, done, total)))
    first, second = told.of("a"), told.of("b")
    assert first is not None
    assert second is not None
    told.again()
    first("sync", 3, 10)
    second("sync", 2, None)
    second("sync", 4, 5)
    told.again()
    assert heard == [("sync", 0, None), ("sync", 3, 10), ("sync", 5, None), ("sync", 7, 15), ("sync", 7, 15)]
    assert Told(None).of("a") is None
