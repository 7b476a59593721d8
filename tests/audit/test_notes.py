"""Signed notes: one form, the specification's own example, every bit of them meant."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragkit.audit.notes import Checkpoint, Note, Signature, VerifierKey, parse_note, sign_note

ORIGIN = "acme/ragkit/0123456789abcdef"
OLD, NEW = bytes(range(32)), bytes(range(32, 64))
ROOT = bytes(reversed(range(32)))
PUBLISHED = """example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
""".encode()  # noqa: E501
"""The example of C2SP tlog-checkpoint."""


def test_the_published_example_is_read_and_written_back() -> None:
    """The note in the specification parses, and there is no other way to write it."""
    note = parse_note(PUBLISHED)
    assert (note.checkpoint.origin, note.checkpoint.size) == ("example.com/behind-the-sofa", 20852163)
    assert base64.b64encode(note.checkpoint.root) == b"CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I="
    assert [(one.name, one.key_id.hex()) for one in note.signatures] == [("example.com/behind-the-sofa", "033de0ae")]
    assert note.written == PUBLISHED


def test_a_note_is_signed_and_checked() -> None:
    """Its own key says yes; another key, another name and another text do not."""
    note = sign_note(Checkpoint(ORIGIN, 1042, ROOT), OLD)
    assert parse_note(note.written) == note
    assert note.is_signed_by(VerifierKey.of(ORIGIN, OLD))
    assert not note.is_signed_by(VerifierKey.of(ORIGIN, NEW))
    assert not note.is_signed_by(VerifierKey.of("other", OLD))
    assert not Note(Checkpoint(ORIGIN, 1043, ROOT), note.signatures).is_signed_by(VerifierKey.of(ORIGIN, OLD))


def test_every_bit_counts() -> None:
    """A note with one bit flipped is no note, or not signed, or another signature's claim."""
    written, key = sign_note(Checkpoint(ORIGIN, 1042, ROOT), OLD).written, VerifierKey.of(ORIGIN, OLD)
    for bit in range(8 * len(written)):
        flipped = bytearray(written)
        flipped[bit // 8] ^= 1 << bit % 8
        try:
            assert not parse_note(bytes(flipped)).is_signed_by(key), bit
        except ValueError:
            continue


def test_a_change_of_keys_has_both_signatures() -> None:
    """The note names the new key in its text, and old and new both sign that."""
    following = VerifierKey.of(ORIGIN, NEW)
    note = sign_note(Checkpoint(ORIGIN, 7, ROOT, str(following)), OLD, NEW)
    assert note.checkpoint.text.decode().split("\n")[3] == f"next-key {following}"
    assert note.is_signed_by(VerifierKey.of(ORIGIN, OLD))
    assert note.is_signed_by(following)
    assert parse_note(note.written) == note


def test_a_wrong_signature_beside_a_right_one_of_the_same_key_is_refused() -> None:
    """Whatever claims to be of a known key has to verify; an unknown witness's line is passed over."""
    note, key = sign_note(Checkpoint(ORIGIN, 7, ROOT), OLD), VerifierKey.of(ORIGIN, OLD)
    forged = Signature(ORIGIN, key.key_id, bytes(64))
    witness = Signature("witness.example/w1", b"\x01\x02\x03\x04", bytes(72))
    assert not Note(note.checkpoint, (*note.signatures, forged)).is_signed_by(key)
    watched = parse_note(Note(note.checkpoint, (*note.signatures, witness)).written)
    assert watched.is_signed_by(key)


@given(st.text(alphabet="abz09/.-_", min_size=1, max_size=30), st.binary(min_size=32, max_size=32))
def test_a_verifier_key_comes_back(name: str, private: bytes) -> None:
    """It is written as C2SP says, and the text gives the same key."""
    key = VerifierKey.of(name, private)
    assert VerifierKey.parse(str(key)) == key
    assert str(key).split("+", 2)[:2] == [name, key.key_id.hex()]
    assert key.mark.startswith("sha256:")
    assert len(key.mark) == 71


@pytest.mark.parametrize(
    "text",
    [
        "",
        "name",
        "name+00000000+AQ==",
        str(VerifierKey.of(ORIGIN, OLD)).replace(ORIGIN, "other"),  # the id covers the name
        str(VerifierKey.of(ORIGIN, OLD)) + "=",
        f"{ORIGIN}+{VerifierKey.of(ORIGIN, OLD).key_id.hex().upper()}+" + str(VerifierKey.of(ORIGIN, OLD))[-44:],
    ],
)
def test_a_key_written_otherwise_is_refused(text: str) -> None:
    """No key id but the key's own, no other kind of key, no other spelling."""
    with pytest.raises(ValueError, match=r"key|base64"):
        VerifierKey.parse(text)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"\n1042\n", b"\n01042\n"),
        (b"\n1042\n", b"\n-1042\n"),
        (b"\n1042\n", b"\n1_042\n"),
        (b"\n1042\n", b"\n1042\nextra\n"),
        (b"\n1042\n", b"\n1042\r\n"),
        (ORIGIN.encode() + b"\n", b"two words\n"),
        (ORIGIN.encode() + b"\n1042", b"a+b\n1042"),
        (b"\n\n", b"\n\n\n"),
        ("— ".encode(), b"-- "),
        ("— ".encode(), "—  ".encode()),
        (b"=\n", b"\n"),
    ],
)
def test_a_note_written_otherwise_is_refused(old: bytes, new: bytes) -> None:
    """Leading zeros, blanks, other line ends, other dashes, cut base64: not a note."""
    written = sign_note(Checkpoint(ORIGIN, 1042, ROOT), OLD).written
    assert old in written
    with pytest.raises(ValueError, match=r".+"):
        parse_note(written.replace(old, new))


def test_what_is_no_state_cannot_be_written() -> None:
    """A size below nothing, a root of another length, an origin that would break the lines."""
    for origin, size, root in ((ORIGIN, -1, ROOT), (ORIGIN, 1, ROOT[:-1]), ("a\nb", 1, ROOT), ("", 1, ROOT)):
        with pytest.raises(ValueError, match="state"):
            Checkpoint(origin, size, root)


def test_a_next_key_of_another_log_is_refused() -> None:
    """The key that follows has to be under the log's own name."""
    note = sign_note(Checkpoint(ORIGIN, 7, ROOT, str(VerifierKey.of("other", NEW))), OLD, NEW)
    with pytest.raises(ValueError, match="fourth line"):
        parse_note(note.written)
