"""What a name looks like on paper, and what it is not: the pieces from which the rules for names are put together."""

# ruff: noqa: SIM905 (a list of words reads better as one text than as a list of texts)

from __future__ import annotations

import re
from functools import cache

from ragkit.folding import fold
from ragkit.mask.normalise import HONORIFICS
from ragkit.types import Span
from ragkit.wordlists import everyday, folded

UPPER = (
    "A-Z\u00c0-\u00d6\u00d8-\u00de\u0100\u0102\u0104\u0106\u010c\u010e\u0110\u0118\u011a\u011e\u0130\u0139\u013d"
    "\u0141\u0143\u0147"
    "\u0150\u0152\u0158\u015a\u015e\u0160\u0162\u0164\u016e\u0170\u0178\u0179\u017b\u017d\u0386-\u03ab\u0400-\u042f"
)
CAPITALISED = rf"[{UPPER}](?:[\w\u0300-\u036f]|['’](?=\w)|-(?=\w)){{0,39}}"
"""A word with a capital; a letter may be written with a combining accent. At most 40 characters: an unlimited word
makes every search below quadratic in a text without spaces."""
START = r"(?<![\w'’\-])"
INITIAL = rf"(?:[{UPPER}]|Ch|Cz|Dz|Gy|Ph|Sh|Sz|Th|Yu|Zh)\."
PARTICLE = r"(?:von|van|vom|zu|zur|der|den|de|del|della|di|da|das|dos|du|des|la|le|el|al|bin|ibn|ben|ter|ten|af|y|e)"
GAP = r"(?:[ \t\u00a0]|\n(?![ \t]*\n))"
NAME = (
    rf"(?:{INITIAL}{GAP}?){{0,3}}{CAPITALISED}"
    rf"(?:{GAP}{{1,2}}(?:(?:{PARTICLE}{GAP}){{1,2}})?(?:{INITIAL}|{CAPITALISED})){{0,3}}"
)
NAME_ON_LINE = NAME.replace(GAP, r"[ \t\u00a0]")
LONG_NAME_ON_LINE = (
    rf"(?:{PARTICLE}[ \t\u00a0]){{0,2}}(?:{INITIAL}[ \t\u00a0]?){{0,3}}{CAPITALISED}"
    rf"(?:[ \t\u00a0](?:(?:{PARTICLE}[ \t\u00a0]){{1,2}})?(?:{INITIAL}|{CAPITALISED})){{0,6}}"
)
"""Behind a label a name may have seven words, and begin with a particle."""
_WORDS = re.compile(r"\S+")
ROLE_WORDS = frozenset(
    "team support service customer care sales department office ltd inc gmbh llc group company bank "
    "university the a an and your our sir madam all everyone colleague colleagues desk press legal billing".split()
)
_AFTER_NAME = frozenset(
    "the a an and i we you he she it they my our your this that these please thank thanks as in on at of for "
    "from is was has have had said his her ich wir sie der die das und bitte je nous vous il elle le la les "
    "el los las su sus email phone tel telephone address date subject dear hi hello order invoice customer "
    "account street re regards best kind".split()
)
_ENDS_NAME = frozenset(
    "nocol ncol colegiado sexo edad fecha domicilio calle avenida avda paseo plaza ctra hospital clinica "
    "servicio unidad "
    "centro departamento instituto facultad universidad email correo e-mail tel telefono fax movil nif dni nhc nass cp "
    "geburtsdatum geboren anschrift adresse strasse telefon telephone hopital klinik service rue avenue date naissance "
    "dob phone mobile address ssn born employee id".split()
)
"""Behind a label, the next field of the form begins here."""


def trimmed(text: str, start: int, end: int, *, form: bool = False) -> tuple[int, int]:
    """Without leading honorifics, and without what a sentence's next line or word added at the end.

    Args:
        text: The text.
        start: Where the name may begin.
        end: Where it may end.
        form: In a form the next field may follow on the same line; its label ends the name.
    """
    words = [(m.start() + start, m.end() + start) for m in _WORDS.finditer(text[start:end])]
    while len(words) > 1 and fold(text[words[0][0] : words[0][1]].rstrip(".")) in HONORIFICS | {"herrn"}:
        words.pop(0)
    if form:
        for number in range(1, len(words)):
            if fold(text[words[number][0] : words[number][1]].strip(".:")) in _ENDS_NAME:
                del words[number:]
                break
    while len(words) > 1 and fold(text[words[-1][0] : words[-1][1]]) in _AFTER_NAME:
        words.pop()
    if not words:
        return start, start
    end = words[-1][1]
    for mark in ("'s", "’s"):
        if text[words[0][0] : end].endswith(mark):
            end -= 2
    return words[0][0], end


def is_role(value: str, *, addressed: bool = False) -> bool:
    """Whether a capitalised phrase names a desk, a firm or nothing rather than a person. An initial is no article.

    Args:
        value: The phrase.
        addressed: It stands behind "Mrs" or a label for names only; an everyday word that is also a name is one there.
    """
    words = [fold(word.strip(".,'’")) for word in value.split() if not _is_initial(word)]
    if any(word in ROLE_WORDS for word in words):
        return True
    if len(words) != 1:
        return not words and "." not in value
    return " " not in value.strip() and (
        len(words[0]) < 2
        or (words[0] in everyday() and words[0] not in (_any_names() if addressed else _single_names()))
    )


def _is_initial(word: str) -> bool:
    return len(word) == 2 and word[1] == "." and word[0].isupper()


@cache
def _single_names() -> frozenset[str]:
    """Everyday words that still are names after a greeting or label (``Dear Grace,``)."""
    return folded("given") - ROLE_WORDS - folded("common")


@cache
def _any_names() -> frozenset[str]:
    return (folded("given") | folded("family")) - ROLE_WORDS


def looks_like_name(value: str) -> bool:
    """Whether a whole table cell reads like a person's name: one to four capitalised words."""
    return bool(re.fullmatch(NAME_ON_LINE, value.strip())) and not is_role(value)


def is_known_name(value: str) -> bool:
    """Evidence in the words themselves, for labels that often introduce something else (``Name: MyBucket``)."""
    if any(not re.fullmatch(rf"(?:{INITIAL}|{PARTICLE}|[{UPPER}][\w'’\-]*)", word) for word in value.split()):
        return False
    words = [fold(word.strip(",.")) for word in value.split()]
    return has_known(value) and not any(word in everyday() and word not in _any_names() for word in words[1:])


def has_known(value: str) -> bool:
    """Whether the first or last word is in the lists of names; a single word must be a given name and no other word."""
    words = [fold(word.strip(",.")) for word in value.split()]
    given, family = folded("given"), folded("family")
    if len(words) == 1:
        return words[0] in given and words[0] not in folded("common")
    return words[0] in given or words[-1] in family or words[0] in family


def any_known(value: str) -> bool:
    """Whether any word is in the lists of names."""
    words = {fold(word.strip(",.")) for word in value.split()}
    return bool(words & folded("given") or words & folded("family"))


def person(start: int, end: int, score: float, rule: str) -> Span:
    """A ``PERSON`` span of one of the rules."""
    return Span(start, end, "PERSON", score, f"rules:{rule}")
