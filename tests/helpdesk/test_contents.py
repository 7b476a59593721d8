"""An answer cut into sentences: each has the sources of the markers that stand in it or right behind it."""

from __future__ import annotations

import pytest

from ragkit.helpdesk.contents import split


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Lasts five years. [1] Returns are free. [2]", [("Lasts five years.", [1]), (" Returns are free.", [2])]),
        ("Lasts five years.[1] Returns are free.[2][3]", [("Lasts five years.", [1]), (" Returns are free.", [2, 3])]),
        ("The price is £4.95. [1] Up to 30 kg. [2]", [("The price is £4.95.", [1]), (" Up to 30 kg.", [2])]),
        ('He said "good." [1]\nThen he left. [2]', [('He said "good."', [1]), ("\nThen he left.", [2])]),
        ("Lasts 5 yrs [1] and is free [2]. Next. [3]", [("Lasts 5 yrs and is free.", [1, 2]), (" Next.", [3])]),
        ("- One thing [1]\n- Another [2]\n", [("- One thing", [1]), ("\n- Another\n", [2])]),
        ("Five years. It is long. [1]", [("Five years.", [1]), (" It is long.", [1])]),
        ("It lasts, e.g. [1] for tents, long. [2]", [("It lasts, e.g. for tents, long.", [1, 2])]),
    ],
)
def test_a_marker_belongs_to_the_sentence_it_stands_behind(text: str, expected: list[tuple[str, list[int]]]) -> None:
    """Glued to the full stop, behind an amount, a quotation, or in the middle: never to the sentence after."""
    assert [(one["text"], one["sources"]) for one in split(text)] == expected
