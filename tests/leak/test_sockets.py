"""The socket guard catches every way out that Python has."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ragkit.testing import sockets

TRIES: dict[str, Callable[[], object]] = {
    "connect": lambda: socket.create_connection(("127.0.0.1", 9), timeout=0.1),
    "raw connect": lambda: socket.socket(socket.AF_INET6).connect(("::1", 9)),
    "datagram": lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", 9)),
    "getaddrinfo": lambda: socket.getaddrinfo("example.invalid", 80),
    "gethostbyname": lambda: socket.gethostbyname("example.invalid"),
    "gethostbyaddr": lambda: socket.gethostbyaddr("127.0.0.1"),
}


@pytest.mark.parametrize("attempt", TRIES.values(), ids=TRIES.keys())
def test_internet_is_refused(attempt: Callable[[], object]) -> None:
    """A connect, a datagram and every kind of look-up raise and are remembered."""
    sockets.forbid()
    with sockets.expected() as seen, pytest.raises(sockets.SocketRefused):
        attempt()
    assert len(seen) == 1


def test_swallowed_attempts_are_remembered() -> None:
    """A library that catches the error does not hide what it tried; the plugin then fails the test."""
    sockets.forbid()
    with sockets.expected() as seen:
        with contextlib.suppress(RuntimeError):
            socket.getaddrinfo("example.invalid", 80)
        assert len(sockets.attempts()) == 1
        with pytest.raises(sockets.SocketRefused):
            sockets.pytest_runtest_teardown()
    assert seen == []


def test_local_sockets_pass(tmp_path: Path) -> None:
    """Sockets of the machine itself (pairs, UNIX paths) are not the internet."""
    sockets.forbid()
    left, right = socket.socketpair()
    left.send(b"x")
    assert right.recv(1) == b"x"
    left.close()
    right.close()


def test_child_processes_are_guarded(tmp_path: Path) -> None:
    """A child with the guarded environment cannot look up a name, its own children neither, and the log tells."""
    code = "import socket, subprocess, sys\ntry: socket.getaddrinfo('example.invalid', 80)\nexcept RuntimeError: pass\n"
    nested = f"{code}subprocess.run([sys.executable, '-c', {code!r}], check=True)"
    done = subprocess.run([sys.executable, "-c", nested], env=sockets.guarded_environment(tmp_path / "guard"))
    assert done.returncode == 0
    assert sockets.logged_attempts(tmp_path / "guard") == ["socket.getaddrinfo look-up"] * 2


def test_servers_of_our_own_are_reached_and_nothing_else() -> None:
    """In the block this machine is reached; another machine, and any name, still is not."""
    sockets.forbid()
    with socket.create_server(("127.0.0.1", 0)) as server, sockets.loopback():
        socket.create_connection(server.getsockname(), timeout=1).close()
        assert socket.getaddrinfo("localhost", 80)
        with sockets.expected() as seen:
            for host in ("192.0.2.1", "example.invalid"):
                with pytest.raises(sockets.SocketRefused):
                    socket.create_connection((host, 9), timeout=0.1)
    assert len(seen) == 2
    with sockets.expected(), pytest.raises(sockets.SocketRefused):
        socket.create_connection(("127.0.0.1", 9), timeout=0.1)
