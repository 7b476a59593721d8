"""Amounts of money and other measured quantities, in digits and words.

``MONEY``: an amount with its currency, before or after, with the code in brackets that follows it. ``QUANTITY``: shares
in per cent, measures with their unit, and how long somebody was sentenced. Counts of things are left alone: hardly one
in four of them tells anything about a person (TAB's training set), and texts are full of them.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from ragkit.mask.numerals import ENGLISH, ENGLISH_AMOUNT, OTHERS
from ragkit.types import Span

_CODES = (
    "USD|EUR|GBP|CHF|JPY|PLN|SEK|NOK|DKK|TRY|TRL|YTL|CAD|AUD|NZD|CNY|RMB|INR|BRL|MXN|ZAR|RUB|UAH|CZK|HUF|RON|ROL|"
    "BGN|HRK|"
    "ISK|ILS|SGD|HKD|KRW|AED|SAR|ATS|DEM|FRF|ITL|ESP|NLG|BEF|FIM|GRD|IEP|PTE|SKK|SIT|EEK|LVL|LTL|CYP|MTL|LUF|MDL|RSD|DM"
)
_ADJECTIVE = (
    r"(?:New[ ])?(?:Deutsch|US|U\.S\.|American|Canadian|Australian|Turkish|Polish|Swedish|Norwegian|Danish|"
    r"Austrian|German|GDR|"
    r"Deutsche?|Swiss|French|Belgian|Italian|Spanish|Russian|Ukrainian|Czech|Slovak|Hungarian|Romanian|Bulgarian|"
    r"Croatian|"
    r"Cypriot|Greek|Irish|Dutch|Finnish|Icelandic|Israeli|Indian|Japanese|Chinese|Mexican|Moldovan|Serbian|Brazilian)"
)
_NAMES = (
    r"euros?|dollars?|cents?|pounds?(?:[ ]sterling)?|pence|liras?|lire|lirasi|z[lł]ot(?:ys?|ies|ych?|e)|kron(?:or|"
    r"er|e|a|ur)|"
    r"schillings?|marks?|francs?|francos|pesetas?|guilders?|roubles?|rubles?|rupees?|yen|yuan|reais|real|pesos?|"
    r"forints?|lei|"
    r"leva?|hryvnias?|korunas?|drachmas?|escudos?|dinars?|rands?|shekels?|"
    r"livres[ ]sterling|couronnes(?:[ ](?:suédoises|norvégiennes|danoises))?|livres[ ]turques|"
    r"libras[ ]esterlinas|coronas(?:[ ](?:suecas|noruegas|danesas))?|liras[ ]turcas|zlotys[ ]polacos|"
    r"kronen|pfund(?:[ ]sterling)?|dólares|reales"
)
_AMOUNT = r"\d(?:[\d.,'\u00a0\u202f]{0,18}\d)?(?:[ ](?:\d{3})(?=[ ,.]|\d{0}\b))*"
_SCALE = (
    r"(?:[ \u00a0]?(?:thousand|million|billion|mn|bn|millions?|milliards?|Millionen|Mio\.?|millones(?:[ ]de)?|m|"
    r"k)\b)?"
)
_PAREN = rf"(?:[ ]\((?:{_CODES}|[Ee]uros?)\)?)?"
_BEFORE = re.compile(rf"(?:[$€£¥]|{_CODES}|US\$|Rs\.?)[ \u00a0]?{_AMOUNT}{_SCALE}(?![\w%]){_PAREN}")
_AFTER = re.compile(
    rf"{_AMOUNT}{_SCALE}[ \u00a0\n]?(?:[€£¥]|\$(?!\w|{{)|(?:{_CODES})\b|(?:{_ADJECTIVE}[ ])?(?i:{_NAMES})\b){_PAREN}",
)
_IN_WORDS = re.compile(
    rf"\b(?:{ENGLISH_AMOUNT}|{ENGLISH}|{OTHERS})[ ](?:{_ADJECTIVE}[ ])?(?:euros?|dollars?|pounds?|zlotys?|liras?|"
    rf"kronor|francs?|marks)\b",
    re.IGNORECASE,
)
_WORD_HINTS = ("euro", "dollar", "pound", "zlot", "lira", "kronor", "franc", " marks")

_PER_CENT = re.compile(
    r"(?<![\w.,])\d+(?:[.,]\d+)?(?:[ ](?:to|and|à|y|bis|-)[ ]\d+(?:[.,]\d+)?)?[ \u00a0]?(?:%(?!\w)|per[ ]?cent\b)"
)
_MEASURE = re.compile(
    rf"(?<![\w.,])(?:\d+(?:[.,]\d+)*(?:[ ]?[x×][ ]?\d+(?:[.,]\d+)?)?|{ENGLISH})[ \u00a0]?"
    r"(?:km/h|mph|square[ ](?:kilo)?met(?:re|er)s|(?:kilo|centi|milli)?met(?:re|er)s?|km²?|cm²?|mm²?|m²|sq\.?[ "
    r"](?:m|ft)|miles|"
    r"hectares?|ha|acres?|(?:kilo|milli)?grammes|(?:kilo|milli)?grams?|kg|mg|tonnes?|tons|lit(?:re|er)s?|ml|cl|"
    r"degrees|pints?|inches|feet|m[èe]tres(?:[ ]carrés)?|mètres|metros(?:[ ]cuadrados)?|Meter|Liter|litros)(?![\w/])",
)
_HELD = r"(?:imprisonment|prison|detention|custody|probation|suspended|jail|incarceration|forced|solitary|penal)"
_TERM = (
    rf"(?:\d{{1,3}}|{ENGLISH}|an?)(?:[ ]and[ ]a[ ]half)?[ \u00a0-](?:years?|months?|weeks?|days?|hours?)(?:['’]s|"
    rf"['’])?"
)
_SENTENCE = re.compile(
    rf"\b{_TERM}(?:,?[ ](?:and[ ])?{_TERM}){{0,2}}(?=[ \u00a0](?:of[ ])?(?:\w+[ ])?{_HELD})|"
    rf"(?<=sentenced )(?:\w+[ ]){{0,3}}to[ ](?P<term>(?:\d{{1,3}}|{ENGLISH})[ ](?:years?|months?)(?:[ ]and[ "
    rf"](?:\d{{1,3}}|{ENGLISH})[ ](?:months?|days?))?)|"
    r"\blife[ ](?:imprisonment|sentence)\b",
    re.IGNORECASE,
)
_HELD_HINTS = ("prison", "detention", "custody", "probation", "suspended", "jail", "incarcerat", "sentenced")
_UNIT_HINTS = re.compile(
    r"%|per ?cent|\d[ \u00a0]?(?:k?m|c?m|mm|kg|mg|ml|ha)\b|met(?:re|er|ro)|mètre|mile|hectare|acre|gram|tonne|"
    r"tons\b|lit(?:re|er|ro)|degrees|inches|feet|pint"
)


def find_quantities(text: str, lowered: str, wanted: Collection[str]) -> Iterator[Span]:
    """``MONEY`` and ``QUANTITY`` spans, each when wanted; ``lowered`` is the text in lower case."""
    if "MONEY" in wanted:
        patterns = (_BEFORE, _AFTER, _IN_WORDS) if any(hint in lowered for hint in _WORD_HINTS) else (_BEFORE, _AFTER)
        for pattern in patterns:
            for match in pattern.finditer(text):
                before = text[match.start() - 1 : match.start()]
                if not (before.isalnum() or (before in {"_", "-", ".", ",", "$", "€", "£"} and before)):
                    yield Span(*match.span(), "MONEY", 0.6, "rules:money")
    if "QUANTITY" not in wanted:
        return
    if _UNIT_HINTS.search(lowered) is not None:
        for pattern in (_PER_CENT, _MEASURE):
            for match in pattern.finditer(text):
                yield Span(*match.span(), "QUANTITY", 0.5, "rules:measure")
    if any(hint in lowered for hint in _HELD_HINTS):
        for match in _SENTENCE.finditer(text):
            yield Span(*match.span("term" if match["term"] else 0), "QUANTITY", 0.55, "rules:sentence")
