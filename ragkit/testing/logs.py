"""Recorders, and what stands beside one, for tests of the event log: disks that hang, a signer, an evidence store."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ragkit.audit.reading import read_events
from ragkit.audit.recorder import EventRecorder, Mode
from ragkit.types import Evidence, Principal

if TYPE_CHECKING:
    import pytest

KEY = bytes(range(32))
ANA = Principal("local|ana-kovac", kind="local")


def recorder(directory: Path, *, mode: Mode = "required", **options: Any) -> EventRecorder:
    """Return a recorder on ``directory``."""
    return EventRecorder(directory, mode=mode, software={"ragkit": "0.1.0"}, actor_key=KEY, **options)


def added(number: int) -> dict[str, Any]:
    """Return the data of a small event."""
    return {"collection": "care", "doc": number, "version": 1}


def released(number: int) -> dict[str, Any]:
    """Return the data of a small durable event, ``answer.released``."""
    return {"collection": "care", "hits": number}


def kinds(directory: Path) -> list[str]:
    """Return the types of all events, in order."""
    return [event["type"] for event in read_events(directory)]


def documents(directory: Path) -> list[int]:
    """Return the numbers of the documents that were added."""
    return [event["data"]["doc"] for event in read_events(directory, kind="doc.added")]


def is_whole(directory: Path) -> bool:
    """Whether the numbers of the events run from 1 without a gap or repeat."""
    seqs = [event["seq"] for event in read_events(directory)]
    return seqs == list(range(1, len(seqs) + 1))


def soon(wanted: Callable[[], object], *, seconds: float = 60.0) -> bool:
    """Wait until something is so."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if wanted():
            return True
        time.sleep(0.01)
    return False


class Hanging:
    """A system call that hangs while it is told to, for the files of one folder."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, call: str, folder: Path) -> None:
        self._real = getattr(os, call)
        self._folder = os.fspath(folder)
        self._free = threading.Event()
        self._free.set()
        self.reached = threading.Event()
        monkeypatch.setattr(os, call, self._call)

    def _call(self, fd: int, *rest: Any) -> Any:
        if not self._free.is_set() and str(Path(f"/proc/self/fd/{fd}").readlink()).startswith(self._folder):
            self.reached.set()
            self._free.wait(30)
        return self._real(fd, *rest)

    @contextmanager
    def hung(self) -> Iterator[None]:
        """Hang in the block."""
        self.reached.clear()
        self._free.clear()
        try:
            yield
        finally:
            self._free.set()


class Keeper:
    """An evidence store that keeps in memory; ``failing`` lets it fail."""

    def __init__(self) -> None:
        self.kept: list[Mapping[str, bytes]] = []
        self.calls: list[str] = []
        self.failing: Exception | None = None

    def keep(self, evidence: Evidence, *, request: str, actor: Principal | None) -> Sequence[Mapping[str, Any]]:  # noqa: ARG002
        """Keep the parts."""
        self.calls.append("keep")
        if self.failing is not None:
            raise self.failing
        self.kept.append(evidence.parts)
        mac = "hmac-sha256:" + "0" * 64
        return [{"role": role, "ref": "a" * 26, "len": len(part), "mac": mac} for role, part in evidence.parts.items()]

    def sync(self) -> None:
        """Note the call."""
        self.calls.append("sync")

    def close(self) -> None:
        """Note the call."""
        self.calls.append("close")


class Signer:
    """A signer that notes what it was asked, and the lines that were in the log then."""

    def __init__(self, directory: Path, *, every: int = 1_000, seconds: float = 1_000.0) -> None:
        self._directory = directory
        self._every = every
        self._seconds = seconds
        self._since = time.monotonic()
        self._signed = 0
        self.calls: list[str] = []
        self.failing: Exception | None = None

    def due(self, *, lines: int, now: float) -> bool:
        """By number or by time."""
        return lines >= self._every or now - self._since >= self._seconds

    def prepare(self) -> None:
        """Note the call."""
        self.calls.append("prepare")

    def announce(self) -> dict[str, Any] | None:
        """Count the lines."""
        if self.failing is not None:
            self.calls.append("refuse")
            raise self.failing
        size = self._lines()
        self.calls.append(f"announce {size}")
        return None if size == self._signed else {"size": size + 1}

    def sign(self) -> None:
        """Note how many lines are signed."""
        self._signed = self._lines()
        self._since = time.monotonic()
        self.calls.append(f"sign {self._signed}")

    def forked(self) -> None:
        """Begin anew."""
        self._signed = 0

    def _lines(self) -> int:
        return sum(path.read_bytes().count(b"\n") for path in self._directory.glob("*.jsonl"))
