"""Names of people by what stands around them: forms of address, labels, signatures, mail headers, kin, initials, pairs.

A list of names alone floods the precision (May, Will, Reading), so a bare pair counts only when its first word is a
known given name, its last a known family name, and neither is an everyday word.
"""

# ruff: noqa: SIM905 (a list of words reads better as one text than as a list of texts)

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from ragkit.folding import fold
from ragkit.mask.cues import ends_of
from ragkit.mask.form_labels import Label
from ragkit.mask.honorifics import by_honorific
from ragkit.mask.name_labels import by_greeting, by_label, by_signature
from ragkit.mask.name_shapes import (
    CAPITALISED,
    INITIAL,
    NAME_ON_LINE,
    PARTICLE,
    START,
    has_known,
    is_role,
    person,
    trimmed,
)
from ragkit.types import Span
from ragkit.wordlists import everyday, folded

_MAIL_NAME = re.compile(rf"{START}({NAME_ON_LINE})\"?[ \t]+[<(\[](?:mailto:)?[^\s<>@]{{1,64}}@")
_PAIR = re.compile(rf"{START}({CAPITALISED})(,?)[ \t\u00a0](?:(?:{INITIAL}[ \t])?(?:{PARTICLE}[ \t])?)({CAPITALISED})")
_LOCAL_PART = re.compile(r"\b([^\W\d_]{2,20})[._]([^\W\d_]{2,20})\d{0,4}@")

_INITIALS = re.compile(
    rf"(?<![\w.\-'’§/])((?:{INITIAL}[ \u00a0\-]?){{1,3}}(?:{PARTICLE}[ \u00a0]){{0,2}}{CAPITALISED}(?:[ "
    rf"\u00a0-]{CAPITALISED})?)"
)
_ABBREVIATIONS = re.compile(
    r"(?:U\.[ ]?[SKN]|D\.[ ]?C|E\.[ ]?U|P\.[ ]?O|S\.[ ]?A|N\.[ ]?V|B\.[ ]?V|A\.[ ]?D|L\.[ ]?L|N\.[ ]?B|P\.[ ]?S|"
    r"I\.[ ]?e|Q\.|C\.[ ]?[VP])\b\.?"
)
_NUMBERED = re.compile(
    r"(?:\b(?:Appendix|Section|Part|Table|Figure|Fig|Vitamin|Schedule|Exhibit|Annex|Annexe|Article|Class|Grade|"
    r"Type|Option|Plan|"
    r"Group|Level|Step|Phase|Box|Drive|Point|Question|Category|Block|Hepatitis|Tier|Zone|Panel|Buchst|Abs|Nr|lit|"
    r"and|or|no|No)"
    r"|[.:!?;>*#|(\[]|\n[-\u2022]?|^)[ \t\n]*$",
    re.IGNORECASE,
)
_AFTER_WORD = re.compile(
    r"(?:[,(\"“«/&]|\b(?:by|and|with|of|to|from|for|et|par|avec|y|e|por|con|und|von|mit|ou|or|Agent|Ambassador|"
    r"author|Mrs?|Ms|"
    r"[A-ZÀ-Þ]\w+))[ \u00a0]?$"
)
"""What may stand before an initial and a family name that no list holds: ``vitamin C. Afterwards`` is none."""
_KIN = (
    "daughter", "son", "wife", "husband", "brother", "sister", "mother", "father", "fiancé", "fiancée",
    "girlfriend", "boyfriend",
    "nephew", "niece", "uncle", "aunt", "cousin", "grandson", "granddaughter", "grandmother", "grandfather",
    "partner", "colleague",
    "friend", "named", "child",
)  # fmt: skip
_NATIONALS = (
    "national", "nationals", "citizen", "citizens", "ressortissant", "ressortissants", "ressortissante",
    "ressortissantes",
    "citoyen", "citoyenne", "nacional", "nacionales", "ciudadano", "ciudadana", "ciudadanos", "staatsangehöriger",
    "staatsangehörige", "cittadino", "cittadina",
)  # fmt: skip
_NAME_OF_KIN = re.compile(rf",?[ ](?=[^\W\d_a-zß-ÿ])({NAME_ON_LINE})(?=[ \n]*[,.;:!?()\"“”\n'’]|[ ][a-z(“]|$)")
_NAME_OF_NATIONAL = re.compile(
    rf"(?:[ ][\w-]{{3,20}}(?:[ ][A-Z]\w+){{0,2}})?,[ ](?=[^\W\d_a-zß-ÿ])({NAME_ON_LINE})(?=[ ]?[,.;(“\"]|[ ][a-z])"
)
_LONGEST_LIST = 100
_NEXT_NAME = re.compile(
    rf",?[ ](?:(?:and|et|y|e|und)[ ])?({CAPITALISED}(?:[ ]{CAPITALISED}){{1,2}})(?=,|[ ](?:and|et|y|e|und)[ ]|[ "
    rf"]?[.(“\"])"
)
_SURE_INTRODUCTIONS = (
    "my name is", "my name's", "my name’s", "mi nombre es", "me llamo", "je m'appelle", "je m’appelle", "mein name ist",
    "ich heiße", "mi chiamo", "meu nome é", "jag heter", "mijn naam is", "nazywam się", "represented by",
    "représenté par",
    "représentée par", "representado por", "representada por", "vertreten durch",
)  # fmt: skip
_INTRODUCTIONS = (
    "this is", "i am", "i'm", "i’m", "spoke to", "spoke with", "signed by", "interviewed by", "authored by",
    "written by",
    "reviewed by", "approved by",
)  # fmt: skip
_INTRODUCED = re.compile(rf"[ \u00a0\n](?:(?:a certain|his|her) )?({NAME_ON_LINE})")


def find_names(text: str, lowered: str, labels: Iterable[Label]) -> Iterator[Span]:
    """Every name the rules find; overlaps are the resolver's.

    Args:
        text: Where to look.
        lowered: The same in lower case, character by character.
        labels: Its labels.
    """
    yield from by_honorific(text)
    yield from by_label(text, labels)
    yield from by_greeting(text)
    yield from by_signature(text, lowered)
    yield from _by_mail_address(text)
    yield from _by_initials(text)
    yield from _by_kin(text, lowered)
    yield from _introduced(text, lowered)
    yield from _pairs(text)


def _by_mail_address(text: str) -> Iterator[Span]:
    at = text.find("@")
    while at >= 0:
        for match in _MAIL_NAME.finditer(text, max(0, at - 160), at + 1):
            start, end = trimmed(text, *match.span(1))
            if start < end and not is_role(text[start:end]) and fold(text[start:end]) not in _NO_MAIL_NAMES:
                yield person(start, end, 0.8, "mail-name")
        at = text.find("@", at + 1)


_NO_MAIL_NAMES = frozenset("contact contacting email mail e-mail from to cc bcc write reply kontakt contacto".split())


def _by_initials(text: str) -> Iterator[Span]:
    """``H. Winkler``. Where a line or sentence begins, an initial rather counts points: there the name is known."""
    for match in _INITIALS.finditer(text):
        words = match[1].replace("-", " ").split()
        last = fold(words[-1])
        if len(last) < 3 or _ABBREVIATIONS.match(text, match.start()) or is_role(match[1]):
            continue
        numbered = _NUMBERED.search(text, max(0, match.start() - 16), match.start()) is not None
        sure = last in folded("family") or match[1].count(".") > 1
        if not sure and _AFTER_WORD.search(text, max(0, match.start() - 16), match.start()) is None:
            continue
        if (last in everyday() or numbered) and not (sure and not (numbered and last in folded("common"))):
            continue
        yield person(*match.span(1), 0.55, "initials")


def _by_kin(text: str, lowered: str) -> Iterator[Span]:
    for cues, pattern in ((_KIN, _NAME_OF_KIN), (_NATIONALS, _NAME_OF_NATIONAL)):
        for end in ends_of(cues, lowered):
            match = pattern.match(text, end)
            if match is None or text[end - 3 : end] != lowered[end - 3 : end]:
                continue
            start, last = trimmed(text, *match.span(1))
            if start < last and _is_persons(text[start:last]):
                yield person(start, last, 0.6, "kin")
                yield from _listed(text, last)


def _is_persons(name: str) -> bool:
    """Whether a capitalised phrase behind a cue is a name: a doubtful one must be known."""
    words = [fold(word.strip(".,'’")) for word in name.split()]
    doubtful = len(words) == 1 or name.split()[0].isupper() or any(word in everyday() for word in words)
    return not is_role(name) and (not doubtful or has_known(name))


def _listed(text: str, position: int) -> Iterator[Span]:
    """The further names of a list, each of two or three words."""
    for _ in range(_LONGEST_LIST):
        match = _NEXT_NAME.match(text, position)
        if match is None or not _is_persons(match[1]):
            return
        yield person(*match.span(1), 0.55, "kin")
        position = match.end()


def _introduced(text: str, lowered: str) -> Iterator[Span]:
    for cues, score in ((_SURE_INTRODUCTIONS, 0.75), (_INTRODUCTIONS, 0.55)):
        for end in ends_of(cues, lowered):
            match = _INTRODUCED.match(text, end)
            if match is None:
                continue
            start, last = trimmed(text, *match.span(1))
            if start < last and not is_role(text[start:last]) and has_known(text[start:last]):
                yield person(start, last, score, "introduced")


def _pairs(text: str) -> Iterator[Span]:
    """Given name and family name side by side, both known, neither an everyday word."""
    given, family, common = folded("given"), folded("family"), everyday()
    position = 0
    while (match := _PAIR.search(text, position)) is not None:
        position = match.start(3)  # the last word of one pair may be the first of the next
        first, last = fold(match[1]), fold(match[3])
        forward = first in given and last in family and not match[2]
        if (forward or (first in family and last in given)) and first not in common and last not in common:
            yield person(match.start(), match.end(), 0.6, "name-pair")
            position = match.end()


def names_in_addresses(text: str) -> Iterator[str]:
    """Names told by e-mail addresses, to be looked for elsewhere: ``galip.yalman@…`` gives ``Galip Yalman``."""
    for match in _LOCAL_PART.finditer(text):
        first, last = match[1], match[2]
        if fold(first) in folded("given") or fold(last) in folded("family"):
            yield f"{first.title()} {last.title()}"
