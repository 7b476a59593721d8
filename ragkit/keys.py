"""The keys of an open workspace: shown by what may be told of them, changed, and put into escrow.

::

    workspace.keys.rotate()                       # a new root key; nothing is indexed, embedded or masked again
    workspace.keys.escrow_in_shares(folder, 2, 3)

Without the workspace, :mod:`ragkit.recovery` brings the root key back.
"""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ragkit import escrow
from ragkit.crashpoints import reach
from ragkit.crypto import root_mark
from ragkit.errors import BackupError, ConfigError
from ragkit.handles import Handles
from ragkit.keyfiles import install_key_file, next_key_path, write_private
from ragkit.keystate import KeyState, key_state
from ragkit.roles import require
from ragkit.rootkey import create_key_file, key_path, load_root_key, read_key_file
from ragkit.types import Principal

if TYPE_CHECKING:
    from ragkit.store.database import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotation:
    """What a change of keys did.

    Attributes:
        scope: ``root`` or ``wrapping``.
        generation: Of the key that is new; of several wrapping keys the highest.
        finished: False while the key source must still be changed.
        record_keys: How many were wrapped again.
        seconds: Wall time.
        copy_problem: Why the copy of the key file, where there is one, could not be made anew; empty when all is well.
            The old copy opens with the old keys.
    """

    scope: str
    generation: int
    finished: bool
    record_keys: int
    seconds: float
    copy_problem: str = ""


class Keys:
    """Reached as ``workspace.keys``. For operators: every method takes ``principal``, who asks, by default the owner.

    Raises:
        AccessDenied: From every method: no operator.
    """

    def __init__(self, handles: Handles) -> None:
        self._handles = handles
        self._config = handles.config

    def show(self, *, principal: Principal | None = None) -> KeyState:
        """Tell of the keys what may be told. Takes no lock."""
        self._operator("show", principal)
        return key_state(self._handles)

    def rotate(
        self,
        *,
        new_key: bytes | None = None,
        keep_old: Path | None = None,
        principal: Principal | None = None,
    ) -> Rotation:
        """Change the root key.

        With a key file, the whole change: the new key is made (or given), admitted, put in the file's place, and the
        old one retired. Killed at any point, one of the two files opens the workspace; run again, it goes on. With a
        variable or command, ``new_key`` is admitted beside the old one, and :meth:`finish` retires the old one when
        the source gives the new.

        Args:
            new_key: 32 bytes; needed unless the source is a file.
            keep_old: Where the old key file goes on to be, for copies of ``records.keys.db`` made before.
            principal: Who asks.

        Raises:
            ConfigError: A source that is not a file, and no new key.
            WriterBusy: Another process is writing.
        """
        from ragkit.store.rotation import admit, admitted

        asking = self._operator("rotate", principal)
        began, old = time.monotonic(), self._handles.root_key
        in_file = self._config.keys.source == "file"
        if not in_file and new_key is None:
            raise ConfigError(
                f"the root key comes from a {_SOURCES[self._config.keys.source]}, which ragkit cannot change",
                remedy="Give the new key with `--new-key-env` or `--new-key-file`; "
                "`openssl rand -base64 32` makes one.",
            )
        with self._handles.writing("key rotate") as database:
            waiting = next_key_path(key_path(self._config)) if in_file else None
            if waiting is not None and not waiting.exists() and len(admitted(database)) > 1:
                return self._finish(database, began, asking)  # killed after the file was exchanged
            if waiting is not None:
                if not waiting.exists():
                    create_key_file(waiting, new_key)
                new_key = read_key_file(waiting)
            assert new_key is not None
            generation = admit(database, old, new_key)
            about = {"scope": "root", "generation": generation, "finished": False}
            self._handles.recorder.record("key.rotated", actor=asking, data=about)
            if waiting is None:
                return Rotation(
                    scope="root", generation=generation, finished=False, record_keys=0, seconds=time.monotonic() - began
                )
            install_key_file(key_path(self._config), keep_old=keep_old)
            reach("keys.after_swap")
            self._handles.use_root_key(new_key)
            return self._finish(database, began, asking)

    def finish(self, *, principal: Principal | None = None) -> Rotation:
        """Retire every root key but the one that the source gives now, which is read again.

        Raises:
            KeyMismatch: The source still gives the old one.
        """
        from ragkit.store.rotation import admitted

        began, asking = time.monotonic(), self._operator("rotate", principal)
        with self._handles.writing("key rotate") as database:
            given = load_root_key(self._config)
            if given != self._handles.root_key and root_mark(given) in {mark for mark, _, _ in admitted(database)}:
                self._handles.use_root_key(given)
            return self._finish(database, began, asking)

    def rotate_wrapping(self, *, collection: str | None = None, principal: Principal | None = None) -> Rotation:
        """Give a collection, or all, a new wrapping key, and wrap their record keys by it; ``records.db`` is untouched.

        Raises:
            WriterBusy: Another process is writing.
        """
        from ragkit.store.catalog import list_collections
        from ragkit.store.rotation import rewrap, wrapping_generation
        from ragkit.store.workspacekeys import WorkspaceKeys

        asking = self._operator("rotate", principal)
        began, count, generation = time.monotonic(), 0, 0
        names = [self._handles.name(collection)] if collection else list(self._config.collections)
        with self._handles.writing("key rotate") as database:
            for name in [name for name in names if name in list_collections(database)]:
                part = self._handles.collection(name, database)
                keys = WorkspaceKeys(database.key_file, self._handles.root_key)
                count += rewrap(database, keys, part.collection.id)
                generation = max(generation, wrapping_generation(database, part.collection.id))
            return self._rotated(database, "wrapping", generation, began, asking, record_keys=count)

    def escrow_to_passphrase(self, path: Path, passphrase: str, *, principal: Principal | None = None) -> None:
        """Write the root key, sealed under a passphrase, to a new file of mode 0600.

        Raises:
            ConfigError: The file is there already, or the passphrase is too short.
        """
        asking = self._operator("escrow", principal)
        self._escrow({path: escrow.for_passphrase(self._handles.root_key, passphrase)}, "passphrase", asking)

    def escrow_to_officer(self, path: Path, public_pem: bytes, *, principal: Principal | None = None) -> None:
        """Write the root key, sealed for the holder of a private key. Raises as :meth:`escrow_to_passphrase`."""
        asking = self._operator("escrow", principal)
        self._escrow({path: escrow.for_officer(self._handles.root_key, public_pem)}, "public-key", asking)

    def escrow_in_shares(
        self, folder: Path, threshold: int, count: int, *, principal: Principal | None = None
    ) -> list[Path]:
        """Write the root key in shares, a file each, to a folder. Raises as :meth:`escrow_to_passphrase`."""
        asking = self._operator("escrow", principal)
        shares = escrow.in_shares(self._handles.root_key, threshold, count)
        files = {folder / f"share-{number}-of-{count}.json": one for number, one in enumerate(shares, 1)}
        self._escrow(files, "shares", asking)
        return list(files)

    def _operator(self, verb: str, principal: Principal | None) -> Principal:
        return require(self._handles, "operator", verb=f"keys.{verb}", principal=principal)

    def _escrow(self, files: dict[Path, str], kind: str, asking: Principal) -> None:
        from ragkit.store.rotation import note_escrow

        inside = self._config.data_folder.resolve()
        if any(path.resolve().is_relative_to(inside) for path in files):
            raise ConfigError("an escrow in the data directory lies beside what it opens", remedy="Write it elsewhere.")
        with self._handles.writing("key escrow") as database:
            about = {"kind": kind, "files": len(files)}
            self._handles.recorder.record("key.escrowed", actor=asking, data=about)
            for path, text in files.items():
                write_private(path, text)
            note_escrow(database, uuid.uuid4().hex, kind)

    def _finish(self, database: Database, began: float, asking: Principal) -> Rotation:
        from ragkit.store.rotation import admitted, retire_others

        retire_others(database, self._handles.root_key)
        generation = max((generation for _, generation, _ in admitted(database)), default=0)
        return self._rotated(database, "root", generation, began, asking)

    def _rotated(
        self, database: Database, scope: str, generation: int, began: float, asking: Principal, *, record_keys: int = 0
    ) -> Rotation:
        problem = self._renew_copy(database)
        seconds = time.monotonic() - began
        data = {"scope": scope, "generation": generation, "keys": record_keys, "finished": True}
        self._handles.recorder.record("key.rotated", actor=asking, data={**data, "ms": int(1000 * seconds)})
        return Rotation(
            scope=scope,
            generation=generation,
            finished=True,
            record_keys=record_keys,
            seconds=seconds,
            copy_problem=problem,
        )

    def _renew_copy(self, database: Database) -> str:
        """Make the copy of the key file anew, where there is one; return what is wrong with that."""
        from ragkit.lifecycle.backup_keys import refresh_key_copy

        try:
            made = refresh_key_copy(self._config, database.key_file, root_key=self._handles.root_key)
        except BackupError as bad:
            return f"{bad}. {bad.remedy}"
        if made is not None:
            data = {"kind": "keys", "copy": made.copy, "made": made.made_at}
            self._handles.recorder.record("backup.made", data=data)
        return ""


_SOURCES = {"env": "variable", "command": "command"}
