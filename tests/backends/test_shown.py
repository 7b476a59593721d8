"""What is shown of a model's text does not depend on how it was cut into pieces."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from ragkit.backends.shown import ShownText

PARTS = st.lists(
    st.sampled_from(
        ["<think>", "</think>", "<thinking>", "</thinking>", "[THINK]", "[/THINK]", "<", "th", " ", "\n", "Two years",
         "STOP", "ST", "OP", "🙂", "\ud83d", "\ude42", "\x00", "\ufeff"]
    ),
    max_size=12,
)  # fmt: skip


def shown(pieces: list[str], stop: tuple[str, ...]) -> tuple[str, str, str, bool]:
    """What is shown in pieces, in all, and hidden."""
    heard = ShownText(stop)
    text = "".join([*map(heard.take, pieces), heard.end()])
    return text, heard.text, heard.hidden, heard.stopped


@settings(max_examples=200, deadline=None)
@given(parts=PARTS, stopping=st.booleans(), seed=st.integers(0, 2**32))
def test_any_cut_shows_the_same(parts: list[str], stopping: bool, seed: int) -> None:
    """Cut anywhere, the same is shown and the same is hidden; it is UTF-8, and no stop is in it."""
    text, stop = "".join(parts), ("STOP", "\n\n") if stopping else ()
    dice, pieces, place = random.Random(seed), [], 0
    while place < len(text):
        step = dice.choice([0, 1, 1, 2, 5])
        pieces.append(text[place : place + step])
        place += step
    whole, cut = shown([text], stop), shown(pieces, stop)
    assert whole == cut
    assert whole[0] == whole[1]
    assert isinstance((whole[0] + whole[2]).encode(), bytes)
    assert not any(one in whole[0] for one in stop)


def test_thoughts_are_hidden_wherever_they_are_cut() -> None:
    """A thought at the beginning is hidden with the blanks around it; a tag later in the text is text."""
    assert shown(["  <think>Hm</think>\n\nTwo <think>x"], ()) == ("Two <think>x", "Two <think>x", "Hm", False)
    assert shown(["<think>a</think><think>b</think>c"], ())[:3] == ("c", "c", "ab")
    assert shown(["<think>never ended"], ())[0] == ""
    assert shown(["a <", "b"], ())[0] == "a <b"


def test_text_is_shown_as_soon_as_it_may() -> None:
    """Only what may be the beginning of a stop is held back."""
    heard = ShownText(("STOP",))
    assert [heard.take(piece) for piece in ("Two", " yearsS", "T", "ill", "STOP", "no")] == [
        "Two", " years", "", "STill", "", "",
    ]  # fmt: skip
    assert heard.stopped
