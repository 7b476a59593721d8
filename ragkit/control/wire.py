"""The control socket's protocol: JSON, one message a line, over a Unix socket in the data directory.

::

    ▶ {"ragkit": 1, "software": "…", "config": "…", "verb": "sync", "arguments": {…}, "as": null}
    ◀ {"taken": true}
    ◀ {"progress": ["mask", 40, 200]}            any number; "wait" while another write runs
    ▶ {"cancel": true}                           at any time, as Ctrl-C would
    ◀ {"result": …, "begun": 0}                  or {"error": {…}}, or {"stopped": true}; then the end

Texts and keys travel in clear, in memory: the socket is of mode 0600 in a directory of mode 0700, and both ends look
whose process the other is. Nothing of it is written down.
"""

from __future__ import annotations

import hashlib
import json
import os
import socket
import struct
import time
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ragkit import errors
from ragkit.config_parts import parts_of
from ragkit.errors import RagkitError

if TYPE_CHECKING:
    from ragkit.config import Config

VERSION = 1
SOCKET = "service.sock"
LINE_BYTES = 64 * 1024 * 1024
"""Longest message."""
SHORT_BYTES = 4096
"""Longest message of a caller after the first."""

_ADDRESS_BYTES = 100  # the kernel takes 108
_PIECE = 65_536
_CREDENTIALS = struct.Struct("3i")  # process, user and group, as SO_PEERCRED gives them


class Malformed(Exception):
    """What came is not of this protocol. The text says in which way, without any of it."""


class Lines:
    """Messages of one connection.

    Args:
        connection: A connected stream socket; its timeout is set with every call.
    """

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._rest = bytearray()

    def send(self, message: Mapping[str, Any], *, wait_s: float) -> None:
        """Send a message.

        Raises:
            OSError: The other end is gone, or takes nothing.
        """
        self._connection.settimeout(wait_s)
        self._connection.sendall(json.dumps(message, separators=(",", ":"), ensure_ascii=False).encode() + b"\n")

    def hang_up(self, *, wait_s: float) -> None:
        """End what is sent, and let the other end finish what it is sending, or it would lose the last message."""
        until = time.monotonic() + wait_s
        with suppress(OSError):
            self._connection.shutdown(socket.SHUT_WR)
            self._connection.settimeout(wait_s)
            while self._connection.recv(_PIECE) and time.monotonic() < until:
                pass

    def receive(self, *, wait_s: float | None, most: int = LINE_BYTES) -> dict[str, Any] | None:
        """Return the next message, ``None`` at the end.

        Args:
            wait_s: How long all of it may take; ``None`` waits for ever.
            most: Longest message, in bytes.

        Raises:
            Malformed: Too long, or no JSON object.
            OSError: The connection broke, or nothing came in time (``TimeoutError``).
        """
        until = None if wait_s is None else time.monotonic() + wait_s
        looked = 0
        while (end := self._rest.find(b"\n", looked)) < 0 and (looked := len(self._rest)) <= most:
            left = None if until is None else until - time.monotonic()
            if left is not None and left <= 0:
                raise TimeoutError
            self._connection.settimeout(left)
            piece = self._connection.recv(_PIECE)
            if not piece:
                return None
            self._rest += piece  # kept here, so that Ctrl-C loses nothing of it
        if not 0 <= end <= most:
            raise Malformed(f"a message is longer than {most:,} bytes")
        raw, self._rest = bytes(self._rest[:end]), self._rest[end + 1 :]
        try:
            message = json.loads(raw)
        except (ValueError, RecursionError):
            message = None
        if not isinstance(message, dict):
            raise Malformed("a message is no JSON object")
        return message


def peer(connection: socket.socket) -> int:
    """Return the user id of the process at the other end, as the kernel knows it."""
    raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    return int(_CREDENTIALS.unpack(raw)[1])


def trusted(user: int, *, folder: Path) -> bool:
    """Say whether a process of this user may be at the other end: one's own, root's, or the data directory's owner's.

    Whoever is one of these can read the root key and the records anyway.
    """
    return user in (0, os.geteuid(), folder.stat().st_uid)


@contextmanager
def address(folder: Path) -> Iterator[str]:
    """Give the address of the socket in a data directory, a short one where its path is too long for the kernel."""
    path = os.fspath(folder / SOCKET)
    if len(os.fsencode(path)) <= _ADDRESS_BYTES:
        yield path
        return
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{opened}/{SOCKET}"
    finally:
        os.close(opened)


def config_mark(config: Config) -> str:
    """Return what changes with every setting but those of the service itself."""
    kept = {name: text for name, text in parts_of(config).items() if name not in ("serve", "chat")}
    return hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()


def told(failed: BaseException) -> dict[str, Any]:
    """Return an error as it travels; of one that is not ragkit's own the kind and the place only."""
    if not isinstance(failed, RagkitError):
        last = traceback.extract_tb(failed.__traceback__)[-1:]
        place = "".join(f", {Path(one.filename).name}:{one.lineno}" for one in last)
        return {"kind": "RagkitError", "message": f"{type(failed).__name__} in the service{place}", "remedy": _REPORT}
    kind = next(one.__name__ for one in type(failed).__mro__ if getattr(errors, one.__name__, None) is one)
    attributes = {name: value for name, value in vars(failed).items() if name != "remedy" and _plain(value)}
    return {"kind": kind, "message": str(failed), "remedy": failed.remedy, "attributes": attributes}


def raised(error: Mapping[str, Any]) -> RagkitError:
    """Return the error that :func:`told` made this of."""
    kind = getattr(errors, str(error.get("kind")), RagkitError)
    if not (isinstance(kind, type) and issubclass(kind, RagkitError)):
        kind = RagkitError
    failed: RagkitError = kind.__new__(kind)
    failed.args = (str(error.get("message", "")),)
    for name, value in {"remedy": error.get("remedy", ""), **error.get("attributes", {})}.items():
        setattr(failed, name, tuple(value) if isinstance(value, list) else value)
    return failed


def _plain(value: Any) -> bool:
    inner = value if isinstance(value, list | tuple) else (value,)
    return all(isinstance(one, str | int | float | bool) or one is None for one in inner)


_REPORT = "Report this. Run it again with the service stopped: RAGKIT_DEBUG=1 shows the trace."
