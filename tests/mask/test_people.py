"""Names as people write them."""

from __future__ import annotations

import pytest

from ragkit.mask.people import fits, name_keys, narrowest_key, persons, read_name
from ragkit.mask.surrogates import split


@pytest.mark.parametrize(
    ("value", "words", "initials"),
    [
        ("Dr. Galip M. Yalman's", ["galip", "yalman"], ["m"]),
        ("Ursula von der Leyen", ["ursula", "leyen"], []),
        ("Yalman, G.", ["yalman"], ["g"]),
        ("E. Schmidt", ["schmidt"], ["e"]),
        ("Al-Hassan", ["alhassan"], []),
        ("Jürgen MÜLLER-Lüdenscheidt", ["jurgen", "mullerludenscheidt"], []),
        ("de", ["de"], []),
        ("", [], []),
        ("4711", [], []),
    ],
)
def test_a_name_is_its_words_and_initials(value, words, initials):
    """Honorifics, particles, accents, case and the possessive do not count."""
    name = read_name(value)
    assert [word.forms[0] for word in name.words] == words
    assert list(name.initials) == initials


@pytest.mark.parametrize(
    ("mention", "person", "meant"),
    [
        ("yalman", "Galip Yalman", True),
        ("galip", "Galip Yalman", True),
        ("Yalman Galip", "Galip Yalman", True),
        ("G. Yalman", "Galip Yalman", True),
        ("G. Yalman", "Galip M. Yalman", True),
        ("G. M. Yalman", "Galip Mehmet Yalman", True),
        ("T. Yalman", "Galip Yalman", False),
        ("M. Yalman", "Galip Yalman", True),
        ("Galip M. Yalman", "Galip Yalman", False),
        ("Y. Yalman", "Galip Yalman", False),
        ("Galip Galip", "Galip Yalman", False),
        ("Yalmanov", "Galip Yalman", False),
        ("o neill", "Shane O'Neill", True),
        ("oneill", "Shane O'Neill", True),
        ("mueller", "Jürgen Müller", True),
        ("ludenscheidt", "Jürgen Müller-Lüdenscheidt", True),
    ],
)
def test_whom_a_mention_may_mean(mention, person, meant):
    """Every word and initial must be the person's, each used once; but ``M.`` may be Monsieur."""
    assert (fits(read_name(mention), read_name(person)) is not None) is meant


def test_whoever_a_mention_may_mean_is_filed_under_its_key():
    """Looking a mention up under one key finds everybody it fits, with at most two words asked for."""
    people = [
        "Galip Yalman",
        "Galip M. Yalman",
        "G. Yalman",
        "Shane O'Neill",
        "Jürgen Müller",
        "Maria Dolores Ibarra Luz",
    ]
    mentions = ["yalman", "G. Yalman", "Yalman G.", "yalman galip", "M. Yalman", "oneill", "S. ONeill", "J. Mueller"]
    mentions += ["muller jurgen", "maria luz", "Ibarra Maria", "M. Luz", "D. Ibarra", "L. Ibarra"]
    checked = 0
    for mention in mentions:
        key = narrowest_key(read_name(mention))
        for person in people:
            if fits(read_name(mention), read_name(person)) is not None:
                assert key in name_keys("PERSON", person), (mention, person)
                checked += 1
    assert checked >= 18


def test_keys_are_few():
    """Five for a name of two words, and never more than forty: a vault of 100,000 names stays small."""
    assert len(name_keys("PERSON", "Galip Yalman")) == 5
    assert len(name_keys("PERSON", " ".join(f"Anna-Maria{letter}o" for letter in "abcdefgh"))) <= 40
    assert name_keys("EMAIL_ADDRESS", "Galip77@example.org") == [("local", "galip77")]
    assert name_keys("EMAIL_ADDRESS", "gy@example.org") == []
    assert name_keys("ORDER_NUMBER", "4711") == []


def test_different_people_are_told_apart():
    """A shorter name that may mean a fuller one is the same person; two full names are two."""
    assert persons(["Yalman", "Galip Yalman", "G. Yalman", "YALMAN, Galip"], limit=9) == ["Galip Yalman"]
    assert len(persons(["Galip Yalman", "Ayşe Yalman", "Yalman", "G. Yalman"], limit=9)) == 2
    assert len(persons([f"Person{letter} Yalman" for letter in "abcdefgh"], limit=5)) == 5


def test_no_repr_tells_a_name() -> None:
    """What is printed of a name, by a debugger or a failing assertion in a log, does not hold it."""
    name = read_name("Galip Yalman")
    shown = f"{name!r} {name.words!r} {split('PERSON', 'Galip Yalman')!r}".lower()
    assert "galip" not in shown
    assert "yalman" not in shown
