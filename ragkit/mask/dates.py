"""Dates as people write them: in words in a dozen languages, in numbers, in lists and ranges, and bare years.

A date is personal when it is somebody's: :mod:`ragkit.mask.births` tells birth dates by what stands before them. Every
other date is ``DATE_TIME``, looked for only when the policy names it: contracts, versions and logs are full of dates,
they identify nobody, and "what changed in March 2024" must stay answerable.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal, NamedTuple

from ragkit.types import Span

MONTHS: tuple[tuple[str, ...], ...] = (
    ("january", "jan", "januar", "jänner", "janvier", "janv", "enero", "ene", "gennaio", "gen", "januari", "janeiro",
     "stycznia", "ocak", "styczeń"),
    ("february", "feb", "februar", "février", "févr", "febrero", "febbraio", "februari", "fevereiro", "fev",
     "lutego", "şubat", "feber"),
    ("march", "mar", "märz", "mrz", "mars", "marzo", "maart", "março", "marca", "mart", "marts", "marzec"),
    ("april", "apr", "avril", "avr", "abril", "abr", "aprile", "kwietnia", "nisan", "kwiecień"),
    ("may", "mai", "mayo", "maggio", "mag", "mei", "maj", "maio", "maja", "mayıs"),
    ("june", "jun", "juni", "juin", "junio", "giugno", "giu", "junho", "czerwca", "haziran", "czerwiec"),
    ("july", "jul", "juli", "juillet", "juil", "julio", "luglio", "lug", "julho", "lipca", "temmuz", "lipiec"),
    ("august", "aug", "août", "agosto", "ago", "augustus", "augusti", "sierpnia", "ağustos", "aout", "sierpień"),
    ("september", "sept", "sep", "septembre", "septiembre", "settembre", "set", "setembro", "września", "eylül",
     "setiembre", "wrzesień"),
    ("october", "oct", "oktober", "okt", "octobre", "octubre", "ottobre", "ott", "outubro", "out",
     "października", "ekim", "październik"),
    ("november", "nov", "novembre", "noviembre", "novembro", "listopada", "kasım", "listopad"),
    ("december", "dec", "dezember", "dez", "décembre", "déc", "diciembre", "dic", "dicembre", "dezembro",
     "grudnia", "aralık", "desember", "grudzień"),
)  # fmt: skip
"""The twelve months in English, German, French, Spanish, Italian, Dutch, Swedish, Portuguese, Polish, Turkish,
Norwegian and Danish."""

_MONTHS = frozenset(name for names in MONTHS for name in names)
_NEED_CAPITAL = frozenset(
    {"may", "march", "mar", "mart", "jan", "apr", "jun", "jul", "aug", "sep", "oct", "nov", "dec"}
)
"""Also a verb, or too short to be sure of: in lower case a month only with both day and year."""
_NEED_BOTH = frozenset(
    {"set", "out", "ago", "gen", "mag", "ene", "lug", "giu", "ott", "dic", "avr", "abr", "fev", "dez"}
)
"""Also everyday words or parts of names: a month only with both day and year."""

YEAR = r"(?:1[5-9]|20)\d\d"
_D = r"(?:0?[1-9]|[12]\d|3[01])"
_ORDINALS = (
    r"twenty-first|twenty-second|twenty-third|twenty-fourth|twenty-fifth|twenty-sixth|twenty-seventh|twenty-eighth|"
    r"twenty-ninth|thirty-first|thirtieth|twentieth|nineteenth|eighteenth|seventeenth|sixteenth|fifteenth|fourteenth|"
    r"thirteenth|twelfth|eleventh|tenth|ninth|eighth|seventh|sixth|fifth|fourth|third|second|first|"
    r"premier|primero|primo|ersten|erster"
)
_DAY = rf"(?:(?:{_D})(?:st|nd|rd|th|er|ère|re|de|e|º|ª|°|\.º|o|\.)?|{_ORDINALS})"
_BLANK = r"[ \t\u00a0\u202f\n]"
_LIST = (
    rf"(?:{_BLANK}?[,/]{_BLANK}?(?:on |the )?|{_BLANK}?[-\u2010-\u2014]{_BLANK}?|{_BLANK}(?:and|or|to|until|till|"
    rf"through|et|ou|"
    rf"au|und|oder|bis|bis zum|y|e|o|u|al|a|ed|en|of|tot|och|eller|og|i|lub|do|at[eé]){_BLANK}(?:on |the |el |le |"
    rf"il |den )?)"
)
_DAYS_BEFORE = re.compile(
    rf"(?<![\w./\-\u2013$€£])(?:{_DAY}{_LIST}){{0,5}}{_DAY}(?:{_BLANK}{{1,2}}|{_BLANK}?[-/.]{_BLANK}?)?"
    rf"(?:day{_BLANK})?(?:of{_BLANK}|de{_BLANK}|d['’]|di{_BLANK}|den{_BLANK})?$",
    re.IGNORECASE,
)
_YEAR_AFTER = re.compile(
    rf"\.?(?:,?{_BLANK}{{1,2}}|{_BLANK}?[-/.]{_BLANK}?)(?:de{_BLANK}|del{_BLANK}(?:año{_BLANK})?|do{_BLANK}|"
    rf"of{_BLANK})?"
    rf"{YEAR}(?!\d|[.,:/]\d)|\.?[-/]\d\d(?![\w/\-]|[.,:]\d)|\.?,?{_BLANK}['’]\d\d\b"
)
_DAYS_AFTER = re.compile(
    rf"\.?{_BLANK}(?:the{_BLANK})?{_DAY}(?:{_LIST}{_DAY}){{0,5}}(?![\w%€$]|[.,:/]\d|{_BLANK}?[%€£])"
    rf"(?P<year>,?{_BLANK}{{1,2}}(?:of{_BLANK})?{YEAR}(?!\d|[.,:/]\d))?",
    re.IGNORECASE,
)
_NEXT_MONTH = re.compile(rf"{_LIST}([^\W\d_]{{3,12}})", re.IGNORECASE)
_YEAR_BEFORE = re.compile(rf"(?<![\w./\-]){YEAR}[-/ ]$")
_DAY_OF_YEAR = re.compile(rf"[-/ ]{_D}(?!\w)")
_ENGLISH = frozenset(name for names in MONTHS for name in (names[0], names[1])) | {"sept", "sep"}

_CLOCK = r"(?:[01]?\d|2[0-3])[:.][0-5]\d(?:[:.][0-5]\d(?:[.,]\d{1,6})?)?"
_NUMERIC = re.compile(
    rf"(?<![\w./\-])(?<!\d:)(?:{YEAR}(?P<a>[-/.]|\.[ ])(?:0?[1-9]|1[0-2])(?P=a){_D}|"
    rf"(?:{_D}(?P<b>[-/.]|[ ]?[/.][ ]|[ ][/])(?:0?[1-9]|1[0-2])|(?:0?[1-9]|1[0-2])(?P<c>[-/]){_D})(?:(?P=b)|(?P=c))"
    rf"(?:{YEAR}|(?<![ ])\d\d))(?:[T ]{_CLOCK}(?:[ ]?(?:Z\b|UTC|GMT|[+-]\d\d:?\d\d))?)?(?![\w/]|[-.,:]\d)",
)
_WORD = re.compile(r"[^\W\d_]{3,12}")
_A_YEAR = re.compile(rf"(?<![\w.,:/\-\u2013\u2014#§$€£]){YEAR}(?![\w%€£$]|[.,:/]\d|-\d{{3}}|[ ]?[%€£$])")
_YEAR_CUE = re.compile(
    r"(?:(?<!\w)(?:in|since|from|until|till|by|before|after|during|between|as of|year|years|circa|about|early|"
    r"late|mid|around|of|"
    r"en|depuis|jusqu['’]en|avant|après|vers|dès|année|années|fin|début|l['’]année|entre|d['’]ici|"
    r"desde|hasta|año|años|de|del|finales de|"
    r"jahr|jahre|jahres|seit|bis|ab|anfang|ende|mitte|im|"
    r"nel|dal|al|anno|sinds|vanaf|tot|jaar|em|até|ano|sedan|under|från|år|roku|"
    r"w)\b|(?<=\w)(?:['’]))[ \u00a0\n](?:the[ ](?:years?[ ])?|years?[ ]|early[ ]|late[ ])?$",
    re.IGNORECASE,
)
_MORE_YEARS = re.compile(
    rf"(?:{_LIST}(?:in[ ])?{YEAR}(?![\w%€£$]|[.,:/]\d)|[/\-\u2013]\d\d(?![\w%]|[.,:/]\d))", re.IGNORECASE
)
_COUNTED = re.compile(
    r"[ \u00a0](?:Act|Law|Ordinance|Code|Constitution|Regulations?|Rules|Decree|Hague|Convention|Protocol|"
    r"Lustration|euros?|eur|usd|gbp|dollars?|pounds?|people|persons|times|items|users|km|kg|m|metres|meters|"
    r"miles|"
    r"requests|records|rows|bytes|characters|hours|days|ms|seconds|minutes|mb|gb|kb|iops|connections|objects)\b",
    re.IGNORECASE,
)
_TIME = re.compile(
    r"(?<![\w.:/\-])(?:[01]?\d|2[0-3])(?:[:.h][0-5]\d)?[ \u00a0]?(?:[ap]\.m\.|[ap]m\b|Uhr\b|o['’]clock\b|heures\b)"
    r"(?:[ ]?[0-5]\d\b)?|(?<=\bat )(?:[01]?\d|2[0-3])[:.][0-5]\d(?![\d.:])",
)

Kind = Literal["day", "day-month", "month", "year"]
"""How much of a date there is: day, month and year; day and month; month and year; year alone."""


class Found(NamedTuple):
    """A date at ``text[start:end]``."""

    start: int
    end: int
    kind: Kind


def dates_in(text: str, lowered: str, start: int = 0, end: int | None = None) -> Iterator[Found]:
    """Dates with at least a month, in words then in numbers.

    Args:
        text: Where to look.
        lowered: The same in lower case, character by character.
        start: From here on.
        end: Up to here; the end of the text when left out.
    """
    end = len(text) if end is None else end
    yield from _worded(text, lowered, start, end)
    for match in _NUMERIC.finditer(text, start, end):
        yield Found(*match.span(), "day")


def find_dates(text: str, lowered: str) -> Iterator[Span]:
    """``DATE_TIME`` spans: dates, years after a word that says so, and times of day."""
    if not any(digit in text for digit in "0123456789"):
        return
    for date in dates_in(text, lowered):
        yield Span(date.start, date.end, "DATE_TIME", 0.65, "rules:date")
    for first, last in _years(text):
        yield Span(first, last, "DATE_TIME", 0.5, "rules:year")
    for match in _TIME.finditer(text):
        yield Span(*match.span(), "DATE_TIME", 0.5, "rules:time")


def _worded(text: str, lowered: str, start: int, end: int) -> Iterator[Found]:
    """From each name of a month outwards: cheaper by far than an alternation of 150 names at each position."""
    waiting: tuple[int, int] | None = None  # a bare month, dated by the next one: "July and December 1995"
    for match in _WORD.finditer(lowered, start, end):
        if match[0] not in _MONTHS:
            continue
        found = _around(text, match[0], *match.span())
        if found is not None:
            joined = waiting is not None and waiting[1] == match.start()
            yield Found(waiting[0], found.end, found.kind) if joined and waiting is not None else found
        after = _NEXT_MONTH.match(lowered, match.end()) if found is None else None
        bare = after is not None and after[1] in _MONTHS and len(match[0]) > 3
        if bare and after is not None:
            first = waiting[0] if waiting is not None and waiting[1] == match.start() else match.start()
            waiting = (first, after.start(1))
        else:
            waiting = None


def _around(text: str, month: str, start: int, end: int) -> Found | None:
    before = _DAYS_BEFORE.search(text, max(0, start - 60), start)
    after = _YEAR_AFTER.match(text, end, end + 24)
    if before is not None and after is not None:
        return Found(before.start(), after.end(), "day")
    year = _YEAR_BEFORE.search(text, max(0, start - 5), start)
    if year is not None and (day := _DAY_OF_YEAR.match(text, end)) is not None:
        return Found(year.start(), day.end(), "day")
    if month in _ENGLISH and (days := _DAYS_AFTER.match(text, end, end + 48)) is not None:
        if days["year"]:
            return Found(start, days.end(), "day")
        if before is None and after is None and _is_month(text, month, start):
            return Found(start, days.end(), "day-month")
    if not _is_month(text, month, start):
        return None
    if before is not None:
        return Found(before.start(), end, "day-month")
    return Found(start, after.end(), "month") if after is not None and after[0][-4:].isdigit() else None


def _is_month(text: str, month: str, start: int) -> bool:
    if month in _NEED_BOTH:
        return False
    return month not in _NEED_CAPITAL or text[start].isupper()


def _years(text: str) -> Iterator[tuple[int, int]]:
    """Years after a preposition, and those that follow them in a list or range."""
    position = 0
    while (match := _A_YEAR.search(text, position)) is not None:
        position = match.end()
        if _YEAR_CUE.search(text, max(0, match.start() - 24), match.start()) is None or _COUNTED.match(text, position):
            continue
        end = position
        while (more := _MORE_YEARS.match(text, end)) is not None:
            end = more.end()
        yield match.start(), end
        position = end
