"""Bearer tokens of OpenID Connect (JWT, RFC 7519; RFC 8725's advice; access tokens of RFC 9068).

::

    token = read_token(text)                              # shape only; nothing of it is believed
    if issuer.meant_by(token):
        bearer = issuer.verify(token)                     # signature, times, claims

Algorithms, issuer, audience and the address of the keys are those of ``ragkit.toml``; nothing in a token changes where
keys come from or how they are used. The signature is checked by joserfc, with the one algorithm that the key is for.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ragkit.auth.jwks import Jwks
from ragkit.config_serve import SCOPES, OidcSection, Scope
from ragkit.errors import RagkitError
from ragkit.types import Principal

MOST_CHARACTERS = 65_536
"""Longest token."""
MOST_GROUPS = 5_000
"""Groups of one token; with more it is refused, since leaving some out would show less without saying so."""

_HEADER_BYTES = 2_048
_PART = re.compile(r"[A-Za-z0-9_-]+")
_FOREIGN = frozenset({"crit", "jku", "jwk", "x5u", "x5c", "b64", "zip", "enc"})
"""Headers by which a token would say how, or with which key, it is to be checked."""
_ACCESS_TYPES = frozenset({"at+jwt", "application/at+jwt"})
_TYPES = _ACCESS_TYPES | {"jwt", "application/jwt"}
_TEXT_CHARACTERS = 255
_LATEST = 1e11


class TokenRefused(RagkitError):
    """A token that opens nothing. ``code`` is for the event; whoever showed it is not told."""

    def __init__(self, code: str) -> None:
        super().__init__("this token is not accepted", remedy="Log in again.")
        self.code = code


@dataclass(frozen=True, slots=True)
class Token:
    """A token as it was read: not checked, not to be believed."""

    text: str = field(repr=False)
    header: Mapping[str, Any] = field(repr=False)
    claims: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Bearer:
    """Who a token that was checked stands for.

    Attributes:
        principal: ``NAME|sub``, with the groups ``NAME|x`` and those that the configuration gives for them.
        scopes: What it may be used for.
        credential: Opaque id of the bearer, the same for each of their tokens.
    """

    principal: Principal
    scopes: frozenset[Scope]
    credential: str = field(repr=False)


def read_token(text: str) -> Token:
    """Take a token apart.

    Raises:
        TokenRefused: It has not the shape of a signed token.
    """
    parts = text.split(".")
    if len(text) > MOST_CHARACTERS:
        raise TokenRefused("token-too-long")
    if len(parts) != 3 or not all(_PART.fullmatch(part) for part in parts):
        raise TokenRefused("token-malformed")
    header = _object(parts[0])
    if len(parts[0]) > _HEADER_BYTES or not isinstance(header.get("alg"), str):
        raise TokenRefused("token-malformed")
    if _FOREIGN & header.keys():
        raise TokenRefused("token-header")
    return Token(text, header, _object(parts[1]))


class Issuer:
    """One issuer of tokens, for one tenant; safe to use from several threads.

    Args:
        name: Of its section; the issuer of its subjects and groups here.
        section: ``[serve.oidc.NAME]``.
        ca_file: Certificates to trust at its address, resolved.
        jwks: Its keys, in place of those of ``jwks_url``.
        clock: Gives the Unix time.
    """

    def __init__(
        self,
        name: str,
        section: OidcSection,
        *,
        ca_file: Path | None = None,
        jwks: Jwks | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.name = name
        self.section = section
        self._jwks = jwks or Jwks(section, ca_file=ca_file)
        self._clock = clock

    def meant_by(self, token: Token) -> bool:
        """Whether a token says it is of this issuer, for this service and with all that it must have here."""
        claims, section = token.claims, self.section
        audience = claims.get("aud")
        audiences = audience if isinstance(audience, list) else [audience]
        return (
            claims.get("iss") == section.issuer
            and section.audience in audiences
            and all(claims.get(name) == value for name, value in section.required.items())
        )

    def verify(self, token: Token) -> Bearer:
        """Check a token and return who it stands for. May fetch keys, so not for the event loop.

        Raises:
            TokenRefused: It opens nothing here.
            IssuerUnavailable: It cannot be checked now.
        """
        if not self.meant_by(token):
            raise TokenRefused("token-issuer")
        algorithm, kid = token.header["alg"], token.header.get("kid")
        if algorithm not in self.section.algorithms:
            raise TokenRefused("token-algorithm")
        if kid is not None and not isinstance(kid, str):
            raise TokenRefused("token-malformed")
        self._check_type(token.header.get("typ"))
        self._check_times(token.claims)
        if not any(_is_signed(token.text, key, algorithm) for key in self._jwks.matching(kid, algorithm)):
            raise TokenRefused("token-signature")
        return self._bearer(token.claims)

    def _check_type(self, kind: object) -> None:
        allowed = _ACCESS_TYPES if self.section.access_tokens_only else _TYPES
        if kind is None and not self.section.access_tokens_only:
            return
        if not isinstance(kind, str) or kind.lower() not in allowed:
            raise TokenRefused("token-type")

    def _check_times(self, claims: Mapping[str, Any]) -> None:
        now, leeway = self._clock(), self.section.leeway_seconds
        if "exp" not in claims:
            raise TokenRefused("token-endless")
        if now >= _time(claims["exp"]) + leeway:
            raise TokenRefused("token-expired")
        if any(_time(claims[name]) > now + leeway for name in ("nbf", "iat") if name in claims):
            raise TokenRefused("token-early")

    def _bearer(self, claims: Mapping[str, Any]) -> Bearer:
        subject = claims.get(self.section.subject_claim)
        if not isinstance(subject, str) or not _is_name(subject):
            raise TokenRefused("token-subject")
        principal = Principal(f"{self.name}|{subject}", self._groups(claims.get(self.section.groups_claim)))
        mark = hashlib.sha256(f"{self.section.issuer}\0{subject}".encode()).hexdigest()[:32]
        return Bearer(principal, self._scopes(claims.get(self.section.scope_claim)), mark)

    def _groups(self, claim: object) -> frozenset[str]:
        """Groups to the letter, as access lists are: another case or another form of Unicode is another group."""
        listed = [claim] if isinstance(claim, str) else claim if isinstance(claim, list) else []
        if len(listed) > MOST_GROUPS:
            raise TokenRefused("token-groups")
        theirs = {one for one in listed if isinstance(one, str) and _is_name(one) and "|" not in one}
        mapped = {ours for one in theirs for ours in self.section.groups.get(one, ())}
        return frozenset({f"{self.name}|{one}" for one in theirs} | mapped)

    def _scopes(self, claim: object) -> frozenset[Scope]:
        allowed = frozenset(self.section.scopes)
        if claim is None:
            return allowed
        told = claim.split() if isinstance(claim, str) else claim if isinstance(claim, list) else []
        return frozenset(one for one in SCOPES if one in allowed and one in told)

    def __repr__(self) -> str:
        return f"Issuer({self.name!r})"


def _object(part: str) -> Mapping[str, Any]:
    try:
        found = json.loads(
            base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True),
            object_pairs_hook=_unique,
            parse_constant=_no_constant,
        )
    except (ValueError, binascii.Error, RecursionError):
        raise TokenRefused("token-malformed") from None
    if not isinstance(found, dict):
        raise TokenRefused("token-malformed")
    return found


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key twice")
    return found


def _no_constant(_: str) -> Any:
    raise ValueError("no number")


def _time(value: object) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value < _LATEST:
        raise TokenRefused("token-times")
    return float(value)


def _is_name(text: str) -> bool:
    """Of at most 255 characters that can be printed, not blank at an end."""
    return 0 < len(text) <= _TEXT_CHARACTERS and text.isprintable() and text.strip() == text


def _is_signed(text: str, key: Any, algorithm: str) -> bool:
    from joserfc.errors import JoseError
    from joserfc.jws import JWSRegistry

    said, _, signature = text.rpartition(".")
    try:
        raw = base64.b64decode(signature + "=" * (-len(signature) % 4), altchars=b"-_", validate=True)
        return bool(JWSRegistry.algorithms[algorithm].verify(said.encode(), raw, key))
    except (JoseError, ValueError, TypeError):
        return False
