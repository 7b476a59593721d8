"""What goes into a prompt when room is short."""

from __future__ import annotations

from ragkit.generate.packing import FRAME_TOKENS, Source, pack
from ragkit.types import Chunk, Hit, Masked


def hit_of(
    number: int, text: str, *, doc: str = "d", ordinal: int = 0, before: str = "", after: str = "", header: str = ""
) -> Hit:
    """A hit whose chunk stands at a position of its document."""
    chunk = Chunk(
        ordinal=ordinal,
        record=Masked(text),
        index=Masked(text),
        source_start=0,
        source_end=len(text),
        context_record=Masked(header),
    )
    return Hit(
        chunk_id=number,
        doc_id=doc,
        version=1,
        chunk=chunk,
        score=0.5,
        title=Masked("T"),
        before=Masked(before),
        after=Masked(after),
    )


def words(text: str) -> int:
    """A token a word."""
    return len(text.split())


def packed(hits: list[Hit], room: int = 10_000) -> list[Source]:
    """Packed by words."""
    return pack(hits, room=room, count_tokens=words)


def test_neighbours_join_into_one_source_without_repetition() -> None:
    """Two hits with one chunk between them, which both know as neighbour, are one text in reading order."""
    hits = [
        hit_of(2, "third", ordinal=2, before="second", after="fourth"),
        hit_of(1, "first", ordinal=0, after="second"),
    ]
    (source,) = packed(hits)
    assert source.text == "first\nsecond\nthird\nfourth"
    assert [hit.chunk_id for hit in source.hits] == [1, 2]
    assert source.neighbours == ("second", "fourth")


def test_the_best_hit_makes_the_first_source() -> None:
    """Sources stand in the order of their best hit, whatever the documents are called."""
    hits = [
        hit_of(1, "best", doc="z"),
        hit_of(2, "next", doc="a"),
        hit_of(3, "same document, far away", doc="z", ordinal=9),
    ]
    assert [(one.number, one.text) for one in packed(hits)] == [
        (1, "best"),
        (2, "next"),
        (3, "same document, far away"),
    ]


def test_hits_come_before_neighbours_and_the_better_first() -> None:
    """When room is short a neighbour goes before a hit does, and the last hit before the first."""
    hits = [
        hit_of(1, "one " * 50, doc="a", before="before " * 50),
        hit_of(2, "two " * 50, doc="b", after="after " * 5),
        hit_of(3, "three " * 50, doc="c"),
    ]
    room = 2 * (51 + FRAME_TOKENS) + 10
    sources = packed(hits, room)
    assert [one.text.split()[0] for one in sources] == ["one", "two"]
    assert [len(one.neighbours) for one in sources] == [0, 1]
    assert packed(hits, 20) == []


def test_a_hit_that_does_not_fit_lets_a_shorter_one_in() -> None:
    """One long chunk does not keep out what comes after it."""
    hits = [hit_of(1, "long " * 500, doc="a"), hit_of(2, "short", doc="b")]
    assert [one.text for one in packed(hits, FRAME_TOKENS + 10)] == ["short"]


def test_the_model_is_asked_once_where_everything_fits() -> None:
    """Counting may be slow: one call does for the usual case."""
    asked: list[str] = []

    def count(text: str) -> int:
        asked.append(text)
        return 1

    pack([hit_of(number, f"text {number}", doc=str(number)) for number in range(9)], room=1000, count_tokens=count)
    assert len(asked) == 1


def test_a_split_table_has_its_header_once() -> None:
    """A piece of a table is read under its header; the next piece goes on below."""
    header = "| A | B |\n|---|---|"
    hits = [
        hit_of(1, "| 1 | 2 |", ordinal=4, header=header),
        hit_of(2, "| 3 | 4 |", ordinal=5, header=header),
    ]
    (source,) = packed(hits)
    assert source.text == f"{header}\n| 1 | 2 |\n| 3 | 4 |"


def test_what_two_chunks_share_at_their_seam_is_there_once() -> None:
    """Chunks cut with an overlap join without it."""
    shared = "The guarantee ends after two years."
    hits = [hit_of(1, f"It begins. {shared}", ordinal=0), hit_of(2, f"{shared} Then it is over.", ordinal=1)]
    assert packed(hits)[0].text.count(shared) == 1


def test_versions_and_empty_chunks_stay_apart() -> None:
    """A chunk without text is no source."""
    assert packed([hit_of(1, " \n")]) == []
    assert repr(packed([hit_of(1, "secret words")])[0]) == "Source(1, 1 hits, 12 characters)"
