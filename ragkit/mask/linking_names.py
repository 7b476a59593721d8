"""Whose name is it: name forms within a document, and e-mail addresses that tell a name."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from functools import lru_cache
from itertools import pairwise

from ragkit.folding import fold
from ragkit.mask.people import PARTICLES, Name, fits, read_name
from ragkit.wordlists import folded

_EDGE = re.compile(r"[._\-+]+|\d+")
_PARTICLES = re.compile(f"(?:{'|'.join(sorted(PARTICLES, key=len, reverse=True))}){{1,3}}")
_MANY = 200


@lru_cache(maxsize=16_384)
def local_pieces(address: str) -> tuple[str, ...]:
    """The pieces of what stands before the sign: ``g.yalman2@…`` gives ``("g", "yalman")``."""
    local = fold(address.partition("@")[0])
    return tuple(piece for piece in _EDGE.split(local) if piece)


def address_fits(address: str, name: Name) -> int:
    """How well an address tells a name: 2 for given and family name or an initial and one, 1 for one word, 0 for none.

    ``galip.yalman``, ``g.yalman``, ``yalmang``, ``gyalman`` and ``galipyalman`` tell Galip Yalman.
    """
    pieces = local_pieces(address)
    words = [set(word.forms) for word in name.words]
    if len(words) > 2:  # h.graupeinado@… for Hani Grau Peinado
        words += [{a + b for a in one for b in other} for one, other in pairwise(words)]
    forms = [form for word in words for form in word]
    if not pieces or not forms:
        return 0
    initials = {form[0] for form in forms} | set(name.initials)
    told = sum(any(_is_form(piece, word) for piece in pieces) for word in words)
    rest = [piece for piece in pieces if not any(_is_form(piece, word) for word in words)]
    if told >= 2:
        return 2
    if told == 1:
        if (
            rest
            and len(rest) == 1
            and len(rest[0]) == 1
            and rest[0] in initials
            and len(words) + len(name.initials) > 1
        ):
            return 2
        return 0 if any(len(piece) > 2 for piece in rest) else 1
    glued = "".join(pieces)
    for word in forms:
        for other in forms:
            if word == other:
                continue
            if glued in {word + other, word[0] + other, other + word[0]}:
                return 2
    return 0


def _is_form(piece: str, word: Collection[str]) -> bool:
    """``sanchez``, and ``delasanchez`` too."""
    if piece in word:
        return True
    return any(piece.endswith(form) and _PARTICLES.fullmatch(piece, 0, len(piece) - len(form)) for form in word)


def tells_other(address: str, name: Name) -> bool:
    """Whether an address reads like a name, ``karl.schulz@…``, and not like this one."""
    pieces = local_pieces(address)
    named = len(pieces) == 2 and len(pieces[1]) > 2 and all(piece.isalpha() for piece in pieces)
    return named and address_fits(address, name) == 0


class NamesHere:
    """The names of one document, each of which may be short for another.

    Args:
        names: As written.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self._by_form: dict[str, list[str]] = {}
        self._full: dict[str, str | None] = {}
        for name in dict.fromkeys(names):
            words = read_name(name).words
            forms = {form for word in words for form in word.forms}
            forms |= {one.forms[0] + other.forms[0] for one, other in pairwise(words) if len(words) > 2}
            for form in forms:
                self._by_form.setdefault(form, []).append(name)

    def full(self, name: str) -> str | None:
        """The fullest name that a name may be short for; ``None`` when it may be two people's."""
        if name not in self._full:
            self._full[name] = self._find(name)
        return self._full[name]

    def _find(self, name: str) -> str | None:
        mine = read_name(name)
        if not mine.words:
            return name
        some = ([one for form in word.forms for one in self._by_form.get(form, ())] for word in mine.words)
        others = min(some, key=len)[:_MANY]
        known = [read_name(other) for other in others]
        fitting = [(other, one) for other, one in zip(others, known) if fits(mine, one) is not None]
        if not fitting:
            return name
        fullest = max(fitting, key=lambda pair: (len(pair[1].words), len(pair[1].initials), pair[0]))
        alike = all(fits(one, fullest[1]) is not None for _, one in fitting)
        return _canonical(fullest[0]) if alike else None

    def with_address(self, address: str) -> set[str]:
        """The full names here that an address tells well."""
        near = {name for piece in self._pieces(address) for name in self._by_form.get(piece, ())[:_MANY]}
        told = (name for name in near if address_fits(address, read_name(name)) == 2)
        return {full for name in told if (full := self.full(name)) is not None}

    def _pieces(self, address: str) -> set[str]:
        pieces = set(local_pieces(address))
        glued = "".join(local_pieces(address))
        pieces |= {glued[1:], glued[:-1]}
        pieces |= {glued[at:] for at in range(2, len(glued) - 1)} if 5 < len(glued) < 30 else set()
        return pieces


def _canonical(name: str) -> str:
    """One key for all spellings of a name: its folded words in order of the alphabet."""
    read = read_name(name)
    return " ".join(sorted(word.forms[0] for word in read.words) + sorted(read.initials))


def may_be_one(name: str, other: str) -> bool:
    """Whether two names may be one person's whom something else already joins: one short for the other, or remarried.

    ``Anna Meier`` and ``Anna Schulz`` may be one, ``Anna Meier`` and ``Karl Meier`` are two.
    """
    one, two = read_name(name), read_name(other)
    if not one.words or not two.words or fits(one, two) is not None or fits(two, one) is not None:
        return True
    first, second = set(one.words[0].forms), set(two.words[0].forms)
    if first & second:
        return True
    if len(one.words) == len(two.words) == 1:  # a given name here, a family name there
        return (one.words[0].forms[0] in folded("given")) != (two.words[0].forms[0] in folded("given"))
    shared = {form for word in one.words for form in word.forms} & {form for word in two.words for form in word.forms}
    return any(form in folded("given") and form not in folded("family") for form in shared)
