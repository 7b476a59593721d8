"""A company's own terms: whole words, case rules, patterns, and cost that does not grow with the list."""

from __future__ import annotations

import pickle
from functools import partial

import pytest

from ragkit.errors import MaskingError
from ragkit.mask.dictionary import DictionaryDetector
from ragkit.policy import Dictionary
from ragkit.testing.clock import cpu_seconds


def found(text: str, **entry: object) -> list[str]:
    """What one dictionary finds in a text."""
    detector = DictionaryDetector({"d": Dictionary(entity_type="PROJECT", **entry)})
    return [text[span.start : span.end] for span in detector.detect([text])[0]]


def test_terms_are_whole_words_in_any_case():
    """``Falcon`` is not in ``Falconry``; a line break may stand inside a phrase."""
    text = "Blue\nFalcon, BLUE FALCON; blue falconry, Bluefalcon"
    assert found(text, terms=("Blue Falcon",)) == ["Blue\nFalcon", "BLUE FALCON"]


def test_case_rules():
    """``exact`` and ``smart`` tell a name from the word."""
    text = "The Orchid project grows orchid flowers"
    assert found(text, terms=("Orchid",), case="exact") == ["Orchid"]
    assert found(text, terms=("Orchid", "orchid"), case="smart") == ["Orchid", "orchid"]
    assert found(text, terms=("orchid",), case="smart") == ["Orchid", "orchid"]


def test_longest_term_wins():
    """A phrase is taken before its first word."""
    assert found("Blue Falcon flies", terms=("Blue", "Blue Falcon")) == ["Blue Falcon"]


def test_patterns():
    """Prices and codes by regular expression."""
    assert found("SKU-1234 and sku-99", patterns=(r"SKU-\d{4}",)) == ["SKU-1234"]


def test_a_runaway_pattern_is_an_error_not_a_miss(monkeypatch):
    """A pattern that runs out of time stops masking instead of letting text through."""
    monkeypatch.setattr("ragkit.mask.dictionary._SECONDS", 0.05)
    with pytest.raises(MaskingError, match="pattern 1"):
        found("a" * 40 + "!", patterns=(r"(?:a|a)+b|(a+)+$",))


def test_ten_thousand_terms_cost_no_more_than_ten():
    """Look-up is by word, not by alternation."""
    text = "nothing to see here at all " * 4000
    times = []
    for count in (10, 10_000):
        detector = DictionaryDetector(
            {"d": Dictionary(entity_type="TERM", terms=tuple(f"term{i} two" for i in range(count)))}
        )
        detector.load()
        times.append(cpu_seconds(partial(detector.detect, [text]), runs=3))
    assert times[1] < 3 * times[0] + 0.05


def test_it_pickles_before_and_after_loading():
    """A detector goes to a child process by value."""
    detector = DictionaryDetector({"d": Dictionary(entity_type="PROJECT", terms=("Falcon",))})
    detector.load()
    copy = pickle.loads(pickle.dumps(detector))
    assert copy.fingerprint == detector.fingerprint
    assert copy.detect(["Falcon"]) == detector.detect(["Falcon"])
    assert "Falcon" not in repr(detector)
