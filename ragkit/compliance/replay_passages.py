"""What became of the chunks that an answer was made from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, get_args

from sqlalchemy import select

from ragkit.compliance.replay_prompt import text_of
from ragkit.compliance.replay_report import Cause, Change, Passage, Replay, Verdict
from ragkit.store.history import micros
from ragkit.store.schema import fates

if TYPE_CHECKING:
    from ragkit.build import OpenCollection
    from ragkit.compliance.replay_log import Recorded
    from ragkit.types import Hit


def blank(found: Recorded) -> Replay:
    """Return a replay in which nothing was made again yet."""
    return Replay(
        request=found.request,
        collection=found.collection,
        asked=found.began,
        actor=found.actor,
        generator=found.generator,
        generation=found.generation,
    )


def hits_of(part: OpenCollection, found: Recorded) -> dict[int, Hit]:
    """Return the chunks of an answer as they were, those that are still there."""
    history, wanted = part.store.history(), [one.chunk for one in found.found]
    there = history.hits_at(wanted, at=found.began)
    late = [number for number in wanted if number not in there]  # published while the search began
    return there | (history.hits_at(late, at=found.ended) if late else {})


def fate_causes(part: OpenCollection, *, since: datetime) -> list[Cause]:
    """Return whether versions of a collection were erased or purged since a time: the statistics are others then."""
    query = select(fates.c.how).where(fates.c.collection_id == part.collection.id, fates.c.at >= micros(since))
    with part.store.database.read() as connection:
        found = set(connection.execute(query.distinct()).scalars())
    return [cause for cause in get_args(Cause) if cause in found and cause != "unknown"]


def passages_of(
    found: Recorded,
    part: OpenCollection,
    there: Mapping[int, Hit],
    now: Sequence[Hit],
    texts: Mapping[int, bytes],
) -> Iterator[Passage]:
    """What was found then, with what became of it, and then what is found only now."""
    history = part.store.history()
    places = {hit.chunk_id: (rank, hit) for rank, hit in enumerate(now, start=1)}
    for rank, one in enumerate(found.found, start=1):
        rank_now, hit = places.get(one.chunk, (0, None))
        yield Passage(
            chunk=one.chunk,
            doc=one.doc,
            version=one.version,
            rank_then=rank,
            rank_now=rank_now,
            score_then=one.score_u,
            score_now=round(hit.score * 1_000_000) if hit else 0,
            fate=history.fate(one.doc, one.version),
            text=_text_verdict(one.chunk, there, texts),
        )
    for number in places.keys() - {one.chunk for one in found.found}:
        rank, hit = places[number]
        yield Passage(
            chunk=number,
            doc=hit.doc_id,
            version=hit.version,
            rank_now=rank,
            score_now=round(hit.score * 1_000_000),
            fate=history.fate(hit.doc_id, hit.version),
        )


def _text_verdict(chunk: int, there: Mapping[int, Hit], texts: Mapping[int, bytes]) -> Verdict:
    if chunk not in there:
        return "gone"
    if chunk not in texts:
        return "not-kept"
    return "same" if text_of(there[chunk]) == texts[chunk] else "differs"


def moved_since(part: OpenCollection, passages: Sequence[Passage]) -> list[Change]:
    """How many of the chunks of an answer are of documents that were changed since, or are under another number."""
    mine = [one for one in passages if one.rank_then]
    changed = sum(one.fate != "current" for one in mine)
    live = part.store.index_source().live([one.chunk for one in mine])
    moved = sum(one.fate == "current" and one.chunk not in live for one in mine)
    told = [("documents", changed), ("access", moved)]
    return [Change(what=what, then=str(len(mine)), now=str(len(mine) - count)) for what, count in told if count]
