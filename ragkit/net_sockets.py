"""Under :mod:`ragkit.net`: sockets to one host and port only, each wait cut to the time that is left; TLS; failures."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Literal

from ragkit.errors import RagkitError
from ragkit.net_counts import count

Word = Literal[
    "dns", "connect", "connect-timeout", "tls", "proxy", "reset", "idle", "deadline", "cut", "malformed", "too-large",
    "encoding", "host",
]  # fmt: skip
"""What went wrong, for events and tests."""

_TEXTS: dict[str, tuple[str, str]] = {
    "dns": ("its name is not known here", "Check the host in `url`, and that this machine can look names up."),
    "connect": ("it cannot be reached", "Start the server, or correct host and port in `url`."),
    "connect-timeout": ("it did not take the connection in time", "Check the network, or raise `connect_seconds`."),
    "tls": ("its certificate or TLS is not accepted", "Name the certificate to trust as `ca_file`."),
    "proxy": ("its proxy does not let the call through", "Correct `proxy`, or allow the host there."),
    "reset": ("it dropped the connection", "Try again; see the server's own log."),
    "idle": ("it fell silent", "Try again, or raise `idle_seconds`."),
    "deadline": ("it took longer than the call may", "Try again, or raise `total_seconds`."),
    "cut": ("its reply broke off", "Try again; see the server's own log."),
    "malformed": ("it does not speak HTTP as it should", "Correct `url`: another kind of server answers there."),
    "too-large": ("its reply is longer than it may be", "Raise `max_reply_bytes` if such replies are meant."),
    "encoding": ("its reply is compressed in a way that was not asked for", "Switch compression off at the server."),
    "host": ("it is not the host that may be connected to", "Correct `url` or `proxy`."),
}
_WRITE = 16 * 1024


class NetFailure(RagkitError):
    """A call over the network failed; ``word`` says how. Whoever called says it in its own terms."""

    def __init__(self, word: Word) -> None:
        text, remedy = _TEXTS[word]
        super().__init__(text, remedy=remedy)
        self.word: Word = word

    def __reduce__(self) -> tuple[object, ...]:
        return (NetFailure, (self.word,))


class Patience(float):
    """A timeout that also knows when the whole call must be over; httpcore hands it through to the sockets as it is."""

    most: float
    until: float

    def __new__(cls, seconds: float, until: float) -> Patience:
        """A wait of at most ``seconds``, and none after ``until`` of :func:`time.monotonic`."""
        made = super().__new__(cls, max(0.001, min(seconds, until - time.monotonic())))
        made.most, made.until = seconds, until
        return made

    def left(self) -> float:
        """Seconds that the next wait may take.

        Raises:
            NetFailure: The time is over.
        """
        rest = self.until - time.monotonic()
        if rest <= 0:
            raise NetFailure("deadline")
        return min(self.most, rest)


def _left(timeout: float | None) -> float | None:
    return timeout.left() if isinstance(timeout, Patience) else timeout


class GuardedBackend:
    """Opens connections for httpcore: to one host and port, and nowhere else.

    Args:
        inner: httpcore's own backend.
        host: The only host.
        port: The only port.
        only_here: Refuse an address that is not this machine's, whatever the name resolves to.
        purpose: Under which connections and bytes are counted.
        pinned: The host's addresses, looked up and judged by the caller; by default they are looked up here.
    """

    def __init__(
        self,
        inner: Any,
        host: str,
        port: int,
        *,
        only_here: bool,
        purpose: str = "other",
        pinned: Sequence[str] = (),
    ) -> None:
        self._inner = inner
        self._reached = (host.casefold(), port)
        self._only_here = only_here
        self._purpose = purpose
        self._pinned = list(pinned)

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> _LimitedStream:
        """Connect to the first address of the host that answers.

        Raises:
            NetFailure: Another host, an unknown one, or the time is over.
        """
        if (host.casefold(), port) != self._reached:
            raise NetFailure("host")
        addresses = self._pinned or resolve(host, port, _left(timeout) or 10.0)
        if self._only_here and not all(ip_address(one).is_loopback for one in addresses):
            raise NetFailure("host")
        for address in addresses[:-1]:
            with suppress(Exception):
                return self._counted(
                    self._inner.connect_tcp(address, port, _left(timeout), local_address, socket_options)
                )
        last = self._inner.connect_tcp(addresses[-1], port, _left(timeout), local_address, socket_options)
        return self._counted(last)

    def _counted(self, connected: Any) -> _LimitedStream:
        count("connections", self._purpose)
        return _LimitedStream(connected, self._purpose)

    def connect_unix_socket(self, *_: Any, **__: Any) -> _LimitedStream:
        """No destination is a file."""
        raise NetFailure("host")

    def sleep(self, seconds: float) -> None:
        """Wait, for httpcore's own retries; there are none."""
        time.sleep(seconds)


class _LimitedStream:
    """A stream of httpcore whose every wait ends with the call's time."""

    def __init__(self, inner: Any, purpose: str) -> None:
        self._inner = inner
        self._purpose = purpose
        self._unanswered = False

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        read: bytes = self._inner.read(max_bytes, _left(timeout))
        if not read and self._unanswered:
            raise NetFailure("reset")  # closed before a word was said, as a kept connection may be
        self._unanswered = False
        return read

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._unanswered = True
        for start in range(0, len(buffer), _WRITE):
            piece = buffer[start : start + _WRITE]
            self._inner.write(piece, _left(timeout))
            count("sent", self._purpose, len(piece))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> _LimitedStream:
        return _LimitedStream(self._inner.start_tls(ssl_context, server_hostname, _left(timeout)), self._purpose)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


def tls_context(ca_file: Path | None) -> ssl.SSLContext:
    """TLS 1.2 or newer that trusts these certificates, or certifi's, and asks nothing of the environment.

    Raises:
        NetFailure: The file cannot be read as certificates.
    """
    import certifi

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # checks host name and certificate; knows no SSLKEYLOGFILE
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    try:
        context.load_verify_locations(cafile=str(ca_file or certifi.where()))
    except (OSError, ssl.SSLError):
        raise NetFailure("tls") from None
    return context


def resolve(host: str, port: int, seconds: float) -> list[str]:
    """The addresses of a host, within a time: the look-up itself cannot be interrupted, so it is left behind.

    Raises:
        NetFailure: The name is not known, or the look-up took too long.
    """
    with suppress(ValueError):
        return [str(ip_address(host))]
    found: list[str] = []

    def look_up() -> None:
        with suppress(OSError, UnicodeError):
            answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            found.extend(dict.fromkeys(str(address[4][0]) for address in answers))

    thread = threading.Thread(target=look_up, daemon=True, name="ragkit-lookup")
    thread.start()
    thread.join(seconds)
    if not found:
        raise NetFailure("dns")
    return list(found)
