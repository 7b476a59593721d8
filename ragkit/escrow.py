"""Root-key escrow: the root key for a passphrase, for an officer's private key, or in shares of which some are enough.

::

    text = for_passphrase(root_key, "six words nobody would guess in years")
    root_key = open_escrow(text, passphrase="six words nobody would guess in years")

An escrow is a line of JSON that says how it is made, so that it can be opened in later years. It holds the check value
of the root key, so that a wrong key is told, and nothing else about the workspace.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ragkit import crypto
from ragkit.errors import ConfigError, KeyMismatch

MIN_PASSPHRASE = 15
"""Characters; NIST SP 800-63B-4, section 3.1.1.1, for a password that is the only factor."""
MAX_SHARES = 16
"""Of SLIP-0039."""

_FORMAT = "ragkit-escrow/1"
_SCRYPT = {"n": 2**17, "r": 8, "p": 1}  # 128 MiB and half a second; OWASP Password Storage Cheat Sheet
_MOST = {"n": 2**22, "r": 32, "p": 16}


@dataclass(frozen=True, slots=True)
class Escrow:
    """What an escrow says of itself: ``passphrase``, ``public-key`` or ``share``, and the root key's check value."""

    kind: str
    mark: str
    made_at: str


def for_passphrase(root_key: bytes, passphrase: str) -> str:
    """Seal the root key under a passphrase (scrypt, RFC 7914, and AES-256-GCM).

    Raises:
        ConfigError: The passphrase is shorter than 15 characters.
    """
    if len(passphrase.strip()) < MIN_PASSPHRASE:
        raise ConfigError(
            f"the passphrase has fewer than {MIN_PASSPHRASE} characters",
            remedy="Take six or more words drawn at random; who has the escrow can guess as long as he likes.",
        )
    salt = os.urandom(16)
    sealed = crypto.seal(crypto.stretch(passphrase, salt, **_SCRYPT), root_key, bound_to=_FORMAT)
    return _written(
        "passphrase", root_key, kdf={"name": "scrypt", "salt": _text(salt), **_SCRYPT}, sealed=_text(sealed)
    )


def for_officer(root_key: bytes, public_pem: bytes) -> str:
    """Seal the root key for the holder of a private key, X25519 or RSA.

    Raises:
        ConfigError: Not such a public key in PEM.
    """
    try:
        method, sealed = crypto.seal_for(public_pem, root_key, bound_to=_FORMAT)
    except ValueError:
        raise ConfigError(
            "this is not a public key in PEM, X25519 or RSA of at least 2048 bits",
            remedy="Make one with `openssl genpkey -algorithm X25519 -out officer.pem` and "
            "`openssl pkey -in officer.pem -pubout`.",
        ) from None
    return _written("public-key", root_key, method=method, sealed=_text(sealed))


def in_shares(root_key: bytes, threshold: int, count: int) -> list[str]:
    """Split the root key into ``count`` shares, any ``threshold`` of which give it back (SLIP-0039, 33 words each).

    Fewer tell nothing at all (Shamir 1979). The library that does it computes in the open: split and join on a machine
    of your own.

    Raises:
        ConfigError: Not 2 <= threshold <= count <= 16.
    """
    if not 2 <= threshold <= count <= MAX_SHARES:
        raise ConfigError(
            f"{threshold} of {count} is no way to share a key",
            remedy=f"Take at least 2 shares to open, and at most {MAX_SHARES} in all.",
        )
    import shamir_mnemonic

    (words,) = shamir_mnemonic.generate_mnemonics(1, [(threshold, count)], root_key)
    return [_written("share", root_key, words=one, needed=threshold, shares=count) for one in words]


def describe(text: str) -> Escrow:
    """Read what an escrow says of itself. Needs no secret.

    Raises:
        ConfigError: It is not an escrow.
    """
    found = _read(text)
    return Escrow(found["kind"], found["mark"], found["made_at"])


def open_escrow(text: str, *, passphrase: str | None = None, private_pem: bytes | None = None) -> bytes:
    """Return the root key.

    Args:
        text: An escrow for a passphrase or for an officer.
        passphrase: Opens the escrow; or, with ``private_pem``, the private key itself, if it has one.
        private_pem: The officer's private key.

    Raises:
        KeyMismatch: The passphrase or private key is another.
        ConfigError: It is not such an escrow, or what opens it was not given.
    """
    found = _read(text)
    if found["kind"] == "share":
        raise ConfigError("this is a share of a key", remedy="Give as many shares as it says are needed.")
    try:
        if found["kind"] == "public-key":
            key = _by_private_key(found, private_pem, passphrase)
        else:
            key = _by_passphrase(found, passphrase)
    except (KeyError, TypeError):
        raise _unreadable() from None
    return _checked(key, found["mark"])


def join_shares(texts: Sequence[str]) -> bytes:
    """Return the root key from enough of its shares, each an escrow or its words alone.

    Raises:
        KeyMismatch: Too few, of different keys, or mistyped.
    """
    import shamir_mnemonic

    words, marks = [], set()
    for text in texts:
        if text.lstrip().startswith("{"):
            found = _read(text)
            words.append(str(found.get("words", "")))
            marks.add(found["mark"])
        else:
            words.append(" ".join(text.lower().split()))
    try:
        key = shamir_mnemonic.combine_mnemonics(words)
    except Exception:  # of any kind: its messages may repeat a word of a share
        key = b""
    if len(key) != crypto.KEY_BYTES or len(marks) > 1:
        raise KeyMismatch(
            f"these {len(texts)} shares do not give a key",
            remedy="Give as many different shares of one key as were said to be needed, each with all its words.",
        )
    return _checked(key, *marks)


def _by_passphrase(found: dict[str, Any], passphrase: str | None) -> bytes:
    if not passphrase:
        raise ConfigError("this escrow is opened by a passphrase", remedy="Give it when asked, or by a file.")
    kdf = found["kdf"]
    settings = {name: int(kdf[name]) for name in _SCRYPT}
    if kdf["name"] != "scrypt" or any(not 0 < settings[name] <= _MOST[name] for name in _MOST):
        raise _unreadable()
    try:
        stretched = crypto.stretch(passphrase, _bytes(kdf["salt"]), **settings)
    except ValueError:
        raise _unreadable() from None
    try:
        return crypto.unseal(stretched, _bytes(found["sealed"]), bound_to=_FORMAT)
    except KeyMismatch:
        raise KeyMismatch(
            "the passphrase does not open this escrow",
            remedy="Try it again, with an eye on capitals and the keyboard's language.",
        ) from None


def _by_private_key(found: dict[str, Any], private_pem: bytes | None, passphrase: str | None) -> bytes:
    if not private_pem:
        raise ConfigError("this escrow is opened by an officer's private key", remedy="Name its file.")
    try:
        return crypto.unseal_from(private_pem, _bytes(found["sealed"]), bound_to=_FORMAT, passphrase=passphrase)
    except KeyMismatch:
        raise KeyMismatch(
            "the private key does not open this escrow", remedy="Take the one whose public key it was made for."
        ) from None
    except ValueError:
        raise KeyMismatch(
            "the private key cannot be read", remedy="Give it in PEM, with its passphrase if it has one."
        ) from None


def _checked(key: bytes, *marks: str) -> bytes:
    if any(crypto.root_mark(key) != mark for mark in marks):
        raise KeyMismatch("what came out is not the key that was put in", remedy="Take another copy of the escrow.")
    return key


def _written(kind: str, root_key: bytes, **more: object) -> str:
    made = datetime.now(UTC).isoformat(timespec="seconds")
    return json.dumps({"format": _FORMAT, "kind": kind, "mark": crypto.root_mark(root_key), "made_at": made, **more})


def _read(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
        fine = found["format"] == _FORMAT and found["kind"] in {"passphrase", "public-key", "share"}
        fine = fine and isinstance(found["mark"], str) and isinstance(found["made_at"], str)
    except (ValueError, TypeError, KeyError):
        fine = False
    if not fine:
        raise _unreadable()
    return dict(found)


def _unreadable() -> ConfigError:
    return ConfigError("this is not an escrow of a root key, or it is damaged", remedy="Take another copy of it.")


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        raise _unreadable() from None
