"""When two mentions are the same value: case, accents, white space, honorifics and possessives do not count.

``normalise("PERSON", "Frau Müller's")`` and ``normalise("PERSON", "MULLER")`` are both ``"muller"``.
"""

# ruff: noqa: SIM905 (a list of words reads better as one text than as a list of texts)

from __future__ import annotations

import re
from functools import lru_cache

from ragkit.folding import fold as fold

HONORIFICS = frozenset(
    "mr mrs ms miss mx dr prof professor doctor sir madam lord lady mister rev reverend judge herr frau hr fr "
    "dipl ing med monsieur madame mademoiselle m mme mlle maitre docteur professeur senor senora senorita sr "
    "sra srta don dona doctora signor signora signorina sig dott dottore dottoressa avv mevrouw meneer dhr mw "
    "de heer senhor senhora pan pani herra rouva fru bay bayan".split()
) - {"de"}
"""Without dots and accents, lower case."""

_NUMERIC = frozenset(
    "CREDIT_CARD IBAN_CODE MAC_ADDRESS UUID CUSTOMER_NUMBER ACCOUNT_NUMBER ORDER_NUMBER TICKET_NUMBER CASE_NUMBER "
    "MEDICAL_RECORD_NUMBER HEALTH_PLAN_NUMBER LICENSE_NUMBER VEHICLE_ID LICENSE_PLATE DEVICE_ID VAT_NUMBER POSTCODE "
    "NATIONAL_ID UNIQUE_ID".split()
)
"""Identifiers, in which separators do not count; so are the identity numbers of a country."""
_NATIONAL = re.compile(r"(?!IP_)[A-Z]{2}_[A-Z_]+")
_COUNTRY_CODE = re.compile(r"(?:\+|00)(?:1|7|2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58]|\d{3})", re.ASCII)
"""Country calling codes of one and two digits, and any other three: ITU-T E.164, list of 1 November 2011."""
_WORD = re.compile(r"[^\W_]+(?:['’\-][^\W_]+)*")
_POSSESSIVE = re.compile(r"(?:['’]s|(?<=s)['’])$", re.IGNORECASE)
_SPACE = re.compile(r"\s+")
_NOT_ALNUM = re.compile(r"[\W_]+")


def strip_possessive(text: str) -> str:
    """``Yalman's`` to ``Yalman``; ``Jones'`` to ``Jones``."""
    return _POSSESSIVE.sub("", text)


def name_words(value: str) -> list[str]:
    """The components of a name, folded, without honorifics: ``Dr. Galip Yalman's`` to ``["galip", "yalman"]``."""
    words = [fold(word) for word in _WORD.findall(strip_possessive(value.strip()))]
    while len(words) > 1 and words[0] in HONORIFICS:
        words.pop(0)
    return words


@lru_cache(maxsize=16_384)
def normalise(entity_type: str, value: str) -> str:
    """The form by which two mentions of a type are the same value. Never empty for a value with a letter or digit."""
    if entity_type == "PERSON":
        return " ".join(name_words(value)) or fold(value)
    if entity_type == "PHONE_NUMBER":
        return _national_number(value)
    if entity_type in _NUMERIC or _NATIONAL.fullmatch(entity_type):
        return _NOT_ALNUM.sub("", fold(value)) or value
    return _SPACE.sub(" ", fold(strip_possessive(value.strip())))


def _national_number(value: str) -> str:
    """A telephone number without country code and trunk zero: ``+49 (0)30 901820`` and ``030/901820`` are the same.

    Numbers of two countries may come to the same; they then share a surrogate, and still have tokens of their own.
    """
    digits = re.sub(r"[^\d+]", "", value)
    rest = _COUNTRY_CODE.sub("", digits, count=1) if digits.startswith(("+", "00")) else digits
    if len(digits) == 11 and digits[0] == "1":  # North America, written with its code but without a plus
        rest = digits[1:]
    rest = rest.lstrip("0")
    return rest if len(rest) > 4 else _NOT_ALNUM.sub("", fold(value)) or value


def lower_same_length(text: str) -> str:
    """Lower case in which every character keeps its position (``"İ".lower()`` has two characters)."""
    lowered = text.lower()
    if len(lowered) == len(text):
        return lowered
    return "".join(low if len(low := char.lower()) == 1 else char for char in text)
