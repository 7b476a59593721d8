"""Receipts of erasures: what was done, how far it reached, what stays and why. Signed, and without content.

::

    text = issue(facts, key=handles.secret("signing"))
    verdict = verify(text, public=…)        # verdict.ok, verdict.receipt

A receipt is canonical JSON: keys in order, no blanks, no floats. It is signed with Ed25519 (RFC 8032) under a key that
is derived from the root key; the public key and its id are in it, so that anybody can check that nothing was changed,
and whoever knows the public key, who signed. A level is never rounded up: ``partly`` is what it says.

======  ===============================================================================
L0      hidden: questions by the person's values find nothing of theirs
L1      absent from the live rows of the record store, and from every text in it
L2      absent from the bytes of every file in the data directory; of records on a server, from every row, and
        ``partly`` then, since the server's own files are not read
L3      the record keys are destroyed, so that copies of the record store cannot be read
======  ===============================================================================
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ragkit import crypto
from ragkit.errors import ConfigError

FORM = "ragkit.receipt/1"
_CONTEXT = b"ragkit/receipt/1\n"
LEVELS = ("L0", "L1", "L2", "L3")
OUT_OF_SCOPE = (
    "what a provider of models keeps of prompts that were sent to it",
    "snapshots of the operating system, of its volumes and of virtual machines",
    "blocks that a solid-state disk has replaced and not yet erased (wear levelling)",
    "weights of models that were trained on the documents",
    "mails, exports and answers that people keep",
    "backups and copies made by other means than ragkit",
    "the history of shells and terminals",
    "the sources themselves: ragkit reads them and changes nothing there",
)
"""What no erasure here can reach. Always listed."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of checking a receipt.

    Attributes:
        ok: The signature fits the text and the key.
        reason: Why not: ``malformed``, ``altered``, ``other-key``; empty when it is.
        key_id: Id of the key that the receipt names.
        receipt: The facts, empty when malformed.
    """

    ok: bool
    reason: str = ""
    key_id: str = ""
    receipt: Mapping[str, Any] = field(default_factory=dict)


def key_id(public: bytes) -> str:
    """Return the id of a public key: 16 hexadecimal characters of its SHA-256."""
    return hashlib.sha256(public).hexdigest()[:16]


def canonical(facts: Mapping[str, Any]) -> bytes:
    """Return JSON in its one form: keys in order, no blanks, UTF-8.

    Raises:
        TypeError: There is a float in it, or something that JSON has no form for.
    """
    _refuse_floats(facts)
    return json.dumps(facts, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def issue(facts: Mapping[str, Any], *, key: bytes) -> str:
    """Sign the facts of an erasure with a 32-byte private key and return the receipt."""
    whole = {"form": FORM, **facts, "out_of_scope": list(OUT_OF_SCOPE)}
    public = crypto.signing_public_key(key)
    signature = _signature(public, crypto.sign(key, _CONTEXT + canonical(whole)))
    return canonical({"receipt": whole, "signature": signature}).decode()


def _signature(public: bytes, value: bytes) -> dict[str, str]:
    return {
        "algorithm": "Ed25519",
        "key_id": key_id(public),
        "public_key": base64.b64encode(public).decode(),
        "value": base64.b64encode(value).decode(),
    }


def verify(text: str, *, public: bytes | None = None) -> Verdict:
    """Check a receipt.

    Args:
        text: The receipt.
        public: The public key of who should have signed it. Without, only that nothing was changed is checked.
    """
    try:
        whole = json.loads(text)
        facts, signature = whole["receipt"], whole["signature"]
        named = base64.b64decode(signature["public_key"], validate=True)
        value = base64.b64decode(signature["value"], validate=True)
        message = _CONTEXT + canonical(facts)
        told = str(signature["key_id"])
        exact = canonical(whole) == text.strip().encode()
    except (ValueError, KeyError, TypeError, binascii.Error):
        return Verdict(ok=False, reason="malformed")
    if not isinstance(facts, dict) or facts.get("form") != FORM or not facts.get("out_of_scope"):
        return Verdict(ok=False, reason="malformed")
    exact = exact and signature == _signature(named, value)  # base64 has bits that nobody reads
    if not exact or told != key_id(named) or not crypto.is_signed(named, value, message):
        return Verdict(ok=False, reason="altered", key_id=told, receipt=facts)
    if public is not None and public != named:
        return Verdict(ok=False, reason="other-key", key_id=told, receipt=facts)
    return Verdict(ok=True, key_id=told, receipt=facts)


def read_public_key(text: str) -> bytes:
    """Return a public key written as base64 or hexadecimal.

    Raises:
        ConfigError: It is neither, or not of 32 bytes.
    """
    for read in (bytes.fromhex, lambda one: base64.b64decode(one, validate=True)):
        try:
            found = read(text.strip())
        except (ValueError, binascii.Error):
            continue
        if len(found) == crypto.KEY_BYTES:
            return found
    raise ConfigError("the public key is not 32 bytes in base64 or hexadecimal", remedy="Copy it from a receipt.")


def _refuse_floats(value: Any) -> None:
    if isinstance(value, float):
        raise TypeError("a receipt holds no floats")
    if isinstance(value, Mapping):
        for one in value.values():
            _refuse_floats(one)
    elif isinstance(value, list | tuple):
        for one in value:
            _refuse_floats(one)
