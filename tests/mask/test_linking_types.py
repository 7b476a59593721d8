"""Which values identify a person, and which tell two people apart."""

from __future__ import annotations

import pytest

from ragkit.mask.linking_names import address_fits, may_be_one
from ragkit.mask.linking_types import agree, differ, identifies, is_role_mailbox, is_strong, is_unique
from ragkit.mask.people import is_list, read_name


def test_types() -> None:
    """What is a person's, what joins, what a person has one of."""
    assert all(map(identifies, ("PERSON", "PHONE_NUMBER", "IBAN_CODE", "DE_TAX_ID", "EMPLOYEE_NUMBER")))
    assert not any(map(identifies, ("ORGANIZATION", "LOCATION", "MONEY", "DATE_TIME", "VAT_NUMBER", "AGE")))
    assert is_strong("EMAIL_ADDRESS")
    assert not is_unique("EMAIL_ADDRESS")
    assert is_unique("US_SSN")
    assert is_unique("CUSTOMER_NUMBER")
    assert not is_strong("PHONE_NUMBER")
    assert not is_strong("IP_ADDRESS")


@pytest.mark.parametrize("address", ["info@x.de", "sales.emea@x.de", "no-reply@x.de", "Kundenservice@x.de", "hr@x.de"])
def test_functions_have_mailboxes(address: str) -> None:
    """Which are nobody's."""
    assert is_role_mailbox(address)


@pytest.mark.parametrize("address", ["galip@x.de", "g.yalman@x.de", "post.malone@x.de", "infante@x.de", "anna99@x.de"])
def test_people_have_mailboxes(address: str) -> None:
    """Also those whose name begins like a function."""
    assert not is_role_mailbox(address)


@pytest.mark.parametrize(
    ("entity_type", "one", "other", "apart", "alike"),
    [
        ("DATE_OF_BIRTH", "1985-03-12", "12 march 1985", False, True),
        ("DATE_OF_BIRTH", "1985-03-12", "13 march 1985", True, False),
        ("DATE_OF_BIRTH", "03/12/1985", "12.03.1985", False, True),
        ("DATE_OF_BIRTH", "1985-03-12", "1986-03-12", True, False),
        ("DATE_OF_BIRTH", "12 march", "13 march", False, False),
        ("ADDRESS", "lindenstrasse 5, 10115 berlin", "lindenstrasse 5", False, True),
        ("ADDRESS", "lindenstrasse 5, 10115 berlin", "hauptstrasse 12, 53111 bonn", True, False),
        ("ADDRESS", "lindenstrasse 5, 10115 berlin", "hauptstrasse 5", False, False),
        ("CUSTOMER_NUMBER", "k1001", "k1002", True, False),
        ("CUSTOMER_NUMBER", "k1001", "e1002", False, False),
        ("CUSTOMER_NUMBER", "k1001", "10012", False, False),
        ("EMAIL_ADDRESS", "a.meier@x.de", "a.meier2@x.de", True, False),
        ("EMAIL_ADDRESS", "a.meier@x.de", "a.meier@y.de", False, False),
        ("PHONE_NUMBER", "30901820", "30901821", False, False),
    ],
)
def test_what_speaks_for_two_people_and_what_for_one(
    entity_type: str, one: str, other: str, apart: bool, alike: bool
) -> None:
    """In both directions."""
    assert differ(entity_type, one, other) is differ(entity_type, other, one) is apart
    assert agree(entity_type, one, other) is agree(entity_type, other, one) is alike


@pytest.mark.parametrize(
    ("address", "name", "fit"),
    [
        ("galip.yalman@x.de", "Galip Yalman", 2),
        ("g.yalman7@x.de", "Galip Yalman", 2),
        ("yalmang@x.de", "Galip Yalman", 2),
        ("galipyalman@x.de", "Galip Yalman", 2),
        ("h.graupeinado@x.de", "Hani Grau Peinado", 2),
        ("priya.delasanchez@x.de", "Priya de la Sánchez", 2),
        ("p.vonsanchez@x.de", "Priya de la Sánchez", 2),
        ("priya.lopezsanchez@x.de", "Priya Sánchez", 0),
        ("mueller.anna@x.de", "Anna Müller", 2),
        ("yalman@x.de", "Galip Yalman", 1),
        ("z.yalman@x.de", "Galip Yalman", 1),
        ("karl.yalman@x.de", "Galip Yalman", 0),
        ("office@x.de", "Galip Yalman", 0),
    ],
)
def test_how_well_an_address_tells_a_name(address: str, name: str, fit: int) -> None:
    """Two for both names, one for one of them."""
    assert address_fits(address, read_name(name)) == fit


def test_one_person_of_two_names() -> None:
    """A marriage changes the family name, a household shares it."""
    assert may_be_one("Anna Meier", "Anna Schulz")
    assert may_be_one("A. Meier", "Anna Meier")
    assert may_be_one("Meier, Anna", "Anna Schulz")
    assert may_be_one("Galip", "Yalman")
    assert not may_be_one("Anna Meier", "Karl Meier")
    assert not may_be_one("Anna Meier", "Karl Schulz")


def test_several_names_taken_for_one() -> None:
    """Are nobody's name."""
    assert is_list("Anna Meier, Karl Schulz, G. Yalman")
    assert not is_list("Batista Paiva, Nkazimulo")
