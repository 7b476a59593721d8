"""Keys, sealing and keyed hashes: the only module that touches cryptographic primitives.

The key tree: a *root key* from outside the data directory wraps the *workspace key*, which wraps one random key a
collection and that collection's *wrapping key*. From the collection key HKDF derives a key for each purpose
(identifiers, content comparison, surrogates, wrapping). The key of a document version or of a vault value is wrapped by
the latter, and once more by its own *record key*, which the wrapping key wraps. Destroying a record key destroys what
it opened, in copies too: that is how erasure works (``NIST SP 800-88r1``, cryptographic erase).

Sealing is AES-256-GCM (NIST SP 800-38D) with a random 96-bit nonce and the record's identity as associated
data, so that a ciphertext moved to another row does not open.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import unicodedata
from collections.abc import Callable
from typing import Any

from ragkit.errors import KeyMismatch

KEY_BYTES = 32
_NONCE_BYTES = 12
_RSA_BITS = 2048
_PADDED_TO = 64


def new_key() -> bytes:
    """Return 32 random bytes from the operating system."""
    return os.urandom(KEY_BYTES)


def derive(key: bytes, purpose: str) -> bytes:
    """Derive a 32-byte key for one purpose (HKDF-SHA256, RFC 5869, one output block).

    The input is always a uniformly random key, so the extract step is skipped, as RFC 5869 section 3.3 allows.
    """
    return hmac.digest(key, b"ragkit/1/" + purpose.encode() + b"\x01", "sha256")


def keyed_hash(key: bytes, *parts: bytes | str) -> bytes:
    """HMAC-SHA256 over length-prefixed parts, 32 bytes. Two different lists of parts never collide by joining."""
    mac = hmac.new(key, digestmod=hashlib.sha256)
    for part in parts:
        raw = part.encode("utf-8", "surrogatepass") if isinstance(part, str) else part
        mac.update(len(raw).to_bytes(8, "big"))
        mac.update(raw)
    return mac.digest()


def key_number(mac: bytes) -> int:
    """Return the first 8 bytes of a keyed hash as a signed number, which is what SQL keeps smallest."""
    return int.from_bytes(mac[:8], "big", signed=True)


def opaque_id(key: bytes, *parts: bytes | str) -> str:
    """Return a stable identifier that tells nothing: 26 base32 characters (128 bits) of ``keyed_hash``."""
    return base64.b32encode(keyed_hash(key, *parts)[:16]).decode().rstrip("=").lower()


def seal(key: bytes, plaintext: bytes, *, bound_to: str) -> bytes:
    """Encrypt; the result opens only with the same key and the same ``bound_to``. Overhead 28 bytes."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # 30 ms of import, not needed by --help

    nonce = os.urandom(_NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, plaintext, bound_to.encode())


def unseal(key: bytes, sealed: bytes, *, bound_to: str) -> bytes:
    """Decrypt what :func:`seal` made.

    Raises:
        KeyMismatch: Another key, another ``bound_to``, or altered bytes.
    """
    return opener(key)(sealed, bound_to)


def opener(key: bytes) -> Callable[[bytes, str], bytes]:
    """Return :func:`unseal` for one key: many records open in a fifth of the time. Takes what is sealed and its bound.

    The function it returns raises as :func:`unseal`.
    """
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    cipher = AESGCM(key)

    def unsealed(sealed: bytes, bound_to: str) -> bytes:
        try:
            return cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], bound_to.encode())
        except (InvalidTag, ValueError) as bad:  # ValueError: it is shorter than a nonce
            raise KeyMismatch(
                "a sealed record does not open with this workspace's key",
                remedy="Check that the root key is the one the workspace was made with: `ragkit doctor`.",
            ) from bad

    return unsealed


def root_mark(root_key: bytes) -> str:
    """Return the check value of a root key: it tells two keys apart and nothing else. 16 hexadecimal digits."""
    return keyed_hash(derive(root_key, "fingerprint"), "root")[:8].hex()


def stretch(passphrase: str, salt: bytes, *, n: int, r: int, p: int) -> bytes:
    """Make a 32-byte key from a passphrase (scrypt, RFC 7914); takes about 128 * n * r bytes of memory.

    Raises:
        ValueError: The parameters are not scrypt's.
    """
    text = unicodedata.normalize("NFKC", passphrase).encode("utf-8", "surrogatepass")
    return hashlib.scrypt(text, salt=salt, n=n, r=r, p=p, maxmem=256 * n * r, dklen=KEY_BYTES)


def seal_for(public_pem: bytes, secret: bytes, *, bound_to: str) -> tuple[str, bytes]:
    """Seal a short secret for the holder of a private key. Returns the method's name and the sealed bytes.

    X25519 by HPKE (RFC 9180: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM); RSA of at least 2048 bits by OAEP
    with SHA-256 (RFC 8017).

    Raises:
        ValueError: Not a public key in PEM, of another kind, or too short.
    """
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    key = load_pem_public_key(public_pem)
    if isinstance(key, X25519PublicKey):
        return "hpke-x25519", _hpke().encrypt(secret, key, info=bound_to.encode())
    if isinstance(key, RSAPublicKey) and key.key_size >= _RSA_BITS:
        return "rsa-oaep-sha256", key.encrypt(secret, _oaep(bound_to))
    raise ValueError("neither X25519 nor RSA of 2048 bits or more")


def unseal_from(private_pem: bytes, sealed: bytes, *, bound_to: str, passphrase: str | None = None) -> bytes:
    """Undo :func:`seal_for`. ``passphrase`` opens the private key itself.

    Raises:
        KeyMismatch: Sealed for another key, for another purpose, or altered.
        ValueError: Not a private key in PEM, or the passphrase is wrong or missing.
    """
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(private_pem, passphrase.encode() if passphrase else None)
    except TypeError as refused:  # encrypted and no passphrase, or the other way round
        raise ValueError("the private key needs its passphrase, or has none") from refused
    try:
        if isinstance(key, X25519PrivateKey):
            return bytes(_hpke().decrypt(sealed, key, info=bound_to.encode()))
        if isinstance(key, RSAPrivateKey):
            return bytes(key.decrypt(sealed, _oaep(bound_to)))
    except (InvalidTag, ValueError) as bad:
        raise KeyMismatch("it was sealed for another key", remedy="Use the private key of that public key.") from bad
    raise ValueError("neither X25519 nor RSA")


def _hpke() -> Any:
    from cryptography.hazmat.primitives import hpke

    return hpke.Suite(hpke.KEM.X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_256_GCM)


def _oaep(label: str) -> Any:
    from cryptography.hazmat.primitives.asymmetric import padding
    from cryptography.hazmat.primitives.hashes import SHA256

    return padding.OAEP(mgf=padding.MGF1(algorithm=SHA256()), algorithm=SHA256(), label=label.encode())


def signing_public_key(key: bytes) -> bytes:
    """Return the 32-byte public key (Ed25519, RFC 8032) of a 32-byte private one."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Ed25519PrivateKey.from_private_bytes(key).public_key().public_bytes_raw()


def sign(key: bytes, message: bytes) -> bytes:
    """Sign with a 32-byte private key (Ed25519, RFC 8032); 64 bytes, the same every time."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Ed25519PrivateKey.from_private_bytes(key).sign(message)


def is_signed(public_key: bytes, signature: bytes, message: bytes) -> bool:
    """Say whether a signature is that of this message by the holder of the private key."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def pad(text: bytes, to: int = _PADDED_TO) -> bytes:
    """Fill encoded text up to a multiple of ``to`` bytes, so that the length of its seal does not tell it.

    AES-GCM hides content and not size, and people are told apart by the sizes of their names and addresses (``ragkit
    attack`` found them so). The filling is 0xFF, which UTF-8 never holds, so that text sealed without it opens alike.
    """
    return text + b"\xff" * (-len(text) % to)


def unpad(padded: bytes) -> bytes:
    """Undo :func:`pad`."""
    return padded.rstrip(b"\xff")


class CollectionKeys:
    """The keys of one collection, derived once from its random 32-byte key.

    Attributes:
        ids: Keyed hashes that become document ids.
        content: Keyed hashes that tell whether a source item changed.
        values: Keyed hashes by which the vault finds a value.
        surrogates: Order in which surrogates are drawn from the pools.
        wrapping: Wraps the keys of documents and values.
    """

    __slots__ = ("content", "ids", "surrogates", "values", "wrapping")

    def __init__(self, collection_key: bytes) -> None:
        self.ids = derive(collection_key, "ids")
        self.content = derive(collection_key, "content")
        self.values = derive(collection_key, "values")
        self.surrogates = derive(collection_key, "surrogates")
        self.wrapping = derive(collection_key, "wrapping")

    def __repr__(self) -> str:
        return "CollectionKeys(…)"

    def __reduce__(self) -> tuple[object, ...]:
        raise TypeError("keys are not pickled; send the wrapped key and the way to the root key instead")
