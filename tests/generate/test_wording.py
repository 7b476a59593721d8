"""What a reader sees of a quote."""

from __future__ import annotations

import pytest

from ragkit.generate.pieces import Kind, Piece
from ragkit.generate.wording import show

TOKEN = "[PERSON:K7F3QX9M2T-4B]"


@pytest.mark.parametrize(
    ("kind", "quote", "shown"),
    [
        ("sentence", "See **all** *our* [terms](https://x.example/a) at\n`Shop`.", "See all our terms at Shop."),
        ("sentence", f"Ask {TOKEN}(agent), 2 * 3 * 4, a_b_c.", f"Ask {TOKEN}(agent), 2 * 3 * 4, a_b_c."),
        ("list", "You need:\n\n- **a pass**\n\n- a photo", "You need:\n- a pass\n- a photo"),
        ("row", "| Desk \\| oak | 5 | |", "Desk | oak; 5"),
        ("code", "x = a * b * c\n\n# end", "x = a * b * c\n\n# end"),
    ],
)
def test_marks_go_and_words_and_tokens_stay(kind: Kind, quote: str, shown: str) -> None:
    """Emphasis, links and escapes are read, not shown; masked tokens, sums and code are left alone."""
    assert show(quote, Piece(0, len(quote), kind)) == shown
