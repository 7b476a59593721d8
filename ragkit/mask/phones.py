"""A telephone number from its plus sign to its extension, whatever part of it a recognizer took."""

from __future__ import annotations

import re

_BEFORE = re.compile(r"\(?[+\uff0b][ \u00a0]?\(?(?:\d{1,3}\)?[ \u00a0.\-]?)?(?:\(0\)[ \u00a0]?)?\(?$")
_EXTENSION = re.compile(
    r"[ \u00a0,;]{0,3}(?:ext(?:ension|n)?|x|durchwahl|dw|apparat|poste|int(?:erno)?|anexo|toestel)[.:=# \u00a0]{0,3}"
    r"\d{1,6}(?!\w)",
    re.IGNORECASE,
)
_LONGEST_START = 12

_GROUPS_BY_HYPHEN = frozenset({
    (3, 3, 4), (1, 3, 3, 4), (2, 3, 3, 4), (3, 4), (3, 7), (3, 3, 3), (3, 2, 2, 2), (2, 3, 2, 2), (3, 6),
    (2, 2, 2, 2, 2), (3, 3, 2, 2), (2, 3, 4), (2, 7), (2, 4, 4), (3, 8), (3, 4, 4), (2, 3, 4, 2), (2, 8),
})  # fmt: skip
"""How numbers of the usual regions are grouped by hyphens alone, when they begin with neither 0, plus nor bracket."""
_HYPHENED = re.compile(r"[1-9]\d*(?:-\d+)+")


def whole(text: str, start: int, end: int) -> tuple[int, int]:
    """The range of the number with its plus sign, country code and extension."""
    before = text[max(0, start - _LONGEST_START) : start]
    if (
        before[-1:] in {"+", "\uff0b", "(", ")", " ", "\u00a0", "-", "."}
        and (match := _BEFORE.search(before)) is not None
    ):
        start -= len(before) - match.start()
    if (match := _EXTENSION.match(text, end)) is not None:
        end = match.end()
    return start, end


def oddly_grouped(value: str) -> bool:
    """Whether hyphens part the digits as in no telephone number: ``18328-3650-68`` is a drug's code."""
    return _HYPHENED.fullmatch(value) is not None and tuple(map(len, value.split("-"))) not in _GROUPS_BY_HYPHEN
