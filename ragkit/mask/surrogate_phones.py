"""Telephone numbers that ring nowhere: from the ranges that regulators keep for film and books.

A number drawn at random may be somebody's. Sources: NANPA, 555-0100 to 555-0199 in every area code (ATIS-0300115);
Ofcom, "Telephone numbers for use in TV and radio drama programmes"; Bundesnetzagentur, Mitteilung 148/2021; ARCEP,
décision 2018-0881; ACMA, "Phone numbers for use in TV shows, films and creative works"; PTS (Sweden), numbers for
fiction. Other countries keep no such range, or none is known here: their numbers are drawn until the country's
numbering plan has no such number, where the country is told.
"""

# ruff: noqa: SIM905 (a list of words reads better as one text than as a list of texts)

from __future__ import annotations

import re
from collections.abc import Callable

_RANGES: dict[str, tuple[str, ...]] = {
    "1": ("?5550100",),  # ? is an area code; what follows the zeros is drawn
    "44": tuple(
        "1134960000 1144960000 1154960000 1164960000 1174960000 1184960000 1214960000 1314960000 1414960000 1514960000 "
        "1614960000 2079460000 1914980000 2896496000 2920180000 1632960000 7700900000 3069990000".split()
    ),
    "49": tuple("3023125000 6990009000 4066969000 2214710000 8999998000".split()),
    "33": tuple("199000000 261910000 353010000 465710000 536490000 639980000".split()),
    "61": tuple("255500000 270100000 355500000 370100000 755500000 770100000 855500000 870100000".split()),
    "46": tuple("313900600 406280400 846500400".split()),
}
"""By calling code: national numbers whose last digits are drawn, see ``_DRAWN``."""
_DRAWN = {"1": 2, "44": 3, "49": 3, "33": 4, "61": 4, "46": 2}
_INTERNATIONAL = re.compile(rf"\D*(?:\+|00)\D*({'|'.join(sorted(_RANGES, key=len, reverse=True))})(?!\d{{13}})")
_NORTH_AMERICAN = re.compile(r"(?:1[ .-]?)?\(?[2-9]\d\d\)?[ .-]?[2-9]\d\d[ .-]?\d{4}")
_FRENCH = re.compile(r"0\d([ .-])\d\d\1\d\d\1\d\d\1\d\d")
_BRITISH = re.compile(r"\(?0(?:\d\d\)?[ -]\d{4}|\d{3}\)?[ -]\d{3})[ -]?\d{4}|\(?0\d{4}\)?[ -]?(?:\d{6}|\d{3}[ -]\d{3})")
_WITH_TRUNK = re.compile(r"\D*0[1-9]")
_LEAST = 6
_TURNS = 16


def quiet(value: str, stream: bytes, fill: Callable[[bytes], str]) -> str:
    """A number that rings nowhere, as far as can be told.

    Args:
        value: As written.
        stream: At least 24 bytes, as if drawn by chance.
        fill: Draws digits for those of the value.
    """
    found = fictitious(value, stream)
    if found is None:
        turns = (fill(stream[turn:] + stream[:turn]) for turn in range(_TURNS))
        found = next((number for number in turns if not may_ring(number)), None) or fill(stream)
    return found


def may_ring(number: str) -> bool:
    """Whether a number with its country code is one that the country's numbering plan allows."""
    import phonenumbers  # comes with Presidio; 30 ms, which reading a configuration does not need

    try:
        return phonenumbers.is_valid_number(phonenumbers.parse(number))
    except phonenumbers.NumberParseException:
        return False


def fictitious(value: str, stream: bytes) -> str | None:
    """A number that nobody has, in the country and form of another; ``None`` where no range is known.

    It may be some digits longer, where the other is shorter than the numbers of the range.

    Args:
        value: As written.
        stream: At least 24 bytes, as if drawn by chance.
    """
    places = [at for at, char in enumerate(value) if char.isdigit() and char.isascii()]
    found = _INTERNATIONAL.match(value)
    if found is not None:
        code, first = found[1], next(n for n, at in enumerate(places) if at >= found.start(1)) + len(found[1])
        first += code != "1" and first < len(places) and value[places[first]] == "0"  # +44 (0)20 …
    elif _NORTH_AMERICAN.fullmatch(value.strip()):
        code, first = "1", len(places) - 10
    elif _WITH_TRUNK.match(value):
        code, first = _national(value.strip()), 1
    else:
        return None
    if len(places) - first < _LEAST:
        return None
    return _filled(value, places[first:], _number(code, stream, len(places) - first))


def _national(value: str) -> str:
    if _FRENCH.fullmatch(value):
        return "33"
    return "44" if _BRITISH.fullmatch(value) else "49"


def _number(code: str, stream: bytes, length: int) -> str:
    base = _RANGES[code][stream[0] % len(_RANGES[code])]
    if base[0] == "?":  # no area code has a nine in the middle, nor two ones at its end
        base = f"{2 + stream[1] % 8}{stream[2] % 9}{2 + stream[3] % 8}{base[1:]}"
    drawn = _DRAWN[code] + max(0, length - len(base))
    return base[: -_DRAWN[code]] + "".join(str(byte % 10) for byte in stream[4 : 4 + drawn])


def _filled(value: str, places: list[int], number: str) -> str:
    """The digits at these places replaced, and what is left of the number behind the last."""
    chars = list(value)
    for place, digit in zip(places, number):
        chars[place] = digit
    chars[places[-1]] += number[len(places) :]
    return "".join(chars)
