from __future__ import annotations

import json
import os
import resource
import socket
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import ragkit
from ragkit.control import server, wire
from ragkit.control.client import find_service
from ragkit.control.routed import routed
from ragkit.errors import (
    AccessDenied,
    BudgetExceeded,
    ConfigError,
    HeldBack,
    RagkitError,
    ServiceGone,
    WriterBusy,
)
from ragkit.serve.writer import Writer, writer_of
from ragkit.testing import sockets
from ragkit.testing.logs import soon
from ragkit.testing.service import OPEN, Served, copy_shop, served
from ragkit.types import Principal
from ragkit.workspace import Workspace

NAME = "Galina Yalmanova"


@pytest.fixture(scope="module")
def service(synced_shop: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A service in this process, over a shop of its own."""
    folder = copy_shop(synced_shop, tmp_path_factory.mktemp("socket") / "shop", extra=OPEN)
    with sockets.loopback(), served(folder) as found:
        yield found


@pytest.fixture
def workspace(service: Served) -> Workspace:
    """The workspace that it serves."""
    return service.tenants.first.workspace


@pytest.fixture
def here(workspace: Workspace) -> Workspace:
    """A stand-in as the command line has it."""
    return routed(workspace, say=lambda _: None)


def connected(workspace: Workspace) -> socket.socket:
    """A connection to the socket."""
    found = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    found.settimeout(20)
    found.connect(str(workspace.config.data_folder / wire.SOCKET))
    return found


def replies(connection: socket.socket) -> list[dict[str, Any]]:
    """Everything that is answered until the end."""
    raw = b""
    while piece := connection.recv(65_536):
        raw += piece
    return [json.loads(line) for line in raw.splitlines()]


def request(workspace: Workspace, **changed: Any) -> bytes:
    """A request that is in order but for what is changed."""
    message: Mapping[str, Any] = {
        "ragkit": wire.VERSION,
        "software": ragkit.__version__,
        "config": wire.config_mark(workspace.config),
        "verb": "mask_text",
        "arguments": {"text": "Nothing"},
        "as": None,
        **changed,
    }
    return json.dumps(message).encode() + b"\n"


BAD: Mapping[str, tuple[dict[str, Any], str]] = {
    "another protocol": ({"ragkit": 2}, "ServiceGone"),
    "another ragkit": ({"software": "0.0.1"}, "ServiceGone"),
    "another ragkit.toml": ({"config": "x"}, "ConfigError"),
    "an unknown verb": ({"verb": "close"}, "ConfigError"),
    "a verb that reads": ({"verb": "subjects.find"}, "ConfigError"),
    "an inner method": ({"verb": "_handles.secret"}, "ConfigError"),
    "a verb that is no text": ({"verb": {"sync": NAME}}, "ConfigError"),
    "no arguments": ({"arguments": None}, "ConfigError"),
    "an unknown argument": ({"arguments": {"text": "x", "extra": NAME}}, "ConfigError"),
    "somebody else by an argument": ({"arguments": {"text": "x", "principal": NAME}}, "ConfigError"),
    "an argument of another form": ({"arguments": {"text": {"of": NAME}}}, "ConfigError"),
    "a missing argument": ({"arguments": {}}, "RagkitError"),
    "a person of another form": ({"as": {"subject": 7, "groups": NAME}}, "ConfigError"),
    "an unknown collection": ({"arguments": {"text": "x", "collection": NAME}}, "ConfigError"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_is_not_in_order_is_refused_by_name(workspace: Workspace, case: str) -> None:
    """A request that is not in order gets one error, which repeats nothing of it; the service goes on."""
    changed, kind = BAD[case]
    with connected(workspace) as connection:
        connection.sendall(request(workspace, **changed))
        *before, last = replies(connection)
    assert last["error"]["kind"] == kind
    assert last["error"]["remedy"]
    assert all("error" not in one for one in before)
    assert NAME not in json.dumps([*before, last])
    assert workspace.search("How long is the warranty on a tent?")


@pytest.mark.parametrize(
    "raw",
    [b"\x00\xff\xfe garbage\n", b"[1, 2]\n", b"7\n", b"{" + b'"a":{' * 100_000 + b"\n", b'{"verb": NaN' + b"\n", b"\n"],
    ids=["bytes", "list", "number", "deep", "cut", "empty"],
)
def test_garbage_is_refused(workspace: Workspace, raw: bytes) -> None:
    """What is no message is told so."""
    with connected(workspace) as connection:
        connection.sendall(raw)
        (reply,) = replies(connection)
    assert "message is no JSON object" in reply["error"]["message"]


def test_a_line_of_100_mb_is_refused(workspace: Workspace) -> None:
    """Only its beginning is held in memory, the sender is told, and the next caller is served."""
    piece, sent = b"x" * 1_000_000, 0
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with connected(workspace) as connection:
        for _ in range(100):
            connection.sendall(piece)
            sent += len(piece)
        connection.shutdown(socket.SHUT_WR)
        (reply,) = replies(connection)
    assert "longer than" in reply["error"]["message"]
    assert reply["error"]["remedy"]
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown * 1024 < 2.5 * wire.LINE_BYTES
    with connected(workspace) as connection:
        connection.sendall(request(workspace))
        assert "result" in replies(connection)[-1]


def test_callers_who_say_nothing_are_bounded(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sixteen silent callers take all places: the next one is told so, and when they leave, others are served."""
    monkeypatch.setattr(server, "REQUEST_S", 90)
    silent = [connected(workspace) for _ in range(server.CONNECTIONS)]

    def probed() -> str:
        with connected(workspace) as connection:
            connection.sendall(b"{}\n")
            (reply,) = replies(connection)
        return str(reply["error"]["kind"])

    until, kind = time.monotonic() + 60, ""
    while kind != "WriterBusy":
        assert time.monotonic() < until
        kind = probed()
    for one in silent:
        one.close()
    while kind == "WriterBusy":
        assert time.monotonic() < until
        kind = probed()
    assert kind == "ServiceGone", "it was read, and is of no version"


def test_a_silent_caller_is_dropped(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever does not finish a message in time loses the connection."""
    monkeypatch.setattr(server, "REQUEST_S", 0.2)
    with connected(workspace) as connection:
        connection.sendall(b'{"verb"')
        assert replies(connection) == []


def test_the_socket_is_for_its_user_alone(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its mode and that of its folder keep others out; should one come through, the kernel says who it is."""
    folder = workspace.config.data_folder
    assert (folder / wire.SOCKET).stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o077 == 0
    assert wire.trusted(os.geteuid(), folder=folder)
    assert wire.trusted(0, folder=folder)
    assert not wire.trusted(max(os.geteuid(), folder.stat().st_uid) + 1, folder=folder)
    with connected(workspace) as connection:
        assert wire.peer(connection) == os.geteuid()
    monkeypatch.setattr(wire, "peer", lambda _: 4_000_000)
    with connected(workspace) as connection:
        connection.sendall(request(workspace))
        assert replies(connection)[-1]["error"]["kind"] == "AccessDenied"
    with pytest.raises(AccessDenied, match="another user's"):
        find_service(workspace.config)


CONNECT = "import socket, sys; socket.socket(socket.AF_UNIX).connect(sys.argv[1])"


def test_another_user_cannot_reach_it(workspace: Workspace) -> None:
    """A process of another user is refused by the kernel; who may not start one looks at its credentials above."""
    path = workspace.config.data_folder / wire.SOCKET
    if os.geteuid() != 0:
        assert path.stat().st_uid == os.geteuid()
        return
    done = subprocess.run(
        ["/usr/bin/python3", "-c", CONNECT, str(path)], user=65_534, group=65_534, capture_output=True, check=False
    )
    assert b"PermissionError" in done.stderr


def test_a_long_path_has_a_socket_all_the_same(tmp_path: Path) -> None:
    """Where the path is longer than the kernel takes, both ends go by the folder's descriptor."""
    folder = tmp_path / ("long" * 30)
    folder.mkdir()
    with socket.socket(socket.AF_UNIX) as listening, socket.socket(socket.AF_UNIX) as other:
        with wire.address(folder) as address:
            assert len(address) < 100
            listening.bind(address)
        listening.listen()
        with wire.address(folder) as address:
            other.connect(address)
    assert (folder / wire.SOCKET).exists()


def test_errors_come_back_as_they_are() -> None:
    """Class, message, remedy and attributes; a foreign error as its kind and place, without its text."""
    for failed in (
        HeldBack("held", holds=("a", "b"), remedy="wait"),
        BudgetExceeded("none", then="small", budget=3, remedy="pay"),
        WriterBusy("busy"),
    ):
        again = wire.raised(json.loads(json.dumps(wire.told(failed))))
        assert type(again) is type(failed)
        assert (str(again), again.remedy, vars(again)) == (str(failed), failed.remedy, {"remedy": ""} | vars(failed))
    try:
        raise ValueError(NAME)
    except ValueError as foreign:
        told = wire.told(foreign)
    assert NAME not in json.dumps(told)
    assert "ValueError" in told["message"]
    assert "test_server.py" in told["message"]
    assert type(wire.raised({"kind": "Path", "message": "x"})) is RagkitError


def test_who_asks_goes_along(here: Workspace) -> None:
    """The service refuses whom the library would refuse, by the same error."""
    with pytest.raises(AccessDenied, match="no ingester"):
        here.sync(principal=Principal("crm|eve", frozenset({"crm|staff"})))


def test_what_only_reads_is_done_here(here: Workspace, service: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """A dry run that takes no lock, and masking that keeps nothing, do not trouble the service."""
    monkeypatch.setattr(Writer, "submit", lambda *_: pytest.fail("the service was asked"))
    here.remask(dry_run=True)
    here.mask_text("Nothing", store=False)
    here.keeping.retain(dry_run=True)
    assert here.subjects.erase("galina.yalmanova@example.org", purpose="p", dry_run=True).destroyed


def test_a_caller_waits_its_turn_and_not_for_ever(
    service: Served, here: Workspace, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Behind a long write a short one waits, and is told what it waited for when it took too long."""
    writer, going = writer_of(service.tenants.first), threading.Event()
    monkeypatch.setattr(server, "WAIT_S", 0.3)
    held = writer.submit("remask", lambda _: going.wait(90))
    told: list[str] = []
    try:
        with pytest.raises(WriterBusy, match="remask, since 20"):
            here.rebuild(progress=lambda stage, *_: told.append(stage))
        assert told == ["wait"]
        monkeypatch.setattr(server, "WAIT_S", 30)
        threading.Timer(0.3, going.set).start()
        here.mask_text("Nothing")
    finally:
        going.set()
    assert held.future.result(10)


def test_a_full_queue_refuses(workspace: Workspace) -> None:
    """More than may wait are refused at once; what waits when the service stops is never begun."""
    going, begun = threading.Event(), list[int]()
    writer = Writer("full", waiting=2)
    first = writer.submit("sync", lambda _: going.wait(90))
    while writer.running is None:
        time.sleep(0.01)
    waiting = [writer.submit("mask", lambda _: begun.append(1)) for _ in range(2)]
    with pytest.raises(WriterBusy, match=r"sync, since 20.* and 2 more wait"):
        writer.submit("mask", lambda _: None)
    threading.Timer(0.2, going.set).start()
    assert writer.close(wait_s=60)
    assert first.future.result() is True
    assert all(one.future.cancelled() for one in waiting)
    assert not begun
    with pytest.raises(WriterBusy, match="stopping"):
        writer.submit("mask", lambda _: None)


def test_what_a_gone_caller_began_is_stopped_or_finished(workspace: Workspace, service: Served) -> None:
    """A sync stops where Ctrl-C would stop it; what should not be left half done goes on."""
    writer, calls = writer_of(service.tenants.first), threading.Event()
    for verb, arguments, stops in (("sync", {}, True), ("keys.rotate_wrapping", {}, False)):
        calls.clear()
        ahead = writer.submit("hold", lambda _: calls.wait(90))  # so that it is still to come when the caller goes
        with connected(workspace) as connection:
            connection.sendall(request(workspace, verb=verb, arguments=arguments))
            assert json.loads(connection.recv(4096).splitlines()[0]) == {"taken": True}
        job = writer._queue[0]
        if stops:
            assert soon(partial(getattr, job, "cancelled"))
        else:
            time.sleep(0.3)
        calls.set()
        ahead.future.result(60)
        if not stops:
            assert job.future.result(60).record_keys > 0


def test_the_service_says_that_it_is_stopping(synced_shop: Path, tmp_path: Path) -> None:
    """Whoever waits when the service stops gets that as an error, and the lock and the socket are free after."""
    folder = copy_shop(synced_shop, tmp_path / "shop", extra=OPEN)
    going = threading.Event()
    failed: list[BaseException] = []

    def wait(here: Workspace) -> None:
        try:
            here.rebuild()
        except BaseException as bad:
            failed.append(bad)

    with sockets.loopback(), served(folder) as service:
        writer = writer_of(service.tenants.first)
        writer.submit("remask", lambda _: going.wait(90))
        here = routed(service.tenants.first.workspace, say=lambda _: None)
        thread = threading.Thread(target=wait, args=(here,))
        thread.start()
        while not writer.waiting:
            time.sleep(0.01)
        threading.Timer(0.3, going.set).start()
    thread.join(10)
    assert isinstance(failed[0], ServiceGone)
    assert "stopping" in str(failed[0])
    assert not (folder / ".ragkit" / wire.SOCKET).exists()
    with ragkit.open_workspace(folder) as workspace:
        workspace.keys.rotate_wrapping()


def test_no_socket_no_service(synced_shop: Path, tmp_path: Path) -> None:
    """Without a socket, or with one that a killed service left, the command line writes by itself."""
    folder = copy_shop(synced_shop, tmp_path / "shop", extra=OPEN)
    with ragkit.open_workspace(folder) as workspace:
        assert find_service(workspace.config) is None
        with socket.socket(socket.AF_UNIX) as left:
            left.bind(str(folder / ".ragkit" / wire.SOCKET))
        assert find_service(workspace.config) is None
        routed(workspace, say=lambda _: None).keys.rotate_wrapping()


def test_a_service_that_does_not_answer_is_told(
    synced_shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that hangs, hangs up or talks nonsense costs the caller an error and not its patience."""
    from ragkit.control import client

    folder = copy_shop(synced_shop, tmp_path / "shop", extra=OPEN)
    monkeypatch.setattr(client, "TAKEN_S", 0.3)
    with ragkit.open_workspace(folder) as workspace, socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(folder / ".ragkit" / wire.SOCKET))
        listening.listen()
        for says, expected in (
            (None, "does not answer"),
            (b"", "ended while"),
            (b"nonsense\n", "does not answer"),
            (b'{"taken": true}\n{"result": 7}\n', "no result that can be read"),
        ):

            def act(says: bytes | None = says) -> None:
                other, _ = listening.accept()
                with other:
                    other.recv(65_536)
                    if says is None:
                        time.sleep(1)
                    else:
                        other.sendall(says)

            thread = threading.Thread(target=act)
            thread.start()
            with pytest.raises(ServiceGone, match=expected):
                routed(workspace, say=lambda _: None).sync()
            thread.join()


def test_the_configuration_is_compared_but_for_the_service_itself(workspace: Workspace) -> None:
    """A port is the service's own affair; a policy is not."""
    config = workspace.config
    mark = wire.config_mark(config)
    assert mark == wire.config_mark(config.model_copy(update={"serve": config.serve.model_copy(update={"port": 1})}))
    other = config.model_copy(update={"answers": config.answers.model_copy(update={"history": 99})})
    assert mark != wire.config_mark(other)
    with pytest.raises(ConfigError, match="another than when"):
        _served_with(workspace, mark="x")


def _served_with(workspace: Workspace, *, mark: str) -> None:
    service = find_service(workspace.config)
    assert service is not None
    service._mark = mark
    service.call("rebuild", {}, asking=None, progress=None)
