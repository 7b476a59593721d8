"""Uploaded originals in a backup: whole, encrypted, brought back with their keys, and not without them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ragkit import crypto
from ragkit.audit.recorder import EventRecorder
from ragkit.errors import BackupError
from ragkit.lifecycle.backup import SECRET, Backup
from ragkit.lifecycle.backup_keys import copy_keys, read_key_copy
from ragkit.lifecycle.backup_manifest import Manifest, read_manifest
from ragkit.lifecycle.restore import Restore, finish_swap, settle
from ragkit.lifecycle.restore_keys import KeyCopyFile, choose_keys
from ragkit.lifecycle.uploads import Uploads
from ragkit.store.originals import FOLDER
from ragkit.store.workspacekeys import WorkspaceKeys
from ragkit.testing.bytescan import ByteScanner
from ragkit.testing.canaries import Canary
from ragkit.testing.kept import LightWorkspace
from ragkit.testing.light import ROOT_KEY

TEXTS = {
    "lease": "Rent is due to Galina Yalmanova.",
    "tent": "The Ottermere tent " * 40_000,
    "note": "Closed on Monday.",
}


class Here:
    """A light workspace with originals, its backup and the copy of its key file."""

    def __init__(self, base: Path) -> None:
        self.base = base
        self.light = LightWorkspace(base / "ws")
        self.light.sync({"a": "one"})
        self.data = self.light.folder / ".ragkit"
        self.key_file = self.light.database.key_file
        self.uploads = Uploads(self.data, self.key_file, self.light.collection, self.light.recorder)
        for upload, text in TEXTS.items():
            self.put(upload, text)

    def put(self, upload: str, text: str) -> Path:
        """Hand a document in; return the file of its original."""
        with self.uploads.files.create() as writer:
            writer.write(text.encode())
            writer.finish({"name": f"{upload} of Yalmanova.txt"})
            doc_id = f"doc-{upload}"
            self.uploads.rows.add(source="uploads", upload=upload, doc_id=doc_id, file=writer.file, key=writer.key)
            writer.keep()
        return self.path(upload)

    def path(self, upload: str) -> Path:
        """The file of an original."""
        row = self.uploads.rows.of(f"doc-{upload}")
        assert row is not None
        return self.data / FOLDER / self.light.collection.id / row.file

    def back_up(self, name: str = "backup") -> Path:
        """Make a backup, then the copy of the key file."""
        events = EventRecorder(self.data / "events", mode="required", software={}, actor_key=b"k" * 32)
        Backup(self.light.config, self.key_file, root_key=ROOT_KEY, recorder=events, software="1").make(
            self.base / name
        )
        copy_keys(self.key_file, self.base / "keys", root_key=ROOT_KEY, data_folder=self.data)
        return self.base / name

    def manifest(self, backup: Path) -> Manifest:
        """Read a manifest with the keys of the copy."""
        copy = KeyCopyFile(read_key_copy(self.base / "keys", ROOT_KEY).data)
        return read_manifest(backup, WorkspaceKeys(copy, ROOT_KEY).derived(SECRET))

    def restore(self, data: Path, backup: Path, manifest: Manifest | None = None) -> int:
        """Restore with the key copy, where there are no keys; return how many originals are missing."""
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        told = manifest or self.manifest(backup)
        chosen = choose_keys(data, told, read_key_copy(self.base / "keys", ROOT_KEY))
        run = Restore(data, backup, told, chosen)
        with run.staged():
            pass
        run.commit({})
        settle(data, lambda: None)
        return run.missing


def texts(folder: Path) -> dict[str, str]:
    """What the originals of a workspace say; those that do not open are left out."""
    light = LightWorkspace(folder)
    uploads = Uploads(folder / ".ragkit", light.database.key_file, light.collection, light.recorder)
    found = {row.upload: uploads.kept.read(row) for row in uploads.rows.every()}
    light.database.close()
    return {name: one[1].decode() for name, one in found.items() if one is not None}


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Here]:
    """With three originals."""
    made = Here(tmp_path)
    yield made
    made.light.database.close()


def originals(folder: Path) -> set[str]:
    """Names of the files of originals below a folder."""
    return {path.name for path in (folder / FOLDER).rglob("*") if path.is_file()}


def test_they_come_back_elsewhere_and_say_the_same(here: Here, tmp_path: Path) -> None:
    """Listed with size and hash, private, in clear nowhere; restored with the key copy they open."""
    backup = here.back_up()
    listed = {name for name in here.manifest(backup).files if name.startswith("uploads/")}
    assert {name.rpartition("/")[2] for name in listed} == originals(backup) == originals(here.data)
    assert all(path.stat().st_mode & 0o077 == 0 for path in [backup, *backup.rglob("*")])
    scanner = ByteScanner([Canary("TEXT", text, (text,), text) for text in ("Yalmanova", "Ottermere", "Closed on")])
    assert scanner.scan_tree(backup) == []
    assert here.restore(tmp_path / "other/.ragkit", backup) == 0
    assert texts(tmp_path / "other") == TEXTS
    there = tmp_path / "other/.ragkit" / FOLDER
    assert all(path.stat().st_mode & 0o077 == 0 for path in [there, *there.rglob("*")])


def test_what_was_destroyed_since_stays_away(here: Here, tmp_path: Path) -> None:
    """It has no key in the newer key copy, so its file does not even come; with own keys it is the same."""
    backup = here.back_up()
    erased = here.path("lease")
    row = here.uploads.rows.of("doc-lease")
    assert row is not None
    here.uploads.take_back(row)
    copy_keys(here.key_file, here.base / "keys", root_key=ROOT_KEY, data_folder=here.data)
    assert erased.name in originals(backup), "the backup is not touched; nothing opens what is in it"
    for data in (tmp_path / "other/.ragkit", here.data):
        assert here.restore(data, backup) == 0
        assert erased.name not in originals(data)
        assert set(texts(data.parent)) == {"tent", "note"}


def test_the_same_place_keeps_what_came_later_and_mends_what_broke(here: Here) -> None:
    """An original handed in since stays; one that is lost or damaged comes from the backup; others are not touched."""
    backup = here.back_up()
    later = here.put("later", "Handed in since.")
    here.path("note").write_bytes(b"x" * here.path("note").stat().st_size)
    here.path("lease").unlink()
    before = here.path("tent").stat()
    assert here.restore(here.data, backup) == 0
    assert here.path("tent").stat() == before
    assert later.exists()
    assert texts(here.light.folder) == {**TEXTS, "later": "Handed in since."}


def test_one_handed_in_between_backup_and_key_copy_is_told(here: Here, tmp_path: Path) -> None:
    """Its row is there, its file is not: counted, read as nothing, and no crash."""
    backup = here.back_up()
    here.put("late", "After the backup.")
    copy_keys(here.key_file, here.base / "keys", root_key=ROOT_KEY, data_folder=here.data)
    assert here.restore(tmp_path / "other/.ragkit", backup) == 1
    assert texts(tmp_path / "other") == TEXTS


def test_a_backup_of_before_there_were_originals(here: Here, tmp_path: Path) -> None:
    """Without the folder it is restored as ever: here nothing is missing, elsewhere all are told."""
    whole = here.back_up()
    told = here.manifest(whole)
    files = {name: one for name, one in told.files.items() if not name.startswith("uploads/")}
    shutil.rmtree(whole / FOLDER)
    old = Manifest(
        copy=told.copy,
        made_at=told.made_at,
        software=told.software,
        schema=told.schema,
        counts=told.counts,
        files=files,
    )
    assert here.restore(tmp_path / "other/.ragkit", whole, old) == len(TEXTS)
    assert texts(tmp_path / "other") == {}
    assert here.restore(here.data, whole, old) == 0
    assert texts(here.light.folder) == TEXTS


@pytest.mark.parametrize("how", ["flipped", "cut", "missing", "link"])
def test_a_damaged_original_is_found_before_anything_is_touched(here: Here, tmp_path: Path, how: str) -> None:
    """Also where it would not be needed."""
    backup = here.back_up()
    path = next(path for path in backup.rglob(here.path("tent").name))
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 1
    path.unlink()
    if how == "link":
        path.symlink_to(here.path("tent"))
    elif how != "missing":
        path.write_bytes(raw if how == "flipped" else raw[:-1])
    for data in (tmp_path / "other/.ragkit", here.data):
        with pytest.raises(BackupError):
            here.restore(data, backup)
        assert not (data / "restore").exists()
    assert texts(here.light.folder) == TEXTS


def test_an_upload_under_way_is_left_out(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    """So is one that is destroyed while others are copied; one that was finished just before is whole."""
    with here.uploads.files.create() as writer:
        writer.write(b"half " * 100_000)
        finished = here.put("finished", "Just now.")
        destroyed: list[str] = []

        def reach(point: str) -> None:
            if point == "backup.in_originals" and not destroyed:
                row = max(here.uploads.rows.every(), key=lambda row: row.file)  # the first one is being copied
                destroyed.extend(here.uploads.rows.remove(row))
                here.uploads.files.unlink(destroyed)

        monkeypatch.setattr("ragkit.lifecycle.backup_originals.reach", reach)
        backup = here.back_up()
        assert writer.file in originals(here.data)
        assert originals(backup) == originals(here.data) - {writer.file}
    assert finished.name in {*originals(backup), *destroyed}
    assert len(destroyed) == 1
    assert len(originals(backup)) == len(TEXTS)


def test_a_key_copy_older_than_a_deletion_is_refused(here: Here, tmp_path: Path) -> None:
    """Its rows would bring the original back; one that was only replaced since is no reason."""
    told = here.manifest(here.back_up())
    copy = replace(read_key_copy(here.base / "keys", ROOT_KEY), made_at="2020-01-01T00:00:00+00:00")
    data = tmp_path / "other/.ragkit"
    events = EventRecorder(data / "events", mode="required", software={}, actor_key=b"k" * 32)
    about = {"collection": "default", "source": "uploads", "doc": crypto.opaque_id(b"k" * 32, "d"), "keys": 1}
    events.record("upload.destroyed", data={**about, "cause": "replaced"})
    assert not choose_keys(data, told, copy).own
    events.record("upload.destroyed", data={**about, "cause": "deleted"})
    with pytest.raises(BackupError, match="erased since"):
        choose_keys(data, told, copy)


def test_a_kill_among_the_moves_is_made_good(here: Here, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stopped after the first original was moved, the next run moves the rest."""
    backup, data = here.back_up(), tmp_path / "other/.ragkit"

    def die(_point: str) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("ragkit.lifecycle.backup_originals.reach", die)
        with pytest.raises(KeyboardInterrupt):
            here.restore(data, backup)
    assert len(originals(data)) == 1
    assert finish_swap(data) == {}
    settle(data, lambda: None)
    assert texts(tmp_path / "other") == TEXTS
