"""Any sequence of changes, crashes and syncs at a source of any manner ends with an index equal to the source."""

from __future__ import annotations

import multiprocessing
import re
import signal
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

import ragkit
from ragkit import crashpoints
from ragkit.errors import SourceError
from ragkit.protocols import Connector, Fetches
from ragkit.store.records import check
from ragkit.testing.light import ANA, BEN, LightIngest
from ragkit.testing.sources import Shelf
from ragkit.types import Change, Checkpoint, Listed, Principal, SourceItem, Unlisted, Upsert

POINTS = sorted(
    {
        name
        for file in Path(ragkit.__file__).parent.rglob("*.py")
        for name in re.findall(r'\breach\("(sync\.\w+)"\)', file.read_text())
    }
)
PARTS = st.sampled_from(["folder/", *(f"folder/{letter}" for letter in "abcd")])
NAMES = st.sampled_from([f"folder/{letter}" for letter in "abcdefgh"])
TEXTS = st.sampled_from(["one", "two by Ada", "three\n\nwith a second part", "four"])
ACCESS = st.sampled_from(
    [
        frozenset(),
        frozenset({f"u:{ANA.subject}"}),
        frozenset({f"u:{BEN.subject}", f"u:{ANA.subject}"}),
        frozenset({"pub"}),
    ]
)


def source_of(shelf: Shelf, manner: str, shut: str = "") -> Connector:
    """Read a shelf in a manner: by name, with the number of items between cursors behind a stroke."""
    name, _, every = manner.partition("/")
    made: Connector = getattr(shelf, name)(**({"every": int(every)} if every else {}))
    return Shut(made, shut) if shut else made


@dataclass(frozen=True)
class Shut:
    """A source of which a part cannot be looked into; that is told where the part would come."""

    inner: Connector
    within: str

    def changes(self, cursor: str | None) -> Iterator[Change]:
        """Leave out what is in the part."""
        told = cursor is not None and cursor >= self.within
        for change in self.inner.changes(cursor):
            name = change.item.native_id if isinstance(change, Upsert) else ""
            name = change.native_id if isinstance(change, Listed) else name
            if not told and (name >= self.within or (isinstance(change, Checkpoint) and change.complete)):
                told = True
                yield Unlisted(self.within)
            if not name.startswith(self.within):
                yield change

    def fetch(self, native_ids: Sequence[str]) -> Iterator[SourceItem]:
        """Read what is outside of it."""
        assert isinstance(self.inner, Fetches)
        return self.inner.fetch(native_ids)


def light_in(folder: str) -> LightIngest:
    """Open the store, with slabs so small that every crash point is reached."""
    from ragkit.ingest.settings import IngestLimits

    limits = IngestLimits(mask_documents=2, slab_chunks=2)
    return LightIngest(Path(folder), words=["Ada"], limits=limits)


def sync_and_die(folder: str, source: Connector, point: str, times: int) -> None:
    """Sync in a process of its own that kills itself at a crash point."""
    crashpoints._armed[point] = times
    light_in(folder).sync(source)


class IndexAgainstSource(RuleBasedStateMachine):
    """The store against a :class:`Shelf`, in one manner of reading."""

    @initialize(manner=st.sampled_from(["whole", "whole/2", "listed", "listed/1", "remembering", "reporting"]))
    def begin(self, manner: str) -> None:
        self._folder = tempfile.TemporaryDirectory()
        self.light = light_in(self._folder.name)
        self.shelf = Shelf()
        self.manner = manner
        self.synced = True
        self.shut = ""

    @rule(within=PARTS)
    @precondition(lambda self: self.manner not in ("remembering", "reporting"))
    def close(self, within: str) -> None:
        """A part of the source cannot be looked into from now on, and a sync finds that."""
        self.shut = within
        self.sync()

    @rule()
    @precondition(lambda self: self.shut)
    def open(self) -> None:
        """It can again."""
        self.shut, self.synced = "", False

    @rule(name=NAMES, text=TEXTS, access=ACCESS)
    def put(self, name: str, text: str, access: frozenset[str]) -> None:
        self.shelf.put(name, text, access=access)
        self.synced = False

    @rule(name=NAMES)
    def remove(self, name: str) -> None:
        self.shelf.remove(name)
        self.synced = False

    @rule(name=NAMES, to=NAMES)
    def move(self, name: str, to: str) -> None:
        self.shelf.move(name, to)
        self.synced = False

    @rule(name=NAMES, access=ACCESS)
    def permit(self, name: str, access: frozenset[str]) -> None:
        self.shelf.permit(name, access)
        self.synced = False

    @rule(point=st.sampled_from(POINTS), times=st.integers(1, 3))
    @precondition(lambda self: not self.synced)
    def crash(self, point: str, times: int) -> None:
        """A sync in another process is killed; the store opens as it is, and holds no half of anything."""
        self.light.database.close()
        arguments = (self._folder.name, self.source, point, times)
        process = multiprocessing.get_context("fork").Process(target=sync_and_die, args=arguments)
        process.start()
        process.join(60)
        assert process.exitcode in (0, -signal.SIGKILL)
        self.light = light_in(self._folder.name)
        check(self.light.database)
        self.synced = process.exitcode == 0

    @rule(after=st.integers(0, 2))
    def break_off(self, after: int) -> None:
        """The source breaks off while it is read, for good."""
        left = [after]

        def breaks(_: str) -> None:
            left[0] -= 1
            if left[0] < 0:
                raise SourceError("cut", remedy="Try again.")

        self.shelf.before_fetch = breaks
        try:
            self.light.sync(self.source)
            self.synced = True
        except SourceError:
            self.synced = False
        finally:
            self.shelf.before_fetch = lambda _: None

    @rule()
    def read_permissions(self) -> None:
        """Between syncs: nobody sees what the source does not let them see any more."""
        self.light.permissions(self.source)
        for principal in (ANA, BEN):
            assert self.light.texts(principal).keys() <= self.shown(principal).keys()

    @rule()
    def sync(self) -> None:
        """Nothing goes of what could not be looked into."""
        kept = self.closed()
        self.light.sync(self.source)
        assert self.closed() == kept
        self.synced = True

    @invariant()
    def they_agree(self) -> None:
        if not self.synced:
            return
        for principal in (ANA, BEN):
            wanted = {
                name: re.sub("Ada", "*", item.content.decode()).split("\n\n")
                for name, item in self.shown(principal).items()
            }
            found = {
                name: [re.sub(r"\[.*\]", "*", text) for text in texts]
                for name, texts in self.light.texts(principal).items()
            }
            assert found == wanted

    @property
    def source(self) -> Connector:
        return source_of(self.shelf, self.manner, self.shut)

    def shown(self, principal: Principal) -> dict[str, SourceItem]:
        """What somebody may see of the source as it is, and as it can be looked into."""
        return {
            name: item
            for name, item in self.shelf.items.items()
            if (item.access or frozenset()) & principal.tokens and not (self.shut and name.startswith(self.shut))
        }

    def closed(self) -> set[str]:
        """What the store has of the part that cannot be looked into."""
        state = self.light.store.sync_state("list")
        names = [name for some in state.known() for name in state.native_ids(some).values()]
        return {name for name in names if self.shut and name.startswith(self.shut)}

    def teardown(self) -> None:
        if hasattr(self, "light"):
            self.light.database.close()
            self._folder.cleanup()


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """A source that breaks off is tried again at once."""
    monkeypatch.setattr("time.sleep", lambda _: None)


def of(examples: int) -> settings:
    """So many sequences, the same at every run."""
    return settings(
        max_examples=examples,
        stateful_step_count=14,
        deadline=None,
        derandomize=True,
        suppress_health_check=[HealthCheck.too_slow],
    )


TestIndexAgainstSource = IndexAgainstSource.TestCase
TestIndexAgainstSource.settings = of(15)


class TestIndexAgainstSourceAtLength(IndexAgainstSource.TestCase):
    """The same, four hundred sequences."""

    settings = of(400)
    pytestmark = pytest.mark.slow
