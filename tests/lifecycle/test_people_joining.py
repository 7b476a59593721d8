"""Which groups of values are one person's."""

from __future__ import annotations

from ragkit.lifecycle.people_evidence import Cluster, Known
from ragkit.lifecycle.people_joining import join
from ragkit.mask.normalise import normalise

KINDS = {"@": "EMAIL_ADDRESS", "K-": "CUSTOMER_NUMBER", "+": "PHONE_NUMBER", "DE": "IBAN_CODE", "19": "DATE_OF_BIRTH"}


def kind_of(value: str) -> str:
    """By how it looks."""
    return next((kind for mark, kind in KINDS.items() if mark in value[:2] or (mark == "@" and "@" in value)), "PERSON")


def joined(*groups: str) -> list[set[str]]:
    """Groups of values parted by semicolons, joined."""
    sets = [[value.strip() for value in group.split(";")] for group in groups]
    numbers = {value: number for number, value in enumerate(dict.fromkeys(v for some in sets for v in some))}
    known = {
        number: Known(number, kind_of(value), value, normalise(kind_of(value), value))
        for value, number in numbers.items()
    }
    clusters: list[Cluster] = join([frozenset(numbers[value] for value in some) for some in sets], known)
    return sorted(({known[number].value for number in one.numbers} for one in clusters), key=sorted)


def test_a_strong_identifier_joins_over_documents() -> None:
    """Step by step, from any end."""
    assert joined("Galip Yalman; gy@x.de", "gy@x.de; K-1001", "Mr Yalman; K-1001; +4930") == [
        {"Galip Yalman", "gy@x.de", "K-1001", "Mr Yalman", "+4930"}
    ]


def test_a_household_shares_a_number_and_stays_two() -> None:
    """And what names nobody belongs to neither."""
    found = joined("Anna Meier; K-1001", "Karl Meier; K-1001; karl@x.de", "K-1001; +4930")
    assert {"Anna Meier", "K-1001"} in found
    assert {"Karl Meier", "K-1001", "karl@x.de"} in found
    assert {"K-1001", "+4930"} in found


def test_an_account_under_many_names_is_a_companys() -> None:
    """It joins not even those of one given name; under two of one given name it is a marriage."""
    names = ("Anna Meier", "Anna Schulz", "Anna Winkler", "Anna Berger")
    assert len(joined(*(f"{name}; DE0212030000" for name in names))) == 4
    assert len(joined(*(f"{name}; DE0212030000" for name in names[:2]))) == 1


def test_a_phone_joins_one_name_only() -> None:
    """Not two of a family, and not against a birth date."""
    assert len(joined("Anna Meier; +4930", "A. Meier; +4930; K-1001")) == 1
    assert len(joined("Anna Meier; +4930", "Karl Meier; +4930")) == 2
    assert len(joined("Karl Meier; +4930; 1950-03-12", "Karl Meier; +4930; 1981-07-01")) == 2


def test_a_name_joins_what_nothing_contradicts() -> None:
    """One strong group takes in the others of its name, in any form that is only theirs."""
    assert len(joined("Galip Yalman; K-1001", "Yalman, Galip; +4930", "G. Yalman", "Yalman")) == 1
    assert len(joined("Galip Yalman; K-1001", "Zeynep Yalman; K-1002", "Yalman")) == 3
    assert len(joined("Galip Yalman; K-1001", "Galip Yalman; K-1002", "Galip Yalman; +4930")) == 3
    assert len(joined("Galip Yalman; K-1001", "Galip Yalman; gy@x.de")) == 2  # perhaps, and perhaps not
    assert len(joined("Galip Yalman; 1985-03-12; K-1001", "Galip Yalman; gy@x.de; 1985-3-12")) == 1
