r"""The text in the bytes that are about to leave, as the other side will read it.

JSON is decoded first, since ``\u0041`` is an A to whoever receives it: every string comes out, keys too, and every
long number, also of keys that are written twice.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

_SHORTEST = 3
_SHORTEST_NUMBER = 7
_DEEPEST = 200


class NotText(ValueError):
    """The body is neither JSON nor other text in UTF-8, so nobody can look it over."""


def texts_of(body: bytes) -> list[str]:
    """Every different text of a body, in order; what is no JSON is one text.

    Raises:
        NotText: It cannot be read.
    """
    try:
        whole = body.decode()
    except UnicodeDecodeError:
        raise NotText from None
    try:
        parsed = json.loads(whole, object_pairs_hook=_Pairs, parse_int=_Number, parse_float=_Number)
        found = list(_strings(parsed, 0))
    except (RecursionError, NotText):
        raise NotText from None
    except ValueError:
        found = [whole]
    return list(dict.fromkeys(text for text in map(_clean, found) if len(text) >= _SHORTEST))


class _Number(str):
    """A number as it is written; a short one is a setting."""


class _Pairs(list[Any]):
    """An object with all its keys, the doubled too."""


def _strings(value: Any, depth: int) -> Iterator[str]:
    if depth > _DEEPEST:
        raise NotText
    if isinstance(value, _Number):
        if len(value) >= _SHORTEST_NUMBER:
            yield value
    elif isinstance(value, str):
        yield value
    elif isinstance(value, _Pairs):
        for key, item in value:
            yield key
            yield from _strings(item, depth + 1)
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item, depth + 1)


def _clean(text: str) -> str:
    """Without lone surrogates, which are no characters and which no detector can read."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
