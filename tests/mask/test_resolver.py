"""The span resolver: disjoint, ordered, nothing found is lost, ranks decide."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from ragkit.mask.resolver import rank, resolve
from ragkit.policy import Policy
from ragkit.types import Span

POLICY = Policy(entities={"PERSON": "token", "PHONE_NUMBER": "token", "CREDIT_CARD": {"threshold": 0.9}, "AGE": "keep"})
RECOGNIZERS = ("presidio:checksum:X", "presidio:pattern:X", "rules:x", "learned:x", "dictionary:term", "other")


def span(start: int, end: int, entity_type: str = "PERSON", score: float = 0.8, recognizer: str = "rules:x") -> Span:
    """A span with defaults."""
    return Span(start, end, entity_type, score, recognizer)


@st.composite
def texts_with_spans(draw):
    """A text and overlapping spans on it."""
    text = draw(st.text(alphabet="ab Z9-.\nü漢", min_size=1, max_size=60))
    places = st.integers(0, len(text))
    spans = draw(
        st.lists(
            st.builds(
                lambda a, b, kind, score, how: Span(min(a, b), max(a, b), kind, score, how),
                places, places, st.sampled_from(["PERSON", "PHONE_NUMBER"]), st.sampled_from([0.4, 0.8, 1.0]),
                st.sampled_from(RECOGNIZERS),
            ),
            max_size=12,
        )
    )  # fmt: skip
    return text, spans


@given(texts_with_spans())
def test_result_is_disjoint_ordered_and_covers_every_finding(example):
    """Whatever comes in: spans do not overlap, are in order, and every found letter or digit is inside one."""
    text, spans = example
    resolved = resolve(text, spans, POLICY)
    assert all(0 <= s.start < s.end <= len(text) for s in resolved)
    assert all(a.end <= b.start for a, b in pairwise(resolved))
    covered = {i for s in resolved for i in range(s.start, s.end)}
    wanted = {i for s in spans for i in range(s.start, s.end) if text[i].isalnum()}
    assert wanted <= covered


@given(texts_with_spans())
def test_order_of_detectors_does_not_matter(example):
    """The same findings in another order give the same spans."""
    text, spans = example
    places = [(s.start, s.end) for s in resolve(text, spans, POLICY)]
    assert places == [(s.start, s.end) for s in resolve(text, spans[::-1], POLICY)]


def test_ranks():
    """Dictionaries, then checksums, then learned, then rules, then weak patterns."""
    order = ["dictionary:x", "presidio:checksum:C", "learned:p", "rules:r", "presidio:pattern:P", "unknown"]
    values = [rank(span(0, 1, recognizer=recognizer)) for recognizer in order]
    assert values == sorted(values, reverse=True)
    assert len(set(values)) == len(values)


def test_thresholds_and_unwanted_types_go_first():
    """A weak or unwanted finding cannot push out a wanted one."""
    text = "4111 1111 1111 1111"
    weak = span(0, 19, "CREDIT_CARD", 0.5, "presidio:checksum:C")
    kept = span(0, 19, "AGE", 1.0, "dictionary:term")
    assert [s.entity_type for s in resolve(text, [weak, kept, span(0, 9, "PHONE_NUMBER")], POLICY)] == ["PHONE_NUMBER"]


def test_higher_rank_wins_and_the_rest_is_trimmed():
    """What the winner leaves of the loser stays masked."""
    text = "Anna Lee 4711 Ray"
    low, high = span(0, 17), span(9, 13, "PHONE_NUMBER", 1.0, "presidio:checksum:C")
    assert [(s.start, s.end, s.entity_type) for s in resolve(text, [low, high], POLICY)] == [
        (0, 8, "PERSON"), (9, 13, "PHONE_NUMBER"), (14, 17, "PERSON"),
    ]  # fmt: skip


def test_overlaps_of_one_type_are_united():
    """Two halves of a name are one span."""
    assert [(s.start, s.end) for s in resolve("Anna Lee Ray", [span(0, 8), span(5, 12)], POLICY)] == [(0, 12)]


def test_spans_grow_to_whole_words():
    """Masking half a word would tell the other half; signs at the edge do not grow."""
    assert [(s.start, s.end) for s in resolve("xx Weißmüllers yy", [span(5, 9)], POLICY)] == [(3, 14)]
    assert [(s.start, s.end) for s in resolve("a (Lee) b", [span(3, 6)], POLICY)] == [(3, 6)]


def test_scripts_without_spaces_do_not_grow():
    """In Chinese the whole sentence would be one word."""
    assert [(s.start, s.end) for s in resolve("我叫王小明很高兴", [span(2, 5)], POLICY)] == [(2, 5)]


def test_some_code_gives_way_to_a_pattern_that_knows_which():
    """A model says that a number identifies something; the pattern says that it is a telephone number."""
    policy = Policy(entities={"UNIQUE_ID": "token", "PHONE_NUMBER": "token", "PERSON": "token"})
    code = span(0, 12, "UNIQUE_ID", 0.9, "learned:x")
    phone = span(0, 12, "PHONE_NUMBER", 0.4, "presidio:pattern:X")
    assert [s.entity_type for s in resolve("030 12345678", [code, phone], policy)] == ["PHONE_NUMBER"]


def test_findings_of_one_type_are_united_however_they_were_made():
    """A model finds the ends of a date and a rule all of it: one date."""
    policy = Policy(entities={"DATE_TIME": "token"})
    found = [span(0, 1, "DATE_TIME", 0.6, "learned:x"), span(11, 15, "DATE_TIME", 0.7, "learned:x")]
    [date] = resolve("1 November 1998", [*found, span(0, 15, "DATE_TIME")], policy)
    assert (date.start, date.end, date.score) == (0, 15, 0.8)
    assert date.recognizer.startswith("learned:")
