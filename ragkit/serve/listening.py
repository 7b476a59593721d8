"""The socket that a service listens on, and room for those of its clients."""

from __future__ import annotations

import errno
import resource
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from ragkit.errors import ConfigError

BACKLOG = 2_048
"""Connections that the kernel keeps until they are taken."""

_SEND_BYTES = 262_144
"""What the kernel keeps of a reply for a client that does not read; left alone it takes some megabytes each."""

_OTHER_FILES = 512
"""Files, databases and sockets that are no connections of clients."""


@contextmanager
def listening(host: str, port: int) -> Iterator[socket.socket]:
    """Bind a socket; close it at the end.

    Raises:
        ConfigError: The port is taken, or the address is none of this machine's.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as place:
        place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        place.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BYTES)
        try:
            place.bind((host, port))
            place.listen(BACKLOG)
        except (OSError, OverflowError) as refused:
            number = getattr(refused, "errno", None)
            if number == errno.EADDRINUSE:
                raise ConfigError(
                    f"port {port} is taken", remedy="Stop what listens there, or choose another with `--port`."
                ) from None
            if number == errno.EACCES:
                raise ConfigError(
                    f"port {port} may not be used by this user", remedy="Choose one from 1024 with `--port`."
                ) from None
            raise ConfigError(
                "the address to listen on is none of this machine", remedy="Correct `host` in [serve], or `--host`."
            ) from None
        place.setblocking(False)
        yield place


def openable(connections: int) -> int:
    """Return how many connections this process can hold, after asking for room: without it, nobody is let in at all."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections + _OTHER_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return connections if soft == resource.RLIM_INFINITY else max(min(connections, soft - _OTHER_FILES), 1)
