"""Dates moved by days: written as they were, as far apart as they were, never where they were."""

from __future__ import annotations

import re
from datetime import date, timedelta

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ragkit.mask.shift import Style, shift_date, style_of
from ragkit.mask.shift_months import months, named_as

ENGLISH = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
FORMS = {
    "%Y-%m-%d": lambda d: f"{d:%Y-%m-%d}",
    "%d.%m.%Y": lambda d: f"{d:%d.%m.%Y}",
    "%Y%m%d": lambda d: f"{d:%Y%m%d}",
    "worded": lambda d: f"{d.day} {ENGLISH[d.month - 1]} {d.year}",
    "american": lambda d: f"{ENGLISH[d.month - 1]} {d.day}, {d.year}",
    "unpadded": lambda d: f"{d.year}-{d.month}-{d.day:02}" if d.month > 9 else f"{d.year}/{d.month}/{d.day}",
}
days = st.integers(-3660, 3660).filter(bool)
dates = st.dates(date(1900, 1, 1), date(2090, 12, 31))


def read(text: str) -> date:
    """The date in a text of one of the forms."""
    named = [number for number, name in enumerate(ENGLISH, 1) if name in text]
    numbers = [int(number) for number in re.findall(r"\d+", text)]
    if named:
        return date(max(numbers), named[0], min(numbers))
    if len(numbers) == 1:
        return date(numbers[0] // 10_000, numbers[0] // 100 % 100, numbers[0] % 100)
    return date(*numbers) if numbers[0] > 31 else date(*reversed(numbers))


@settings(deadline=None)
@given(dates, days, st.sampled_from(sorted(FORMS)))
def test_a_date_moves_by_just_so_many_days_and_keeps_its_form(day: date, by: int, form: str) -> None:
    """Every day of the calendar, leap days too, is another day of it in the same form; back again it is the first."""
    text = FORMS[form](day)
    moved = shift_date(text, by)
    assert moved is not None
    assert moved != text
    assert read(moved) == day + timedelta(by)
    if form != "unpadded":
        assert moved == FORMS[form](day + timedelta(by))
    assert read(shift_date(moved, -by) or "") == day


@settings(deadline=None)
@given(dates, dates, days, st.sampled_from(sorted(FORMS)), st.sampled_from(sorted(FORMS)))
def test_intervals_stay_whatever_the_forms(one: date, other: date, by: int, first: str, second: str) -> None:
    """The days between two dates of a subject are what they were, though one is in words and one in numbers."""
    moved = [shift_date(FORMS[form](day), by) for day, form in ((one, first), (other, second))]
    assert read(moved[1] or "") - read(moved[0] or "") == other - one


@settings(deadline=None)
@given(dates, days, st.booleans())
def test_two_digit_years_move_with_their_days(day: date, by: int, american: bool) -> None:
    """``28.02.84`` and, where the text writes the month first, ``02/28/84``."""
    assume(1970 <= day.year <= 2067 and 1970 <= (day + timedelta(by)).year <= 2067)
    form, style = ("%m/%d/%y", Style(month_first=True)) if american else ("%d.%m.%y", Style())
    assert shift_date(f"{day:{form}}", by, style) == f"{day + timedelta(by):{form}}"


@pytest.mark.parametrize(
    ("text", "by", "moved"),
    [
        ("29 February 2024", 366, "1 March 2025"),
        ("29 February", 1, "1 March"),
        ("28 February 2023", 1, "1 March 2023"),
        ("31 December 1999", 1, "1 January 2000"),
        ("3rd May 1998", 20, "23rd May 1998"),
        ("May 1st", 10, "May 11th"),
        ("the third of May 1998", 18, "the twenty-first of May 1998"),
        ("12. März 1985", 40, "21. April 1985"),
        ("3. Mai 1998", 40, "12. Juni 1998"),
        ("3 mai 1998", 40, "12 juin 1998"),
        ("le 1er mai 1998", 1, "le 2 mai 1998"),
        ("3 de mayo de 2001", 40, "12 de junio de 2001"),
        ("3 kwietnia 1998", 40, "13 maja 1998"),
        ("12 AUG 1998", 40, "21 SEP 1998"),
        ("1998-May-03", 40, "1998-June-12"),
        ("3 May '98", 400, "7 June '99"),
        ("3.4.1985", 40, "13.5.1985"),
        ("03/04/1985", 40, "13/05/1985"),
        ("04/23/1985", 40, "06/02/1985"),
        ("2024-03-05T10:00:00Z", 40, "2024-04-14T10:00:00Z"),
        ("between 3 May 1998 and 4 June 2001", 40, "between 12 June 1998 and 14 July 2001"),
        ("30 and 31 May 1998", 2, "1 and 2 June 1998"),
        ("30 and 31 May 1998", 1, "31 May 1998 and 1 June 1998"),
        ("May 30 and 31", 1, "May 31 and June 1"),
        ("May 1998", 40, "June 1998"),
        ("December 1998", 5, "January 1999"),
        ("1998", 40, "1999"),
        ("1998", -3, "1997"),
        ("1998-2001", -40, "1997-2000"),
        ("1998/99", 40, "1999/00"),
    ],
)
def test_forms_and_languages(text: str, by: int, moved: str) -> None:
    """Ordinals, months of seven languages, lists that come apart, partial dates by whole months and years."""
    assert shift_date(text, by) == moved


@pytest.mark.parametrize(
    "text", ["10:30 am", "last Tuesday", "31.02.1999", "July and December 1995", "Easter", "", "9999-12-31", "45"]
)
def test_what_is_not_understood_is_not_moved(text: str) -> None:
    """Times of day, no dates, days that no calendar has: nothing rather than something wrong."""
    assert shift_date(text, 40) is None


def test_a_day_without_a_year_that_comes_round_is_not_shown() -> None:
    """A whole year on, ``3 May`` would be itself."""
    assert shift_date("3 May", 365) is None
    assert shift_date("3 May 1998", 365) == "3 May 1999"


def test_the_other_dates_of_a_text_say_how_one_is_meant() -> None:
    """One date that can be read in one way only decides for those that can be read in two."""
    assert style_of(["03/04/1985", "04/23/1985"]).month_first
    assert not style_of(["03/04/1985", "23/04/1985"]).month_first
    assert shift_date("03/04/1985", 1, style_of(["04/23/1985"])) == "03/05/1985"
    assert shift_date("3. Mai 1998", 40, style_of(["1. März 1998"])) == "12. Juni 1998"
    assert shift_date("3 Mai 1998", 40, style_of(["1 janvier 1998", "2 juillet 1998"])) == "12 Juin 1998"


@settings(deadline=None)
@given(st.sampled_from(sorted(months())), st.integers(1, 12))
def test_another_month_is_a_month_and_of_the_same_language(word: str, month: int) -> None:
    """There and back again in the language that the first has."""
    other = named_as(word, month)
    assert other is not None
    assert months()[other] == month
    assert named_as(other, months()[word], ("tr", "pl")) is not None
    assert named_as(word, months()[word]) == word


def test_letters_that_only_look_like_a_month_are_none() -> None:
    """A regular expression takes ``KASIM`` for ``kasım``; the table does not."""
    assert shift_date("3 KASIM 1998", 40) is None


@settings(deadline=None)
@given(st.text(max_size=40), days)
def test_any_text_is_moved_or_left_out(text: str, by: int) -> None:
    """Never an error, never the text itself."""
    assert shift_date(text, by) != text
