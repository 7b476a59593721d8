"""A real HTTP server on this machine that does what servers do on their bad days.

::

    with FaultyServer("reset") as server:
        ...                                   # server.url; server.requests counts what came

Each fault goes on until the client leaves; ``first`` limits it to the first requests, after which a good reply comes.
"""

from __future__ import annotations

import socket
import ssl
import struct
import tempfile
import time
import zlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING

from ragkit.testing.recording_server import RecordingServer, plain

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

BIG = 100_000_000
"""Bytes of the body that is too long, and of the bomb when it goes off."""

_CHUNKED = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
_EVENT = b'data: {"model": "m", "choices": [{"index": 0, "delta": {"content": "word "}}]}\n\n'
_ANSWER = (
    b'{"id": "1", "model": "%s", "choices": [{"index": 0, "finish_reason": "stop", '
    b'"message": {"role": "assistant", "content": "Yes [1]."}}], "usage": {"prompt_tokens": 9, "completion_tokens": 3}}'
)
GOOD = plain(_ANSWER % b"m")

Fault = Callable[[socket.socket, "FaultyServer"], None]


class FaultyServer(RecordingServer):
    """One fault, over and over.

    Args:
        fault: One of :data:`FAULTS`.
        first: How many requests it befalls; the rest get a good reply. Default: all.
        pause: Seconds between two bytes of what comes slowly.
        tls: To speak TLS with; ``tls-untrusted`` brings a certificate of its own.
    """

    def __init__(
        self, fault: str, *, first: int | None = None, pause: float = 0.05, tls: ssl.SSLContext | None = None
    ) -> None:
        self._fault = FAULTS[fault]
        self._first = first
        self.pause = pause
        if fault == "tls-untrusted":
            tls = self_signed()[0]
        super().__init__(tls=tls)

    def handle(self, connection: socket.socket, request: bytes) -> bool:
        """Do it."""
        del request
        if self._first is not None and len(self.requests) > self._first:
            connection.sendall(GOOD)
            return True
        with suppress(OSError):
            self._fault(connection, self)
        return False

    def warm(self) -> None:
        """Prepare what takes a while, so that it does not count as the server's slowness."""
        _bomb()

    def wait(self, seconds: float) -> bool:
        """Sleep, unless the server is closing; whether to go on."""
        until = time.monotonic() + seconds
        while not self._closing and time.monotonic() < until:
            time.sleep(min(0.01, seconds))
        return not self._closing


def self_signed(host: str = "127.0.0.1") -> tuple[ssl.SSLContext, bytes]:
    """A server's TLS context with a new certificate that nobody trusts, and the certificate as PEM."""
    pem, secret = certificate_pem(host)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.TemporaryDirectory() as folder:  # load_cert_chain reads files only
        path = Path(folder) / "server.pem"
        path.write_bytes(pem + secret)
        context.load_cert_chain(path)
    return context, pem


def certificate_pem(host: str = "127.0.0.1") -> tuple[bytes, bytes]:
    """A new certificate that nobody trusts and its key, as PEM."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key: EllipticCurvePrivateKey = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "ragkit test server")])
    now = datetime.now(UTC)
    alternative: x509.GeneralName = (
        x509.DNSName(host) if any(char.isalpha() for char in host) else x509.IPAddress(ip_address(host))
    )
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([alternative]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return pem, secret


# --- the faults -------------------------------------------------------------------------------------------------------


def _says(status: str, **headers: str) -> Fault:
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    reply = f"HTTP/1.1 {status}\r\n{lines}Content-Length: 9\r\n\r\ntry later".encode()

    def fault(connection: socket.socket, server: FaultyServer) -> None:
        del server
        connection.sendall(reply)

    return fault


def _sends(*pieces: bytes) -> Fault:
    def fault(connection: socket.socket, server: FaultyServer) -> None:
        del server
        for piece in pieces:
            connection.sendall(piece)

    return fault


def _reset(connection: socket.socket, server: FaultyServer) -> None:
    del server
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def _big(connection: socket.socket, server: FaultyServer) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")
    piece = b"x" * 65_536
    for _ in range(BIG // len(piece) + 1):
        if server.wait(0):
            connection.sendall(piece)


def _chunk(data: bytes) -> bytes:
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


def _cut(connection: socket.socket, server: FaultyServer) -> None:
    connection.sendall(_CHUNKED + _chunk(_EVENT) + _chunk(_EVENT[:30]))
    server.wait(server.pause)


def _stall(connection: socket.socket, server: FaultyServer) -> None:
    connection.sendall(_CHUNKED + _chunk(_EVENT))
    server.wait(60)


def _silent(connection: socket.socket, server: FaultyServer) -> None:
    del connection
    server.wait(60)


def _endless(connection: socket.socket, server: FaultyServer) -> None:
    connection.sendall(_CHUNKED)
    while server.wait(0):
        connection.sendall(_chunk(_EVENT))


def _drip(connection: socket.socket, server: FaultyServer) -> None:
    connection.sendall(_CHUNKED)
    while server.wait(server.pause):
        connection.sendall(_chunk(b"x"))


def _drip_head(connection: socket.socket, server: FaultyServer) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    while server.wait(server.pause):
        connection.sendall(b"x")


def _crumbs(connection: socket.socket, server: FaultyServer) -> None:
    connection.sendall(_CHUNKED)
    while server.wait(0):
        connection.sendall(_chunk(b"x") * 4096)


@lru_cache(maxsize=1)
def _bomb() -> Fault:
    packer, zeros = zlib.compressobj(9, zlib.DEFLATED, 31), b"\0" * 1_000_000
    body = b"".join([packer.compress(zeros) for _ in range(BIG // len(zeros))]) + packer.flush()
    head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Encoding: gzip\r\n"
    return _sends(f"{head}Content-Length: {len(body)}\r\n\r\n".encode(), body)


def _many_heads(connection: socket.socket, server: FaultyServer) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    while server.wait(0):
        connection.sendall(b"X-Header: " + b"x" * 1000 + b"\r\n")


class _Late:
    """The bomb is packed at its first use."""

    def __call__(self, connection: socket.socket, server: FaultyServer) -> None:
        _bomb()(connection, server)


FAULTS: Mapping[str, Fault] = {
    "429": _says("429 Too Many Requests"),
    "429-after": _says("429 Too Many Requests", Retry_After="0.05"),
    "429-date": _says("429 Too Many Requests", Retry_After="Wed, 21 Oct 2099 07:28:00 GMT"),
    "429-absurd": _says("429 Too Many Requests", Retry_After="99999999999999999999"),
    "429-nonsense": _says("429 Too Many Requests", Retry_After="soon"),
    "400": _says("400 Bad Request"),
    "401": _says("401 Unauthorized"),
    "500": _says("500 Internal Server Error"),
    "502": _says("502 Bad Gateway"),
    "redirect": _says("307 Temporary Redirect", Location="http://127.0.0.1:9/elsewhere"),
    "reset": _reset,
    "hang-up": _sends(),
    "tls-untrusted": _sends(GOOD),
    "garbage": _sends(b"\x00\xff\x13 this is not HTTP at all\r\n\r\n" * 4),
    "not-json": _sends(plain(b"\x00<html>nan</html>")),
    "empty": _sends(plain(b"")),
    "big": _big,
    "declared-big": _sends(f"HTTP/1.1 200 OK\r\nContent-Length: {BIG}\r\n\r\n".encode()),
    "cut": _cut,
    "short": _sends(b'HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"half": '),
    "stall": _stall,
    "silent": _silent,
    "endless": _endless,
    "crumbs": _crumbs,
    "drip": _drip,
    "drip-head": _drip_head,
    "heads": _many_heads,
    "wrong-model": _sends(plain(_ANSWER % b"another-model")),
    "bomb": _Late(),
    "odd-encoding": _sends(b"HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 3\r\n\r\nabc"),
}
"""What can go wrong, by name."""
