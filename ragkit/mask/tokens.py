"""Typed tokens of the record view: ``[PERSON:K7F3QX9M2T-4B]``.

Ten or more characters of identity (Crockford's base 32, https://www.crockford.com/base32.html: no I, L, O, U), 50 bits
at
least, then two characters of check over type and identity, so that a token which a person or a model has mangled is
recognised as such and stays as it is. Six characters would collide at 100,000 values and reveal the wrong person.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from itertools import count

from ragkit.crypto import keyed_hash

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
ID_CHARACTERS = 10
LONG_ID_CHARACTERS = 20

TOKEN = re.compile(r"\[([A-Z][A-Z0-9_]{1,39}):([0-9A-HJKMNP-TV-Z]{10,24}-[0-9A-HJKMNP-TV-Z]{2})\]")
"""A token by form alone: group 1 is the type, group 2 the id that the vault stores. See :func:`is_genuine`."""

LONGEST = len("[") + 40 + len(":") + 24 + len("-00]")
"""Characters of the longest token that there can be."""

_SIGN = "[0-9A-HJKMNP-TV-Z]"
_BEGUN = re.compile(
    rf"\[(?:[A-Z][A-Z0-9_]{{0,39}}|[A-Z][A-Z0-9_]{{1,39}}:(?:{_SIGN}{{0,24}}|{_SIGN}{{10,24}}-{_SIGN}{{0,2}}))?"
)
"""What may still become a token when more text comes."""


def format_token(entity_type: str, token_id: str) -> str:
    """``PERSON``, ``K7F3QX9M2T-4B`` to ``[PERSON:K7F3QX9M2T-4B]``."""
    return f"[{entity_type}:{token_id}]"


def check_characters(entity_type: str, identity: str) -> str:
    """Two characters (10 bits) over type and identity. Not secret: it finds slips, it proves nothing."""
    digest = hashlib.sha256(f"{entity_type}:{identity}".encode()).digest()
    return _ALPHABET[digest[0] & 31] + _ALPHABET[digest[1] & 31]


def is_genuine(entity_type: str, token_id: str) -> bool:
    """Whether the check characters fit, so that the token is as it was made."""
    identity, _, check = token_id.partition("-")
    return check_characters(entity_type, identity) == check


def token_ids(key: bytes, entity_type: str, value_mac: bytes) -> Iterator[str]:
    """The ids for a value, best first; the vault takes the first that no other value has.

    The first three are 10 characters, each from its own stretch of the hash stream, then they grow.

    Args:
        entity_type: Type of the value.
        key: The collection's key for values.
        value_mac: 32-byte keyed hash of the value.
    """
    for attempt in count():
        length = min(ID_CHARACTERS + max(0, attempt - 2), 24)
        stream = keyed_hash(key, "token", entity_type, value_mac, attempt.to_bytes(4, "big"))
        identity = "".join(_ALPHABET[byte & 31] for byte in stream[:length])
        yield f"{identity}-{check_characters(entity_type, identity)}"


def long_token_id(key: bytes, entity_type: str, value_mac: bytes) -> str:
    """An id for a value that is kept nowhere: 20 characters (100 bits), so that no look-up has to show it is free."""
    stream = keyed_hash(key, "long token", entity_type, value_mac)
    identity = "".join(_ALPHABET[byte & 31] for byte in stream[:LONG_ID_CHARACTERS])
    return f"{identity}-{check_characters(entity_type, identity)}"


def unfinished(text: str) -> int:
    """Where the beginning of a token starts with which a text ends; the text's length where it ends with none."""
    start = text.rfind("[", -LONGEST)  # no token holds a second bracket, so only the last one can be open
    return start if start >= 0 and _BEGUN.fullmatch(text, start) else len(text)


def find_tokens(text: str) -> Iterator[tuple[int, int, str, str]]:
    """Every genuine token of a text: ``(start, end, entity_type, token_id)``."""
    for match in TOKEN.finditer(text):
        if is_genuine(match[1], match[2]):
            yield match.start(), match.end(), match[1], match[2]
