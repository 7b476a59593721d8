"""Numbers, dates, identifiers and addresses in a text, written so that two ways to write one are equal.

``1,234.50`` and ``1.234,5`` are one number and so are ``05.03.2024`` and ``2024-03-05`` as their parts; what could be
read in two ways (``1,234``) counts as both. A figure in an answer that no source has is almost always an error.
"""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation

from ragkit.generate.aliases import without_tokens

_ADDRESS = re.compile(r"[\w.+\-]+@[\w\-]+(?:\.[\w\-]+)+")
_WORD = re.compile(r"[^\W_]+(?:[\-/._:][^\W_]+)*")
_DIGIT = re.compile(r"\d")
_PLAIN = re.compile(r"\d+")
_SPACED = re.compile(r"(?<!\d)\d{1,3}(?:[ \u00a0\u202f]\d{3})+(?!\d)")
_NUMBER = re.compile(r"(?<!\w)(?<![^\W\d]-)\d++(?:[.,'’\u00a0\u202f]\d++)*+(?![^\W\d_])")
_LIST_MARK = re.compile(r"(?m)^\s*\(?\d{1,3}[.)](?=\s)")
_UNIT = re.compile(r"(\d+(?:[.,]\d+)*)[^\W\d_]{1,4}")


def figures(text: str) -> dict[str, frozenset[str]]:
    """Return each figure of a text as it is written, with all that it could be read as."""
    text = without_tokens(_LIST_MARK.sub(" ", text))
    if not _DIGIT.search(text) and "@" not in text:
        return {}
    found: dict[str, frozenset[str]] = {}
    for address in _ADDRESS.findall(text):
        found[address] = frozenset({address.casefold()})
    text = _ADDRESS.sub(" ", text)
    for number in _NUMBER.findall(text):
        read = _readings(number)
        found |= {number: read} if read else {part: frozenset({_canonical(part)}) for part in _PLAIN.findall(number)}
    for word in _WORD.findall(_NUMBER.sub(" ", text)):
        if any(map(str.isdigit, word)) and any(map(str.isalpha, word)):
            found[word] = _identifier(word)
    return found


def readings(text: str) -> frozenset[str]:
    """Return all that the figures of a text could be read as, and the figures within its identifiers."""
    text = without_tokens(text)
    if not _DIGIT.search(text) and "@" not in text:
        return frozenset()
    known = set[str]().union(*figures(text).values())
    known.update(_canonical(part) for part in _PLAIN.findall(_NUMBER.sub(" ", text)))
    known.update(_canonical(mark.strip(" (.)\t\n")) for mark in _LIST_MARK.findall(text))
    for spaced in _SPACED.findall(text):
        known.add(_canonical("".join(_PLAIN.findall(spaced))))
    return frozenset(known)


def _readings(number: str) -> frozenset[str]:
    """``1,234`` is 1234 or 1.234; ``05.03.2024`` is no number."""
    bare = re.sub(r"['’\u00a0\u202f]", "", number)
    separators = re.findall(r"[.,]", bare)
    if not separators:
        return frozenset({_canonical(bare)})
    parts = re.split(r"[.,]", bare)
    read = set[str]()
    if all(len(part) == 3 for part in parts[1:]) and len(parts[0]) <= 3 and len(set(separators)) == 1:
        read.add(_canonical("".join(parts)))
    if len(separators) == 1 or len(set(separators)) == 2:
        read.add(_canonical("".join(parts[:-1]) + "." + parts[-1]))
    return frozenset(read)


def _canonical(number: str) -> str:
    try:
        value = Decimal(number)
    except InvalidOperation:
        return number
    text = format(value, "f")
    return (text.rstrip("0").rstrip(".") if "." in text else text) or "0"


def _identifier(word: str) -> frozenset[str]:
    """An identifier without its separators, its part that is one (``K63-linked``), and the number of ``24h``."""
    read = {re.sub(r"[\-/._:]", "", word).casefold()}
    parts = [part.casefold() for part in re.split(r"[\-/._:]", word)]
    read |= {part for part in parts if any(map(str.isdigit, part)) and any(map(str.isalpha, part))}
    unit = _UNIT.fullmatch(word)
    if unit:
        read |= _readings(unit[1])
    return frozenset(read)
