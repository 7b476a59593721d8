"""A reply as :mod:`ragkit.net` hands it on: decompressed step by step, never more than agreed, in our own errors."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

from ragkit.net_sockets import NetFailure

_PIECE = 64 * 1024
_WINDOWS: dict[str, int] = {"identity": 0, "": 0, "gzip": 31, "x-gzip": 31, "deflate": 15}
"""Window bits of :mod:`zlib` by content encoding; 0 for none."""


@dataclass(frozen=True, slots=True)
class Peer:
    """Who answered: the address connected to, and, over TLS, its version and the name that the certificate was for.

    Of a call through a proxy the address is the proxy's.
    """

    address: str = ""
    tls: str = ""
    tls_name: str = ""


class Incoming(Protocol):
    """A reply as it comes: ``headers`` lower-cased, ``pieces`` the body, decompressed, within the limits."""

    @property
    def status(self) -> int: ...

    @property
    def headers(self) -> Mapping[str, str]: ...

    def pieces(self) -> Iterator[bytes]: ...


class HttpReply:
    """An open reply of httpcore behind :class:`Incoming`.

    Args:
        response: Of httpcore.
        max_bytes: Longest body, as it comes and decompressed.
        named: Our own error for one of the library's.
    """

    def __init__(self, response: Any, max_bytes: int, named: Callable[[Exception], Exception]) -> None:
        self.status = int(response.status)
        self.headers: Mapping[str, str] = {
            name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers
        }
        self.peer = _peer(response)
        self._response = response
        self._named = named
        self._max_bytes = max_bytes

    def __repr__(self) -> str:
        return f"HttpReply({self.status})"

    def pieces(self) -> Iterator[bytes]:
        """The body in pieces of at most 64 KiB.

        Raises:
            NetFailure: It broke off, fell silent, took too long or grew too long.
        """
        coding = self.headers.get("content-encoding", "identity").strip().lower()
        if coding not in _WINDOWS:
            raise NetFailure("encoding")
        raw = self._raw()
        yield from inflated(raw, _WINDOWS[coding], self._max_bytes) if _WINDOWS[coding] else raw

    def _raw(self) -> Iterator[bytes]:
        declared = self.headers.get("content-length", "")
        if declared.isdigit() and int(declared) > self._max_bytes:
            raise NetFailure("too-large")
        pieces = iter(self._response.iter_stream())
        length = 0
        while True:
            try:
                piece = next(pieces, None)
            except Exception as bad:
                raise self._named(bad) from None
            if piece is None:
                return
            length += len(piece)
            if length > self._max_bytes:
                raise NetFailure("too-large")
            yield piece


def _peer(response: Any) -> Peer:
    """Who the open connection leads to; empty where it does not say, since nothing may fail for that."""
    with suppress(Exception):
        stream = response.extensions["network_stream"]
        address = stream.get_extra_info("server_addr")
        secure = stream.get_extra_info("ssl_object")
        return Peer(
            address=str(address[0]).partition("%")[0] if address else "",  # without an IPv6 zone
            tls=str(secure.version() or "") if secure is not None else "",
            tls_name=str(secure.server_hostname or "") if secure is not None else "",
        )
    return Peer()


def inflated(raw: Iterator[bytes], window: int, max_bytes: int) -> Iterator[bytes]:
    """Decompress with a limit on every step: a bomb of a thousand to one never stands in memory."""
    unpacked, length = zlib.decompressobj(window), 0
    for piece in raw:
        rest = piece
        while rest:
            try:
                out = unpacked.decompress(rest, _PIECE)
            except zlib.error:
                raise NetFailure("malformed") from None
            length += len(out)
            if length > max_bytes:
                raise NetFailure("too-large")
            if out:
                yield out
            rest = b"" if unpacked.eof else unpacked.unconsumed_tail
    if not unpacked.eof:
        raise NetFailure("cut")
