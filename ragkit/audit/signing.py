"""The key that signs checkpoints: Ed25519, from ``[audit.key]``, never in the data directory.

With ``source = "file"`` it is made at the first need, mode 0600, beside the root key. A variable or a command is the
way to a key that this machine does not keep. While keys are being changed the next one waits in ``<file>.next``, or in
``<variable>_NEXT``.
"""

from __future__ import annotations

import os
from pathlib import Path

from ragkit.config import Config
from ragkit.config_audit import SigningKeySection
from ragkit.errors import ConfigError
from ragkit.keyfiles import next_key_path
from ragkit.rootkey import (
    create_key_file,
    default_key_path,
    load_key,
    read_key_file,
    read_key_variable,
    sync_folder,
)

WHAT = "key that signs checkpoints"


class KeySource:
    """Where the signing key comes from.

    Args:
        section: ``[audit.key]``.
        path: The key file, for ``file``.
        folder: Where a command runs.
    """

    def __init__(self, section: SigningKeySection, *, path: Path, folder: Path) -> None:
        self._section = section
        self._folder = folder
        self.path = path

    def __repr__(self) -> str:
        return f"KeySource({self.kind!r})"

    @property
    def kind(self) -> str:
        """``file``, ``env`` or ``command``."""
        return self._section.source

    @property
    def can_make(self) -> bool:
        """Whether a key can be made here: it is kept in a file, and there is none."""
        return self.kind == "file" and not os.path.lexists(self.path)

    def read(self) -> bytes:
        """Return the 32-byte private key.

        Raises:
            SecretUnavailable: The file, variable or command gave nothing, or not a key.
        """
        return load_key(self._section, path=self.path, folder=self._folder, what=WHAT)

    def make(self) -> bytes:
        """Make the key file and return the key. Raises ConfigError: it is there, or cannot be written."""
        create_key_file(self.path)
        return self.read()

    def next(self) -> bytes | None:
        """Return the key that follows while keys are being changed; ``None`` if none waits.

        Raises:
            SecretUnavailable: What waits is no key.
        """
        if self.kind == "file":
            waiting = next_key_path(self.path)
            return read_key_file(waiting, what=WHAT) if waiting.exists() else None
        name = f"{self._section.variable}_NEXT"
        if self.kind == "env" and os.environ.get(name, "").strip():
            return read_key_variable(name, what=WHAT)
        return None

    def make_next(self, key: bytes | None = None) -> bytes:
        """Return the key that follows; of a file source it is written to wait, unless one waits already.

        Args:
            key: 32 bytes; by default what waits, or of a file source a new one.

        Raises:
            ConfigError: Another source, no key is given and none waits; or the file cannot be written.
        """
        if self.kind == "file" and not next_key_path(self.path).exists():
            create_key_file(next_key_path(self.path), key)
        found = self.next() if key is None or self.kind == "file" else key
        if key is not None and found != key:
            raise ConfigError(
                f"another {WHAT} waits in its `.next` file, of a change that was begun",
                remedy="Run `ragkit audit key rotate` without a key to go on with it, or move that file away.",
            )
        if found is None:
            given = f"{self._section.variable}_NEXT" if self.kind == "env" else "a file or variable of your own"
            raise ConfigError(
                f"the {WHAT} comes from a {_SOURCES[self.kind]}, which ragkit cannot change",
                remedy=f"Make a key with `openssl rand -base64 32` and give it in {given}; "
                "`ragkit audit key rotate --new-key-env` or `--new-key-file` names it.",
            )
        return found

    def install_next(self, *, keep_as: Path | None) -> None:
        """Put the waiting key file in the place of the current one; at every moment one of the two is there.

        Args:
            keep_as: Where the old key goes on to be; ``None`` destroys it.

        Raises:
            ConfigError: The folder cannot be written.
        """
        if self.kind != "file":
            return
        try:
            there = self.path.exists()
            if there and keep_as is not None and not keep_as.exists():
                create_key_file(keep_as, self.read())
            old = os.open(self.path, os.O_WRONLY | os.O_CLOEXEC | os.O_NOFOLLOW) if there else -1
            try:
                next_key_path(self.path).replace(self.path)
                sync_folder(self.path.parent)
                if there and keep_as is None:
                    _overwrite(old)
            finally:
                if there:
                    os.close(old)
        except OSError as failed:
            raise ConfigError(
                f"the new {WHAT} cannot be put in place ({type(failed).__name__})",
                remedy="Make the folder of its file writable; the next checkpoint goes on with the change.",
            ) from failed

    def set_aside(self, path: Path) -> None:
        """Move the key file away, so that another is made. Nothing happens if there is none. Raises ConfigError."""
        if self.kind != "file" or not os.path.lexists(self.path):
            return
        try:
            self.path.replace(path)
            sync_folder(self.path.parent)
        except OSError as failed:
            raise ConfigError(
                f"the old {WHAT} cannot be moved away ({type(failed).__name__})", remedy="Make its folder writable."
            ) from failed


def key_source(config: Config, name: str) -> KeySource:
    """Return where the signing key of a workspace comes from.

    Args:
        config: The workspace's configuration.
        name: Of the default key file, without its ending: the workspace's id.

    Raises:
        ConfigError: The key file would be in the data directory.
    """
    section = config.audit.key
    path = config.resolve(section.path) if section.path else default_key_path(f"{name}.audit")
    if section.source == "file":
        _outside(config, path, f"the {WHAT}", "`path` under [audit.key]")
    return KeySource(section, path=path, folder=config.folder)


def seen_path(config: Config, name: str) -> Path:
    """Return where the newest checkpoint is remembered outside the data directory; arguments as :func:`key_source`.

    Raises:
        ConfigError: It would be in the data directory.
    """
    written = config.audit.checkpoints.seen
    if written is not None:
        path = config.resolve(written)
    else:
        path = default_key_path(name).with_name(f"{name}.audit.seen")
        if config.audit.key.source == "file":
            key = key_source(config, name).path
            path = key.with_name(f"{key.name.removesuffix('.key')}.seen")
    _outside(config, path, "the file with the newest checkpoint", "`seen` under [audit.checkpoints]")
    return path


def _outside(config: Config, path: Path, what: str, where: str) -> None:
    if path.resolve().is_relative_to(config.data_folder.resolve()):
        raise ConfigError(
            f"{what} is inside the data directory, beside what it protects",
            remedy=f"Move it elsewhere and write its new place as {where}.",
        )


def _overwrite(handle: int) -> None:
    """Write zeros over a key file that has lost its name. What the device keeps elsewhere is out of reach."""
    os.pwrite(handle, bytes(os.fstat(handle).st_size), 0)
    os.fsync(handle)


_SOURCES = {"env": "variable", "command": "command"}
