"""Dates, birth dates, ages and amounts in the forms in which people write them, and what only looks like one."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize(
    ("text", "dates"),
    [
        ("the 3rd of March 1999", ["3rd of March 1999"]),
        ("March 3rd, 1999 and in 1998", ["1998", "March 3rd, 1999"]),
        ("on 14 and 27 July 1999", ["14 and 27 July 1999"]),
        ("10 May, on 7 July and on 26 September 1994", ["10 May", "26 September 1994", "7 July"]),
        ("between July and December 1995", ["July and December 1995"]),
        ("mars, avril et juin 1989", ["mars, avril et juin 1989"]),
        ("les 27 juillet et 7 août 1995", ["27 juillet", "7 août 1995"]),
        ("el 20-abril-2004", ["20-abril-2004"]),
        ("am 3. März 1979 und 21. 1. 1987", ["21. 1. 1987", "3. März 1979"]),
        ("il 5 maggio 1990, 5 mei 1991", ["5 maggio 1990", "5 mei 1991"]),
        ("den 3 maj 1990, 5 września 1961", ["3 maj 1990", "5 września 1961"]),
        ("em 2 de março de 2001", ["2 de março de 2001", "2001"]),
        ("12-Mar-98 and 2004-Mar-03", ["12-Mar-98", "2004-Mar-03"]),
        ("at 2021-12-31T10:00:00Z", ["2021-12-31T10:00:00Z"]),
        ("from 1960 to 1979; in 1994, 1995 and 1997", ["1960 to 1979", "1994, 1995 and 1997"]),
        ("the first of May 2000", ["first of May 2000"]),
    ],
)
def test_dates_are_found_whole(find, text, dates):
    """Lists, ranges, ordinals, months alone and years after a preposition."""
    assert find(text, "DATE_TIME") == dates


@pytest.mark.parametrize(
    "text",
    ["May I march on?", "version 1.2.3", "in 2000 requests", "room 1999", "section 8 of the 1991 Act", "out 3 set 5",
     "five years"],
)  # fmt: skip
def test_near_dates(find, text):
    """Verbs, counts, versions, rooms and lengths of time are no dates."""
    assert find(text, "DATE_TIME") == []


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("Date of birth (dd/mm/yyyy): 03/04/1970", "03/04/1970"),
        ("DOB: 03 04 1970", "03 04 1970"),
        ("D.O.B 4/5/82", "4/5/82"),
        ("dateOfBirth: 19700312", "19700312"),
        ('patient_dob="1970-03-12"', "1970-03-12"),
        ("**Date of birth**\n12/03/1970", "12/03/1970"),
        ("Galip Yalman (b. 1970)", "1970"),
        ("(* 12. März 1970 in Ulm)", "12. März 1970"),
        ("Geb. 03.04.1970", "03.04.1970"),
        ("Jahrgang 1970", "1970"),
        ("née à Paris le 14 juillet 1990", "14 juillet 1990"),
        ("Fecha de nacimiento:15/03/1945.", "15/03/1945"),
        ("nata a Roma il 3 maggio 1970", "3 maggio 1970"),
        ("född 1970-03-04", "1970-03-04"),
        ("She was born in London in 1971 and", "1971"),
        ("Birthday: March 3", "March 3"),
        ("| Name | Geburtsdatum |\n|---|---|\n| X | 3.4.1970 |", "3.4.1970"),
    ],
)
def test_birth_dates_in_their_forms(find, text, date):
    """Labels with a hint of the format, keys, signs, bare years, places between."""
    assert find(text, "DATE_OF_BIRTH") == [date]


def test_several_people_are_born(find):
    """A list of birth years goes on."""
    assert find("The applicants were born in 1932 and 1934, respectively", "DATE_OF_BIRTH") == ["1932", "1934"]


@pytest.mark.parametrize(
    "text",
    [
        "She was born in Berlin. On 3 May 2001 she moved",
        "* 12.03.2020 first release",
        "a. 1969\nb. 1970",
        "Birth certificate issued 3 May 2000",
        "born and raised in Ohio, she moved in 1999",
        "the newborn project of 12 March 2001",
    ],
)
def test_near_birth_dates(find, text):
    """Another sentence's date, list items and certificates are nobody's birth date."""
    assert find(text, "DATE_OF_BIRTH") == []


@pytest.mark.parametrize(
    ("text", "ages"),
    [
        ("47 y/o male, 52yo", ["47", "52"]),
        ("a 96 year old man, twelve-month-old twins", ["96", "twelve"]),
        ("aged forty-seven", ["forty-seven"]),
        ("at the age of 35", ["35"]),
        ("ages 5 to 12", ["12", "5"]),
        ("Un homme de 47 ans; âgée de 8 ans", ["47", "8"]),
        ("im Alter von 61 Jahren, eine 34-jährige Frau", ["34", "61"]),
        ("Edad: 70 años; niña de siete años", ["70", "siete"]),
        ("w wieku 47 lat, 47 jaar oud, 34-årig", ["34", "47"]),
    ],
)
def test_ages_in_their_forms(find, text, ages):
    """The number alone, in digits or words, in eight languages."""
    assert find(text, "AGE") == ages


@pytest.mark.parametrize(
    "text",
    ["max-age=0", "message: 12", "hace 5 años", "peine de 5 ans", "vor 3 Jahren", "5 days old cache? no: aged 30 days"],
)
def test_near_ages(find, text):
    """Lengths of time are no ages."""
    assert find(text, "AGE") in ([], ["5"])


@pytest.mark.parametrize(
    ("text", "money"),
    [
        ("awarded EUR 4,000 in costs", ["EUR 4,000"]),
        ("200,000 Turkish liras (TRY)", ["200,000 Turkish liras (TRY)"]),
        ("two thousand euros", ["two thousand euros"]),
        ("£1.5 million or 292 Euros", ["292 Euros", "£1.5 million"]),
        ("version $1", ["$1"]),
        ("12 servers", []),
    ],
)
def test_money(find, text, money):
    """Amounts with their currency, in digits and words."""
    assert find(text, "MONEY") == money


def test_quantities_are_measures_and_sentences(find):
    """Per cent, measures and terms of imprisonment; neither counts nor lengths of time."""
    text = "two years’ imprisonment, a 37 % loss, 50 metres away, 26 km/h; three hearings in five years"
    assert find(text, "QUANTITY") == ["26 km/h", "37 %", "50 metres", "two years’"]


def test_file_numbers_in_lists(find):
    """A list of file numbers is found to its end; a law's number is none."""
    assert find("(nos. 36110/97 and 41221/98, 27033/95)", "CASE_NUMBER") == ["27033/95", "36110/97", "41221/98"]
    assert find("requête no 44362 / 04", "CASE_NUMBER") == ["44362 / 04"]
    assert find("Law no. 4616 of 1999", "CASE_NUMBER") == []
