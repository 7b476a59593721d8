"""The operator ``shift``: dates of one person keep their distances, in documents and questions; reveal is exact."""

from __future__ import annotations

import re
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from ragkit.crypto import CollectionKeys
from ragkit.mask.build import build_masker
from ragkit.mask.masker import CollectionMasker
from ragkit.mask.shifting import DAYS, main_subject, shift_of
from ragkit.mask.vault import Vault
from ragkit.policy import EntityRule, Policy
from ragkit.testing.fakes import MemoryVaultTable
from ragkit.types import MaskedText, Principal, RawQuestion

OWNER = Principal("local|ana")
ISO = re.compile(r"\d{4}-\d\d-\d\d")


@pytest.fixture
def shifting(keys: CollectionKeys) -> CollectionMasker:
    """A policy that shifts dates and finds names by rules alone."""
    policy = Policy(profile="default", entities={"DATE_TIME": "shift", "DATE_OF_BIRTH": "shift"}, detectors=())
    masker = build_masker(policy, keys, MemoryVaultTable(), "support")
    masker.load()
    return masker


def masked(masker: CollectionMasker, document, text: str, **more: str) -> MaskedText:
    """The text of a document in its two views."""
    found = masker.mask([document(text, **more)])[0].text
    masker.flush()
    return found


def shifts(text: str, view: str) -> set[int]:
    """By how many days each ISO date moved."""
    return {
        (date.fromisoformat(new) - date.fromisoformat(old)).days
        for old, new in zip(ISO.findall(text), ISO.findall(view), strict=True)
    }


def test_the_dates_of_a_person_move_together_in_every_document(shifting, document) -> None:
    """Whatever else stands there, by whatever form of the full name; and reveal gives the very text back."""
    first = "Dear Mr Galip Yalman, admitted 2024-02-27, discharged 2024-03-05. Dr. Ana Ortega."
    second = (
        "Patient: Yalman, Galip\nSeen 2023-12-31 and 2024-02-29; Dr. Ana Ortega on leave. Mr Yalman paid 2024-05-01."
    )
    views = [masked(shifting, document, text, name=f"{n}.txt") for n, text in enumerate((first, second))]
    (one,), (other,) = (shifts(text, view.index) for text, view in zip((first, second), views, strict=True))
    assert one == other != 0
    assert abs(one) <= DAYS
    for text, view in zip((first, second), views, strict=True):
        assert "[DATE_TIME:" in view.record
        assert not ISO.search(view.record)
        assert shifting.vault.reveal(view.record)[0] == text


def test_people_have_numbers_of_their_own(shifting, document) -> None:
    """Twenty people, hardly two alike; the same date is then shown as many."""
    names = [f"Mr {given} {family}" for given in ("Galip", "Marek", "Henrik", "Tomas") for family in
             ("Yalman", "Thorvald", "Ostrowsky", "Kowalczyk", "Lindqvist")]  # fmt: skip
    moved = [
        shifts(text, masked(shifting, document, text).index) for name in names for text in [f"Dear {name}, 2024-02-29."]
    ]
    assert all(len(some) == 1 and 0 not in some for some in moved)
    assert len(set().union(*moved)) > 15


def test_a_document_about_nobody_stands_for_itself(shifting, document) -> None:
    """By its name, so that a new version of it moves alike."""
    text, later = "Closed on 2024-05-01.", "Closed on 2024-05-01, open from 2024-05-06."
    one, again, other = (
        shifts(said, masked(shifting, document, said, name=name).index)
        for said, name in ((text, "a.txt"), (later, "a.txt"), (text, "b.txt"))
    )
    assert one == again != other
    assert 0 not in one | other


def test_a_question_about_a_person_meets_the_dates_of_their_documents(shifting, document) -> None:
    """By full name or by surname; another person's date is another."""
    seen = masked(shifting, document, "Dear Mr Galip Yalman, you were seen on 3 May 2024.")
    shown = re.search(r"\d+ \w+ 20\d\d", seen.index)[0]  # type: ignore[index]
    for asked in (
        "What did Galip Yalman do on 3 May 2024?",
        "yalman on 3 May 2024",
        "Was Mr Yalman here on 3 May 2024?",
    ):
        question = shifting.mask_question(RawQuestion(asked), principal=OWNER)
        assert shown in question.text.index, asked
    for asked in ("What did Mr Henrik Thorvald do on 3 May 2024?", "What happened on 3 May 2024?"):
        question = shifting.mask_question(RawQuestion(asked), principal=OWNER)
        assert shown not in question.text.index
        assert "3 May 2024" not in question.text.index


def test_a_name_of_several_people_is_asked_for_as_each(shifting, document) -> None:
    """The date as of one, and as of the other in a further reading."""
    shown = [
        re.search(r"\d+ \w+ 20\d\d", masked(shifting, document, f"Dear Mr {name} Yalman, seen on 3 May 2024.").index)[0]  # type: ignore[index]
        for name in ("Galip", "Henrik")
    ]
    question = shifting.mask_question(RawQuestion("yalman on 3 May 2024"), principal=OWNER)
    views = [question.text.index, *(reading.text.index for reading in question.readings)]
    assert all(any(one in view for view in views) for one in shown)


def test_times_and_what_is_no_date_are_drawn(shifting, document) -> None:
    """What cannot be moved has a surrogate, as by ``token``."""
    view = masked(shifting, document, "Dear Mr Galip Yalman, come at 10:30 am on 31.02.2024.")
    assert "10:30" not in view.index
    assert "31.02.2024" not in view.index


def test_a_single_text_is_moved_too(shifting) -> None:
    """``mask_text`` by the person it names most."""
    text = "Mr Galip Yalman: 2024-02-29 and 2024-03-01."
    _, view = shifting.mask_text(text, store=True)
    assert len(shifts(text, view.index)) == 1
    assert shifting.vault.reveal(view.record)[0] == text


@settings(deadline=None)
@given(st.integers(1, 3660), st.text(max_size=20))
def test_a_number_is_never_nothing_nor_too_much(most: int, name: str) -> None:
    """1 to the most, either way, the same each time."""
    vault = Vault(CollectionKeys(b"k" * 32), MemoryVaultTable(), "c")
    number = shift_of(("person", name), most, vault)
    assert 1 <= abs(number) <= most
    assert number == shift_of(("person", name), most, vault)


def test_numbers_are_spread_evenly(vault) -> None:
    """All of 2 × 5 numbers occur about as often."""
    found = [shift_of(("person", str(n)), 5, vault) for n in range(2_000)]
    counts = {number: found.count(number) for number in range(-5, 6)}
    assert counts.pop(0) == 0
    assert all(140 < count < 260 for count in counts.values())


def test_the_main_subject_is_mentioned_most_by_any_form() -> None:
    """Short forms count for the full name; of two the earlier; word order and initials do not matter."""
    names = ["Ana Ortega", "Ana Ortega", "Galip Yalman", "Mr Yalman", "Yalman", "+1"]
    items = [("PERSON", name) for name in names] + [("ORGANIZATION", "Acme")] * 9
    assert main_subject(items) == ("person", "galip yalman") == main_subject([("PERSON", "Yalman, Galip M.")])
    assert main_subject(items[:4]) == ("person", "ana ortega")
    assert main_subject([("ORGANIZATION", "Acme")]) is None


def test_only_dates_are_shifted_and_only_so_far() -> None:
    """A policy that says something else is refused; the shipped policies keep their fingerprints."""
    for entities in ({"PERSON": "shift"}, {"DATE_TIME": {"operator": "shift", "days": 0}}, {"AGE": {"days": 5}}):
        with pytest.raises(ValidationError):
            Policy(entities=entities)
    assert EntityRule(operator="shift", days=30).days == 30
    assert "days" not in EntityRule().model_dump(mode="json")
