"""Coarser values for the operator ``generalise``: what is left of an age, a date, a postcode or a place.

Whatever cannot be read with certainty gives nothing, and the caller then shows the type alone.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

from ragkit.policy import COARSER

KEPT = "\0"
"""Stands for: the value is coarse enough as it is."""

RESTRICTED_ZIP3 = frozenset(
    "036 059 063 102 203 556 692 790 821 823 830 831 878 879 884 890 893".split()  # noqa: SIM905 - reads better
)
"""First three digits of ZIP codes where 20,000 people or fewer live, to be written 000: HHS, "Guidance Regarding
Methods for De-identification of Protected Health Information" (2012), from the census of 2000."""

_STATES = {
    "AL": "Alabama", "AK": "Alaska", "AZ": "Arizona", "AR": "Arkansas", "CA": "California", "CO": "Colorado",
    "CT": "Connecticut", "DE": "Delaware", "DC": "District of Columbia", "FL": "Florida", "GA": "Georgia",
    "HI": "Hawaii", "ID": "Idaho", "IL": "Illinois", "IN": "Indiana", "IA": "Iowa", "KS": "Kansas", "KY": "Kentucky",
    "LA": "Louisiana", "ME": "Maine", "MD": "Maryland", "MA": "Massachusetts", "MI": "Michigan", "MN": "Minnesota",
    "MS": "Mississippi", "MO": "Missouri", "MT": "Montana", "NE": "Nebraska", "NV": "Nevada", "NH": "New Hampshire",
    "NJ": "New Jersey", "NM": "New Mexico", "NY": "New York", "NC": "North Carolina", "ND": "North Dakota",
    "OH": "Ohio", "OK": "Oklahoma", "OR": "Oregon", "PA": "Pennsylvania", "RI": "Rhode Island",
    "SC": "South Carolina", "SD": "South Dakota", "TN": "Tennessee", "TX": "Texas", "UT": "Utah", "VT": "Vermont",
    "VA": "Virginia", "WA": "Washington", "WV": "West Virginia", "WI": "Wisconsin", "WY": "Wyoming",
    "PR": "Puerto Rico",
}  # fmt: skip
_STATE_NAMES = {name.lower(): name for name in _STATES.values()}
_NATIONS = frozenset({"usa", "u.s.a.", "us", "u.s.", "united states", "united states of america", "america"})

_YEAR = re.compile(r"(?<!\d)(?:1[89]|20)\d\d(?=\D|$|(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01]))")
_NUMBER = re.compile(r"\d+")
_OVER_89 = re.compile(r"\b(?:ninet(?:y|ies)|(?:one )?hundred|nonagenarian|(?:super)?centenarian)", re.IGNORECASE)
_UNDER_90 = re.compile(
    r"(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|(?:thir|four|fif|six|seven|eigh|nine)teen|"
    r"(?:twen|thir|for|fif|six|seven|eigh)t(?:y|ies))",
    re.IGNORECASE,
)
_NOT_YEARS = re.compile(
    r"(\d+)(?:[ \u00a0-])?(?:(?P<months>months?|mos?|monate?n?|mois|mes(?:es)?|mesi|maand(?:en)?)|"
    r"(?P<weeks>weeks?|wks?|wochen?|semaines?|semanas?|settiman[ae]|weken)|"
    r"(?P<days>days?|d|tagen?|jours?|d[ií]as?|giorn[io]|dagen))\b",
    re.IGNORECASE,
)
_A_YEAR = {"months": 12, "weeks": 52, "days": 365}
_YOUNG = re.compile(r"\b(?:months?|weeks?|days?|mos?)\b", re.IGNORECASE)
_IN_YEARS = re.compile(r"\b(?:years?|yrs?|y/?o)\b", re.IGNORECASE)
_ZIP = re.compile(r"(\d{3})\d{2}(?:[-\s]?\d{4})?")
_UK = re.compile(r"([A-Z]{1,2}\d[A-Z\d]?)\s*\d[A-Z]{2}", re.IGNORECASE)
_CANADIAN = re.compile(r"([A-Z]\d[A-Z])\s*\d[A-Z]\d", re.IGNORECASE)
_DIGITS_FIRST = re.compile(r"(?:[A-Z]{1,2}-)?(\d\d)\d{2,4}(?:[-\s]?[A-Z]{0,2}|-\d{3,4})", re.IGNORECASE)
_SPACED = re.compile(r"(?:[A-Z]{1,2}-)?(\d\d)(?:\d[ \u00a0]\d\d|-\d{3}|\d-\d{4})", re.IGNORECASE)
"""Sweden, Greece, the Czech Republic and Slovakia; Poland; Japan."""
_IRISH = re.compile(r"([AC-FHKNPRTV-Y]\d[\dW])\s*[AC-FHKNPRTV-Y\d]{4}", re.IGNORECASE)
_PROVINCES = {
    "A": "Newfoundland and Labrador", "B": "Nova Scotia", "C": "Prince Edward Island", "E": "New Brunswick",
    **dict.fromkeys("GHJ", "Quebec"), **dict.fromkeys("KLMNP", "Ontario"), "R": "Manitoba", "S": "Saskatchewan",
    "T": "Alberta", "V": "British Columbia", "X": "Northwest Territories or Nunavut", "Y": "Yukon",
}  # fmt: skip
"""By the first letter of a Canadian postcode (Canada Post, Addressing Guidelines)."""
_IPV4 = re.compile(r"(\d{1,3}\.\d{1,3}\.\d{1,3})\.\d{1,3}(?:/\d{1,2}|:\d{1,5})?")


def coarse(entity_type: str, value: str, to: str | None = None) -> str:
    """Return the coarser value, :data:`KEPT` where the value may stay, or nothing where only the type may be shown.

    Args:
        entity_type: Type of the value.
        value: As written.
        to: How coarse, of :data:`ragkit.policy.COARSER`; the first there by default.
    """
    known = COARSER.get(entity_type)
    if not known:
        return ""
    match to or known[0]:
        case "year":
            return _years(value)
        case "year_under_90":
            return _birth_year(value)
        case "decade":
            return _decade(value)
        case "under_90":
            return _age_under_90(value)
        case "area":
            return _postal_area(value)
        case "region":
            return _postal_region(value)
        case "zip3":
            return _zip3(value)
        case "state":
            return _state(value)
        case "network":
            return _network(value)
    return ""


def _years(value: str) -> str:
    years = _YEAR.findall(value)
    if not years:
        return ""
    return str(years[0]) if years[0] == years[-1] else f"{years[0]}-{years[-1]}"


def _birth_year(value: str) -> str:
    """A year of birth that tells of nobody over 89 in the year of masking (164.514(b)(2)(i)(C), last half)."""
    years = _years(value)
    return "90 or over" if years and int(years[:4]) <= datetime.now(UTC).year - 90 else years


def _decade(value: str) -> str:
    ages = _ages(value)
    if not ages or ages[0] > 129:
        return ""
    decade = ages[0] // 10 * 10
    return f"{decade}-{decade + 9}"


def _age_under_90(value: str) -> str:
    ages = _ages(value)
    young = _YOUNG.search(value) is not None and _IN_YEARS.search(value) is None and not _NUMBER.search(value)
    if any(age >= 90 for age in ages) or (_OVER_89.search(value) and not young):
        return "90 or over"
    return KEPT if ages or young or _UNDER_90.search(value) else ""


def _ages(value: str) -> list[int]:
    """The ages in a text in whole years, those in years first: ``95 years and 2 months`` is 95 and 0."""
    in_years = [int(number) for number in _NUMBER.findall(_NOT_YEARS.sub(" ", value))]
    parts = _NOT_YEARS.finditer(value)
    return in_years + [int(part[1]) // _A_YEAR[str(part.lastgroup)] for part in parts]


def _postal_area(value: str) -> str:
    """About a town: the outward code, the sorting area, the routing key, or two digits."""
    for form in (_UK, _CANADIAN, _IRISH, _DIGITS_FIRST, _SPACED):
        if found := form.fullmatch(value.strip()):
            return found[1].upper()
    return ""


def _postal_region(value: str) -> str:
    """About a part of a country, by the first sign of a postcode.

    Great Britain: the letters of the post town (``SW1A 1AA`` to ``SW``). Canada: the province. Ireland: the letter of
    the routing key. Elsewhere the first digit: in the United States a group of states, in Germany a zone of the post,
    in the Netherlands, Belgium, Italy, Spain and others a group of provinces.
    """
    if found := _CANADIAN.fullmatch(value.strip()):
        return _PROVINCES.get(found[1][0].upper(), "")
    area = _postal_area(value)
    return area[:1] if area[:1].isdigit() else re.split(r"\d", area)[0]


def _zip3(value: str) -> str:
    found = _ZIP.fullmatch(value.strip())
    if found is None:
        return ""
    return "000" if found[1] in RESTRICTED_ZIP3 else found[1]


def _state(value: str) -> str:
    """A state of the United States alone, or behind a comma: ``Springfield, IL`` to ``Illinois``."""
    place, comma, last = value.strip().rpartition(",")
    last = last.strip()
    state = _STATES.get(last) or _STATE_NAMES.get(last.lower()) or (last if last.lower() in _NATIONS else "")
    return state if comma and place and state else KEPT if state else ""


def _network(value: str) -> str:
    found = _IPV4.fullmatch(value.strip())
    return f"{found[1]}.0/24" if found else ""
