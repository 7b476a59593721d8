"""Coarser values: what stays of a date, an age, a postcode, a place; and that nothing is shown that was not read."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ragkit.mask.build import build_masker
from ragkit.mask.coarse import RESTRICTED_ZIP3
from ragkit.mask.operators import generalised, irreversible, redacted
from ragkit.mask.views import Replacement
from ragkit.policy import COARSER, EntityRule, Policy
from ragkit.testing.fakes import MemoryVaultTable

THIS_YEAR = datetime.now(UTC).year


def shown(entity_type: str, value: str, to: str | None = None) -> str:
    """What stands in the record view."""
    return generalised(entity_type, value, to).record


@pytest.mark.parametrize(
    ("value", "left"),
    [
        ("3 May 1998", "[DATE_TIME~1998]"),
        ("2024-03-05T10:00:00Z", "[DATE_TIME~2024]"),
        ("20240305", "[DATE_TIME~2024]"),
        ("between 3 May 1998 and 4 June 2001", "[DATE_TIME~1998-2001]"),
        ("03/04/85", "[DATE_TIME]"),
        ("last Tuesday", "[DATE_TIME]"),
        ("1200198", "[DATE_TIME]"),
    ],
)
def test_dates_keep_their_year(value: str, left: str) -> None:
    """A year of four digits, or the type alone."""
    assert shown("DATE_TIME", value) == left


@pytest.mark.parametrize(
    ("age", "left"),
    [(20, "[DATE_OF_BIRTH~{year}]"), (89, "[DATE_OF_BIRTH~{year}]"), (90, "[DATE_OF_BIRTH~90 or over]")],
)
def test_a_birth_year_tells_of_nobody_over_89(age: int, left: str) -> None:
    """Who may be 90 this year has no year of birth."""
    year = THIS_YEAR - age
    assert shown("DATE_OF_BIRTH", f"12 March {year}", "year_under_90") == left.format(year=year)
    assert shown("DATE_OF_BIRTH", f"12 March {year}") == f"[DATE_OF_BIRTH~{year}]"


@pytest.mark.parametrize(
    ("value", "left"),
    [
        ("47", "47"),
        ("89 years old", "89 years old"),
        ("forty-seven", "forty-seven"),
        ("95 months", "95 months"),
        ("90", "[AGE~90 or over]"),
        ("aged 103", "[AGE~90 or over]"),
        ("ninety-two", "[AGE~90 or over]"),
        ("in her nineties", "[AGE~90 or over]"),
        ("85-95", "[AGE~90 or over]"),
        ("a nonagenarian", "[AGE~90 or over]"),
        ("quatre-vingt-douze ans", "[AGE]"),
        ("95 years and 2 months", "[AGE~90 or over]"),
        ("92 Jahre, 3 Tage", "[AGE~90 or over]"),
        ("89 years and 11 months", "89 years and 11 months"),
        ("1200 months", "[AGE~90 or over]"),
        ("ninety days", "ninety days"),
        ("ninety years and five days", "[AGE~90 or over]"),
    ],
)
def test_ages_over_89_are_one_class_and_others_stay(value: str, left: str) -> None:
    """What cannot be read as an age is not shown."""
    assert shown("AGE", value, "under_90") == left


@pytest.mark.parametrize(
    ("value", "left"),
    [
        ("47", "[AGE~40-49]"),
        ("aged 47", "[AGE~40-49]"),
        ("8 months", "[AGE~0-9]"),
        ("18 Monate", "[AGE~0-9]"),
        ("130 months", "[AGE~10-19]"),
        ("47 years and 3 months", "[AGE~40-49]"),
        ("95-year-old", "[AGE~90-99]"),
        ("old", "[AGE]"),
    ],
)
def test_ages_by_decade(value: str, left: str) -> None:
    """The usual way to generalise an age."""
    assert shown("AGE", value) == left


@pytest.mark.parametrize(
    ("value", "zip3", "area"),
    [
        ("90210", "[POSTCODE~902]", "[POSTCODE~90]"),
        ("90210-1234", "[POSTCODE~902]", "[POSTCODE~90]"),
        ("03601", "[POSTCODE~000]", "[POSTCODE~03]"),
        ("SW1A 1AA", "[POSTCODE]", "[POSTCODE~SW1A]"),
        ("K1A 0B1", "[POSTCODE]", "[POSTCODE~K1A]"),
        ("1016 AB", "[POSTCODE]", "[POSTCODE~10]"),
        ("114 55", "[POSTCODE]", "[POSTCODE~11]"),
        ("00-950", "[POSTCODE]", "[POSTCODE~00]"),
        ("100-0001", "[POSTCODE]", "[POSTCODE~10]"),
        ("D02 X285", "[POSTCODE]", "[POSTCODE~D02]"),
        ("unknown", "[POSTCODE]", "[POSTCODE]"),
    ],
)
def test_postcodes(value: str, zip3: str, area: str) -> None:
    """Three digits of a ZIP code, 000 where few live; else the area of the post."""
    assert (shown("POSTCODE", value, "zip3"), shown("POSTCODE", value)) == (zip3, area)


@pytest.mark.parametrize(
    ("value", "left"),
    [
        ("SW1A 1AA", "[POSTCODE~SW]"),
        ("m1 1ae", "[POSTCODE~M]"),
        ("K1A 0B1", "[POSTCODE~Ontario]"),
        ("X0A 0H0", "[POSTCODE~Northwest Territories or Nunavut]"),
        ("D02 X285", "[POSTCODE~D]"),
        ("90210-1234", "[POSTCODE~9]"),
        ("D-10115", "[POSTCODE~1]"),
        ("4000-008", "[POSTCODE~4]"),
        ("75008 Paris", "[POSTCODE]"),
        ("SY23", "[POSTCODE]"),
        ("12345678", "[POSTCODE]"),
    ],
)
def test_postal_regions_are_coarser_than_areas(value: str, left: str) -> None:
    """A part of the country; the type alone for what is not read as a postcode."""
    assert shown("POSTCODE", value, "region") == left
    assert len(shown("POSTCODE", value, "region")) <= len(shown("POSTCODE", value)) or "K1A" in value or "X0A" in value


def test_the_restricted_prefixes_are_seventeen() -> None:
    """As in the guidance of the HHS."""
    assert len(RESTRICTED_ZIP3) == 17
    assert all(shown("POSTCODE", f"{prefix}01", "zip3") == "[POSTCODE~000]" for prefix in RESTRICTED_ZIP3)


@pytest.mark.parametrize(
    ("value", "left"),
    [
        ("Illinois", "Illinois"),
        ("TX", "TX"),
        ("United States", "United States"),
        ("Springfield, IL", "[LOCATION~Illinois]"),
        ("Springfield, illinois", "[LOCATION~Illinois]"),
        ("Springfield", "[LOCATION]"),
        ("in", "[LOCATION]"),
    ],
)
def test_places_keep_their_state(value: str, left: str) -> None:
    """Nothing below a state of the United States is shown."""
    assert shown("LOCATION", value) == left


def test_networks() -> None:
    """An IPv4 address keeps its first three numbers; anything else only its type."""
    assert shown("IP_ADDRESS", "203.0.113.77") == "[IP_ADDRESS~203.0.113.0/24]"
    assert shown("IP_ADDRESS", "203.0.113.77:8080") == "[IP_ADDRESS~203.0.113.0/24]"
    for value in ("2001:db8::1", "::ffff:203.0.113.77", "203.0.113.77.", "203.0.113.77.5"):
        assert shown("IP_ADDRESS", value) == "[IP_ADDRESS]"


@settings(deadline=None)
@given(st.sampled_from(sorted(COARSER)), st.text(max_size=24))
def test_nothing_longer_than_a_coarse_value_is_ever_shown(entity_type: str, value: str) -> None:
    """Any text, by any way to generalise: the type, or a value of the forms there are."""
    for to in COARSER[entity_type]:
        left = generalised(entity_type, value, to)
        if left.record != value:
            assert re.fullmatch(r"\[[A-Z_]+(?:~[A-Za-z0-9 .,/-]{1,40})?\]", left.record)


def test_a_type_with_nothing_coarser_is_redacted() -> None:
    """Generalising a name gives no name."""
    assert generalised("PERSON", "Ana Kovač") == redacted("PERSON") == Replacement("[PERSON]", "person")
    assert "PERSON" not in COARSER


def test_only_two_operators_need_no_vault() -> None:
    """Tokens come from the vault; so does what has no rule."""
    assert irreversible(None, "PERSON", "Ana") is None
    assert irreversible(EntityRule(), "PERSON", "Ana") is None
    assert irreversible(EntityRule(operator="redact"), "PERSON", "Ana") == redacted("PERSON")


def test_safe_harbor_on_a_note(keys, document) -> None:
    """The profile at work: ages and years as the rule allows, and the map between the views intact."""
    masker = build_masker(Policy.from_profile("hipaa_safe_harbor"), keys, MemoryVaultTable(), "c")
    text = "Patient aged 93, born on 3 May 1931. Her son, aged 47, rang on 5 March 2024."
    masked = masker.mask([document(text)])[0].text
    assert "aged [AGE~90 or over], born on [DATE_OF_BIRTH~90 or over]." in masked.record
    assert "son, aged 47, rang on [DATE_TIME~2024]." in masked.record
    assert "aged 90 or over, born on 90 or over." in masked.index
    kept = next(span for span in masked.spans if text[span.source_start : span.source_end] == "47")
    assert masked.record[kept.record_start : kept.record_end] == "47"
