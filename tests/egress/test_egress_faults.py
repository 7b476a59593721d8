"""What a server can do wrong: a typed error in bounded time and memory, events in order, nothing sent twice in vain."""

from __future__ import annotations

import os
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from ragkit.egress.gateway import EgressGateway
from ragkit.errors import GeneratorGarbled, GeneratorRefused, GeneratorUnavailable, RagkitError
from ragkit.testing.egress_parts import BODY, CALL, Events
from ragkit.testing.faulty_server import FaultyServer, self_signed
from ragkit.testing.recording_server import RecordingServer

Make = Callable[..., EgressGateway]

ENDS: dict[str, tuple[type[RagkitError] | None, int]] = {
    # fault: the error, and how many requests the server gets with two retries
    "429": (GeneratorUnavailable, 3),
    "429-after": (GeneratorUnavailable, 3),
    "429-date": (GeneratorUnavailable, 1),
    "429-absurd": (GeneratorUnavailable, 1),
    "429-nonsense": (GeneratorUnavailable, 3),
    "400": (None, 1),
    "401": (None, 1),
    "500": (GeneratorUnavailable, 3),
    "502": (GeneratorUnavailable, 3),
    "redirect": (GeneratorRefused, 1),
    "reset": (GeneratorUnavailable, 3),
    "hang-up": (GeneratorUnavailable, 3),
    "tls-untrusted": (GeneratorUnavailable, 0),
    "garbage": (GeneratorGarbled, 1),
    "not-json": (None, 1),
    "empty": (None, 1),
    "big": (GeneratorGarbled, 1),
    "declared-big": (GeneratorGarbled, 1),
    "cut": (GeneratorGarbled, 3),
    "short": (GeneratorGarbled, 3),
    "stall": (GeneratorUnavailable, 3),
    "silent": (GeneratorUnavailable, 3),
    "endless": (GeneratorGarbled, 1),
    "drip": (GeneratorUnavailable, 1),
    "drip-head": (GeneratorUnavailable, 1),
    "heads": (GeneratorGarbled, 1),
    "wrong-model": (None, 1),
    "bomb": (GeneratorGarbled, 1),
    "odd-encoding": (GeneratorGarbled, 1),
}


@pytest.mark.parametrize("fault", ENDS)
def test_every_fault_ends_in_a_typed_error_in_time(fault: str, door: Make, events: Events) -> None:
    """Total 1 s and idle 0.3 s hold whatever the server does; each attempt has its intent before and its end after."""
    error, requests = ENDS[fault]
    with FaultyServer(fault) as server:
        gateway = door(server.url)
        server.warm()
        began = time.monotonic()
        if error is None:
            reply = gateway.post("/chat", BODY, headers={}, call=CALL)
            assert reply.status in (200, 400, 401)
        else:
            with pytest.raises(error) as caught:
                gateway.post("/chat", BODY, headers={"Authorization": "Bearer sk-secret"}, call=CALL)
            assert caught.value.remedy
            assert "try later" not in str(caught.value)
            assert "sk-secret" not in repr(caught.value)
        assert time.monotonic() - began < 2.5
        assert len(server.requests) == requests
    tries = max(requests, 1)
    assert events.kinds == ["intent", "done" if error is None else "failed"] * tries
    assert [data["attempt"] for kind, _, _, data in events.kept if kind == "egress.intent"] == [*range(1, tries + 1)]


@pytest.mark.parametrize("fault", ["big", "bomb", "endless", "crumbs", "heads"])
def test_memory_stays_bounded(fault: str, door: Make) -> None:
    """A body of 100 MB, plain or as a bomb of 100 kB, takes less than 50 MB; so does one without an end."""
    with FaultyServer(fault) as server:
        server.warm()
        most = {"endless": 500_000, "crumbs": 30_000}.get(fault, 10_000_000)
        gateway = door(server.url, max_reply_bytes=most, total_seconds=10, retries=0)
        with pytest.raises(GeneratorGarbled):  # once untraced: the server packs its bomb, libraries load
            gateway.post("/chat", BODY, headers={}, call=CALL)
        tracemalloc.start()
        try:
            with pytest.raises(GeneratorGarbled):
                gateway.post("/chat", BODY, headers={}, call=CALL)
            with pytest.raises(GeneratorGarbled), gateway.stream("/chat", BODY, headers={}, call=CALL) as reply:
                for _ in reply.pieces():
                    pass
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert peak < 50_000_000


def test_a_server_that_recovers_is_asked_again(door: Make, events: Events) -> None:
    """Two resets, then an answer: three requests, of the same bytes, and one reply."""
    with FaultyServer("reset", first=2) as server:
        reply = door(server.url, total_seconds=5).post("/chat", BODY, headers={}, call=CALL)
        assert reply.status == 200
        assert len(set(server.requests)) == 1
    assert events.kinds == ["intent", "failed", "intent", "failed", "intent", "done"]


@pytest.mark.parametrize(("fault", "error"), [("cut", GeneratorGarbled), ("stall", GeneratorUnavailable)])
def test_nothing_is_sent_again_after_the_first_byte_of_a_stream(
    fault: str, error: type[RagkitError], door: Make, events: Events
) -> None:
    """The caller has seen a piece, so a second answer would be another one."""
    with FaultyServer(fault) as server:
        with door(server.url).stream("/chat", BODY, headers={}, call=CALL) as reply:
            pieces = reply.pieces()
            assert next(pieces)
            with pytest.raises(error):
                list(pieces)
        assert len(server.requests) == 1
    assert events.kinds == ["intent", "failed"]


def test_a_stream_that_never_begins_is_sent_for_again(door: Make) -> None:
    """Before the first byte of the body nobody has seen anything."""
    with (
        FaultyServer("hang-up", first=1) as server,
        door(server.url).stream("/c", BODY, headers={}, call=CALL) as reply,
    ):
        assert b"Yes [1]" in b"".join(reply.pieces())


def test_a_stream_may_be_left(door: Make, events: Events) -> None:
    """Whoever has read enough leaves; the connection is closed and the end is recorded as such."""
    with FaultyServer("endless") as server:
        with door(server.url).stream("/chat", BODY, headers={}, call=CALL) as reply:
            assert next(reply.pieces())
        assert server.wait(0)
    kind, _, reason, data = events.kept[-1]
    assert (kind, reason) == ("egress.done", "left")
    assert data["bytes"] > 0


def test_slow_requests_end_too(door: Make) -> None:
    """A server that never reads what it is sent does not hold the caller longer than the total time."""
    with RecordingServer() as server:
        server._serve = lambda connection: time.sleep(1)  # type: ignore[method-assign]
        gateway = door(server.url, retries=0, total_seconds=0.4, max_request_bytes=50_000_000)
        began = time.monotonic()
        with pytest.raises(GeneratorUnavailable):
            gateway.post("/chat", b'"' + b"x" * 30_000_000 + b'"', headers={}, call=CALL)
        assert time.monotonic() - began < 2.5


def test_what_cannot_be_reached_says_so(door: Make, events: Events) -> None:
    """A closed port and a name that is none: typed, after all tries."""
    for url in ("http://127.0.0.1:9", "http://localhost:9"):
        with pytest.raises(GeneratorUnavailable, match="cannot be reached"):
            door(url).post("/chat", BODY, headers={}, call=CALL)
    assert {reason for kind, _, reason, _ in events.kept if kind == "egress.failed"} == {"connect"}


def test_tls_is_checked_against_the_destinations_own_certificates(door: Make, tmp_path: Path) -> None:
    """Trusted by its `ca_file`, and by nothing else."""
    context, pem = self_signed()
    (tmp_path / "ca.pem").write_bytes(pem)
    with RecordingServer(tls=context) as server:
        assert door(server.url, ca_file=tmp_path / "ca.pem").post("/c", BODY, headers={}, call=CALL).status == 200
        with pytest.raises(GeneratorUnavailable, match="certificate"):
            door(server.url).post("/chat", BODY, headers={}, call=CALL)
        other, _ = self_signed()
        assert other is not context
        (tmp_path / "other.pem").write_bytes(self_signed()[1])
        with pytest.raises(GeneratorUnavailable, match="certificate"):
            door(server.url, ca_file=tmp_path / "other.pem").post("/chat", BODY, headers={}, call=CALL)
    context, pem = self_signed("elsewhere.example")
    (tmp_path / "name.pem").write_bytes(pem)
    with RecordingServer(tls=context) as server, pytest.raises(GeneratorUnavailable, match="certificate"):
        door(server.url, ca_file=tmp_path / "name.pem").post("/chat", BODY, headers={}, call=CALL)
    assert not server.requests


def test_the_environment_says_nothing(door: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Proxies, certificates, key logs, `.netrc` of the environment: none is read, and none is asked for a key."""
    context, pem = self_signed()
    (tmp_path / "ca.pem").write_bytes(pem)
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login me password secret\n")
    with RecordingServer() as proxy, RecordingServer() as server, RecordingServer(tls=context) as secure:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        monkeypatch.setenv("NO_PROXY", "")
        monkeypatch.setenv("HOME", str(tmp_path))
        monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "keys.log"))
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
        monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
        door(server.url).post("/chat", BODY, headers={}, call=CALL)
        with pytest.raises(GeneratorUnavailable, match="certificate"):
            door(secure.url).post("/chat", BODY, headers={}, call=CALL)
        assert door(secure.url, ca_file=tmp_path / "ca.pem").post("/c", BODY, headers={}, call=CALL).status == 200
        assert b"uthorization" not in server.received
        assert not proxy.connections
    assert not (tmp_path / "keys.log").exists()
    assert os.environ["HTTP_PROXY"]


def test_a_declared_proxy_is_used(door: Make) -> None:
    """The whole URL goes to it, and no connection to the server itself."""
    with RecordingServer(reply=b'{"by": "proxy"}') as proxy, RecordingServer() as server:
        reply = door(server.url, proxy=proxy.url).post("/chat", BODY, headers={}, call=CALL)
        assert reply.body == b'{"by": "proxy"}'
        assert proxy.requests[0].startswith(f"POST {server.url}/chat HTTP/1.1".encode())
        assert not server.connections


def test_connections_are_kept_and_threads_share_them(door: Make) -> None:
    """Ten calls in a row go over one connection."""
    with RecordingServer() as server:
        gateway = door(server.url, idle_seconds=5, total_seconds=5)
        for _ in range(10):
            assert gateway.post("/chat", BODY, headers={}, call=CALL).status == 200
        assert server.connections == 1
