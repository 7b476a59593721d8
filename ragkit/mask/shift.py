"""A date moved by some days, written as it was: same order, signs, language and width.

``3 May 1998`` by 40 days is ``12 June 1998``, ``28.02.84`` by 2 is ``01.03.84``, ``30 and 31 May`` by 1 is ``31 May and
1 June``. A month with its year moves by whole months, a year alone by whole years, at least one. Intervals stay
between dates of one precision. What cannot be read with certainty gives ``None``: times of day, ``last Tuesday``,
``31.02.1999``.

Moving all dates of a person by one number of days keeps the order and length of what happened while it hides when:
MIMIC (Johnson et al., Scientific Data 3:160035, 2016; one shift a patient), Google's Sensitive Data Protection
(``DateShiftConfig``: a keyed shift by context). It is no Safe Harbor in the sense of 45 CFR 164.514(b)(2), which
allows the year alone.
"""

# ruff: noqa: SIM905 (a list of words reads better as one text than as a list of texts)

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from ragkit.mask.shift_months import languages, months, named_as

_MONTH = rf"(?<![^\W\d_])(?:{'|'.join(sorted(map(re.escape, months()), key=len, reverse=True))})(?![^\W\d_])"
_ORDINALS = (
    "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth fifteenth "
    "sixteenth seventeenth eighteenth nineteenth twentieth twenty-first twenty-second twenty-third twenty-fourth "
    "twenty-fifth twenty-sixth twenty-seventh twenty-eighth twenty-ninth thirtieth thirty-first"
).split()
_NUMBER = r"(?:0?[1-9]|[12]\d|3[01])(?!\d)"
_DAY = (
    rf"(?:{_NUMBER}(?:(?:st|nd|rd|th|er|de|e|º|°|o)(?!\w)|\.(?=[ \u00a0\n,/–—-]))?"
    rf"|(?:{'|'.join(sorted(_ORDINALS, key=len, reverse=True))})(?!\w))"
)
_S = r"[ \t\u00a0\u202f\n]"
_JOINT = (
    rf"(?:{_S}?[,/\u2010-\u2014-]{_S}?(?:on |the |and )?|{_S}(?:and|or|to|until|till|through|et|ou|au|und|oder|bis|"
    rf"bis zum|y|e|o|u|al|a|ed|en|tot|och|eller|og|i|lub|do|at[eé]){_S}(?:on |the |el |le |il |den )?)"
)
_DAYS = rf"{_DAY}(?:{_JOINT}{_DAY})*"
_GAP = rf"(?:{_S}{{1,2}}|{_S}?[-/.]{_S}?)?(?:day{_S})?(?:of{_S}|de{_S}|d['’]|di{_S}|den{_S})?"
_TO_YEAR = rf"\.?(?:,?{_S}{{1,2}}|{_S}?[-/.]{_S}?)(?:de{_S}|del{_S}(?:año{_S})?|do{_S}|of{_S})?"
_YEAR = r"(?:\d{4}(?!\d)|['’]?\d\d(?![\d:]|[.]\d))"
_DATE = re.compile(
    rf"(?<!\d)(?P<ymd>(?P<y1>\d{{4}})(?P<s1>{_S}?[-/.]{_S}?|{_S})(?P<m1>\d\d?|{_MONTH})(?P=s1)(?P<d1>\d\d?)(?!\d))"
    rf"|(?<!\d)(?P<dmy>(?P<a>\d\d?)(?P<s2>{_S}?[-/.]{_S}?|{_S})(?P<b>\d\d?)(?P=s2)(?P<y2>\d{{4}}|\d\d)(?!\d))"
    r"|(?<!\d)(?P<compact>(?P<y3>(?:1[89]|20)\d\d)(?P<m3>0[1-9]|1[0-2])(?P<d3>0[1-9]|[12]\d|3[01]))(?!\d)"
    rf"|(?<!\d)(?P<worded>(?P<days>{_DAYS})(?P<gap>{_GAP})(?P<month>{_MONTH})(?:(?P<to>{_TO_YEAR})(?P<year>{_YEAR}))?)"
    rf"|(?P<english>(?P<month5>{_MONTH})(?P<gap5>\.?{_S}(?:the{_S})?)(?P<days5>{_DAYS})"
    rf"(?:(?P<to5>,?{_S}{{1,2}}(?:of{_S})?)(?P<year5>\d{{4}}(?!\d)))?)"
    rf"|(?P<my>(?P<month6>{_MONTH})(?P<to6>{_TO_YEAR})(?P<year6>{_YEAR}))"
    r"|(?<!\d)(?P<years>(?P<year7>(?:1[5-9]|20)\d\d)(?:(?P<s7>[/\u2013-])(?P<more7>\d\d))?)(?!\d)",
    re.IGNORECASE,
)
_CLOCK = re.compile(r"(?<!\d)\d{1,2}[:.h]\d\d(?:[:.]\d\d(?:[.,]\d+)?)?(?:[ ]?[+-]\d\d:?\d\d)?(?!\d)")
_LEFT = re.compile(rf"\d|{_MONTH}", re.IGNORECASE)
_PARTS = re.compile(rf"({_DAY})", re.IGNORECASE)
_MONTHS_A_DAY, _YEARS_A_DAY = 12 / 365.2425, 1 / 365.2425


@dataclass(frozen=True, slots=True)
class Style:
    """How the dates of one text are written.

    Attributes:
        month_first: Whether ``03/04/1985`` is the fourth of March.
        languages: What ``mai`` may be of, the likeliest first.
    """

    month_first: bool = False
    languages: tuple[str, ...] = ()


def style_of(dates: Iterable[str]) -> Style:
    """What the dates of a text tell of one another: one ``04/23/1985`` says how ``03/04/1985`` is meant."""
    first = second = 0
    words: list[str] = []
    for text in dates:
        for match in _DATE.finditer(text):
            if match["dmy"]:
                first += int(match["b"]) > 12
                second += int(match["a"]) > 12
            words += (match[name] for name in ("month", "month5", "month6") if match[name])
    return Style(month_first=first > second, languages=languages(words))


def shift_date(text: str, days: int, style: Style | None = None) -> str | None:
    """The dates in a text moved by ``days`` (not 0); ``None`` where something in it is not understood.

    Never the text itself.
    """
    style = style or Style()
    pieces: list[str] = []
    left: list[str] = []
    position = 0
    try:
        for match in _DATE.finditer(text):
            left.append(text[position : match.start()])
            pieces += (left[-1], _moved(match, days, style))
            position = match.end()
    except (ValueError, OverflowError, LookupError):  # no such day, before the year 1, a month by look-alike letters
        return None
    left.append(text[position:])
    moved = "".join([*pieces, left[-1]])
    if position == 0 or moved == text or _LEFT.search(_CLOCK.sub("", " ".join(left))):
        return None
    return moved


def _moved(match: re.Match[str], days: int, style: Style) -> str:
    if match["ymd"]:
        return _year_first(match, days, style)
    if match["dmy"]:
        return _numeric(match, days, style)
    if match["compact"]:
        return f"{_day(match['y3'], int(match['m3']), int(match['d3'])) + timedelta(days):%Y%m%d}"
    if match["worded"]:
        return _listed(match, days, style, ("days", "gap", "month", "to", "year"))
    if match["english"]:
        return _listed(match, days, style, ("days5", "gap5", "month5", "to5", "year5"))
    if match["my"]:
        return _month_and_year(match, days, style)
    by = _at_least_one(days, _YEARS_A_DAY)
    year = str(int(match["year7"]) + by)
    return f"{year}{match['s7']}{(int(match['more7']) + by) % 100:02}" if match["more7"] else year


def _year_first(match: re.Match[str], days: int, style: Style) -> str:
    written, sign = match["m1"], match["s1"]
    month = int(written) if written.isdigit() else months()[written.lower()]
    new = _day(match["y1"], month, int(match["d1"])) + timedelta(days)
    wide = len(match["d1"]) == 2 and (match["d1"][0] == "0" or len(written) != 1)
    named = _number(new.month, wide) if written.isdigit() else named_as(written, new.month, style.languages)
    return f"{new.year:04}{sign}{named}{sign}{_number(new.day, wide)}"


def _numeric(match: re.Match[str], days: int, style: Style) -> str:
    first, second, sign, year = match["a"], match["b"], match["s2"], match["y2"]
    swapped = int(second) > 12 or (int(first) <= 12 and style.month_first and "." not in sign)
    day, month = (second, first) if swapped else (first, second)
    new = _day(year, int(month), int(day)) + timedelta(days)
    wide = "0" in {first[0], second[0]} or len(first) == len(second) == 2
    parts = [_number(new.day, wide), _number(new.month, wide)]
    return sign.join([*(reversed(parts) if swapped else parts), _year(new.year, year)])


def _listed(match: re.Match[str], days: int, style: Style, names: tuple[str, ...]) -> str:
    """One day or several of a month: ``3 May 1998``, ``May 3 and 4``; each in full where they come apart."""
    written, gap, month, to, year = (match[name] or "" for name in names)
    english = names[0] == "days5"
    pieces = _PARTS.split(written)  # between, day, between, day, …
    number = months()[month.lower()]
    new = []
    for piece in pieces[1::2]:
        day = _ORDINALS.index(piece.lower()) + 1 if piece.lower() in _ORDINALS else int(re.match(r"\d+", piece)[0])  # type: ignore[index]
        new.append(_day(year or ("2000" if (number, day) == (2, 29) else "2001"), number, day) + timedelta(days))
    together = len({(one.year, one.month) for one in new}) == 1

    def whole(shown: str, one: date) -> str:
        named = named_as(month, one.month, style.languages) or ""
        end = f"{to}{_year(one.year, year)}" if year else ""
        return f"{named}{gap}{shown}{end}" if english else f"{shown}{gap}{named}{end}"

    shown = [_day_as(piece, one.day) for piece, one in zip(pieces[1::2], new, strict=True)]
    if not together:
        shown = [whole(*pair) for pair in zip(shown, new, strict=True)]
    pieces[1::2] = shown
    return whole("".join(pieces), new[0]) if together else "".join(pieces)


def _month_and_year(match: re.Match[str], days: int, style: Style) -> str:
    year = match["year6"]
    at = _full_year(year) * 12 + months()[match["month6"].lower()] - 1 + _at_least_one(days, _MONTHS_A_DAY)
    return f"{named_as(match['month6'], at % 12 + 1, style.languages)}{match['to6']}{_year(at // 12, year)}"


def _at_least_one(days: int, a_day: float) -> int:
    whole = max(1, round(abs(days) * a_day))
    return whole if days > 0 else -whole


def _day_as(written: str, day: int) -> str:
    """A day in the form of another: ``3rd``, ``03``, ``third``, ``1er``."""
    if written.lower() in _ORDINALS:
        word = _ORDINALS[day - 1]
        return word.upper() if written.isupper() else word.capitalize() if written[0].isupper() else word
    digits = re.match(r"\d+", written)[0]  # type: ignore[index]
    ending = written[len(digits) :]
    if ending.lower() in {"st", "nd", "rd", "th"}:
        ending = "th" if 10 < day < 14 else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")
    elif ending.lower() in {"er", "º", "°", "o"} and day != 1:
        ending = ""
    return f"{_number(day, digits[0] == '0')}{ending}"


def _number(value: int, wide: bool) -> str:
    return f"{value:02}" if wide else str(value)


def _day(year: str, month: int, day: int) -> date:
    return date(_full_year(year), month, day)


def _full_year(written: str) -> int:
    """``98`` to 1998, ``68`` to 2068, as ``strptime`` reads them; two digits are written back whatever the century."""
    digits = written.lstrip("'’")
    return int(digits) if len(digits) == 4 else int(digits) + (1900 if int(digits) > 68 else 2000)


def _year(value: int, like: str) -> str:
    digits = like.lstrip("'’")
    sign = like[: len(like) - len(digits)]
    return f"{sign}{value:04}" if len(digits) == 4 else f"{sign}{value % 100:02}"
