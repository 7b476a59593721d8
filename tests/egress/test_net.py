"""The client under the gateway: one host, no more time and no more bytes than agreed."""

from __future__ import annotations

import gzip
import pickle
import subprocess
import sys
import time
import zlib
from typing import Any

import pytest

from ragkit.net import HttpClient
from ragkit.net_replies import inflated
from ragkit.net_sockets import GuardedBackend, NetFailure, Patience, resolve, tls_context
from ragkit.testing.recording_server import RecordingServer


class NoBackend:
    """A backend that must not be asked."""

    def connect_tcp(self, *_: Any) -> Any:
        """Fail."""
        raise AssertionError


@pytest.mark.parametrize(("host", "port"), [("127.0.0.2", 80), ("127.0.0.1", 81), ("evil.example", 80)])
def test_no_other_host_or_port_is_connected_to(host: str, port: int) -> None:
    """At the place where sockets are opened, whatever the layers above were told."""
    backend = GuardedBackend(NoBackend(), "127.0.0.1", 80, only_here=True)
    with pytest.raises(NetFailure, match="not the host"):
        backend.connect_tcp(host, port, timeout=1)
    with pytest.raises(NetFailure, match="not the host"):
        backend.connect_unix_socket("/run/x.sock")


def test_plain_http_reaches_this_machine_only() -> None:
    """Also where the name of this machine means another address."""
    backend = GuardedBackend(NoBackend(), "192.0.2.1", 80, only_here=True)
    with pytest.raises(NetFailure, match="not the host"):
        backend.connect_tcp("192.0.2.1", 80, timeout=1)


def test_waits_end_with_the_call() -> None:
    """A wait is the shorter of its own length and what is left of the whole; after that there is none."""
    until = time.monotonic() + 5
    assert Patience(20, until) <= 5
    assert 4 < Patience(20, until).left() <= 5
    assert Patience(1, until).left() == 1
    with pytest.raises(NetFailure) as over:
        Patience(1, time.monotonic() - 1).left()
    assert over.value.word == "deadline"


def test_addresses_are_not_looked_up() -> None:
    """What is an address already needs no name server."""
    assert resolve("127.0.0.1", 80, 1) == ["127.0.0.1"]
    assert resolve("::1", 80, 1) == ["::1"]


@pytest.mark.parametrize("window", [31, 15])
def test_decompression_is_bounded_at_every_step(window: int) -> None:
    """The bomb stops at the limit; a whole body comes out whole; a broken one and a cut one say so."""
    pack = gzip.compress if window == 31 else zlib.compress
    assert b"".join(inflated(iter([pack(b"abc" * 1000)]), window, 10_000)) == b"abc" * 1000
    pieces: list[bytes] = []
    with pytest.raises(NetFailure) as grown:
        pieces.extend(inflated(iter([pack(b"\0" * 5_000_000)]), window, 200_000))
    assert grown.value.word == "too-large"
    assert all(len(piece) <= 65_536 for piece in pieces)
    with pytest.raises(NetFailure) as cut:
        list(inflated(iter([pack(b"abc" * 1000)[:-12]]), window, 10_000))
    assert cut.value.word == "cut"
    with pytest.raises(NetFailure) as broken:
        list(inflated(iter([b"no such thing"]), window, 10_000))
    assert broken.value.word == "malformed"


def test_compressed_replies_come_out_plain() -> None:
    """A server may compress although it was asked not to."""
    packed = gzip.compress(b'{"ok": 1}')
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(packed)}\r\n\r\n".encode()
    with RecordingServer(answer=lambda _: head + packed) as server:
        client = HttpClient(server.url, purpose="test")
        with client.open("GET", "/x", headers={}, body=b"", seconds=5) as reply:
            assert b"".join(reply.pieces()) == b'{"ok": 1}'
        client.close()
        client.close()


def test_callers_do_not_set_what_belongs_to_the_connection() -> None:
    """Host, length and connection headers are the client's own."""
    with RecordingServer() as server:
        client = HttpClient(server.url, purpose="test")
        given = {"Host": "evil.example", "Transfer-Encoding": "chunked", "Content-Length": "999", "Cookie": "a=b"}
        with client.open("POST", "/x", headers=given, body=b"{}", seconds=5) as reply:
            assert reply.status == 200
        client.close()
        assert b"evil" not in server.received
        assert b"chunked" not in server.received
        assert b"Content-Length: 2\r\n" in server.received


def test_a_purpose_and_a_url_are_needed(tmp_path: Any) -> None:
    """Nobody opens connections without saying what for; a file that holds no certificates is refused."""
    for url, purpose in (("ftp://host", "test"), ("https://", "test"), ("https://host", ""), ("https://host", "A b")):
        with pytest.raises(ValueError, match="purpose"):
            HttpClient(url, purpose=purpose)
    (tmp_path / "empty.pem").write_text("nothing")
    for name in ("empty.pem", "absent.pem"):
        with pytest.raises(NetFailure, match="certificate"):
            tls_context(tmp_path / name)
    failure = pickle.loads(pickle.dumps(NetFailure("tls")))
    assert (failure.word, bool(failure.remedy)) == ("tls", True)


def test_importing_and_making_a_gateway_loads_no_http_library() -> None:
    """Nor a certificate: whoever answers in process pays nothing."""
    code = (
        "import sys\n"
        "from ragkit.egress.gateway import EgressGateway\n"
        "from ragkit.config_answering import DestinationSection\n"
        "s = DestinationSection(url='https://llm.example', location='remote', provider='p')\n"
        "EgressGateway('box', s, scanner=None, recorder=None)\n"
        "print(sorted({'httpcore', 'h11', 'certifi', 'httpx'} & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
