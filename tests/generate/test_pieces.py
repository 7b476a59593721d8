"""Cutting chunks into quotable pieces."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragkit.generate.pieces import cells, cut, index_text, row_text
from ragkit.types import Chunk, Masked, MaskedSpan

TOKEN = "[PERSON:K7F3QX9M2T-4B]"


def chunk_of(record: str, *, heading: str = "", context: str = "", spans: tuple[MaskedSpan, ...] = ()) -> Chunk:
    """A chunk whose two views are the same but for the spans."""
    index = record
    for span in reversed(spans):
        index = index[: span.record_start] + "x" * (span.index_end - span.index_start) + index[span.record_end :]
    return Chunk(
        ordinal=0,
        record=Masked(record),
        index=Masked(index),
        source_start=0,
        source_end=len(record),
        heading=Masked(heading),
        context_record=Masked(context),
        spans=spans,
    )


def quotes(chunk: Chunk) -> list[str]:
    """What the pieces of a chunk say."""
    return [chunk.record[piece.start : piece.end] for piece in cut(chunk)]


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("It is red. It costs 12.50 €! Does it? Yes.", ["It is red.", "It costs 12.50 €!", "Does it?", "Yes."]),
        ("Dr. J. Smith of Acme Inc. called. He left.", ["Dr. J. Smith of Acme Inc. called.", "He left."]),
        ("Am 5. Mai siehe Nr. 7. Z. B. Öl. Ähnlich dort.", ["Am 5. Mai siehe Nr. 7. Z. B. Öl.", "Ähnlich dort."]),
        (f"Call {TOKEN}. {TOKEN} answers.", [f"Call {TOKEN}.", f"{TOKEN} answers."]),
        ('He said "stop." Then he left.', ['He said "stop."', "Then he left."]),
        ("¿Cuánto? ¡Mucho! «Bien.» Sí.", ["¿Cuánto?", "¡Mucho!", "«Bien.»", "Sí."]),
        ("它很红。它很贵！", ["它很红。", "它很贵！"]),
        ("Ends without a stop", ["Ends without a stop"]),
        ("See section 4.2. on page 3. of it", ["See section 4.2. on page 3. of it"]),
    ],
)
def test_sentences_end_where_a_reader_ends_them(text: str, sentences: list[str]) -> None:
    """Abbreviations, decimals, initials, quotes, tokens and scripts without blanks are cut as a reader would."""
    assert quotes(chunk_of(text)) == sentences


def test_no_boundary_falls_inside_a_masked_span() -> None:
    """A generalised value may hold a full stop; its sentence goes on."""
    text = "Born in [DATE: approx. 1970. Exact day hidden] and raised here. Next."
    start, end = text.index("["), text.index("]") + 1
    span = MaskedSpan("DATE_OF_BIRTH", start, start + 10, start, end, start, start + 10)
    assert quotes(chunk_of(text, spans=(span,)))[0] == text[: text.index(" Next")]


def test_lines_of_a_page_are_joined_and_lines_of_an_author_kept() -> None:
    """A paragraph wrapped by a page width is one text; an address is line by line."""
    wrapped = (
        "The warranty of every desk that we sell runs for\nfive years from the day of delivery. It covers\nthe motor."
    )
    assert quotes(chunk_of(wrapped))[0].endswith("from the day of delivery.")
    address = f"{TOKEN}\n4 Quarry Steps\nElmsby, LS94 2RB"
    assert quotes(chunk_of(address)) == address.split("\n")


def test_a_record_is_one_piece_with_the_line_that_opens_it() -> None:
    """Lines of ``Key: value`` belong together: a number alone does not say whose it is. A long record goes by line."""
    record = f"Account holder: {TOKEN}\nIBAN: [IBAN_CODE:GYMZ8DZ3PE-ZC]"
    assert quotes(chunk_of(f"Please pay.\n\n{record}")) == ["Please pay.", record]
    assert quotes(chunk_of(f"Please pay to this account:\n\n{record}")) == [f"Please pay to this account:\n\n{record}"]
    long = "\n".join(f"Key {letter}: {'value ' * 20}".rstrip() for letter in "abcdefgh")
    assert quotes(chunk_of(long)) == long.split("\n")


def test_steps_stay_together() -> None:
    """A short numbered list is one piece, also where blank lines part its steps."""
    steps = "1. Spread the tent.\n\n2. Peg the corners.\n\n3. Lay the fly."
    chunk = chunk_of(f"Pitching\n\n{steps}")
    assert quotes(chunk) == ["Pitching", steps]
    assert chunk.record[slice(*cut(chunk)[1].lead)] == "Pitching"


def test_short_lines_over_text_are_headings_and_slides_are_not() -> None:
    """A line without a stop over running text is its heading, named by the chunk or not; bare lines are statements."""
    kinds = [piece.kind for piece in cut(chunk_of("A small hole\n\nUse the kit. It takes a day.\n\nLast words"))]
    assert kinds == ["heading", "sentence", "sentence", "sentence"]
    assert [piece.kind for piece in cut(chunk_of("Revenue up 12 %\n\nCosts flat"))] == ["sentence", "sentence"]


def test_table_rows_carry_their_header() -> None:
    """A row knows its columns, whether the header is in the chunk or repeated above a split table."""
    table = "| Product | Price |\n|---|---|\n| Desk | 240 € |\n| Lamp | 35 € |"
    rows = cut(chunk_of(table))
    assert [row_text(table[row.start : row.end], row.header) for row in rows] == [
        "Product: Desk; Price: 240 €",
        "Product: Lamp; Price: 35 €",
    ]
    piece = chunk_of("| Chair | 99 € |", context="| Product | Price |\n|---|---|")
    assert row_text(piece.record, cut(piece)[0].header) == "Product: Chair; Price: 99 €"


def test_rows_without_a_fitting_header_are_shown_as_they_are() -> None:
    """Cells are not paired with names that do not belong to them; empty cells are left out."""
    assert row_text("| a |  | c |", ("only", "two")) == "a | c"
    assert row_text("| a |  | c |", ("x", "y", "z")) == "x: a; z: c"
    assert cells(r"| a \| b | c |") == [r"a \| b", "c"]


def test_a_list_under_its_heading_is_whole() -> None:
    """What a heading asks, its list answers, all of it."""
    chunk = chunk_of("What is not covered\n\n- Wear of soles.\n\n- Damage by storm.")
    assert quotes(chunk)[1] == "- Wear of soles.\n\n- Damage by storm."


def test_short_lists_stay_whole_and_long_ones_go_by_item() -> None:
    """A short list is one piece with the line that opens it; a long one is quoted by item, led by that line."""
    short = "You need:\n- a passport\n- a photo\n  of yourself\n\nThat is all."
    assert quotes(chunk_of(short)) == ["You need:\n- a passport\n- a photo\n  of yourself", "That is all."]
    items = [f"- item {n} " + "word " * 30 for n in range(5)]
    chunk = chunk_of("You need:\n" + "\n".join(items))
    pieces = cut(chunk)
    assert [piece.kind for piece in pieces][1:] == ["item"] * 5
    assert {chunk.record[slice(*piece.lead)] for piece in pieces[1:]} == {"You need:"}


def test_answers_know_the_question_or_heading_above_them() -> None:
    """In a list of questions and answers each answer is led by its question, other text by its heading."""
    text = "Returns\n\nIt is free.\n\nHow do I return a lamp?\n\nUse the label in the box. It is prepaid."
    chunk = chunk_of(text, heading="Handbook > Returns")
    leads = {chunk.record[p.start : p.end]: chunk.record[slice(*p.lead)] for p in cut(chunk)}
    assert cut(chunk)[0].kind == "heading"
    assert leads["It is free."] == "Returns"
    assert leads["It is prepaid."] == "How do I return a lamp?"


def test_code_is_one_piece() -> None:
    """A fenced block keeps its blank lines and is not cut at full stops."""
    code = "```\nx = 1. Y\n\ny = 2\n```"
    assert quotes(chunk_of(f"Run this.\n\n{code}\n\nDone.")) == ["Run this.", code, "Done."]


def test_index_view_of_a_piece_takes_whole_spans() -> None:
    """A range of the record view maps to the index view with the surrogate in full."""
    record = f"Call {TOKEN} now."
    span = MaskedSpan("PERSON", 5, 17, 5, 5 + len(TOKEN), 5, 17)
    chunk = Chunk(
        ordinal=0,
        record=Masked(record),
        index=Masked("Call Mira Delgado now."[:5] + "Mira Delgado" + " now."),
        source_start=0,
        source_end=22,
        spans=(span,),
    )
    assert index_text(chunk, 0, len(record)) == "Call Mira Delgado now."
    assert index_text(chunk, 0, 9) == "Call Mira Delgado"


@given(
    st.lists(
        st.sampled_from(
            [
                "One sentence here. Two of them!",
                "- item",
                "1. first",
                "| a | b |",
                "|---|---|",
                "# Head",
                "```",
                "",
                "Key: value",
                "Open:",
                "  indented",
                TOKEN,
                "a long line that goes on and on until it is wrapped by the page",
            ]
        ),
        max_size=25,
    ).map("\n".join)
)
def test_pieces_cover_every_word_once_and_in_order(text: str) -> None:
    """Whatever the structure, pieces never overlap and leave out nothing but blanks, list marks, rules and headers."""
    pieces = cut(chunk_of(text))
    assert all(a.end <= b.start for a, b in pairwise(pieces))
    assert all(text[piece.start : piece.end].strip() == text[piece.start : piece.end] != "" for piece in pieces)
    covered = {at for piece in pieces for at in range(piece.start, piece.end)}
    left = [line for line in _uncovered(text, covered) if line.strip(" \t\n#-.|1")]
    assert all(line.lstrip().startswith("|") for line in left), left


def _uncovered(text: str, covered: set[int]) -> list[str]:
    return "".join(letter if at not in covered else "\n" for at, letter in enumerate(text)).split("\n")
