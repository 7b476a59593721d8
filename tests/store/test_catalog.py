from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from ragkit.errors import KeyMismatch, StoreError
from ragkit.store.catalog import list_collections, open_collection, set_data_class, set_fingerprints
from ragkit.store.database import open_database
from ragkit.types import DataClass

ROOT = b"r" * 32


def test_a_collection_keeps_its_identity_and_keys(tmp_path: Path) -> None:
    """Opened again, a collection has the same id and derives the same keys; another one has others."""
    database = open_database(tmp_path / "r.db", writable=True)
    made = open_collection(database, ROOT, "care", create=True)
    again = open_collection(open_database(tmp_path / "r.db", writable=False), ROOT, "care")
    other = open_collection(database, ROOT, "law", create=True)
    assert (again.id, again.keys.ids, again.data_class) == (made.id, made.keys.ids, DataClass.CONFIDENTIAL)
    assert other.id != made.id
    assert other.keys.ids != made.keys.ids
    assert list_collections(database) == ["care", "law"]


def test_another_root_key_opens_nothing(tmp_path: Path) -> None:
    """A wrong root key is KeyMismatch with a remedy, not garbage."""
    database = open_database(tmp_path / "r.db", writable=True)
    open_collection(database, ROOT, "care", create=True)
    with pytest.raises(KeyMismatch) as refused:
        open_collection(database, b"x" * 32, "care")
    assert refused.value.remedy


def test_an_absent_collection_is_not_made_by_reading(tmp_path: Path) -> None:
    """Without create, an unknown name is an error and leaves no row."""
    database = open_database(tmp_path / "r.db", writable=True)
    with pytest.raises(StoreError, match="no such collection"):
        open_collection(database, ROOT, "care")
    assert list_collections(database) == []


def test_fingerprints_and_data_class_are_kept(tmp_path: Path) -> None:
    """What a collection is synced under, and how far it may travel, survive."""
    database = open_database(tmp_path / "r.db", writable=True)
    care = open_collection(database, ROOT, "care", create=True)
    assert (care.policy, care.encoder, care.chunker) == ("", "", "")
    set_fingerprints(database, care, policy="p", encoder="e", chunker="c")
    set_data_class(database, care, DataClass.RESTRICTED)
    again = open_collection(database, ROOT, "care")
    assert (again.policy, again.encoder, again.chunker, again.data_class) == ("p", "e", "c", DataClass.RESTRICTED)


def test_keys_do_not_leave(tmp_path: Path) -> None:
    """The root key and the collection's key are in no file in clear, no repr and no pickle."""
    database = open_database(tmp_path / "r.db", writable=True)
    care = open_collection(database, ROOT, "care", create=True)
    stored = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    for key in (ROOT, care.keys.ids, care.keys.wrapping):
        assert key not in stored
    assert "keys" not in repr(care)
    with pytest.raises(TypeError):
        pickle.dumps(care)
