"""Slow and greedy clients of a service, for ``serve_slow.py``: a process of its own, until it is ended.

A JSON object on standard input: ``host``, ``port``, ``count``, ``header`` (a line of the request that lets it in).
One third each sends headers that never end, a body that never ends, and does not read its reply; whoever is cut comes
again at once. Beside them a few send 10,000 headers, or bodies as long as they are let.
"""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import sys
from collections import Counter
from collections.abc import Awaitable, Callable

DRIP_S, PAUSE_S = 1.0, 0.2
FLOOD_BYTES = 64 * 2**20
CHUNK = b"10000\r\n" + b"x" * 65_536 + b"\r\n"
MANY = b"".join(b"X-%d: %d\r\n" % (number, number) for number in range(10_000))

told: Counter[str] = Counter()
Line = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Attack:
    """The kinds of clients of one service."""

    def __init__(self, host: str, port: int, header: str) -> None:
        self._host, self._port = host, port
        self._head = f"Host: {host}:{port}\r\n{header}".encode()

    async def slow_headers(self) -> None:
        """A header a second, and never the last one."""
        _, out = await self._open()
        out.write(b"GET /healthz HTTP/1.1\r\n" + self._head)
        await self._drip(out, b"X-A: 1\r\n")

    async def slow_body(self) -> None:
        """A byte a second of 5,000."""
        _, out = await self._open()
        kind = b"Content-Type: application/json\r\nContent-Length: 5000\r\n\r\n"
        out.write(b"POST /v1/search HTTP/1.1\r\n" + self._head + kind)
        await self._drip(out, b" ")

    async def slow_reader(self) -> None:
        """Asks for the longest reply there is, over and over on one connection, and reads nothing of it."""
        _, out = await self._open(takes=4_096)
        await self._drip(out, b"GET /openapi.json HTTP/1.1\r\n" + self._head + b"\r\n")

    async def many_headers(self) -> None:
        """Ten thousand."""
        got, out = await self._open()
        out.write(b"GET /healthz HTTP/1.1\r\n" + self._head + MANY + b"\r\n")
        told[f"headers {(await got.readline()).decode('latin-1').split(' ')[1]}"] += 1
        out.close()

    async def huge_body(self) -> None:
        """As much as it is let."""
        got, out = await self._open()
        kind = b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
        out.write(b"POST /v1/search HTTP/1.1\r\n" + self._head + kind)
        sent = 0
        while sent < FLOOD_BYTES and not got.at_eof():
            out.write(CHUNK)
            await out.drain()
            sent += len(CHUNK)
            await asyncio.sleep(0)
        told["huge bodies"] += 1
        told["huge MiB"] += sent // 2**20
        out.close()

    async def for_ever(self, kind: Callable[[], Awaitable[None]]) -> None:
        """One client of a kind; cut, it comes again."""
        while True:
            try:
                await kind()
            except (OSError, IndexError):
                told["cut"] += 1
            await asyncio.sleep(PAUSE_S)

    async def _open(self, takes: int | None = None) -> Line:
        line = socket.socket()
        line.setblocking(False)
        if takes:
            line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, takes)
        await asyncio.get_running_loop().sock_connect(line, (self._host, self._port))
        return await asyncio.open_connection(sock=line, limit=2**10 if takes else 2**16)

    async def _drip(self, out: asyncio.StreamWriter, piece: bytes) -> None:
        while True:
            out.write(piece)
            await out.drain()
            await asyncio.sleep(DRIP_S)


async def attack(order: dict[str, object]) -> None:
    """Run until the process is told to end."""
    loop, end = asyncio.get_running_loop(), asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, end.set)
    them, count = Attack(str(order["host"]), int(str(order["port"])), str(order["header"])), int(str(order["count"]))
    slow = [(them.slow_headers, them.slow_body, them.slow_reader)[number % 3] for number in range(count)]
    tasks = [asyncio.create_task(them.for_ever(kind)) for kind in slow]
    tasks += [asyncio.create_task(them.for_ever(kind)) for kind in (them.many_headers, them.huge_body)]
    await end.wait()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


if __name__ == "__main__":
    asyncio.run(attack(json.loads(sys.stdin.readline())))
    json.dump(told, sys.stdout)
