"""Putting restored files in place of the old, so that a kill at any point leaves the one or the other.

Everything is made ready under ``restore/new``. Then a mark is set, the old files move to ``restore/old``, the new ones
to their places, uploaded originals beside those that are there, and the mark goes. While the mark is there nobody opens
the record store (:func:`ragkit.store.database.open_database`), and the next restore goes on from where this one was.
Where the records are on a server, they are loaded there instead of moved.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ragkit.crashpoints import reach
from ragkit.lifecycle.backup_files import new_file, sync_folder
from ragkit.lifecycle.backup_originals import put_in_place
from ragkit.lifecycle.restore_keys import KEYS
from ragkit.store import migrations
from ragkit.store.database import SWAPPING, Database
from ragkit.store.dialect_sqlite import SqliteFile
from ragkit.store.transfer import copy_records, copy_to_file

if TYPE_CHECKING:
    from ragkit.store.dialect_postgresql import PostgreSQL

RECORDS = "records.db"
INDEX = "index"
_BESIDE = ("-wal", "-shm", "-journal")


class Swap:
    """The folder ``restore`` in a data directory. The workspace's write lock is held."""

    def __init__(self, data_folder: Path, *, server: PostgreSQL | None = None) -> None:
        self._place = data_folder
        self._server = server
        self.folder = data_folder / SWAPPING.parent
        self.new = self.folder / "new"
        self._old = self.folder / "old"
        self._mark = data_folder / SWAPPING
        self._settled = self.folder / "settled"

    @property
    def under_way(self) -> bool:
        """Whether a restore was killed while it moved files, or before they were proven."""
        return self._mark.exists() or self._settled.exists()

    def begin(self) -> None:
        """Clear away what a killed restore had made ready, and begin anew."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.new.mkdir(mode=0o700, parents=True)
        self.folder.chmod(0o700)

    def abandon(self) -> None:
        """Clear away what was made ready; the old files are in their places."""
        if not self.under_way:
            shutil.rmtree(self.folder, ignore_errors=True)

    def commit(self, told: dict[str, Any]) -> None:
        """Set the mark, with what the end of the restore has to tell, and move the files."""
        ready = self.folder / "ready"
        with new_file(ready) as file:
            file.write(json.dumps(told).encode())
            file.flush()
            os.fsync(file.fileno())
        _sync_tree(self.new)
        reach("restore.before_swap")
        ready.rename(self._mark)
        sync_folder(self.folder)
        self.go_on()

    def go_on(self) -> dict[str, Any]:
        """Move what is not moved yet; return what was to be told.

        A file that is still among the new ones has not been moved, and what stands in its place is old.
        """
        reach("restore.swapping")
        if self._settled.exists():
            return _told(self._settled)
        self._old.mkdir(mode=0o700, exist_ok=True)
        if self._server is not None and (self.new / RECORDS).exists():
            self._load(self._server)
        for name, beside in ((RECORDS, _BESIDE), (KEYS, _BESIDE), (INDEX, ())):
            if not (self.new / name).exists():
                continue
            for other in (*(f"{name}{end}" for end in beside), name):
                if os.path.lexists(self._place / other):
                    (self._place / other).rename(self._old / other)
            reach("restore.moved_old")
            (self.new / name).rename(self._place / name)
            sync_folder(self._place)
            sync_folder(self._old)
            reach("restore.moved_new")
        put_in_place(self.new, self._place)
        return _told(self._mark)

    def _load(self, server: PostgreSQL) -> None:
        """Keep a copy of what the server has among the old files, then load the new rows, in one transaction.

        Killed before the new file is put away, the load is done once more.
        """
        kept, part = self._old / RECORDS, self.folder / "replaced"
        if not server.exists():
            server.make()
        there = Database(server, writable=True)
        made = Database(SqliteFile(self.new / RECORDS), writable=False)
        try:
            migrations.upgrade(there)
            migrations.require_current(there)
            if not kept.exists():
                part.unlink(missing_ok=True)
                new_file(part).close()
                copy_to_file(there, part)
                part.rename(kept)
                sync_folder(self._old)
            reach("restore.moved_old")
            copy_records(made, there)
            there.checkpoint_truncate()
            reach("restore.moved_new")
        finally:
            made.close()
            there.close()
        for end in ("", *_BESIDE):
            (self.new / f"{RECORDS}{end}").unlink(missing_ok=True)
        sync_folder(self.new)

    def settle(self) -> None:
        """Let the record store be opened again; the old files stay until :meth:`forget`."""
        if self._mark.exists():
            self._mark.rename(self._settled)
            sync_folder(self.folder)

    def forget(self) -> None:
        """Delete the old files."""
        reach("restore.before_forget")
        shutil.rmtree(self.folder, ignore_errors=True)


def _told(mark: Path) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(mark.read_bytes())
    return told


def _sync_tree(folder: Path) -> None:
    """Force every file under a folder to the disk: renaming durably what is not durable would lose both."""
    for path in [folder, *folder.rglob("*")]:
        if path.is_dir():
            sync_folder(path)
        elif path.is_file():
            handle = os.open(path, os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)
