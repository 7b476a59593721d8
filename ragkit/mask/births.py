"""Birth dates: a date whose label or sentence says that somebody was born on it.

``Date of birth (dd/mm/yyyy): 03/04/1970``, ``DOB 03-04-1970``, ``b. 1970``, ``né à Paris le 14 juillet 1990``,
``(* 12. März 1970)``, ``birth_date="1970-03-12"``, ``born in 1932 and 1934``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ragkit.mask.dates import Found, dates_in
from ragkit.types import Span

_CUES: tuple[tuple[str, str], ...] = (
    ("birth", r"birth[ _-]?(?:date|day|year)s?|(?:(?<=of)|(?<=of[ _-]))birth|birth(?=[\"']?[ \t]?[:=|])"),
    ("born", r"\bborn\b"),
    ("dob", r"(?<![^\W_])dob(?![^\W_])"),
    ("d.o.b", r"\bd\.o\.b\b\.?"),
    ("d/o/b", r"\bd/o/b\b"),
    ("geburt", r"geburts(?:datum|tag|jahr|dat\.?)"),
    ("gebor", r"\bgeboren(?:e[rn]?)?\b"),
    ("geb.", r"\bgeb\.(?:[ ]?(?:-?dat(?:um|\.)?|am))?"),
    ("né", r"\bnée?(?:\(e\)|·e|e)?s?\b(?:\(e\)s?)?"),
    ("naissance", r"naissance"),
    ("nacimiento", r"nacimiento"),
    ("nacid", r"\bnacid[oa]s?\b(?:/a|\(a\))?"),
    ("nació", r"\bnació\b"),
    ("nac.", r"\bnac\."),
    ("nascita", r"nascita"),
    ("nat", r"\bnat[oaie]\b(?:/a|\(a\))?(?=[ ](?:il|a|ad|nel|in)\b)"),
    ("geboorte", r"geboorte(?:datum|dag|jaar)"),
    ("nascimento", r"nascimento"),
    ("nascid", r"\bnascid[oa]s?\b(?:/a|\(a\))?"),
    ("nasceu", r"\bnasceu\b"),
    ("född", r"\bfödd(?:a|es)?\b"),
    ("födelse", r"födelse(?:datum|dag|år)"),
    ("født", r"\bfødt\b"),
    ("fødsels", r"fødsels(?:dato|dag|år)"),
    ("urodz", r"urodz(?:enia|on[yae]|i[łl]a?)\b"),
    ("ur.", r"\bur\."),
    ("doğum", r"doğum(?: tarihi)?"),
    ("narozen", r"\bnarozen[aíoý]?\b"),
    ("synty", r"synty(?:mäaika|mäpäivä|nyt)"),
    ("született", r"\bszületett\b"),
    ("jahrgang", r"\bjahrgang\b"),
)  # fmt: skip
"""A text that must occur, and what it must be there; a search for the first costs a hundredth of one for the second."""
_COMPILED = tuple((hint, re.compile(cue, re.IGNORECASE)) for hint, cue in _CUES)

_REACH = 72
_LABEL_GAP = re.compile(
    r"[\s:|*_=>\\\"'()\[\].,#\uff1a-]*(?:\([^()\n\d]{1,24}\)|<[^<>\n\d]{1,24}>)?[\s:|*_=>\\\"'\uff1a-]*"
)
_GAP_STOPS = re.compile(
    r"[;|\n\u2022]|\.[ ]+[A-Z]|\d{3,}|\b(?:died|deceased|death|gestorben|mort|décéd\w+|fallec\w+)\b"
)
_YEAR_GAP = re.compile(
    r"[\s:|*_=>\"'()-]*(?:(?:in|en|im[ ]jahre?|el[ ]año|em|nel|w|år|i|about|around|circa|c\.|ca\.|the[ ]year|vers|"
    r"um)[ ])?"
    r"(?:[A-ZÀ-Þ][\w'’-]{2,20}(?:,?[ ][A-ZÀ-Þ][\w'’-]{2,20}){0,2},?[ ](?:in|en|im[ ]Jahre?|em|nel)[ ])?",
)
_BARE_YEAR = re.compile(r"(?<![\w./-])(?:1[89]|20)\d\d(?![\w]|[./-]\d)")
_LOOSE = re.compile(
    r"(?<!\d)(?:(?:0[1-9]|[12]\d|3[01])[ ](?:0[1-9]|1[0-2])[ ](?:19|20)\d\d|"
    r"(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])|(?:0[1-9]|[12]\d|3[01])(?:0[1-9]|1[0-2])(?:19|20)\d\d|"
    r"(?:19|20)\d\d[ ](?:0[1-9]|1[0-2])[ ](?:0[1-9]|[12]\d|3[01]))(?!\d)"
)
"""Digits that only a label of birth makes a date: ``03 04 1970``, ``19700403``."""
_NEXT = re.compile(r"(?:,?[ \n](?:and|or|et|und|y|e|en|och|i)[ \n]|,[ \n])(?:(?:on|in|le|am|el|en|il)[ \n])?")
_STAR = re.compile(r"(?<=[\w),.;(])[ ]{0,2}\*[ \u00a0]?(?=\d)")
_NAME_BEFORE = re.compile(r"[^\W\d_][\w'’-]+[ \u00a0]$|^$")
_B_DOT = re.compile(r"(?<![\w.])b\.[ \u00a0]?(?=\d|[A-Z])")


def find_births(text: str, lowered: str) -> Iterator[Span]:
    """``DATE_OF_BIRTH`` spans; ``lowered`` is the text in lower case, character by character."""
    ascii_only = lowered.isascii()
    for hint, cue in _COMPILED:
        if ascii_only and not hint.isascii():
            continue
        position = lowered.find(hint)
        while position >= 0:
            match = cue.match(text, position)
            if match is not None:
                yield from _after(text, lowered, match.end())
            position = lowered.find(hint, max(position + len(hint), match.end() if match is not None else 0))
    for sign, pattern in (("*", _STAR), ("b.", _B_DOT)):
        if sign in lowered:
            for match in pattern.finditer(text):
                yield from _at(text, lowered, match)


def _after(text: str, lowered: str, position: int) -> Iterator[Span]:
    """The date that a cue ending at ``position`` speaks of, and those that follow it in a list."""
    label = _LABEL_GAP.match(text, position)
    begin = label.end() if label is not None else position
    limit = min(len(text), begin + _REACH)
    candidates = sorted(dates_in(text, lowered, position, limit), key=lambda date: date.start)
    loose = _LOOSE.match(text, begin)
    if loose is not None and not any(date.start == loose.start() for date in candidates):
        candidates.insert(0, Found(*loose.span(), "day"))
    chosen = next((date for date in candidates if _speaks_of(text, position, begin, date)), None) or _year(
        text, position
    )
    while chosen is not None:
        yield _span(chosen)
        chosen = _next(text, lowered, chosen)


def _speaks_of(text: str, position: int, begin: int, date: Found) -> bool:
    if date.start <= begin:
        return True
    gap = text[begin : date.start] if "\n" in text[position:begin] else text[position : date.start]
    if "\n" in text[position:begin] and begin - position > 12:
        return False
    longest = 60 if date.kind == "day" else 24
    return len(gap) <= longest and _GAP_STOPS.search(gap.lstrip(" :|\n*_")) is None


def _year(text: str, position: int) -> Found | None:
    """A year alone needs more: nothing but "in" and a place between it and the cue."""
    gap = _YEAR_GAP.match(text, position)
    year = _BARE_YEAR.match(text, gap.end()) if gap is not None else None
    if year is None or "\n\n" in text[position : year.start()]:
        return None
    return Found(*year.span(), "year")


def _next(text: str, lowered: str, last: Found) -> Found | None:
    """``born in 1932 and 1934``; ``born on 3 May 1970, 4 June 1972 and …``."""
    joint = _NEXT.match(text, last.end)
    if joint is None:
        return None
    if last.kind == "year":
        year = _BARE_YEAR.match(text, joint.end())
        return None if year is None else Found(*year.span(), "year")
    following = dates_in(text, lowered, joint.end(), min(len(text), joint.end() + 32))
    return next((date for date in following if date.start == joint.end() and date.kind == "day"), None)


def _at(text: str, lowered: str, cue: re.Match[str]) -> Iterator[Span]:
    """``(* 12.03.1970)`` and ``(b. 1970)``: nothing may stand between sign and date, and a list item is no birth."""
    begin = cue.end()
    for date in dates_in(text, lowered, begin, min(len(text), begin + 32)):
        if date.start == begin and date.kind == "day":
            yield _span(date)
            return
    before = text[max(0, cue.start() - 2) : cue.start() + 1].rstrip(" *b")
    year = _BARE_YEAR.match(text, begin)
    if year is not None and (
        before[-1:] in {"(", ","} or _NAME_BEFORE.search(text, max(0, cue.start() - 24), cue.start())
    ):
        yield _span(Found(*year.span(), "year"))


def _span(date: Found) -> Span:
    return Span(date.start, date.end, "DATE_OF_BIRTH", 0.7 if date.kind == "year" else 0.85, "rules:birth-date")
