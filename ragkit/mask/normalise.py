"""When two mentions are the same value: case, accents, white space, honorifics and possessives do not count.

``normalise("PERSON", "Frau Müller's")`` and ``normalise("PERSON", "MULLER")`` are both ``"muller"``.
"""

# ruff: noqa: SIM905 (a list of words reads better as one text than as a list of texts)

from __future__ import annotations

import re

from ragkit.folding import fold

HONORIFICS = frozenset(
    "mr mrs ms miss mx dr prof professor doctor sir madam lord lady mister rev reverend judge herr frau hr fr "
    "dipl ing med monsieur madame mademoiselle m mme mlle maitre docteur professeur senor senora senorita sr "
    "sra srta don dona doctora signor signora signorina sig dott dottore dottoressa avv mevrouw meneer dhr mw "
    "de heer senhor senhora pan pani herra rouva fru bay bayan".split()
) - {"de"}
"""Without dots and accents, lower case."""

_NUMERIC = frozenset(
    {"PHONE_NUMBER", "CREDIT_CARD", "IBAN_CODE", "US_SSN", "US_BANK_NUMBER", "US_ITIN", "MAC_ADDRESS", "UUID"}
)
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


def normalise(entity_type: str, value: str) -> str:
    """The form by which two mentions of a type are the same value. Never empty for a value with a letter or digit."""
    if entity_type == "PERSON":
        return " ".join(name_words(value)) or fold(value)
    if entity_type in _NUMERIC:
        return _NOT_ALNUM.sub("", fold(value)) or value
    return _SPACE.sub(" ", fold(strip_possessive(value.strip())))


def lower_same_length(text: str) -> str:
    """Lower case in which every character keeps its position (``"İ".lower()`` has two characters)."""
    lowered = text.lower()
    if len(lowered) == len(text):
        return lowered
    return "".join(low if len(low := char.lower()) == 1 else char for char in text)
