"""Second places: a file, a syslog server; required or not; failing, hanging, replaced, and coming back."""

from __future__ import annotations

import os
import re
import socket
import stat
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ragkit.audit import sinks, worker
from ragkit.audit.reading import read_events
from ragkit.audit.segments import segment_paths
from ragkit.audit.sinks import FileSink
from ragkit.errors import AuditUnavailable
from ragkit.net_syslog import SyslogSink
from ragkit.testing.logs import Hanging, added, documents, is_whole, kinds, recorder, released, soon

_HEADER = re.compile(rb"<110>1 (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z) - ragkit (\d+) event - ")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Try again soon, so that the tests do not wait."""
    monkeypatch.setattr(sinks, "_AGAIN", 0.05)
    monkeypatch.setattr(worker, "_POLL", 0.05)


def lines(folder: Path) -> list[bytes]:
    """All lines of the log."""
    return [line for path in segment_paths(folder) for line in path.read_bytes().splitlines()]


@pytest.mark.parametrize("required", [True, False])
def test_a_file_gets_every_line(tmp_path: Path, required: bool) -> None:
    """The same bytes in the same order; private; two processes' worth; drained when the recorder is closed."""
    for _ in range(2):
        events = recorder(tmp_path / "events", sinks=[FileSink(tmp_path / "copy", name="copy", required=required)])
        for number in range(20):
            events.record("doc.added", data=added(number))
        if required:
            assert (tmp_path / "copy").read_bytes().splitlines() == lines(tmp_path / "events")
        events.close()
    assert (tmp_path / "copy").read_bytes().splitlines() == lines(tmp_path / "events")
    assert stat.S_IMODE((tmp_path / "copy").stat().st_mode) == 0o600


@pytest.mark.parametrize("how", ["unlinked", "replaced"])
def test_a_file_that_went_away_is_noticed(tmp_path: Path, how: str) -> None:
    """The copy goes on in the file that is there now, and the log says that the old one is gone."""
    copy = tmp_path / "copy"
    events = recorder(tmp_path / "events", sinks=[FileSink(copy, name="copy", required=True)])
    events.record("doc.added", data=added(1))
    if how == "unlinked":
        copy.unlink()
    else:
        (tmp_path / "other").write_bytes(b"half a line")
        (tmp_path / "other").rename(copy)
    events.record("doc.added", data=added(2))
    assert soon(lambda: "sink.recovered" in kinds(tmp_path / "events"))
    (failed,) = read_events(tmp_path / "events", kind="sink.failed")
    (back,) = read_events(tmp_path / "events", kind="sink.recovered")
    assert (failed["data"], failed["outcome"]) == ({"sink": "copy", "code": "replaced"}, "degraded")
    assert back["data"] == {"sink": "copy", "lost": 0}
    assert soon(lambda: copy.read_bytes().splitlines()[-3:] == lines(tmp_path / "events")[-3:])
    assert copy.read_bytes().startswith(b"half a line\n") == (how == "replaced")


def test_without_a_required_place_nothing_is_done(tmp_path: Path) -> None:
    """The caller is told which; when the place is back, so is recording; what it lacks is counted."""
    (tmp_path / "there").mkdir()
    sink = FileSink(tmp_path / "there" / "copy", name="copy", required=True)
    events = recorder(tmp_path / "events", sinks=[sink])
    events.record("doc.added", data=added(1))
    sink.close()
    (tmp_path / "there").rename(tmp_path / "away")
    with pytest.raises(AuditUnavailable, match="sink copy: enoent") as caught:
        events.record("doc.added", data=added(2))
    assert "[[audit.sinks]]" in caught.value.remedy
    assert (caught.value.code, caught.value.status) == ("audit_unavailable", 503)
    (tmp_path / "away").rename(tmp_path / "there")

    def back() -> bool:
        try:
            events.record("doc.added", data=added(3))
        except AuditUnavailable:
            return False
        return True

    assert soon(back)
    events.close()
    assert is_whole(tmp_path / "events")
    (recovered,) = read_events(tmp_path / "events", kind="sink.recovered")
    whole, copied = lines(tmp_path / "events"), (tmp_path / "there" / "copy").read_bytes().splitlines()
    assert recovered["data"]["lost"] == len(whole) - len(copied) > 0
    assert set(copied) < set(whole)
    resumed = [event["data"] for event in read_events(tmp_path / "events", kind="log.resumed")]
    assert sum(one["events"] for one in resumed) == sum(one["written"] for one in resumed) >= 1


def test_a_place_that_is_not_required_is_not_waited_for(tmp_path: Path) -> None:
    """A pipe that nobody reads holds its own thread; the log says so after the timeout, and again when it is read."""
    os.mkfifo(tmp_path / "pipe")
    events = recorder(tmp_path / "events", sinks=[FileSink(tmp_path / "pipe", name="pipe", timeout=0.2)])
    began = time.monotonic()
    for number in range(30):
        events.record("doc.added", data=added(number))
    assert time.monotonic() - began < 0.2
    assert soon(lambda: "sink.failed" in kinds(tmp_path / "events"))
    for number in range(30, 40):
        events.record("doc.added", data=added(number))
    reading = os.open(tmp_path / "pipe", os.O_RDONLY)
    assert soon(lambda: (events.record("doc.added", data=added(99)), "sink.recovered" in kinds(tmp_path / "events"))[1])
    events.close()
    (failed,) = read_events(tmp_path / "events", kind="sink.failed")
    (back,) = read_events(tmp_path / "events", kind="sink.recovered")
    assert failed["data"]["code"] == "etimedout"
    assert back["data"]["lost"] >= 10
    taken = b""
    while piece := os.read(reading, 65_536):
        taken += piece
    os.close(reading)
    whole = lines(tmp_path / "events")
    assert set(taken.splitlines()) < set(whole)
    assert len(whole) - len(taken.splitlines()) == back["data"]["lost"]
    assert documents(tmp_path / "events")[:40] == list(range(40))


def test_a_required_place_that_hangs_holds_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first caller is told after the timeout, the next at once; when it answers, all goes on."""
    disk = Hanging(monkeypatch, "write", tmp_path / "copies")
    (tmp_path / "copies").mkdir()
    sink = FileSink(tmp_path / "copies" / "copy", name="copy", timeout=0.3, required=True)
    events = recorder(tmp_path / "events", sinks=[sink])
    events.record("doc.added", data=added(0))
    with disk.hung():
        for place in range(3):
            began = time.monotonic()
            with pytest.raises(AuditUnavailable, match="sink copy: etimedout"):
                events.record("answer.released", data=released(place))
            took = time.monotonic() - began
            assert 0.25 < took < 2 if place == 0 else took < 0.1
    assert soon(lambda: _recorded(events))
    events.close()
    assert is_whole(tmp_path / "events")
    copied = (tmp_path / "copies" / "copy").read_bytes().splitlines()
    assert len(set(copied)) == len(copied)
    (back,) = read_events(tmp_path / "events", kind="sink.recovered")
    assert back["data"]["lost"] == len(lines(tmp_path / "events")) - len(copied)


def _recorded(events: Any) -> bool:
    try:
        events.record("doc.added", data=added(1))
    except AuditUnavailable:
        return False
    return True


def test_a_forked_child_writes_for_itself(tmp_path: Path) -> None:
    """The place is opened anew in the child, and both copies are whole."""
    import multiprocessing

    events = recorder(tmp_path / "events", sinks=[FileSink(tmp_path / "copy", name="copy", required=True)])
    events.record("doc.added", data=added(1))
    child = multiprocessing.get_context("fork").Process(
        target=events.record, args=("doc.added",), kwargs={"data": added(2)}
    )
    child.start()
    child.join(30)
    assert child.exitcode == 0
    events.record("doc.added", data=added(3))
    assert (tmp_path / "copy").read_bytes().splitlines() == lines(tmp_path / "events")


# --- syslog -----------------------------------------------------------------------------------------------------------


class Server:
    """A syslog server that keeps what it is sent; with ``reads`` off, it only takes connections."""

    def __init__(self, *, reads: bool = True, port: int = 0) -> None:
        self.taken: list[bytes] = []
        self.reads = reads
        self._listening = socket.socket()
        self._listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self._listening.bind(("127.0.0.1", port))
        self._listening.listen()
        self.port = self._listening.getsockname()[1]
        self._links: list[socket.socket] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                link, _ = self._listening.accept()
            except OSError:
                return
            self._links.append(link)
            self.taken.append(b"")
            threading.Thread(target=self._read, args=(link, len(self.taken) - 1), daemon=True).start()

    def _read(self, link: socket.socket, place: int) -> None:
        while True:
            if not self.reads:
                time.sleep(0.02)
                continue
            try:
                piece = link.recv(65_536)
            except OSError:
                return
            if not piece:
                return
            self.taken[place] += piece

    def messages(self) -> list[bytes]:
        """What was sent whole, by octet counting."""
        found = []
        for rest in self.taken:
            while rest:
                length, _, rest = rest.partition(b" ")
                if len(rest) < int(length):
                    break
                found.append(rest[: int(length)])
                rest = rest[int(length) :]
        return found

    def stop(self) -> None:
        """Drop every connection."""
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        for link in self._links:
            link.shutdown(socket.SHUT_RDWR)
            link.close()


@pytest.fixture
def server(loopback: None) -> Iterator[Server]:
    """A server on this machine."""
    running = Server()
    yield running
    running.stop()


def test_a_datagram_is_a_message_of_rfc_5424(tmp_path: Path) -> None:
    """Priority, version, time, no machine, application, process, kind; then the line as it is."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as log:
        log.bind(str(tmp_path / "log"))
        events = recorder(tmp_path / "events", sinks=[SyslogSink(f"unix:{tmp_path}/log", name="local", required=True)])
        events.record("doc.added", data=added(1))
        events.close()
        taken = [log.recv(65_536) for _ in range(3)]
    for message, line in zip(taken, lines(tmp_path / "events"), strict=True):
        header = _HEADER.match(message)
        assert header is not None
        assert int(header[2]) == os.getpid()
        assert message[header.end() :] == line
        assert socket.gethostname().encode() not in message[: header.end()]


def test_a_local_server_that_listens_for_streams_is_found(tmp_path: Path) -> None:
    """The same address serves both kinds; a stream is counted."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listening:
        listening.bind(str(tmp_path / "log"))
        listening.listen()
        sink = SyslogSink(f"unix:{tmp_path}/log", name="local")
        sink.write([b"one"])
        link, _ = listening.accept()
        with link:
            length, _, message = link.recv(1000).partition(b" ")
        sink.close()
    assert (int(length), message[-5:]) == (len(message), b"- one")


def test_messages_over_tcp_are_counted(tmp_path: Path, server: Server) -> None:
    """RFC 6587, octet counting: every line arrives whole, in order."""
    sink = SyslogSink(f"tcp://127.0.0.1:{server.port}", name="siem", required=True)
    events = recorder(tmp_path / "events", sinks=[sink])
    for number in range(50):
        events.record("doc.added", data=added(number))
    events.close()
    whole = lines(tmp_path / "events")
    assert soon(lambda: len(server.messages()) == len(whole))
    assert [_HEADER.sub(b"", message) for message in server.messages()] == whole


@pytest.mark.usefixtures("loopback")
def test_messages_by_udp() -> None:
    """One datagram a line; one that is too long for it fails alone, and the way stays open."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as log:
        log.bind(("127.0.0.1", 0))
        log.settimeout(5)
        sink = SyslogSink(f"udp://127.0.0.1:{log.getsockname()[1]}", name="siem", timeout=1)
        sink.write([b"one", b"two"])
        assert [log.recv(1000)[-5:] for _ in range(2)] == [b"- one", b"- two"]
        with pytest.raises(OSError, match="too long"):
            sink.write([b"x" * 70_000])
        sink.write([b"three"])
        assert log.recv(1000).endswith(b"three")
        sink.close()


@pytest.mark.usefixtures("loopback")
def test_a_server_that_comes_back_is_used_again(tmp_path: Path) -> None:
    """While it is away, events are recorded here and their loss there is counted; no hand is needed."""
    first = Server()
    sink = SyslogSink(f"tcp://127.0.0.1:{first.port}", name="siem", timeout=1)
    events = recorder(tmp_path / "events", sinks=[sink])
    events.record("doc.added", data=added(1))
    assert soon(lambda: len(first.messages()) == 2)
    first.stop()
    assert soon(lambda: (events.record("doc.added", data=added(2)), "sink.failed" in kinds(tmp_path / "events"))[1])
    second = Server(port=first.port)
    assert soon(lambda: (events.record("doc.added", data=added(3)), "sink.recovered" in kinds(tmp_path / "events"))[1])
    events.close()
    (failed,) = read_events(tmp_path / "events", kind="sink.failed")
    assert failed["data"]["code"] in ("econnrefused", "econnreset", "epipe")
    (back,) = read_events(tmp_path / "events", kind="sink.recovered")
    whole = lines(tmp_path / "events")
    assert soon(lambda: len(first.messages()) + len(second.messages()) == len(whole) - back["data"]["lost"])
    assert is_whole(tmp_path / "events")
    second.stop()


@pytest.mark.usefixtures("loopback")
def test_a_server_that_does_not_read_times_out(tmp_path: Path) -> None:
    """Its buffers fill; then a required one refuses within its timeout, and what was half sent is not gone on with."""
    server = Server(reads=False)
    sink = SyslogSink(f"tcp://127.0.0.1:{server.port}", name="siem", timeout=0.3, required=True)
    events = recorder(tmp_path / "events", sinks=[sink], timeout=1)
    chunk = {"chunk": 1, "doc": "k7f3qx9m2t4bk7f3qx9m2t4b22", "version": 1, "text": "hmac-sha256:" + "0" * 64}
    slowest = [0.0]

    def fill() -> None:
        for _ in range(200):
            began = time.monotonic()
            try:
                events.record("retrieval.done", data={"chunks": [chunk] * 500})
            finally:
                slowest.append(time.monotonic() - began)

    with pytest.raises(AuditUnavailable, match="sink siem: e"):
        fill()
    assert max(slowest) < 2
    server.reads = True
    assert soon(lambda: _recorded(events))
    events.close()
    whole = lines(tmp_path / "events")
    (back,) = read_events(tmp_path / "events", kind="sink.recovered")
    assert soon(lambda: len(server.messages()) == len(whole) - back["data"]["lost"])
    assert {_HEADER.sub(b"", message) for message in server.messages()} < set(whole)
    server.stop()


@pytest.mark.parametrize(
    "address", ["/dev/log", "tcp://", "https://host:1", "udp://host/x", "unix:log", "tcp://h:99999"]
)
def test_only_syslog_addresses_are_taken(address: str) -> None:
    """Anything else is refused before the first event."""
    with pytest.raises(ValueError, match=r"address|Port"):
        SyslogSink(address, name="siem")
