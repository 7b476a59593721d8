"""Looks for planted values in bytes, whatever they were encoded in.

::

    scanner = ByteScanner(canaries)
    findings = scanner.scan_tree(workspace)      # every file, names and paths included
    findings += scanner.scan_bytes(stderr, where="stderr")

What is searched, and how, is :mod:`ragkit.lifecycle.bytescan`, with which an erasure verifies itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ragkit.lifecycle.bytescan import Found, PatternScanner, spellings
from ragkit.testing.canaries import MIN_NEEDLE, Canary


@dataclass(frozen=True, slots=True)
class Finding:
    """A needle that was found. ``canary`` is its position in the list; ``where`` a path or label."""

    canary: int
    entity_type: str
    encoding: str
    where: str
    offset: int


class ByteScanner:
    """Searches for the needles of many canaries at once.

    Args:
        canaries: What was planted.

    Raises:
        ValueError: A needle is shorter than :data:`~ragkit.testing.canaries.MIN_NEEDLE` characters.
    """

    def __init__(self, canaries: Sequence[Canary]) -> None:
        self._types = [canary.entity_type for canary in canaries]
        for number, canary in enumerate(canaries):
            if any(len(needle) < MIN_NEEDLE for needle in canary.needles):
                raise ValueError(f"a needle of canary {number} has under {MIN_NEEDLE} characters")
        self._scanner = PatternScanner(
            pattern
            for number, canary in enumerate(canaries)
            for needle in canary.needles
            for pattern in spellings(needle, number)
        )

    def scan_bytes(self, data: bytes, *, where: str) -> list[Finding]:
        """Return what ``data`` holds, one finding a place and encoding."""
        return self._findings(self._scanner.scan_bytes(data, where=where))

    def scan_file(self, path: Path) -> list[Finding]:
        """Return what a file holds, packed or not. A file that vanished meanwhile holds nothing."""
        return self._findings(self._scanner.scan_file(path))

    def scan_tree(self, folder: Path) -> list[Finding]:
        """Return what any file under ``folder`` holds, and any path below it spells."""
        return self._findings(self._scanner.scan_tree(folder))

    def _findings(self, found: Iterable[Found]) -> list[Finding]:
        return [Finding(one.item, self._types[one.item], one.encoding, one.where, one.offset) for one in found]
