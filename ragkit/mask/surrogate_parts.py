"""How values are cut into parts that have surrogates of their own, and which words may stay.

A word stays only where it says nothing of anybody: ``van der`` before a name, ``Dr.`` before it, ``Street`` in an
address. Glenn Close, Diane Lane and Ben Grove have no such words.
"""

# ruff: noqa: SIM905 (a list of words reads better as one text than as a list of texts)

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from ragkit.folding import fold
from ragkit.mask.normalise import HONORIFICS
from ragkit.mask.people import PARTICLES
from ragkit.mask.surrogate_urls import stretches

COMPOSED = frozenset({"PERSON", "EMAIL_ADDRESS", "ADDRESS", "LOCATION", "ORGANIZATION", "PROFILE_URL", "URL"})
"""Types whose surrogate is put together from parts; a dictionary's types too, when the value holds letters only."""

PIECE = re.compile(r"[^\W\d_]+|\d+|[\W_]+")
KEPT = frozenset(
    "von van vom zu zur der den de del della di da das dos du des la le el al bin ibn ben ter ten af y e und "
    "and the of street st road rd avenue ave lane ln drive dr boulevard blvd court ct square sq place pl "
    "terrace way close crescent parkway pkwy highway hwy circle row gardens mews grove quay apt apartment "
    "suite ste unit flat floor po box p o rue avenue av bd chemin allee impasse quai cours route bis calle c "
    "avenida avda plaza paseo camino via viale piazza corso largo rua travessa praca ltd limited inc llc gmbh "
    "ag sa bv nv plc co kg ug srl spa oy ab as info support sales contact office service admin noreply hello "
    "team mail help billing hr jobs press".split()
)
"""Words that stay as they are in a composed value."""
_STREET_SUFFIX = re.compile(
    r"(?i)(straße|strasse|str|weg|platz|allee|gasse|ufer|damm|straat|laan|gracht|plein|kade|gatan|vägen|veien)$"
)


_ROLES = frozenset(
    "info support sales contact office service services admin noreply hello team mail help billing hr jobs press "
    "privacy returns orders shop no reply do not customer customers care desk".split()
)
"""Of mailboxes that are nobody's; in one with any other word they are a name's."""
_LETTERS = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True, slots=True, repr=False)
class Part:
    """A piece of a composed value.

    ``kind`` is ``name``, ``place`` or ``domain`` for a part with a surrogate of its own, ``draw`` for digits and
    initials, ``keep`` for what stays.
    """

    kind: str
    text: str


def split(entity_type: str, value: str) -> list[Part]:
    """The parts of a composed value, in order; their texts joined give the value."""
    return list(_split(entity_type, value))


@lru_cache(maxsize=16_384)
def _split(entity_type: str, value: str) -> list[Part]:
    if entity_type == "EMAIL_ADDRESS":
        local, at, domain = value.rpartition("@")
        role = all(fold(word) in _ROLES for word in _LETTERS.findall(local)) and not any(map(str.isdigit, local))
        return [*([Part("keep", local)] if role else _pieces(local, "name")), Part("keep", at), Part("domain", domain)]
    if entity_type in {"PROFILE_URL", "URL"}:
        pieces = [(kind, text) for kind, text in stretches(value) if text]
        return [p for kind, text in pieces for p in (_pieces(text, kind) if kind == "name" else [Part(kind, text)])]
    return list(_pieces(value, "name" if entity_type == "PERSON" else "place"))


def _pieces(value: str, kind: str) -> Iterator[Part]:
    found = list(PIECE.finditer(value))
    spans = [match for match in found if _is_word(match[0])]
    words = [match[0] for match in spans]
    joined = bool(spans) and value[spans[0].end() : spans[0].end() + 1] in {"-", "'", "’"}
    stays = iter(_stays_in_name(words, joined=joined) if kind == "name" else _stays_in_place(words))
    for piece in (match[0] for match in found):
        if not _is_word(piece):
            yield Part("draw" if piece[0].isalnum() else "keep", piece)
        elif next(stays):
            yield Part("keep", piece)
        elif kind == "place" and (suffix := _STREET_SUFFIX.search(piece)) is not None and suffix.start() >= 3:
            yield Part("place", piece[: suffix.start()])
            yield Part("keep", suffix[0])
        else:
            yield Part(kind, piece)


def _is_word(piece: str) -> bool:
    return piece[0].isalnum() and not piece.isdigit() and len(piece) > 1


def _stays_in_name(words: Sequence[str], *, joined: bool) -> list[bool]:
    """Honorifics before a name and particles within it; never the last word, which is the name then.

    A first word is a particle in lower case or where it is ``joined`` to the next (``Al-Hassan``); Al, Van and Ben are
    names too.
    """
    stays: list[bool] = []
    for place, word in enumerate(words):
        inside = place > 0 or joined or (word.islower() and fold(word) != "ben")
        honorific = fold(word) in HONORIFICS and all(stays)
        stays.append(((fold(word) in PARTICLES and inside) or honorific) and place < len(words) - 1)
    return stays


def _stays_in_place(words: Sequence[str]) -> list[bool]:
    """Words of streets and companies, unless there is nothing else."""
    stays = [fold(word) in KEPT for word in words]
    return [False] * len(stays) if all(stays) else stays


@lru_cache(maxsize=16_384)
def is_renewed(entity_type: str, normal: str) -> bool:
    """Whether a value may have a row whose surrogate holds a part of it, made before such words were replaced."""
    if entity_type in {"PROFILE_URL", "URL"}:
        return True
    if entity_type not in COMPOSED:
        return False
    words = _LETTERS.findall(normal)
    if entity_type in {"EMAIL_ADDRESS", "PERSON"}:
        return any(word in KEPT or word in HONORIFICS for word in words)
    return bool(words) and all(word in KEPT for word in words)
