"""The shapes a value may have in an event. None of them can hold a sentence, a file name or an address.

Free text has no shape here: what must be compared but not read is stored as a keyed hash.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

Shape = Callable[[Any], bool]

_ID = re.compile(r"[0-9a-z]{16,64}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_HASH = re.compile(r"(h|sha256|hmac-sha256):[0-9a-z]{16,64}")
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
_KEY = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,62}")
_WORD = re.compile(r"[a-z][a-z0-9]*([._-][a-z0-9]+){0,5}")
_TYPE = re.compile(r"[A-Z][A-Z0-9_]{1,40}")
_HOST = re.compile(r"[0-9a-zA-Z]([0-9a-zA-Z._-]{0,252}[0-9a-zA-Z])?|[0-9a-f:.]{2,45}")
_PART = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}(\.[a-z0-9][a-z0-9_-]{0,62}){0,5}")
_VERSION = re.compile(r"[0-9a-zA-Z][0-9a-zA-Z.+:_-]{0,99}")
_MAX_INT = 2**63
_MAX_WORD = 48
_MAX_ITEMS = 1_000


def is_count(value: Any) -> bool:
    """A whole number from 0: a count, a size, a position, a duration in the unit its key names."""
    return type(value) is int and 0 <= value < _MAX_INT


def is_micro(value: Any) -> bool:
    """A fraction in millionths, such as a score: 0.5 is 500000. There are no floats in an event."""
    return type(value) is int and -_MAX_INT < value < _MAX_INT


def is_flag(value: Any) -> bool:
    """True or false."""
    return type(value) is bool


def is_id(value: Any) -> bool:
    """An opaque identifier: a number, a UUID, or 16 to 64 characters of base32 or hexadecimal."""
    return is_count(value) or (isinstance(value, str) and _ID.fullmatch(value) is not None)


def is_hash(value: Any) -> bool:
    """A hash with its kind: ``h:`` for keyed ids, ``sha256:``, ``hmac-sha256:``."""
    return isinstance(value, str) and _HASH.fullmatch(value) is not None


def is_name(value: Any) -> bool:
    """A name given in ``ragkit.toml`` (collection, source, policy, connector) or in ragkit's code."""
    return isinstance(value, str) and _NAME.fullmatch(value) is not None


def is_key(value: Any) -> bool:
    """A metadata key whitelisted in ``ragkit.toml``."""
    return isinstance(value, str) and _KEY.fullmatch(value) is not None


def is_word(value: Any) -> bool:
    """A code of ragkit's own vocabulary, such as ``encrypted-pdf``: at most 48 characters and six parts."""
    return isinstance(value, str) and len(value) <= _MAX_WORD and _WORD.fullmatch(value) is not None


def is_version(value: Any) -> bool:
    """A version or fingerprint of software, model or policy."""
    return isinstance(value, str) and _VERSION.fullmatch(value) is not None


def is_counts(value: Any) -> bool:
    """A map from entity type or code to a count."""
    return (
        isinstance(value, Mapping)
        and len(value) <= _MAX_ITEMS
        and all(
            isinstance(key, str) and (_TYPE.fullmatch(key) or is_word(key)) and is_count(n) for key, n in value.items()
        )
    )


def is_host(value: Any) -> bool:
    """A host of ``ragkit.toml`` by name or address, or the address that answered there."""
    return isinstance(value, str) and _HOST.fullmatch(value) is not None


def is_parts(value: Any) -> bool:
    """A map from the dotted name of a part of the configuration to the keyed hash of what it says."""
    return (
        isinstance(value, Mapping)
        and len(value) <= _MAX_ITEMS
        and all(isinstance(key, str) and _PART.fullmatch(key) and is_hash(what) for key, what in value.items())
    )


def one_of(*words: str) -> Shape:
    """One of these words."""
    allowed = frozenset(words)

    def is_one(value: Any) -> bool:
        return isinstance(value, str) and value in allowed

    is_one.__doc__ = "One of " + ", ".join(f"``{word}``" for word in words) + "."
    return is_one


def many(shape: Shape) -> Shape:
    """A list of values of one shape, at most 1,000."""

    def is_many(value: Any) -> bool:
        return isinstance(value, list | tuple) and len(value) <= _MAX_ITEMS and all(shape(item) for item in value)

    is_many.__doc__ = f"A list: {shape.__doc__}"
    return is_many


def record_of(**shapes: Shape) -> Shape:
    """An object with some of these keys and no other."""

    def is_record(value: Any) -> bool:
        return isinstance(value, Mapping) and all(key in shapes and shapes[key](item) for key, item in value.items())

    is_record.__doc__ = "An object of " + ", ".join(f"``{key}``" for key in shapes) + "."
    return is_record
