"""History against a plain model: random changes, and at random times what could be found then, and by whom."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest import mock

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from ragkit.lifecycle.history import destroy_past, purge_past
from ragkit.lifecycle.holds import Holds
from ragkit.store.erasure import ErasureRows
from ragkit.store.history import micros, time_of
from ragkit.store.pastrows import PastRows
from ragkit.store.records import check
from ragkit.testing.light import ANA, BEN, LightIngest
from ragkit.testing.stages import text_item

START = 1_800_000_000_000_000
STEP = 1_000_000
READERS = {"ana": frozenset({f"u:{ANA.subject}"}), "ben": frozenset({f"u:{BEN.subject}"})}
names = st.sampled_from(["a", "b", "c"])
texts = st.lists(st.sampled_from(["one", "two", "three"]), min_size=1, max_size=3).map("\n\n".join)
readers = st.sampled_from(sorted(READERS))


@dataclass(frozen=True)
class Span:
    """One version of a document under one reader, from when to when."""

    name: str
    version: int
    text: str
    reader: str
    begin: int
    end: int | None = None


class HistoryAgainstModel(RuleBasedStateMachine):
    """A store that keeps a window of a few steps, and a list of spans."""

    @initialize()
    def begin(self) -> None:
        """An empty store, under a clock of the test's own."""
        self.folder = tempfile.TemporaryDirectory()
        self.clock = START
        self.clocks = [mock.patch(f"ragkit.store.{module}.moment", new=self.present) for module in ("past", "writer")]
        for one in self.clocks:
            one.start()
        self.light = LightIngest(Path(self.folder.name), keeps_past=True, max_delete_share=1.0)
        self.source: dict[str, tuple[str, str]] = {}
        self.spans: list[Span] = []
        self.numbers: dict[str, int] = {}
        self.doc_ids: dict[str, str] = {}
        self.fates: dict[tuple[str, int], str] = {}
        self.away: set[str] = set()
        self.holds = Holds(self.light.database, self.light.collection)

    def present(self) -> int:
        """The moment, in microseconds."""
        return self.clock

    def teardown(self) -> None:
        """Put the clock back."""
        if hasattr(self, "light"):
            self.light.database.close()
            for one in self.clocks:
                one.stop()
            self.folder.cleanup()

    def sync(self) -> None:
        """Bring store and model in step with the source."""
        self.clock += STEP
        self.light.sync({n: text_item(n, text, access=READERS[who]) for n, (text, who) in self.source.items()})
        for doc_id in sorted({hit.doc_id for who in (ANA, BEN) for hit in self.light.hits(who)}):
            self.doc_ids[self.light.store.native_ids([doc_id])[doc_id]] = doc_id
        for name in ("a", "b", "c"):
            now = next((span for span in self.spans if span.name == name and span.end is None), None)
            if now is not None and self.source.get(name) == (now.text, now.reader):
                continue
            if now is not None:
                self.spans[self.spans.index(now)] = replace(now, end=self.clock)
            if name not in self.source:
                continue
            text, who = self.source[name]
            if now is None or now.text != text:
                self.numbers[name] = self.numbers.get(name, 0) + 1
            self.spans.append(Span(name, self.numbers[name], text, who, self.clock))

    @rule(name=names, text=texts, who=readers)
    def write(self, name: str, text: str, who: str) -> None:
        """A document comes, or changes its text, its reader or both."""
        if name in self.away:
            return
        self.source[name] = (text, who)
        self.sync()

    @rule(name=names, who=readers)
    def hand_over(self, name: str, who: str) -> None:
        """Only the reader changes."""
        if name in self.source:
            self.source[name] = (self.source[name][0], who)
            self.sync()

    @rule(name=names)
    def delete(self, name: str) -> None:
        """The source deletes a document."""
        if self.source.pop(name, None) is not None:
            self.sync()

    @rule(name=names)
    def erase_past(self, name: str) -> None:
        """Somebody who stands in the past versions of a document is erased."""
        places = PastRows(self.light.database, self.light.collection).of_documents(
            [self.doc_ids[name]] if name in self.doc_ids else []
        )
        destroy_past(self.light.store, places, "erasure", recorder=self.light.recorder)
        self._gone({(name, number) for _, number in places}, "erased")

    @rule(name=names)
    def erase_document(self, name: str) -> None:
        """An officer deletes a document with everything that is kept of it; it stays away."""
        if name not in self.source:
            return
        self.light.collection.records.destroy_documents([self.doc_ids[name]])
        ErasureRows(self.light.database, self.light.collection).set_aside([self.doc_ids[name]])
        self._gone({(name, span.version) for span in self.spans if span.name == name}, "erased")
        self.source.pop(name)
        self.away.add(name)

    @rule(steps=st.integers(0, 6))
    def purge(self, steps: int) -> None:
        """The window ends a number of steps ago."""
        self.clock += STEP
        limit = self.clock - steps * STEP
        days = timedelta(microseconds=steps * STEP)
        with mock.patch("ragkit.lifecycle.history.timedelta", lambda **given: days if given["days"] == 1 else _YEAR):
            purge_past(self.light.store, self.holds, self.light.recorder, days=1, keep_days=2, now=time_of(self.clock))
        last: dict[tuple[str, int], int | None] = {}
        for span in self.spans:
            place = (span.name, span.version)
            ends = [last.get(place, 0), span.end]
            last[place] = None if None in ends else max(end for end in ends if end is not None)
        self._gone({place for place, end in last.items() if end is not None and end <= limit}, "purged")
        living = {place for place, end in last.items() if end is None}
        self.spans = [
            span
            for span in self.spans
            if not ((span.name, span.version) in living and span.end is not None and span.end <= limit)
        ]

    def _gone(self, places: set[tuple[str, int]], how: str) -> None:
        self.spans = [span for span in self.spans if (span.name, span.version) not in places]
        self.fates |= dict.fromkeys(places, how)

    @rule(back=st.integers(0, 12 * STEP), who=st.sampled_from([None, "ana", "ben"]))
    def look(self, back: int, who: str | None) -> None:
        """At a time."""
        self._look(self.clock - back, who)

    def _look(self, moment: int, who: str | None) -> None:
        """Exactly what the model says was there could be found then, and is opened."""
        history = self.light.store.history()
        classes = None if who is None else history.classes_of(ANA if who == "ana" else BEN)
        rows = history.rows_at(time_of(moment), classes=classes)
        hits = history.hits_at([row.chunk_id for row in rows], at=time_of(moment))
        found = sorted((row.doc_id, row.version, row.ordinal, str(hits[row.chunk_id].chunk.record)) for row in rows)
        expected = sorted(
            (self.doc_ids[span.name], span.version, ordinal, part)
            for span in self.spans
            if span.begin <= moment and (span.end is None or moment < span.end) and who in (None, span.reader)
            for ordinal, part in enumerate(span.text.split("\n\n"))
        )
        assert found == expected

    @rule()
    def ask_for_fates(self) -> None:
        """What became of every version is known."""
        history = self.light.store.history()
        for name, last in self.numbers.items():
            for number in range(1, last + 1):
                mine = [span for span in self.spans if (span.name, span.version) == (name, number)]
                told = "current" if any(span.end is None for span in mine) else "past" if mine else ""
                assert history.fate(self.doc_ids[name], number) == (told or self.fates[name, number])
            assert history.fate(self.doc_ids[name], last + 1) == "unknown"

    @invariant()
    def sound(self) -> None:
        """Nothing is live and past, nothing answers without a document, and what answers now is what the source has."""
        if not hasattr(self, "light"):
            return
        check(self.light.database)
        assert self.light.store.inventory().documents == len(self.source)
        changes = {span.begin for span in self.spans} | {span.end for span in self.spans if span.end is not None}
        for moment in sorted(changes)[-6:]:
            self._look(moment, None)
            self._look(moment - 1, "ana")


_YEAR = timedelta(days=365)
HistoryAgainstModel.TestCase.settings = settings(
    max_examples=10, stateful_step_count=15, deadline=None, suppress_health_check=list(HealthCheck)
)
TestHistoryAgainstModel = HistoryAgainstModel.TestCase


def test_times_and_moments_are_inverse() -> None:
    """A time goes through the store to the microsecond."""
    at = datetime(2026, 11, 22, 16, 4, 5, 123_457, tzinfo=UTC)
    assert time_of(micros(at)) == at
