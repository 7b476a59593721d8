"""Receipts are canonical, signed and never without what is out of reach."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragkit.crypto import derive, signing_public_key
from ragkit.errors import ConfigError
from ragkit.lifecycle.receipts import canonical, issue, key_id, read_public_key, verify

KEY = derive(bytes(32), "signing")
FACTS = {"request": "a" * 32, "levels": {"L0": {"reached": "true"}}}


def test_the_same_facts_give_the_same_receipt() -> None:
    """Ed25519 is deterministic, and so is canonical JSON, whatever the order of the keys."""
    assert issue(FACTS, key=KEY) == issue(dict(reversed(FACTS.items())), key=KEY)
    assert canonical({"b": 1, "a": "ü"}) == '{"a":"ü","b":1}'.encode()


def test_floats_are_refused() -> None:
    """No number in a receipt depends on how somebody prints it."""
    with pytest.raises(TypeError):
        issue({"seconds": [1.5]}, key=KEY)


@given(st.integers(min_value=0), st.integers(min_value=1, max_value=255))
def test_one_changed_byte_shows(place: int, change: int) -> None:
    """Whatever is changed, it is no valid receipt of ours any more, and no error."""
    raw = bytearray(issue(FACTS, key=KEY).encode())
    raw[place % len(raw)] ^= change
    assert not verify(raw.decode("utf-8", "replace"), public=signing_public_key(KEY)).ok


def test_another_signer_shows() -> None:
    """A receipt with a valid signature by somebody else is told apart, by the key alone."""
    other = derive(bytes(32), "other")
    text = issue(FACTS, key=other)
    assert verify(text).ok
    verdict = verify(text, public=signing_public_key(KEY))
    assert (verdict.ok, verdict.reason) == (False, "other-key")
    assert verdict.key_id == key_id(signing_public_key(other))


def test_a_receipt_without_limits_is_none() -> None:
    """What is out of reach is always listed; a receipt that leaves it out is malformed, even when signed."""
    text = issue(FACTS, key=KEY)
    assert len(json.loads(text)["receipt"]["out_of_scope"]) >= 7
    whole = json.loads(text)
    whole["receipt"]["out_of_scope"] = []
    assert verify(canonical(whole).decode()).reason == "malformed"


def test_public_keys_are_read_as_they_are_printed() -> None:
    """Base64 and hexadecimal; nothing else."""
    public = signing_public_key(KEY)
    printed = json.loads(issue(FACTS, key=KEY))["signature"]["public_key"]
    assert read_public_key(printed) == read_public_key(public.hex()) == public
    with pytest.raises(ConfigError):
        read_public_key("no key")
