"""Whether the sources say what an answer says."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from ragkit.generate.checking import SupportChecker
from ragkit.generate.citing import mark
from ragkit.generate.packing import pack
from ragkit.types import Chunk, Hit, Masked

ADA, BEN = "[PERSON:K7F3QX9M2T-4B]", "[PERSON:Z9F3QX9M2T-7C]"
WARRANTY = (
    f"The warranty of a lamp lasts 24 months from the day of delivery. Scratches are not covered. {ADA} repairs it."
)
TABLE = "| Product | Price |\n|---|---|\n| Desk | 240 € |\n| Lamp | 35 € |"


def checker_of(*texts: str, question: str = "How long is the warranty?", **options: object) -> SupportChecker:
    """A checker over one source a text."""
    hits = []
    for number, text in enumerate(texts, start=1):
        chunk = Chunk(ordinal=0, record=Masked(text), index=Masked(text), source_start=0, source_end=len(text))
        hits.append(Hit(chunk_id=number, doc_id=f"d{number}", version=1, chunk=chunk, score=1.0, title=Masked("Guide")))
    return SupportChecker(pack(hits, room=100_000, count_tokens=len), question=question, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("sentence", "supported"),
    [
        (f"The warranty lasts 24 months{mark(1)}.", True),
        (f"From delivery, a lamp has 24 months of warranty{mark(1)}.", True),
        ("The warranty lasts 24 months.", True),
        (f"The warranty lasts 36 months{mark(1)}.", False),
        (f"The warranty lasts 24 months{mark(2)}.", False),
        (f"A desk costs 240 €{mark(2)}.", True),
        (f"A desk costs 35 €{mark(1)}.", False),
        (f"{ADA} repairs it{mark(1)}.", True),
        (f"{BEN} repairs it{mark(1)}.", False),
        (f"Elephants sleep standing in the savanna{mark(1)}.", False),
    ],
)
def test_words_figures_and_persons_decide(sentence: str, supported: bool) -> None:
    """A wrong number, another person, another source or other words: not supported."""
    verdict = checker_of(WARRANTY, TABLE).judge(sentence)
    assert (verdict.judged, verdict.supported) == (True, supported)


@pytest.mark.parametrize("line", ["# Warranty", "It covers:", "Shall I go on?", "|---|---|", "Yes.", "```python"])
def test_what_states_nothing_is_not_judged(line: str) -> None:
    """Headings, openings, questions and rules pass without counting."""
    verdict = checker_of(WARRANTY).judge(line)
    assert (verdict.judged, verdict.supported) == (False, True)


def test_a_figure_of_the_question_or_of_an_earlier_turn_is_no_invention() -> None:
    """What the asker said may be repeated."""
    checker = checker_of(WARRANTY, question="Is it 36 months for order A-77?", history=["I paid 99 €."])
    assert checker.unsupported_figures("Not 36 months but 24 for A77, though you paid 99 €.") == 0
    assert checker.unsupported_figures("It was 37 months, or 38.") == 2


def test_the_words_of_another_language_prove_nothing() -> None:
    """A translated answer passes if it cites and its figures stand in the source, and only then."""
    checker = checker_of(WARRANTY, question="Wie lange ist die Garantie auf die Lampe?")
    assert checker.judge(f"Die Garantie auf die Lampe gilt für 24 Monate ab dem Tag der Lieferung{mark(1)}.").supported
    assert not checker.judge(f"Die Garantie auf die Lampe gilt für 36 Monate ab der Lieferung{mark(1)}.").supported
    assert not checker.judge("Die Garantie auf die Lampe gilt für 24 Monate ab dem Tag der Lieferung.").supported


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("Die Rückgabefrist beträgt vierzehn Tage nach Erhalt der Ware.", "Die Rückgabe der Ware geht vierzehn Tage."),
        (
            "Возврат товара возможен в течение двух недель.",
            "Товар можно вернуть в течение двух недель, возврат возможен.",
        ),
        ("保修期为两年，从交货之日起计算。", "保修期为两年。"),
    ],
)
def test_other_languages_are_compared_with_themselves(source: str, sentence: str) -> None:
    """Stems and pairs of signs, by the language of the sources."""
    assert checker_of(source, question="?").judge(sentence + mark(1)).supported


class Reader:
    """Entails what has the word "yes" in it, and remembers what it read."""

    def __init__(self) -> None:
        self.read: list[str] = []

    def load(self) -> None:
        """Nothing to load."""

    def entails(self, premises: Sequence[str], hypothesis: str) -> float:
        """By one word."""
        self.read += premises
        return float("yes" in hypothesis)


def test_a_model_of_meaning_overrules_words_but_not_figures() -> None:
    """Where the user has one, it decides; a wrong figure stays wrong; it reads names, no tokens."""
    reader = Reader()
    checker = checker_of(WARRANTY, entailment=reader)
    assert checker.judge(f"Elephants sleep, yes they do{mark(1)}.").supported
    assert not checker.judge(f"The lamp has a warranty for months which lasts, repairs{mark(1)}.").supported
    assert not checker.judge(f"Elephants sleep 99 hours, yes they do{mark(1)}.").supported
    assert not any("K7F3QX9M2T" in text for text in reader.read)
    assert any("Person K7F3" in text for text in reader.read)


def test_what_was_cited_is_remembered_as_it_stands() -> None:
    """The passage that says it best; the first one where nothing was said of a source."""
    checker = checker_of(WARRANTY, TABLE)
    checker.judge(f"Scratches are not covered{mark(1)}.")
    (passage,) = checker.stated_in(1)
    assert WARRANTY[passage.piece.start : passage.piece.end] == "Scratches are not covered."
    assert len(checker.stated_in(2)) == 1
