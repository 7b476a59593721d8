"""An issuer of tokens on this machine, with a real server of its keys, for tests of who may call.

::

    with TestIssuer() as issuer:
        config = issuer.toml("corp", audience="ragkit")        # a [serve.oidc.corp] that trusts it
        token = issuer.token("ana", groups=["sales"])
        issuer.rotate()                                        # new tokens have a key that nobody knows yet
        issuer.down = True                                     # its server answers 500
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

from joserfc import jws
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey

from ragkit.testing.recording_server import RecordingServer, plain

AUDIENCE = "ragkit"


class TestIssuer:
    """Signs tokens, and serves the keys to check them with.

    Args:
        name: Its claim ``iss``.
        algorithm: That of its first key.
    """

    __test__ = False

    def __init__(self, name: str = "https://login.example.org/", *, algorithm: str = "RS256") -> None:
        self.name = name
        self.algorithm = algorithm
        self.keys: dict[str, Key] = {}
        self.kid = ""
        self.down = False
        self.rotate()
        self._server = RecordingServer(answer=self._answer)

    def __enter__(self) -> Self:
        self._server.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.__exit__(kind, error, trace)

    @property
    def jwks_url(self) -> str:
        """Where its keys are."""
        return f"{self._server.url}/keys"

    @property
    def fetches(self) -> int:
        """How often its keys were asked for."""
        return len(self._server.requests)

    @property
    def key(self) -> Key:
        """The private key that signs now."""
        return self.keys[self.kid]

    def rotate(self, algorithm: str | None = None) -> str:
        """Make a new key and sign with it from now on; return its id."""
        self.algorithm = algorithm or self.algorithm
        self.kid = f"key-{len(self.keys) + 1}"
        self.keys[self.kid] = make_key(self.algorithm)
        return self.kid

    def jwks(self) -> dict[str, Any]:
        """Its public keys."""
        return {"keys": [{**key.as_dict(private=False), "kid": kid} for kid, key in self.keys.items()]}

    def toml(self, name: str, *, audience: str = AUDIENCE, more: str = "") -> str:
        """Return a section that trusts this issuer."""
        return (
            f'[serve.oidc.{name}]\nissuer = "{self.name}"\naudience = "{audience}"\njwks_url = "{self.jwks_url}"\n'
            f"{more}\n"
        )

    def claims(self, subject: str = "ana", **more: Any) -> dict[str, Any]:
        """Return the claims of a good token; a value of ``None`` leaves one out."""
        now = int(time.time())
        every = {"iss": self.name, "aud": AUDIENCE, "sub": subject, "iat": now, "nbf": now, "exp": now + 300, **more}
        return {name: value for name, value in every.items() if value is not None}

    def token(self, subject: str = "ana", *, header: Mapping[str, Any] | None = None, **claims: Any) -> str:
        """Return a signed token."""
        told = {"alg": self.algorithm, "kid": self.kid, "typ": "at+jwt", **(header or {})}
        return signed(told, self.claims(subject, **claims), self.key)

    def _answer(self, _: bytes) -> bytes:
        if self.down:
            return plain(b"{}", status="500 Internal Server Error")
        return plain(json.dumps(self.jwks()).encode())


def make_key(algorithm: str) -> Key:
    """Return a new private key for an algorithm."""
    if algorithm.startswith("ES"):
        return ECKey.generate_key({"256": "P-256", "384": "P-384", "512": "P-521"}[algorithm[2:]])
    return OKPKey.generate_key("Ed25519") if algorithm == "EdDSA" else RSAKey.generate_key(2048)


def signed(header: Mapping[str, Any], claims: Mapping[str, Any], key: Key) -> str:
    """Return a token with just this header and these claims; a value of ``None`` leaves a header out."""
    told = {name: value for name, value in header.items() if value is not None}
    algorithm = str(told["alg"])
    model = jws.JWSRegistry.algorithms[algorithm]
    text = f"{encoded(json.dumps(told).encode())}.{encoded(json.dumps(claims).encode())}"
    return f"{text}.{encoded(model.sign(text.encode(), key))}"


def encoded(raw: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
