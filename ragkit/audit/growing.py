"""The tree over the log's files, grown line by line from where it was: whoever signs reads each line once.

::

    tree = GrowingTree(data / "events")
    tree.grow()                      # all complete lines
    tree.size, tree.root()

The place in the files is kept beside the tree, so that a process goes on where another stopped.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Self

from ragkit.audit.tree import Frontier
from ragkit.errors import CheckpointRefused

_BLOCK = 1 << 20
_FORM = "ragkit-frontier/1"


class GrowingTree:
    """The tree over the first lines of a log.

    Args:
        directory: Where the segments are.
        frontier: The tree so far.
        segment: Number of the segment that the next line is in.
        offset: Where in it the next line begins.

    Attributes:
        last: The last line taken, without its line feed; empty before the first.
    """

    def __init__(self, directory: Path, frontier: Frontier | None = None, *, segment: int = 1, offset: int = 0) -> None:
        self._directory = directory
        self._frontier = frontier or Frontier()
        self._segment = segment
        self._offset = offset
        self.last = b""

    def __repr__(self) -> str:
        return f"GrowingTree(size={self.size})"

    @property
    def size(self) -> int:
        """Lines taken."""
        return self._frontier.size

    def root(self) -> bytes:
        """Return the root over the lines taken."""
        return self._frontier.root()

    def grow(self, to: int | None = None) -> bool:
        """Take complete lines until the tree has ``to`` of them, or all; say whether there were so many.

        Raises:
            OSError: A segment cannot be read.
            CheckpointRefused: A segment is shorter than what was taken of it, or gone.
        """
        while to is None or self.size < to:
            found = self._read_segment(to)
            if to is not None and self.size >= to:
                break
            if not self._path(self._segment + 1).exists():
                if found is None and self.size:
                    raise self._gone()
                return to is None
            if found is None:
                raise self._gone()
            self._segment, self._offset = self._segment + 1, 0
        return True

    def plain(self) -> bytes:
        """Return tree and place for :meth:`resumed`."""
        told = {
            "form": _FORM,
            "size": self.size,
            "segment": self._segment,
            "offset": self._offset,
            "hashes": [one.hex() for one in self._frontier.hashes],
        }
        return json.dumps(told).encode()

    @classmethod
    def resumed(cls, directory: Path, data: bytes) -> Self:
        """Return the tree that :meth:`plain` told of, if the files have a line end where it says the next line begins.

        The caller must know from elsewhere what its root has to be: this is a cache, and nobody trusts it.

        Raises:
            OSError: A segment cannot be read.
            ValueError: It is no such tree, or does not fit the files.
        """
        told: dict[str, Any] = json.loads(data)
        if not isinstance(told, dict) or told.get("form") != _FORM:
            raise ValueError("not a frontier")
        size, segment, offset = (told.get(key) for key in ("size", "segment", "offset"))
        hashes = told.get("hashes")
        if not (
            isinstance(size, int) and isinstance(segment, int) and isinstance(offset, int) and segment > 0 < offset
        ):
            raise ValueError("not a frontier")
        if not isinstance(hashes, list) or any(not isinstance(one, str) for one in hashes):
            raise ValueError("not a frontier")
        made = cls(directory, Frontier.of(size, map(bytes.fromhex, hashes)), segment=segment, offset=offset)
        made.last = made._line_before(offset)
        return made

    def _line_before(self, offset: int) -> bytes:
        """Return the line that ends at ``offset`` of the segment."""
        with self._path(self._segment).open("rb") as file:
            start = max(0, offset - _BLOCK)
            file.seek(start)
            data = file.read(offset - start)
        if len(data) < offset - start or not data.endswith(b"\n"):
            raise ValueError("no line ends there")
        return data[:-1].rpartition(b"\n")[2]

    def _read_segment(self, to: int | None) -> int | None:
        """Take the complete lines of the segment; return how many, ``None`` if there is no such file."""
        try:
            handle = os.open(self._path(self._segment), os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        except FileNotFoundError:
            return None
        before, frontier, rest = self.size, self._frontier, b""
        try:
            if os.fstat(handle).st_size < self._offset:
                raise self._gone()
            at = self._offset
            while block := os.pread(handle, _BLOCK, at):
                at += len(block)
                *lines, rest = (rest + block).split(b"\n")
                if to is not None and frontier.size + len(lines) > to:
                    del lines[to - frontier.size :]
                frontier.take(lines)
                if lines:
                    self.last = lines[-1]
                    self._offset += sum(map(len, lines)) + len(lines)
                if frontier.size == to:
                    break
        finally:
            os.close(handle)
        return frontier.size - before

    def _gone(self) -> CheckpointRefused:
        return CheckpointRefused(
            f"lines of the event log that were read before are gone (segment {self._segment})",
            code="rolled-back",
            size=self.size,
            remedy="Put the missing segment back, or look at `ragkit audit checkpoint --accept-log`.",
        )

    def _path(self, number: int) -> Path:
        return self._directory / f"{number:08d}.jsonl"
