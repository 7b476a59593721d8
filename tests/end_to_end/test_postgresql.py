"""A workspace whose records are on a real PostgreSQL: asked, erased from, backed up, killed and gone on with."""

from __future__ import annotations

import itertools
import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest

from ragkit import open_workspace
from ragkit.errors import RagkitError, WriterBusy
from ragkit.lifecycle.bytescan import PatternScanner, spellings
from ragkit.restoring import restore_workspace
from ragkit.store.dialect_postgresql import PostgreSQL
from ragkit.store.lock import WriterLock
from ragkit.store.transfer import row_bytes
from ragkit.testing import crash_scene
from ragkit.testing.crash_scene import CrashScene, lost_or_twice
from ragkit.testing.postgres import ABSENT, PostgresServer, postgres
from ragkit.testing.stages import FakeEmbedder

pytestmark = [pytest.mark.slow, pytest.mark.skipif(bool(ABSENT), reason=ABSENT)]

STORE = '\n[store]\nurl = {env = "RAGKIT_STORE_URL"}\n'
POINTS = (
    "sync.after_record_keys", "sync.before_commit", "sync.after_commit", "sync.in_delete",
    "sync.in_access", "sync.before_checkpoint", "index.before_publish",
)  # fmt: skip


@dataclass
class Place:
    """A server, and a workspace on it that is copied for each trial, its database too."""

    server: PostgresServer
    scene: CrashScene
    url: str
    key: str
    numbers: Iterator[int] = field(default_factory=itertools.count)

    def trial(self, folder: Path, patch: pytest.MonkeyPatch, *, scene: bool = True) -> Path:
        """Copy both; what is opened from now on is the copy, or a new database beside a copy of the folder."""
        name = f"trial{next(self.numbers)}"
        patch.setenv("RAGKIT_ROOT_KEY", self.key)
        template = f" TEMPLATE {self.url.partition('@/')[2].partition('?')[0]}" if scene else ""
        with psycopg.connect(self.server.url.replace("+psycopg", ""), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}{template}")  # type: ignore[call-overload]
        patch.setenv("RAGKIT_STORE_URL", self.server.url.replace("@/postgres?", f"@/{name}?"))
        return self.scene.copy(folder)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """The scene of the crash tests, on a server that syncs to the disk."""
    with postgres(durable=True) as server, pytest.MonkeyPatch.context() as patch:
        url = server.database()
        officers = f'officers = ["u:{crash_scene.OWNER}"]\nmax_delete_share'
        config = crash_scene._CONFIG.replace("max_delete_share", officers) + STORE
        patch.setattr(crash_scene, "_CONFIG", config)
        patch.setenv("RAGKIT_ROOT_KEY", "")
        patch.setenv("RAGKIT_STORE_URL", url)
        scene = CrashScene.make(tmp_path_factory.mktemp("scene") / "workspace")
        made = Place(server, scene, url, os.environ["RAGKIT_ROOT_KEY"])
        whole = made.trial(scene.folder.with_name("uninterrupted"), patch)
        assert scene.sync(whole).status == 0
        scene._expected.append(scene.state(whole).result)
        yield made


@pytest.fixture
def opened() -> Iterator[Callable[[Path], object]]:
    """Opens workspaces with an encoder that costs nothing."""
    every = []

    def open_one(folder: Path) -> object:
        workspace = open_workspace(folder)
        workspace._handles.__dict__["embedder"] = FakeEmbedder(64)
        every.append(workspace)
        return workspace

    yield open_one
    for one in every:
        one.close()


def test_a_day_of_a_workspace_on_a_server(place: Place, tmp_path: Path, monkeypatch, opened) -> None:
    """Synced, searched, asked, told of, erased from; no file with the records, and nothing of the person left."""
    folder = place.trial(tmp_path / "shop", monkeypatch)
    workspace = opened(folder)
    report = workspace.sync()
    assert (report.added, report.deleted) == (10, 10)
    assert not (folder / ".ragkit" / "records.db").exists()
    assert workspace.search("word1", k=5)
    assert workspace.ask("What is in the second edition, part 1 of word1?").hits
    assert workspace.status()["collections"]["default"]["documents"] == len(place.scene.expected()["texts"])
    told = {check.name: check for check in workspace.doctor()}
    assert told["record store"].ok
    assert "PostgreSQL" in told["record store"].detail
    mail = "person1@lampshop.com"
    done = workspace.subjects.erase(mail, purpose="they asked")
    assert done.complete
    assert done.levels["L1"] == done.levels["L3"] == "true"
    assert done.levels["L2"] == "partly", "a server's own files are not looked through"
    scanner = PatternScanner(spellings(mail, 0))
    assert scanner.scan_tree(folder / ".ragkit") == []
    database = workspace._handles.reader("default").store.database
    assert [found for table, held in row_bytes(database) for found in scanner.scan_bytes(held, where=table)] == []
    assert workspace.sync().added == 0
    assert all(mail not in hit.chunk.record for hit in workspace.search("Contact person1", k=20))


def test_a_second_writer_is_refused(place: Place, tmp_path: Path, monkeypatch, opened) -> None:
    """From a copy of the folder, as from another machine, within a second; who only reads is answered."""
    folder = place.trial(tmp_path / "shop", monkeypatch)
    other = place.scene.copy(tmp_path / "elsewhere")
    here, there = opened(folder), opened(other)
    with here._handles.writing("sync"):
        began = time.monotonic()
        with pytest.raises(WriterBusy, match=f"process {os.getpid()} on"):
            there.sync()
        assert time.monotonic() - began < 2  # with the opening of its log
        assert there.search("word1", k=5)
    assert there.sync().added == 10


@pytest.mark.parametrize("point", POINTS)
def test_a_crash_loses_and_repeats_nothing(place: Place, point: str, tmp_path: Path, monkeypatch) -> None:
    """Killed at a point, what was acknowledged is there, and the next sync makes all equal to the source."""
    scene, folder = place.scene, place.trial(tmp_path / "shop", monkeypatch)
    before = scene.state(folder).result
    died = scene.sync(folder, point=point)
    assert died.status == -signal.SIGKILL
    assert lost_or_twice(before, scene.expected(), scene.state(folder).result) == []
    assert scene.sync(folder).status == 0
    assert scene.state(folder).result == scene.expected()


@pytest.mark.parametrize("wait", [0.05, 0.4, 0.9])
def test_a_killed_server_is_gone_on_with(place: Place, wait: float, tmp_path: Path, monkeypatch) -> None:
    """``kill -9`` of the server in the middle of a sync: a clear error, and the next sync completes."""
    scene, folder = place.scene, place.trial(tmp_path / "shop", monkeypatch)
    before = scene.state(folder).result

    def kill_server(_sync: int) -> None:
        time.sleep(wait)
        os.kill(place.server.pid, signal.SIGKILL)

    failed = scene.sync(folder, kill=kill_server)
    restart(place.server)
    if failed.status:  # it may have been done already, on a quick machine
        assert failed.status == 2
        assert failed.result["error"] == "StoreError"
        assert "server" in failed.result["remedy"]
    assert lost_or_twice(before, scene.expected(), scene.state(folder).result) == []
    assert scene.sync(folder).status == 0
    assert scene.state(folder).result == scene.expected()


def restart(server: PostgresServer) -> None:
    """Start a server that was killed, once the rest of it has noticed."""
    server.stop(crash=True)
    for left in range(20, -1, -1):
        try:
            return server.start()
        except RagkitError:
            if not left:
                raise
            time.sleep(0.5)
    return None


def test_a_backup_moves_between_file_and_server(place: Place, tmp_path: Path, monkeypatch, opened) -> None:
    """A backup of the server is restored into a file, and one of that file on an empty server: the same texts."""
    folder = place.trial(tmp_path / "shop", monkeypatch)
    assert place.scene.sync(folder).status == 0
    expected = place.scene.state(folder).result
    opened(folder).keeping.backup(tmp_path / "from-server", keys=tmp_path / "keys")
    on_file = tmp_path / "file"
    on_file.mkdir()
    toml = (folder / "ragkit.toml").read_text(encoding="utf-8")
    (on_file / "ragkit.toml").write_text(toml.replace(STORE, ""), encoding="utf-8")
    (on_file / "source").symlink_to(folder / "source")
    back = restored(tmp_path / "from-server", on_file, tmp_path / "keys")
    assert back.documents == len(expected["texts"])
    assert (on_file / ".ragkit" / "records.db").exists()
    assert place.scene.state(on_file).result == expected
    opened(on_file).keeping.backup(tmp_path / "from-file", keys=tmp_path / "keys-of-file")
    place.trial(tmp_path / "unused", monkeypatch, scene=False)
    again = tmp_path / "again"
    again.mkdir()
    (again / "ragkit.toml").write_text(toml, encoding="utf-8")
    (again / "source").symlink_to(folder / "source")
    restored(tmp_path / "from-file", again, tmp_path / "keys-of-file")
    assert not (again / ".ragkit" / "records.db").exists()
    assert place.scene.state(again).result == expected
    report = place.scene.sync(again).result
    assert (report["added"], report["updated"], report["deleted"]) == (0, 0, 0)


@pytest.mark.parametrize("point", ["restore.before_swap", "restore.moved_old", "restore.moved_new", "restore.settled"])
def test_a_killed_restore_goes_on(place: Place, point: str, tmp_path: Path, monkeypatch, opened) -> None:
    """What the server had is replaced whole or not at all, and the same command finishes it."""
    folder = place.trial(tmp_path / "shop", monkeypatch)
    before = place.scene.state(folder).result
    opened(folder).keeping.backup(tmp_path / "backup", keys=tmp_path / "keys")
    assert place.scene.sync(folder).status == 0
    died = crash_scene.run(lambda: _restore_and_die(tmp_path / "backup", folder, tmp_path / "keys", point))
    assert died.status == -signal.SIGKILL
    done = restored(tmp_path / "backup", folder, tmp_path / "keys")
    assert done.resumed or point == "restore.before_swap"
    assert place.scene.state(folder).result == before
    assert not (folder / ".ragkit" / "restore").exists()
    assert place.scene.sync(folder).status == 0
    assert place.scene.state(folder).result["texts"] == place.scene.expected()["texts"]


def _restore_and_die(backup: Path, folder: Path, keys: Path, point: str) -> None:
    crash_scene.crashpoints._armed[point] = 1
    restored(backup, folder, keys)


def restored(backup: Path, folder: Path, keys: Path):
    """Restore with the encoder that costs nothing."""
    from ragkit import handles

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(handles, "build_embedder", lambda _config: FakeEmbedder(64))
        return restore_workspace(backup, to=folder, keys=keys)


def test_a_lock_file_and_a_server_are_both_let_go(place: Place, tmp_path: Path) -> None:
    """Where the server refuses, the file is free again."""
    one = WriterLock(tmp_path / "one", server=PostgreSQL(place.url, schema="locks"))
    two = WriterLock(tmp_path / "two", server=PostgreSQL(place.url, schema="locks"))
    with one, pytest.raises(WriterBusy):
        two.acquire()
    with WriterLock(tmp_path / "two") as alone:
        assert alone.held
