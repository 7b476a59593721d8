"""What can stand as an answer, and what only names what was asked about."""

from __future__ import annotations

import re

import pytest

from ragkit.generate.pieces import cut
from ragkit.generate.statements import says_something
from ragkit.generate.terms import QuestionTerms
from ragkit.types import Chunk, Masked, MaskedSpan

TOKEN = "[PERSON:K7F3QX9M2T-4B]"
IBAN = "[IBAN_CODE:CFTFVCHR38-E7]"
NAMES = {TOKEN: ("PERSON", "Mira Delgado"), IBAN: ("IBAN_CODE", "GB29NWBK60161331926819")}


def chunk_of(record: str, *headings: str) -> Chunk:
    """A chunk whose tokens stand for the names above in the index view."""
    index, spans, at = "", [], 0
    for token in re.finditer("|".join(map(re.escape, NAMES)), record):
        kind, name = NAMES[token.group()]
        index += record[at : token.start()]
        start, at = len(index), token.end()
        index += name
        spans.append(MaskedSpan(kind, start, len(index), *token.span(), start, len(index)))
    index += record[at:]
    paths = tuple((record.index(heading), Masked(heading)) for heading in headings)
    return Chunk(
        ordinal=0,
        record=Masked(record),
        index=Masked(index),
        source_start=0,
        source_end=len(index),
        headings=paths,
        spans=tuple(spans),
    )


def telling(question: str, chunk: Chunk) -> list[str]:
    """The pieces that say something."""
    terms = QuestionTerms(Masked(question))
    return [chunk.record[p.start : p.end] for p in cut(chunk) if says_something(chunk, p, terms)]


@pytest.mark.parametrize(
    ("question", "text", "answers"),
    [
        ("What did Mira Delgado complain about?", f"The flame is yellow.\n\n{TOKEN}", ["The flame is yellow."]),
        ("What did Mira Delgado complain about?", f"Caller: Mrs {TOKEN}", []),
        ("Who is the caller?", f"Caller: Mrs {TOKEN}", [f"Caller: Mrs {TOKEN}"]),
        ("What is the IBAN of Mira Delgado?", f"IBAN: {IBAN}", [f"IBAN: {IBAN}"]),
        ("Why did it rattle?", f"Customer: {TOKEN}\nIBAN: {IBAN}\nCustomer of: {TOKEN}", []),
        ("Which stoves does the subject name?", f"From: {TOKEN}\nTo: care@shop.example\nDate: Friday 18 September", []),
        ("Is the warranty five years?", "The warranty is five years.", ["The warranty is five years."]),
    ],
)
def test_names_and_labels_alone_are_no_answers(question: str, text: str, answers: list[str]) -> None:
    """A value that the question had, or that nobody asked for, is not quoted; one that was asked for is."""
    assert telling(question, chunk_of(text)) == answers


def test_a_heading_that_ends_like_a_sentence_is_no_answer() -> None:
    """In a list of questions and answers some questions are statements; the document marks them as headings."""
    text = "I have lost the return slip.\n\nPrint a new one in the account.\n\nRefunds\n\nThey take a week."
    chunk = chunk_of(text, "I have lost the return slip.", "Refunds")
    question = "I lost the slip of my return, what about refunds?"
    assert telling(question, chunk) == ["Print a new one in the account.", "They take a week."]
