"""People with keys in memory, for tests of the evidence store."""

from __future__ import annotations

from collections.abc import Collection

from ragkit.crypto import keyed_hash


class MemoryPeople:
    """Implements :class:`ragkit.audit.evidence_keys.PartyKeys`: every token of ``people`` is somebody with a key."""

    def __init__(self, *people: str) -> None:
        self._numbers = {token: number for number, token in enumerate(people, start=1)}
        self._keys = {number: keyed_hash(b"k", token) for token, number in self._numbers.items()}
        self._epoch = 0

    def epoch(self) -> int:
        """How often somebody was erased."""
        return self._epoch

    def numbers(self, tokens: Collection[str]) -> dict[str, int]:
        """The numbers of those who are known."""
        return {token: self._numbers[token] for token in tokens if token in self._numbers}

    def keys(self, numbers: Collection[int]) -> dict[int, bytes]:
        """The keys that are left."""
        return {number: self._keys[number] for number in numbers if number in self._keys}

    def erase(self, token: str) -> int:
        """Destroy somebody's key. Returns their number."""
        number = self._numbers[token]
        del self._keys[number]
        self._epoch += 1
        return number
