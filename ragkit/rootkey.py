"""Loading the root key and other secrets: from a file, a variable or a command, never from the data directory.

The root key is 32 bytes, written as base64 or hexadecimal. Whoever has it and the data directory can read everything;
so the two are kept apart, and a key file that others may read is refused.
"""

from __future__ import annotations

import base64
import binascii
import os
import re
import stat
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ragkit.config import Config
from ragkit.config_sections import KeysSection, SecretRef
from ragkit.crypto import KEY_BYTES, new_key
from ragkit.errors import ConfigError, SecretUnavailable

_MAX_SECRET_BYTES = 65_536
_COMMAND_SECONDS = 30.0


def load_root_key(config: Config) -> bytes:
    """Return the 32-byte root key named by ``[keys]``.

    Raises:
        SecretUnavailable: The file, variable or command gave nothing, or not a key.
        ConfigError: The key file lies in the data directory.
    """
    path = key_path(config) if config.keys.source == "file" else Path()
    return load_key(config.keys, path=path, folder=config.folder)


def load_key(keys: KeysSection, *, path: Path, folder: Path, what: str = "root key") -> bytes:
    """Return a 32-byte key from where a table says.

    Args:
        keys: ``[keys]``, or ``[audit.key]``.
        path: The key file, for ``file``.
        folder: Where a command runs.
        what: Which key, for messages.

    Raises:
        SecretUnavailable: The file, variable or command gave nothing, or not a key.
    """
    if keys.source == "env":
        return _decode(_from_variable(keys.variable), what)
    if keys.source == "command":
        return _decode(_from_command(keys.command, folder=folder), what)
    return _decode(_from_file(path), what)


def key_path(config: Config) -> Path:
    """Return where the key file is, whether or not it exists.

    Raises:
        ConfigError: Neither ``keys.path`` nor ``workspace.id`` is written, or the path is in the data directory.
    """
    if config.keys.path is not None:
        path = config.resolve(config.keys.path)
    elif config.workspace.id is not None:
        path = default_key_path(config.workspace.id)
    else:
        raise ConfigError(
            "ragkit.toml names no key file",
            remedy="Write `path` under [keys]; `ragkit init` writes a workspace id that names one.",
        )
    if path.resolve().is_relative_to(config.data_folder.resolve()):
        raise ConfigError(
            "the key file is inside the data directory, beside what it protects",
            remedy="Move it elsewhere and write its new place as `path` under [keys].",
        )
    return path


def default_key_path(workspace_id: str) -> Path:
    """Return ``$XDG_CONFIG_HOME/ragkit/<workspace id>.key`` (XDG Base Directory Specification)."""
    configured = os.environ.get("XDG_CONFIG_HOME", "")
    home = Path(configured) if configured.startswith("/") else Path.home() / ".config"
    return home / "ragkit" / f"{workspace_id}.key"


def create_key_file(path: Path, key: bytes | None = None) -> None:
    """Write a key, by default a new random one, to ``path``, mode 0600, its folder 0700. Never overwrites.

    Raises:
        ConfigError: A file is there already, or the folder cannot be written.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(base64.b64encode(key or new_key()) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        sync_folder(path.parent)
    except FileExistsError:
        raise ConfigError(
            "a key file is there already and is not overwritten",
            remedy="Keep it if a workspace uses it; otherwise move it away.",
        ) from None
    except OSError as failed:
        raise ConfigError(
            f"the key file cannot be written ({type(failed).__name__})",
            remedy="Make its folder writable, or write another `path` under [keys].",
        ) from failed


def read_key_file(path: Path, *, what: str = "root key") -> bytes:
    """Return the key in a file of mode 0600.

    Raises:
        SecretUnavailable: It is absent, open to others, or holds no key.
    """
    return _decode(_from_file(path), what)


def read_key_variable(name: str, *, what: str = "root key") -> bytes:
    """Return the key in an environment variable.

    Raises:
        SecretUnavailable: It is not set, or holds no key.
    """
    return _decode(_from_variable(name), what)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def read_secret(secret: SecretRef, *, folder: Path) -> str:
    """Return the text of a secret, without the line end. A relative file counts from ``folder``.

    Raises:
        SecretUnavailable: The variable or file is absent, empty, or open to others.
    """
    if secret.env is not None:
        return _from_variable(secret.env)
    return _from_file(folder / Path(secret.file or "").expanduser())


def open_options(options: Mapping[str, Any], *, folder: Path) -> dict[str, Any]:
    """Return a connector's or generator's options ready to use: secrets read, relative ``path`` options made absolute.

    A path option is one named ``path`` or ending in ``_path``.
    """
    ready: dict[str, Any] = {}
    for name, value in options.items():
        if isinstance(value, SecretRef):
            ready[name] = read_secret(value, folder=folder)
        elif isinstance(value, str) and (name == "path" or name.endswith("_path")):
            ready[name] = str(folder / Path(value).expanduser())
        else:
            ready[name] = value
    return ready


def _from_variable(name: str) -> str:
    value = os.environ.get(name, "").strip()
    if not value:
        raise SecretUnavailable(
            f"the environment variable {name} is not set or empty", remedy=f"Set {name} before starting ragkit."
        )
    return value


def _from_file(path: Path) -> str:
    """Read a secret file through one handle, so that what is checked is what is read."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as failed:
        raise SecretUnavailable(
            f"a secret's file cannot be opened ({type(failed).__name__})",
            remedy="Check `path` under [keys] or the `file` of the secret; restore the key file from its backup.",
        ) from failed
    try:
        _check_private(os.fstat(handle))
        text = os.read(handle, _MAX_SECRET_BYTES).decode("utf-8", "replace").strip()
    finally:
        os.close(handle)
    if not text:
        raise SecretUnavailable("a secret's file is empty", remedy="Write the secret to it, or restore its backup.")
    return text


def _check_private(found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise SecretUnavailable("a secret's file is not a regular file", remedy="Name a regular file of mode 0600.")
    if found.st_mode & 0o077:
        raise SecretUnavailable(
            f"a secret's file has mode {stat.S_IMODE(found.st_mode):04o}: others may read it",
            remedy="Run `chmod 600` on it.",
        )
    if found.st_uid not in {os.geteuid(), 0}:
        raise SecretUnavailable("a secret's file belongs to another user", remedy="Run `chown` on it.")


def _from_command(command: tuple[str, ...], *, folder: Path) -> str:
    """Run the key command without a shell. Its error output is not shown: it may hold secrets."""
    try:
        done = subprocess.run(  # noqa: S603 - the command is the owner's own, from ragkit.toml
            command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, timeout=_COMMAND_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise SecretUnavailable(
            f"the key command gave nothing within {_COMMAND_SECONDS:.0f} s and was stopped",
            remedy="Run it by hand: it may wait for a password or a network. It gets no standard input here.",
        ) from None
    except OSError as failed:
        raise SecretUnavailable(
            f"the key command did not run ({type(failed).__name__})", remedy="Run it by hand and correct [keys]."
        ) from None
    if done.returncode != 0 or not done.stdout.strip():
        raise SecretUnavailable(
            f"the key command gave no key (exit status {done.returncode})", remedy="Run it by hand and correct [keys]."
        )
    return done.stdout.decode("utf-8", "replace").strip()


def _decode(text: str, what: str) -> bytes:
    try:
        if re.fullmatch(r"[0-9a-fA-F]{64}", text):
            key = bytes.fromhex(text)
        else:
            key = base64.b64decode(text.replace("-", "+").replace("_", "/"), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != KEY_BYTES:
        raise SecretUnavailable(
            f"the {what} is not 32 bytes in base64 or hexadecimal",
            remedy="Restore the key, or make a new one with `openssl rand -base64 32` before the first sync.",
        )
    return key
