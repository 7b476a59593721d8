"""Made-up personal data that can be found again: one value a canary, none of which occurs anywhere else.

::

    canaries = make_canaries(10_000, seed=7)
    canaries[0].sentence          # "Please call Ms Anna Ortegalindqvist back about the delivery."
    canaries[0].needles           # ("Ortegalindqvist",)

Values are valid where a detector checks (Luhn, IBAN, Base58Check, numbering plans) and stand where a detector looks
(after a label or a form of address), so that a leak found later is a fault of the plumbing, not a missed detection.
:func:`make_people` makes names without any such cue, for the learned detector, which misses some. No family name is in
ragkit's pools, nor every second given name of those. Ages are left out: two digits cannot be told from any others.
Needs faker (``pip install faker``).
"""

from __future__ import annotations

import hashlib
import random
import unicodedata
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ragkit.errors import MissingDependency

if TYPE_CHECKING:
    from faker import Faker

MIN_NEEDLE = 8
"""Characters: a shorter string turns up by chance in a few hundred megabytes."""

_LOCALES = ("en_US", "de_DE", "fr_FR", "es_ES", "it_IT", "nl_NL", "tr_TR")
_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


@dataclass(frozen=True, slots=True)
class Canary:
    """One planted value.

    Attributes:
        value: As planted.
        needles: The parts that identify it, each at least :data:`MIN_NEEDLE` characters; finding one is a leak.
        sentence: A sentence or line that holds the value where a detector expects such a thing.
        cued: Whether a label or a form of address stands before it; else only a learned detector finds it.
    """

    entity_type: str
    value: str
    needles: tuple[str, ...]
    sentence: str
    cued: bool = True

    def __repr__(self) -> str:
        return f"Canary({self.entity_type})"


@dataclass(frozen=True, slots=True)
class _Chance:
    """Where the made-up values come from."""

    fake: Faker
    dice: random.Random


def make_canaries(
    count: int, *, seed: int = 0, entity_types: Sequence[str] = (), avoid: Sequence[Canary] = ()
) -> list[Canary]:
    """Make ``count`` canaries, all entity types in turn (or those named), the same for the same seed.

    Args:
        count: How many.
        seed: Of the dice.
        entity_types: Which; by default all.
        avoid: Canaries whose needles must not come again.

    Raises:
        MissingDependency: faker is not installed.
    """
    return _make(count, seed, [_MAKERS[name] for name in entity_types or _MAKERS], avoid)


def make_people(count: int, *, seed: int = 0, avoid: Sequence[Canary] = ()) -> list[Canary]:
    """Make ``count`` people in running prose, with nothing before the name that tells of one. As :func:`make_canaries`.

    Raises:
        MissingDependency: faker is not installed.
    """
    return _make(count, seed, [_known_in_prose, _unknown_in_prose], avoid)


def _make(
    count: int, seed: int, makers: Sequence[Callable[[_Chance], Canary]], avoid: Sequence[Canary]
) -> list[Canary]:
    try:
        from faker import Faker
    except ImportError as error:
        raise MissingDependency("canaries are made with faker", remedy="pip install faker") from error
    fake, dice = Faker(list(_LOCALES)), random.Random(seed)
    fake.seed_instance(seed)
    chance = _Chance(fake, dice)
    canaries: list[Canary] = []
    taken = {needle for canary in avoid for needle in canary.needles}
    while len(canaries) < count:
        canary = makers[len(canaries) % len(makers)](chance)
        if taken.isdisjoint(canary.needles):
            taken.update(canary.needles)
            canaries.append(canary)
    return canaries


def entity_types() -> tuple[str, ...]:
    """The entity types there are canaries of."""
    return tuple(_MAKERS)


def surname(fake: Faker) -> str:
    """A family name nobody has: two real ones run together, so that it is one word that no pool holds."""
    while True:
        first, second = ("".join(filter(str.isalpha, fake.last_name())) for _ in range(2))
        if len(first) >= 4 and len(second) >= 4:
            # The lower case of a Turkish "İ" is two characters, which only the composed form undoes.
            return unicodedata.normalize("NFC", f"{first}{second}".lower().capitalize())


def _person(chance: _Chance) -> Canary:
    name = surname(chance.fake)
    value = f"{chance.fake.first_name().split()[0].capitalize()} {name}"
    form = chance.dice.choice(("Ms", "Mr"))
    line = chance.dice.choice(("Please call {} back about the delivery.", "Dear {},", "The call was taken by {}."))
    return Canary("PERSON", value, (name,), line.format(f"{form} {value}"))


_PROSE = (
    "Yesterday {} collected the parcel at the counter.",
    "We heard that {} had moved to another town in spring.",
    "The lamp was ordered by {} a week ago.",
    "According to {}, the tent arrived without its poles.",
    "It was {} who found the missing invoice.",
    "After the call {} asked for a smaller backpack and a refund.",
)


def _in_prose(chance: _Chance, given: str) -> Canary:
    name = surname(chance.fake)
    value = f"{given} {name}"
    return Canary("PERSON", value, (name,), chance.dice.choice(_PROSE).format(value), cued=False)


def _known_in_prose(chance: _Chance) -> Canary:
    return _in_prose(chance, chance.fake.first_name().split()[0].capitalize())


def _unknown_in_prose(chance: _Chance) -> Canary:
    first, second = ("".join(filter(str.isalpha, chance.fake.first_name()))[:4] for _ in range(2))
    return _in_prose(chance, unicodedata.normalize("NFC", f"{first}{second}".lower().capitalize()))


def _email(chance: _Chance) -> Canary:
    name = _ascii(surname(chance.fake)).lower()
    host = chance.dice.choice(("gmail.com", "outlook.com", "web.de", "orange.fr"))
    value = f"{name}.{chance.dice.randint(10, 99)}@{host}"
    return Canary("EMAIL_ADDRESS", value, (name,), f"Write to {value} for the receipt.")


def _phone(chance: _Chance) -> Canary:
    import phonenumbers

    while True:
        area, line = chance.dice.choice((212, 415, 617, 312, 206, 303)), chance.dice.randint(2_000_000, 9_999_999)
        number = phonenumbers.parse(f"+1{area}{line}")
        if phonenumbers.is_valid_number(number):
            value = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL)
            return Canary("PHONE_NUMBER", value, (value[3:], f"{area}{line}"), f"Phone: {value}")


def _address(chance: _Chance) -> Canary:
    street = surname(chance.fake)
    value = f"{chance.dice.randint(2, 199)} {street} Street, Springfield, IL {chance.dice.randint(60001, 62999)}"
    return Canary("ADDRESS", value, (street,), f"Deliver to: {value}")


def _birth_date(chance: _Chance) -> Canary:
    value = f"{chance.dice.randint(1921, 1999)}-{chance.dice.randint(1, 12):02}-{chance.dice.randint(1, 28):02}"
    return Canary("DATE_OF_BIRTH", value, (value,), f"Date of birth: {value}")


def _card(chance: _Chance) -> Canary:
    body = "4" + "".join(str(chance.dice.randint(0, 9)) for _ in range(14))
    doubled = [int(digit) * (2 - place % 2) for place, digit in enumerate(body)]
    check = -sum(digit - 9 if digit > 9 else digit for digit in doubled) % 10
    digits = f"{body}{check}"
    value = " ".join(digits[at : at + 4] for at in range(0, 16, 4))
    return Canary("CREDIT_CARD", value, (value, digits), f"Paid by credit card {value}.")


def _iban(chance: _Chance) -> Canary:
    account = "".join(str(chance.dice.randint(0, 9)) for _ in range(18))
    value = f"DE{98 - int(f'{account}131400') % 97:02}{account}"  # ISO 13616: letters as numbers, D = 13, E = 14
    return Canary("IBAN_CODE", value, (value,), f"IBAN: {value}")


def _bitcoin(chance: _Chance) -> Canary:
    payload = b"\x00" + chance.dice.randbytes(20)
    check = hashlib.sha256(hashlib.sha256(payload).digest()).digest()[:4]
    number, digits = int.from_bytes(payload + check, "big"), ""
    while number:
        number, rest = divmod(number, 58)
        digits = _BASE58[rest] + digits
    return Canary("CRYPTO", f"1{digits}", (f"1{digits}",), f"Refund to the bitcoin wallet 1{digits}.")


def _ip(chance: _Chance) -> Canary:
    value = ".".join(str(chance.dice.randint(101, 199)) for _ in range(4))
    return Canary("IP_ADDRESS", value, (value,), f"The order came from IP address {value}.")


def _mac(chance: _Chance) -> Canary:
    value = ":".join(f"{byte:02x}" for byte in b"\x02" + chance.dice.randbytes(5))
    return Canary("MAC_ADDRESS", value, (value,), f"MAC address: {value}")


def _uuid(chance: _Chance) -> Canary:
    value = str(uuid.UUID(bytes=chance.dice.randbytes(16), version=4))
    return Canary("UUID", value, (value, value.replace("-", "")), f"Device id: {value}")


def _profile(chance: _Chance) -> Canary:
    name = _ascii(surname(chance.fake)).lower()
    value = f"https://www.linkedin.com/in/{name}"
    return Canary("PROFILE_URL", value, (name,), f"See {value} for the contact.")


def _ssn(chance: _Chance) -> Canary:
    value = f"{chance.dice.randint(101, 665)}-{chance.dice.randint(11, 99)}-{chance.dice.randint(1001, 9998)}"
    return Canary("US_SSN", value, (value, value.replace("-", "")), f"Social security number (SSN): {value}")


def _vin(chance: _Chance) -> Canary:
    letters = "ABCDEFGHJKLMNPRSTUVWXYZ0123456789"
    body = [*(chance.dice.choice(letters) for _ in range(13)), *str(chance.dice.randint(1000, 9999))]  # ISO 3779
    # 49 CFR 565.15: weights by place, values by letter, the ninth place is the sum modulo 11
    values = dict(zip("ABCDEFGHJKLMNPRSTUVWXYZ", [*range(1, 9), *range(1, 6), 7, 9, *range(2, 10)]))
    weights = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
    rest = sum(weight * (values.get(one) or int(one)) for weight, one in zip(weights, body)) % 11
    body[8] = "X" if rest == 10 else str(rest)
    value = "".join(body)
    return Canary("VEHICLE_ID", value, (value,), f"Vehicle identification number (VIN): {value}")


def _imei(chance: _Chance) -> Canary:
    body = "35" + "".join(str(chance.dice.randint(0, 9)) for _ in range(12))
    doubled = [int(digit) * (1 + place % 2) for place, digit in enumerate(body)]
    value = f"{body}{-sum(digit - 9 if digit > 9 else digit for digit in doubled) % 10}"
    return Canary("DEVICE_ID", value, (value,), f"IMEI: {value}")


def _numbered(entity_type: str, label: str, prefix: str) -> Callable[[_Chance], Canary]:
    def make(chance: _Chance) -> Canary:
        digits = str(chance.dice.randint(10**10, 10**11 - 1))
        return Canary(entity_type, f"{prefix}{digits}", (digits,), f"{label}: {prefix}{digits}")

    return make


def _ascii(name: str) -> str:
    spelled = name.replace("ı", "i").replace("ß", "ss").replace("ø", "o")
    return unicodedata.normalize("NFKD", spelled).encode("ascii", "ignore").decode()


_MAKERS: dict[str, Callable[[_Chance], Canary]] = {
    "PERSON": _person,
    "EMAIL_ADDRESS": _email,
    "PHONE_NUMBER": _phone,
    "ADDRESS": _address,
    "DATE_OF_BIRTH": _birth_date,
    "CREDIT_CARD": _card,
    "IBAN_CODE": _iban,
    "CRYPTO": _bitcoin,
    "IP_ADDRESS": _ip,
    "MAC_ADDRESS": _mac,
    "UUID": _uuid,
    "PROFILE_URL": _profile,
    "US_SSN": _ssn,
    "CUSTOMER_NUMBER": _numbered("CUSTOMER_NUMBER", "Customer number", "C-"),
    "ACCOUNT_NUMBER": _numbered("ACCOUNT_NUMBER", "Account number", ""),
    "ORDER_NUMBER": _numbered("ORDER_NUMBER", "Order number", "A-"),
    "TICKET_NUMBER": _numbered("TICKET_NUMBER", "Ticket number", "T-"),
    "CASE_NUMBER": _numbered("CASE_NUMBER", "Case number", "F-"),
    "MEDICAL_RECORD_NUMBER": _numbered("MEDICAL_RECORD_NUMBER", "Medical record number", "MRN-"),
    "HEALTH_PLAN_NUMBER": _numbered("HEALTH_PLAN_NUMBER", "Health plan member ID", ""),
    "LICENSE_NUMBER": _numbered("LICENSE_NUMBER", "Driver licence number", ""),
    "VEHICLE_ID": _vin,
    "DEVICE_ID": _imei,
}
