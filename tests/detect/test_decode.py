"""From probabilities to spans."""

from __future__ import annotations

import numpy as np
import pytest

from ragkit.detect.decode import LABELS, Decoder
from ragkit.detect.features import Words

PERSON, PLACE = LABELS.index("PERSON"), LABELS.index("LOCATION")
WORDS = Words([0, 4, 10, 16], [3, 9, 15, 20], [(1,)] * 4, [192] * 4)


def rows(*words: dict[int, float]) -> np.ndarray:
    """Probabilities in which ``{output: share}`` is given and the rest is "nothing"."""
    table = np.zeros((len(words), 1 + 2 * len(LABELS)), dtype=np.float32)
    for row, word in zip(table, words, strict=True):
        for output, share in word.items():
            row[output] = share
        row[0] = 1 - row.sum()
    return table


def begins(kind: int) -> int:
    """The output that begins a type."""
    return 1 + 2 * kind


def test_first_and_further_words_make_one_span_and_a_first_word_begins_another() -> None:
    """First and further words make one span and a first word begins another."""
    table = rows({begins(PERSON): 0.9}, {begins(PERSON) + 1: 0.8}, {begins(PERSON): 0.9}, {})
    decoder = Decoder({}, {"PERSON": 0.5}, recognizer="learned:x")
    spans = decoder.decode(table, WORDS, "x" * 20)
    assert [(span.start, span.end, span.entity_type) for span in spans] == [(0, 9, "PERSON"), (10, 15, "PERSON")]
    assert spans[0].score == pytest.approx(0.85)


def test_the_measured_threshold_reads_as_one_half() -> None:
    """The measured threshold reads as one half."""
    table = rows({begins(PERSON): 0.2}, {begins(PERSON): 0.19}, {begins(PERSON): 1.0}, {})
    spans = Decoder({"PERSON": 0.2}, {"PERSON": 0.5}, recognizer="learned:x").decode(table, WORDS, "x" * 20)
    assert [(span.start, span.score) for span in spans] == [(0, 0.5), (10, 1.0)]


def test_types_that_are_not_wanted_are_not_found_and_do_not_lend_their_share() -> None:
    """Types that are not wanted are not found and do not lend their share."""
    table = rows({begins(PERSON): 0.3, begins(PLACE): 0.6}, {begins(PLACE): 0.9}, {}, {})
    assert Decoder({}, {"PERSON": 0.5}, recognizer="learned:x").decode(table, WORDS, "x" * 20) == []
    both = Decoder({}, {"PERSON": 0.5, "LOCATION": 0.5}, recognizer="learned:x").decode(table, WORDS, "x" * 20)
    assert [span.entity_type for span in both] == ["LOCATION", "LOCATION"]
    assert both[0].score == pytest.approx(0.9)


def test_marks_at_the_edges_are_left_out_but_the_dot_of_an_initial() -> None:
    """``(J. K.)`` is found as ``J. K.``, and a lone dash is nothing."""
    mark, letter = 8 * 192, 4 * 192
    words = Words(
        [0, 1, 2, 4, 5, 6, 8], [1, 2, 3, 5, 6, 7, 9], [(1,)] * 7, [mark, letter, mark, letter, mark, mark, mark]
    )
    table = rows({begins(PERSON): 1.0}, *[{begins(PERSON) + 1: 1.0}] * 5, {begins(PLACE): 1.0})
    decoder = Decoder({}, {"PERSON": 0.5, "LOCATION": 0.5}, recognizer="learned:x")
    assert [(span.start, span.end) for span in decoder.decode(table, words, "(J. K.) -")] == [(1, 6)]


def test_a_telephone_number_has_digits() -> None:
    """Three digits are a status code, whatever the probabilities say."""
    phone = LABELS.index("PHONE_NUMBER")
    table = rows({begins(phone): 1.0}, {}, {begins(phone): 1.0}, {begins(phone) + 1: 1.0})
    decoder = Decoder({}, {"PHONE_NUMBER": 0.5}, recognizer="learned:x")
    assert [(span.start, span.end) for span in decoder.decode(table, WORDS, "503 given 01632 9601")] == [(10, 20)]
