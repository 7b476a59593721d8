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
_NOT_YEARS = re.compile(r"\b(?:months?|weeks?|days?|mos?)\b|\d[ ]?(?:mo|wk|d)\b", re.IGNORECASE)
_ZIP = re.compile(r"(\d{3})\d{2}(?:[-\s]?\d{4})?")
_UK = re.compile(r"([A-Z]{1,2}\d[A-Z\d]?)\s*\d[A-Z]{2}", re.IGNORECASE)
_CANADIAN = re.compile(r"([A-Z]\d[A-Z])\s*\d[A-Z]\d", re.IGNORECASE)
_DIGITS_FIRST = re.compile(r"(?:[A-Z]{1,2}-)?(\d\d)\d{2,4}(?:[-\s]?[A-Z]{0,2}|-\d{3,4})", re.IGNORECASE)


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
    number = _NUMBER.search(value)
    if number is None or int(number[0]) > 129:
        return ""
    decade = 0 if _NOT_YEARS.search(value) else int(number[0]) // 10 * 10
    return f"{decade}-{decade + 9}"


def _age_under_90(value: str) -> str:
    if _NOT_YEARS.search(value):
        return KEPT
    if _OVER_89.search(value) or any(int(number) >= 90 for number in _NUMBER.findall(value)):
        return "90 or over"
    return KEPT if _NUMBER.search(value) or _UNDER_90.search(value) else ""


def _postal_area(value: str) -> str:
    for form in (_UK, _CANADIAN, _DIGITS_FIRST):
        if found := form.fullmatch(value.strip()):
            return found[1].upper()
    return ""


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
    if value.count(".") != 3:
        return ""
    return ".".join(value.partition("/")[0].split(".")[:3]) + ".0/24"
