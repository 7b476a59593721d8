"""Where in a web address a person may stand: before the host, in the host, anywhere behind it."""

# ruff: noqa: SIM905 (a list of words reads better as one text than as a list of texts)

from __future__ import annotations

import re
from collections.abc import Iterator

from ragkit.folding import fold

_FORM = re.compile(
    r"(?P<scheme>(?:[a-z][a-z0-9+.\-]*:)?//|mailto:)?(?P<user>[^/?#@]*@)?(?P<www>www\d?\.)?(?P<host>[^/?#:]*)"
    r"(?P<port>:\d+)?(?P<rest>.*)",
    re.IGNORECASE | re.DOTALL,
)
_WORD = re.compile(r"([^\W_]+)")
_PLATFORMS = (
    "linkedin.com", "facebook.com", "instagram.com", "x.com", "twitter.com", "t.me", "xing.com", "tiktok.com",
    "orcid.org", "github.com", "gitlab.com", "youtube.com",
)  # fmt: skip
"""Hosts that say nothing of anybody."""
_STRUCTURE = frozenset(
    "in pub user users profile profiles people person persons member members customer customers contact contacts "
    "author authors status post posts file files id ids doc docs page pages html htm php pdf index view edit search "
    "api name query".split()
)
"""Words of a path or query that stay."""


def stretches(value: str) -> Iterator[tuple[str, str]]:
    """A web address in pieces: ``keep``, ``domain`` (a host), ``draw`` (digits), ``name`` (to be taken apart)."""
    found = _FORM.fullmatch(value)
    if found is None:
        yield "name", value
        return
    host = found["host"]
    known = any(fold(host) == one or fold(host).endswith(f".{one}") for one in _PLATFORMS)
    yield "keep", found["scheme"] or ""
    yield from _words(found["user"] or "")
    yield "keep", found["www"] or ""
    yield "keep" if known else "domain" if any(char.isalpha() for char in host) else "draw", host
    yield "keep", found["port"] or ""
    yield from _words(found["rest"])


def _words(text: str) -> Iterator[tuple[str, str]]:
    for piece in _WORD.split(text):
        yield "name" if _WORD.fullmatch(piece) and fold(piece) not in _STRUCTURE else "keep", piece
