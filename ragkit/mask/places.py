"""Postal addresses in English-speaking order: number, street, unit, town, state, postcode, country, over lines.

Towns and countries alone are not taken: they identify nobody, and need a learned detector to be found. Other orders are
in :mod:`ragkit.mask.streets`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ragkit.mask.cues import ends_of
from ragkit.mask.name_shapes import CAPITALISED
from ragkit.mask.streets import COUNTRY, find_streets
from ragkit.types import Span

_SEP = r"(?:,?[ \t\u00a0]*\n?[ \t\u00a0]*)"
_TOWN = rf"{CAPITALISED}(?:[ \t\-](?:am|an der|sur|upon|on|de|del|la|le|di|{CAPITALISED})){{0,3}}"
_UK_AREA = (
    r"(?:A[BL]|B[ABDHLNRST]?|C[ABFHMORTVW]|D[ADEGHLNTY]|E[CHNX]?|F[KY]|G[LUY]?|H[ADGPRSUX]|I[GMPV]|JE|K[ATWY]|"
    r"L[ADELNSU]?|M[EKL]?|N[EGNPRW]?|O[LX]|P[AEHLOR]|R[GHM]|S[AEGKLMNOPRSTWY]?|T[ADFNQRSW]|UB|W[ACDFNRSV]?|YO|ZE)"
)
"""The 124 postcode areas of Royal Mail: ``C5 4XL`` is no place."""
_UK_POSTCODE = rf"{_UK_AREA}\d[A-Z\d]?[ ]?\d[ABD-HJLNP-UW-Z]{{2}}"
_STATE = (
    r"(?:A[LKZR]|C[AOT]|D[CE]|FL|GA|HI|I[ADLN]|K[SY]|LA|M[ADEINOST]|N[CDEHJMVY]|O[HKR]|PA|PR|RI|S[CD]|T[NX]|UT|"
    r"V[AT]|W[AIVY]|"
    r"Alabama|Alaska|Arizona|Arkansas|California|Colorado|Connecticut|Delaware|Florida|Georgia|Hawaii|Idaho|"
    r"Illinois|Indiana|"
    r"Iowa|Kansas|Kentucky|Louisiana|Maine|Maryland|Massachusetts|Michigan|Minnesota|Mississippi|Missouri|Montana|"
    r"Nebraska|"
    r"Nevada|New[ ](?:Hampshire|Jersey|Mexico|York)|(?:North|South)[ ](?:Carolina|Dakota)|Ohio|Oklahoma|Oregon|"
    r"Pennsylvania|"
    r"Rhode[ ]Island|Tennessee|Texas|Utah|Vermont|(?:West[ ])?Virginia|Washington|Wisconsin|Wyoming)"
)
_US_TAIL = rf"(?:[A-Z]{{2}}|{_STATE})[ \t]+\d{{5}}(?:-\d{{4}})?"
_OTHER_TAIL = (
    r"(?:AB|BC|MB|NB|NL|NS|NT|NU|ON|PE|QC|SK|YT)[ ,]{1,2}[A-Z]\d[A-Z][ ]?\d[A-Z]\d|(?:NSW|VIC|QLD|WA|SA|TAS|ACT|"
    r"NT|Vic|Qld|Tas)"
    r"[ ,]{1,2}\d{4}|[AC-FHKNPRTV-Y]\d[\dW][ ]?[A-Z\d]{4}"
)
"""Canada, Australia, Ireland (the routing keys of Eircode)."""
_CODE = rf"(?:{_US_TAIL}|{_UK_POSTCODE}|{_OTHER_TAIL})\b"
_UNIT = (
    r"(?:(?:Apt|Apartment|Suite|Ste|Unit|Flat|Floor|Fl|Room|Rm|Building|Bldg|Lot|Level)\.?[ \t]?\#?|\#[ "
    r"]?)\w{1,6}\b"
)
_EN_TAIL = (
    rf"(?:{_SEP}{_UNIT}){{0,2}}"
    rf"(?:{_SEP}{_TOWN}(?:{_SEP}{_TOWN})?,?[ \t\n]+{_CODE}|{_SEP}{_CODE}|,[ \t]*{_TOWN},[ ]{_STATE}\b(?![ ]?\d))?"
    rf"(?:{_SEP}{COUNTRY})?"
)
_EN_STREET = (
    r"(?:Street|St|Road|Rd|Avenue|Ave|Lane|Ln|Drive|Dr|Boulevard|Blvd|Court|Ct|Square|Sq|Place|Pl|Terrace|Ter|Way|"
    r"Close|"
    r"Crescent|Cres|Parkway|Pkwy|Highway|Hwy|Circle|Cir|Row|Gardens|Gdns|Mews|Grove|Quay|Esplanade|Broadway|Plaza|"
    r"Turnpike)"
)
_ENGLISH = re.compile(
    rf"\d{{1,5}}[A-Za-z]?(?:[-/\u2013]\d{{1,4}}[A-Za-z]?)?,?[ \t\u00a0]+(?:[NSEW]{{1,2}}\.?[ \t]+)?"
    rf"(?:(?:{CAPITALISED}\.?|\d{{1,3}}(?:st|nd|rd|th))[ \t]+){{1,4}}{_EN_STREET}\b(?:\.|[ ][NSEW]{{1,2}}\b)?{_EN_TAIL}"
)
_LOWER_STREET = re.compile(
    r"\d{1,5}[ ](?!way|lane|main)[a-z]{3,15}(?:[ ][a-z]{3,15})?[ ](?:street|avenue|boulevard)\b(?![ ](?:address|"
    r"view|name))"
)
_UNIT_FIRST = re.compile(
    r"(?:Apt|Apartment|Suite|Unit|Flat|Room|Rm|Floor)\.?[ ]?\#?\w{1,5}(?:,[ ]?|[ ]?[/-][ ]?|[ ]|,?[ ]?\n[ ]?)$"
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
_ONE_WORD = re.compile(rf"{_NUMBER}[ \t]+\w+,?\s+")
"""``12 Large, M5 4XL`` is a size: one word and no town."""
_POSSESSIVE = re.compile(
    rf"(?<![\w.,:/\-]){_NUMBER}[ \t]+(?:{CAPITALISED}[ \t]+)?(?=[^\s]{{2,38}}['’]s?[ \t]){CAPITALISED}['’]?[ \t]+"
    rf"(?:{_WEAK_STREET}|{_EN_STREET})\b"
    rf"(?:,[ \t]*\n?[ \t]*{_TOWN}(?![\w'’]))?"
)
_LABELS = (
    "address", "addresse", "deliver to", "delivered to", "ship to", "shipped to", "lives at", "live at", "living at",
    "resides at", "reside at", "residing at", "moved into", "moved to", "flat at", "house at", "anschrift",
    "adresse", "wohnhaft",
    "wohnhaft in", "dirección", "domicilio", "indirizzo", "adres",
)  # fmt: skip
_TO_VALUE = re.compile(r"[ \t]*(?:is|was|:|\|)?[*_ \t]*\n?[ \t]*", re.IGNORECASE)
_AFTER_LABEL = re.compile(
    rf"{_NUMBER},?[ \t]+(?:{CAPITALISED}[ \t]+){{1,3}}"
    rf"(?:(?:{_WEAK_STREET}|{_EN_STREET})\b(?:,[ \t]*\n?[ \t]*{_TOWN}){{0,2}}"
    rf"|{CAPITALISED}(?:,[ \t]*\n?[ \t]*{_TOWN}){{1,2}})"
    rf"(?:,?[ \t]*\n?[ \t]*(?:{_UK_POSTCODE}|{_US_TAIL})\b)?"
)
_POSTCODE_LABEL = re.compile(
    rf"\b(?:post[ ]?code|postal code)(?:[ \t]+(?:is|was)|[ \t]*[:|=])[*_ \t]*({_UK_POSTCODE})\b", re.IGNORECASE
)
_A_UK_POSTCODE = re.compile(r"\d[ABD-HJLNP-UW-Z]{2}\b")
_WHOLE_UK_POSTCODE = re.compile(rf"\b{_UK_POSTCODE}$")
_A_US_TAIL = re.compile(rf"\b{_US_TAIL}\b")
_ZIP = re.compile(r"[A-Za-z][ \t]+\d{5}\b")
_LONGEST = 120
_PO_BOX = re.compile(
    rf"\bP\.?[ ]?O\.?[ ]Box[ ]\d{{1,7}}(?:{_SEP}{_TOWN},?[ \t]+{_CODE})?|"
    rf"\b(?:Postfach|Postbus|Apartado(?:[ ]de[ ]Correos)?|Casella[ ]Postale|Boîte[ ]postale|Caixa[ ]Postal|Box)[ "
    rf"]\d[\d ]{{1,9}}\d"
    rf"(?=,|\n)(?:{_SEP}(?:[A-Z]{{1,2}}-)?\d{{3}}[ ]?\d{{1,2}}[ ]{_TOWN})"
)
_BOXES = ("box ", "postfach", "postbus", "apartado", "casella", "postale", "postal")


def find_addresses(text: str, lowered: str) -> Iterator[Span]:
    """``ADDRESS`` spans, each as far as its postcode and town; ``lowered`` is the text in lower case."""
    for match in _ENGLISH.finditer(text):
        before = text[match.start() - 1 : match.start()]
        if not (before.isalnum() or before in {"_", "$", "€", "£"}):
            yield _span(_with_unit(text, match.start()), match.end())
    if "street" in lowered or "avenue" in lowered or "boulevard" in lowered:
        for match in _LOWER_STREET.finditer(text):
            if not text[match.start() - 1 : match.start()].isalnum():
                yield Span(*match.span(), "ADDRESS", 0.5, "rules:address")
    if any(box in lowered for box in _BOXES):
        for match in _PO_BOX.finditer(text):
            yield _span(*match.span())
    if any(mark in text for mark in ("'s ", "’s ", "s' ", "s’ ")):
        for match in _POSSESSIVE.finditer(text):
            yield _span(*match.span())
    yield from find_streets(text, lowered)
    yield from _by_postcode(text)
    yield from _by_label(text, lowered)


def _with_unit(text: str, start: int) -> int:
    """From "Flat 3," on, where it stands before the house number."""
    unit = _UNIT_FIRST.search(text, max(0, start - 24), start)
    return unit.start() if unit is not None else start


def _by_postcode(text: str) -> Iterator[Span]:
    """Back from each postcode to the house number, at most 120 characters and three lines before it."""
    for start, end in _postcodes(text):
        for match in _BY_POSTCODE.finditer(text, max(0, start - _LONGEST), end):
            if match.end() == end and not _ONE_WORD.fullmatch(text, match.start(), start):
                yield Span(_with_unit(text, match.start()), end, "ADDRESS", 0.75, "rules:address")


def _postcodes(text: str) -> Iterator[tuple[int, int]]:
    """By their ends, which are rarer than their beginnings."""
    for inward in _A_UK_POSTCODE.finditer(text):
        code = _WHOLE_UK_POSTCODE.search(text, max(0, inward.end() - 9), inward.end())
        if code is not None:
            yield code.span()
    for number in _ZIP.finditer(text):
        for code in _A_US_TAIL.finditer(text, max(0, number.start() - 16), min(len(text), number.end() + 5)):
            yield code.span()


def _by_label(text: str, lowered: str) -> Iterator[Span]:
    for end in ends_of(_LABELS, lowered):
        gap = _TO_VALUE.match(text, end)
        match = _AFTER_LABEL.match(text, gap.end()) if gap is not None else None
        if match is not None:
            yield _span(*match.span())
    if "post" in lowered:
        for match in _POSTCODE_LABEL.finditer(text):
            yield _span(*match.span(1))


def _span(start: int, end: int) -> Span:
    return Span(start, end, "ADDRESS", 0.7, "rules:address")
