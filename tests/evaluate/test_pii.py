"""The whole measurement: real detectors on a few lines, any detector, misses without values."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest

from ragkit.evaluate.counting import MEASURES
from ragkit.evaluate.finder import Finder
from ragkit.evaluate.labelled import Labelled, labelled
from ragkit.evaluate.misses import CONTEXT, Sample, context_of
from ragkit.evaluate.pii import disjoint, evaluate_pii
from ragkit.policy import Policy
from ragkit.types import Span


def record(text: str, *values: tuple[str, str]) -> Labelled:
    """A text with every occurrence of each value labelled."""
    spans = [
        {"start": at, "end": at + len(value), "label": label}
        for value, label in values
        for at in range(len(text))
        if text.startswith(value, at)
    ]
    return labelled({"text": text, "spans": spans})


LINES = [
    record("Dear Mr Galip Yalman, mail galip@acme.de", ("Galip Yalman", "PERSON"), ("galip@acme.de", "EMAIL_ADDRESS")),
    record("Card 4111 1111 1111 1111, Zagreb", ("4111 1111 1111 1111", "CREDIT_CARD"), ("Zagreb", "LOCATION")),
    record("Nothing here."),
]


@pytest.fixture(scope="module")
def finder() -> Finder:
    """The default policy's rules and patterns."""
    made = Finder(Policy.default())
    made.load()
    return made


def test_real_detectors_are_measured(finder: Finder) -> None:
    """What the rules find counts, what no rule finds is missed, and the shape is that of the command line."""
    scores = evaluate_pii(finder, LINES, misses=5)
    shown = scores.as_json()
    assert [*shown] == [*MEASURES, "by_type", "documents", "characters_per_second"]
    for name in MEASURES:
        assert [*shown[name]][:4] == ["precision", "recall", "f1", "f2"]
    assert shown["documents"] == 3
    assert shown["characters_per_second"] > 0
    for found in ("PERSON", "EMAIL_ADDRESS", "CREDIT_CARD"):
        assert shown["by_type"][found]["recall"] == 1.0
        assert shown["by_type"][found]["exact"]["recall"] == 1.0
    assert shown["by_type"]["LOCATION"]["recall"] == 0.0
    assert shown["fully_covered"]["recall"] == 0.75
    assert shown["fully_covered"]["texts"] == {"all": 2, "covered": 1} | {
        key: shown["fully_covered"]["texts"][key] for key in ("share", "low", "high")
    }
    [miss] = shown["fully_covered"]["misses"]
    assert miss["entity_type"] == "LOCATION"
    json.dumps(shown, allow_nan=False)


def test_names_found_once_are_found_again_in_their_text(finder: Finder) -> None:
    """Propagation belongs to masking, so it is measured."""
    text = "Mr Galip Yalman left. Later YALMAN came back, and yalman stayed."
    [spans] = finder([text])
    assert [text[span.start : span.end].lower() for span in spans if span.entity_type == "PERSON"][1:] == ["yalman"] * 2


def test_any_detector_can_be_measured() -> None:
    """Overlapping spans in any order are taken as what they cover together; batches do not matter."""
    calls: list[int] = []

    def find(texts: Sequence[str]) -> list[list[Span]]:
        calls.append(len(texts))
        return [[Span(4, 9, "PERSON", 1.0, "b"), Span(0, 6, "TITLE", 1.0, "a")] for _ in texts]

    scores = evaluate_pii(find, (record("Ana Kovač left", ("Ana Kovač", "PERSON")) for _ in range(150)))
    assert calls == [64, 64, 22]
    assert scores.measures["fully_covered"].recall.value == 1.0
    assert scores.measures["characters"].counts == (1350, 1350, 1350, 1350)
    assert scores.documents == 150


def test_spans_are_made_disjoint() -> None:
    """Of two that overlap the earlier stays, the later keeps the rest, one within goes."""
    spans = [Span(3, 8, "B", 1, ""), Span(0, 5, "A", 1, ""), Span(1, 2, "C", 1, ""), Span(8, 9, "D", 1, "")]
    assert [(span.start, span.end, span.entity_type) for span in disjoint(spans)] == [
        (0, 5, "A"),
        (5, 8, "B"),
        (8, 9, "D"),
    ]


def test_misses_show_no_value() -> None:
    """Neither labelled, masked nor ignored values, nor their words elsewhere, nor digits, nor half words."""
    text = "Pay " * 20 + "Ana Kovač (born 1.2.1980, card 4111) and Kovač & Bruno met Čedomir-Ana in Zagreb" + " x" * 60
    base = record(text, ("Čedomir", "PERSON"), ("Ana Kovač", "PERSON"))
    document = Labelled(text, base.gold, ignored=((text.index("Zagreb"), text.index("Zagreb") + 6),))
    missed = base.gold[0]
    spans = [Span(text.index("Bruno"), text.index("Bruno") + 5, "PERSON", 1.0, "t")]
    shown = context_of(document, spans, missed)
    assert "»[PERSON]«" in shown
    for value in ("Ana", "Kov", "Bruno", "edomir", "Zagreb", "1980", "4111"):
        assert value not in shown
    assert len(shown) < 4 * CONTEXT


def test_a_sample_keeps_its_size() -> None:
    """No more than asked for, out of all that go by, the same ones for the same seed."""
    one = record("Ana left", ("Ana", "PERSON"))
    samples = [Sample(5, seed=1) for _ in range(2)]
    for sample in samples:
        for _ in range(100):
            sample.add(one, [], one.gold)
    assert len(samples[0].kept()) == 5
    assert samples[0].kept() == samples[1].kept()
    assert Sample(0).kept() == ()


def test_scores_hide_content(finder: Finder) -> None:
    """No repr of scores or records holds text."""
    scores = evaluate_pii(finder, LINES, misses=3)
    for value in ("Galip", "Zagreb", "4111"):
        assert value not in repr(scores) + repr(LINES) + json.dumps(scores.as_json())
