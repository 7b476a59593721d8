"""Kill -9 at every crash point of a restore: the old records or none answer, and the next run ends as without it."""

from __future__ import annotations

import multiprocessing
import re
import shutil
import signal
from pathlib import Path
from typing import Any

import pytest

import ragkit
from ragkit import crashpoints
from ragkit.audit.recorder import EventRecorder
from ragkit.errors import StoreError
from ragkit.lifecycle.backup import SECRET, Backup
from ragkit.lifecycle.backup_keys import copy_keys, read_key_copy
from ragkit.lifecycle.backup_manifest import read_manifest
from ragkit.lifecycle.restore import Restore, finish_swap, settle
from ragkit.lifecycle.restore_keys import KeyCopyFile, choose_keys
from ragkit.lifecycle.restore_reconcile import drop_unreadable
from ragkit.lifecycle.uploads import Uploads
from ragkit.store.catalog import open_collection
from ragkit.store.database import open_database
from ragkit.store.records import RecordStore, check
from ragkit.store.workspacekeys import WorkspaceKeys
from ragkit.testing.kept import LightWorkspace
from ragkit.testing.light import ROOT_KEY

WORDS = ("Ada", "Grace")
THEN = {"kept": "Ada wrote.", "erased": "Grace wrote.", "changed": "Ada, before.", "gone": "Nobody."}
NOW = {"kept": "Ada wrote.", "changed": "Ada, after.", "new": "Nobody yet."}
REACHED = re.compile(r'\breach\("(restore\.\w+)"\)')
POINTS = sorted({
    name for file in Path(ragkit.__file__).parent.rglob("*.py") for name in REACHED.findall(file.read_text())
})  # fmt: skip


def restore(folder: Path, point: str = "", times: int = 1) -> None:
    """What :mod:`ragkit.restoring` does, without building an index."""
    if point:
        crashpoints._armed[point] = times
    data, backup = folder / ".ragkit", folder.parent / "backup"
    if finish_swap(data) is None:
        copy = read_key_copy(folder.parent / "keys", ROOT_KEY)
        secret = WorkspaceKeys(KeyCopyFile(copy.data), ROOT_KEY).derived(SECRET)
        manifest = read_manifest(backup, secret)
        run = Restore(data, backup, manifest, choose_keys(data, manifest, copy))
        with run.staged() as database:
            drop_unreadable(RecordStore(database, open_collection(database, ROOT_KEY, "default")))
            check(database)
            (run.index_folder("some") / "current").write_text("7")
        run.commit({})
    settle(data, lambda: open_database(data / "records.db", writable=False).close())


def state(folder: Path) -> dict[str, Any]:
    """What two runs must agree on, the next sync included."""
    light = LightWorkspace(folder, words=WORDS)
    check(light.database)
    found: dict[str, Any] = {"texts": light.texts(), "index": (folder / ".ragkit/index/some/current").read_text()}
    report = light.sync(NOW)
    found["sync"] = (report.added, report.updated, report.unchanged, report.deleted)
    found["then"] = light.texts()
    light.database.close()
    uploads = Uploads(folder / ".ragkit", light.database.key_file, light.collection, light.recorder)
    found["originals"] = [uploads.kept.read(row) for row in uploads.rows.every()]
    found["left"] = (folder / ".ragkit" / "restore").exists()
    return found


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace that went on after its backup: a document erased, one changed, one new, one gone; and a key copy."""
    base = tmp_path_factory.mktemp("prepared")
    light = LightWorkspace(base / "ws", words=WORDS)
    light.sync(THEN)
    data = base / "ws" / ".ragkit"
    events = EventRecorder(data / "events", mode="required", software={}, actor_key=b"k" * 32)
    key_file = light.database.key_file
    uploads = Uploads(data, key_file, light.collection, light.recorder)
    for upload in ("one", "two"):
        with uploads.files.create() as writer:
            writer.finish({"name": upload})
            uploads.rows.add(source="uploads", upload=upload, doc_id=upload, file=writer.file, key=writer.key)
            writer.keep()
    Backup(light.config, key_file, root_key=ROOT_KEY, recorder=events, software="1").make(base / "backup")
    doc_ids = {name: doc_id for doc_id, name in light.store.native_ids([h.doc_id for h in light.hits()]).items()}
    light.collection.records.destroy_documents([doc_ids["erased"]])
    light.sync(NOW)
    light.store.sweep()
    copy_keys(key_file, base / "keys", root_key=ROOT_KEY, data_folder=data)
    light.database.close()
    shutil.rmtree(data / "uploads")  # lost
    (data / "index" / "some").mkdir(parents=True)
    (data / "index" / "some" / "current").write_text("3")
    return base


def copied(prepared: Path, to: Path, *, keys: bool) -> Path:
    """A workspace of one's own; ``keys``: with its key file."""
    shutil.copytree(prepared, to, dirs_exist_ok=True)
    if not keys:
        (to / "ws" / ".ragkit" / "records.keys.db").unlink()
    return to / "ws"


@pytest.fixture(scope="module", params=[True, False], ids=["own-keys", "key-copy"])
def whole(request: pytest.FixtureRequest, prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The state after a restore that nobody killed."""
    folder = copied(prepared, tmp_path_factory.mktemp("whole"), keys=request.param)
    restore(folder)
    found = state(folder)
    assert set(found["texts"]) == {"kept", "changed", "gone"}, "what was erased is back, or something is lost"
    assert found["texts"]["changed"][0].endswith(", before.")
    assert set(found["then"]) == set(NOW)
    assert found["originals"] == [({"name": "one"}, b""), ({"name": "two"}, b"")]
    assert found["then"]["changed"][0].endswith(", after.")
    return {**found, "own": request.param}


@pytest.mark.parametrize(
    ("point", "times"),
    [(point, 1) for point in POINTS]
    + [("restore.moved_old", 2), ("restore.moved_new", 2), ("restore.moved_original", 2)],
)
def test_a_kill_loses_nothing(point: str, times: int, whole: dict[str, Any], prepared: Path, tmp_path: Path) -> None:
    """After the kill the old records answer, or nobody may open; after the next run all is as without it."""
    folder = copied(prepared, tmp_path, keys=whole["own"])
    process = multiprocessing.get_context("fork").Process(target=restore, args=(folder, point, times))
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL, "the point was never reached"
    data = folder / ".ragkit"
    if (data / "restore" / "swapping").exists():
        with pytest.raises(StoreError, match="interrupted"):
            open_database(data / "records.db", writable=False)
    elif whole["own"]:
        light = LightWorkspace(folder, words=WORDS)
        assert "erased" not in light.texts()
        assert len(light.texts()) == 3
        light.database.close()
    restore(folder)
    found = state(folder)
    assert found == {name: value for name, value in whole.items() if name != "own"}
    assert not found["left"]
