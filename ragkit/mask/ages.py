"""Ages of people in digits and words: ``a 47 year old man``, ``aged 12 to 14``, ``47 Jahre alt``, ``siete años``.

The number alone is the span, so that "34 years old" can become a decade. A length of time is no age: "five years"
counts only beside a word that says whose they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ragkit.mask.numerals import ENGLISH, OTHERS
from ragkit.types import Span

_D = r"(?P<n>\d{1,3})"
_EN = rf"(?P<n>\d{{1,3}}|{ENGLISH}\b)"
_OT = rf"(?P<n>\d{{1,3}}|{OTHERS}\b)"
_LEFT = r"(?<![\w.,])"
_B = r"[ \t\u00a0\u202f\n]"
_MORE = rf"(?:{_B}?(?:-|\u2013|,|/|and|to|or|und|et|y|bis|à|a|e|en|i){_B}?(?P<more>\d{{1,3}})(?![\w.%]))?"
_NOT_COUNTED = rf"(?!{_B}?(?:days?|hours?|minutes?|seconds?|tage?|jours?|hrs?|mins?|secs?|kb|mb|gb|%))"
_UNIT = r"(?:years?|yrs?\.?|months?|mos?\.|weeks?|wks?\.?|days?)"
_ES_PEOPLE = (
    r"(?:varón|varones|mujer(?:es)?|hombres?|pacientes?|niñ[oa]s?|señora?|joven|chic[oa]|lactante|enferm[oa]|"
    r"adolescente|"
    r"hij[oa]s?|hermano?a?s?|madre|padre|bebé|recién[ ]nacid[oa]|neonato|ancian[oa]|gestante|primigesta|trabajador[a]?|"
    r"casad[oa]|solter[oa]|sujeto|primípara|esposa|marido|raza|sexo|jubilad[oa]|viud[oa]|femenin[oa]|masculino)"
)
_FR_PEOPLE = (
    r"(?:enfants?|homme|femme|filles?|garçons?|fils|patiente?|mineure?|jeune|élève|bébé|mari|épouse|mère|père|personne)"
)

_NEXT_TO: tuple[tuple[tuple[str, ...], str], ...] = (
    (
        ("age", "alter", "âge", "edad", "età", "leeftijd", "idade", "ålder", "alder", "wiek", "yaş"),
        (
            r"(?:(?:age|alter|âge|edad|età|leeftijd|idade|ålder|alder|wiek|yaş)[ \t]*(?:\([^()\n]{1,12}\))?"
            r"[ \t*_\"']*[:=|]"
        rf"[ \t*_\"']*|(?:ages?|aged)(?:[ ](?:of|about|around|approximately|only|between))?{_B})"
        rf"{_EN}(?![.,]?\d|[%\w]|\.\w){_NOT_COUNTED}{_MORE}"),
    ),
    (("turned ", "turning "), rf"(?<=(?:he|ho|st|as|ve|ad|ey)[ ])turn(?:ed|ing)[ ]{_D}(?![\w.,%:/-])"),
    (("alter von ",), rf"alter von (?P<n>\d{{1,3}}|{OTHERS})(?=[ \u00a0]|\b)"),
    (("mit ",), rf"mit {_D}[ \u00a0]jahren\b"),
    (("âgé", "à l'âge de", "à l’âge de"), (
        rf"(?:âgée?s?(?:\(e\))?[ ](?:alors[ ])?(?:de[ ]|d['’]environ[ ])|à[ ]l['’]âge[ ]de[ ]){_OT}[ \u00a0](?:ans|"
        rf"mois)\b"
    )),
    (("edad",), rf"edad(?:[ ]de)?[ :]+{_OT}(?:[ ]y[ ]medio)?[ \u00a0](?:años?|meses|días|dias|mes)\b"),
    (("a los ", "los ", "las "), (
        rf"(?:a[ ])?l[oa]s[ ]{_OT}(?:[ ](?:y|o|a)[ ](?P<m>\d{{1,3}}))?[ \u00a0](?:años|meses|días)\b(?:[ ]de[ "
        rf"](?:edad|vida))"
    )),
    (("a los ", "desde los ", "hasta los "), (
        rf"(?:a|desde|hasta)[ ]los[ ]{_OT}(?:[ ](?:y|o|a)[ ](?P<m>\d{{1,3}}))?[ \u00a0]años\b(?![ ]de[ ])"
    )),
    (("età di ", "età ",), rf"età[ ](?:di[ ])?{_D}[ \u00a0]anni\b"),
    (("idade ", "com ", "aos "), rf"(?:idade[ ](?:de[ ])?|com[ ]|aos[ ]){_D}[ \u00a0]anos\b"),
    (("w wieku ",), rf"w[ ]wieku[ ]{_D}[ \u00a0]lat\b"),
)  # fmt: skip
"""Texts at one of which the pattern begins, and the pattern."""
_AROUND: tuple[tuple[tuple[str, ...], str], ...] = (
    (("old", "of age"), rf"{_LEFT}{_EN}[ \u00a0\n-]{{0,2}}{_UNIT}(?:{_B}|-)(?:olds?|of{_B}age)\b"),
    (("y/o", "y.o", "yo", "yrs"), rf"{_LEFT}{_D}[ \u00a0-]?(?:y/o|y\.o\.?|yo|yrs)(?!\w)"),
    (("alt", "jährig", "monatig"), (
        rf"{_LEFT}{_OT}(?:[ \u00a0](?:jahren?|monate?n?)[ \u00a0]alt|[ \u00a0]?-?(?:jährig|monatig)\w{{0,2}})\b"
    )),
    (("ans", "mois"), rf"\b{_FR_PEOPLE}(?:[ ]\w{{1,20}})?[ ]de[ ]{_OT}[ \u00a0](?:ans|mois)\b"),
    (
        ("años", "meses", "días"),
        (rf"\b{_ES_PEOPLE}(?:[ ,]+[^\W\d]{{1,20}}){{0,3}}?[ ,]+(?:de[ ])?{_OT}(?:[ ]y[ ]medio)?"
        r"[ \u00a0](?:años?|meses|días)(?![ ]de[ ](?:evolución|prisión|seguimiento|tratamiento|duración))|"
        rf"{_LEFT}(?P<de>\d{{1,3}}|{OTHERS})[ \u00a0](?:años?|meses|días)[ ]de[ ](?:edad|vida)\b"),
    ),
    (
        ("anni",),
        (rf"\b(?:uomo|donna|ragazz[oa]|bambin[oa]|paziente|figli[oa]|signora?)[ ]di[ ]"
        rf"{_D}[ \u00a0]anni\b|{_LEFT}(?P<it>\d{{1,3}})[ \u00a0]anni[ ](?:d['’]|di[ ])età\b"),
    ),
    (("jaar oud", "jaar jong", "jarig"), rf"{_LEFT}{_D}(?:[ \u00a0]jaar[ \u00a0](?:oud|jong)|[ \u00a0]?-?jarige?)\b"),
    (("anos de idade",), rf"{_LEFT}{_D}[ \u00a0]anos[ ]de[ ]idade\b"),
    (("år gam", "årig", "åring"), (
        rf"{_LEFT}{_D}(?:[ \u00a0]år[ \u00a0](?:gammal|gammel|gamle?)|[ \u00a0]?-?åri(?:g|ge|ga|ng))\b"
    )),
    (("letni",), rf"{_LEFT}{_D}[ \u00a0]?-?letni\w{{0,3}}\b"),
)  # fmt: skip
"""Texts near the end of the pattern, and the pattern, looked for in the few words before."""
_BEGINNING = tuple((hints, re.compile(pattern, re.IGNORECASE)) for hints, pattern in _NEXT_TO)
_ENDING = tuple((hints, re.compile(pattern, re.IGNORECASE)) for hints, pattern in _AROUND)
_LATE = frozenset(
    {"old", "of age", "y/o", "y.o", "yo", "yrs", "jährig", "monatig", "alt", "jarig", "årig", "åring", "letni"}
)
"""Before these stands a unit or a digit; before the others, a space."""
_UNIT_BEFORE = re.compile(
    r"(?:\d[ \u00a0-]?|(?:years?|months?|weeks?|days?|yrs?\.?|wks?\.?|mos\.|monate?n?|jahren?)[ \u00a0\n-]|zehn|"
    r"zig|drei|fünf|"
    r"sechs|acht|neun)$"
)
_REACH_BEFORE, _REACH_AFTER = 90, 20
_OLDEST = 130


def find_ages(text: str, lowered: str) -> Iterator[Span]:
    """``AGE`` spans, the number alone; ``lowered`` is the text in lower case, character by character."""
    ascii_only = lowered.isascii()
    for patterns, search in ((_BEGINNING, _beginning), (_ENDING, _ending)):
        for hints, pattern in patterns:
            for hint in hints:
                if not ascii_only or hint.isascii():
                    for match in search(pattern, hint, text, lowered):
                        yield from _numbers(match)


def _beginning(pattern: re.Pattern[str], hint: str, text: str, lowered: str) -> Iterator[re.Match[str]]:
    position = lowered.find(hint)
    while position >= 0:
        if not position or not (lowered[position - 1].isalnum() or lowered[position - 1] == "-"):
            match = pattern.match(text, position)
            if match is not None:
                yield match
        position = lowered.find(hint, position + len(hint))


def _ending(pattern: re.Pattern[str], hint: str, text: str, lowered: str) -> Iterator[re.Match[str]]:
    position = lowered.find(hint)
    while position >= 0:
        first = max(0, position - _REACH_BEFORE)
        near = (
            _UNIT_BEFORE.search(lowered, max(0, position - 9), position)
            if hint in _LATE
            else text[position - 1].isspace()
        )
        if near:
            yield from pattern.finditer(text, first, min(len(text), position + len(hint) + _REACH_AFTER))
        position = lowered.find(hint, position + len(hint))


def _numbers(match: re.Match[str]) -> Iterator[Span]:
    for group in match.re.groupindex:
        value = match[group]
        if value is not None and not (value.isdigit() and not 0 <= int(value) < _OLDEST):
            yield Span(*match.span(group), "AGE", 0.65, "rules:age")
