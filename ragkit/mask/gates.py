"""Where in a text a Presidio recognizer could find anything: cheap necessary conditions.

Presidio runs every regular expression, case-insensitive and in the ``regex`` package, over every character. Most text
holds no '@', no twelve digits in a row and no "::", and then most recognizers cannot match. A gate finds the
stretches in which its recognizer must be run, at the price of one search for a literal or a digit, so that the cost
stays linear in the length whatever the text holds. Each stretch is wide enough that the recognizer gives on it what it
gives on the
whole text; ``tests/mask/test_presidio.py`` compares with Presidio's own ``AnalyzerEngine``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

Stretch = tuple[int, int]
Gate = Callable[[str], Iterator[Stretch]]

MAX_STRETCH = 2_000
"""Characters. A longer run is cut with an overlap, since some recognizers are not linear in their input."""
_OVERLAP = 200

# Two or more of phonenumbers' punctuation between two digits never occur in a number it accepts more than four times in
# a row; 7 digits is the shortest subscriber number with an area code that is told from any other number.
_PUNCTUATION = (
    r"[-x\u2010-\u2015\u2212\u30fc\uff0d-\uff0f \u00a0\u00ad\u200b\u2060\u3000()"
    r"\uff08\uff09\uff3b\uff3d.\[\]/~\u2053\u223c\uff5e+]"
)
_DIGITS_7 = re.compile(rf"\d(?:{_PUNCTUATION}{{0,4}}\d){{6,}}")
_DIGITS_12 = re.compile(r"\d(?:[- ]?\d){11,}")
_DIGITS_9 = re.compile(r"\d{3}[- .]?\d{2}[- .]?\d{4}")
_IPV4 = re.compile(r"\d\.\d{1,3}\.\d{1,3}\.\d")
_COLONS = re.compile(r"::|:[0-9A-Fa-f]{1,4}:[0-9A-Fa-f]{1,4}:[0-9A-Fa-f]{1,4}:")
_MAC = re.compile(r":[0-9A-Fa-f]{2}:[0-9A-Fa-f]{2}:|-[0-9A-Fa-f]{2}-[0-9A-Fa-f]{2}-|\.[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4}")
_UUID = re.compile(r"-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-")
_IBAN = re.compile(r"[A-Z]{2}\d{2}(?:[ -]?[A-Z0-9]{4}){2}")
_WALLET = re.compile(r"\b\w{26}")
_DOT = re.compile(r"[A-Za-z0-9]\.[A-Za-z]")
_FOUR_DIGITS = re.compile(r"\d(?:[^\d\n]{0,4}\d){3}")
_EMAIL_LOCAL = re.compile(r"[!#$%&'*+\-/=?^_`{|}~.\w]*")
_EMAIL_DOMAIN = re.compile(r"[\w.\-]*")


def widen(text: str, stretches: Iterable[Stretch], *, before: int, after: int) -> Iterator[Stretch]:
    """Grow stretches by a margin, join those that touch, cut those that are too long."""
    current: Stretch | None = None
    for start, end in stretches:
        start, end = max(0, start - before), min(len(text), end + after)
        if current is not None and start <= current[1]:
            current = (current[0], max(current[1], end))
            continue
        if current is not None:
            yield from _cut(current)
        current = (start, end)
    if current is not None:
        yield from _cut(current)


def _cut(stretch: Stretch) -> Iterator[Stretch]:
    start, end = stretch
    while end - start > MAX_STRETCH:
        yield start, start + MAX_STRETCH
        start += MAX_STRETCH - _OVERLAP
    yield start, end


def _pattern_gate(pattern: re.Pattern[str], *, before: int, after: int) -> Gate:
    def gate(text: str) -> Iterator[Stretch]:
        return widen(text, (match.span() for match in pattern.finditer(text)), before=before, after=after)

    return gate


def emails(text: str) -> Iterator[Stretch]:
    """Around every '@': the run of characters that an address may hold, and one more a side for the word boundary."""
    return widen(text, _around_at(text), before=1, after=1)


def _around_at(text: str) -> Iterator[Stretch]:
    at = text.find("@")
    while at >= 0:
        local = _EMAIL_LOCAL.match(text[max(0, at - 256) : at][::-1])
        domain = _EMAIL_DOMAIN.match(text, at + 1, at + 256)
        yield at - (local.end() if local else 0), domain.end() if domain else at + 1
        at = text.find("@", at + 1)


phones: Gate = _pattern_gate(_DIGITS_7, before=12, after=28)
cards: Gate = _pattern_gate(_DIGITS_12, before=1, after=1)
social_security: Gate = _pattern_gate(_DIGITS_9, before=12, after=12)
macs: Gate = _pattern_gate(_MAC, before=8, after=16)
uuids: Gate = _pattern_gate(_UUID, before=10, after=14)
ibans: Gate = _pattern_gate(_IBAN, before=1, after=40)
wallets: Gate = _pattern_gate(_WALLET, before=1, after=64)
urls: Gate = _pattern_gate(_DOT, before=256, after=256)
_ipv4: Gate = _pattern_gate(_IPV4, before=48, after=8)
_ipv6: Gate = _pattern_gate(_COLONS, before=48, after=48)


def addresses(text: str) -> Iterator[Stretch]:
    """IPv4 by its dots, IPv6 by its colons."""
    found = [*_ipv4(text)]
    if "::" in text or ":" in text:
        found = sorted([*found, *_ipv6(text)])
    return widen(text, found, before=0, after=0)


def numbered_lines(text: str) -> Iterator[Stretch]:
    """Lines with four digits close to each other: identity numbers of any country."""
    return widen(text, _lines(text), before=0, after=0)


def _lines(text: str) -> Iterator[Stretch]:
    position = 0
    while (match := _FOUR_DIGITS.search(text, position)) is not None:
        start = text.rfind("\n", 0, match.start()) + 1
        end = text.find("\n", match.end())
        end = len(text) if end < 0 else end
        yield start, end
        position = end + 1


def whole(text: str) -> Iterator[Stretch]:
    """Everything, in pieces: for a recognizer nobody has written a gate for."""
    if text:
        yield from _cut((0, len(text)))
