"""Values of labelled fields other than names: addresses by the line, places, jobs, nationalities, firms."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator

from ragkit.mask.form_labels import Label
from ragkit.mask.name_shapes import CAPITALISED, PARTICLE
from ragkit.types import Span

_PLACE = re.compile(
    rf"(?:(?:{PARTICLE}|El|La|Los|Las|San|St\.)[ ])?{CAPITALISED}(?:(?:[ \-/]|,[ ]|[ ]?\()(?:(?:{PARTICLE}|am|an "
    rf"der|sur|upon)[ ]){{0,2}}{CAPITALISED}\)?){{0,4}}"
)
_WORDS = re.compile(r"[^\W\d_][\w'’.\-]*(?:[ ][\w'’.&\-]+){0,5}")
_LINE = re.compile(r"[^\n|\"]{4,110}")
_NO_ADDRESS = re.compile(
    r"[@{}<>`=\\]|://|\b\d{1,3}(?:\.\d{1,3}){3}\b|0x|::|\b[\da-f]{2}:[\da-f]{2}:|\b\d{5,}\b.*\b\d{5,}\b"
)
_NEXT_FIELD = re.compile(r"[ \t]{2,}|[.,;]?[ ](?=[A-ZÀ-Þ][\w./ºª]{1,14}(?:[ ]\w{2,12})?[ ]?:)")
_NUMBER = re.compile(r"\d|\b[Ss]/[Nn]\b")
_LONG_WORD = re.compile(r"[^\W\d_]{3,}")
_NEXT_LINE = re.compile(
    rf"\n[ \t]*(?:(?:[A-Z]{{1,2}}[- ])?\d{{4,5}}(?:[ ][A-Z]{{2}})?[ ]{CAPITALISED}(?:[ -]{CAPITALISED}){{0,3}}|"
    rf"(?:Apt|Apartment|Suite|Ste|Unit|Flat|Floor|P\.?O\.? Box|Postfach)\b[^\n:]{{1,30}}|"
    rf"{CAPITALISED}(?:[ -]{CAPITALISED}){{0,3}},?[ ]+(?:[A-Z]{{2}}[ ]+\d{{5}}(?:-\d{{4}})?|"
    rf"[A-Z]{{1,2}}\d[A-Z\d]?[ ]?\d[A-Z]{{2}})|"
    rf"[A-Z]{{1,2}}\d[A-Z\d]?[ ]\d[A-Z]{{2}}|(?:United States|USA|UK|United Kingdom|Deutschland|Germany|France|"
    rf"España|Spain|Italia|Italy|"
    rf"Österreich|Schweiz|Nederland|Canada|Australia|Ireland|Sverige|Polska|Portugal|Belgique|België))(?=[ "
    rf"\t]*(?:\n|$|,))"
)
_SCORES = {"ADDRESS": 0.7, "LOCATION": 0.6, "TITLE": 0.55, "NRP": 0.55, "ORGANIZATION": 0.55}


def find_in_forms(text: str, labels: Iterable[Label], wanted: Collection[str]) -> Iterator[Span]:
    """Spans of the types in ``wanted`` that labels introduce; names are :mod:`ragkit.mask.name_labels`'."""
    for label in labels:
        if label.kind not in _SCORES or label.kind not in wanted:
            continue
        if label.kind == "ADDRESS":
            found = _address(text, label.value)
        else:
            match = (_PLACE if label.kind == "LOCATION" else _WORDS).match(text, label.value)
            found = None if match is None else (match.start(), match.start() + _length(match[0]))
        if found is not None:
            yield Span(*found, label.kind, _SCORES[label.kind], "rules:form")


def _length(value: str) -> int:
    """As far as the field goes: the next one may stand on the same line."""
    cut = _NEXT_FIELD.search(value)
    return len(value[: cut.start()] if cut is not None else value.rstrip(" .,-"))


def _address(text: str, position: int) -> tuple[int, int] | None:
    """The line, and those after it that go on with the address. Numbers, IP and e-mail addresses are none."""
    line = _LINE.match(text, position)
    if line is None:
        return None
    value = line[0]
    cut = _NEXT_FIELD.search(value)
    value = (value[: cut.start()] if cut is not None else value).rstrip(" .,;\t")
    if _NUMBER.search(value) is None or _LONG_WORD.search(value) is None or _NO_ADDRESS.search(value) is not None:
        return None
    if not any(char.isupper() for char in value) or len(value) > 100:
        return None
    end = position + len(value)
    for _ in range(3):
        more = _NEXT_LINE.match(text, end + (text[end : end + 1] in {",", "."}))
        if more is None:
            break
        end = more.end()
    return position, end
