"""Backups and the copy of the key file: whole, private, told from altered ones, and made while the store is written."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import sqlite3
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest

from ragkit import crashpoints, crypto
from ragkit.audit.recorder import EventRecorder
from ragkit.errors import BackupError, KeyMismatch
from ragkit.lifecycle.backup import SECRET, Backup, BackupReport
from ragkit.lifecycle.backup_keys import copy_keys, read_key_copy, refresh_key_copy
from ragkit.lifecycle.backup_manifest import Manifest, read_manifest
from ragkit.lifecycle.restore import Restore
from ragkit.lifecycle.restore_keys import ChosenKeys, choose_keys
from ragkit.lifecycle.restore_reconcile import drop_unreadable
from ragkit.store.catalog import open_collection
from ragkit.store.copies import Copies
from ragkit.store.records import RecordStore, check
from ragkit.store.rotation import admit, retire_others
from ragkit.store.workspacekeys import WorkspaceKeys
from ragkit.testing.kept import LightWorkspace
from ragkit.testing.light import ROOT_KEY

WORDS = ("Ada", "Grace", "Alan")
SOURCE = {f"d{number}": f"Ada wrote {number}.\n\nGrace read {number}." for number in range(30)}


def recorder(light: LightWorkspace) -> EventRecorder:
    """A recorder on the workspace's own log."""
    return EventRecorder(light.folder / ".ragkit" / "events", mode="required", software={}, actor_key=b"k" * 32)


def back_up(light: LightWorkspace, target: Path) -> BackupReport:
    """Make a backup."""
    maker = Backup(light.config, light.database.key_file, root_key=ROOT_KEY, recorder=recorder(light), software="0.1.0")
    return maker.make(target)


def manifest(light: LightWorkspace, target: Path) -> Manifest:
    """Read and check a manifest."""
    return read_manifest(target, WorkspaceKeys(light.database.key_file, ROOT_KEY).derived(SECRET))


@pytest.fixture
def light(tmp_path: Path) -> LightWorkspace:
    """A workspace with documents."""
    made = LightWorkspace(tmp_path / "ws", words=WORDS)
    made.sync(SOURCE)
    return made


@pytest.fixture
def made(light: LightWorkspace, tmp_path: Path) -> Path:
    """A backup of it."""
    back_up(light, tmp_path / "backup")
    return tmp_path / "backup"


# --- making one ------------------------------------------------------------------------------------------------------


def test_what_a_backup_holds(light: LightWorkspace, made: Path) -> None:
    """Records, configuration, events and a manifest; private; neither the key file nor the index; entered as a copy."""
    files = {str(path.relative_to(made)) for path in made.rglob("*") if path.is_file()}
    assert files == {"records.db", "ragkit.toml", "manifest.json"} or files == {
        "records.db", "ragkit.toml", "manifest.json", "events/00000001.jsonl",
    }  # fmt: skip
    assert all(path.stat().st_mode & 0o077 == 0 for path in [made, *made.rglob("*")])
    found = manifest(light, made)
    assert found.counts["documents"] == 30
    assert {name: size for name, (size, _) in found.files.items()} == {
        name: (made / name).stat().st_size for name in files - {"manifest.json"}
    }
    copies = Copies(light.database.key_file, ROOT_KEY)
    assert [one.copy for one in copies.living("records")] == [found.copy]
    assert copies.knows(found.copy)
    with closing(sqlite3.connect(made / "records.db")) as copied:
        assert copied.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert copied.execute("PRAGMA journal_mode").fetchall() == [("delete",)]


def test_nothing_is_overwritten(light: LightWorkspace, made: Path, tmp_path: Path) -> None:
    """An existing target, a link, a folder that is not there and the data directory are refused."""
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    for target in (made, tmp_path / "link", tmp_path / "empty", tmp_path / "no" / "b", light.folder / ".ragkit" / "b"):
        with pytest.raises(BackupError):
            back_up(light, target)
    assert manifest(light, made).counts["documents"] == 30
    assert not [path for path in tmp_path.iterdir() if path.name.endswith(".partial")]


def test_a_full_disk_is_told_before(light: LightWorkspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Too little room is an error with figures, and leaves nothing."""
    free = os.statvfs_result((4096, 4096, 0, 0, 0, 0, 0, 0, 0, 255))
    monkeypatch.setattr(os, "statvfs", lambda _path: free)
    with pytest.raises(BackupError, match="MiB free"):
        back_up(light, tmp_path / "b")
    assert not list(tmp_path.glob(".b*"))
    assert Copies(light.database.key_file, ROOT_KEY).living("records") == []


def test_a_backup_during_writes_is_one_state(tmp_path: Path) -> None:
    """While a thread commits documents, each backup holds a number of them, whole, and is readable with its keys."""
    light = LightWorkspace(tmp_path / "ws", words=WORDS)
    light.sync({"first": "Ada."})
    stop, written = threading.Event(), []

    def write() -> None:
        rng = random.Random(7)
        texts = {"first": "Ada."}
        while not stop.is_set():
            for _ in range(4):
                number = rng.randrange(80)
                text = "\n\n".join(f"Grace {number} says {rng.random()}" for _ in range(rng.randrange(1, 12)))
                texts[f"d{number}"] = text
            light.sync(texts)
            written.append(len(texts))

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for number in range(4):
            time.sleep(0.15)
            back_up(light, tmp_path / f"b{number}")
    finally:
        stop.set()
        writer.join()
    assert len(written) > 4
    counts = []
    for number in range(4):
        backup = tmp_path / f"b{number}"
        restore = Restore(light.folder / ".ragkit", backup, manifest(light, backup), ChosenKeys(own=True))
        with restore.staged() as database:
            store = RecordStore(database, open_collection(database, ROOT_KEY, "default"))
            assert drop_unreadable(store).dropped == 0
            check(database)
            ids = [row.chunk_id for row in store.index_source().rows()]
            assert len(ids) == store.inventory().chunks
            counts.append(store.inventory().documents)
        restore._swap.abandon()
    assert counts == sorted(counts)
    assert counts[0] >= 1


def run_and_die(folder: Path, target: Path, point: str) -> None:
    """Back up, and die at a point."""
    crashpoints._armed[point] = 1
    back_up(LightWorkspace(folder, words=WORDS), target)


@pytest.mark.parametrize("point", ["in_records", "after_records", "after_files", "before_rename", "after_rename"])
def test_a_kill_leaves_no_half_backup(point: str, light: LightWorkspace, tmp_path: Path) -> None:
    """Killed before the rename there is none under the name, and the next one clears up; after it, it is whole."""
    light.database.close()
    target = tmp_path / "b"
    process = multiprocessing.get_context("fork").Process(
        target=run_and_die, args=(light.folder, target, f"backup.{point}")
    )
    process.start()
    process.join(30)
    assert process.exitcode == -signal.SIGKILL
    assert target.exists() is (point == "after_rename")
    again = target if not target.exists() else tmp_path / "b2"
    back_up(light, again)
    assert manifest(light, again).counts["documents"] == 30
    assert not [path for path in tmp_path.iterdir() if path.name.endswith(".partial") and again == target]


def stage(light: LightWorkspace, backup: Path) -> int:
    """Make a backup ready to be put in place, and leave it; return how many documents it has."""
    with Restore(light.folder / ".ragkit", backup, manifest(light, backup), ChosenKeys(own=True)).staged() as database:
        return RecordStore(database, open_collection(database, ROOT_KEY, "default")).inventory().documents


# --- altered ones ----------------------------------------------------------------------------------------------------


def test_every_altered_byte_is_found(light: LightWorkspace, made: Path, tmp_path: Path) -> None:
    """Bit flips anywhere, cuts, and missing files: refused, and the workspace is as it was."""
    rng = random.Random(11)
    before = light.texts()
    files = sorted(path for path in made.rglob("*") if path.is_file())
    for path in files:
        whole = path.read_bytes()
        flips = [bytearray(whole) for _ in range(3)]
        for flipped in flips:
            flipped[rng.randrange(len(whole))] ^= 1 << rng.randrange(8)
        for bad in (*flips, whole[:-1], whole + b"\n", b"", None):
            path.unlink() if bad is None else path.write_bytes(bad)
            with pytest.raises((BackupError, KeyMismatch)):
                stage(light, made)
            path.write_bytes(whole)
    assert light.texts() == before
    assert not (light.folder / ".ragkit" / "restore").exists()
    manifest(light, made)


def test_a_link_in_a_backup_is_not_followed(light: LightWorkspace, made: Path, tmp_path: Path) -> None:
    """Also when it leads to the very same bytes."""
    (made / "ragkit.toml").rename(tmp_path / "same.toml")
    (made / "ragkit.toml").symlink_to(tmp_path / "same.toml")
    with (
        pytest.raises(BackupError),
        Restore(light.folder / ".ragkit", made, manifest(light, made), ChosenKeys(own=True)).staged(),
    ):
        pass


def test_another_root_key_and_another_workspace_are_refused(light: LightWorkspace, made: Path, tmp_path: Path) -> None:
    """With a remedy that names the key."""
    other = LightWorkspace(tmp_path / "other")
    with pytest.raises(KeyMismatch) as caught:
        read_manifest(made, crypto.derive(b"x" * 32, SECRET))
    assert "[keys]" in caught.value.remedy
    keys = copy_keys(other.database.key_file, tmp_path / "k", root_key=ROOT_KEY, data_folder=other.folder / ".ragkit")
    copy = read_key_copy(tmp_path / "k", ROOT_KEY)
    assert copy.copy == keys.copy
    with pytest.raises(BackupError, match="before the backup"):
        choose_keys(tmp_path / "nowhere", manifest(light, made), copy)


# --- the copy of the key file ----------------------------------------------------------------------------------------


def test_there_is_one_key_copy_and_it_is_the_newest(light: LightWorkspace, tmp_path: Path) -> None:
    """A second copy takes the place of the first; at another place, the first is wiped."""
    data, key_file = light.folder / ".ragkit", light.database.key_file
    copies = Copies(key_file, ROOT_KEY)
    first = copy_keys(key_file, tmp_path / "k", root_key=ROOT_KEY, data_folder=data)
    inode = os.open(tmp_path / "k", os.O_RDONLY)
    light.collection.records.destroy_documents([hit.doc_id for hit in light.hits()][:1])
    second = copy_keys(key_file, tmp_path / "k", root_key=ROOT_KEY, data_folder=data)
    assert set(os.read(inode, 1 << 20)) == {0}, "the old copy is overwritten on the disk"
    os.close(inode)
    assert read_key_copy(tmp_path / "k", ROOT_KEY).copy == second.copy != first.copy
    assert [one.copy for one in copies.living("keys")] == [second.copy]
    third = copy_keys(key_file, tmp_path / "l", root_key=ROOT_KEY, data_folder=data)
    assert third.stale == 0
    assert not (tmp_path / "k").exists()
    (tmp_path / "l").rename(tmp_path / "away")
    assert copy_keys(key_file, tmp_path / "m", root_key=ROOT_KEY, data_folder=data).stale == 1
    assert (tmp_path / "m").stat().st_mode & 0o777 == 0o600


def test_an_erasure_renews_the_copy(light: LightWorkspace, tmp_path: Path) -> None:
    """After keys were destroyed, the renewed copy has none of them; where there is no copy, nothing is made."""
    data, key_file = light.folder / ".ragkit", light.database.key_file
    assert refresh_key_copy(light.config, key_file, root_key=ROOT_KEY) is None
    copy_keys(key_file, tmp_path / "k", root_key=ROOT_KEY, data_folder=data)
    with key_file.read() as connection:
        wrapped = connection.exec_driver_sql("SELECT wrapped FROM record_keys WHERE place LIKE 'd/%'").scalars().all()
    assert all(one in read_key_copy(tmp_path / "k", ROOT_KEY).data for one in wrapped)
    light.collection.records.destroy_documents([hit.doc_id for hit in light.hits()])
    assert refresh_key_copy(light.config, key_file, root_key=ROOT_KEY) is not None
    raw = (tmp_path / "k").read_bytes()
    assert not any(one in raw for one in wrapped)
    (tmp_path / "k").unlink()
    (tmp_path / "gone").mkdir()
    copy_keys(key_file, tmp_path / "gone" / "k", root_key=ROOT_KEY, data_folder=data)
    (tmp_path / "gone" / "k").rename(tmp_path / "k")
    (tmp_path / "gone").rmdir()
    with pytest.raises(BackupError):
        refresh_key_copy(light.config, key_file, root_key=ROOT_KEY)


def test_a_key_copy_overwrites_nothing_else(light: LightWorkspace, tmp_path: Path) -> None:
    """A file that is no copy of a key file stays; nor is a copy made in the data directory."""
    data, key_file = light.folder / ".ragkit", light.database.key_file
    (tmp_path / "letter").write_text('{"format": "letter/1"}\n')
    for place in (tmp_path / "letter", data / "k", tmp_path / "no" / "k", tmp_path):
        with pytest.raises(BackupError):
            copy_keys(key_file, place, root_key=ROOT_KEY, data_folder=data)
    assert (tmp_path / "letter").read_text().startswith("{")
    raw = bytearray(b"")
    copy_keys(key_file, tmp_path / "k", root_key=ROOT_KEY, data_folder=data)
    raw += (tmp_path / "k").read_bytes()
    raw[-100] ^= 1
    (tmp_path / "k").write_bytes(raw)
    with pytest.raises(BackupError):
        read_key_copy(tmp_path / "k", ROOT_KEY)
    raw[-100] ^= 1
    (tmp_path / "k").write_bytes(raw)
    with pytest.raises(KeyMismatch):
        read_key_copy(tmp_path / "k", b"x" * 32)


def test_old_keys_are_refused(light: LightWorkspace, tmp_path: Path) -> None:
    """A copy of before the backup, one of before a newer copy, and one of before an erasure; unless asked for."""
    data, key_file = light.folder / ".ragkit", light.database.key_file
    events = recorder(light)
    copy_keys(key_file, tmp_path / "k", root_key=ROOT_KEY, data_folder=data)
    too_early = read_key_copy(tmp_path / "k", ROOT_KEY)
    back_up(light, tmp_path / "b")
    found = manifest(light, tmp_path / "b")
    made = copy_keys(key_file, tmp_path / "k", root_key=ROOT_KEY, data_folder=data)
    events.record("backup.made", data={"kind": "keys", "copy": made.copy, "made": made.made_at})
    good = read_key_copy(tmp_path / "k", ROOT_KEY)
    assert choose_keys(data, found, good).own
    light.database.close()
    (data / "records.keys.db").unlink()
    assert not choose_keys(data, found, good).own
    with pytest.raises(BackupError, match="before the backup"):
        choose_keys(data, found, too_early)
    with pytest.raises(BackupError, match="no key file"):
        choose_keys(data, found, None)
    time.sleep(1.1)
    events.record("key.destroyed", data={"scope": "document", "keys": 1})
    with pytest.raises(BackupError, match="erased since"):
        choose_keys(data, found, good)
    assert choose_keys(data, found, good, unsafe_old_keys=True).unsafe
    events.record("backup.made", data={"kind": "keys", "copy": "0" * 32, "made": good.made_at})
    with pytest.raises(BackupError, match="newer one"):
        choose_keys(data, found, good)


def test_a_backup_of_before_a_new_root_key(light: LightWorkspace, made: Path) -> None:
    """With the key file of now it opens by the new root key alone."""
    new = b"n" * 32
    admit(light.database, ROOT_KEY, new)
    retire_others(light.database, new)
    secret = WorkspaceKeys(light.database.key_file, new).derived(SECRET)
    found = read_manifest(made, secret)
    with Restore(light.folder / ".ragkit", made, found, ChosenKeys(own=True)).staged() as database:
        store = RecordStore(database, open_collection(database, new, "default"))
        assert drop_unreadable(store).dropped == 0
        assert store.inventory().documents == 30
        assert len(list(store.index_source().rows())) == 60
    with pytest.raises(KeyMismatch):
        WorkspaceKeys(light.database.key_file, ROOT_KEY).derived(SECRET)
