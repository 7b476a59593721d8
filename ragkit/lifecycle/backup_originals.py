"""Uploaded originals in a backup: copied as they lie, encrypted, and brought back where their keys still exist.

An original never changes: it is there from the moment it has a row in the key file, which is written after its last
byte is durable, until row and key are destroyed together. So the rows say what to copy, and an upload under way, which
has none, is left out. At a restore, the rows of the key file that is used say what to bring: one whose key was
destroyed since has none, and stays away. What was handed in since the backup stays where it is.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from ragkit.crashpoints import reach
from ragkit.errors import BackupError
from ragkit.lifecycle.backup_files import copy_file, hash_file, open_regular, sync_folder
from ragkit.store.originals import FOLDER
from ragkit.store.uploads import every_file

if TYPE_CHECKING:
    from ragkit.protocols import Progress
    from ragkit.store.keyfile import KeyFile


def named(key_file: KeyFile) -> set[str]:
    """Return the originals that have a row, and so a key: their paths in the data directory and in a backup."""
    return {f"{FOLDER}/{collection}/{file}" for collection, file in every_file(key_file)}


def size_of_originals(key_file: KeyFile, data_folder: Path) -> int:
    """Return how many bytes the originals have that are there now."""
    size = 0
    for name in named(key_file):
        with suppress(FileNotFoundError):
            size += (data_folder / name).lstat().st_size
    return size


def copy_originals(
    key_file: KeyFile, data_folder: Path, to: Path, *, progress: Progress | None = None
) -> dict[str, tuple[int, str]]:
    """Copy the originals that are there; call it after the records were copied, so that none of theirs is missed.

    One that is destroyed meanwhile is left out, or is a file that nothing opens any more.

    Args:
        key_file: Of the workspace.
        data_folder: Of the workspace.
        to: The backup that is being made.
        progress: Called with ``"originals"``, how many are copied, and how many there are.

    Returns:
        Size and SHA-256 of each, by its path in the backup.

    Raises:
        BackupError: An original cannot be read.
        OSError: The disk of the backup refuses.
    """
    files: dict[str, tuple[int, str]] = {}
    wanted = sorted(named(key_file))
    folders: set[Path] = set()
    for number, name in enumerate(wanted, start=1):
        try:
            source = open_regular(data_folder / name)
        except BackupError:
            if os.path.lexists(data_folder / name):
                raise
            continue  # destroyed since the rows were read, or lost: a restore tells
        with source:
            for folder in ((to / name).parent.parent, (to / name).parent):
                folder.mkdir(mode=0o700, exist_ok=True)
                folders.add(folder)
            files[name] = copy_file(source, to / name)
        reach("backup.in_originals")
        if progress is not None:
            progress("originals", number, len(wanted))
    for folder in folders:
        sync_folder(folder)
    return files


def bring_original(
    path: Path,
    name: str,
    wanted: tuple[int, str],
    *,
    place: Path,
    ready: Path,
    known: Collection[str],
    advance: Callable[[int], None],
) -> tuple[int, str]:
    """Check an original of a backup, and make it ready unless it has no key any more or lies whole in its place.

    Args:
        path: The file in the backup.
        name: Its name in the manifest.
        wanted: Size and SHA-256.
        place: The data directory.
        ready: Where it is made ready.
        known: The originals that have a key in the key file that will be used.
        advance: Called with the bytes read of the backup.

    Returns:
        Size and SHA-256 that were found in the backup.

    Raises:
        BackupError: It is not there, or no regular file.
    """
    if name not in known or _whole(place / name, wanted):
        return hash_file(path, advance=advance)
    (ready / name).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with open_regular(path) as file:
        return copy_file(file, ready / name, advance=advance)


def count_missing(known: Collection[str], places: Sequence[Path]) -> int:
    """Count the originals that have a row, and whose file is in none of these places.

    They were handed in between the backup and the copy of the key file, or the backup is of before backups had any.
    """
    return sum(1 for name in known if not any(os.path.lexists(place / name) for place in places))


def put_in_place(ready: Path, place: Path) -> None:
    """Move what :func:`bring_original` made ready into the data directory. Can be killed, and called again."""
    for folder in sorted((ready / FOLDER).iterdir()) if (ready / FOLDER).is_dir() else []:
        there = place / FOLDER / folder.name
        there.parent.mkdir(mode=0o700, exist_ok=True)
        there.mkdir(mode=0o700, exist_ok=True)
        for path in sorted(folder.iterdir()):
            path.replace(there / path.name)
            reach("restore.moved_original")
        for changed in (there, there.parent, place):
            sync_folder(changed)


def _whole(path: Path, wanted: tuple[int, str]) -> bool:
    """Say whether an original lies in its place as it was backed up."""
    with suppress(BackupError, OSError):
        return path.lstat().st_size == wanted[0] and hash_file(path) == wanted
    return False
