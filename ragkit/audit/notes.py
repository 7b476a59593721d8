"""Signed states of the log: C2SP tlog-checkpoint in a C2SP signed-note, under Ed25519.

::

    note = sign_note(Checkpoint(origin, size=1042, root=root), private_key)
    note.written                                  # the bytes to keep, to hand on, and to check
    parse_note(data).is_signed_by(verifier_key)

There is one way to write a note: what parses is written back byte for byte. ``docs/audit-format.md`` shows one.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from hashlib import sha256
from typing import Self

from ragkit.audit.tree import HASH_BYTES
from ragkit.crypto import KEY_BYTES, is_signed, sign, signing_public_key

_ED25519 = b"\x01"
_DASH = "\N{EM DASH} "
_NEXT = "next-key "
_MOST_SIGNATURES = 16
_NAME = re.compile(r"[!-*,-~]{1,200}")
"""Printable ASCII without blanks and ``+``: what a key's name and a log's origin may be here."""
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")
_KEY_ID = re.compile(r"[0-9a-f]{8}")


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """The public half of a signing key, under the log's name: what an auditor is given.

    Attributes:
        name: The log's origin.
        public: 32 bytes.
    """

    name: str
    public: bytes

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name) or len(self.public) != KEY_BYTES:
            raise ValueError("not the name of a log with a public key")

    @classmethod
    def of(cls, name: str, private: bytes) -> Self:
        """Return the verifier key of a private key."""
        return cls(name, signing_public_key(private))

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the key written as ``name+hex key id+base64``.

        Raises:
            ValueError: It is not written so, not Ed25519, or its id is another key's.
        """
        name, _, rest = text.partition("+")
        key_id, _, encoded = rest.partition("+")
        kind_and_key = _decoded(encoded)
        if not _KEY_ID.fullmatch(key_id) or kind_and_key[:1] != _ED25519:
            raise ValueError("not a verifier key for Ed25519")
        found = cls(name, kind_and_key[1:])
        if found.key_id.hex() != key_id:
            raise ValueError("the id in a verifier key is another key's")
        return found

    @property
    def key_id(self) -> bytes:
        """Four bytes that name the key in a signature."""
        return sha256(self.name.encode() + b"\n" + _ED25519 + self.public).digest()[:4]

    @property
    def mark(self) -> str:
        """The key as events name it: ``sha256:`` and the hash of the public key."""
        return "sha256:" + sha256(self.public).hexdigest()

    def __str__(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{_encoded(_ED25519 + self.public)}"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A state of the log.

    Attributes:
        origin: The log's name.
        size: Lines.
        root: Of the tree over them, 32 bytes.
        next_key: Written verifier key that signs from the next note on; empty except at a change of keys.
    """

    origin: str
    size: int
    root: bytes
    next_key: str = ""

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.origin) or self.size < 0 or len(self.root) != HASH_BYTES:
            raise ValueError("not a state of a log")

    @property
    def text(self) -> bytes:
        """What is signed."""
        lines = [self.origin, str(self.size), _encoded(self.root), *([_NEXT + self.next_key] if self.next_key else ())]
        return "".join(f"{line}\n" for line in lines).encode()

    @classmethod
    def parse(cls, text: bytes) -> Self:
        """Return the state written in a note's text.

        Raises:
            ValueError: It is written in no way, or in another than ours.
        """
        lines = text.decode("ascii").split("\n")
        if len(lines) not in (4, 5) or lines[-1] or not _SIZE.fullmatch(lines[1]):
            raise ValueError("not a checkpoint")
        following = ""
        if len(lines) == 5:
            following = lines[3].removeprefix(_NEXT)
            if lines[3] == following or VerifierKey.parse(following).name != lines[0]:
                raise ValueError("a checkpoint's fourth line names no key of the log")
        return cls(lines[0], int(lines[1]), _decoded(lines[2]), following)


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature line.

    Attributes:
        name: Of the key.
        key_id: Four bytes.
        value: The signature itself; 64 bytes for Ed25519.
    """

    name: str
    key_id: bytes
    value: bytes

    @property
    def line(self) -> str:
        """As it is written, with its line feed."""
        return f"{_DASH}{self.name} {_encoded(self.key_id + self.value)}\n"


@dataclass(frozen=True, slots=True)
class Note:
    """A checkpoint with its signatures, which are not checked yet.

    Attributes:
        checkpoint: What is signed.
        signatures: At least one. Who else signed a copy, such as a witness, may stand among them.
    """

    checkpoint: Checkpoint
    signatures: tuple[Signature, ...]

    @property
    def written(self) -> bytes:
        """The whole note; in a file of notes an empty line follows."""
        return self.checkpoint.text + b"\n" + "".join(one.line for one in self.signatures).encode()

    def is_signed_by(self, key: VerifierKey) -> bool:
        """Say whether this key signed it. Every signature that claims to be this key's must be right."""
        claimed = [one.value for one in self.signatures if (one.name, one.key_id) == (key.name, key.key_id)]
        text = self.checkpoint.text
        return bool(claimed) and all(is_signed(key.public, value, text) for value in claimed)


def sign_note(checkpoint: Checkpoint, *private_keys: bytes) -> Note:
    """Sign a state of the log; at a change of keys with the old key and then the new one."""
    text, signatures = checkpoint.text, []
    for private in private_keys:
        key = VerifierKey.of(checkpoint.origin, private)
        signatures.append(Signature(key.name, key.key_id, sign(private, text)))
    return Note(checkpoint, tuple(signatures))


def parse_note(data: bytes) -> Note:
    """Return the note that is written in these bytes.

    Raises:
        ValueError: It is written in no way, or in another than :attr:`Note.written` would.
    """
    text, found, lines = data.rpartition(b"\n\n")
    if not found or not lines.endswith(b"\n"):
        raise ValueError("a note without signatures")
    signatures = tuple(_signature(line) for line in lines.decode().split("\n")[:-1])
    if not 0 < len(signatures) <= _MOST_SIGNATURES:
        raise ValueError("a note with no signature or too many")
    note = Note(Checkpoint.parse(text + b"\n"), signatures)
    if note.written != data:
        raise ValueError("a note is not written in its one form")
    return note


def _signature(line: str) -> Signature:
    name, _, encoded = line.removeprefix(_DASH).partition(" ")
    value = _decoded(encoded)
    if not line.startswith(_DASH) or not _NAME.fullmatch(name) or len(value) <= 4:
        raise ValueError("not a signature line")
    return Signature(name, value[:4], value[4:])


def _encoded(value: bytes) -> str:
    return base64.b64encode(value).decode()


def _decoded(text: str) -> bytes:
    """Undo :func:`_encoded`, and take no other spelling: base64 has bits that nobody reads."""
    try:
        value = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("not base64") from None
    if _encoded(value) != text:
        raise ValueError("base64 in another spelling than its one form")
    return value
