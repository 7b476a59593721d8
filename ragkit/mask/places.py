"""Postal addresses: number and street word, or street word and number, with the postcode and town that follow.

English, German, French, Spanish, Italian, Dutch and Portuguese shapes. Towns and countries alone are not taken: they
identify nobody, and need a learned detector to be found.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ragkit.mask.names import CAPITALISED
from ragkit.types import Span

_SEP = r"(?:,?[ \t\u00a0]*\n?[ \t\u00a0]*)"
_TOWN = rf"{CAPITALISED}(?:[ \t\-](?:am|an der|sur|de|del|la|le|di|{CAPITALISED})){{0,3}}"
_UK_POSTCODE = r"[A-Z]{1,2}\d[A-Z\d]?[ ]?\d[A-Z]{2}"
_US_TAIL = r"[A-Z]{2}[ \t]+\d{5}(?:-\d{4})?"
_EN_TAIL = (
    rf"(?:{_SEP}(?:Apt|Apartment|Suite|Ste|Unit|Flat|Floor|\#)\.?[ \t]?\w{{1,6}})?"
    rf"(?:{_SEP}{_TOWN}(?:{_SEP}{_TOWN})?,?[ \t\n]+(?:{_US_TAIL}|{_UK_POSTCODE})|{_SEP}{_UK_POSTCODE})?"
)
_EN_STREET = (
    r"(?:Street|St|Road|Rd|Avenue|Ave|Lane|Ln|Drive|Dr|Boulevard|Blvd|Court|Ct|Square|Sq|Place|Pl|Terrace|Way|Close|"
    r"Crescent|Parkway|Pkwy|Highway|Hwy|Circle|Row|Gardens|Mews|Grove|Quay)"
)
_ENGLISH = re.compile(
    rf"\b\d{{1,5}}[A-Za-z]?[ \t]+(?:[NSEW]\.?[ \t]+)?(?:(?:{CAPITALISED}|\d{{1,3}}(?:st|nd|rd|th))"
    rf"[ \t]+){{1,4}}{_EN_STREET}\b\.?{_EN_TAIL}"
)
_PO_BOX = re.compile(rf"\bP\.?[ ]?O\.?[ ]Box[ ]\d{{1,7}}(?:{_SEP}{_TOWN},?[ \t]+(?:{_US_TAIL}|{_UK_POSTCODE}))?")
_CONTINENTAL_TAIL = rf"(?:{_SEP}(?:[A-Z]{{1,2}}-)?\d{{4,5}}(?:[ ]?[A-Z]{{2}})?[ \t]+{_TOWN})?"
_SUFFIXED = re.compile(
    rf"(?<![\w\-])(?:{CAPITALISED}[ \t]){{0,2}}{CAPITALISED}?(?:[Ss]traße|[Ss]trasse|[Ss]tr\.|[Ww]eg|[Pp]latz|"
    rf"[Aa]llee|[Gg]asse|[Uu]fer|[Dd]amm|straat|laan|gracht|plein|kade|gatan|vägen|veien)"
    rf"[ \t]+\d{{1,4}}(?:[ ]?[a-zA-Z])?(?:[\-/]\d{{1,4}})?\b{_CONTINENTAL_TAIL}"
)
_SUFFIX_HINTS = (
    "straße", "strasse", "str. ", "weg ", "platz ", "allee ", "gasse ", "ufer ", "damm ", "straat", "laan ", "gracht",
    "plein ",
    "kade ", "gatan", "vägen", "veien",
)  # fmt: skip
_FRENCH = re.compile(
    rf"\b\d{{1,4}}(?:[ ]?(?:bis|ter|quater))?,?[ \t]+(?:rue|avenue|av\.|boulevard|bd|place|chemin|allée|impasse|"
    rf"quai|cours|route)[ \t]+"
    rf"(?:(?:de|du|des|de la|de l'|d'|l')[ \t]?)?(?:{CAPITALISED})(?:[ \t\-](?:de|du|des|la|{CAPITALISED})"
    rf"){{0,4}}{_CONTINENTAL_TAIL}"
)
_PREFIXED = re.compile(
    rf"\b(?:Calle|C/|Avenida|Avda\.?|Av\.|Plaza|Paseo|Camino|Carrera|Rua|Travessa|Praça|Via|Viale|Piazza|Corso|"
    rf"Largo|Vicolo)[ \t]*"
    rf"(?:(?:de|del|da|do|dos|das|della|dei|la|las|los|el)[ \t]+){{0,2}}{CAPITALISED}(?:[ \t](?:de|del|la|y|e|"
    rf"{CAPITALISED})){{0,4}},?[ \t]+(?:n[º°.]?[ \t]*)?\d{{1,4}}[a-zA-Z]?\b{_CONTINENTAL_TAIL}"
)


def find_addresses(text: str, lowered: str) -> Iterator[Span]:
    """``ADDRESS`` spans, each as far as its postcode and town; ``lowered`` is the text in lower case."""
    patterns = [_ENGLISH, _FRENCH, _PREFIXED]
    if "box " in lowered:
        patterns.append(_PO_BOX)
    for pattern in patterns:
        for match in pattern.finditer(text):
            yield Span(*match.span(), "ADDRESS", 0.7, "rules:address")
    if any(hint in lowered for hint in _SUFFIX_HINTS):
        for match in _SUFFIXED.finditer(text):
            yield Span(*match.span(), "ADDRESS", 0.7, "rules:address")
