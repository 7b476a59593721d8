"""Puts as much of what was retrieved into a prompt as the model's context has room for, the best first.

Chunks that follow each other in one document become one source, with no text twice; where room is left, each chunk
brings the one before and the one after it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from ragkit.generate.aliases import sized
from ragkit.types import Hit, Masked

FRAME_TOKENS = 60
"""What a source costs beside its text: two fence lines with their code, and the names before title and section."""

_SHORTEST_OVERLAP = 20  # characters: fewer in common at a seam are chance
_LONGEST_OVERLAP = 2000

_Place = tuple[str, int, int]  # document, version, ordinal


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One numbered source of a prompt, record view: a run of chunks of one document.

    Attributes:
        hits: The retrieved chunks in it, in reading order.
        neighbours: Texts in it that were not retrieved themselves.
        text: All of it, joined.
    """

    number: int
    hits: tuple[Hit, ...]
    neighbours: tuple[Masked, ...]
    title: Masked
    heading: Masked
    text: Masked

    def __repr__(self) -> str:
        return f"Source({self.number}, {len(self.hits)} hits, {len(self.text)} characters)"


def pack(hits: Sequence[Hit], *, room: int, count_tokens: Callable[[str], int]) -> list[Source]:
    """Return the sources that fit, best first; none if not even one chunk does.

    Args:
        hits: Best first. Those without text are left out.
        room: Tokens for all sources together.
        count_tokens: The model's; asked once where everything fits, else at most once a text.
    """
    hits = [hit for hit in hits if hit.chunk.record.strip()]
    everything = _sources(hits, _Chosen(hits, dict(_all_neighbours(hits))))
    if _size(everything, count_tokens) <= room:
        return everything
    chosen = _Chosen([], {})
    for hit in hits:
        if not chosen.has(_place(hit)):
            cost = count_tokens(sized(f"{hit.title}\n{hit.chunk.heading}\n{_body(hit)}")) + FRAME_TOKENS
            if cost <= room:
                room -= cost
                chosen.hits.append(hit)
    for place, text in _all_neighbours(chosen.hits):
        if not chosen.has(place) and room > 0:
            cost = count_tokens(sized(text))
            if cost <= room:
                room -= cost
                chosen.neighbours[place] = text
    return _sources(hits, chosen)


@dataclass(slots=True)
class _Chosen:
    hits: list[Hit]
    neighbours: dict[_Place, Masked]

    def has(self, place: _Place) -> bool:
        return place in self.neighbours or any(_place(hit) == place for hit in self.hits)


def _place(hit: Hit) -> _Place:
    return hit.doc_id, hit.version, hit.chunk.ordinal


def _body(hit: Hit) -> str:
    """The chunk as a reader needs it: a piece of a split table under its header."""
    chunk = hit.chunk
    return f"{chunk.context_record}\n{chunk.record}" if chunk.context_record else chunk.record


def _all_neighbours(hits: Sequence[Hit]) -> Iterator[tuple[_Place, Masked]]:
    for hit in hits:
        document, version, ordinal = _place(hit)
        if hit.before.strip():
            yield (document, version, ordinal - 1), hit.before
        if hit.after.strip():
            yield (document, version, ordinal + 1), hit.after


def _size(sources: Sequence[Source], count_tokens: Callable[[str], int]) -> int:
    if not sources:
        return 0
    joined = "\n".join(f"{one.title}\n{one.heading}\n{one.text}" for one in sources)
    return count_tokens(sized(joined)) + FRAME_TOKENS * len(sources)


def _sources(hits: Sequence[Hit], chosen: _Chosen) -> list[Source]:
    """Join runs of chunks and number them by the rank of the best hit in each."""
    rank = {_place(hit): number for number, hit in reversed(list(enumerate(hits)))}
    by_place = {_place(hit): hit for hit in reversed(chosen.hits)}
    runs: list[list[_Place]] = []
    for place in sorted({*by_place, *chosen.neighbours}):
        if runs and runs[-1][-1] == (*place[:2], place[2] - 1):
            runs[-1].append(place)
        else:
            runs.append([place])
    runs.sort(key=lambda run: min(rank[place] for place in run if place in by_place))
    return [_source(number, run, by_place, chosen) for number, run in enumerate(runs, start=1)]


def _source(number: int, run: Sequence[_Place], by_place: dict[_Place, Hit], chosen: _Chosen) -> Source:
    hits = tuple(by_place[place] for place in run if place in by_place)
    text = ""
    for place in run:
        hit = by_place.get(place)
        text = _joined(text, hit, chosen.neighbours.get(place, Masked("")))
    return Source(
        number=number,
        hits=hits,
        neighbours=tuple(chosen.neighbours[place] for place in run if place not in by_place),
        title=hits[0].title,
        heading=hits[0].chunk.heading,
        text=Masked(text),
    )


def _joined(text: str, hit: Hit | None, neighbour: str) -> str:
    """Append a chunk: without the header of a table that stands above already, and without what both have."""
    body = neighbour if hit is None else hit.chunk.record
    if hit is not None and hit.chunk.context_record and hit.chunk.context_record.strip() not in text:
        body = _body(hit)
    if not text:
        return body
    return f"{text}\n{body[_overlap(text, body) :]}"


def _overlap(text: str, following: str) -> int:
    """How many characters the end of one chunk and the beginning of the next have in common."""
    if following[:_SHORTEST_OVERLAP] not in text[-_LONGEST_OVERLAP:]:
        return 0
    longest = min(len(text), len(following), _LONGEST_OVERLAP)
    lengths = range(longest, _SHORTEST_OVERLAP - 1, -1)
    return next((length for length in lengths if text.endswith(following[:length])), 0)
