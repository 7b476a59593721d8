"""The stand-alone verifier's tree and notes against published vectors and examples."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from ragkit.assets import ragkit_verify as verifier
from ragkit.testing.made_log import MadeLog, SigningKey

VECTORS = Path(__file__).parent / "data" / "merkle.jsonl"
CASES = [json.loads(line) for line in VECTORS.read_text().splitlines()]
EXAMPLE = (
    "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
    "— example.com/behind-the-sofa "
    "Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
)


def of_kind(kind: str) -> list[dict[str, object]]:
    """Return the vectors of one kind."""
    return [case for case in CASES if case["kind"] == kind]


def proof_of(case: dict[str, object]) -> list[bytes]:
    """Return a vector's proof."""
    return [base64.b64decode(one) for one in case["proof"] or []]  # type: ignore[attr-defined]


def test_there_are_196_vectors() -> None:
    """The 98 of inclusion and the 98 of consistency are all there."""
    assert (len(of_kind("inclusion")), len(of_kind("consistency"))) == (98, 98)


@pytest.mark.parametrize("case", of_kind("inclusion"), ids=lambda case: case["name"])
def test_inclusion_vectors(case: dict[str, object]) -> None:
    """Each published inclusion proof is taken or refused as published."""
    index, size, leaf, root = (case[key] for key in ("leafIdx", "treeSize", "leafHash", "root"))
    held = verifier.inclusion_holds(index, size, base64.b64decode(leaf), proof_of(case), base64.b64decode(root))  # type: ignore[arg-type]
    assert held is not case["wantErr"]


@pytest.mark.parametrize("case", of_kind("consistency"), ids=lambda case: case["name"])
def test_consistency_vectors(case: dict[str, object]) -> None:
    """Each published consistency proof is taken or refused as published."""
    roots = [base64.b64decode(case[key]) for key in ("root1", "root2")]  # type: ignore[arg-type]
    held = verifier.consistency_holds(case["size1"], case["size2"], *roots, proof_of(case))  # type: ignore[arg-type]
    assert held is not case["wantErr"]


def test_the_published_note_is_read() -> None:
    """The example of C2SP tlog-checkpoint is read as it is meant."""
    found = verifier.NOTE_ELSEWHERE.fullmatch(EXAMPLE.encode())
    assert found is not None
    note = verifier.note_of(found, "example")
    assert (note.origin, note.size) == (b"example.com/behind-the-sofa", 20852163)
    assert base64.b64encode(note.root).decode() == EXAMPLE.splitlines()[2]
    assert note.text.decode() == "\n".join(EXAMPLE.splitlines()[:3]) + "\n"
    assert note.signatures[0][1][:4].hex() == "033de0ae"


def test_the_published_verifier_key_is_read() -> None:
    """The example key of golang.org/x/mod/sumdb/note has the id that is written in it, and no other."""
    text = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
    key = verifier.parse_key(text)
    assert (key.name, key.id.hex()) == (b"PeterNeumann", "c74f20a3")
    note = b"If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
    signature = "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM="
    assert key.signed(note, b"PeterNeumann", base64.b64decode(signature))
    assert not key.signed(note + b"\n", b"PeterNeumann", base64.b64decode(signature))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "name",
        "name+00000000+AQ==",
        "PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "PeterNeumenn+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "PeterNeumann+c74f20a3+AhpcZQcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "Peter Neumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
    ],
)
def test_a_key_with_a_slip_is_refused(text: str) -> None:
    """A key that does not fit its own id is no key; a slip of the pen is not taken for another log."""
    with pytest.raises(ValueError, match=r"key|base64"):
        verifier.parse_key(text)


@pytest.mark.parametrize("size", [1, 2, 3, 5, 8, 13, 64, 100])
def test_the_tree_is_that_of_the_definition(size: int, tmp_path: Path) -> None:
    """The verifier's growing tree has the root of RFC 6962's recursive definition."""
    log = MadeLog()
    for _ in range(size - 1):
        log.add("auth.ok", {"via": "local"})
    log.sign()
    found = verifier.Verification(log.write(tmp_path / "log"), [verifier.parse_key(SigningKey("first").verifier)])
    assert (found.run(), found.signed, found.lines) == (0, size, size)
