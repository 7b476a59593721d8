"""Builds the two masked views of a text from its source and the replacements for its spans."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ragkit.errors import MaskingError
from ragkit.types import Masked, MaskedSpan, MaskedText, Span


@dataclass(frozen=True, slots=True)
class Replacement:
    """What stands for one span: ``record`` in the record view, ``index`` in the index view."""

    record: str
    index: str


def build_views(text: str, spans: Sequence[Span], replacements: Sequence[Replacement]) -> MaskedText:
    """Replace ``spans`` (in order, disjoint) by ``replacements``; between spans the views equal the source.

    Raises:
        MaskingError: The spans overlap, are out of order or outside the text.
    """
    if not spans:
        return MaskedText(Masked(text), Masked(text))
    record: list[str] = []
    index: list[str] = []
    masked: list[MaskedSpan] = []
    position = record_at = index_at = 0
    for span, new in zip(spans, replacements, strict=True):
        if not position <= span.start < span.end <= len(text):
            raise MaskingError("spans to mask overlap or lie outside the text", remedy="This is a defect: report it.")
        between = text[position : span.start]
        record += (between, new.record)
        index += (between, new.index)
        record_at += len(between)
        index_at += len(between)
        record_end, index_end = record_at + len(new.record), index_at + len(new.index)
        masked.append(MaskedSpan(span.entity_type, span.start, span.end, record_at, record_end, index_at, index_end))
        record_at, index_at, position = record_end, index_end, span.end
    rest = text[position:]
    return MaskedText(Masked("".join([*record, rest])), Masked("".join([*index, rest])), tuple(masked))
