"""Searching as of then: the retriever itself, on the index and the record store's check as they were."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from ragkit.compliance.replay_hits import PastHits, Silent
from ragkit.compliance.replay_index import PastGeneration, PastIndex, PastRow
from ragkit.compliance.replay_log import IndexLog, Recorded, Search
from ragkit.compliance.replay_passages import fate_causes
from ragkit.compliance.replay_report import Cause
from ragkit.errors import FilterRefused, IndexProblem
from ragkit.retrieve.retriever import HybridRetriever
from ragkit.store.history import UNSHARP
from ragkit.types import Hit, MaskedQuestion, Principal

if TYPE_CHECKING:
    from ragkit.build import OpenCollection
    from ragkit.compliance.events import EventLog

_NOBODY = Principal("local|replay", kind="system")
_CLOSE = 2
"""Millionths by which a score may differ: it is rounded, and sums of floats depend on the processor."""
_TICK = timedelta(microseconds=1)
_MOST_TRIED = 8
_COMPARED_ALL = 10_000  # rows that may be seen, up to which an index compares with every one


@dataclass(frozen=True, slots=True, kw_only=True)
class Searched:
    """What a search as of then found.

    Attributes:
        hits: Best first; ``None`` where none could be run.
        causes: What could not be put back as it was.
    """

    hits: list[Hit] | None
    causes: tuple[Cause, ...] = ()


class PastSearches:
    """Searches of one collection as of then. What is built for one replay serves the next.

    Args:
        part: The collection.
        log: The event log.
    """

    def __init__(self, part: OpenCollection, log: EventLog) -> None:
        self._part = part
        self._log = log
        self._index_log = IndexLog(part.name)
        self._rows: dict[tuple[str, str], _Rows] = {}
        self._now = datetime.now(UTC)
        self._generations: dict[tuple[int, datetime], PastGeneration] = {}
        self._indexes: dict[tuple[str, int, int], _Followed] = {}

    def built(self, recorded: Recorded) -> Mapping[str, Any]:
        """Return the data of the event by which the generation that answered became active; else empty."""
        self._index_log.read(self._log, recorded)
        found = self._index_log.built(recorded.generation, before=recorded.seq) if recorded.generation else None
        return found[1] if found else {}

    def search(
        self,
        recorded: Recorded,
        question: MaskedQuestion,
        *,
        k: int,
        classes: frozenset[str],
        filters: Mapping[str, str] | None,
    ) -> Searched:
        """Search again.

        Args:
            recorded: The answer.
            question: As the retriever got it, with its readings.
            k: How many chunks were wanted.
            classes: What the asker could see.
            filters: As evidence has them: what stands for each value in the record store.
        """
        self._index_log.read(self._log, recorded)
        part, causes = self._part, list[Cause]()
        found = self._index_log.built(recorded.generation, before=recorded.seq) if recorded.generation else None
        if recorded.generation and (found is None or "through" not in found[1]):
            return Searched(hits=None, causes=("index",))
        when, data = found if found is not None else (None, dict[str, Any]())
        encoder = str(data.get("encoder", part.embedder.fingerprint))
        if encoder != part.embedder.fingerprint:
            return Searched(hits=None, causes=("encoder",))
        policy = str(data.get("policy", question.policy))
        language = str(data.get("language", part.config.language_of(part.name)))
        run = self._index_log.run(recorded)
        rows = self._between(when or run[0].began, recorded.ended, encoder=encoder, policy=policy)
        history = part.store.history()
        if not history.covers(min(when or run[0].began, run[0].began)):
            causes.append("history")
        generation = None
        if when is not None:
            generation = self._generation(rows, recorded.generation, when, int(data["through"]), language)
            if len(generation) != int(data.get("chunks", len(generation))):
                generation = self._still_there(recorded.generation, data, language) or generation
                self._generations[recorded.generation, when] = generation
            if len(generation) != int(data.get("chunks", len(generation))):
                causes += fate_causes(part, since=when) or ["documents"]
            elif "history" in causes and history.covers(run[0].began):
                causes.remove("history")
            if len(generation) > _COMPARED_ALL:
                causes.append("graph")
        index = self._index(recorded, run, rows, generation, language)
        hits: list[Hit] | None = None
        wanted = [one.chunk for one in recorded.found]
        for at in self._moments(recorded, rows):
            checked = PastHits(history, part.store, rows.rows, at=at, classes=classes)
            retriever = HybridRetriever(index, checked, part.embedder, Silent(), collection=part.name)
            try:
                again = retriever.retrieve(question, k=k, principal=_NOBODY, filters=filters)
            except (FilterRefused, IndexProblem):
                return Searched(hits=None, causes=(*causes, "index"))
            if is_same(recorded, again):
                return Searched(hits=again)
            alike = [hit.chunk_id for hit in again] == wanted
            hits = again if hits is None or alike else hits
            if alike and causes:
                break  # scores depend on all that was searched, and some of it is gone: no moment gives better ones
        if not causes:  # too few chunks to be counted, in the store itself or published since the generation was built
            causes += fate_causes(part, since=when or run[0].began)
        if not causes and history.changes_between(recorded.began - UNSHARP, recorded.ended):
            causes.append("moment")
        return Searched(hits=hits, causes=tuple(causes))

    # --- inside ----------------------------------------------------------------------------------------------------

    def _between(self, start: datetime, end: datetime, *, encoder: str, policy: str) -> _Rows:
        known = self._rows.get((encoder, policy))
        if known is not None and known.start <= start and end <= known.end:
            return known
        start, end = min(start, known.start if known else start), max(end, self._now)
        found = self._part.store.history().rows_between(start, end, classes=None, with_text=True)
        rows = [
            PastRow(one.chunk_id, (one.doc_id, one.version), one.class_id, one.valid_from, one.valid_to, one.vector,
                    one.text)
            for one in found
            if one.encoder == encoder and one.policy == policy
        ]  # fmt: skip
        made = self._rows[encoder, policy] = _Rows(rows, start, end)
        return made

    def _generation(self, rows: _Rows, number: int, when: datetime, through: int, language: str) -> PastGeneration:
        key = (number, when)
        if key not in self._generations:
            self._generations[key] = PastGeneration.of(
                rows.rows,
                number=number,
                at=when,
                through=through,
                dimension=self._part.embedder.dimension,
                language=language,
            )
        return self._generations[key]

    def _still_there(self, number: int, data: Mapping[str, Any], language: str) -> PastGeneration | None:
        """The generation's own files, where it answers still: they hold what the window of history let go."""
        generations = self._part.index.generations
        try:
            if generations.current() != number or not generations.is_healthy(number):
                return None
            if generations.manifest(number).built_through != int(data["through"]):
                return None
            return PastGeneration.on_disk(generations.path(number), through=int(data["through"]), language=language)
        except IndexProblem:
            return None

    def _index(
        self, recorded: Recorded, run: Sequence[Search], rows: _Rows, generation: PastGeneration | None, language: str
    ) -> PastIndex:
        """The index as the process had it: it looked for what is new with each of its questions."""
        key = (recorded.writer, recorded.generation, run[0].seq)
        followed = self._indexes.get(key)
        if followed is None or followed.upto > recorded.seq:
            index = PastIndex(rows.rows, generation, dimension=self._part.embedder.dimension, language=language)
            followed = self._indexes[key] = _Followed(index)
        for one in run:
            if one.seq > followed.upto:
                followed.index.look(rows.moment(one.began, one.through))
                followed.upto = one.seq
        return followed.index

    def _moments(self, recorded: Recorded, rows: _Rows) -> list[datetime]:
        """When the store was looked at: at the beginning of the search, or after a change while it ran."""
        first = rows.moment(recorded.began, recorded.through)
        changes = self._part.store.history().changes_between(first - 20 * _TICK * 1000, recorded.ended)
        others = [moment for change in changes for moment in (change, change - _TICK) if moment != first]
        return [first, *others[:_MOST_TRIED]]


def is_same(recorded: Recorded, hits: Sequence[Hit]) -> bool:
    """Whether a search found the same chunks in the same order with the same scores."""
    return len(hits) == len(recorded.found) and all(
        hit.chunk_id == one.chunk and abs(round(hit.score * 1_000_000) - one.score_u) <= _CLOSE
        for hit, one in zip(hits, recorded.found, strict=True)
    )


class _Rows:
    """The chunks of a stretch of time, and what a chunk number says of the moment at which it was looked at."""

    def __init__(self, rows: list[PastRow], start: datetime, end: datetime) -> None:
        self.rows = rows
        self.start, self.end = start, end
        self._numbers = [row.chunk_id for row in rows]
        self._latest = list(accumulate((row.valid_from for row in rows), max))
        self._earliest = list(accumulate((row.valid_from for row in reversed(rows)), min))[::-1]

    def moment(self, began: datetime, through: int | None) -> datetime:
        """Return when a search looked that had seen the chunks up to a number and none after it.

        What is published at a time is seen some milliseconds later, when it is committed; the number tells.
        """
        if through is None or not self.rows:
            return began
        place, at = bisect_right(self._numbers, through), began
        if place and self._latest[place - 1] > at:
            at = self._latest[place - 1]
        if place < len(self.rows) and self._earliest[place] <= at:
            at = self._earliest[place] - _TICK
        return at


@dataclass(slots=True)
class _Followed:
    """An index that was moved forward up to one event."""

    index: PastIndex
    upto: int = 0
