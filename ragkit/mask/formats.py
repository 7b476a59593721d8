"""Identifying numbers known by their own form: vehicles, Medicare beneficiaries, devices, payment cards, postcodes.

Each form has a check digit or enough structure to stand alone, or needs a word nearby (``needs``). Sources: ISO 3779
and 49 CFR 565.15 (VIN and its check digit), CMS "Understanding the Medicare Beneficiary Identifier" (MBI), 3GPP TS
23.003 (IMEI), ITU-T E.118 (ICCID), ISO/IEC 7812-1 (cards), 21 CFR 1301 as read by Presidio (DEA), GS1 (UDI).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

from ragkit.mask.numbered import Cues, NumberedLines
from ragkit.types import Span

_BEFORE = 80
"""Characters before a number in which a word may say what it is."""
_STATES = (
    "al|ak|az|ar|ca|co|ct|de|dc|fl|ga|hi|ia|id|il|in|ks|ky|la|ma|md|me|mi|mn|mo|ms|mt|nc|nd|ne|nh|nj|nm|nv|ny|oh|ok|or|"
    "pa|pr|ri|sc|sd|tn|tx|ut|va|vt|wa|wi|wv|wy"
)
_STATE_NAMES = (
    "alabama|alaska|arizona|arkansas|california|colorado|connecticut|delaware|florida|georgia|hawaii|idaho|illinois|"
    "indiana|iowa|kansas|kentucky|louisiana|maine|maryland|massachusetts|michigan|minnesota|mississippi|missouri|montana|nebraska|nevada|"
    "new hampshire|new jersey|new mexico|new york|north carolina|north dakota|ohio|oklahoma|oregon|pennsylvania|"
    "rhode island|"
    "south carolina|south dakota|tennessee|texas|utah|vermont|virginia|washington|west virginia|wisconsin|wyoming"
)
_IN_A_STATE = rf"\b(?:{_STATES}|{_STATE_NAMES})[ ,.]{{1,3}}$"
_MBI_LETTER = "ac-hjkmnp-rt-y"
_MBI = (
    rf"[1-9](?<![a-z0-9].)[{_MBI_LETTER}][{_MBI_LETTER}0-9]\d-?[{_MBI_LETTER}][{_MBI_LETTER}0-9]\d-?[{_MBI_LETTER}]{{2}}\d{{2}}"
    r"(?![a-z0-9])"
)

_BY_ITS_END = r"\d{4}"
_VIN = 17
"""Signs of a vehicle identification number. Looking for its last digits skips most of a text at once."""


def luhn(digits: str) -> bool:
    """Whether the last digit is the check digit of the others (ISO/IEC 7812-1, annex B)."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        doubled = int(digit) * (1 + place % 2)
        total += doubled - 9 if doubled > 9 else doubled
    return total % 10 == 0


def vin(written: str) -> bool:
    """Whether the ninth sign is the check digit of a vehicle identification number (49 CFR 565.15 (c))."""
    values = dict(zip("abcdefghjklmnprstuvwxyz", (1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 7, 9, 2, 3, 4, 5, 6, 7, 8, 9)))
    weights = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
    signs = written.lower()
    if not signs[-4:].isdigit() or signs.isdigit():
        return False
    rest = sum(weight * (int(sign) if sign.isdigit() else values[sign]) for weight, sign in zip(weights, signs)) % 11
    return signs[8] == ("x" if rest == 10 else str(rest))


def dea(written: str) -> bool:
    """Whether the last digit is the check digit of a number of the Drug Enforcement Administration."""
    digits = [int(digit) for digit in written[-7:]]
    return (sum(digits[0:5:2]) + 2 * sum(digits[1:6:2])) % 10 == digits[6]


def _digits(written: str) -> str:
    return "".join(char for char in written if char.isdigit())


def _card(written: str) -> bool:
    digits = _digits(written)
    return 12 <= len(digits) <= 19 and len(set(digits)) > 1 and digits[0] != "0" and luhn(digits)


def _imei(written: str) -> bool:
    digits = _digits(written)
    return len(set(digits)) > 2 and luhn(digits[:15])


@dataclass(frozen=True, slots=True)
class Form:
    """How a kind of number is written.

    Attributes:
        entity_type: What it is.
        pattern: Finds it in a text in lower case; the group ``value`` if there is one, else the whole match.
        check: Whether what was found is one.
        needs: A word that must stand before it; empty where the form tells enough.
        behind: What must stand directly before it.
        capitals: Its letters must be capitals.
    """

    entity_type: str
    pattern: re.Pattern[str]
    check: Callable[[str], bool] = bool
    needs: Cues | None = None
    behind: re.Pattern[str] | None = None
    capitals: bool = True


def _form(
    entity_type: str,
    pattern: str,
    check: Callable[[str], bool] = bool,
    needs: str = "",
    *,
    behind: str = "",
    capitals: bool = True,
) -> Form:
    return Form(
        entity_type,
        re.compile(pattern),
        check,
        Cues(needs) if needs else None,
        re.compile(behind) if behind else None,
        capitals,
    )


_PAYMENT = (
    "card. cards. visa. mastercard master_card amex american_express maestro discover. diners jcb. unionpay union_pay "
    "credit debit payment charged kreditkarte karte. carte. tarjeta carta. cc. pan."
)
_PLATE = (
    r"(?<![\w\-])(?=[a-z \-]{0,5}\d|\d[a-z\d \-]{0,5}[a-z])(?P<value>(?:[a-z]{2,3}[ \-]\d{3,4}|\d{3}[ \-][a-z]{3}|"
    r"\d[a-z]{3}\d{3}|[a-z]{2}\d{2}[ ]?[a-z]{3}|[a-z]\d{2}[ \-][a-z]{3}|[a-z]{3}[ ]?\d[a-z]\d{2}|[a-z]{3}\d{4}|"
    r"[a-z]{1,3}[ \-][a-z]{1,2}[ ]\d{1,4}|[a-z]{2}-\d{3}-[a-z]{2}|\d{4}[ ]?[bcdfghjklmnprstvwxyz]{3}))(?![\w\-])"
)
"""How plates of the United States, Britain, Germany, France, Italy and Spain are written."""
_VEHICLE = (
    "plate. plates. vehicle car. truck van. suv. sedan motorcycle driver kennzeichen immatricul voiture coche vehículo "
    "matrícula"
)
_CARD = r"\d(?<![\w.\-/].)(?:\d{3}([ -])\d{4}\1\d{4}\1\d{1,4}(?:\1?\d{1,3})?|\d{3}([ -])\d{6}\2\d{5})(?![\w\-]|[.]\d)"
"""As embossed, whatever the issuer."""
_FORMS = (
    _form("VEHICLE_ID", rf"{_BY_ITS_END}(?!\w)(?<=(?<![a-z0-9])[a-hj-npr-z0-9]{{13}}\d{{4}})", vin),
    _form("HEALTH_PLAN_NUMBER", _MBI),
    _form("DEVICE_ID", r"\d(?<![\w.\-].)\d-\d{6}-\d{6}-\d(?![\w\-])", _imei),
    _form("DEVICE_ID", r"\d(?<![\w.\-].)(?:\d{14}|\d[ -]?\d{6}[ -]?\d{6}[ -]?\d(?:\d)?)(?![\w.\-])", _imei,
          "imei device phone handset mobile cell tablet gerät téléphone móvil"),
    _form("DEVICE_ID", r"(?<![\w.\-])89\d{16,18}(?!\w)", lambda w: luhn(w) or luhn(w[:-1]), "sim. iccid card device"),
    _form("DEVICE_ID", r"\(01\)[ ]?\d{14}(?:[ ]?\(\d{2,3}\)[ ]?[a-z0-9/.\-]{1,20}){0,6}", capitals=False),
    _form("LICENSE_NUMBER", r"(?<![a-z0-9])[abcdefghjklmnprstux][a-z9]\d{7}(?!\w)", dea,
          "dea. prescri controlled physician provider registration pharmac"),
    _form("LICENSE_NUMBER", r"[12](?<!\w.)\d{9}(?!\w)", lambda w: luhn("80840" + w),
            "npi. national_provider provider_id"),
    _form("CREDIT_CARD", _CARD, _card),
    _form("CREDIT_CARD", r"\d(?<![\w.\-/].)(?:[ -]?\d){11,18}(?![\w\-]|[.]\d)", _card, _PAYMENT),
    _form("LICENSE_PLATE", _PLATE, needs=_VEHICLE),
    _form("POSTCODE", r"\d{5}(?<![\w\-]\d{5})(?:-\d{4})?(?![\w\-])", behind=_IN_A_STATE),
    _form("POSTCODE",
            r"(?:straße|strasse|str\.|weg|platz|allee|gasse|\brue\b|avenue|boulevard|calle|avenida|plaza|\bvia\b|viale|piazza|corso)"
          r"[^\n\0]{0,40}[,\n][ ]*(?:[a-z]{1,2}-)?(?P<value>\d{5})(?=[ ][^\W\d_])", capitals=False),
    _form("POSTCODE",
            r"(?:straat|laan|weg|plein|gracht|kade|singel)[ ]\d{1,5}[^\n\0]{0,12}[,\n][ ]*"
          r"(?P<value>\d{4}[ ]?[a-z]{2})(?![a-z])"),
)  # fmt: skip
ENTITIES = (*dict.fromkeys(form.entity_type for form in _FORMS), "URL")
"""What is known by its form."""


_URL = re.compile(
    r"(?:(?:https?|ftps?|sftp)://|(?<![\w./@])www\d?\.(?=[\w\-]+\.))[^\s<>\"'`|\\^{}\[\]]+", re.IGNORECASE
)
_NOT_OF_URL = ".,;:!?*_)"


def find_urls(text: str) -> Iterator[Span]:
    """Web addresses that say so themselves, whatever their domain ends in; Presidio knows some endings only."""
    for match in _URL.finditer(text):
        found = match[0]
        end = len(found.rstrip(_NOT_OF_URL))
        opened = found.count("(", 0, end) > found.count(")", 0, end)
        if opened and found[end : end + 1] == ")":  # x_(y) is one address, (x) is one in brackets
            end += 1
        if any(char.isalnum() for char in found[found.find("//") + 2 : end]):
            yield Span(match.start(), match.start() + end, "URL", 0.7, "identifiers:form")


def find_formats(lines: NumberedLines, wanted: Collection[str]) -> Iterator[Span]:
    """Numbers of these types by their form alone, or with a word before them."""
    for form in _FORMS:
        if form.entity_type not in wanted or (form.needs is not None and not form.needs.may_be_in(lines)):
            continue
        for match in form.pattern.finditer(lines.text):
            first, last = _place(match)
            if not form.check(lines.text[first:last]) or not _stands_right(form, lines, match.start()):
                continue
            start, end = lines.source(first, last)
            written = lines.whole[start:end]
            if not form.capitals or written.upper() == written:
                kind, score = ("form", 0.7) if form.check is bool else ("checksum", 0.9)
                yield Span(start, end, form.entity_type, score, f"identifiers:{kind}")


def _place(match: re.Match[str]) -> tuple[int, int]:
    """Where the value is; a vehicle's is found by its last digits."""
    if "value" in match.re.groupindex:
        return match.span("value")
    return (match.end() - _VIN, match.end()) if match.re.pattern.startswith(_BY_ITS_END) else match.span()


def _stands_right(form: Form, lines: NumberedLines, position: int) -> bool:
    if form.needs is not None and not form.needs.precede(lines, position, _BEFORE):
        return False
    return form.behind is None or form.behind.search(lines.text, max(0, position - _BEFORE), position) is not None
