"""The two views and the map between them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragkit.errors import MaskingError
from ragkit.mask.views import Replacement, build_views
from ragkit.types import Span


@st.composite
def replaced(draw):
    """A text, disjoint spans in order, and replacements."""
    text = draw(st.text(min_size=1, max_size=80))
    cuts = sorted(draw(st.sets(st.integers(0, len(text)), max_size=12)))
    spans = [Span(a, b, "PERSON", 1.0, "rules:x") for a, b in zip(cuts[::2], cuts[1::2], strict=False)]
    news = [Replacement(draw(st.text(min_size=1, max_size=9)), draw(st.text(min_size=1, max_size=9))) for _ in spans]
    return text, spans, news


@given(replaced())
def test_between_spans_the_views_are_equal(example):
    """Outside masked spans all three texts agree; inside stand exactly the replacements."""
    text, spans, news = example
    masked = build_views(text, spans, news)
    source = record = index = 0
    for span, new in zip(masked.spans, news, strict=True):
        between = text[source : span.source_start]
        assert masked.record[record : span.record_start] == between == masked.index[index : span.index_start]
        assert masked.record[span.record_start : span.record_end] == new.record
        assert masked.index[span.index_start : span.index_end] == new.index
        source, record, index = span.source_end, span.record_end, span.index_end
    assert masked.record[record:] == text[source:] == masked.index[index:]


@given(replaced(), st.data())
def test_positions_round_trip_outside_spans(example, data):
    """A position outside every span maps there and back; one inside maps to the span's edges."""
    text, spans, news = example
    masked = build_views(text, spans, news)
    position = data.draw(st.integers(0, len(text)))
    for view in ("record", "index"):
        there = masked.to(view, position, came_from="source")
        back = masked.to("source", there, came_from=view)
        inside = next((s for s in spans if s.start < position < s.end), None)
        if inside is None:
            touching = [s for s in spans if position in (s.start, s.end)]
            assert back == position or any(back in (s.start, s.end) for s in touching)
        else:
            assert back == inside.start


def test_overlapping_spans_are_refused():
    """A defect upstream is an error, not a garbled text."""
    spans = [Span(0, 3, "PERSON", 1, "r"), Span(2, 4, "PERSON", 1, "r")]
    with pytest.raises(MaskingError):
        build_views("abcd", spans, [Replacement("x", "y")] * 2)
