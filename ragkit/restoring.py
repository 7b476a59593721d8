"""Bring a backup back into a workspace folder, or make a workspace of it elsewhere."""

from __future__ import annotations

import time
import tomllib
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ragkit.config import FILE_NAME, Config, find_workspace, load_config, parse_config
from ragkit.errors import BackupError, ConfigError, KeyMismatch, ManifestMismatch, StoreError
from ragkit.handles import Handles, make_private
from ragkit.lifecycle.restore_reconcile import RestoreReport as RestoreReport
from ragkit.protocols import Progress
from ragkit.rootkey import load_root_key
from ragkit.store.place import RECORDS, record_server

if TYPE_CHECKING:
    from ragkit.build import OpenCollection
    from ragkit.lifecycle.backup_keys import KeyCopy
    from ragkit.lifecycle.backup_manifest import Manifest
    from ragkit.lifecycle.replay import Replayed
    from ragkit.lifecycle.restore import Restore
    from ragkit.store.database import Database

_COUNTS = ("documents", "dropped", "values", "redacted")


def restore_workspace(
    source: str | PathLike[str],
    *,
    to: str | PathLike[str] | None = None,
    keys: str | PathLike[str] | None = None,
    unsafe_old_keys: bool = False,
    progress: Progress | None = None,
) -> RestoreReport:
    """Put a backup in the place of a workspace's records. What was recorded in the event log since stays.

    Everything is checked first: root key, manifest, every file, the key file. Until the restored records are proven,
    the old ones are kept aside. Killed, it is started again and goes on.

    Args:
        source: The backup.
        to: Workspace folder; made if absent. Without a ``ragkit.toml`` it gets the backup's. Default: the workspace
            here or above.
        keys: The copy of the key file; default: ``keys`` under ``[backup]``, where that is there.
        unsafe_old_keys: Also take keys from which something was erased since.
        progress: Called with ``"restore"`` and bytes, then ``"index"``.

    Raises:
        SecretUnavailable: The root key is not there.
        KeyMismatch: It is another one, or the backup is another workspace's.
        BackupError: The backup is damaged or altered, the keys are too old, or there is no room.
        WriterBusy: Another process is writing.
    """
    began = time.perf_counter()
    backup = Path(source).expanduser().absolute()
    folder = Path(to).expanduser().absolute() if to is not None else find_workspace()
    config = _config(backup, folder)
    run = _Run(config, load_root_key(config), backup, progress)
    report = run.resumed() or run.restore(Path(keys).expanduser() if keys else None, unsafe_old_keys=unsafe_old_keys)
    return RestoreReport(**{**report, "elapsed": time.perf_counter() - began})


class _Run:
    """One restore."""

    def __init__(self, config: Config, root_key: bytes, backup: Path, progress: Progress | None) -> None:
        self._config = config
        self._root_key = root_key
        self._backup = backup
        self._progress = progress
        self._server = record_server(config)

    def resumed(self) -> dict[str, Any] | None:
        """Finish a restore that was killed while it moved files."""
        from ragkit.lifecycle.restore import finish_swap
        from ragkit.store.lock import WriterLock

        data = self._config.data_folder
        if not data.is_dir():
            return None
        with WriterLock(data / "lock", command="restore", server=self._server):
            told = finish_swap(data, server=self._server)
            return None if told is None else self._settled({**told, "resumed": True})

    def restore(self, keys: Path | None, *, unsafe_old_keys: bool) -> dict[str, Any]:
        """Check everything, make it ready aside, and put it in place."""
        from ragkit.lifecycle.restore import Restore, bring_beside
        from ragkit.lifecycle.restore_keys import choose_keys
        from ragkit.store.lock import WriterLock

        config = self._config
        copy = self._key_copy(keys)
        manifest = self._manifest(copy)
        chosen = choose_keys(config.data_folder, manifest, copy, unsafe_old_keys=unsafe_old_keys)
        config.folder.mkdir(parents=True, exist_ok=True)
        make_private(config.data_folder)
        with WriterLock(config.data_folder / "lock", command="restore", server=self._server):
            restore = Restore(config.data_folder, self._backup, manifest, chosen, server=self._server)
            told: dict[str, Any] = {"copy": manifest.copy, "made_at": manifest.made_at, "unsafe_keys": chosen.unsafe}
            with restore.staged(progress=self._progress) as database:
                bring_beside(config.folder, config.data_folder, self._backup, manifest)
                told |= self._brought_up(database, restore)
            told["originals_missing"] = restore.missing
            restore.commit(told)
            return self._settled(told)

    def _key_copy(self, keys: Path | None) -> KeyCopy | None:
        from ragkit.lifecycle.backup_keys import read_key_copy

        if keys is None and self._config.backup.keys is not None:
            kept = self._config.resolve(self._config.backup.keys)
            keys = kept if kept.exists() else None
        return read_key_copy(keys, self._root_key) if keys is not None else None

    def _manifest(self, copy: KeyCopy | None) -> Manifest:
        """Read the manifest with the secret of the key file here, or of the key copy."""
        from ragkit.lifecycle.backup import SECRET
        from ragkit.lifecycle.backup_manifest import read_manifest
        from ragkit.lifecycle.restore_keys import KeyCopyFile
        from ragkit.store.keyfile import open_key_file
        from ragkit.store.workspacekeys import WorkspaceKeys

        key_files = [open_key_file(self._config.data_folder / "records.keys.db", writable=False)]
        if copy is not None:
            key_files.insert(0, KeyCopyFile(copy.data))
        refused: KeyMismatch | None = None
        for key_file in key_files:
            try:
                return read_manifest(self._backup, WorkspaceKeys(key_file, self._root_key).derived(SECRET))
            except KeyMismatch as bad:
                refused = refused or bad
            except StoreError:  # a damaged key file
                continue
            finally:
                key_file.close()
        raise refused or BackupError("the key file here is damaged", remedy="Give its copy with `--keys`.")

    def _brought_up(self, database: Database, restore: Restore) -> dict[str, Any]:
        """Bring the copy in step with the keys of now, and build its index; it is not in place yet."""
        from ragkit.lifecycle.restore_reconcile import carry_fates, drop_unreadable
        from ragkit.store.catalog import list_collections, open_collection
        from ragkit.store.dialect_sqlite import SqliteFile
        from ragkit.store.records import RecordStore, check

        counts = dict.fromkeys(_COUNTS, 0)
        waiting: list[str] = []
        handles = Handles(self._config, root_key=self._root_key)
        for name in list_collections(database):
            store = RecordStore(database, open_collection(database, self._root_key, name))
            done = drop_unreadable(store)
            counts["dropped"] += done.dropped
            counts["values"] += done.values
            if name in self._config.collections:
                part = handles.collection(name, database)
                again = self._replayed(part)
                counts["dropped"] += again.removed
                counts["values"] += again.values
                counts["redacted"] += again.redacted
                if not self._built(part, restore):
                    waiting.append(name)
            counts["documents"] += store.inventory().documents
        carry_fates(self._server or SqliteFile(self._config.data_folder / RECORDS), database)
        check(database)
        return {**counts, "waiting": waiting}

    def _replayed(self, part: OpenCollection) -> Replayed:
        """Erase from what came back whom the workspace erased since."""
        from ragkit.lifecycle.replay import Replayed, replay

        rulings = part.masker.rulings
        if rulings is None:
            return Replayed()
        return replay(
            part.store, part.masker.vault, rulings, part.embedder, recorder=part.recorder, progress=self._progress
        )

    def _built(self, part: OpenCollection, restore: Restore) -> bool:
        """Build the index of a collection aside; say whether it could be."""
        from ragkit.index.collection import CollectionIndex

        source = part.store.index_source(encoder=part.embedder.fingerprint, in_force=True)
        index = CollectionIndex(restore.index_folder(part.collection.id), source, part.fingerprints)
        try:
            if self._progress is not None:
                self._progress("index", 0, None)
            index.generations.fold()
        except ManifestMismatch:
            return False
        finally:
            index.close()
        return True

    def _settled(self, told: Mapping[str, Any]) -> dict[str, Any]:
        """Prove what is in place, record it, and let the old files go."""
        from ragkit.lifecycle.restore import settle

        report = {**told, "waiting": tuple(told["waiting"])}
        settle(self._config.data_folder, lambda: self._prove(report))
        return report

    def _prove(self, report: Mapping[str, Any]) -> None:
        handles = Handles(self._config, root_key=self._root_key)
        try:
            held = sum(part.store.inventory().documents for part in handles.known().values())
            handles.recorder.record(
                "backup.restored",
                data={
                    "kind": "records",
                    "copy": report["copy"],
                    "made": report["made_at"],
                    **{name: report[name] for name in _COUNTS},
                    "documents": held,
                    "originals_missing": report.get("originals_missing", 0),
                    "resumed": bool(report.get("resumed")),
                    "unsafe_keys": report["unsafe_keys"],
                    "indexed": not report["waiting"],
                },
            )
        finally:
            handles.close()


def _config(backup: Path, folder: Path) -> Config:
    """The configuration of the folder, or else the backup's, as if it were there."""
    if (folder / FILE_NAME).is_file():
        return load_config(folder)
    try:
        data = tomllib.loads((backup / FILE_NAME).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise BackupError(
            "there is no backup here, or its ragkit.toml is damaged", remedy="Name the folder that `backup` made."
        ) from None
    config = parse_config(data, folder=folder)
    if config.keys.source == "command":  # not checked yet, and it cannot be without the key
        raise ConfigError(
            "the backup's ragkit.toml takes the root key from a command, which is not run unchecked",
            remedy=f"Put your {FILE_NAME} into the folder first, then run the command again.",
        )
    return config
