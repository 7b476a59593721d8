"""Names as people write them: which words and initials a name has, under what it is found, which names it may mean.

``G. Yalman``, ``yalman galip``, ``Mr Yalman's`` and ``Galip M. Yalman`` may all be Galip Yalman. ``read_name`` takes a
name apart, ``name_keys`` says under what a vault files it, ``fits`` whether a mention may be a certain person, and
``persons`` how many different people a list of names holds. Pure functions of text; keyed hashing is the vault's.
"""

# ruff: noqa: SIM905 (a list of words reads better as one text than as a list of texts)

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from ragkit.folding import fold
from ragkit.mask.normalise import HONORIFICS, strip_possessive

NameKey = tuple[str, ...]
"""``("word", form)``, ``("initial", letter, form)``, ``("pair", form, form)`` or ``("local", local part)``; for a
further spelling of any value ``("spelling", entity type, normal form)``, under which no question asks."""

PARTICLES = frozenset(
    "von van vom zu zur der den de del della di da das dos du des la le el al bin ibn ben ter ten af y e "
    "st jr sr ii iii".split()
)
_TOKEN = re.compile(r"[^\W\d_]+(?:['’\-][^\W\d_]+)*")
_JOINT = re.compile(r"['’\-]")
_SPELLED_OUT = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "å": "aa", "ø": "oe"})
_MOST_WORDS = 4
_MOST_KEYS = 40


@dataclass(frozen=True, slots=True, repr=False)
class Word:
    """One word of a name as written, and the folded forms it goes by, the whole one first."""

    text: str
    forms: tuple[str, ...]


@dataclass(frozen=True, slots=True, repr=False)
class Name:
    """The words of a name in order, without honorifics and particles, and its initials in lower case."""

    words: tuple[Word, ...]
    initials: tuple[str, ...] = ()


@lru_cache(maxsize=16_384)
def read_name(value: str) -> Name:
    """``Dr. Galip M. von Yalman's`` to the words ``Galip``, ``Yalman`` and the initial ``m``."""
    text = strip_possessive(value.strip())
    words: list[Word] = []
    initials: list[str] = []
    tokens = list(_TOKEN.finditer(text))
    while len(tokens) > 1 and fold(tokens[0][0]) in HONORIFICS:
        tokens.pop(0)
    for token in tokens:
        dotted = text[token.end() : token.end() + 1] == "."
        if len(token[0]) == 1 and (dotted or token[0].isupper() or fold(token[0]) not in PARTICLES):
            initials.append(fold(token[0]))
        elif fold(token[0]) not in PARTICLES or len(tokens) == 1:
            words.append(Word(token[0], _forms(token[0])))
    return Name(tuple(words), tuple(initials))


def _forms(token: str) -> tuple[str, ...]:
    """``O'Neill`` to ``oneill`` and ``neill``; ``Müller`` to ``muller`` and ``mueller``."""
    pieces = _JOINT.split(token)
    found = ["".join(fold(piece) for piece in pieces)]
    spelled = "".join(fold(piece.lower().translate(_SPELLED_OUT)) for piece in pieces)
    if len(pieces) > 1:
        found += [form for piece in pieces if len(form := fold(piece)) > 1 and form not in PARTICLES]
    return tuple(dict.fromkeys([*found, spelled]))


def name_keys(entity_type: str, value: str) -> list[NameKey]:
    """Under what a question may ask for a value: names, and e-mail addresses by what stands before the sign."""
    if entity_type == "EMAIL_ADDRESS":
        local = fold(value.rpartition("@")[0])
        return [("local", local)] if len(local) > 3 else []
    if entity_type != "PERSON":
        return []
    name = read_name(value)
    words = name.words[:_MOST_WORDS]
    keys: list[NameKey] = [("word", form) for word in words for form in word.forms]
    for word in words:
        letters = [*name.initials, *(other.forms[0][0] for other in words if other is not word)]
        keys += (("initial", letter, form) for letter in letters for form in word.forms)
    for number, word in enumerate(words):
        for other in words[number + 1 :]:
            keys += (_pair(form, more) for form in word.forms for more in other.forms)
    return list(dict.fromkeys(keys))[:_MOST_KEYS]


def is_list(value: str) -> bool:
    """Whether a mention is several names that were taken for one: ``Anna Meier, Karl Schulz, G. Yalman``."""
    return value.count(",") + value.count(";") > 1 or len(read_name(value).words) > _MOST_WORDS + 1


def spelling_key(entity_type: str, normal: str) -> NameKey:
    """Under what the further spellings of a value are filed, so that all that is held of a person can be found."""
    return ("spelling", entity_type, normal)


def narrowest_key(name: Name) -> NameKey | None:
    """The key under which the fewest values are filed that a mention may mean."""
    if len(name.words) > 1:
        return _pair(name.words[0].forms[0], name.words[1].forms[0])
    if not name.words:
        return None
    form = name.words[0].forms[0]
    return ("initial", name.initials[0], form) if name.initials else ("word", form)


def _pair(form: str, other: str) -> NameKey:
    return ("pair", min(form, other), max(form, other))


def fits(mention: Name, person: Name) -> list[int] | None:
    """Which words of a person a mention names, in the person's order; ``None`` when it names somebody else.

    Every word of the mention must be a word of the person, in any order, and every initial that of a word the mention
    leaves out, or one of the person's initials.
    """
    used: list[int] = []
    for word in mention.words:
        forms = set(word.forms)
        at = next((n for n, own in enumerate(person.words) if n not in used and not forms.isdisjoint(own.forms)), None)
        if at is None:
            return None
        used.append(at)
    free = [own.forms[0][0] for n, own in enumerate(person.words) if n not in used] + list(person.initials)
    for initial in mention.initials:
        if initial in free:
            free.remove(initial)
        elif not any(own.forms[0][0] == initial and len(own.forms) > 1 for own in person.words):
            return None  # but the first letter of O'Neill is no initial of somebody else
    return sorted(used)


def persons(names: Iterable[str], *, limit: int) -> list[str]:
    """The different people among some names, each by the fullest one; a shorter name that may mean one is that one.

    Args:
        names: As written.
        limit: Stop at so many.
    """
    found: list[str] = []
    for name in sorted(dict.fromkeys(names), key=lambda one: (_sparseness(read_name(one)), one)):
        if not any(fits(read_name(name), read_name(other)) is not None for other in found):
            found.append(name)
            if len(found) == limit:
                break
    return found


def _sparseness(name: Name) -> tuple[int, int]:
    return -len(name.words), -len(name.initials)


def same_words(name: Name, other: Name) -> bool:
    """Whether two names have the same words, in any order, so that neither says more."""
    return len(name.words) == len(other.words) and fits(name, other) is not None and fits(other, name) is not None


def matched_text(person: str, places: Sequence[int]) -> list[str]:
    """The words of a person at these places, as written."""
    words = read_name(person).words
    return [words[place].text for place in places]
