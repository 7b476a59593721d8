"""Telephone numbers are masked from their plus sign to their extension, and codes with hyphens are none."""

from __future__ import annotations

import pytest

from ragkit.mask.build import build_detectors
from ragkit.mask.phones import oddly_grouped, whole
from ragkit.mask.resolver import resolve
from ragkit.policy import Policy

POLICY = Policy(entities={"PHONE_NUMBER": "token"}, detectors=())


@pytest.fixture(scope="module")
def numbers():
    """What is masked as a telephone number in a text."""
    detectors = build_detectors(POLICY)

    def find(text: str) -> list[str]:
        spans = [span for detector in detectors for span in detector.detect([text])[0]]
        return [text[span.start : span.end] for span in resolve(text, spans, POLICY)]

    return find


@pytest.mark.parametrize(
    "number",
    [
        "+49 30 901820", "+49 (0)30 901820", "+44 (0) 20 7946 0018 ext. 12", "(+49) 30 901820", "+1 (212) 555-0192",
        "(030) 901820-11", "030/901820 Durchwahl 44", "+33 (0)1 42 68 53 00 poste 12", "1-800-555-0199",
        "212-555-0192 x123", "0171 1234567", "212.555.0192",
    ],
)  # fmt: skip
def test_a_number_is_masked_whole(numbers, number):
    """Country code, bracketed trunk zero and extension belong to it; no plus sign stays before it."""
    assert numbers(f"Reach us under {number}, any day") == [number]


@pytest.mark.parametrize(
    "text", ["Fax: 555-0192", "phone no. 555-0192", "Tel. 99 00 11 22", "Telefon: 0123 / 45 67 89"]
)
def test_a_label_is_enough_for_a_local_number(numbers, text):
    """A number that no numbering plan knows is one when the text says so."""
    [found] = numbers(text)
    assert text.endswith(found)


@pytest.mark.parametrize(
    "text",
    ["NDC 18328-3650-68", "item 936-98858-05", "budget line 2027-168396", "part number 6664-59-647", "phone model 12"],
)
def test_codes_are_no_numbers(numbers, text):
    """Hyphens that part the digits as in no telephone number tell a code."""
    assert numbers(text) == []


def test_growth_takes_a_country_code_and_no_other_number():
    """A plus sign brings its country code along; a number in brackets, without one, stays."""
    assert whole("+49 30 1234567", 4, 14) == (0, 14)
    assert whole("(12) 212-555-0192 and x 5", 5, 17) == (5, 17)
    assert whole("a + b 212-555-0192", 6, 18) == (6, 18)


def test_odd_groups_are_told():
    """The groups of a drug's code, and those of a number."""
    assert oddly_grouped("18328-3650-68")
    assert not oddly_grouped("212-555-0192")
