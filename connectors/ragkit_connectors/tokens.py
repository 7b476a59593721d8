"""Access tokens out of the names that a source gives to people and groups."""

from __future__ import annotations

import re
from collections.abc import Iterable

_SCOPE = re.compile(r"[^|\s\x00-\x1f]+")
_NAME = re.compile(r"[^|\x00-\x1f]*[^|\s\x00-\x1f]")


def user_tokens(issuer: str, names: Iterable[str]) -> frozenset[str]:
    """``u:issuer|name`` for each name; one that no token can hold is left out, which lets nobody in."""
    return _tokens("u", issuer, names)


def group_tokens(scope: str, names: Iterable[str]) -> frozenset[str]:
    """``g:scope|name`` for each name, as :func:`user_tokens`."""
    return _tokens("g", scope, names)


def check_scope(scope: str) -> str:
    """Return an issuer or scope that a token can hold.

    Raises:
        ValueError: It is empty, or has white space or a bar.
    """
    if not _SCOPE.fullmatch(scope):
        raise ValueError("an issuer or scope has no white space and no bar")
    return scope


def _tokens(kind: str, scope: str, names: Iterable[str]) -> frozenset[str]:
    return frozenset(f"{kind}:{scope}|{name}" for name in names if _NAME.fullmatch(name))
