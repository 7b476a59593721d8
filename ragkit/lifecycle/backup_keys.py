"""The one copy of the key file: made beside a backup, and made anew by every erasure, so that it undoes none.

::

    copy_keys(key_file, place, root_key=…, data_folder=…)
    refresh_key_copy(config, key_file, root_key=…)        # after keys were destroyed

The copy is one file: a line of canonical JSON under a MAC of the root key, then the database, in which every key is
wrapped as it is in the workspace. A new copy is renamed over the old one, and the old one's bytes are overwritten. Make
it anew after the root key was changed.
Copies that others make of it (snapshots, archives) bring erased keys back: there should be none.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import sqlite3
import uuid
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ragkit import crypto
from ragkit.audit.schema import canonical
from ragkit.crashpoints import reach
from ragkit.errors import BackupError, KeyMismatch
from ragkit.lifecycle.backup_files import new_file, only_one, open_regular, overwrite, sync_folder
from ragkit.lifecycle.backup_manifest import mac_of, mark_of
from ragkit.store.copies import Copies
from ragkit.store.dialect_failures import translated_errors
from ragkit.store.items import now

if TYPE_CHECKING:
    from ragkit.config import Config
    from ragkit.protocols import Recorder
    from ragkit.store.keyfile import KeyFile

FORMAT = "ragkit-keys/1"
LOCK = "keys.lock"
_HEAD_LIMIT = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyCopy:
    """A copy of the key file.

    Attributes:
        copy: Its id.
        made_at: ISO 8601.
        stale: Older copies elsewhere that could not be reached to be wiped.
        data: The database; only when it was read.
    """

    copy: str
    made_at: str
    stale: int = 0
    data: bytes = field(default=b"", repr=False)


def refresh_key_copy(config: Config, key_file: KeyFile, *, root_key: bytes) -> KeyCopy | None:
    """Replace the copy of the key file, where there is one: without it, a restore would bring destroyed keys back.

    Returns:
        The new copy; ``None`` when none is configured and none was ever made.

    Raises:
        BackupError: Its place cannot be reached. Say so in the receipt: what was erased is still in the old copy.
    """
    place = config.resolve(config.backup.keys) if config.backup.keys is not None else None
    if place is None:
        made = Copies(key_file, root_key).living("keys")
        if not made:
            return None
        place = made[-1].place
        if place is None:
            raise BackupError(
                "there is a copy of the key file, and its place is not known any more",
                remedy="Delete it by hand, and make another with `ragkit backup --keys`.",
            )
    return copy_keys(key_file, place, root_key=root_key, data_folder=config.data_folder)


def renew_key_copy(config: Config, key_file: KeyFile, root_key: bytes, recorder: Recorder) -> tuple[str, str]:
    """Do :func:`refresh_key_copy` and record it; return the new copy's id, and what is wrong if none could be made."""
    try:
        made = refresh_key_copy(config, key_file, root_key=root_key)
    except BackupError as bad:
        return "", f"{bad}. {bad.remedy}"
    if made is None:
        return "", ""
    recorder.record("backup.made", data={"kind": "keys", "copy": made.copy, "made": made.made_at})
    return made.copy, ""


def copy_keys(key_file: KeyFile, place: Path, *, root_key: bytes, data_folder: Path) -> KeyCopy:
    """Make the copy of the key file, in place of the one before.

    Safe beside a writer: the copy is one snapshot, and of two that are made at once the later has the later keys.

    Raises:
        BackupError: The place is in the data directory, cannot be written, or holds something else.
    """
    if place.resolve().is_relative_to(data_folder.resolve()):
        raise BackupError(
            "the copy of the key file would lie in the data directory, and be lost with it",
            remedy="Name a place on another device as `keys` under [backup].",
        )
    copies = Copies(key_file, root_key)
    with only_one(data_folder / LOCK):
        _require_ours(place)
        before = copies.living("keys")
        made = KeyCopy(copy=uuid.uuid4().hex, made_at=now())
        copies.add(made.copy, "keys", place=place.absolute(), made_at=made.made_at)
        reach("backup.before_keys")
        data = _snapshot(key_file.path)
        try:
            _replace(place, _head(made, data, root_key) + data)
        except OSError as failed:
            copies.gone(made.copy)
            raise BackupError(
                f"the copy of the key file cannot be written ({type(failed).__name__})",
                remedy="Make its folder writable and reachable, then run the command again.",
            ) from None
        reach("backup.after_keys")
        stale = 0
        for old in before:
            if old.place == place.absolute() or _wiped(old.place, old.copy):
                copies.gone(old.copy)
            else:
                stale += 1
    return KeyCopy(copy=made.copy, made_at=made.made_at, stale=stale)


def read_key_copy(place: Path, root_key: bytes) -> KeyCopy:
    """Read and check a copy of the key file.

    Raises:
        BackupError: It is not there, no copy of a key file, or altered.
        KeyMismatch: It was made with another root key.
    """
    with open_regular(place) as file:
        line, data = file.readline(_HEAD_LIMIT), file.read()
    try:
        head: dict[str, Any] = json.loads(line)
        mac, mark = str(head.pop("mac")), str(head["mark"])
    except (ValueError, KeyError, TypeError, AttributeError):
        raise _not_ours() from None
    secret = crypto.derive(root_key, "key copy")
    if not hmac.compare_digest(mark.encode(), mark_of(secret).encode()):
        raise KeyMismatch(
            "the copy of the key file was made with another root key, or is altered",
            remedy="Point [keys] at the root key of the workspace it was made from.",
        )
    whole = hmac.compare_digest(mac.encode(), mac_of(secret, head).encode())
    if not whole or head.get("format") != FORMAT or head.get("sha256") != hashlib.sha256(data).hexdigest():
        raise BackupError("the copy of the key file is damaged or was altered", remedy="Use the one that is kept.")
    return KeyCopy(copy=str(head["copy"]), made_at=str(head["made_at"]), data=data)


def _head(made: KeyCopy, data: bytes, root_key: bytes) -> bytes:
    secret = crypto.derive(root_key, "key copy")
    body = {
        "format": FORMAT,
        "copy": made.copy,
        "made_at": made.made_at,
        "sha256": hashlib.sha256(data).hexdigest(),
        "mark": mark_of(secret),
    }
    return canonical({**body, "mac": mac_of(secret, body)}) + b"\n"


def _snapshot(path: Path) -> bytes:
    """Return the key file as it is committed now, whole."""
    with translated_errors():
        source = sqlite3.connect(path, timeout=10, isolation_level=None)
        target = sqlite3.connect(":memory:")
        try:
            source.execute("PRAGMA query_only = ON")
            source.backup(target)
            return target.serialize()
        finally:
            source.close()
            target.close()


def _replace(place: Path, content: bytes) -> None:
    fresh = place.with_name(f"{place.name}.new")
    fresh.unlink(missing_ok=True)  # of a copy that was killed
    with new_file(fresh) as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    old = -1
    with suppress(FileNotFoundError):
        old = os.open(place, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fresh.replace(place)
        sync_folder(place.parent)
        if old >= 0:
            overwrite(old)
    finally:
        if old >= 0:
            os.close(old)


def _require_ours(place: Path) -> None:
    """Refuse to write over something that is no copy of a key file."""
    if not place.parent.is_dir():
        raise BackupError(
            "the folder for the copy of the key file is not there", remedy="Mount it, or name another place."
        )
    if os.path.lexists(place) and _copy_at(place) is None:
        raise _not_ours()


def _copy_at(place: Path) -> str | None:
    """Return the id in the head of a copy, unchecked; ``None`` when there is none."""
    with suppress(OSError, ValueError, KeyError, TypeError, AttributeError, BackupError), open_regular(place) as file:
        head = json.loads(file.readline(_HEAD_LIMIT))
        return str(head["copy"]) if str(head["format"]).startswith("ragkit-keys/") else None
    return None


def _wiped(place: Path | None, copy: str) -> bool:
    """Overwrite and delete an older copy at another place; say whether it is known to be gone."""
    if place is None or _copy_at(place) != copy:  # not there may mean not mounted
        return False
    with suppress(OSError):
        handle = os.open(place, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            overwrite(handle)
        finally:
            os.close(handle)
        place.unlink()
        return True
    return False


def _not_ours() -> BackupError:
    return BackupError(
        "what is there is no copy of a key file", remedy="Name another place, or move away what is there."
    )
