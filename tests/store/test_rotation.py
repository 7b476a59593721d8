"""Changing keys: what opens before, between and after; and that no row of a document or value is touched."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ragkit import crypto
from ragkit.errors import KeyMismatch
from ragkit.store.database import Database
from ragkit.store.rotation import DERIVED, admit, admitted, retire_others, rewrap, wrapping_generation
from ragkit.store.schema import collections
from ragkit.store.workspacekeys import WorkspaceKeys
from ragkit.testing import light as light_module
from ragkit.testing.light import ROOT_KEY, LightIngest

NEW = bytes(reversed(range(32)))


def rows_of(database: Database) -> str:
    """A digest of every row of the record store but the collections' own wrapped keys."""
    digest = hashlib.sha256()
    with database.read() as connection:
        for table in collections.metadata.sorted_tables:
            if table.name not in {"collections", "items", "sources"}:
                for row in sorted(repr(tuple(row)) for row in connection.execute(table.select())):
                    digest.update(row.encode())
    return digest.hexdigest()


def opened(folder: Path, key: bytes, monkeypatch: pytest.MonkeyPatch, *, writable: bool = False) -> LightIngest:
    """The store in a folder, opened with a root key."""
    monkeypatch.setattr(light_module, "ROOT_KEY", key)
    return LightIngest(folder, words=["Ada"], writable=writable)


def test_a_new_root_key_opens_the_same(light: LightIngest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both open in between; afterwards only the new one; texts and rows are the same throughout."""
    light.sync({"a": "Ada wrote", "b": "two\n\nthree"})
    texts, rows = light.texts(), rows_of(light.database)
    derived = {name: WorkspaceKeys(light.database.key_file, ROOT_KEY).derived(name) for name in DERIVED}
    waiting = opened(tmp_path, ROOT_KEY, monkeypatch)
    assert waiting.texts() == texts
    assert admit(light.database, ROOT_KEY, NEW) == 2
    assert admit(light.database, ROOT_KEY, NEW) == 2, "again changes nothing"
    for key in (ROOT_KEY, NEW):
        between = opened(tmp_path, key, monkeypatch)
        assert between.texts() == texts
        between.database.close()
    with pytest.raises(KeyMismatch, match="still gives the old"):
        retire_others(light.database, ROOT_KEY)
    assert retire_others(light.database, NEW) == 1
    assert [mark for mark, _, _ in admitted(light.database)] == [crypto.root_mark(NEW)]
    with pytest.raises(KeyMismatch) as refused:
        opened(tmp_path, ROOT_KEY, monkeypatch)
    assert "ragkit key recover" in refused.value.remedy
    after = opened(tmp_path, NEW, monkeypatch, writable=True)
    assert after.texts() == texts
    assert waiting.texts() == texts, "a reader that was open with the old key goes on"
    assert rows_of(after.database) == rows
    assert derived == {name: WorkspaceKeys(after.database.key_file, NEW).derived(name) for name in DERIVED}
    after.sync({"a": "Ada wrote", "b": "two\n\nthree", "c": "four"})
    assert len(after.texts()) == 3
    for one in (waiting, after):
        one.database.close()


def test_the_old_root_key_opens_nothing_that_is_left(light: LightIngest, tmp_path: Path) -> None:
    """No sealed row of either file opens with it."""
    light.sync({"a": "Ada wrote"})
    admit(light.database, ROOT_KEY, NEW)
    retire_others(light.database, NEW)
    with light.database.read() as connection:
        row = connection.execute(collections.select()).one()
    with pytest.raises(KeyMismatch):
        crypto.unseal(ROOT_KEY, row.wrapped_key, bound_to=f"collection/{row.id}")
    assert crypto.unseal(NEW, row.wrapped_key, bound_to=f"collection/{row.id}")
    light.database.close()
    stored = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert crypto.root_mark(ROOT_KEY).encode() not in stored
    assert crypto.root_mark(NEW).encode() in stored


def test_a_workspace_of_before_can_change_its_root_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make_old: Callable[[LightIngest], None]
) -> None:
    """Without a workspace key the root key wraps the collection key itself; it is taken over."""
    light = LightIngest(tmp_path, words=["Ada"])
    light.sync({"a": "Ada wrote"})
    texts = light.texts()
    make_old(light)
    with light.database.key_file.write() as connection:
        for table in ("roots", "secrets", "wrapping_keys"):
            connection.exec_driver_sql(f"DELETE FROM {table}")
    light.database.close()
    old = opened(tmp_path, ROOT_KEY, monkeypatch)
    assert old.texts() == texts
    old.database.close()
    from ragkit.store.database import open_database

    database = open_database(tmp_path / "records.db", writable=True)
    admit(database, ROOT_KEY, NEW)
    retire_others(database, NEW)
    database.close()
    after = opened(tmp_path, NEW, monkeypatch, writable=True)
    assert after.texts() == texts
    after.database.close()


def test_a_new_wrapping_key_touches_no_record(light: LightIngest, tmp_path: Path) -> None:
    """Record keys are wrapped again; the record store is as it was; open readers go on."""
    light.sync({"a": "Ada wrote", "b": "two\n\nthree"})
    reader = LightIngest(tmp_path, writable=False)
    texts, rows = reader.texts(), rows_of(light.database)
    before = dict(light.database.key_file.look("SELECT place, wrapped FROM record_keys"))
    keys = WorkspaceKeys(light.database.key_file, ROOT_KEY)
    assert rewrap(light.database, keys, light.collection.id) == 5
    after = dict(light.database.key_file.look("SELECT place, wrapped FROM record_keys"))
    assert before.keys() == after.keys()
    assert not set(before.values()) & set(after.values())
    assert wrapping_generation(light.database, light.collection.id) == 2
    assert rows_of(light.database) == rows
    assert reader.texts() == texts
    fresh = LightIngest(tmp_path, writable=False)
    assert fresh.texts() == texts
    light.sync({"a": "Ada wrote again"} | {"b": "two\n\nthree"})
    assert len(fresh.texts()) == 2
    for one in (reader, fresh):
        one.database.close()


_ROTATE = """
import sys
from pathlib import Path
from ragkit.testing.served_store import serve_from_environment
serve_from_environment()
from ragkit.store.database import open_database
from ragkit.store.rotation import admit, retire_others, rewrap
from ragkit.store.workspacekeys import WorkspaceKeys
from ragkit.store.catalog import list_collections, open_collection
database = open_database(Path(sys.argv[1]) / "records.db", writable=True)
old, new = bytes(range(32)), bytes(reversed(range(32)))
collection = open_collection(database, old, list_collections(database)[0])
rewrap(database, WorkspaceKeys(database.key_file, old), collection.id)
admit(database, old, new)
retire_others(database, new)
"""


@pytest.mark.parametrize(
    ("point", "keys"),
    [
        ("keys.in_upgrade:1", {ROOT_KEY}),
        ("keys.in_upgrade:2", {ROOT_KEY}),
        ("sync.after_record_keys:1", {ROOT_KEY}),
        ("keys.in_rewrap", {ROOT_KEY}),
        ("keys.after_rewrap", {ROOT_KEY}),
        ("keys.in_admit", {ROOT_KEY}),
        ("keys.after_admit", {ROOT_KEY, NEW}),
        ("keys.after_retire", {NEW}),
        ("", {NEW}),
    ],
)
def test_killed_anywhere_a_key_opens_all(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    make_old: Callable[[LightIngest], None],
    point: str,
    keys: set[bytes],
) -> None:
    """An upgrade, a new wrapping key and a new root key, killed at each step: all is read, and it can be done again."""
    light = LightIngest(tmp_path, words=["Ada"])
    light.sync({"a": "Ada wrote", "b": "two\n\nthree"})
    texts = light.texts()
    make_old(light)
    light.database.close()
    env = {**os.environ, "RAGKIT_CRASH_POINT": point}
    done = subprocess.run([sys.executable, "-c", _ROTATE, str(tmp_path)], env=env, capture_output=True, check=False)
    assert done.returncode == (-signal.SIGKILL if point else 0), done.stderr
    for key in (ROOT_KEY, NEW):
        if key in keys:
            here = opened(tmp_path, key, monkeypatch)
            assert here.texts() == texts
            assert here.masker._vault.by_token([]) == {}
            here.database.close()
        else:
            with pytest.raises(KeyMismatch):
                opened(tmp_path, key, monkeypatch)
    first = next(key for key in (NEW, ROOT_KEY) if key in keys)
    here = opened(tmp_path, first, monkeypatch, writable=True)
    admit(here.database, first, NEW)
    assert retire_others(here.database, NEW) in {0, 1}
    after = opened(tmp_path, NEW, monkeypatch)
    assert after.texts() == texts
    with pytest.raises(KeyMismatch):
        opened(tmp_path, ROOT_KEY, monkeypatch)
    for one in (here, after):
        one.database.close()
