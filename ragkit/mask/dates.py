"""Dates in words and numbers, birth dates, ages.

A date is personal when it is somebody's: a birth date by its label or its sentence is ``DATE_OF_BIRTH`` and masked by
default. Every other date is ``DATE_TIME``, looked for only when the policy names it: contracts, versions and logs are
full of dates, they identify nobody, and "what changed in March 2024" must stay answerable.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from ragkit.types import Span

MONTHS: tuple[tuple[str, ...], ...] = (
    ("january", "jan", "januar", "jänner", "janvier", "janv", "enero", "ene", "gennaio", "gen", "januari", "janeiro",
     "stycznia", "ocak"),
    ("february", "feb", "februar", "février", "févr", "febrero", "febbraio", "februari", "fevereiro", "fev",
     "lutego", "şubat"),
    ("march", "mar", "märz", "mrz", "mars", "marzo", "maart", "março", "marca", "mart"),
    ("april", "apr", "avril", "avr", "abril", "abr", "aprile", "kwietnia", "nisan"),
    ("may", "mai", "mayo", "maggio", "mag", "mei", "maj", "maio", "maja", "mayıs"),
    ("june", "jun", "juni", "juin", "junio", "giugno", "giu", "junho", "czerwca", "haziran"),
    ("july", "jul", "juli", "juillet", "juil", "julio", "luglio", "lug", "julho", "lipca", "temmuz"),
    ("august", "aug", "août", "agosto", "ago", "augustus", "augusti", "sierpnia", "ağustos"),
    ("september", "sept", "sep", "septembre", "septiembre", "settembre", "set", "setembro", "września", "eylül"),
    ("october", "oct", "oktober", "okt", "octobre", "octubre", "ottobre", "ott", "outubro", "out",
     "października", "ekim"),
    ("november", "nov", "novembre", "noviembre", "novembro", "listopada", "kasım"),
    ("december", "dec", "dezember", "dez", "décembre", "déc", "diciembre", "dic", "dicembre", "dezembro",
     "grudnia", "aralık"),
)  # fmt: skip
"""The twelve months in English, German, French, Spanish, Italian, Dutch, Swedish, Portuguese, Polish and Turkish."""

_MONTH = "|".join(sorted({name for names in MONTHS for name in names}, key=len, reverse=True))
_YEAR = r"(?:1[89]|20)\d\d"
_DAY = r"(?:0?[1-9]|[12]\d|3[01])"
_DAY_IN_WORDS = rf"{_DAY}(?:st|nd|rd|th|er|º|ª|\.)?"
_DATE = (
    rf"(?:{_DAY_IN_WORDS}[ \u00a0\-]?(?:of |de |d')?(?:{_MONTH})\.?,?[ \u00a0\-]?(?:de |del )?{_YEAR}|"
    rf"(?:{_MONTH})\.?[ \u00a0]{_DAY}(?:st|nd|rd|th)?,?[ \u00a0]{_YEAR}|"
    rf"{_YEAR}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])|"
    rf"{_DAY}[./\-](?:0?[1-9]|1[0-2])[./\-](?:{_YEAR}|\d\d)|(?:0?[1-9]|1[0-2])/{_DAY}/(?:{_YEAR}|\d\d))"
)
_ANY_DATE = re.compile(rf"(?<![\w./\-]){_DATE}(?![\w/\-])", re.IGNORECASE)
_BIRTH = re.compile(
    r"(?:date[ _]of[ _]birth|birth[ _]?dates?|birthday|\bdob\b|\bd\.o\.b|\bborn\b|geburtsdatum|geburtstag|"
    r"\bgeboren|\bgeb\.|"
    r"\bn[ée]e?[ ](?:le|en)\b|date de naissance|naissance|nacimiento|\bnacid[oa]|data di nascita|\bnat[oa] (?:il|a)"
    r"|geboortedatum|"
    r"nascimento|\bnascid[oa]|födelsedatum|\bfödd|fødselsdato|\bfødt|urodzenia|\burodzon[ya]|doğum)"
    r"[^\n]{0,28}?"
    rf"(?<![\w./\-])(?P<date>{_DATE})(?![\w/\-])",
    re.IGNORECASE,
)
_BIRTH_CELL = re.compile(
    rf"(?:date of birth|birth ?date|geburtsdatum|fecha de nacimiento|date de naissance)"
    rf"[*_]{{0,2}}[ \t]*[:|\n][ \t|\n]*(?P<date>{_DATE})",
    re.IGNORECASE,
)
_AGE = re.compile(
    r"\b(?:(?:aged?|alter|âge|edad|età|leeftijd|idade|ålder|wiek)[ \t]*[:=]?[ \t]*(?P<a>\d{1,3})(?![\w.%])"
    r"(?![ \t]*(?:days?|hours?|minutes?|seconds?|tage?|jours?|months?|weeks?))|"
    r"(?P<b>\d{1,3})[ \u00a0-](?:years?|yrs?)[ \u00a0-](?:old|of age)|(?P<c>\d{1,3})[ \u00a0](?:Jahre alt|"
    r"años de edad|jaar oud|anos de idade|anni d'età))\b",
    re.IGNORECASE,
)
_BIRTH_HINTS = (
    "birth", "born", "dob", "d.o.b", "gebur", "gebor", "geb.", "né le", "née le", "né en", "née en", "naissance",
    "nacim", "nacid", "nascim", "nascid", "di nascita", "nato ", "nata ", "geboorte",
    "födel", "född", "fødsel", "født", "urodz", "doğum",
)  # fmt: skip
_AGE_HINTS = (
    " age", "\nage", "|age", "aged", "year", "yrs", " yr", "alter ", "alter:", "âge", "edad", "età", "leeftijd",
    "idade", "ålder", "wiek", "jahre alt", "años", "jaar oud", "anni",
)  # fmt: skip
"""Texts that must occur before the expensive pattern is tried; looking for one costs a hundredth of it."""


def find_dates(text: str, lowered: str, wanted: Collection[str]) -> Iterator[Span]:
    """``DATE_OF_BIRTH``, ``AGE`` and ``DATE_TIME`` spans, each only when wanted.

    Args:
        text: Where to look.
        lowered: The same in lower case, character by character.
        wanted: Entity types to look for.
    """
    if "DATE_OF_BIRTH" in wanted and any(hint in lowered for hint in _BIRTH_HINTS):
        for pattern in (_BIRTH, _BIRTH_CELL):
            for match in pattern.finditer(text):
                yield Span(*match.span("date"), "DATE_OF_BIRTH", 0.85, "rules:birth-date")
    if "AGE" in wanted and (any(hint in lowered for hint in _AGE_HINTS) or lowered.startswith("age")):
        for match in _AGE.finditer(text):
            group = match.lastgroup or "a"
            if 0 < int(match[group]) < 120:
                yield Span(*match.span(group), "AGE", 0.6, "rules:age")
    if "DATE_TIME" in wanted:
        for match in _ANY_DATE.finditer(text):
            yield Span(*match.span(), "DATE_TIME", 0.6, "rules:date")
