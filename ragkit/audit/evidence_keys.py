"""How evidence is sealed: the keys of a conversation, its asker, the people in it and a turn, and the form of a part.

::

    workspace's secret ─┬▶ conversation key ─┐
                        └▶ asker's key ──────┼─ HKDF-Extract ─▶ wraps the turn key ─▶ seals its parts
    key file, v/<number> of each person ─────┘

All of them are needed, so that destroying any one shreds the turn, in every copy of the file too (NIST SP 800-88r1,
cryptographic erase). An erasure destroys the keys of a person's values first of all.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import struct
import zlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from ragkit import crypto
from ragkit.errors import KeyMismatch

_SALT_BYTES = 32
_HEAD = struct.Struct(">BI")  # how it is packed, and how long that is
_PLAIN, _DEFLATED = 0, 1
_PADDED_TO = 256
_WORTH_IT = 256  # shorter parts are not compressed
_LEVEL = 1

_TOKEN = re.compile(rb"\[[A-Z][A-Z0-9_]{1,39}:([0-9A-HJKMNP-TV-Z]{10,24}-[0-9A-HJKMNP-TV-Z]{2})\]")
"""A token of the record view, the form of ``ragkit.mask.tokens.TOKEN``; JSON leaves it as it is."""


class PartyKeys(Protocol):
    """Knows the people of one collection by their tokens. Implemented by the record store."""

    def epoch(self) -> int:
        """Return another number when keys were destroyed, by any process."""
        ...

    def numbers(self, tokens: Collection[str]) -> Mapping[str, int]:
        """Return the numbers of the vault values that these token ids stand for; of made-up ones nothing."""
        ...

    def keys(self, numbers: Collection[int]) -> Mapping[int, bytes]:
        """Return the 32-byte record keys of these values, those that are not destroyed."""
        ...


@dataclass(frozen=True, slots=True)
class Part:
    """One part of what an event was about, opened.

    Attributes:
        ref: Its opaque id, as in the event's ``payload``.
        role: ``question``, ``retrieved``, ``prompt``, ``request_body``, ``response_body``, ``answer``.
        content: Its bytes; masked.
        mac: The commitment to them, made anew; equal to the event's if neither was changed.
    """

    ref: str
    role: str
    content: bytes = field(repr=False)
    mac: str


def tokens_in(contents: Iterable[bytes]) -> set[str]:
    """Return the ids of all tokens of the record view that stand in these bytes."""
    return {found.decode() for content in contents for found in _TOKEN.findall(content)}


def wrap_with(conversation: bytes, subject: bytes, people: Mapping[int, bytes]) -> bytes:
    """Return the key that wraps a turn's: HKDF-Extract (RFC 5869) over all keys, in order of their numbers."""
    known = b"".join(number.to_bytes(8, "big", signed=True) + people[number] for number in sorted(people))
    return crypto.keyed_hash(conversation, "turn", subject, known)


def turn_place(request: str) -> str:
    """Name what a turn's wrapped key is bound to."""
    return f"evidence/{request}"


def part_place(request: str, ref: str, role: str) -> str:
    """Name what a sealed part is bound to: one that is moved to another turn or role does not open."""
    return f"evidence/{request}/{ref}/{role}"


def commitment(salt: bytes, content: bytes) -> str:
    """Return the commitment that stands in the event: without the salt it tells nothing of the content."""
    return "hmac-sha256:" + hmac.digest(salt, content, hashlib.sha256).hex()


def seal_part(key: bytes, content: bytes, *, place: str) -> tuple[bytes, str]:
    """Seal a part under its turn's key, packed and filled up so that its length tells little; and its commitment."""
    salt = os.urandom(_SALT_BYTES)
    packed, form = content, _PLAIN
    if len(content) >= _WORTH_IT:
        shorter = zlib.compress(content, _LEVEL)
        if len(shorter) < len(content):
            packed, form = shorter, _DEFLATED
    bare = salt + _HEAD.pack(form, len(packed)) + packed
    bare += bytes(-len(bare) % _PADDED_TO)
    return crypto.seal(key, bare, bound_to=place), commitment(salt, content)


def open_part(key: bytes, sealed: bytes, *, place: str) -> tuple[bytes, str]:
    """Return a part's content and the commitment to it.

    Raises:
        KeyMismatch: It was altered or moved, or the key is another.
    """
    bare = crypto.unseal(key, sealed, bound_to=place)
    salt = bare[:_SALT_BYTES]
    form, length = _HEAD.unpack_from(bare, _SALT_BYTES)
    start = _SALT_BYTES + _HEAD.size
    packed = bare[start : start + length]
    if form not in (_PLAIN, _DEFLATED) or len(packed) != length:
        raise KeyMismatch("a part of the evidence has no known form", remedy="Use the ragkit that wrote it.")
    content = zlib.decompress(packed) if form == _DEFLATED else packed
    return content, commitment(salt, content)
