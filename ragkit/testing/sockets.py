"""Forbids the internet: any connect or name look-up in the internet families raises, and is remembered.

In one process, from its first line::

    from ragkit.testing import sockets
    sockets.forbid()

For a whole test run, ``pytest_plugins = ["ragkit.testing.sockets"]``: a test fails even when a library swallowed the
error. For child processes, :func:`guarded_environment` gives them a ``sitecustomize`` that does the same and writes
what was tried to a file.

It is an audit hook (PEP 578), so it sees what goes through Python. A library that opens sockets in its own machine
code is stopped by a network namespace only (``unshare -n``); the test suite uses both.
"""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from pathlib import Path
from typing import Any

LOG_VARIABLE = "RAGKIT_SOCKET_LOG"
"""Names the file to which a guarded process appends one line an attempt."""

_LOOK_UPS = frozenset({"socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr", "socket.getnameinfo"})
_SENDS = frozenset({"socket.connect", "socket.sendto", "socket.sendmsg"})
_INTERNET = frozenset({socket.AF_INET, socket.AF_INET6})

_SITECUSTOMIZE = "from ragkit.testing import sockets\n\nsockets.forbid()\n"

_attempts: list[str] = []
_installed = False
_servers_of_our_own = 0


class SocketRefused(RuntimeError):
    """Something tried to reach the internet, or to look up a name."""


def forbid() -> None:
    """Install the hook for the rest of this process. May be called any number of times."""
    global _installed
    if not _installed:
        _installed = True
        sys.addaudithook(_refuse)


def attempts() -> list[str]:
    """What was tried so far in this process, one line each: the event and the address family or ``look-up``."""
    return list(_attempts)


@contextmanager
def expected() -> Iterator[list[str]]:
    """Collect the attempts of the block and forget them afterwards: for tests of the guard itself."""
    before = len(_attempts)
    seen: list[str] = []
    try:
        yield seen
    finally:
        seen.extend(_attempts[before:])
        del _attempts[before:]


@contextmanager
def loopback() -> Iterator[None]:
    """Let connections to this machine itself through for the block: for tests with servers of their own.

    Other machines stay forbidden, and so do names other than ``localhost``.
    """
    global _servers_of_our_own
    _servers_of_our_own += 1
    try:
        yield
    finally:
        _servers_of_our_own -= 1


def guarded_environment(folder: Path) -> dict[str, str]:
    """Return an environment in which every Python process is guarded from its start, children included.

    Args:
        folder: An empty folder for ``sitecustomize.py`` and the log, which :func:`logged_attempts` reads.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "sitecustomize.py").write_text(_SITECUSTOMIZE)
    paths = [str(folder), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths), LOG_VARIABLE: str(folder / "attempts.log")}


def logged_attempts(folder: Path) -> list[str]:
    """What the processes of :func:`guarded_environment` tried, one line each."""
    log = folder / "attempts.log"
    return log.read_text().splitlines() if log.exists() else []


def _refuse(event: str, args: tuple[Any, ...]) -> None:
    if event in _LOOK_UPS:
        what = f"{event} look-up"
    elif event in _SENDS and args[0].family in _INTERNET:
        what = f"{event} {socket.AddressFamily(args[0].family).name}"
    else:
        return
    if _servers_of_our_own and _is_here(event, args):
        return
    _attempts.append(what)
    log = os.environ.get(LOG_VARIABLE)
    if log:
        with Path(log).open("a") as lines:
            lines.write(f"{what}\n")
    raise SocketRefused(f"{what}: no socket may be opened here")


def _is_here(event: str, args: tuple[Any, ...]) -> bool:
    """Whether what is connected to, or looked up, is this machine."""
    place = args[0] if event in _LOOK_UPS else args[-1]
    host = place[0] if isinstance(place, tuple) and place else place
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


# --- as a pytest plugin -------------------------------------------------------------------------------------------


def pytest_configure() -> None:
    """Forbid from the first import to the last test."""
    forbid()


def pytest_runtest_teardown() -> None:
    """Fail the test that tried, even if a library swallowed the error."""
    tried = attempts()
    _attempts.clear()
    if tried:
        raise SocketRefused(f"{len(tried)} attempts to reach the internet: {', '.join(sorted(set(tried)))}")
