"""Numbers and identifiers, however they are written."""

from __future__ import annotations

import pytest

from ragkit.generate.figures import figures, readings


@pytest.mark.parametrize(
    ("answer", "source"),
    [
        ("1,234.50 €", "1.234,5 EUR"),
        ("1234", "1 234 items"),
        ("5 March 2024", "on 05.03.2024"),
        ("05.03.2024", "2024-03-05"),
        ("RX-78", "the RX78 lamp"),
        ("within 24h", "within 24 hours"),
        ("12.50", "12,5"),
        ("007", "7"),
        ("Ada@Shop.example", "write to ada@shop.example"),
        ("1,234", "1234"),
        ("3.2.1", "version 3.2.1"),
        ("the 5th day", "5 days"),
        ("1. First", "no number at all"),
    ],
)
def test_two_ways_to_write_one_figure_are_equal(answer: str, source: str) -> None:
    """Separators, leading zeros, order of dates, units and the marks of lists make no difference."""
    known = readings(source)
    assert all(read & known for read in figures(answer).values())


@pytest.mark.parametrize(
    ("answer", "source"),
    [("24 months", "12 months"), ("RX-79", "RX-78"), ("1,5", "15"), ("2025", "2024"), ("a@b.example", "a@c.example")],
)
def test_another_figure_is_another(answer: str, source: str) -> None:
    """A wrong digit is found."""
    known = readings(source)
    assert not all(read & known for read in figures(answer).values())


def test_tokens_hold_no_figures() -> None:
    """The random signs of a token are not numbers of the text."""
    assert figures("[PERSON:K7F3QX9M2T-4B] paid 3") == {"3": frozenset({"3"})}
