"""National and VAT numbers: valid ones in the forms they are written in, and the near misses beside them."""

from __future__ import annotations

import random

import pytest

from ragkit.errors import ConfigError
from ragkit.mask.checksums import NATIONAL
from ragkit.mask.identifiers import IdentifierDetector
from ragkit.mask.recognizers import rows

NUMBERS = [
    ("fr", "FR_NIR", "2 95 10 99 126 111 93", ""),
    ("nl", "NL_BSN", "1112.22.333", ""),
    ("nl", "NL_BSN", "111222333", "BSN: "),
    ("at", "AT_SVNR", "1237 010180", ""),
    ("be", "BE_NN", "85.07.30-033.28", ""),
    ("ch", "CH_AHV", "756.9217.0769.85", ""),
    ("pt", "PT_NIF", "501964843", "NIF "),
    ("ie", "IE_PPS", "6433435F", "PPS number "),
    ("dk", "DK_CPR", "211062-5629", "CPR-nr. "),
    ("no", "NO_FNR", "151086 95088", ""),
    ("gr", "GR_AMKA", "01013099997", "AMKA "),
    ("br", "BR_CPF", "390.533.447-05", ""),
    ("mx", "MX_CURP", "BOXW310820HNERXN09", ""),
    ("jp", "JP_MY_NUMBER", "6214 9832 0257", "My Number: "),
    ("cz", "CZ_RC", "710319/2745", ""),
    ("cl", "CL_RUT", "12.531.909-2", ""),
    ("cn", "CN_RIC", "360426199101010071", ""),
]
VAT = [
    "NL004495445B01",
    "DE136695976",
    "DE 136 695 976",
    "ATU13585627",
    "GB 980 7806 84",
    "CHE-100.155.212",
    "FR40303265045",
]


def found(text: str, *countries: str) -> list[tuple[str, str]]:
    """Types and values in a text."""
    [spans] = IdentifierDetector(countries=countries).detect([text])
    return [(span.entity_type, text[span.start : span.end]) for span in spans]


@pytest.mark.parametrize(("country", "entity_type", "number", "name"), NUMBERS)
def test_valid_numbers_are_found(country, entity_type, number, name):
    """A number counts as it is written on paper, or behind its name; with its check digit broken it does not."""
    assert (entity_type, number) in found(f"Angaben: {name}{number}, danke", country)
    if entity_type == "DK_CPR":  # has had no check digit since 2007, so its name is all there is
        assert found(f"Angaben: {number}, danke", country) == []
        return
    last = number[-1]
    broken = number[:-1] + (str((int(last) + 1) % 10) if last.isdigit() else "A" if last != "A" else "B")
    assert entity_type not in {one for one, _ in found(f"Angaben: {name}{broken}, danke", country)}


@pytest.mark.parametrize("number", VAT)
def test_vat_numbers_stand_alone(number):
    """A country's letters and a check digit tell enough."""
    assert ("VAT_NUMBER", number) in found(f"sold to {number} in May")


def test_national_numbers_come_by_country():
    """Without its country in the settings a national number is not looked for."""
    assert not found("AHV 756.9217.0769.85", "us")
    assert "CH_AHV" not in IdentifierDetector(countries=("us",)).entities


def test_a_weak_check_digit_needs_a_word_or_its_groups():
    """Of numbers drawn at random, one in ten passes a single check digit: none counts by itself."""
    draw = random.Random(5)
    text = "\n".join(f"value {draw.randrange(10**8, 10**11)} of it" for _ in range(1500))
    assert found(text, *(country for country in NATIONAL)) == []


def test_every_country_can_be_asked_for():
    """The recognizers take a country that only the library of check digits knows, and say which there are."""
    list(rows(None, tuple(NATIONAL)))
    with pytest.raises(ConfigError) as caught:
        list(rows(None, ("zz",)))
    assert "ch" in caught.value.remedy
    assert "sg" in caught.value.remedy
