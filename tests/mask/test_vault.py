"""The vault: same value, same token; sealed at rest; nothing inserted by looking."""

from __future__ import annotations

import pickle

import pytest

from ragkit.crypto import CollectionKeys
from ragkit.errors import KeyMismatch
from ragkit.mask.vault import Vault
from ragkit.testing.fakes import MemoryVaultTable


def test_the_same_value_has_the_same_token(vault):
    """Twice allocated, before and after the flush, by another vault object too."""
    first = vault.allocate("PERSON", "Galip Yalman")
    assert vault.allocate("PERSON", "Galip Yalman") == first
    vault.flush()
    assert vault.allocate("PERSON", "Galip Yalman") == first
    assert vault.pending == 0


def test_surrogates_meet_across_spellings(vault):
    """Case, honorific, possessive, accents and white space do not change the surrogate's words."""
    _, surrogate = vault.allocate("PERSON", "Galip Yalman")
    for spelling in ("GALIP YALMAN", "galip yalman", "Gálip  Yalman", "Galip\nYalman"):
        token, other = vault.allocate("PERSON", spelling)
        assert other.lower().split() == surrogate.lower().split()
        assert vault.reveal(token)[0] == spelling


def test_a_surname_alone_meets_the_full_name(vault):
    """Both "Ms Yalman" and "Galip Yalman" share the surrogate of the surname; so does the e-mail address."""
    _, full = vault.allocate("PERSON", "Galip Yalman")
    _, last = vault.allocate("PERSON", "Yalman")
    _, mail = vault.allocate("EMAIL_ADDRESS", "galip.yalman@acme.de")
    assert full.split()[1] == last
    assert mail.partition("@")[0] == full.lower().replace(" ", ".")
    assert mail.endswith(".example")


def test_reveal_restores_genuine_tokens_only(vault):
    """Mangled, unknown and foreign tokens stay as they are; counts are by type."""
    token, _ = vault.allocate("PERSON", "Galip Yalman")
    other = Vault(CollectionKeys(b"o" * 32), MemoryVaultTable(), "other").allocate("PERSON", "Nobody")[0]
    mangled = token[:-2] + ("0" if token[-2] != "0" else "1") + "]"
    text, counts = vault.reveal(f"{token} {mangled} {other} {token.lower()} {token}")
    assert text == f"Galip Yalman {mangled} {other} {token.lower()} Galip Yalman"
    assert counts == {"PERSON": 2}


def test_lookup_inserts_nothing_and_matches_nobody(vault):
    """An unknown value gets a free surrogate and token, the same each time, and leaves no row."""
    known = vault.allocate("PERSON", "Galip Yalman")
    vault.flush()
    rows = len(vault._rows.table.rows)
    first, again = vault.lookup("PERSON", "Deniz Unknown"), vault.lookup("PERSON", "Deniz Unknown")
    assert first == again
    assert first[0] != known[0]
    assert not set(first[1].split()) & set(known[1].split())
    assert (len(vault._rows.table.rows), vault.pending) == (rows, 0)
    assert vault.lookup("PERSON", "galip yalman") == known


def test_looked_up_surrogates_are_those_allocated_next(vault):
    """What a question saw before the document came is what the document gets, while nothing else came between."""
    seen = vault.lookup("PHONE_NUMBER", "+49 30 901820")
    assert vault.allocate("PHONE_NUMBER", "+49 30 901820") == seen


def test_discard_forgets(vault):
    """Rows of documents that were not stored are gone; stored ones stay."""
    vault.allocate("PERSON", "Galip Yalman")
    vault.flush()
    token, _ = vault.allocate("PERSON", "Ana Ortega")
    vault.discard()
    vault.flush()
    assert vault.reveal(token) == (token, {})
    stayed, gone = vault.mentions([("PERSON", "Galip Yalman")]), vault.mentions([("PERSON", "Ana Ortega")])
    assert vault.seen(stayed | gone, {0}) == stayed


def test_documents_mention_the_words_of_their_names(vault):
    """And a word of an e-mail address only where it is a name."""
    vault.allocate("PERSON", "Galip Yalman")
    vault.flush()
    numbers = {word: vault.name_number(("word", word)) for word in ("yalman", "ortega", "maria", "refund")}
    mentions = vault.mentions([("PERSON", "Galip Yalman"), ("EMAIL_ADDRESS", "maria.refund@example.org")])
    assert {word for word, number in numbers.items() if number in mentions} == {"yalman", "maria", "refund"}
    other = vault.mentions([("EMAIL_ADDRESS", "refund@example.org"), ("EMAIL_ADDRESS", "gy77@example.org")])
    assert not other & set(numbers.values())


def test_ten_thousand_surrogates_are_unique(vault):
    """No two values share a token; no two name parts share a surrogate; none equals a real value."""
    vault_items = [
        ("PERSON", f"{a}{b} {c}{a}ov")
        for a in "BCDFGHKLMN"
        for b in ("an", "el", "io", "ur", "ya")
        for c in ("Pe", "Ra")
    ]
    vault_items += [("CUSTOMER_NUMBER", f"C-{n:05}") for n in range(5_000)]
    vault_items += [("PHONE_NUMBER", f"+4930{n:06}") for n in range(5_000)]
    found = vault.allocate_many(vault_items)
    vault.flush()  # the table refuses a value, token or surrogate that is there already
    assert len({token for token, _ in found.values()}) == len(vault_items)
    surrogates = [surrogate for _, surrogate in found.values()]
    assert len(set(surrogates)) == len(vault_items)
    assert not set(surrogates) & {value for _, value in vault_items}


def test_crowded_formats_still_get_their_own(vault):
    """All thousand three-digit numbers have different surrogates."""
    found = vault.allocate_many([("TICKET_NUMBER", f"{n:03}") for n in range(1_000)])
    assert len({surrogate for _, surrogate in found.values()}) == 1_000


def test_a_batch_costs_a_handful_of_lookups(vault):
    """Queries grow with batches of 500, not with values."""
    vault.allocate_many([("CUSTOMER_NUMBER", f"C-{n:06}") for n in range(400)])
    assert vault._rows.table.calls < 40


def test_nothing_leaks(vault):
    """Rows, reprs and pickles hold no value; the vault itself is not pickled."""
    vault.allocate("PERSON", "Galip Yalman")
    vault.flush()
    rows = list(vault._rows.table.rows.values())
    packed = pickle.dumps(rows) + repr(rows).encode() + repr(vault).encode() + repr(vault._rows._cache).encode()
    for secret in ("Galip", "Yalman", "galip"):
        assert secret.encode() not in packed
        assert secret.encode("utf-16-le") not in packed
    with pytest.raises(TypeError):
        pickle.dumps(vault)


def test_another_key_or_collection_opens_nothing(keys):
    """Rows open with their own collection's key and name only."""
    table = MemoryVaultTable()
    vault = Vault(keys, table, "support")
    token, _ = vault.allocate("PERSON", "Galip Yalman")
    vault.flush()
    for other in (Vault(CollectionKeys(b"x" * 32), table, "support"), Vault(keys, table, "sales")):
        with pytest.raises(KeyMismatch) as caught:
            other.reveal(token)
        assert "Galip" not in str(caught.value)
