"""What the sizes of the vault's seals tell."""

from __future__ import annotations

import pytest

from ragkit.crypto import CollectionKeys, new_key, pad, unpad
from ragkit.mask.vault import Vault
from ragkit.testing.fakes import MemoryVaultTable


@pytest.mark.parametrize("text", ["", "Ana", "a" * 64, "Æneas Ω \ud800", "x" * 200, "ends with a zero \0"])
def test_filled_text_opens_as_it_was_and_has_one_of_few_sizes(text: str) -> None:
    """Also a lone surrogate and control characters; text sealed before there was filling opens alike."""
    raw = text.encode("utf-8", "surrogatepass")
    assert len(pad(raw)) % 64 == 0
    assert unpad(pad(raw)) == raw == unpad(raw)


def test_a_vault_tells_no_lengths() -> None:
    """Names and addresses of different lengths are sealed in the same length, and so are their stand-ins."""
    table = MemoryVaultTable()
    vault = Vault(CollectionKeys(new_key()), table, "test")
    names = ["Li Wu", "Galip Yalman", "Maximiliane Oberberger-Hohenstein"]
    vault.allocate_many([("PERSON", name) for name in names] + [("EMAIL_ADDRESS", "a@b.example")])
    vault.flush()
    assert len(table.rows) > len(names)
    assert len({len(row.sealed_value) for row in table.rows.values()}) == 1
    assert len({len(row.sealed_surrogate) for row in table.rows.values()}) == 1


def test_a_date_in_words_alone_does_not_stop_a_document() -> None:
    """There is no other number to draw; it once ended a sync under the profile `strict`."""
    vault = Vault(CollectionKeys(new_key()), MemoryVaultTable(), "test")
    token, surrogate = vault.allocate("DATE_TIME", "two days")
    assert token.startswith("[DATE_TIME:")
    assert surrogate == "two days"
