from __future__ import annotations

import pytest

from ragkit.errors import StoreError
from ragkit.store.catalog import open_collection
from ragkit.store.vault import VaultRows
from ragkit.testing.light import ROOT_KEY, LightIngest
from ragkit.types import VaultRow


def row(number: int, *, token: str | None = None, surrogate: int | None = None) -> VaultRow:
    """A row told apart by its number."""
    return VaultRow(
        value_mac=bytes([number]) * 32,
        kind="value",
        entity_type="PERSON",
        token=token or f"T{number}",
        surrogate_mac=bytes([surrogate or number]) * 32,
        sealed_surrogate=b"s",
        sealed_value=b"v",
        wrapped_key=b"k",
    )


def test_rows_are_found_by_each_hash(light: LightIngest) -> None:
    """A row comes back whole by value hash and by token, and its surrogate counts as taken."""
    vault = light.store.vault()
    vault.insert([row(1), row(2)])
    assert vault.by_mac([bytes([1]) * 32, bytes([9]) * 32]) == {bytes([1]) * 32: row(1)}
    assert vault.by_token(["T2", "T9"]) == {"T2": row(2)}
    assert vault.surrogates_taken([bytes([2]) * 32, bytes([9]) * 32]) == {bytes([2]) * 32}
    assert vault.by_mac([]) == {}


def test_many_at_once(light: LightIngest) -> None:
    """More hashes than SQLite takes in one statement are looked up all the same."""
    vault = light.store.vault()
    vault.insert([row(1)])
    asked = [number.to_bytes(32, "big") for number in range(40_000)] + [bytes([1]) * 32]
    assert set(vault.by_mac(asked)) == {bytes([1]) * 32}


@pytest.mark.parametrize("second", [row(1, token="other", surrogate=9), row(2, token="T1"), row(2, surrogate=1)])
def test_values_tokens_and_surrogates_are_unique(light: LightIngest, second: VaultRow) -> None:
    """A second row with the same value, token or surrogate is refused by the database, and says nothing of it."""
    vault = light.store.vault()
    vault.insert([row(1)])
    with pytest.raises(StoreError, match="in the vault already") as refused:
        vault.insert([row(3), second])
    assert refused.value.remedy
    assert vault.count() == 1, "the whole insert was undone"


def test_collections_are_apart(light: LightIngest) -> None:
    """The same token in two collections is two rows, and neither sees the other's."""
    other = VaultRows(light.database, open_collection(light.database, ROOT_KEY, "other", create=True))
    light.store.vault().insert([row(1)])
    other.insert([row(1)])
    assert other.count() == 1
    assert light.store.vault().by_token(["T1"]) == {"T1": row(1)}


def test_an_insert_joins_the_transaction_under_way(light: LightIngest) -> None:
    """Rows inserted inside a write that fails are gone with it."""
    vault = light.store.vault()
    with pytest.raises(ZeroDivisionError), light.database.write():  # noqa: PT012 - it must fail late
        vault.insert([row(1)])
        assert vault.count() == 1
        raise ZeroDivisionError
    assert vault.count() == 0
