"""Record keys: what they wrap opens only while they exist, whichever process destroyed them."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ragkit.crypto import key_number
from ragkit.errors import KeyDestroyed, KeyMismatch
from ragkit.mask.vault import Vault
from ragkit.store.catalog import open_collection
from ragkit.store.database import open_database
from ragkit.store.key_schema import record_keys
from ragkit.store.keysweep import count_keys
from ragkit.store.recordkeys import RecordKeys, document_place, is_wrapped, name_place
from ragkit.store.schema import items, vault, versions
from ragkit.store.workspacekeys import WorkspaceKeys
from ragkit.testing.light import ANA, ROOT_KEY, LightIngest


def places(light: LightIngest, *, released: bool = False) -> set[str]:
    """The places in the key file."""
    with light.database.key_file.read() as connection:
        rows = connection.execute(record_keys.select()).all()
    return {row.place for row in rows if bool(row.released_at) == released}


def doc_id_of(light: LightIngest, name: str) -> str:
    """The document id of a source item."""
    return next(hit.doc_id for hit in light.hits() if light.store.native_ids([hit.doc_id])[hit.doc_id] == name)


def test_every_document_and_value_has_a_key_of_its_own(light: LightIngest) -> None:
    """Rows hold nothing that the collection's key opens, and the file has one key a row."""
    light.sync({"a": "Ada wrote", "b": "Grace wrote"})
    with light.database.read() as connection:
        documents = connection.execute(versions.select()).all()
        values = connection.execute(vault.select()).all()
    assert all(is_wrapped(row.wrapped_key) for row in [*documents, *values])
    wanted = {document_place(row.doc_id, row.number) for row in documents}
    wanted |= {f"v/{key_number(row.value_mac)}" for row in values} | {f"n/{row.doc_id}" for row in documents}
    assert places(light) == wanted
    assert len(light.texts()) == 2


def test_a_destroyed_document_is_gone_in_open_readers(light: LightIngest, tmp_path: Path) -> None:
    """A reader that had it open a moment ago finds neither its hits nor its index rows, and no error."""
    light.sync({"a": "one\n\ntwo", "b": "three"})
    reader = LightIngest(tmp_path, writable=False)
    hits, source = reader.store.hit_source(), reader.store.index_source()
    numbers = [row.chunk_id for row in source.rows()]
    principal = ANA
    assert len(hits.hits(numbers, principal=principal)) == 3
    gone = doc_id_of(light, "a")
    assert light.collection.records.destroy_documents([gone]) == 1
    left = hits.hits(numbers, principal=principal)
    assert {hit.doc_id for hit in left.values()} == {doc_id_of(light, "b")}
    assert [row.chunk_id for row in source.rows()] == [row.chunk_id for row in source.rows(with_text=False)]
    assert len(list(source.rows())) == 1
    assert reader.store.stored(gone) is None
    assert not reader.collection.records.has(document_place(gone, 1))
    reader.database.close()


def test_a_name_at_the_source_goes_with_its_document(light: LightIngest) -> None:
    """A file's name may be a person's: its row opens no more, also not in a copy of the record store."""
    light.sync({"Ada Lovelace.txt": "one", "b": "two"})
    gone = doc_id_of(light, "Ada Lovelace.txt")
    light.collection.records.destroy_documents([gone])
    assert light.store.native_ids([gone]) == {}
    with light.database.read() as connection:
        row = connection.execute(items.select().where(items.c.doc_id == gone)).one()
    assert is_wrapped(row.sealed_native_id)
    with pytest.raises(KeyDestroyed):
        light.collection.records.unwrap(name_place(gone), row.sealed_native_id)


def test_a_destroyed_value_is_not_found_and_may_come_again(light: LightIngest) -> None:
    """Its row is dead; when the value is stored again, it gets a new row and a new key."""
    light.sync({"a": "Ada wrote"})
    table = light.store.vault()
    with light.database.read() as connection:
        row = connection.execute(vault.select()).one()
    number = key_number(row.value_mac)
    (stored,) = table.by_mac([row.value_mac]).values()
    assert light.collection.records.destroy_values([number]) == 1
    assert table.by_mac([row.value_mac]) == {}
    assert table.by_token([row.token]) == {}
    table.insert([stored])
    assert table.by_mac([row.value_mac]) == {row.value_mac: stored}
    assert table.count() == 1


def test_a_row_from_before_a_destroyed_key_stays_shut_though_its_place_has_a_new_one(light: LightIngest) -> None:
    """A value is erased, comes again from elsewhere, and a backup brings its old row back: that row is not there."""
    records = light.collection.records
    old = records.wrap_many({"v/1": b"old", "v/2": b"kept"})
    records.flush()
    assert records.destroy_values([1]) == 1
    new = records.wrap("v/1", b"new")
    records.flush()
    assert records.unwrap_many(old) == {"v/2": b"kept"}
    assert records.openable(old) == {"v/2"}
    assert records.openable({"v/1": new, "v/3": b"x" * 60}) == {"v/1", "v/3"}
    with pytest.raises(KeyDestroyed):
        records.unwrap("v/1", old["v/1"])
    assert records.unwrap("v/1", new) == b"new"


def test_opening_a_destroyed_record_says_so(light: LightIngest) -> None:
    """KeyDestroyed, which is a KeyMismatch, with a remedy."""
    records = light.collection.records
    sealed = records.wrap("d/x/1", b"inner")
    assert records.unwrap("d/x/1", sealed) == b"inner"
    records.flush()
    assert records.unwrap("d/x/1", sealed) == b"inner"
    assert records.destroy_documents(["x"]) == 1
    with pytest.raises(KeyDestroyed) as gone:
        records.unwrap("d/x/1", sealed)
    assert gone.value.remedy
    assert issubclass(KeyDestroyed, KeyMismatch)


def test_a_released_key_is_kept_until_it_is_pruned(light: LightIngest) -> None:
    """A replaced version's key is released by the next sweep; an older backup needs it; retention prunes it."""
    light.sync({"a": "one", "b": "two"})
    gone = doc_id_of(light, "a")
    with light.database.read() as connection:
        old = connection.execute(versions.select().where(versions.c.doc_id == gone)).one()
    light.options["max_delete_share"] = 1.0
    light.sync({"a": "another", "b": "two"})
    assert light.store.sweep() == 0
    records = light.collection.records
    assert places(light, released=True) == {document_place(gone, 1)}
    assert records.unwrap(document_place(gone, 1), old.wrapped_key)
    assert records.prune(datetime.now(UTC) - timedelta(days=1)) == 0
    assert records.prune(datetime.now(UTC) + timedelta(days=1)) == 1
    with pytest.raises(KeyDestroyed):
        records.unwrap(document_place(gone, 1), old.wrapped_key)
    assert light.texts() == {"a": ["another"], "b": ["two"]}


def test_pruning_spares_what_a_restore_brought_back(light: LightIngest) -> None:
    """A released key whose record is there again is kept; an orphan of a killed run is released."""
    light.sync({"a": "one"})
    records = light.collection.records
    mine = document_place(doc_id_of(light, "a"), 1)
    records.release({mine: "2026-01-01T00:00:00+00:00"})
    records.wrap("d/orphan/1", b"never stored")
    records.flush()
    assert records.prune(datetime.now(UTC) + timedelta(days=1)) == 1
    assert places(light) == {mine, name_place(doc_id_of(light, "a"))}
    assert light.texts() == {"a": ["one"]}


def test_records_without_a_key_are_counted(light: LightIngest) -> None:
    """What nothing can open is told apart from what is there."""
    light.sync({"a": "Ada one", "b": "Grace two"})
    light.collection.records.destroy_documents([doc_id_of(light, "a")])
    found = count_keys(light.database, light.collection.id)
    assert (found.documents, found.values, found.dead_documents, found.dead_values) == (1, 2, 1, 0)


def test_another_root_key_opens_no_record_key(light: LightIngest, tmp_path: Path) -> None:
    """The wrapping key is wrapped by the workspace key, and that by the root key."""
    sealed = light.collection.records.wrap("d/x/1", b"inner")
    light.collection.records.flush()
    other = RecordKeys(light.database, WorkspaceKeys(light.database.key_file, bytes(32)), light.collection.id)
    with pytest.raises(KeyMismatch):
        other.unwrap("d/x/1", sealed)


def test_the_key_file_holds_no_place_in_clear_but_ids(light: LightIngest, tmp_path: Path) -> None:
    """No value, no text, and no key of any kind in clear."""
    light.sync({"Zaubertrank": "Ada wrote"})
    raw = (tmp_path / "records.keys.db").read_bytes()
    assert b"Ada" not in raw
    assert b"Zaubertrank" not in raw
    assert ROOT_KEY not in raw
    assert not (tmp_path / "records.keys.db-journal").exists()
    assert (tmp_path / "records.keys.db").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("writable", [True, False])
def test_a_lost_key_file_is_told(light: LightIngest, tmp_path: Path, writable: bool) -> None:
    """Rather than to answer from nothing, or to begin another key file beside records it cannot read."""
    light.sync({"a": "Ada wrote"})
    light.database.close()
    (tmp_path / "records.keys.db").unlink()
    with pytest.raises(KeyDestroyed, match="is lost") as refused:
        LightIngest(tmp_path, writable=writable)
    assert "ragkit restore" in refused.value.remedy


def test_record_keys_are_not_pickled_or_shown(light: LightIngest) -> None:
    """Neither they nor the collection that has them."""
    for one in (light.collection.records, light.collection):
        with pytest.raises(TypeError):
            pickle.dumps(one)
    assert repr(light.collection.records) == "RecordKeys(…)"
    with pytest.raises(TypeError):
        copy.deepcopy(light.collection.records)


def test_rows_from_before_are_read_and_then_upgraded(tmp_path: Path, make_old: Callable[[LightIngest], None]) -> None:
    """A reader reads what was wrapped once; the first opening for writing gives every row a record key."""
    light = LightIngest(tmp_path, words=["Ada"])
    light.sync({"a": "Ada wrote", "b": "two\n\nthree"})
    texts = light.texts()
    make_old(light)
    reader = LightIngest(tmp_path, writable=False)
    assert reader.texts() == texts
    database = open_database(tmp_path / "records.db", writable=True)
    collection = open_collection(database, ROOT_KEY, "default")
    with database.read() as connection:
        rows = [*connection.execute(versions.select()), *connection.execute(vault.select())]
    assert all(is_wrapped(row.wrapped_key) for row in rows)
    assert len(rows) == 3
    assert reader.texts() == texts, "a reader that was open meanwhile"
    collection.records.destroy_documents([rows[0].doc_id])
    assert len(reader.texts()) == 1
    for one in (database, reader.database, light.database):
        one.close()


def test_an_open_vault_forgets_what_another_process_destroyed(light: LightIngest, tmp_path: Path) -> None:
    """The reader had the value open in memory; after its key is destroyed it neither looks it up nor reveals it."""
    writing = Vault(light.collection.keys, light.store.vault(), "default")
    token, surrogate = writing.allocate("PERSON", "Galip Yalman")
    with light.database.write():
        writing.flush()
    other = LightIngest(tmp_path, writable=False)
    reading = Vault(other.collection.keys, other.store.vault(), "default")
    assert reading.lookup("PERSON", "Galip Yalman") == (token, surrogate)
    assert reading.reveal(token) == ("Galip Yalman", {"PERSON": 1})
    assert light.collection.records.destroy_values([reading.value_number(("PERSON", "Galip Yalman"))]) == 1
    assert reading.reveal(token) == (token, {})
    assert reading.lookup("PERSON", "Grace Hopper")
    assert not reading._rows._cache, "the value that was read before"
    again, _ = writing.allocate("PERSON", "Galip Yalman")
    with light.database.write():
        writing.flush()
    assert reading.reveal(again) == ("Galip Yalman", {"PERSON": 1})
    other.database.close()
