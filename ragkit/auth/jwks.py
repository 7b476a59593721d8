"""The public keys of an issuer (JSON Web Key Set, RFC 7517), fetched from one address and kept a while.

Keys are used as long as ``keys_seconds`` says. While the issuer cannot be reached they go on for as long again, then
nobody is let in by them. A key that is not known makes them be fetched once more, at most every 30 seconds, so that a
new key of the issuer works at once and made-up ones cost nothing.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from threading import Lock
from typing import Any
from urllib.parse import urlsplit

from ragkit.config_serve import OidcSection
from ragkit.errors import RagkitError
from ragkit.net import HttpClient

Fetch = Callable[[], bytes]

_SECONDS = 5.0
_MOST_BYTES = 1_000_000
_MOST_KEYS = 200
_BETWEEN_UNKNOWN = 30.0
_AFTER_FAILURE = 5.0
_KID_CHARACTERS = 500
_LEAST_RSA_BITS = 2048
_CURVES = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521", "EdDSA": "Ed25519"}
_KINDS = {"R": "RSA", "P": "RSA", "E": "EC"}


class IssuerUnavailable(RagkitError):
    """The issuer's keys cannot be fetched, and those that are known are too old."""

    status = 503
    code = "issuer_unavailable"

    def __init__(self) -> None:
        super().__init__(
            "tokens cannot be checked now: their issuer gives no keys",
            remedy="Try again later. Whoever runs the service looks at `jwks_url` of [serve.oidc] and the network.",
        )


class Jwks:
    """The keys of one issuer; safe to use from several threads, of which one fetches.

    Args:
        section: The issuer's section.
        fetch: Gives the key set's bytes; by default over the network from ``jwks_url``.
        ca_file: Certificates to trust there.
        clock: Gives seconds that only grow.
    """

    def __init__(
        self,
        section: OidcSection,
        *,
        fetch: Fetch | None = None,
        ca_file: Path | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._section = section
        self._ca_file = ca_file
        self._fetch = fetch or self._over_the_network
        self._clock = clock
        self._fetching = Lock()
        self._keys: tuple[tuple[Mapping[str, Any], Any], ...] = ()
        self._fetched: float | None = None
        self._failed: float | None = None
        self._asked_unknown: float | None = None

    def matching(self, kid: str | None, algorithm: str) -> list[Any]:
        """Return the keys that a token may be signed with: of this id, and of the kind that fits the algorithm.

        Without an id, the only key of that kind.

        Raises:
            IssuerUnavailable: There are none that may be used.
        """
        self._renew()
        found = self._named(kid, algorithm)
        if not found and self._may_ask_again():
            with self._fetching:
                self._take()
            found = self._named(kid, algorithm)
        return found

    def _named(self, kid: str | None, algorithm: str) -> list[Any]:
        fitting = [(told, key) for told, key in self._keys if _fits(told, key, algorithm)]
        if kid is None:
            return [key for _, key in fitting] if len(fitting) == 1 else []
        return [key for told, key in fitting if told.get("kid") == kid] if len(kid) <= _KID_CHARACTERS else []

    def _renew(self) -> None:
        if self._age() <= self._section.keys_seconds:
            return
        usable = self._age() <= 2 * self._section.keys_seconds
        if not self._fetching.acquire(blocking=not usable):
            return  # another thread fetches, and these may be used meanwhile
        try:
            if self._age() > self._section.keys_seconds and not self._just_failed():
                self._take()
        finally:
            self._fetching.release()
        if self._age() > 2 * self._section.keys_seconds:
            raise IssuerUnavailable

    def _age(self) -> float:
        return float("inf") if self._fetched is None else self._clock() - self._fetched

    def _just_failed(self) -> bool:
        return self._failed is not None and self._clock() - self._failed < _AFTER_FAILURE

    def _may_ask_again(self) -> bool:
        now = self._clock()
        if self._just_failed() or (self._asked_unknown is not None and now - self._asked_unknown < _BETWEEN_UNKNOWN):
            return False
        self._asked_unknown = now
        return True

    def _take(self) -> None:
        """Fetch the keys; what went wrong leaves the old ones."""
        try:
            self._keys = _read(self._fetch())
        except (RagkitError, OSError, ValueError, RecursionError):
            self._failed = self._clock()
        else:
            self._fetched, self._failed = self._clock(), None

    def _over_the_network(self) -> bytes:
        parts = urlsplit(self._section.jwks_url)
        client = HttpClient(
            self._section.jwks_url,
            purpose="jwks",
            ca_file=self._ca_file,
            proxy=self._section.proxy,
            connect_seconds=_SECONDS,
            idle_seconds=_SECONDS,
            max_bytes=_MOST_BYTES,
        )
        try:
            path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            headers = {"Accept": "application/json"}
            with client.open("GET", path, headers=headers, body=b"", seconds=_SECONDS) as reply:
                if reply.status != 200:
                    raise ValueError("no key set")
                return b"".join(reply.pieces())
        finally:
            client.close()

    def __repr__(self) -> str:
        return f"Jwks({len(self._keys)} keys)"


def _read(raw: bytes) -> tuple[tuple[Mapping[str, Any], Any], ...]:
    """The public keys of a key set that can verify something; others are left out.

    Raises:
        ValueError: It is none.
    """
    told = json.loads(raw)
    listed = told.get("keys") if isinstance(told, dict) else None
    if not isinstance(listed, list) or len(listed) > _MOST_KEYS:
        raise ValueError("no key set")
    return tuple((one, key) for one in listed if isinstance(one, dict) and (key := _public(one)) is not None)


def _public(told: Mapping[str, Any]) -> Any:
    from joserfc.errors import JoseError
    from joserfc.jwk import ECKey, OKPKey, RSAKey

    kinds: dict[str, Any] = {
        "RSA": RSAKey,
        "EC": ECKey,
        "OKP": OKPKey,
    }  # never `oct`: a public key is no secret to sign with
    wanted = {"RSA": ("kty", "n", "e"), "EC": ("kty", "crv", "x", "y"), "OKP": ("kty", "crv", "x")}
    kind = str(told.get("kty"))
    if kind not in kinds or told.get("use", "sig") != "sig" or not _verifies(told.get("key_ops")):
        return None
    try:
        if kind == "RSA" and len(told["n"]) * 6 < _LEAST_RSA_BITS:  # base64: six bits a character
            return None
        return kinds[kind].import_key({name: told[name] for name in wanted[kind]})
    except (JoseError, KeyError, ValueError, TypeError):
        return None


def _verifies(operations: object) -> bool:
    return operations is None or (isinstance(operations, Sequence) and "verify" in operations)


def _fits(told: Mapping[str, Any], key: Any, algorithm: str) -> bool:
    """Whether a key is of the kind that an algorithm takes, so that none is taken for another's."""
    if told.get("alg", algorithm) != algorithm:
        return False
    kind = "OKP" if algorithm == "EdDSA" else _KINDS[algorithm[0]]
    return bool(key.key_type == kind) and told.get("crv") == _CURVES.get(algorithm, told.get("crv"))
