"""Files that keys are written to: never over another, and durable before anything relies on them."""

from __future__ import annotations

import os
from pathlib import Path

from ragkit.errors import ConfigError
from ragkit.rootkey import create_key_file, read_key_file, sync_folder


def next_key_path(path: Path) -> Path:
    """Return where the next root key waits while the one at ``path`` is being changed."""
    real = path.resolve()
    return real.with_name(f"{real.name}.next")


def install_key_file(path: Path, *, keep_old: Path | None = None) -> None:
    """Put the next key in the place of the one at ``path``; at every moment one of the two is there.

    Args:
        path: The key file; a symbolic link goes on to point where it did.
        keep_old: Where the old key goes on to be; by default nowhere. Left as it is if it holds that key already.

    Raises:
        ConfigError: Another file is at ``keep_old``, or a folder cannot be written.
    """
    real = path.resolve()
    try:
        if keep_old is not None and not (keep_old.exists() and read_key_file(keep_old) == read_key_file(real)):
            create_key_file(keep_old, read_key_file(real))
        next_key_path(path).replace(real)
        sync_folder(real.parent)
    except OSError as failed:
        raise ConfigError(
            f"the new key file cannot be put in place ({type(failed).__name__})",
            remedy="Make its folder writable and run `ragkit key rotate` again: it goes on with the same new key.",
        ) from failed


def write_private(path: Path, text: str) -> None:
    """Write a new file of mode 0600, whole and durable.

    Raises:
        ConfigError: It is there already, or its folder is absent or cannot be written.
    """
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text + "\n")
            file.flush()
            os.fsync(file.fileno())
        sync_folder(path.parent)
    except FileExistsError:
        raise ConfigError("a file is there already and is not overwritten", remedy="Name another file.") from None
    except OSError as failed:
        raise ConfigError(
            f"the file cannot be written ({type(failed).__name__})", remedy="Name a file in a folder that is there."
        ) from failed
