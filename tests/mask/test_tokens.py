"""Tokens: form, check characters, no collisions."""

from __future__ import annotations

from itertools import islice

from hypothesis import given
from hypothesis import strategies as st

from ragkit.crypto import keyed_hash
from ragkit.mask.tokens import TOKEN, find_tokens, format_token, is_genuine, token_ids

KEY = b"k" * 32


def test_form():
    """Type, ten characters of id without ambiguous letters, two of check."""
    token = format_token("PERSON", next(token_ids(KEY, "PERSON", b"\x01" * 32)))
    assert TOKEN.fullmatch(token)
    assert len(token) == len("[PERSON:K7F3QX9M2T-4B]")
    assert not set("ILOU") & set(token.partition(":")[2])


def test_the_stream_never_repeats_and_grows():
    """A taken id is followed by another one, longer in the end."""
    ids = list(islice(token_ids(KEY, "PERSON", b"\x01" * 32), 20))
    assert len(set(ids)) == 20
    assert len(ids[-1]) > len(ids[0])
    assert all(TOKEN.fullmatch(format_token("PERSON", token_id)) for token_id in ids)


@given(st.integers(0, 11), st.sampled_from("0123456789ABCDEFGHJKMNPQRSTVWXYZ"))
def test_mangled_tokens_are_mostly_not_genuine(position, char):
    """One wrong character is noticed, save for one in 1024."""
    hits = 0
    for number in range(24):
        token_id = next(token_ids(KEY, "PERSON", keyed_hash(KEY, str(number))))
        place = position if position < 10 else position + 1
        mangled = token_id[:place] + char + token_id[place + 1 :]
        hits += mangled != token_id and is_genuine("PERSON", mangled)
    assert hits <= 2


def test_type_is_checked_too():
    """A token under another type is not genuine."""
    token_id = next(token_ids(KEY, "PERSON", b"\x01" * 32))
    assert list(find_tokens(f"x {format_token('PERSON', token_id)}"))
    assert not list(find_tokens(f"x {format_token('ADDRESS', token_id)}"))


def test_a_hundred_thousand_values_have_different_tokens():
    """50 bits hold where six characters collide."""
    assert len({next(token_ids(KEY, "PERSON", n.to_bytes(32, "big"))) for n in range(100_000)}) == 100_000
