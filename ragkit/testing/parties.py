"""Two people with keys in memory, and evidence that names them, for tests of the evidence store."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from ragkit.audit.evidence import EvidenceStore
from ragkit.crypto import keyed_hash
from ragkit.errors import EvidenceGone
from ragkit.types import Evidence

ADA, BOB = "K7F3QX9M2T-4B", "A1B2C3D4E5-7K"
SECRET = bytes(range(32))


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


def token(token_id: str) -> str:
    """Return a token as texts hold it."""
    return f"[PERSON:{token_id}]"


def evidence(text: str = "Nobody is in it.", *, role: str = "question", **more: object) -> Evidence:
    """Return evidence with one part."""
    return Evidence(collection="care", parts={role: text.encode()}, **more)  # type: ignore[arg-type]


def store_of(path: Path, people: MemoryPeople, secret: bytes = SECRET) -> EvidenceStore:
    """Return the evidence store in a folder, as each process opens it for itself."""
    return EvidenceStore(path / "evidence.db", secret=secret, people=lambda _: people)


def cause(store: EvidenceStore, request: str) -> str:
    """Return why nothing is there; empty if something is."""
    try:
        store.read(request)
    except EvidenceGone as gone:
        return gone.cause
    return ""
