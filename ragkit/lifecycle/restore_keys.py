"""Which key file a restored record store is read with: never one that would bring erased keys back.

The list of copies in a key file tells what it has lived through: one that knows of a copy was there when that was made.
So the workspace's own key file is taken if it knows of the backup and of the key copy offered; else the key copy is, if
it knows of the backup. The workspace's event log, where there is one, tells of newer key copies and of what was
destroyed after this one.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ragkit.audit.reading import read_events
from ragkit.errors import BackupError, StoreError
from ragkit.store.dialect_failures import translated_errors
from ragkit.store.keyfile import KEY_FILE_VERSION, KeyFile, open_key_file

if TYPE_CHECKING:
    from ragkit.lifecycle.backup_keys import KeyCopy
    from ragkit.lifecycle.backup_manifest import Manifest

KEYS = "records.keys.db"
_DESTROYING = frozenset({"key.destroyed", "erasure.step", "erasure.verified", "erasure.receipt", "retention.purged"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ChosenKeys:
    """The key file to use.

    Attributes:
        own: It is the workspace's own, in its place; else ``data`` is that of the copy.
        unsafe: It may be older than what was erased, and the caller accepts that.
    """

    own: bool
    unsafe: bool = False
    data: bytes = field(default=b"", repr=False)


def choose_keys(
    data_folder: Path, manifest: Manifest, copy: KeyCopy | None, *, unsafe_old_keys: bool = False
) -> ChosenKeys:
    """Choose between the workspace's own key file and a copy of one.

    Raises:
        BackupError: There is neither, or only one that is too old, and ``unsafe_old_keys`` is not given.
    """
    own = _known_copies(data_folder / KEYS)
    offered = _copies_in(copy.data) if copy is not None else None
    if own is not None and manifest.copy in own and (copy is None or copy.copy in own):
        return ChosenKeys(own=True)
    if copy is not None and offered is not None:
        problem = _problem(data_folder, manifest, copy, offered)
        if not problem or unsafe_old_keys:
            return ChosenKeys(own=False, unsafe=bool(problem), data=copy.data)
        raise BackupError(
            f"the copy of the key file is too old: {problem}",
            remedy="Give the newest copy with `--keys`. With `--unsafe-old-keys`, what was erased since may come back.",
        )
    if own is not None and unsafe_old_keys:
        return ChosenKeys(own=True, unsafe=True)
    if own is not None:
        raise BackupError(
            "the key file here is older than the backup, or of another workspace",
            remedy="Give the copy of the right one with `--keys`.",
        )
    raise BackupError(
        "there is no key file here, and without one the backup cannot be read",
        remedy="Give the copy of the key file with `--keys`; `keys` under [backup] says where it is kept.",
    )


def _problem(data_folder: Path, manifest: Manifest, copy: KeyCopy, offered: frozenset[str]) -> str:
    """Say in what a key copy is too old; empty when it is not."""
    if manifest.copy not in offered:
        return "it was made before the backup"
    newest, destroyed = "", ""
    for event in read_events(data_folder / "events"):
        kind, data = event.get("type"), event.get("data", {})
        if kind == "backup.made" and data.get("kind") == "keys":
            newest = str(data.get("copy"))
            destroyed = ""
        elif (kind in _DESTROYING and not data.get("dry_run")) or _takes_back(kind, data):
            destroyed = str(event.get("ts", ""))
    if newest and newest not in offered:
        return "a newer one was made"
    if destroyed and destroyed[:19] > copy.made_at[:19]:
        return "something was erased since"
    return ""


def _takes_back(kind: object, data: Mapping[str, Any]) -> bool:
    """Say whether an uploaded original was destroyed for good: its rows in an older key file would bring it back."""
    return kind == "upload.destroyed" and data.get("cause") in {"deleted", "erasure", "retention"}


def _known_copies(path: Path) -> frozenset[str] | None:
    """Return the copies that a key file knows of; ``None`` when it is not there or damaged."""
    if not path.exists():
        return None
    with suppress(StoreError):
        key_file = open_key_file(path, writable=False)
        try:
            if all(row[0] == "ok" for row in key_file.look("PRAGMA integrity_check(1)")):
                return frozenset(row[0] for row in key_file.look("SELECT copy FROM copies"))
        finally:
            key_file.close()
    return None


class KeyCopyFile(KeyFile):
    """A copy of a key file, read from memory."""

    def __init__(self, data: bytes) -> None:
        super().__init__(Path(os.devnull), writable=False)
        with translated_errors():
            self._memory = sqlite3.connect(":memory:", check_same_thread=False)
            self._memory.deserialize(data)

    def look(self, query: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Return the rows of a query."""
        with translated_errors():
            return self._memory.execute(query, parameters).fetchall()

    def mark(self) -> int:
        """It never changes."""
        return 1

    def close(self) -> None:
        """Let go of it."""
        self._memory.close()
        super().close()


def _copies_in(data: bytes) -> frozenset[str]:
    with translated_errors(), closing(sqlite3.connect(":memory:")) as connection:
        connection.deserialize(data)
        found = connection.execute("PRAGMA user_version").fetchone()[0]
        if found > KEY_FILE_VERSION:
            raise BackupError("the copy of the key file was made by a newer ragkit", remedy="Update ragkit.")
        return frozenset(row[0] for row in connection.execute("SELECT copy FROM copies"))
