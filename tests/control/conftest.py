"""A real `ragkit serve` over a copy of the synced shop."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from ragkit.control.wire import SOCKET

WAIT_S = 120.0


@dataclass
class Running:
    """A service in a process of its own.

    Attributes:
        folder: Its workspace.
        process: It.
        log: Everything it printed.
    """

    folder: Path
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def socket(self) -> Path:
        """Its control socket."""
        return self.folder / ".ragkit" / SOCKET


def start(folder: Path, log: Path) -> Running:
    """Start `ragkit serve` and wait until it takes orders."""
    with log.open("ab") as out:
        command = [sys.executable, "-m", "ragkit", "serve", "--workspace", str(folder)]
        process = subprocess.Popen(command, stdout=out, stderr=out, stdin=subprocess.DEVNULL)
    service = Running(folder, process, log)
    until = time.monotonic() + WAIT_S
    while not _listens(service):
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < until, log.read_text()
        time.sleep(0.02)
    return service


def _listens(service: Running) -> bool:
    import socket

    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as looking:
        return looking.connect_ex(str(service.socket)) == 0


@contextmanager
def running(folder: Path, log: Path) -> Iterator[Running]:
    """Run `ragkit serve` over a workspace; stop it at the end."""
    service = start(folder, log)
    try:
        yield service
    finally:
        service.process.terminate()
        try:
            service.process.wait(60)
        except subprocess.TimeoutExpired:
            service.process.kill()
            service.process.wait()


@contextmanager
def at_home(home: Path) -> Iterator[None]:
    """Let the keys of signatures lie there, for what runs before a test has a home of its own."""
    home.mkdir(exist_ok=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(home))
        patch.setenv("XDG_CONFIG_HOME", str(home / ".config"))
        yield


@pytest.fixture(scope="session")
def home() -> object:
    """Return what gives a home: tests cannot import this file."""
    return at_home


@pytest.fixture(scope="session")
def serve() -> object:
    """Return what runs a service: tests cannot import this file."""
    return running
