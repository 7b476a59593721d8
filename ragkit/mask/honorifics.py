"""Names behind a form of address or an office: ``Ms Yalman``, ``Sra. Núñez de Arce``, ``Judge Jaeger``."""

# ruff: noqa: SIM905 (a list of words reads better as one text than as a list of texts)

from __future__ import annotations

import re
from collections.abc import Iterator

from ragkit.folding import fold
from ragkit.mask.name_shapes import INITIAL, NAME, UPPER, has_known, is_role, person, trimmed
from ragkit.types import Span
from ragkit.wordlists import everyday

_ACADEMIC = r"(?:(?:Dr|Prof|med|h\.c|Ing|Dipl|Mag|rer|nat|phil|jur|Dra|Lic|Sr|Sra|Mme|Avv|Dott)\.?[ \t-]*){0,3}"
_OPEN = (
    "Mrs|Mr|Ms|Miss|Mx|Mister|Messrs|Drs|Dra|Dres|Dr|Prof|Professor|Doctor|Sir|Madam|Lady|Lord|Dame|Reverend|Rev|"
    "Judge|Justice|"
    "Ambassador|Captain|Capt|Sergeant|Sgt|Lieutenant|Lt|Colonel|Col|Detective|Inspector|Senator|Sen|Officer|President|"
    "Minister|Governor|General|Major|Mayor|Father|Hon|"
    "Herrn|Herr|Frau|Fräulein|Hr|Fr|Rechtsanwältin|Rechtsanwalt|RAin|Richterin|Richter|"
    "Monsieur|Messieurs|Madame|Mesdames|Mademoiselle|Mmes|Mme|Mlles|Mlle|MM|Maîtres|Maître|Me|M|Docteur|Professeur|Pr|"
    "Señoras|Señores|Señorita|Señora|Señor|Sras|Sres|Srta|Sra|Sr|Doña|Dña|Don|Dª|D\\.ª|Doctora|Profesora|Profesor|Lic|"
    "Signora|Signorina|Signor|Sig\\.ra|Sig|Dott\\.ssa|Dottoressa|Dottor|Dott|Avv|Prof\\.ssa|Dr\\.ssa|"
    "Mevrouw|Mevr|Meneer|Dhr|Mw|Senhora|Senhor|Doutora|Doutor|Dona|Exma|Exmo|Panią|Pani|Panu|Pana|Pan|Fröken|Fru|"
    "Bayan|Bay|Sayın"
)
_HONORIFIC = re.compile(
    rf"(?:{_OPEN})(?:\.?:?[ \t\u00a0]{{1,2}}\n?|\.|\n){_ACADEMIC}({NAME}|(?:{INITIAL}[ \u00a0]?){{1,3}}|"
    rf"[{UPPER}](?!\w))"
)
_TITLE = re.compile(r"[^\W\d_]+\.?(?:ª|ra|ssa)?\.?")
_NEEDS_DOT = frozenset("M Sr Sig Fr Hr Rev Avv Sen Col Capt Sgt Lt Hon Lic Exma Exmo Pr".split()) - {"Pr"}
_NO_LINE_END = frozenset("M Me D Pr MM Sr Fr Hr".split())
"""Ends a line of a form (``Sexo: M.``) as often as it begins a name."""
_NEEDS_KNOWN = frozenset(
    "Don Pan Bay Pani Pana Panu Panią Lady Madam Dona Me Pr Officer President Minister Governor General Major Mayor "
    "Father".split()
)
_NEEDS_RARE = frozenset(
    "Sir Lord Dame Judge Justice Doctor Ambassador Captain Sergeant Lieutenant Colonel Detective Inspector Senator "
    "Professor Richter Richterin Doctora Docteur Professeur".split()
)
_FORM_LETTER = re.compile(r"(?:Sexo|Sex|Gender|Genre|Sexe|Geschlecht)[ \t]*[:=][ \t]*$", re.IGNORECASE)


def by_honorific(text: str, *, names: bool = True, titles: bool = False) -> Iterator[Span]:
    """``PERSON`` spans without the form of address, and ``TITLE`` spans for it.

    Args:
        text: Where to look.
        names: Yield the names.
        titles: Yield the forms of address.
    """
    for match in _HONORIFIC.finditer(text):
        start = match.start()
        if start and (text[start - 1].isalnum() or text[start - 1] in "_-."):
            continue
        title = _TITLE.match(text, start, match.start(1))
        if title is None or not _counts(text, title[0].rstrip("."), match):
            continue
        first, last = trimmed(text, *match.span(1), form=True)
        if first >= last or (is_role(text[first:last], addressed=True) and not _is_letter(text[first:last])):
            continue
        if names:
            yield person(first, last, 0.85, "honorific")
        if titles:
            yield Span(*title.span(), "TITLE", 0.7, "rules:honorific")


def _counts(text: str, word: str, match: re.Match[str]) -> bool:
    """Whether this title, as it stands here, introduces somebody."""
    if word in _NEEDS_DOT and text[match.start() + len(word) : match.start() + len(word) + 1] != ".":
        return False
    if word in _NO_LINE_END and "\n" in text[match.start() : match.start(1)]:
        return False
    if word == "M" and _FORM_LETTER.search(text, max(0, match.start() - 16), match.start()):
        return False
    if word in _NEEDS_KNOWN:
        return has_known(match[1]) or (word == "Me" and re.match(INITIAL, match[1]) is not None)
    if word in _NEEDS_RARE:
        return has_known(match[1]) or (
            not match[1].isupper() and not any(fold(part.strip(".")) in everyday() for part in match[1].split())
        )
    return not _is_letter(match[1]) or word not in {"Dr", "Prof"} or match[1].endswith(".")


def _is_letter(value: str) -> bool:
    return len(value) == 1 and value.isupper()
