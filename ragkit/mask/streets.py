"""Postal addresses in the orders of the continent: ``Lindenstraße 5``, ``12 rue de la Paix``, ``C/ Mayor 14, 3º B``.

German, Austrian, Swiss, Dutch and Nordic streets end with a word for a street and are followed by the number; French
ones come behind the number; Spanish, Catalan, Italian, Portuguese and Polish ones begin with the word.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ragkit.mask.name_shapes import CAPITALISED, PARTICLE
from ragkit.types import Span

_SEP = r"(?:,?[ \t\u00a0]*\n?[ \t\u00a0]*)"
_TOWN = rf"{CAPITALISED}(?:[ \t\-/](?:am|an der|im|bei|sur|sous|lès|en|{PARTICLE}|{CAPITALISED})){{0,4}}"
COUNTRY = (
    r"(?:USA|U\.S\.A\.|United[ ]States(?:[ ]of[ ]America)?|UK|U\.K\.|United[ ]Kingdom|England|Scotland|Wales|"
    r"Northern[ ]Ireland|"
    r"Ireland|Canada|Australia|New[ ]Zealand|India|South[ ]Africa|Deutschland|Germany|Allemagne|Österreich|"
    r"Austria|Schweiz|"
    r"Suisse|Switzerland|France|Frankreich|Belgi(?:um|que|ë)|Luxembourg|España|Spain|Espagne|Portugal|Itali[ae]|"
    r"Italy|Nederland|"
    r"(?:The[ ])?Netherlands|Danmark|Denmark|Sverige|Sweden|Norge|Norway|Suomi|Finland|Polska|Poland|México|"
    r"Mexico|Argentina|"
    r"Brasil|Colombia|Chile|Cuba)\b"
)
"""Countries that may end an address; alone they identify nobody."""
_CODE = r"(?:[A-Z]{1,2}[- ])?(?:\d{4,5}(?:[ ]?[A-Z]{2})?|\d{3}[ ]\d{2}|\d{2}-\d{3})"
_TAIL = rf"(?:{_SEP}{_CODE}[ \t]+{_TOWN}(?:{_SEP}{COUNTRY})?)?"

_HOUSE_NUMBER = re.compile(r"(?<=[a-zßäöüåæø.])[ \u00a0]\d{1,4}(?![\d.:%]|,\d)")
_ENDINGS = (
    "straße", "strasse", "str.", "weg", "platz", "allee", "gasse", "ufer", "damm", "ring", "graben", "markt",
    "chaussee",
    "steig", "promenade", "straat", "laan", "gracht", "plein", "kade", "dijk", "singel", "steeg", "gatan", "vägen",
    "gränd",
    "stigen", "veien", "gata", "gade", "vej", "allé", "stræde", "katu", "tie",
)  # fmt: skip
_SURE_ENDINGS = (
    "straße", "strasse", "str.", "gasse", "straat", "gracht", "laan", "gatan", "vägen", "veien", "chaussee",
    "allee", "platz",
    "katu", "vej", "gade", "weg", "ufer", "damm", "plein", "kade", "dijk", "singel", "gränd", "stræde",
)  # fmt: skip
"""The others (``Ring``, ``Markt``, ``Gata``) need a postcode and a town behind the number."""
_AFTER_HOUSE = re.compile(
    rf"[ \u00a0]\d{{1,4}}(?:[ ]?[a-zA-Z](?!\w))?(?:[ ]?[\-/\u2013][ ]?\d{{1,4}}[a-z]?)?(?:(?:,[ ]?|[ ])(?:(?:Top|"
    rf"Whg\.?|Wohnung|App\.?|OG|EG|DG|"
    rf"Stiege|bus|bis|lgh|st|tv|th)\b\.?[ ]?\w{{0,4}}|\d\.[ ](?:OG|Stock|etg\.?|sal|tv|th|mf)\b(?:[ ](?:links|"
    rf"rechts|t\.?[hv]\.?|mf\.?))?))?\b(?P<tail>{_TAIL})"
)
_STREET_WORD = re.compile(
    rf"(?<![\w\-])(?:(?:{CAPITALISED}|St\.)[ ])?(?:(?:{CAPITALISED})[ ]|(?:der|den|dem|des|van|de|von)[ ])?$"
)
_PREPOSITION = re.compile(
    rf"(?<![\w\-])(?:Am|An der|An den|Auf der|Auf dem|Im|In der|In den|Unter den|Zum|Zur|Beim|Hinter der|Hinter "
    rf"dem|Vor dem|Alter|Alte|Neuer|Neue)"
    rf"[ ]{CAPITALISED}(?:[ ]{CAPITALISED})?[ ]\d{{1,4}}[a-z]?\b{_SEP}(?:[A-Z]{{1,2}}-)?\d{{4,5}}[ ]{_TOWN}"
)
_CODE_AHEAD = re.compile(rf"[ \u00a0]\d{{1,4}}[a-z]?{_SEP}(?:[A-Z]{{1,2}}-)?\d{{4,5}}[ ]")

_FRENCH = re.compile(
    r"\d{1,4}(?:[ ]?(?:bis|ter|quater)\b|[ ]?[A-D]\b)?(?:[ ]?[-/][ ]?\d{1,4})?,?[ \t\u00a0]+(?i:rue|avenue|av\.|"
    r"boulevard|bd\.?|blvd|place|pl\.|"
    r"chemin|ch\.|allée|impasse|quai|cours|route|rte|square|passage|faubourg|sentier|esplanade|résidence|"
    r"lotissement|cité)[ \t]+"
    rf"(?:(?:du|des|de la|de l['’]|de|d['’]|l['’]|la|le|les|aux?|à)[ \t]?){{0,2}}(?:{CAPITALISED}|\d{{1,2}}[ "
    rf"][a-zé]{{3,9}}[ ]\d{{4}})"
    rf"(?:[ \t\-](?:de|du|des|la|le|l['’]|d['’]|et|en|{CAPITALISED})){{0,5}}{_TAIL}"
)
_SPANISH_LOWER = r"calle|avenida|avda|avd|plaza|paseo|carretera|carrer|ronda|travesía|glorieta|camino"
_WORD = (
    r"(?:(?:Calle|C/|C\.[ ]|Cl\.|Avenida|Avda\.?|Avd\.|Av\.?|Avinguda|Plaza|Pza\.?|Plaça|Paseo|Pso\.?|P\.º|Pº|"
    r"Passeig|Ronda|Carretera|"
    r"Ctra\.?|Camino|Cno\.|Travesía|Urbanización|Urb\.|Glorieta|Gran[ ]Vía|Vía|Carrera|Callejón|Barrio|Polígono|"
    r"Carrer|Rúa|Rua|"
    r"Travessa|Praça|Estrada|Alameda|Largo|Via|Viale|V\.le|Piazza|P\.zza|P\.za|Piazzale|Corso|C\.so|Vicolo|Strada|"
    r"Lungomare|Contrada|"
    r"Ul\.|Al\.|Pl\.|Os\.)(?![\w]))"
)
_OF = r"(?:(?:de|del|da|do|dos|das|della|delle|dei|degli|dell['’]|di|d['’]|la|las|los|el|les|san|santa|sant|s\.)[ \t]*)"
_HOUSE = (
    r"(?:(?:n(?:[º°.o]|úm|um|o\.)*\.?[ \t]*)?\d{1,4}(?:[ ]?[-\u2013/][ ]?(?:\d{1,3}|[A-Z])(?!\w|-\d)){0,2}(?:[ "
    r"]?[a-zA-Z](?![\w]))?|[Ss]/[Nn]\b|"
    r"[Kk][Mm]\.?[ ]?\d{1,4}(?:[.,]\d{1,3})?)"
)
_FLOOR = (
    r"(?:[ ,.\-\u2013]{1,3}(?:\d{1,2}(?:[ºª°o]|er)?[ ]?[A-Za-z]?(?![\w]|[ ]?[/:]|[.\-]\d)|[A-Z](?![\w.])|"
    r"(?:izq|dcha|dcho|izda|bajo|ático|piso|planta|esc|puerta|pta|bloque|blq|portal|int|interno|scala|apto?|"
    r"m)\b\.?(?:[ ]?\w{1,3}(?!\w))?|"
    r"P\d|[\dA-Z][A-Z\d](?![\w\-])))"
)
_SOUTH_TAIL = (
    rf"(?:[ ]?[.,\-\u2013]?[ ]?\(?\n?[ ]?(?:C\.?P\.?:?[ ]?)?(?:(?:[A-Z]-?)?\d{{2}}[.-]?\d{{3}}|\d{{4}}-\d{{3}}|"
    rf"\d{{5}}-\d{{3}})[.,]?[ \t]+(?:[-\u2013][ ])?{_TOWN}"
    rf"(?:[ ]?\([^()\n]{{2,24}}\)|,[ ]{_TOWN}(?![\w:]))?(?:[.,]?[ ]\(?{COUNTRY})?)?"
)
_SOUTHERN = re.compile(
    rf"{_WORD}[ \t]*{_OF}{{0,3}}(?:{CAPITALISED}|\d{{1,2}}[ ]de[ ]\w{{4,10}})\.?(?:[ \t\-´'’](?:{_OF}|y[ ]|e[ ]|i[ "
    rf"])?{CAPITALISED}\.?){{0,5}}"
    rf"[,.]?[ \t]+{_HOUSE}{_FLOOR}{{0,4}}{_SOUTH_TAIL}"
)
_SOUTHERN_SMALL = re.compile(
    rf"(?:c/|ul\.|al\.|pl\.|os\.)[ ]?{_OF}{{0,2}}{CAPITALISED}\.?(?:[ ](?:{_OF}|y[ ])?{CAPITALISED}\.?){{0,5}}"
    rf"[,.]?[ \t]+{_HOUSE}{_FLOOR}{{0,4}}{_SOUTH_TAIL}"
)
_SOUTHERN_LOWER = re.compile(
    rf"(?i:{_SPANISH_LOWER})[ \t]+[^\W\d_]{{2,20}}\.?(?:[ \t][^\W\d_]{{1,20}}\.?){{0,4}},?[ "
    rf"\t]+{_HOUSE}{_FLOOR}{{0,4}}{_SOUTH_TAIL}"
)
_WITHOUT_NUMBER = re.compile(
    rf"(?:{CAPITALISED}|Río)(?:[ ](?:{PARTICLE}[ ])?{CAPITALISED}){{0,3}},?[ ][Ss]/[Nn]\b{_SOUTH_TAIL}"
)
_SHOUTED = re.compile(r"(?:Via|Largo|Strada|Corso|Plaza|Barrio|Carrera|Ronda)[ ][A-Z]{2}")
"""``Via API 5`` is no street."""
_LOWER_HINTS = (
    "calle",
    "avenida",
    "avda",
    "plaza",
    "paseo",
    "carretera",
    "carrer",
    "ronda",
    "travesía",
    "glorieta",
    "camino",
)


def find_streets(text: str, lowered: str) -> Iterator[Span]:
    """``ADDRESS`` spans in French, German, Dutch, Nordic and southern order; ``lowered`` is the text in lower case."""
    for match in _FRENCH.finditer(text):
        if not text[match.start() - 1 : match.start()].isalnum():
            yield _span(*match.span())
    yield from _suffixed(text, lowered)
    patterns = [_SOUTHERN, _SOUTHERN_SMALL]
    if any(hint in lowered for hint in _LOWER_HINTS):
        patterns.append(_SOUTHERN_LOWER)
    for pattern in patterns:
        for match in pattern.finditer(text):
            if not text[match.start() - 1 : match.start()].isalnum() and not _SHOUTED.match(match[0]):
                yield _span(*match.span())
    if " s/n" in lowered:
        for match in _WITHOUT_NUMBER.finditer(text):
            yield _span(*match.span())


def _suffixed(text: str, lowered: str) -> Iterator[Span]:
    """From each number that stands behind a word, back to the word: is it a street?"""
    for number in _HOUSE_NUMBER.finditer(lowered):
        word_start = max(lowered.rfind(" ", max(0, number.start() - 42), number.start()),
                         lowered.rfind("\n", max(0, number.start() - 42), number.start())) + 1  # fmt: skip
        word = lowered[word_start : number.start()]
        if not word.endswith(_ENDINGS):
            if _CODE_AHEAD.match(text, number.start()):
                for match in _PREPOSITION.finditer(
                    text, max(0, number.start() - 48), min(len(text), number.end() + 64)
                ):
                    yield _span(*match.span())
            continue
        house = _AFTER_HOUSE.match(text, number.start())
        if house is None or not (word.endswith(_SURE_ENDINGS) or house["tail"]):
            continue
        start = _street_start(text, word, word_start)
        if start is not None:
            yield _span(start, house.end())


def _street_start(text: str, word: str, start: int) -> int | None:
    """Where the street's name begins: at the word itself, or before it where it is nothing but "Straße"."""
    while start < len(text) and text[start] in "(\"'„":
        start += 1
    if word.strip("(\"'„") in _ENDINGS:
        before = _STREET_WORD.search(text, max(0, start - 48), start)
        return before.start() if before is not None and before.start() < start else None
    return start if text[start].isupper() else None


def _span(start: int, end: int) -> Span:
    return Span(start, end, "ADDRESS", 0.7, "rules:address")
