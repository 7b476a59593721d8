"""Putting a backup in the place of the record store: checked before anything is touched, and safe from a kill.

::

    restore = Restore(data_folder, source, manifest, keys, root_key=root_key)
    with restore.staged() as database: ...     # a copy, checked, under the keys of now; the workspace is as it was
    restore.commit(told)                       # the files move into place

Everything is made ready in ``restore/new`` of the data directory first: the records, brought in step with the keys that
exist, the index, and the uploaded originals that are not in their places any more. The old files stay aside until the
new ones are proven. The event log is never put back: what was recorded since the backup happened.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ragkit.audit.segments import segment_paths
from ragkit.crashpoints import reach
from ragkit.errors import BackupError, StoreError
from ragkit.lifecycle.backup_files import copy_file, hash_file, new_file, open_regular, sync_folder
from ragkit.lifecycle.backup_manifest import CONFIG, RECORDS, Manifest, damaged
from ragkit.lifecycle.backup_originals import bring_original, count_missing, named
from ragkit.lifecycle.restore_keys import KEYS, ChosenKeys
from ragkit.lifecycle.restore_swap import INDEX, Swap
from ragkit.store import migrations
from ragkit.store.database import Database
from ragkit.store.dialect_sqlite import SqliteFile
from ragkit.store.keyfile import open_key_file
from ragkit.store.originals import FOLDER

if TYPE_CHECKING:
    from ragkit.protocols import Progress
    from ragkit.store.dialect_postgresql import PostgreSQL

_SPARE = 128 * 2**20


class Restore:
    """One restore into a data directory, whose write lock is held.

    Args:
        data_folder: There already, mode 0700.
        source: The backup.
        manifest: Of the backup, checked.
        keys: The key file to use.
        server: Where the records are to be, if on one.

    Attributes:
        missing: Uploaded originals that the key file knows of, and of which neither the backup nor the data directory
            has the file; known once it is staged.
    """

    def __init__(
        self,
        data_folder: Path,
        source: Path,
        manifest: Manifest,
        keys: ChosenKeys,
        *,
        server: PostgreSQL | None = None,
    ) -> None:
        self._data = data_folder
        self._source = source
        self._manifest = manifest
        self._keys = keys
        self._swap = Swap(data_folder, server=server)
        self.missing = 0

    @contextmanager
    def staged(self, *, progress: Progress | None = None) -> Iterator[Database]:
        """Give a copy of the backup's records, open for writing with the chosen keys. On any exception nothing is left.

        Raises:
            BackupError: A file is missing, damaged or altered, or the disk has no room.
            StoreError: A newer ragkit made it.
        """
        self._require_room()
        self._swap.begin()
        try:
            self._bring(progress)
            reach("restore.after_copy")
            database = self._open()
            try:
                migrations.upgrade(database)
                migrations.require_current(database)
                yield database
                database.checkpoint_truncate()
            finally:
                database.close()
            _require_alone(self._swap.new)
        except BaseException:
            self._swap.abandon()
            raise

    def index_folder(self, collection_id: str) -> Path:
        """Return where to build the index of a collection; its generations go on counting from those of before.

        A process that reads keeps what it opened by path, so a number must not come again.
        """
        folder = self._swap.new / INDEX / collection_id
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        old = self._data / INDEX / collection_id
        names = [path.name.partition(".")[0] for path in old.iterdir()] if old.is_dir() else []
        pointer = old / "current"
        told = pointer.read_text(encoding="ascii", errors="replace").strip() if pointer.is_file() else ""
        last = max([0, *(int(name) for name in [*names, told] if name.isdigit())])
        if last:
            (folder / "current").write_text(str(last), encoding="ascii")
        return folder

    def commit(self, told: dict[str, Any]) -> None:
        """Move the files into place; ``told`` is what a resumed restore reports."""
        (self._swap.new / INDEX).mkdir(mode=0o700, exist_ok=True)
        try:
            self._swap.commit(told)
        except OSError as failed:
            raise BackupError(
                f"the restored files could not be put in place ({type(failed).__name__})",
                remedy="Look at the disk, then run the same command again; it goes on from there.",
            ) from None

    def _bring(self, progress: Progress | None) -> None:
        """Check every file of the backup, and copy the records on the way: what is checked is what is used."""
        self._place_keys()
        key_file = open_key_file(self._key_path, writable=False)
        try:
            known = named(key_file)
            self._bring_files(known, progress)
            self.missing = count_missing(known, (self._data, self._swap.new))
        finally:
            key_file.close()

    def _bring_files(self, known: set[str], progress: Progress | None) -> None:
        done = 0

        def advance(some: int) -> None:
            nonlocal done
            done += some
            reach("restore.in_copy")
            if progress is not None:
                progress("restore", done, self._manifest.size)

        for name, wanted in sorted(self._manifest.files.items()):
            path = self._source / name
            if name == RECORDS:
                with open_regular(path) as file:
                    found = copy_file(file, self._swap.new / RECORDS, advance=advance)
            elif name.startswith(f"{FOLDER}/"):
                found = bring_original(
                    path, name, wanted, place=self._data, ready=self._swap.new, known=known, advance=advance
                )
            else:
                found = hash_file(path, advance=advance)
            if found != wanted:
                raise damaged()

    @property
    def _key_path(self) -> Path:
        return (self._data if self._keys.own else self._swap.new) / KEYS

    def _place_keys(self) -> None:
        if not self._keys.own:
            with new_file(self._swap.new / KEYS) as file:
                file.write(self._keys.data)
                file.flush()
                os.fsync(file.fileno())

    def _open(self) -> Database:
        key_file = open_key_file(self._key_path, writable=True)
        return Database(SqliteFile(self._swap.new / RECORDS), writable=True, key_file=key_file)

    def _require_room(self) -> None:
        records = self._manifest.files[RECORDS][0]
        originals = sum(
            size
            for name, (size, _) in self._manifest.files.items()
            if name.startswith(f"{FOLDER}/") and not os.path.lexists(self._data / name)
        )
        wanted = 3 * records + originals + _SPARE  # the records, and an index of them
        free = shutil.disk_usage(self._data).free
        if free < wanted:
            raise BackupError(
                f"the disk has {free / 2**20:,.0f} MiB free; the restore needs {wanted / 2**20:,.0f}",
                remedy="Free some space; what is there stays until the restored records are proven.",
            )


def bring_beside(folder: Path, data_folder: Path, source: Path, manifest: Manifest) -> None:
    """Give a place that has none the configuration and the event log of a backup. What is there is left as it is.

    Raises:
        BackupError: A file is damaged or altered.
    """
    _place(source / CONFIG, folder / CONFIG, manifest.files.get(CONFIG))
    events = data_folder / "events"
    if not segment_paths(events):
        events.mkdir(mode=0o700, exist_ok=True)
        for name, wanted in sorted(manifest.files.items()):
            if name.startswith("events/"):
                _place(source / name, data_folder / name, wanted)


def finish_swap(data_folder: Path, *, server: PostgreSQL | None = None) -> dict[str, Any] | None:
    """Go on with a restore that was killed while it moved files; return what it has to tell, ``None`` if none was."""
    swap = Swap(data_folder, server=server)
    return swap.go_on() if swap.under_way else None


def settle(data_folder: Path, prove: Callable[[], None]) -> None:
    """Let the restored records be opened, prove them, and only then delete the old files.

    Raises:
        StoreError: They do not open; the old files are in ``.ragkit/restore/old``.
    """
    swap = Swap(data_folder)
    swap.settle()
    reach("restore.settled")
    try:
        prove()
    except StoreError as bad:
        raise StoreError(
            f"the restored records do not open: {bad}",
            remedy="What was there before is in `.ragkit/restore/old`. Move the folder `.ragkit/restore` away, then "
            "restore another backup.",
        ) from None
    swap.forget()


def _place(source: Path, to: Path, wanted: tuple[int, str] | None) -> None:
    if wanted is None or os.path.lexists(to):
        return
    fresh = to.with_name(f"{to.name}.new")
    fresh.unlink(missing_ok=True)
    with open_regular(source) as file:
        found = copy_file(file, fresh)
    if found != wanted:
        fresh.unlink()
        raise damaged()
    fresh.rename(to)
    sync_folder(to.parent)


def _require_alone(folder: Path) -> None:
    """The records must be whole in their one file: what lies beside it is not moved with it."""
    for end in ("-wal", "-journal"):
        beside = folder / f"{RECORDS}{end}"
        if beside.exists() and beside.stat().st_size:
            raise StoreError("the restored records could not be closed", remedy="Run the command again.")
    for end in ("-wal", "-shm"):
        (folder / f"{RECORDS}{end}").unlink(missing_ok=True)
