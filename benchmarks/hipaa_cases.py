"""Made-up cases for HIPAA's identifiers, drawn from templates by a seeded script.

The templates (``hipaa_templates/dev.txt`` and ``test.txt``) were written from the wording of clinical and insurance
papers before the rules were. Rules may be tuned on the first file only. Every value is invented: names, streets and
towns by Faker's US provider, numbers by chance with the check digit that their kind has.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from faker import Faker

TEMPLATES = Path(__file__).resolve().parent / "hipaa_templates"
IDENTIFIERS = {
    "A": "names",
    "B": "places below a state",
    "C": "dates, ages over 89",
    "D": "telephone",
    "E": "fax",
    "F": "e-mail",
    "G": "social security",
    "H": "medical record",
    "I": "health plan",
    "J": "account",
    "K": "certificate, licence",
    "L": "vehicle, plate",
    "M": "device",
    "N": "web address",
    "O": "IP address",
    "P": "biometric",
    "R": "other code",
}
"""45 CFR 164.514(b)(2)(i). Q, full-face photographs, is left out: text holds none, and parsers drop images."""

_SLOT = re.compile(r"\{([^{}]+)\}")
_GOLD = re.compile(r"\[\[|\]\]")


@dataclass(frozen=True, slots=True)
class Case:
    """A text with the ranges that must be masked (``positive``) or must stay in clear, and its line."""

    identifier: str
    positive: bool
    template: int
    text: str
    gold: tuple[tuple[int, int], ...]


def cases(half: str, each: int = 60, seed: int = 20_003) -> list[Case]:
    """Positives and near-misses of every identifier, the same for the same seed.

    Args:
        half: ``dev`` or ``test``.
        each: At least so many.
        seed: Of names and numbers.
    """
    values = Values(seed)
    drawn: list[Case] = []
    for (identifier, positive), lines in _sections(TEMPLATES / f"{half}.txt").items():
        for number in range(-(-each // len(lines)) * len(lines)):
            text, gold = _marked(values.fill(lines[number % len(lines)]))
            drawn.append(Case(identifier, positive, number % len(lines), text, gold))
    return drawn


def _sections(path: Path) -> dict[tuple[str, bool], list[str]]:
    sections: dict[tuple[str, bool], list[str]] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("== "):
            _, identifier, sign = line.split()
            lines = sections.setdefault((identifier, sign == "+"), [])
        elif line and not line.startswith("#"):
            lines.append(line.replace("\\n", "\n").replace("\\t", "\t"))
    return sections


def _marked(text: str) -> tuple[str, tuple[tuple[int, int], ...]]:
    plain, ends, position = "", [], 0
    for mark in _GOLD.finditer(text):
        plain += text[position : mark.start()]
        ends.append(len(plain))
        position = mark.end()
    return plain + text[position:], tuple(zip(ends[::2], ends[1::2]))


class Values:
    """Invented values by kind, in seeded order."""

    def __init__(self, seed: int) -> None:
        self._dice = random.Random(seed)
        self._fake = Faker("en_US")
        self._fake.seed_instance(seed)
        self._kinds = dict(self._makers())

    def fill(self, template: str) -> str:
        """Put a value into every slot."""
        return _SLOT.sub(
            lambda slot: self._kinds[slot[1]]() if slot[1] in self._kinds else self._drawn(slot[1]), template
        )

    def _drawn(self, pattern: str) -> str:
        """``#`` digit (none begins with 0), ``@`` capital letter, ``%`` hexadecimal digit, ``?`` either."""
        pools = {
            "#": "0123456789",
            "@": "ABCDEFGHJKLMNPRSTUVWXYZ",
            "%": "0123456789abcdef",
            "?": "ABCDEFHKLMNPRT23456789",
        }
        drawn = "".join(self._dice.choice(pools.get(char, char)) for char in pattern)
        if pattern[0] == "#" and drawn[0] == "0":
            drawn = str(self._dice.randint(1, 9)) + drawn[1:]
        if "%%%%" in pattern and not any(char.isdigit() for char in drawn):
            drawn = drawn[:-1] + "7"
        return drawn

    def _makers(self) -> Iterator[tuple[str, Callable[[], str]]]:
        fake, draw, dice = self._fake, self._drawn, self._dice
        yield "first", fake.first_name
        yield "last", fake.last_name
        yield "name", lambda: f"{fake.first_name()} {fake.last_name()}"
        yield "street", fake.street_address
        yield "city", fake.city
        yield "county", fake.last_name
        yield "zip", fake.zipcode
        yield "zip4", lambda: f"{fake.zipcode()}-{draw('####')}"
        yield "old", lambda: str(dice.randint(90, 104))
        for kind, form in (
            ("date_us", "%m/%d/%Y"), ("date_iso", "%Y-%m-%d"), ("date_long", "%B %d, %Y"), ("date_day", "%B %d"),
            ("date_short", "%m/%d/%y"), ("date_words", "%d day of %B, %Y"),
        ):  # fmt: skip
            yield kind, lambda form=form: self._day().strftime(form)
        yield "phone", lambda: dice.choice(("({0}) 555-{1}", "{0}-555-{1}", "{0} 555 {1}")).format(*self._line())
        yield "phone_dots", lambda: "{}.555.{}".format(*self._line())
        yield "phone_plain", lambda: "{}555{}".format(*self._line())
        yield (
            "phone_plus",
            lambda: dice.choice(("+1 {0} 555 {1}", "+1-{0}-555-{1}", "+1 ({0}) 555-{1}")).format(*self._line()),
        )
        yield "phone_800", lambda: f"1-800-555-{draw('01##')}"
        yield "email", lambda: fake.user_name() + "@" + fake.free_email_domain().replace("gmail", "mail")
        yield "ssn", lambda: "-".join(self._ssn())
        yield "ssn_spaces", lambda: " ".join(self._ssn())
        yield "ssn_plain", lambda: "".join(self._ssn())
        yield "mbi", self._mbi
        yield "mbi_dashes", lambda: re.sub(r"(.{4})(.{3})(.{4})", r"\1-\2-\3", self._mbi())
        yield "kvnr", self._kvnr
        yield "npi", self._npi
        yield "dea", self._dea
        yield "vin", self._vin
        yield "imei", lambda: self._luhn("35" + draw("############"))
        yield "card", self._card
        yield "iban", lambda: fake.iban()
        yield "routing", lambda: fake.aba()
        yield "plate", lambda: draw(dice.choice(("@@@-####", "@@@ ####", "#@@@###", "@@# @#@", "@##-@@@", "###-@@@")))
        yield "plate_de", lambda: draw("@-@@ ####")
        yield "plate_uk", lambda: draw("@@## @@@")
        yield "mac", lambda: fake.mac_address()
        yield "ipv4", lambda: fake.ipv4_public()
        yield "ipv6", lambda: fake.ipv6()
        yield "url", self._url
        yield "url_www", lambda: f"www.{fake.last_name().lower()}{draw('##')}.com/{fake.word()}"
        yield "profile", lambda: f"https://www.linkedin.com/in/{fake.user_name()}"

    def _url(self) -> str:
        fake = self._fake
        return f"https://{fake.word()}.{fake.domain_name()}/{fake.user_name()}/{self._drawn('####')}"

    def _day(self) -> date:
        return date(1930, 1, 1) + timedelta(days=self._dice.randrange(34_000))

    def _line(self) -> tuple[str, str]:
        return self._dice.choice(("212", "305", "415", "512", "617", "702", "816", "919")), self._drawn("01##")

    def _ssn(self) -> tuple[str, str, str]:
        dice = self._dice
        return f"{dice.randint(101, 665):03}", f"{dice.randint(1, 99):02}", f"{dice.randint(1001, 9999)}"

    def _mbi(self) -> str:
        letters, digits = "ACDEFGHJKMNPQRTUVWXY", "0123456789"
        shape = [
            "123456789",
            letters,
            letters + digits,
            digits,
            letters,
            letters + digits,
            digits,
            letters,
            letters,
            digits,
            digits,
        ]
        return "".join(self._dice.choice(pool) for pool in shape)

    def _kvnr(self) -> str:
        letter, digits = self._dice.choice("ABCDEFGHKLMNPRST"), self._drawn("########")
        total = 0
        for number, digit in enumerate(f"{ord(letter) - 64:02}{digits}"):
            product = int(digit) * (1 + number % 2)
            total += product // 10 + product % 10
        return f"{letter}{digits}{total % 10}"

    def _luhn(self, digits: str, prefix: str = "") -> str:
        total = 0
        for place, digit in enumerate(reversed(prefix + digits)):
            doubled = int(digit) * (2 if place % 2 == 0 else 1)
            total += doubled // 10 + doubled % 10
        return f"{digits}{-total % 10}"

    def _npi(self) -> str:
        return self._luhn(self._dice.choice("12") + self._drawn("########"), prefix="80840")

    def _dea(self) -> str:
        letters, digits = self._dice.choice("ABFGM") + self._drawn("@"), self._drawn("######")
        odd, even = sum(int(d) for d in digits[::2]), sum(int(d) for d in digits[1::2])
        return f"{letters}{digits}{(odd + 2 * even) % 10}"

    def _card(self) -> str:
        plain = self._luhn("4" + self._drawn("##############"))
        return self._dice.choice((plain, " ".join(re.findall("....", plain)), "-".join(re.findall("....", plain))))

    def _vin(self) -> str:
        letters = "ABCDEFGHJKLMNPRSTUVWXYZ"
        value = dict(zip(letters, (1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 7, 9, 2, 3, 4, 5, 6, 7, 8, 9)))
        weights = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
        vin = [self._dice.choice(letters + "0123456789") for _ in range(11)] + list(self._drawn("######"))
        vin[0] = self._dice.choice("12345JKWZ")
        rest = sum(weight * (int(c) if c.isdigit() else value[c]) for weight, c in zip(weights, vin)) % 11
        vin[8] = "X" if rest == 10 else str(rest)
        return "".join(vin)
