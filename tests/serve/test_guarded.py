"""Connections of clients that are slow, many, or gone, on real sockets; nobody else notices them."""

from __future__ import annotations

import json
import resource
import socket
import struct
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Request
from fastapi.responses import StreamingResponse

from ragkit.serve.admission import Admission
from ragkit.serve.listening import openable
from ragkit.testing.bare_service import BARE_CALLER, BareService, bare
from ragkit.testing.logs import soon

pytestmark = pytest.mark.usefixtures("loopback")

HEAD = b"POST /echo HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: text/plain\r\n"
GET = b"GET /ok HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


class Told:
    """Pieces that come when they are told to; remembers whether it was closed."""

    def __init__(self) -> None:
        self.go, self.closed, self.begun = threading.Semaphore(0), threading.Event(), threading.Event()

    def __call__(self) -> Iterator[bytes]:
        self.begun.set()
        try:
            while self.go.acquire(timeout=60):
                yield b"x" * 1_000
        finally:
            self.closed.set()

    def ends(self) -> bool:
        """Let another piece come; return whether nobody takes any more."""
        self.go.release()
        return self.closed.is_set()


def routes(told: Told) -> Callable[[FastAPI, Admission], None]:
    """Routes that answer, echo, and stream."""

    def add(app: FastAPI, admission: Admission) -> None:
        @app.get("/ok")
        async def ok() -> dict[str, bool]:
            return {"ok": True}

        @app.post("/echo")
        async def echo(request: Request) -> dict[str, int]:
            return {"bytes": len(await request.body())}

        @app.post("/unread")
        async def unread() -> dict[str, bool]:
            return {"read": False}

        @app.get("/pieces")
        async def pieces() -> StreamingResponse:
            return StreamingResponse(admission.stream(BARE_CALLER, told))

        @app.get("/first-piece")
        async def first_piece() -> dict[str, int]:
            return {"bytes": len(await anext(aiter(admission.stream(BARE_CALLER, told))))}

        @app.get("/flood")
        async def flood() -> StreamingResponse:
            async def endless() -> AsyncIterator[bytes]:
                while True:
                    yield b"x" * 65_536

            return StreamingResponse(endless())

    return add


def running(told: Told | None = None, **limits: Any) -> Any:
    """The routes behind these limits."""
    return bare({"limits": limits}, routes(told or Told()))


def read(line: socket.socket) -> bytes:
    """Everything until the other end closes."""
    got = b""
    try:
        while piece := line.recv(65_536):
            got += piece
    except ConnectionResetError:
        pass
    return got


def answer(line: socket.socket) -> bytes:
    """One whole reply."""
    got = line.recv(65_536)
    while b"\r\n\r\n" not in got:
        got += line.recv(65_536)
    head, body = got.split(b"\r\n\r\n", 1)
    length = int(next(one for one in head.lower().split(b"\r\n") if one.startswith(b"content-length")).split(b":")[1])
    while len(body) < length:
        body += line.recv(65_536)
    return head + b"\r\n\r\n" + body


def status(reply: bytes) -> int:
    """The status of the first reply."""
    return int(reply.split(b" ", 2)[1])


def answers(service: BareService) -> bool:
    """Whether somebody else is answered."""
    with service.connect() as line:
        line.sendall(GET)
        return status(line.recv(65_536)) == 200


def _refused(service: BareService) -> bool:
    """Whether nobody listens there any more."""
    try:
        service.connect().close()
    except ConnectionRefusedError:
        return True
    return False


def test_headers_that_do_not_end_in_time_are_answered_and_closed() -> None:
    """A byte now and then does not prolong it; a connection on which nothing came is closed without a word."""
    with running(header_seconds=1) as service, service.connect() as slow, service.connect() as silent:
        began = time.monotonic()
        slow.sendall(b"GET /ok HTTP/1.1\r\nHost: 127.0.0.1\r\n")
        for _ in range(3):
            time.sleep(0.1)
            slow.sendall(b"X-A: 1\r\n")
            assert answers(service)
        reply = read(slow)
        assert status(reply) == 408
        assert json.loads(reply.split(b"\r\n\r\n", 1)[1])["error"]["code"] == "header_timeout"
        assert read(silent) == b""
        assert 0.9 < time.monotonic() - began < 25


def test_the_time_for_headers_holds_for_the_second_request_of_a_connection_too() -> None:
    """Counted from its first byte, not from the end of the request before."""
    with running(header_seconds=0.3) as service, service.connect() as line:
        line.sendall(GET)
        assert status(line.recv(65_536)) == 200
        time.sleep(0.5)
        line.sendall(GET[:10])
        assert status(read(line)) == 408


def test_headers_without_end_or_too_long_are_refused() -> None:
    """Whether they come piece by piece or at once."""
    with running(header_bytes=4_096) as service:
        for sent in (GET[:-2] + b"X-A: " + b"a" * 9_000, GET[:-2] + b"X-A: " + b"a" * 5_000 + b"\r\n\r\n"):
            with service.connect() as line:
                line.sendall(sent)
                assert status(answer(line)) == 431
        with service.connect() as line:
            line.sendall(GET[:-2] + b"".join(b"X-%d: 1\r\n" % number for number in range(10_000)))
            assert status(answer(line)) == 431
        assert answers(service)


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (b"NOT HTTP\r\n\r\n", 400),
        (b"GET /ok HTTP/1.1\r\n\r\n", 400),
        (b"GET /ok HTTP/1.0\r\n\r\n", 421),
        (b"GET /ok HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
        (HEAD + b"Content-Length: -1\r\n\r\n", 400),
        (HEAD + b"Content-Length: abc\r\n\r\n", 400),
        (HEAD + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab", 400),
        (HEAD + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (HEAD + b"Transfer-Encoding: gzip\r\n\r\n", 400),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
    ],
)
def test_what_is_no_request_gets_the_same_json_as_every_error(sent: bytes, expected: int) -> None:
    """And the headers of every reply; nothing that was sent comes back."""
    with running() as service, service.connect() as line:
        line.sendall(sent)
        reply = answer(line)
        head, body = reply.split(b"\r\n\r\n", 1)
        assert status(reply) == expected
        assert set(json.loads(body)["error"]) == {"code", "message", "type", "param", "remedy", "request_id"}
        assert b"nosniff" in head
        assert answers(service)


def test_a_body_that_does_not_come_in_time_is_answered() -> None:
    """However steadily it drips."""
    with running(body_seconds=0.3) as service, service.connect() as line:
        line.sendall(HEAD + b"Content-Length: 100\r\n\r\n")
        for _ in range(6):
            line.sendall(b"x")
            time.sleep(0.1)
        reply = read(line)
        assert status(reply) == 408
        assert b"body_timeout" in reply


def test_a_body_that_is_too_long_is_refused_before_and_while_it_comes() -> None:
    """By its announced length, and by its bytes where none is announced; the reply can be read."""
    with running(body_bytes=10_000) as service:
        reply = httpx.post(f"{service.url}/echo", content=b"x" * 5_000_000, trust_env=False)
        assert (reply.status_code, reply.json()["error"]["code"]) == (413, "body_too_large")
        chunked = httpx.post(f"{service.url}/echo", content=iter([b"x" * 1_000] * 2_000), trust_env=False)
        assert chunked.status_code == 413
        assert httpx.post(f"{service.url}/echo", content=b"x" * 10_000, trust_env=False).json() == {"bytes": 10_000}


def test_a_body_that_nobody_wants_is_not_read_for_ever() -> None:
    """What comes after the reply is thrown away for a moment, then the connection is closed."""
    with running() as service, service.connect() as line:
        line.sendall(HEAD.replace(b"/echo", b"/unread") + b"Transfer-Encoding: chunked\r\n\r\n")
        assert status(line.recv(65_536)) == 200
        until, chunk = time.monotonic() + 60, b"3e8\r\n" + b"x" * 1_000 + b"\r\n"
        with pytest.raises(OSError, match=r"Broken pipe|reset"):  # noqa: PT012 - one of many sends
            while time.monotonic() < until:
                line.sendall(chunk)
                time.sleep(0.01)
        assert answers(service)


def test_of_too_many_connections_the_one_goes_that_is_idle_longest() -> None:
    """Whoever holds all of them cannot keep others out, and loses none that is being answered."""
    told = Told()
    with running(told, connections=5, header_seconds=30) as service:
        busy = service.connect()
        busy.sendall(b"GET /pieces HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        assert told.begun.wait(60)
        held = [service.connect() for _ in range(4)]
        for line in held:
            line.sendall(b"GET /ok HTTP/1.1\r\n")
        time.sleep(0.2)
        assert answers(service)
        assert read(held[0]) == b""
        told.go.release()
        assert status(busy.recv(65_536)) == 200
        busy.close()
        told.go.release()
        for line in held[1:]:
            line.close()


def test_when_every_connection_is_being_answered_a_further_one_is_told_to_come_again() -> None:
    """503 with a time."""
    told = Told()
    with running(told, connections=1) as service, service.connect() as busy:
        busy.sendall(b"GET /pieces HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        assert told.begun.wait(60)
        with service.connect() as other:
            reply = read(other)
            assert status(reply) == 503
            assert b"Retry-After: 1" in reply
        told.go.release(2)


def test_a_client_that_leaves_a_stream_has_its_iterator_closed_and_its_place_given_back() -> None:
    """After the first piece."""
    told = Told()
    with running(told) as service:
        with service.connect() as line:
            line.sendall(b"GET /pieces HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            told.go.release()
            assert b"200" in line.recv(200)
        assert soon(told.ends)
        assert soon(lambda: service.admission.places.running() == 0)


def test_a_client_that_leaves_before_the_first_piece_has_its_place_given_back() -> None:
    """Also where the route waits for the first piece before it answers, and the client resets rather than closes."""
    for path in (b"/pieces", b"/first-piece"):
        told = Told()
        with running(told) as service:
            line = service.connect()
            line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            line.sendall(b"GET " + path + b" HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            assert told.begun.wait(60)
            line.close()
            assert soon(told.ends)
            assert soon(lambda: service.admission.places.running() == 0)


def test_who_waits_and_leaves_is_out_of_the_line() -> None:
    """Its turn goes to the next one; its work is never begun."""
    told = Told()
    with running(told, running=1) as service, service.connect() as first:
        first.sendall(b"GET /pieces HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        assert told.begun.wait(60)
        second = service.connect()
        second.sendall(b"GET /first-piece HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        assert soon(lambda: service.admission.places.waiting() == 1)
        second.close()
        assert soon(lambda: service.admission.places.waiting() == 0)
        assert soon(lambda: any(one.get("code") == "client_gone" for one in service.log))
        told.go.release(2)


def test_a_reader_that_does_not_read_is_cut() -> None:
    """An endless reply is not kept for it, and others are answered meanwhile."""
    told = Told()
    with running(told, body_seconds=0.5) as service, service.connect(receive_bytes=4_096) as line:
        line.sendall(b"GET /flood HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        assert answers(service)
        assert soon(lambda: any(one.get("cut") for one in service.log))
        assert soon(lambda: not service.server.server_state.tasks)


def test_a_running_stream_ends_in_its_own_time_when_the_service_stops() -> None:
    """What came before the signal is answered to the end, nothing new is taken, and the application ends after it."""
    told = Told()
    with running(told, stop_seconds=10) as service, service.connect() as line:
        line.sendall(b"GET /first-piece HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        assert told.begun.wait(60)
        service.server.handle_exit(15, None)
        assert soon(lambda: _refused(service))
        assert not service.ended.is_set()
        told.go.release()
        assert status(read(line)) == 200
        told.go.release()
        assert service.ended.wait(60)


@pytest.mark.parametrize("second", [False, True], ids=["time", "second signal"])
def test_what_does_not_end_is_cut_by_the_time_or_a_second_signal(second: bool) -> None:
    """And the application is ended all the same."""
    told = Told()
    with running(told, stop_seconds=60 if second else 0.3) as service, service.connect() as line:
        line.sendall(b"GET /pieces HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        assert told.begun.wait(60)
        service.server.handle_exit(15, None)
        if second:
            time.sleep(0.2)
            assert not service.ended.is_set()
            service.server.handle_exit(15, None)
        assert service.ended.wait(60)
        assert b"0\r\n\r\n" not in read(line)
        told.go.release()
        assert told.closed.wait(60)


def test_room_for_connections_is_asked_for_and_no_more_are_taken_than_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process without room for one more connection could let nobody in, and not close one either."""
    asked: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "setrlimit", lambda _, both: asked.append(both))
    for soft, hard, expected in ((1_024, 4_096, 2_000), (1_024, 2_000, 1_488), (8_192, 8_192, 2_000), (64, 64, 1)):
        monkeypatch.setattr(resource, "getrlimit", lambda _, both=(soft, hard): both)
        assert openable(2_000) == expected
    assert asked == [(2_512, 4_096), (2_000, 2_000), (64, 64)]
