"""The Merkle tree over the lines of the log, and its proofs (RFC 6962, section 2.1; RFC 9162 for their verification).

::

    frontier = Frontier()
    for line in lines:
        frontier.append(leaf_hash(line))
    frontier.root()                                  # 32 bytes that stand for all lines, in their order

A leaf is ``SHA-256(0x00 ‖ line)``, a node ``SHA-256(0x01 ‖ left ‖ right)``, the tree of nothing ``SHA-256()``. A proof
is a list of hashes, in the order of the RFC. Nothing here opens a file.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Self

HASH_BYTES = 32
EMPTY_ROOT = sha256().digest()


def leaf_hash(line: bytes) -> bytes:
    """Return the hash of a line, which is given without its line feed."""
    return sha256(b"\x00" + line).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of a node over its two halves."""
    return sha256(b"\x01" + left + right).digest()


class Frontier:
    """The right edge of a growing tree: the roots of its whole subtrees, largest first. At most 63 hashes.

    Attributes:
        size: Leaves so far.
    """

    __slots__ = ("_roots", "size")

    def __init__(self) -> None:
        self.size = 0
        self._roots: list[bytes] = []

    @classmethod
    def of(cls, size: int, hashes: Iterable[bytes]) -> Self:
        """Return the frontier that :meth:`hashes` told of.

        Raises:
            ValueError: It is none of this size.
        """
        made = cls()
        made.size, made._roots = size, list(hashes)
        if size < 0 or len(made._roots) != size.bit_count() or any(len(one) != HASH_BYTES for one in made._roots):
            raise ValueError("not the frontier of a tree of this size")
        return made

    @property
    def hashes(self) -> tuple[bytes, ...]:
        """The roots of the whole subtrees, one for each bit of :attr:`size`, the largest first."""
        return tuple(self._roots)

    def append(self, leaf: bytes) -> None:
        """Add a leaf, given as its hash."""
        size = self.size
        while size & 1:
            leaf = sha256(b"\x01" + self._roots.pop() + leaf).digest()
            size >>= 1
        self._roots.append(leaf)
        self.size += 1

    def take(self, lines: Iterable[bytes]) -> None:
        """Add lines, in order; as :meth:`append` of their leaf hashes, in one loop for logs of millions of lines."""
        roots, size = self._roots.copy(), self.size
        for line in lines:
            node, place = sha256(b"\x00" + line).digest(), size
            while place & 1:
                node = sha256(b"\x01" + roots.pop() + node).digest()
                place >>= 1
            roots.append(node)
            size += 1
        self._roots, self.size = roots, size  # together, at the end: whoever is stopped in between has the old tree

    def root(self) -> bytes:
        """Return the root over all leaves so far.

        Raises:
            ValueError: The roots do not fit the size: it was looked at, or copied by a fork, while it grew.
        """
        if len(self._roots) != self.size.bit_count():
            raise ValueError("a tree that is in the middle of growing has no root")
        if not self._roots:
            return EMPTY_ROOT
        root = self._roots[-1]
        for left in reversed(self._roots[:-1]):
            root = node_hash(left, root)
        return root

    def copy(self) -> Frontier:
        """Return one that grows by itself from here."""
        return Frontier.of(self.size, self._roots)

    def __repr__(self) -> str:
        return f"Frontier(size={self.size})"


class LeafHashes(Sequence[bytes]):
    """Many leaf hashes in one piece of memory: 32 bytes a leaf, where a list takes three times that."""

    __slots__ = ("_bytes",)

    def __init__(self) -> None:
        self._bytes = bytearray()

    def append(self, leaf: bytes) -> None:
        """Add a leaf, given as its hash."""
        self._bytes += leaf

    def __len__(self) -> int:
        return len(self._bytes) // HASH_BYTES

    def __getitem__(self, index: int | slice) -> bytes:  # type: ignore[override]
        if isinstance(index, slice):
            raise TypeError("leaves are taken one by one")
        if not 0 <= index < len(self):
            raise IndexError("there is no such leaf")
        return bytes(self._bytes[index * HASH_BYTES : (index + 1) * HASH_BYTES])


def tree_root(leaves: Sequence[bytes], begin: int = 0, end: int | None = None) -> bytes:
    """Return the root of the leaves from ``begin`` to before ``end``, given as their hashes."""
    frontier = Frontier()
    for index in range(begin, len(leaves) if end is None else end):
        frontier.append(leaves[index])
    return frontier.root()


def inclusion_proof(leaves: Sequence[bytes], index: int, size: int) -> list[bytes]:
    """Return the proof that leaf ``index`` is in the tree of the first ``size`` leaves. Reads all of them once.

    Raises:
        ValueError: There is no such leaf, or there are not so many.
    """
    if not 0 <= index < size <= len(leaves):
        raise ValueError("no such leaf in a tree of this size")
    begin, end, proof = 0, size, list[bytes]()
    while end - begin > 1:
        middle = begin + _largest_power_below(end - begin)
        if index < middle:
            proof.append(tree_root(leaves, middle, end))
            end = middle
        else:
            proof.append(tree_root(leaves, begin, middle))
            begin = middle
    return proof[::-1]


def consistency_proof(leaves: Sequence[bytes], size1: int, size2: int) -> list[bytes]:
    """Return the proof that the tree of the first ``size1`` leaves is the beginning of that of the first ``size2``.

    Raises:
        ValueError: The sizes are not in order, from 1, or there are not so many leaves.
    """
    if not 0 < size1 <= size2 <= len(leaves):
        raise ValueError("no such trees")
    begin, end, proof = 0, size2, list[bytes]()
    whole = True  # the part of the old tree looked at begins where the old tree does: its root is known
    while size1 < end:
        middle = begin + _largest_power_below(end - begin)
        if size1 <= middle:
            proof.append(tree_root(leaves, middle, end))
            end = middle
        else:
            proof.append(tree_root(leaves, begin, middle))
            begin, whole = middle, False
    if not whole:
        proof.append(tree_root(leaves, begin, end))
    return proof[::-1]


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Say whether the proof shows that ``leaf`` (a hash) is number ``index`` of the ``size`` under ``root``."""
    if not 0 <= index < size or any(len(one) != HASH_BYTES for one in (leaf, *proof)):
        return False
    number, last, found = index, size - 1, leaf  # RFC 9162, section 2.1.3.2
    for one in proof:
        if last == 0:
            return False
        if number & 1 or number == last:
            found = node_hash(one, found)
            while number and not number & 1:
                number, last = number >> 1, last >> 1
        else:
            found = node_hash(found, one)
        number, last = number >> 1, last >> 1
    return last == 0 and found == root


def verify_consistency(size1: int, size2: int, proof: Sequence[bytes], root1: bytes, root2: bytes) -> bool:
    """Say whether the proof shows that the tree of ``size1`` leaves under ``root1`` begins that under ``root2``."""
    if not 0 < size1 <= size2 or any(len(one) != HASH_BYTES for one in proof):
        return False
    if size1 == size2:
        return not proof and root1 == root2
    hashes = [root1, *proof] if size1.bit_count() == 1 else list(proof)  # RFC 9162, section 2.1.4.2
    if not hashes:
        return False
    number, last = size1 - 1, size2 - 1
    while number & 1:
        number, last = number >> 1, last >> 1
    first = second = hashes[0]
    for one in hashes[1:]:
        if last == 0:
            return False
        if number & 1 or number == last:
            first, second = node_hash(one, first), node_hash(one, second)
            while number and not number & 1:
                number, last = number >> 1, last >> 1
        else:
            second = node_hash(second, one)
        number, last = number >> 1, last >> 1
    return last == 0 and first == root1 and second == root2


def _largest_power_below(size: int) -> int:
    """Return the largest power of two that is smaller than ``size``, which is at least 2."""
    return 1 << (size - 1).bit_length() - 1
