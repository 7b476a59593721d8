"""Escrows: opened by what they were made for, and by nothing else."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa, x25519
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from ragkit import crypto, escrow
from ragkit.errors import ConfigError, KeyMismatch

KEY = bytes(range(32))
WORDS = "correct horse battery staple"


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Less memory and time than a real escrow takes."""
    monkeypatch.setitem(escrow._SCRYPT, "n", 2**12)


def test_a_real_escrow_costs_a_guesser_dear() -> None:
    """128 MiB a guess, as the OWASP Password Storage Cheat Sheet advises."""
    code = "from ragkit import escrow; print(escrow._SCRYPT)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "{'n': 131072, 'r': 8, 'p': 1}"


def test_scrypt_is_scrypt() -> None:
    """The second test vector of RFC 7914, section 12, as far as 32 bytes."""
    made = crypto.stretch("password", b"NaCl", n=1024, r=8, p=16)
    assert made.hex() == "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b373162"


def test_shares_are_slip_39() -> None:
    """A vector of the standard (satoshilabs/slips, vectors.json: 256-bit secret, 2 of 3) opens by our library."""
    import shamir_mnemonic

    first = (
        "humidity disease academic always aluminum jewelry energy woman receiver strategy amuse duckling lying "
        "evidence network walnut tactics forget hairy rebound impulse brother survive clothes stadium mailman rival "
        "ocean reward venture always armed unwrap"
    )
    second = (
        "humidity disease academic agency actress jacket gross physics cylinder solution fake mortgage benefit "
        "public busy prepare sharp friar change work slow purchase ruler again tricycle involve viral wireless "
        "mixture anatomy desert cargo upgrade"
    )
    assert shamir_mnemonic.combine_mnemonics([first, second], b"TREZOR").hex() == (
        "c938b319067687e990e05e0da0ecce1278f75ff58d9853f19dcaeed5de104aae"
    )


def test_a_passphrase_opens_its_escrow() -> None:
    """Also when its letters are composed another way; a wrong one is told; the key is not in the text."""
    text = escrow.for_passphrase(KEY, "Käsekuchen am Sonntag")
    assert escrow.open_escrow(text, passphrase="Ka\u0308sekuchen am Sonntag") == KEY
    assert escrow.describe(text).kind == "passphrase"
    assert escrow.describe(text).mark == crypto.root_mark(KEY)
    with pytest.raises(KeyMismatch) as refused:
        escrow.open_escrow(text, passphrase="käsekuchen am sonntag")
    assert refused.value.remedy
    with pytest.raises(ConfigError):
        escrow.open_escrow(text)
    assert KEY.hex() not in text
    with pytest.raises(ConfigError, match="fewer than 15"):
        escrow.for_passphrase(KEY, "   short   ")


@pytest.mark.parametrize("kind", ["x25519", "rsa"])
@pytest.mark.parametrize("locked", [False, True])
def test_an_officers_key_opens_its_escrow(kind: str, locked: bool) -> None:
    """X25519 and RSA, with and without a passphrase on the private key; another's does not."""

    def make() -> tuple[bytes, bytes]:
        key = x25519.X25519PrivateKey.generate() if kind == "x25519" else rsa.generate_private_key(65537, 2048)
        lock = BestAvailableEncryption(WORDS.encode()) if locked else NoEncryption()
        return (
            key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
            key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, lock),
        )

    public, private = make()
    _, other = make()
    words = WORDS if locked else None
    text = escrow.for_officer(KEY, public)
    assert escrow.open_escrow(text, private_pem=private, passphrase=words) == KEY
    with pytest.raises(KeyMismatch, match="does not open"):
        escrow.open_escrow(text, private_pem=other, passphrase=words)
    with pytest.raises(KeyMismatch, match="cannot be read"):
        escrow.open_escrow(text, private_pem=b"no pem", passphrase=words)
    if locked:
        with pytest.raises(KeyMismatch, match="cannot be read"):
            escrow.open_escrow(text, private_pem=private)


def test_other_public_keys_are_refused() -> None:
    """A curve for signatures, a short RSA key, and what is no key at all."""
    curve = ec.generate_private_key(ec.SECP256R1()).public_key()
    for pem in (curve.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo), b"", b"-----BEGIN"):
        with pytest.raises(ConfigError, match="not a public key"):
            escrow.for_officer(KEY, pem)


def test_shares_open_together() -> None:
    """Any threshold of them, by their file or by their words alone; fewer, mixed or mistyped ones do not."""
    shares, other = escrow.in_shares(KEY, 2, 3), escrow.in_shares(KEY, 2, 3)
    words = [json.loads(one)["words"] for one in shares]
    assert escrow.join_shares(shares[1:]) == KEY
    assert escrow.join_shares([words[0].upper(), f"  {words[2]}\n"]) == KEY
    wrong = words[0].split()
    wrong[7] = "academic" if wrong[7] != "academic" else "acid"
    for given in (shares[:1], [shares[0], other[1]], [" ".join(wrong), words[1]], ["not a share", words[1]]):
        with pytest.raises(KeyMismatch) as refused:
            escrow.join_shares(given)
        assert "academic" not in f"{refused.value}{refused.value.remedy}{refused.value.__cause__}"
    for threshold, count in ((1, 3), (4, 3), (2, 17)):
        with pytest.raises(ConfigError):
            escrow.in_shares(KEY, threshold, count)


def test_what_is_no_escrow_is_refused() -> None:
    """Damaged, foreign or hostile: never a crash, and never gigabytes for a key nobody asked for."""
    text = escrow.for_passphrase(KEY, WORDS)
    greedy = json.loads(text)
    greedy["kdf"]["n"] = 2**40
    odd = json.loads(text)
    odd["kdf"]["n"] = 3
    for bad in ("", "{}", "[]", text[:40], json.dumps({**json.loads(text), "sealed": "?"}), json.dumps(greedy),
                json.dumps(odd), json.dumps({**json.loads(text), "kdf": None})):  # fmt: skip
        with pytest.raises(ConfigError):
            escrow.open_escrow(bad, passphrase=WORDS)
    with pytest.raises(KeyMismatch):
        escrow.open_escrow(json.dumps({**json.loads(text), "mark": "0" * 16}), passphrase=WORDS)
