"""The Merkle tree: published vectors, and a plain recursive tree beside it."""

from __future__ import annotations

import base64
import json
from collections import Counter
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragkit.audit.tree import (
    EMPTY_ROOT,
    Frontier,
    LeafHashes,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    tree_root,
    verify_consistency,
    verify_inclusion,
)

VECTORS = [json.loads(line) for line in (Path(__file__).parent / "data/merkle.jsonl").read_text().splitlines()]


def decoded(text: str | None) -> bytes:
    """Return the bytes of a base64 field; absent is empty."""
    return base64.b64decode(text or "")


def leaves_of(count: int) -> list[bytes]:
    """Return so many different leaf hashes."""
    return [leaf_hash(b"line %d" % number) for number in range(count)]


def plain_root(leaves: list[bytes]) -> bytes:
    """Return the root by the definition of RFC 6962, section 2.1, word for word."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    half = 1
    while half * 2 < len(leaves):
        half *= 2
    return sha256(b"\x01" + plain_root(leaves[:half]) + plain_root(leaves[half:])).digest()


def plain_path(index: int, leaves: list[bytes]) -> list[bytes]:
    """Return PATH(m, D[n]) of RFC 6962, section 2.1.1."""
    if len(leaves) == 1:
        return []
    half = 1
    while half * 2 < len(leaves):
        half *= 2
    if index < half:
        return [*plain_path(index, leaves[:half]), plain_root(leaves[half:])]
    return [*plain_path(index - half, leaves[half:]), plain_root(leaves[:half])]


def plain_subproof(size: int, leaves: list[bytes], *, known: bool = True) -> list[bytes]:
    """Return SUBPROOF(m, D[n], b) of RFC 6962, section 2.1.2."""
    if size == len(leaves):
        return [] if known else [plain_root(leaves)]
    half = 1
    while half * 2 < len(leaves):
        half *= 2
    if size <= half:
        return [*plain_subproof(size, leaves[:half], known=known), plain_root(leaves[half:])]
    return [*plain_subproof(size - half, leaves[half:], known=False), plain_root(leaves[:half])]


def test_the_vectors_are_the_published_ones() -> None:
    """98 of each kind, and most of them are to be refused."""
    assert Counter(row["kind"] for row in VECTORS) == {"inclusion": 98, "consistency": 98}
    assert sum(row["wantErr"] for row in VECTORS) > 150


@pytest.mark.parametrize("row", VECTORS, ids=lambda row: f"{row['kind']}/{row['name']}")
def test_a_published_vector(row: dict[str, Any]) -> None:
    """Every proof published with transparency-dev/merkle is taken or refused as they say."""
    proof = [decoded(one) for one in row["proof"] or []]
    if row["kind"] == "inclusion":
        found = verify_inclusion(decoded(row["leafHash"]), row["leafIdx"], row["treeSize"], proof, decoded(row["root"]))
    else:
        found = verify_consistency(row["size1"], row["size2"], proof, decoded(row["root1"]), decoded(row["root2"]))
    assert found is not row["wantErr"]


def test_known_roots() -> None:
    """The tree of nothing, and the reference tree of the certificate transparency code."""
    assert Frontier().root() == EMPTY_ROOT == sha256(b"").digest()
    lines = [bytes.fromhex(text) for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657",
                                               "606162636465666768696a6b6c6d6e6f")]  # fmt: skip
    root = tree_root([leaf_hash(line) for line in lines])
    assert root.hex() == "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"


def test_growing_gives_the_root_of_every_size() -> None:
    """The frontier's root is the plain tree's after each of 130 leaves, and the copy of a frontier goes on alike."""
    leaves, frontier = leaves_of(130), Frontier()
    for size, leaf in enumerate(leaves):
        assert frontier.root() == plain_root(leaves[:size])
        frontier = Frontier.of(frontier.size, frontier.hashes)
        other = frontier.copy()
        frontier.append(leaf)
        assert other.size == size
    assert frontier.root() == plain_root(leaves)
    lines = Frontier()
    lines.take(b"line %d" % number for number in range(130))
    assert (lines.size, lines.hashes) == (frontier.size, frontier.hashes)


@given(st.integers(1, 90).flatmap(lambda size: st.tuples(st.just(size), st.integers(0, size - 1))))
def test_an_inclusion_proof_is_the_rfcs(case: tuple[int, int]) -> None:
    """It equals the recursive definition, proves its leaf, and proves no other leaf, place, size or root."""
    size, index = case
    leaves = leaves_of(size + 3)
    proof, root = inclusion_proof(leaves, index, size), plain_root(leaves[:size])
    assert proof == plain_path(index, leaves[:size])
    assert verify_inclusion(leaves[index], index, size, proof, root)
    assert not verify_inclusion(leaves[index + 1], index, size, proof, root)
    assert not verify_inclusion(leaves[index], index, size, [*proof, root], root)
    assert not verify_inclusion(leaves[index], index, size, proof, EMPTY_ROOT)
    for other in range(size):
        assert other == index or not verify_inclusion(leaves[index], other, size, proof, root)


@given(st.integers(1, 90).flatmap(lambda size: st.tuples(st.integers(1, size), st.just(size))))
def test_a_consistency_proof_is_the_rfcs(case: tuple[int, int]) -> None:
    """It equals the recursive definition, proves its two trees, and neither others nor more than it holds."""
    size1, size2 = case
    leaves = leaves_of(size2)
    proof = consistency_proof(leaves, size1, size2)
    root1, root2 = plain_root(leaves[:size1]), plain_root(leaves)
    assert proof == plain_subproof(size1, leaves)
    assert verify_consistency(size1, size2, proof, root1, root2)
    assert not verify_consistency(size1, size2, [*proof, root1], root1, root2)
    assert not verify_consistency(size1, size2, proof, EMPTY_ROOT, root2)
    assert not verify_consistency(size1, size2, proof, root1, EMPTY_ROOT)
    if proof:
        assert not verify_consistency(size1, size2, proof[:-1], root1, root2)


def test_what_is_no_tree_is_refused() -> None:
    """A frontier of another size, a leaf that is not there, trees in the wrong order."""
    leaves = leaves_of(4)
    with pytest.raises(ValueError, match="frontier"):
        Frontier.of(3, leaves[:1])
    with pytest.raises(ValueError, match="frontier"):
        Frontier.of(1, [b"short"])
    with pytest.raises(ValueError, match="leaf"):
        inclusion_proof(leaves, 4, 4)
    with pytest.raises(ValueError, match="leaf"):
        inclusion_proof(leaves, 0, 5)
    for size1, size2 in ((0, 3), (3, 2), (1, 5)):
        with pytest.raises(ValueError, match="trees"):
            consistency_proof(leaves, size1, size2)


def test_leaves_in_one_piece_of_memory_serve_as_a_list() -> None:
    """Proofs come out the same, and an index beyond the end is an error."""
    leaves, packed = leaves_of(37), LeafHashes()
    for leaf in leaves:
        packed.append(leaf)
    assert list(packed) == leaves
    assert inclusion_proof(packed, 20, 33) == inclusion_proof(leaves, 20, 33)
    with pytest.raises(IndexError):
        packed[37]
