"""Values in front of an answer: verbatim, of the kind asked for, and only where there is no doubt."""

from __future__ import annotations

import pytest

from ragkit.generate.direct import value_in_front
from ragkit.generate.pieces import cut
from ragkit.generate.ranking import RankedPiece
from ragkit.generate.terms import QuestionTerms
from ragkit.types import Chunk, Hit, Masked, MaskedSpan

TOKEN = "[PHONE_NUMBER:K7F3QX9M2T-4B]"


def ranked(question: str, text: str, *, words: float = 1.0, masked: str = "", kind: str = "PHONE_NUMBER"):
    """The pieces of a text in its own order, as if the first were the best; ``TOKEN`` stands for ``masked``."""
    at = text.find(TOKEN)
    spans = (MaskedSpan(kind, at, at + 4, at, at + len(TOKEN), at, at + len(masked)),) if masked else ()
    index = text.replace(TOKEN, masked)
    chunk = Chunk(
        ordinal=0, record=Masked(text), index=Masked(index), source_start=0, source_end=len(text), spans=spans
    )
    hit = Hit(chunk_id=1, doc_id="d", version=1, chunk=chunk, score=1.0, title=Masked("t"))
    terms = QuestionTerms(Masked(question))
    pieces = [
        RankedPiece(hit, 0, piece, words, terms.matched(text[piece.start : piece.end]))
        for piece in cut(chunk)
        if piece.kind != "heading"
    ]
    return Masked(question), terms, sorted(pieces, key=lambda one: -len(one.matched))


@pytest.mark.parametrize(
    ("question", "text", "value"),
    [
        ("How long is the warranty?", "The warranty runs for 24 months from delivery.", "24 months"),
        ("How long is the warranty?", "The warranty of a desk is **five years** in all.", "five years"),
        ("How long does delivery take?", "Delivery takes 3 to 5 business days in the city.", "3 to 5 business days"),
        ("Wie lange gilt die Garantie?", "Die Garantie gilt zwei Jahre ab Lieferung.", "zwei Jahre"),
        ("How much does delivery cost?", "Delivery costs € 4.90 for each parcel sent.", "€ 4.90"),
        ("Was kostet der Versand?", "Der Versand kostet 4,90 € innerhalb des Landes.", "4,90 €"),
        ("How many seats does the hall have?", "The hall has 1,200 seats and a bar.", "1,200 seats"),
        ("Wie viele Mitarbeiter hat die Firma?", "Die Firma hat 35 Mitarbeiter in Bonn.", "35 Mitarbeiter"),
        ("What percentage of the price is refunded?", "We refund 80 % of the price paid.", "80 %"),
        ("When was the contract signed?", "The contract was signed on 3 May 2021 in Bonn.", "3 May 2021"),
        ("When was the firm founded?", "The firm was founded in 1987 by two friends.", "1987"),
        ("In what year was it founded?", "It was founded in 1987 by two friends.", "1987"),
    ],
)
def test_the_one_value_of_the_kind_asked_for_is_given(question: str, text: str, value: str) -> None:
    """It stands in the text as it is given."""
    found = value_in_front(*ranked(question, text))
    assert found == value
    assert found in text


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("How long is the warranty?", "The warranty runs for 24 months, that of lamps for 12 months."),  # two of them
        ("How long is the warranty?", "The warranty is described on page 24 of the booklet."),  # none of the kind
        ("How long is the river?", "The river is 24 km long and rather shallow."),
        ("Why does the warranty of 24 months end?", "The warranty ends after 12 months."),  # asks for no value
        ("How long is the warranty of 24 months?", "The warranty runs for 24 months."),  # brought by the question
        ("How much does delivery cost, and how long does it take?", "Delivery takes 3 days and costs € 4."),
        ("How many seats does the hall have?", "The hall has 3 doors and many seats."),
        ("How long is the warranty?", "24 months."),  # the piece says no more than that
        ("What is the phone number?", "The phone number is 12 digits long in this country."),
        ("When is it open?", "It is open from nine to six on weekdays."),
    ],
)
def test_in_doubt_there_is_none(question: str, text: str) -> None:
    """Several values, another kind, a value of the question itself: the sentence answers alone."""
    assert value_in_front(*ranked(question, text)) is None


def test_a_piece_with_few_words_of_the_question_gives_no_value() -> None:
    """Its value may belong to something else."""
    question, text = "How long is the warranty of the desk?", "The lease runs for 24 months."
    assert value_in_front(*ranked(question, text, words=0.2)) is None


def test_a_masked_value_is_taken_with_its_whole_token() -> None:
    """The token is the value, and its own digits are never read as one."""
    text = f"You reach the workshop by phone at {TOKEN} on weekdays."
    asked = ranked("What is the phone number of the workshop?", text, masked="0228 5550199")
    assert value_in_front(*asked) == TOKEN
    asked = ranked("How long is the phone of the workshop busy?", text, masked="0228 5550199")
    assert value_in_front(*asked) is None


def test_a_masked_value_that_the_question_has_is_no_answer() -> None:
    """Who was asked about is not who is looked for."""
    text = f"The workshop is led by {TOKEN} since spring."
    asked = ranked("Who is Mira Delgado of the workshop?", text, masked="Mira Delgado", kind="PERSON")
    assert value_in_front(*asked) is None
    asked = ranked("Who leads the workshop?", text, masked="Mira Delgado", kind="PERSON")
    assert value_in_front(*asked) == TOKEN


TABLE = """| Product | Size | Price |
|---|---|---|
| Aurora desk | 160 x 80 cm | 649.00 € |
| Borealis desk | 120 x 70 cm | 489.00 € |"""


@pytest.mark.parametrize(
    ("question", "value"),
    [
        ("What size has the Borealis desk?", "120 x 70 cm"),
        ("What is the price of the Aurora desk?", "649.00 €"),
        ("What is the price of a desk?", None),  # two rows
        ("What are the size and the price of the Aurora desk?", None),  # two columns
        ("What is the weight of the Aurora desk?", None),  # no such column
    ],
)
def test_the_cell_of_the_column_asked_for_is_given(question: str, value: str | None) -> None:
    """One row, one column, or nothing."""
    assert value_in_front(*ranked(question, TABLE)) == value
