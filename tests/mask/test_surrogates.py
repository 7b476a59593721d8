"""Surrogates: realistic, of the same shape, never a valid number."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragkit.mask.surrogates import _luhn, _mod97, draw, join, propose, split

KEY = b"s" * 32


@given(st.integers(0, 10**15 - 1), st.integers(0, 5))
def test_cards_keep_their_shape_and_never_pass_luhn(number, attempt):
    """Sixteen digits in four groups that no payment system accepts."""
    card = f"4{number:015}"
    card = " ".join(card[at : at + 4] for at in range(0, 16, 4))
    drawn = draw("CREDIT_CARD", card, card, attempt, KEY)
    assert re.fullmatch(r"4\d{3} \d{4} \d{4} \d{4}", drawn)
    assert not _luhn([int(char) for char in drawn if char.isdigit()])


@given(st.integers(0, 10**20 - 1))
def test_ibans_keep_their_country_and_never_pass_mod_97(number):
    """Country kept, checksum broken."""
    iban = f"DE{number:020}"
    drawn = draw("IBAN_CODE", iban, iban, 0, KEY)
    assert re.fullmatch(r"DE\d{20}", drawn)
    assert not _mod97(drawn)


def test_the_checks_know_valid_numbers():
    """The two checksums themselves, on published valid numbers."""
    assert _luhn([int(char) for char in "4111111111111111"])
    assert _mod97("DE89370400440532013000")


@pytest.mark.parametrize(
    ("entity_type", "value", "shape"),
    [
        ("PHONE_NUMBER", "+49 (30) 901820-11", r"\+49 \(\d\d\) \d{6}-\d\d"),
        ("UUID", "550e8400-e29b-41d4-a716-446655440000", r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"),
        ("IP_ADDRESS", "192.0.2.7/24", r"198\.1[89]\.\d{1,3}\.\d{1,3}/24"),
        ("MAC_ADDRESS", "00:1B:44:11:3A:B7", r"(?:[0-9A-F]{2}:){5}[0-9A-F]{2}"),
        ("CUSTOMER_NUMBER", "KD-4711/x", r"[A-Z]{2}-\d{4}/[a-z]"),
        ("DATE_OF_BIRTH", "12. März 1985", r"\d\d\. \w+ (?:19|20)\d\d"),
        ("DATE_OF_BIRTH", "1985-03-12", r"(?:19|20)\d\d-(?:0\d|1[0-2])-(?:0\d|1[0-2])"),
        ("AGE", "34", r"\d\d"),
    ],
)
def test_formats_are_preserved(entity_type, value, shape):
    """Digits for digits, letters for letters, dates for dates; another value, the same every time."""
    drawn = draw(entity_type, value, value.lower(), 0, KEY)
    assert re.fullmatch(shape, drawn)
    assert drawn != value
    assert drawn == draw(entity_type, value, value.lower(), 0, KEY)


@given(st.sampled_from(["PERSON", "EMAIL_ADDRESS", "ADDRESS", "ORGANIZATION", "URL"]), st.text(max_size=40))
def test_parts_join_to_the_value(entity_type, value):
    """Splitting loses nothing."""
    assert "".join(part.text for part in split(entity_type, value)) == value


def test_street_words_stay_and_names_go():
    """An address stays an address of the same kind."""
    parts = split("ADDRESS", "Lindenstraße 5, 10115 Berlin")
    assert [(part.kind, part.text) for part in parts if part.kind != "keep"] == [
        ("place", "Linden"), ("draw", "5"), ("draw", "10115"), ("place", "Berlin"),
    ]  # fmt: skip


def test_case_follows_the_original():
    """Capitals for capitals."""
    parts = split("PERSON", "GALIP yalman")
    assert join(parts, {("name", "galip"): "Deniz", ("name", "yalman"): "Okafor"}, KEY) == "DENIZ okafor"


def test_proposals_spread_over_a_large_pool():
    """Thousands of different surrogates, then double-barrelled ones."""
    assert len({propose("name", f"person{n}", 0, KEY) for n in range(5_000)}) > 3_000
    assert "-" in propose("name", "person", 30, KEY)
    assert propose("domain", "acme.de", 0, KEY).endswith(".example")
