"""A copy of the record store, while questions are answered and a sync writes.

::

    report = Backup(config, key_file, root_key=…, recorder=…, software="0.1.0").make(Path("/mnt/backups/monday"))

The copy is one snapshot of the record store (SQLite's online backup over a read transaction, so that no writer waits
and none makes it start again; of a PostgreSQL server its rows, in a SQLite file of the same schema), with the
configuration, the event log up to then, and the originals of uploaded documents, encrypted as they lie. Not in it: the
index, which is built anew from the stored vectors; the root key; and the key file, so that what is erased later is
unreadable in every backup of before. Without a copy of the key file (``backup_keys``) it cannot be read elsewhere.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import time
import uuid
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from ragkit.audit.checkpoints import NOTES
from ragkit.audit.segments import segment_paths
from ragkit.crashpoints import reach
from ragkit.errors import BackupError, WriterBusy
from ragkit.lifecycle import backup_manifest as manifests
from ragkit.lifecycle.backup_files import copy_file, hash_file, new_file, open_regular, sync_folder, whole_lines
from ragkit.lifecycle.backup_manifest import Manifest
from ragkit.lifecycle.backup_originals import copy_originals, size_of_originals
from ragkit.store import migrations
from ragkit.store.copies import Copies
from ragkit.store.database import open_database
from ragkit.store.dialect_backend import BUSY_TIMEOUT_MS
from ragkit.store.dialect_failures import translated_errors
from ragkit.store.items import now
from ragkit.store.lock import WriterLock
from ragkit.store.place import record_server
from ragkit.store.schema import metadata
from ragkit.store.transfer import copy_to_file
from ragkit.store.workspacekeys import WorkspaceKeys

if TYPE_CHECKING:
    from ragkit.config import Config
    from ragkit.lifecycle.backup_keys import KeyCopy
    from ragkit.protocols import Progress, Recorder
    from ragkit.store.dialect_postgresql import PostgreSQL
    from ragkit.store.keyfile import KeyFile
    from ragkit.types import Principal

SECRET = "backup"  # noqa: S105 - a name
_PARTIAL = ".partial"
_PAGES = 256  # 2 MiB a step
_SPARE = 64 * 2**20
_COUNTED = ("documents", "versions", "bodies", "vault")
_LARGEST_SEGMENT = 1 << 30
_UNKEYED = "SELECT count(*) FROM collections WHERE key_form = 0"


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupReport:
    """What was copied.

    Attributes:
        copy: Id of the backup.
        documents: That answer from it.
        chunks: Stored in it.
        files: How many, the manifest not counted.
        bytes: Of these files.
        keys: The copy of the key file made with it.
        keys_problem: Why none was made, or what is left of older ones; empty when all is well.
    """

    copy: str
    made_at: str
    documents: int
    chunks: int
    files: int
    bytes: int
    elapsed: float = 0.0
    keys: KeyCopy | None = field(default=None, repr=False)
    keys_problem: str = ""


class Backup:
    """Makes backups of one workspace, one at a time. Needs no write lock.

    Args:
        config: Of the workspace.
        key_file: Open for writing; the backup is entered in its list of copies.
        root_key: Opens the secret that signs the manifest.
        recorder: Gets an event before the backup appears under its name.
        software: Version of ragkit.
        actor: Who asked for it, for the event.
    """

    def __init__(
        self,
        config: Config,
        key_file: KeyFile,
        *,
        root_key: bytes,
        recorder: Recorder,
        software: str,
        actor: Principal | None = None,
    ) -> None:
        self._config = config
        self._key_file = key_file
        self._root_key = root_key
        self._recorder = recorder
        self._software = software
        self._actor = actor

    def make(self, target: Path, *, progress: Progress | None = None) -> BackupReport:
        """Make a backup: a new folder, mode 0700, that appears whole or not at all.

        Args:
            target: Its path; nothing may be there.
            progress: Called with ``"backup"``, bytes done, and bytes in all; then with ``"originals"``.

        Raises:
            BackupError: Something is there already, the folder above is not, the disk has no room, or another backup
                is under way.
            StoreError: The record store cannot be read.
        """
        began = time.perf_counter()
        self._require_free(target)
        lock = WriterLock(self._config.data_folder / "backup.lock", command="backup")
        try:
            lock.acquire()
        except WriterBusy:
            raise BackupError("another backup is under way", remedy="Wait until it is done.") from None
        try:
            for left in target.parent.iterdir():  # of backups that were killed
                if left.name.startswith(f".{target.name}.") and left.name.endswith(_PARTIAL):
                    shutil.rmtree(left)
            report = self._make(target, progress)
        except OSError as failed:
            raise BackupError(
                f"the backup cannot be written ({type(failed).__name__})",
                remedy="Check space and permissions of the folder, then run the command again.",
            ) from None
        finally:
            lock.release()
        return replace(report, elapsed=time.perf_counter() - began)

    def _make(self, target: Path, progress: Progress | None) -> BackupReport:
        copy, made_at = uuid.uuid4().hex, now()
        partial = target.with_name(f".{target.name}.{copy[:8]}{_PARTIAL}")
        partial.mkdir(mode=0o700)
        copies = Copies(self._key_file, self._root_key)
        secret = backup_secret(WorkspaceKeys(self._key_file, self._root_key))
        try:
            counts, schema = self._copy_records(partial / manifests.RECORDS, progress)
            reach("backup.after_records")
            files = {manifests.RECORDS: hash_file(partial / manifests.RECORDS)}
            files |= copy_originals(self._key_file, self._config.data_folder, partial, progress=progress)
            files |= self._copy_rest(partial)
            reach("backup.after_files")
            made = Manifest(
                copy=copy, made_at=made_at, software=self._software, schema=schema, counts=counts, files=files
            )
            with new_file(partial / manifests.NAME) as file:
                file.write(made.written(secret))
                file.flush()
                os.fsync(file.fileno())
            sync_folder(partial)
            copies.add(copy, "records", made_at=made_at)
            reach("backup.before_rename")
            self._tell(made)
            self._require_free(target)
            partial.rename(target)
            sync_folder(target.parent)
        except BaseException:
            shutil.rmtree(partial, ignore_errors=True)
            copies.gone(copy)
            raise
        reach("backup.after_rename")
        return BackupReport(
            copy=copy,
            made_at=made_at,
            documents=counts["documents"],
            chunks=counts["bodies"],
            files=len(files),
            bytes=made.size,
        )

    def _require_free(self, target: Path) -> None:
        if os.path.lexists(target):
            raise BackupError("something is there already; nothing is overwritten", remedy="Name a new folder.")
        if not target.parent.is_dir():
            raise BackupError("the folder above is not there", remedy="Make it, or mount its disk.")
        if target.resolve().is_relative_to(self._config.data_folder.resolve()):
            raise BackupError("the backup would lie in the data directory", remedy="Name a folder outside `.ragkit`.")

    def _copy_records(self, to: Path, progress: Progress | None) -> tuple[dict[str, int], int]:
        """Copy one snapshot of the record store; return rows by table, and the schema."""
        server = record_server(self._config)
        if server is not None:
            return self._copy_from(server, to, progress)
        source_path = self._config.data_folder / "records.db"
        new_file(to).close()
        with (
            translated_errors(),
            closing(sqlite3.connect(source_path, timeout=BUSY_TIMEOUT_MS / 1000, isolation_level=None)) as source,
            closing(sqlite3.connect(to, isolation_level=None)) as target,
        ):
            source.execute("PRAGMA query_only = ON")
            source.execute("BEGIN")  # held throughout: a commit by others would make the copy start again
            schema = int(source.execute("SELECT max(number) FROM migrations").fetchone()[0])
            _require_keyed(source.execute(_UNKEYED).fetchone()[0])
            counts = {t: int(source.execute(f"SELECT count(*) FROM {t}").fetchone()[0]) for t in _COUNTED}  # noqa: S608
            page = int(source.execute("PRAGMA page_size").fetchone()[0])
            self._require_room(to.parent, page * int(source.execute("PRAGMA page_count").fetchone()[0]))
            target.execute("PRAGMA synchronous = OFF")  # forced to the disk at the end
            source.backup(target, pages=_PAGES, progress=_advance(progress, page))
            target.execute("PRAGMA journal_mode = DELETE")  # one file, that needs no other beside it
        handle = os.open(to, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
        return counts, schema

    def _copy_from(self, server: PostgreSQL, to: Path, progress: Progress | None) -> tuple[dict[str, int], int]:
        """Copy the rows of a server into a file of the same schema."""
        source = open_database(self._config.data_folder / manifests.RECORDS, writable=False, server=server)
        try:
            with source.read() as connection:  # one snapshot for counting and copying
                _require_keyed(connection.exec_driver_sql(_UNKEYED).scalar_one())
                size = source.backend.size(connection)
                self._require_room(to.parent, size)
                counts = {
                    name: int(connection.execute(select(func.count()).select_from(metadata.tables[name])).scalar_one())
                    for name in _COUNTED
                }

                def advance(done: int, total: int) -> None:
                    reach("backup.in_records")
                    if progress is not None:
                        progress("backup", size * done // max(1, total), size)

                copy_to_file(source, to, advance=advance)
        finally:
            source.close()
        return counts, migrations.MIGRATIONS[-1].number

    def _copy_rest(self, partial: Path) -> dict[str, tuple[int, str]]:
        """Copy the configuration, and the event log after the records, so that nothing in them is unrecorded."""
        with open_regular(self._config.folder / manifests.CONFIG) as file:
            files = {manifests.CONFIG: copy_file(file, partial / manifests.CONFIG)}
        (partial / "events").mkdir(mode=0o700)
        notes = self._config.data_folder / "events" / NOTES
        if notes.exists():  # before the lines: each checkpoint is of lines that are copied too
            with open_regular(notes) as file:
                files[f"events/{NOTES}"] = copy_file(file, partial / "events" / NOTES)
        for segment in segment_paths(self._config.data_folder / "events"):
            with open_regular(segment) as file:
                size = whole_lines(file)
                if size > _LARGEST_SEGMENT:
                    raise BackupError("a segment of the event log is too large", remedy="Run `ragkit doctor`.")
                files[f"events/{segment.name}"] = copy_file(file, partial / "events" / segment.name, size=size)
        sync_folder(partial / "events")
        return files

    def _require_room(self, folder: Path, records: int) -> None:
        events = sum(path.stat().st_size for path in segment_paths(self._config.data_folder / "events"))
        originals = size_of_originals(self._key_file, self._config.data_folder)
        wanted, free = records + events + originals + _SPARE, shutil.disk_usage(folder).free
        if free < wanted:
            raise BackupError(
                f"the disk has {free / 2**20:,.0f} MiB free; the backup needs {wanted / 2**20:,.0f}",
                remedy="Free some space, or name a folder on another disk.",
            )

    def _tell(self, made: Manifest) -> None:
        data = {
            "kind": "records",
            "copy": made.copy,
            "made": made.made_at,
            "schema": made.schema,
            "files": len(made.files),
            "bytes": made.size,
            "segments": sum(name.endswith(".jsonl") for name in made.files),
        }
        self._recorder.record("backup.made", actor=self._actor, data=data)


def _require_keyed(unkeyed: int) -> None:
    if unkeyed:
        raise BackupError(
            "the records were stored by an older ragkit, without record keys",
            remedy="Run `ragkit sync` once; it gives them keys that an erasure can destroy.",
        )


def backup_secret(keys: WorkspaceKeys) -> bytes:
    """Return the workspace's secret for backups, kept in the key file: it stays when the root key is changed."""
    if keys.secret(SECRET) is None:
        keys.keep(SECRET, keys.derived(SECRET))
    return keys.derived(SECRET)


def _advance(progress: Progress | None, page: int) -> Callable[[int, int, int], None]:
    def step(_status: int, remaining: int, total: int) -> None:
        reach("backup.in_records")
        if progress is not None:
            progress("backup", (total - remaining) * page, total * page)

    return step
