"""Which values identify a person, how well, and which belong to nobody in particular.

Used when a document is masked (:mod:`ragkit.mask.linking`) and when a person is looked for
(:mod:`ragkit.lifecycle.people`), so that both judge alike.
"""

# ruff: noqa: SIM905 (a list of words reads better as one text than as a list of texts)

from __future__ import annotations

import re

from ragkit.folding import fold

_UNIQUE = frozenset(
    "CUSTOMER_NUMBER EMPLOYEE_NUMBER MEDICAL_RECORD_NUMBER HEALTH_PLAN_NUMBER NATIONAL_ID US_SSN BIOMETRIC_ID".split()
)
"""A person has one in a numbering, and it is nobody else's."""
_OWN = frozenset(
    "EMAIL_ADDRESS IBAN_CODE CREDIT_CARD CRYPTO LICENSE_NUMBER PROFILE_URL ACCOUNT_NUMBER US_BANK_NUMBER".split()
)
"""A person may have several; hardly ever two people have one."""
_SHAREABLE = frozenset(
    "PHONE_NUMBER ADDRESS DATE_OF_BIRTH LICENSE_PLATE VEHICLE_ID IP_ADDRESS MAC_ADDRESS DEVICE_ID UUID ORDER_NUMBER "
    "TICKET_NUMBER CASE_NUMBER".split()
)
"""A household, a birthday or a conversation shares them."""
_NOT_PERSONAL = frozenset(
    "ORGANIZATION LOCATION MONEY DATE_TIME AGE QUANTITY URL TITLE NRP POSTCODE VAT_NUMBER UNIQUE_ID LITERAL".split()
)
_NATIONAL = re.compile(r"(?!IP_)[A-Z]{2}_[A-Z_]+")
_ROLES = frozenset(
    "info information sales support service services kundenservice kundendienst customerservice customercare care help "
    "helpdesk hotline office buero mail email e-mail post kontakt contact contacts contacto contatti hello hallo hi "
    "team admin administrator administration root webmaster postmaster hostmaster abuse noreply no-reply donotreply "
    "do-not-reply notifications notification alerts newsletter news marketing press presse media pr hr personal jobs "
    "career careers karriere bewerbung recruiting recruitment billing rechnung rechnungen invoice invoices accounts "
    "accounting buchhaltung finance payroll orders order bestellung shop store booking bookings reservations reception "
    "empfang zentrale legal recht privacy datenschutz dpo dsb gdpr compliance security it edv tech technik it-support "
    "servicedesk feedback complaints beschwerde claims schaden returns shipping logistics versand einkauf vertrieb "
    "verkauf purchasing procurement partner partners events welcome anfrage anfragen enquiries inquiries inquiry "
    "general staff all everyone company kundenbetreuung customer customers clients client members facturation "
    "comptabilite ventas compras soporte ayuda administracion rrhh atencion clientes assistenza vendite".split()
)
"""Local parts of mailboxes that a function reads and not a person."""
_ROLE_EDGES = re.compile(r"[._\-+]|\d+")


def identifies(entity_type: str) -> bool:
    """Whether values of a type belong to a person: names and what is one person's or one household's."""
    if entity_type in _NOT_PERSONAL:
        return False
    return entity_type == "PERSON" or is_strong(entity_type) or entity_type in _SHAREABLE


def is_strong(entity_type: str) -> bool:
    """Whether one value of a type is one person's, as a rule: it joins what holds it."""
    return entity_type in _OWN or is_unique(entity_type)


def is_unique(entity_type: str) -> bool:
    """Whether a person has only one value of a type in one numbering, so that two values are two people.

    A type of the company's own that ends in ``_NUMBER`` or ``_ID`` counts as one.
    """
    if entity_type in _NOT_PERSONAL or entity_type in _SHAREABLE or entity_type in _OWN:
        return False
    ends = entity_type.endswith(("_NUMBER", "_ID"))
    return entity_type in _UNIQUE or ends or _NATIONAL.fullmatch(entity_type) is not None


def is_role_mailbox(address: str) -> bool:
    """Whether an e-mail address is a function's: ``info@``, ``sales.emea@``, ``no-reply@``."""
    local = fold(address.partition("@")[0])
    if local in _ROLES:
        return True
    pieces = [piece for piece in _ROLE_EDGES.split(local) if piece]
    return bool(pieces) and (pieces[0] in _ROLES or "".join(pieces) in _ROLES) and not _may_be_name(pieces)


def _may_be_name(pieces: list[str]) -> bool:
    """``post.malone`` rather than ``sales.emea``: an everyday word before something long that is no function."""
    return len(pieces) == 2 and pieces[0] in {"post", "page", "all", "it", "hi", "pr"} and len(pieces[1]) > 3


def differ(entity_type: str, one: str, other: str) -> bool:
    """Whether two values of a type are certainly two people's, each in its normal form.

    Numbers of one numbering, birth dates on two days, addresses with other numbers in them, two addresses in one
    domain. Two ways of writing one date, and an address and a part of it, do not differ.
    """
    if one == other:
        return False
    if entity_type == "DATE_OF_BIRTH":
        return _dates_differ(one, other)
    if entity_type == "ADDRESS":
        mine, theirs = _numbers(one), _numbers(other)
        return bool(mine and theirs) and mine.isdisjoint(theirs)
    if entity_type == "EMAIL_ADDRESS":
        return one.rpartition("@")[2] == other.rpartition("@")[2]
    return is_unique(entity_type) and _numbering(entity_type, one) == _numbering(entity_type, other)


def agree(entity_type: str, one: str, other: str) -> bool:
    """Whether two values of a type are the same although they are written another way."""
    if one == other:
        return True
    if entity_type == "DATE_OF_BIRTH":
        return bool(_YEAR.search(one) and _YEAR.search(other)) and not _dates_differ(one, other)
    if entity_type == "ADDRESS":
        mine, theirs = set(_WORDS.findall(one)), set(_WORDS.findall(other))
        less = min(mine, theirs, key=len)
        return bool(_numbers(one) and _numbers(other)) and len(less) > 1 and less <= (mine | theirs) - (mine ^ theirs)
    return False


_YEAR = re.compile(r"(?<!\d)(?:18|19|20)\d\d(?!\d)")
_DIGITS = re.compile(r"\d+")
_WORDS = re.compile(r"[^\W_]+")


def _dates_differ(one: str, other: str) -> bool:
    years = _YEAR.search(one), _YEAR.search(other)
    if not years[0] or not years[1]:
        return False
    if years[0][0] != years[1][0]:
        return True
    mine, theirs = ([int(n) for n in _DIGITS.findall(_YEAR.sub("", value, count=1))] for value in (one, other))
    if len(mine) == len(theirs) == 2:
        return sorted(mine) != sorted(theirs)  # day and month, in whichever order
    if {len(mine), len(theirs)} == {1, 2}:
        day, both = sorted((mine, theirs), key=len)
        return day[0] not in both
    return len(mine) == len(theirs) == 1 and mine != theirs


def _numbers(value: str) -> set[str]:
    return set(_DIGITS.findall(value))


def _numbering(entity_type: str, value: str) -> str:
    """Customer numbers ``K-1001`` and ``E-1001`` are of two numberings; identity numbers of a country are of one."""
    if entity_type == "US_SSN" or _NATIONAL.fullmatch(entity_type):
        return ""
    return _DIGITS.sub(lambda digits: "9" * len(digits[0]), "".join(char for char in fold(value) if char.isalnum()))
