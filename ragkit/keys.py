"""The keys of an open workspace: shown by what may be told of them, changed, and put into escrow.

::

    workspace.keys.rotate()                       # a new root key; nothing is indexed, embedded or masked again
    workspace.keys.escrow_in_shares(folder, 2, 3)

Without the workspace, :mod:`ragkit.recovery` brings the root key back.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ragkit import crypto, escrow
from ragkit.crashpoints import reach
from ragkit.errors import ConfigError
from ragkit.handles import Handles
from ragkit.keyfiles import install_key_file, next_key_path, write_private
from ragkit.rootkey import create_key_file, key_path, read_key_file

if TYPE_CHECKING:
    from ragkit.store.database import Database
    from ragkit.store.keysweep import KeyCounts


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectionKeyState:
    """Of one collection: which wrapping key it has, and its record keys by what they open."""

    generation: int
    counts: KeyCounts


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyState:
    """What may be told of a workspace's keys.

    Attributes:
        source: ``file``, ``env`` or ``command``.
        mark: Check value of the root key; it opens nothing.
        generation: Of the root key, from 1; 0 before the first sync.
        root_keys: How many root keys open the workspace: 2 while one is being changed.
        made_at: Since when the root key of now opens it, ISO 8601; empty before the first sync.
        public_key: Verifies receipts (Ed25519), hexadecimal.
        escrows: Kind and date of the escrows that were made, the oldest first.
        collections: By name.
    """

    source: str
    mark: str
    generation: int
    root_keys: int
    made_at: str
    public_key: str
    escrows: tuple[tuple[str, str], ...]
    collections: dict[str, CollectionKeyState]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotation:
    """What a change of keys did.

    Attributes:
        scope: ``root`` or ``wrapping``.
        generation: Of the key that is new; of several wrapping keys the highest.
        finished: False while the key source must still be changed.
        record_keys: How many were wrapped again.
        seconds: Wall time.
    """

    scope: str
    generation: int
    finished: bool
    record_keys: int
    seconds: float


class Keys:
    """Reached as ``workspace.keys``."""

    def __init__(self, handles: Handles) -> None:
        self._handles = handles
        self._config = handles.config

    def show(self) -> KeyState:
        """Tell of the keys what may be told. Takes no lock."""
        from ragkit.store.keysweep import count_keys
        from ragkit.store.rotation import admitted, escrows, wrapping_generation

        known = self._handles.known()
        database = next(iter(known.values())).store.database if known else None
        rows = admitted(database) if database else []
        mark = crypto.root_mark(self._handles.root_key)
        mine = next(((generation, made) for one, generation, made in rows if one == mark), (0, ""))
        return KeyState(
            source=self._config.keys.source,
            mark=mark,
            generation=mine[0],
            root_keys=max(1, len(rows)),
            made_at=mine[1],
            public_key=crypto.signing_public_key(self._handles.secret("signing")).hex(),
            escrows=tuple(escrows(database)) if database else (),
            collections={
                name: CollectionKeyState(
                    generation=wrapping_generation(part.store.database, part.collection.id),
                    counts=count_keys(part.store.database, part.collection.id),
                )
                for name, part in known.items()
            },
        )

    def rotate(self, *, new_key: bytes | None = None, keep_old: Path | None = None) -> Rotation:
        """Change the root key.

        With a key file, the whole change: the new key is made (or given), admitted, put in the file's place, and the
        old one retired. Killed at any point, one of the two files opens the workspace; run again, it goes on. With a
        variable or command, ``new_key`` is admitted beside the old one, and :meth:`finish` retires the old one when
        the source gives the new.

        Args:
            new_key: 32 bytes; needed unless the source is a file.
            keep_old: Where the old key file goes on to be, for copies of ``records.keys.db`` made before.

        Raises:
            ConfigError: A source that is not a file, and no new key.
            WriterBusy: Another process is writing.
        """
        from ragkit.store.rotation import admit, admitted, retire_others

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
                generation = self._retire(database, retire_others)  # killed after the file was exchanged
                return self._rotated("root", generation, began)
            if waiting is not None:
                if not waiting.exists():
                    create_key_file(waiting, new_key)
                new_key = read_key_file(waiting)
            assert new_key is not None
            generation = admit(database, old, new_key)
            self._handles.recorder.record(
                "key.rotated", data={"scope": "root", "generation": generation, "finished": False}
            )
            if waiting is None:
                return Rotation(
                    scope="root", generation=generation, finished=False, record_keys=0, seconds=time.monotonic() - began
                )
            install_key_file(key_path(self._config), keep_old=keep_old)
            reach("keys.after_swap")
            self._handles.use_root_key(new_key)
            self._retire(database, retire_others)
        return self._rotated("root", generation, began)

    def finish(self) -> Rotation:
        """Retire every root key but the one that the source gives now.

        Raises:
            KeyMismatch: The source still gives the old one.
        """
        from ragkit.store.rotation import retire_others

        began = time.monotonic()
        with self._handles.writing("key rotate") as database:
            generation = self._retire(database, retire_others)
        return self._rotated("root", generation, began)

    def rotate_wrapping(self, *, collection: str | None = None) -> Rotation:
        """Give a collection, or all, a new wrapping key, and wrap their record keys by it; ``records.db`` is untouched.

        Raises:
            WriterBusy: Another process is writing.
        """
        from ragkit.store.catalog import list_collections
        from ragkit.store.rotation import rewrap, wrapping_generation
        from ragkit.store.workspacekeys import WorkspaceKeys

        began, count, generation = time.monotonic(), 0, 0
        names = [self._handles.name(collection)] if collection else list(self._config.collections)
        with self._handles.writing("key rotate") as database:
            for name in [name for name in names if name in list_collections(database)]:
                part = self._handles.collection(name, database)
                keys = WorkspaceKeys(database.key_file, self._handles.root_key)
                count += rewrap(database, keys, part.collection.id)
                generation = max(generation, wrapping_generation(database, part.collection.id))
        return self._rotated("wrapping", generation, began, record_keys=count)

    def escrow_to_passphrase(self, path: Path, passphrase: str) -> None:
        """Write the root key, sealed under a passphrase, to a new file of mode 0600.

        Raises:
            ConfigError: The file is there already, or the passphrase is too short.
        """
        self._escrow({path: escrow.for_passphrase(self._handles.root_key, passphrase)}, "passphrase")

    def escrow_to_officer(self, path: Path, public_pem: bytes) -> None:
        """Write the root key, sealed for the holder of a private key. Raises as :meth:`escrow_to_passphrase`."""
        self._escrow({path: escrow.for_officer(self._handles.root_key, public_pem)}, "public-key")

    def escrow_in_shares(self, folder: Path, threshold: int, count: int) -> list[Path]:
        """Write the root key in shares, a file each, to a folder. Raises as :meth:`escrow_to_passphrase`."""
        shares = escrow.in_shares(self._handles.root_key, threshold, count)
        files = {folder / f"share-{number}-of-{count}.json": one for number, one in enumerate(shares, 1)}
        self._escrow(files, "shares")
        return list(files)

    def _escrow(self, files: dict[Path, str], kind: str) -> None:
        from ragkit.store.rotation import note_escrow

        inside = self._config.data_folder.resolve()
        if any(path.resolve().is_relative_to(inside) for path in files):
            raise ConfigError("an escrow in the data directory lies beside what it opens", remedy="Write it elsewhere.")
        with self._handles.writing("key escrow") as database:
            self._handles.recorder.record("key.escrowed", data={"kind": kind, "files": len(files)})
            for path, text in files.items():
                write_private(path, text)
            note_escrow(database, uuid.uuid4().hex, kind)

    def _retire(self, database: Database, retire: Callable[[Database, bytes], int]) -> int:
        from ragkit.store.rotation import admitted

        retire(database, self._handles.root_key)
        return max((generation for _, generation, _ in admitted(database)), default=0)

    def _rotated(self, scope: str, generation: int, began: float, *, record_keys: int = 0) -> Rotation:
        seconds = time.monotonic() - began
        data = {"scope": scope, "generation": generation, "keys": record_keys, "finished": True}
        self._handles.recorder.record("key.rotated", data={**data, "ms": int(1000 * seconds)})
        return Rotation(scope=scope, generation=generation, finished=True, record_keys=record_keys, seconds=seconds)


_SOURCES = {"env": "variable", "command": "command"}
