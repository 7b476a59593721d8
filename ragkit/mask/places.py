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
_UK_AREA = (
    r"(?:A[BL]|B[ABDHLNRST]?|C[ABFHMORTVW]|D[ADEGHLNTY]|E[CHNX]?|F[KY]|G[LUY]?|H[ADGPRSUX]|I[GMPV]|JE|K[ATWY]|"
    r"L[ADELNSU]?|M[EKL]?|N[EGNPRW]?|O[LX]|P[AEHLOR]|R[GHM]|S[AEGKLMNOPRSTWY]?|T[ADFNQRSW]|UB|W[ACDFNRSV]?|YO|ZE)"
)
"""The 124 postcode areas of Royal Mail: ``C5 4XL`` is no place."""
_UK_POSTCODE = rf"{_UK_AREA}\d[A-Z\d]?[ ]?\d[ABD-HJLNP-UW-Z]{{2}}"
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
_WEAK_STREET = (
    r"(?:Bank|Steps|Yard|Hill|Green|Park|Walk|View|Rise|Vale|Wharf|Parade|Passage|Alley|Croft|Meadows?|Fields?|Villas|"
    r"Cottages|Heights|Gate|Bridge|Ridge|Trail|Loop|Path|Mount|End|Side|Hollow|Orchard|Paddock|Chase|Drove|Wynd|Brow|"
    r"Fold|Garth|Holt|Nook|Spinney|Wood|Woods|Common|Corner|Cross|Mill|Lodge|House|Buildings|Arcade|Embankment|Strand)"
)
"""Streets only with a postcode, a possessive or a label: "3 Next Steps" and "19 Chase Bank" are none."""
_NUMBER = r"\d{1,4}[A-Za-z]?(?:-\d{1,4})?"
_POSTCODE_TAIL = (
    rf"(?:,[ \t]*\n?[ \t]*|[ \t]*\n[ \t]*)(?:{_TOWN}(?:,[ \t]*\n?[ \t]*|[ \t]*\n[ \t]*|[ \t])){{0,3}}?"
    rf"(?:{_UK_POSTCODE}\b|{_US_TAIL}\b)"
)
_BY_POSTCODE = re.compile(rf"(?<![\w.,:/\-]){_NUMBER}[ \t]+(?:{CAPITALISED}[ \t]+){{0,3}}{CAPITALISED}{_POSTCODE_TAIL}")
"""A number, capitalised words, a comma and a postcode: whatever the street is called."""
_POSSESSIVE = re.compile(
    rf"(?<![\w.,:/\-]){_NUMBER}[ \t]+(?:{CAPITALISED}[ \t]+)?(?=[^\s]{{2,38}}['’]s?[ \t]){CAPITALISED}['’]?[ \t]+"
    rf"(?:{_WEAK_STREET}|{_EN_STREET})\b"
    rf"(?:,[ \t]*\n?[ \t]*{_TOWN}(?![\w'’]))?"
)
_LABELLED = re.compile(
    r"(?:\b(?:addresse?|deliver(?:ed)? to|"
    r"ship(?:ped)? to|lives? at|living at|resid(?:es?|ing) at|moved (?:in)?to|flat at|house at|anschrift|adresse|"
    r"wohnhaft(?: in)?|dirección|domicilio|indirizzo|adres)[ \t]*(?:is|was|:|\|)?[*_ \t]*\n?[ \t]*)",
    re.IGNORECASE,
)
_AFTER_LABEL = re.compile(
    rf"{_NUMBER},?[ \t]+(?:{CAPITALISED}[ \t]+){{1,3}}"
    rf"(?:(?:{_WEAK_STREET}|{_EN_STREET})\b(?:,[ \t]*\n?[ \t]*{_TOWN}){{0,2}}"
    rf"|{CAPITALISED}(?:,[ \t]*\n?[ \t]*{_TOWN}){{1,2}})"
    rf"(?:,?[ \t]*\n?[ \t]*(?:{_UK_POSTCODE}|{_US_TAIL})\b)?"
)
_POSTCODE_LABEL = re.compile(
    rf"\b(?:post[ ]?code|postal code)(?:[ \t]+(?:is|was)|[ \t]*[:|=])[*_ \t]*({_UK_POSTCODE})\b", re.IGNORECASE
)
_A_POSTCODE = re.compile(rf"\b{_UK_POSTCODE}\b|\b{_US_TAIL}\b")
_LONGEST = 120
_LABEL_HINTS = (
    "address", "adresse", "anschrift", "dirección", "domicilio", "indirizzo", "adres", "wohnhaft", "deliver", "ship",
    "live", "living", "resid", "moved", "flat at", "house at",
)  # fmt: skip
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
_FLOOR = r"(?:,[ \t]*\d{1,2}[ºª°][ \t]?[A-Za-z]?(?![A-Za-z])(?:[ \t]?(?:izq|dcha|int)\.?\d*)?)?"
_PREFIXED = re.compile(
    rf"\b(?:Calle|C/|Avenida|Avda\.?|Av\.|Plaza|Paseo|Camino|Carrera|Rua|Travessa|Praça|Via|Viale|Piazza|Corso|"
    rf"Largo|Vicolo)[ \t]*"
    rf"(?:(?:de|del|da|do|dos|das|della|dei|la|las|los|el)[ \t]+){{0,2}}{CAPITALISED}(?:[ \t](?:de|del|la|y|e|"
    rf"{CAPITALISED})){{0,4}},?[ \t]+(?:n[º°.]?[ \t]*)?\d{{1,4}}[a-zA-Z]?\b{_FLOOR}{_CONTINENTAL_TAIL}"
)


def find_addresses(text: str, lowered: str) -> Iterator[Span]:
    """``ADDRESS`` spans, each as far as its postcode and town; ``lowered`` is the text in lower case."""
    patterns = [_ENGLISH, _FRENCH, _PREFIXED]
    if "box " in lowered:
        patterns.append(_PO_BOX)
    if "'" in text or "’" in text:
        patterns.append(_POSSESSIVE)
    if any(hint in lowered for hint in _SUFFIX_HINTS):
        patterns.append(_SUFFIXED)
    for pattern in patterns:
        for match in pattern.finditer(text):
            yield Span(*match.span(), "ADDRESS", 0.7, "rules:address")
    yield from _by_postcode(text)
    yield from _by_label(text, lowered)


def _by_postcode(text: str) -> Iterator[Span]:
    """Back from each postcode to the house number, at most 120 characters and three lines before it."""
    for code in _A_POSTCODE.finditer(text):
        start = max(0, code.start() - _LONGEST)
        for match in _BY_POSTCODE.finditer(text, start, code.end()):
            if match.end() == code.end():
                yield Span(*match.span(), "ADDRESS", 0.75, "rules:address")


def _by_label(text: str, lowered: str) -> Iterator[Span]:
    if any(hint in lowered for hint in _LABEL_HINTS):
        for label in _LABELLED.finditer(text):
            match = _AFTER_LABEL.match(text, label.end())
            if match is not None:
                yield Span(*match.span(), "ADDRESS", 0.7, "rules:address")
    if "post" in lowered:
        for match in _POSTCODE_LABEL.finditer(text):
            yield Span(*match.span(1), "ADDRESS", 0.7, "rules:address")
