"""Citation markers, in whatever form a model writes them."""

from __future__ import annotations

import random

import pytest

from ragkit.generate.citing import MarkerStream, Renumbering, cited, mark, without_marks


def read(text: str, sources: int = 3, piece: int = 1000) -> tuple[str, int]:
    """A text with marks, and how many markers were invented."""
    stream = MarkerStream(sources)
    parts = [stream.feed(text[at : at + piece]) for at in range(0, len(text), piece)]
    return "".join(parts) + stream.flush(), stream.invented


ONE, TWO, THREE = mark(1), mark(2), mark(3)


@pytest.mark.parametrize(
    ("written", "marked", "invented"),
    [
        ("It is so [1].", f"It is so {ONE}.", 0),
        ("So [1, 2] and [1][3].", f"So {ONE}{TWO} and {ONE}{THREE}.", 0),
        ("So【2】 and ［3］", f"So{TWO} and {THREE}", 0),
        ("So [1-3].", f"So {ONE}{TWO}{THREE}.", 0),
        ("So [Source 1; source 2], [Quelle 3], [^2].", f"So {ONE}{TWO}, {THREE}, {TWO}.", 0),
        ("So 【1†L3-L9】.", f"So {ONE}.", 0),
        ("So [9]. Then", "So. Then", 1),
        ("So [1, 9] then [0]", f"So {ONE} then", 2),
        ("www[9].evil", "www. evil", 1),
        ("a [7] [8] b", "a b", 2),
        (
            "In [2019] and [PERSON:K7F3QX9M2T-4B] and [Figure 2]",
            "In [2019] and [PERSON:K7F3QX9M2T-4B] and [Figure 2]",
            0,
        ),
        ("【1】(https)", f"{ONE} (https)", 0),
    ],
)
def test_markers_are_read_and_checked(written: str, marked: str, invented: int) -> None:
    """Lists, ranges, other brackets and words before the number; what cites no source goes, and is counted."""
    assert read(written) == (marked, invented)
    assert read(written, piece=1) == (marked, invented)


def test_any_cut_gives_the_same() -> None:
    """Random bracket text reads the same in pieces."""
    rng = random.Random(3)
    parts = [
        "[",
        "]",
        "1",
        "9",
        ",",
        "-",
        " ",
        "a",
        ".",
        "!",
        "(",
        ":",
        "【",
        "】",
        "\n",
        "[1]",
        "[9]",
        "[1, 9]",
        "†",
        "é",
    ]
    for _ in range(3000):
        text = "".join(rng.choices(parts, k=rng.randint(1, 18)))
        assert read(text, piece=rng.choice([1, 2, 3])) == read(text)


def test_readers_meet_the_numbers_in_order() -> None:
    """The first source that is shown becomes 1."""
    numbers = Renumbering()
    assert numbers.show(f"So {THREE}. And {ONE}{THREE}.") == "So [1]. And [2][1]."
    assert numbers.sources == [3, 1]
    assert cited(f"So {THREE}{ONE}{THREE}.") == [3, 1]
    assert without_marks(f"So {THREE} {ONE}. And") == "So. And"
