"""Beside :mod:`ragkit.net`: lines to a syslog server, RFC 5424, over a unix datagram, UDP (RFC 5426) or TCP (RFC 6587).

::

    syslog = SyslogSink("tcp://log.example:601", name="siem", timeout=5, required=True)
    syslog.write([b'{"type":"doc.added",...}'])

It is opened by the first write and again after a failure. Over TCP each message is counted (RFC 6587, section 3.4.1),
and that it was taken by this machine is all that can be known: the protocol has no receipt. The same holds for a
datagram, which may be lost on its way, and may be too long for it; that counts as a failure.
"""

from __future__ import annotations

import errno
import os
import socket
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from urllib.parse import urlsplit

from ragkit.net_counts import count
from ragkit.net_sockets import NetFailure, resolve

_PRIORITY = 13 * 8 + 6
"""Facility "log audit", severity "informational"."""
_APP = "ragkit"
_PORTS = {"udp": 514, "tcp": 601}


class SyslogSink:
    """Sends lines to one syslog server, and connects to nothing else. Not for several threads.

    The header names no machine: events know it by its keyed hash.

    Args:
        address: ``unix:/dev/log``, ``udp://host:514``, ``tcp://host:601``.
        name: For events.
        timeout: Seconds for a whole write, look-up and connection included.
        required: Nothing is done without it.
        message_id: What the messages are, at most 32 characters without a space.

    Raises:
        ValueError: The address is none of these.
    """

    def __init__(
        self,
        address: str,
        *,
        name: str,
        timeout: float = 5.0,
        required: bool = False,
        message_id: str = "event",
    ) -> None:
        self.name = name
        self.timeout = timeout
        self.required = required
        self._kind, self._host, self._port = _parsed(address)
        self._message_id = message_id
        self._counted = self._kind == "tcp"
        self._socket: socket.socket | None = None

    def __repr__(self) -> str:
        return f"SyslogSink({self.name}, {self._kind})"

    def write(self, lines: Sequence[bytes]) -> None:
        """Send lines, in order.

        Raises:
            OSError: Not all were sent; over TCP the connection is given up, since a part of a message may be out.
        """
        until = time.monotonic() + self.timeout
        try:
            if self._gone():
                self.close()
            link = self._socket or self._connect(until)
            if self._counted:
                block = b"".join(b"%d %s" % (len(one), one) for one in map(self._message, lines))
                link.settimeout(_left(until))
                link.sendall(block)
            else:
                for line in lines:
                    link.settimeout(_left(until))
                    link.send(self._message(line))
        except NetFailure as failed:
            raise OSError(errno.EHOSTUNREACH, failed.word) from None
        except OSError as failed:
            if failed.errno != errno.EMSGSIZE:  # that one message was too long for a datagram; the way is open
                self.close()
            raise

    def sync(self) -> None:
        """Do nothing: there is no way to ask a syslog server for it."""

    def close(self) -> None:
        """Close the connection."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _message(self, line: bytes) -> bytes:
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        return f"<{_PRIORITY}>1 {now} - {_APP} {os.getpid()} {self._message_id} - ".encode() + line

    def _connect(self, until: float) -> socket.socket:
        failed: OSError | None = None
        for family, kind, target in self._targets(until):
            link = socket.socket(family, kind)
            try:
                link.settimeout(_left(until))
                link.connect(target)
            except OSError as refused:
                link.close()
                failed = refused
                continue
            self._counted = kind == socket.SOCK_STREAM
            self._socket = link
            if self._kind != "unix":
                count("connections", "syslog")
            return link
        raise failed or OSError(errno.EHOSTUNREACH, "no address")

    def _targets(self, until: float) -> list[tuple[int, int, str | tuple[str, int]]]:
        if self._kind == "unix":  # some servers listen for datagrams, some for streams; connecting tells
            return [(socket.AF_UNIX, kind, self._host) for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM)]
        kind = socket.SOCK_STREAM if self._kind == "tcp" else socket.SOCK_DGRAM
        found = resolve(self._host, self._port, _left(until))
        return [(socket.AF_INET6 if ":" in one else socket.AF_INET, kind, (one, self._port)) for one in found]

    def _gone(self) -> bool:
        """Whether the server has closed the connection: a first write after that would still seem to succeed."""
        if self._socket is None or not self._counted:
            return False
        with suppress(BlockingIOError):
            self._socket.setblocking(False)
            while True:
                if not self._socket.recv(4096):  # what a server says is not asked for, and thrown away
                    return True
        return False


def _left(until: float) -> float:
    rest = until - time.monotonic()
    if rest <= 0:
        raise TimeoutError(errno.ETIMEDOUT, "the time is over")
    return rest


def _parsed(address: str) -> tuple[str, str, int]:
    if address.startswith("unix:/"):
        return "unix", address.removeprefix("unix:"), 0
    parts = urlsplit(address)
    if parts.scheme not in _PORTS or not parts.hostname or parts.path not in ("", "/"):
        raise ValueError("a syslog address is unix:/path, udp://host:port or tcp://host:port")
    return parts.scheme, parts.hostname, parts.port or _PORTS[parts.scheme]
