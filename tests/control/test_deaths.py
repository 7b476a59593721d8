"""Ctrl-C, two writers at once, and death: of the service while it writes for somebody, and of who asked."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from ragkit import open_workspace
from ragkit.control.routed import routed
from ragkit.control.wire import SOCKET
from ragkit.ingest import run
from ragkit.ingest.conveyor import Conveyor
from ragkit.serve.writer import writer_of
from ragkit.testing import sockets
from ragkit.testing.service import OPEN, copy_shop, served

Serve = Callable[..., AbstractContextManager[Any]]
QUESTION = "How long is the warranty on a tent?"


def write_notes(folder: Path, *, count: int, sentences: int) -> None:
    """Documents that are to be synced."""
    notes = folder / "open" / "notes"
    notes.mkdir()
    for number in range(count):
        lamps = f"Lamps of series {number} stand on shelf {number}, below the lanterns of the series after. "
        (notes / f"{number}.md").write_text(f"# Note {number}\n\n{lamps * sentences}\n")


def cli(folder: Path, *command: str) -> subprocess.Popen[str]:
    """A verb in a process of its own, which takes Ctrl-C also where these tests run behind a `nohup … &`."""
    arguments = ["env", "--default-signal=INT", sys.executable, "-m", "ragkit", *command, "--workspace", str(folder)]
    return subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def report(process: subprocess.Popen[str]) -> Any:
    """What a verb printed with `--json`; it must have gone well."""
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    return json.loads(out)


def until(met: Callable[[], Any], *, seconds: float = 60) -> None:
    """Wait for something."""
    end = time.monotonic() + seconds
    while not met():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_a_service_killed_in_a_sync_loses_nothing(
    synced_shop: Path, tmp_path: Path, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Kill -9 while it writes: who waits is told; lock and socket stop nobody; the next service goes on from there."""
    folder = copy_shop(synced_shop, tmp_path / "shop", extra=OPEN)
    write_notes(folder, count=8, sentences=2)
    monkeypatch.setenv("RAGKIT_CRASH_POINT", "sync.before_publish")
    with serve(folder, tmp_path / "first.log") as service:
        monkeypatch.delenv("RAGKIT_CRASH_POINT")
        asking = cli(folder, "sync", "--json")
        _, err = asking.communicate(timeout=120)
        assert service.process.wait(60) == -signal.SIGKILL
    assert asking.returncode == 2
    assert "the service ended while it was writing" in err
    assert "Run it again" in err
    assert "Traceback" not in err
    assert (folder / ".ragkit" / SOCKET).exists(), "a killed service leaves its socket"
    with open_workspace(folder) as workspace:
        assert workspace.search(QUESTION)
    with sockets.loopback(), served(folder):
        both = [cli(folder, "sync", "--json") for _ in range(2)]  # two at once: one after the other
        reports = [report(one) for one in both]
    assert [one["deleted"] for one in reports] == [0, 0]
    assert sum(one["added"] for one in reports) == 8
    assert sorted(one["unchanged"] for one in reports) == [5, 13]
    assert not (folder / ".ragkit" / SOCKET).exists(), "one that ends removes it"
    with open_workspace(folder) as workspace:
        assert workspace.sync().unchanged == 13
        assert workspace.search(QUESTION)


def test_ctrl_c_stops_it_in_the_service(synced_shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was published stays, the rest comes with the next sync, and the user is told."""
    monkeypatch.setattr(run, "Conveyor", lambda *a, **k: Conveyor(*a, **{**k, "slab_chunks": 4}))
    folder = copy_shop(synced_shop, tmp_path / "shop", extra=OPEN)
    write_notes(folder, count=24, sentences=2)
    said: list[str] = []

    def press(stage: str, done: int, total: int | None) -> None:
        del done, total
        if stage != "wait" and not said:
            raise KeyboardInterrupt

    with sockets.loopback(), served(folder) as service:
        tenant = service.tenants.first
        here = routed(tenant.workspace, say=said.append)
        with pytest.raises(KeyboardInterrupt):
            here.sync(progress=press)
        assert said == [
            "Stopping it in the service; once more leaves without waiting.",
            "Stopped; run it again, and it goes on.",
        ]
        assert writer_of(tenant).running is None
        (documents,) = {one["documents"] for one in tenant.workspace.status()["collections"].values()}
        assert 5 < documents < 29
        rest = here.sync()
        assert (rest.added, rest.added + rest.unchanged) == (29 - documents, 29)


def test_the_command_line_stops_what_it_began(synced_shop: Path, tmp_path: Path) -> None:
    """SIGINT to a real process, SIGKILL to another: in both cases the writer is free again, and questions go on."""
    folder = copy_shop(synced_shop, tmp_path / "shop", extra=OPEN)
    with sockets.loopback(), served(folder) as service:
        tenant = service.tenants.first
        writer, stopped = writer_of(tenant), list[str]()
        sync = tenant.workspace.sync

        def slow(**options: Any) -> Any:
            try:
                while True:
                    options["progress"]("sync", 1, 2)
                    time.sleep(0.02)
            except BaseException as bad:
                stopped.append(type(bad).__name__)
                raise

        slow.__signature__ = __import__("inspect").signature(sync)  # type: ignore[attr-defined]
        tenant.workspace.sync = slow  # type: ignore[method-assign]
        interrupted = cli(folder, "sync", "--json")
        until(lambda: writer.running)
        assert tenant.workspace.search(QUESTION)
        interrupted.send_signal(signal.SIGINT)
        out, err = interrupted.communicate(timeout=120)
        assert interrupted.returncode != 0
        assert out == ""
        assert "Stopping it in the service" in err
        assert "Stopped; run it again" in err
        assert "Traceback" not in err
        killed = cli(folder, "sync")
        until(lambda: writer.running)
        killed.kill()
        killed.communicate()
        until(lambda: not writer.running)
        assert stopped == ["Stopped", "Stopped"]
        del tenant.workspace.sync  # type: ignore[method-assign]
        assert report(cli(folder, "sync", "--json"))["unchanged"] == 5


def test_what_cannot_be_stopped_is_told_to_be_done(synced_shop: Path, tmp_path: Path) -> None:
    """Ctrl-C in something short: it is done by then, the user is told so, and it is an interruption all the same."""
    folder = copy_shop(synced_shop, tmp_path / "shop", extra=OPEN)
    said: list[str] = []

    def press(*_: object) -> None:
        if not said:
            raise KeyboardInterrupt

    going = threading.Event()
    with sockets.loopback(), served(folder) as service:
        tenant = service.tenants.first

        def rebuild(*, progress: Any = None, principal: Any = None) -> None:
            del principal
            going.wait(0.5)
            progress.__self__.progress = ("index", 1, 1)  # told, and not looked at again
            going.wait(0.5)

        tenant.workspace.rebuild = rebuild  # type: ignore[method-assign]
        with pytest.raises(KeyboardInterrupt):
            routed(tenant.workspace, say=said.append).rebuild(progress=press)
    assert said[1] == "It was done before it could stop."
