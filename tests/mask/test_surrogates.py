"""Surrogates: realistic, of the same shape, never a valid number."""

from __future__ import annotations

import re
from datetime import datetime

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ragkit.mask.normalise import normalise
from ragkit.mask.surrogate_names import syllables
from ragkit.mask.surrogate_phones import may_ring
from ragkit.mask.surrogate_words import PEOPLES, TITLES
from ragkit.mask.surrogates import _luhn, _mod97, draw, join, propose, split
from ragkit.wordlists import everyday, folded

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


def test_a_raised_digit_is_no_digit_of_a_number():
    """A footnote mark glued to a card number is drawn with it, and is no error."""
    assert draw("CREDIT_CARD", "²4111 1111 1111 1111", "x", 0, KEY)[1:] != "4111 1111 1111 1111"


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


@pytest.mark.parametrize(
    "value",
    [
        "https://www.linkedin.com/in/galip-yalman/", "https://galip-yalman.de/impressum", "www.galip-yalman.com",
        "https://example.org/users/galip/yalman/files/report.pdf", "https://galip.yalman:secret@x.de/",
        "mailto:galip@yalman.de?cc=yalman", "https://crm.example/?customer=galip+yalman#yalman", "//galip/yalman/",
        "https://yalman.example:8080/", "GALIP.YALMAN/x", "ftp://203.0.113.77/galip",
    ],
)  # fmt: skip
@pytest.mark.parametrize("entity_type", ["URL", "PROFILE_URL"])
def test_a_web_address_keeps_no_name_wherever_it_stands(vault, entity_type, value):
    """Before the host, in it, in any part of the path or query; it stays a web address, and comes back."""
    token, surrogate = vault.allocate(entity_type, value)
    assert not re.search("galip|yalman|203", surrogate, re.IGNORECASE)
    assert re.sub(r"[^/:?#@]", "", surrogate) == re.sub(r"[^/:?#@]", "", value)
    assert vault.reveal(token)[0] == value


@pytest.mark.parametrize(
    ("entity_type", "value", "stays"),
    [
        ("PERSON", "Glenn Close", set()),
        ("PERSON", "Ben Grove", set()),
        ("PERSON", "Press Lane", set()),
        ("PERSON", "Lord", set()),
        ("PERSON", "Judge Herr", {"Judge"}),
        ("PERSON", "Dr. med. Ana Street", {"Dr", "med"}),
        ("PERSON", "Peter van der Berg", {"van", "der"}),
        ("PERSON", "von Bay", {"von"}),
        ("PERSON", "VAN MORRISON", set()),
        ("EMAIL_ADDRESS", "diane.lane@acme.org", set()),
        ("EMAIL_ADDRESS", "sales.close@acme.org", set()),
        ("EMAIL_ADDRESS", "info@acme.org", {"info"}),
        ("EMAIL_ADDRESS", "no-reply@acme.org", {"no", "reply"}),
        ("LOCATION", "Grove", set()),
        ("ORGANIZATION", "Court & Close Ltd", set()),
        ("ORGANIZATION", "Acme Ltd", {"Ltd"}),
        ("ADDRESS", "5 Elm Grove", {"Grove"}),
    ],
)
def test_a_word_stays_only_where_it_is_nobodys_name(vault, entity_type, value, stays):
    """Surnames that are also streets, offices and titles are replaced like any other."""
    surrogate = vault.allocate(entity_type, value)[1]
    words = set(re.findall(r"[A-Za-z]{2,}", value.partition("@")[0]))
    assert {word for word in words if re.search(rf"\b{word}\b", surrogate)} == stays


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
    """Thousands of different surrogates, and tens of thousands more of the syllables of names."""
    assert len({propose("name", f"person{n}", 0, KEY) for n in range(5_000)}) > 3_000
    assert len({propose("name", f"person{n}", 30, KEY) for n in range(5_000)}) > 4_900
    assert propose("domain", "acme.de", 0, KEY).endswith(".example")
    assert propose("domain", "acme.de", 30, KEY).endswith(".example")


@pytest.mark.parametrize("kind", ["name", "place"])
def test_made_names_can_be_said_and_are_nobodys(kind):
    """Letters only, of a name's length, with vowels all along; no name, place or everyday word that is known."""
    made = [propose(kind, f"word{n}", 6, KEY) for n in range(400)]
    assert all(re.fullmatch(r"[A-Z][a-z]{4,10}", word) for word in made)
    assert not any(re.search(r"[^aeiouy]{4}|[aeiouy]{3}", word.lower()) for word in made)
    known = folded("given") | folded("family") | folded("places") | everyday()
    assert not known & {word.lower() for word in made}
    assert made == [propose(kind, f"word{n}", 6, KEY) for n in range(400)]


def test_syllables_join_to_the_word():
    """Nothing of a name is lost in its syllables."""
    assert syllables("okafor") == ("o", "ka", "for")
    assert syllables("lindqvist") == ("lin", "dqvist")
    assert syllables("brrr") == ()
    assert all("".join(syllables(word)) == word for word in ("yalman", "ostrowsky", "thorvald", "kovac"))


@pytest.mark.parametrize(
    ("value", "shape"),
    [
        ("+1 212-867-5309", r"\+1 [2-9][0-8]\d-555-01\d\d"),
        ("(212) 867-5309", r"\([2-9][0-8]\d\) 555-01\d\d"),
        ("1-800-867-5309", r"1-[2-9][0-8]\d-555-01\d\d"),
        ("+44 (0)20 7123 4567", r"\+44 \(0\)\d\d \d{4} [09]\d{3}"),
        ("020 7123 4567", r"0\d\d \d{4} [09]\d{3}"),
        ("+49 (30) 901820-11", r"\+49 \((?:30|40|69|22|89)\) \d{6}-\d\d"),
        ("030/9018201", r"0(?:(?:30/23125|40/66969|69/90009|89/99998)\d{3}|22/14710\d{3})"),
        ("01 23 45 67 89", r"0(?:1 99 00|2 61 91|3 53 01|4 65 71|5 36 49|6 39 98) \d\d \d\d"),
        ("0033 1 23 45 67 89", r"0033 (?:1 99 00|2 61 91|3 53 01|4 65 71|5 36 49|6 39 98) \d\d \d\d"),
        ("+61 2 9999 8888", r"\+61 [2378] (?:5550|7010) \d{4}"),
        ("+46 8 123 456 78", r"\+46 \d \d{3} \d{3} \d\d"),
        ("+34 912 345 678", r"\+34 \d{3} \d{3} \d{3}"),
    ],
)
def test_telephone_numbers_keep_country_and_form_and_ring_nowhere(value, shape):
    """Where a regulator keeps numbers for fiction, they are taken, also when the range is crowded."""
    for attempt in range(12):
        drawn = draw("PHONE_NUMBER", value, normalise("PHONE_NUMBER", value), attempt, KEY)
        assert re.fullmatch(shape if attempt < 8 else shape + r"\d", drawn), drawn


@pytest.mark.parametrize("value", ["+34 912 345 678", "+39 06 6982 1234", "+31 20 123 4567", "+41 44 668 18 00"])
def test_elsewhere_no_number_is_one_of_the_plan(value):
    """Where no range is kept for fiction, the country's plan has no such number."""
    for n in range(60):
        drawn = draw("PHONE_NUMBER", value, str(n), 0, KEY)
        assert drawn[:3] == value[:3]
        assert not may_ring(drawn)
    assert may_ring(value)


def test_british_numbers_are_those_of_ofcom():
    """Every one begins with a range of the list."""
    cities = {f"{city}496" for city in (113, 114, 115, 116, 117, 118, 121, 131, 141, 151, 161)}
    ranges = cities | {"207946", "191498", "289649", "292018", "163296", "770090", "306999"}
    for n in range(200):
        digits = re.sub(r"\D", "", draw("PHONE_NUMBER", "+44 20 7123 4567", str(n), 0, KEY))
        assert digits[2:8] in ranges, digits


def test_occupations_and_peoples_are_words():
    """A title is another occupation, a people another people, in the case of the original; then two together."""
    for value, case in (("Senior Engineer", str.istitle), ("nurse", str.islower), ("CEO", str.isupper)):
        drawn = draw("TITLE", value, value.lower(), 0, KEY)
        assert drawn.lower() in TITLES
        assert case(drawn)
    assert draw("NRP", "deutsche", "deutsche", 0, KEY).title() in PEOPLES
    assert draw("NRP", "German", "german", 8, KEY).count("-") == 1


@settings(deadline=None)
@given(st.dates(), st.sampled_from(["%Y-%m-%d", "%d.%m.%Y", "%Y%m%d", "%d %B %Y", "%B %d, %Y"]))
def test_drawn_dates_are_days_of_the_calendar(day, form):
    """Whatever the form."""
    assume(day.year > 1000)
    text = day.strftime(form)
    datetime.strptime(draw("DATE_TIME", text, text.lower(), 0, KEY), form)


def test_a_shared_surrogate_is_never_the_value(vault):
    """Types with few values share surrogates, but none is its own: all years, ages and days of a month."""
    items = [("DATE_TIME", str(year)) for year in range(1950, 2005)] + [("AGE", str(age)) for age in range(18, 98)]
    items += [("DATE_TIME", f"{day}/{month}/1999") for day in range(1, 13) for month in range(1, 13)]
    for (_, value), (_, surrogate) in vault.allocate_many(items).items():
        assert surrogate != value
