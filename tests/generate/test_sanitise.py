"""What a model writes, made safe to show."""

from __future__ import annotations

import random
import re

import pytest

from ragkit.generate.sanitise import LINK_REMOVED, SanitiseStream, sanitise
from ragkit.testing.obedient import carriers, live_content

TOKEN = "[PERSON:K7F3QX9M2T-4B]"
UNSAFE = re.compile(
    r"\]\(|!\[|<[A-Za-z/!?]|[A-Za-z][A-Za-z0-9+-]{1,30}://|(?i:www)\.\w|(?i:javascript|vbscript):[\w/]|[\u200b\u202e\U000e0041]"
)


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("![x](http://evil.example/a?b=c)", "x"),
        ("See [this](https://evil.example) page", "See this page"),
        ("[a][ref]\n\n[ref]: http://evil.example/x", "a\n\n"),
        ("[ref]\n\n- [ref]: <http://evil.example/x> 'title'", "[ref]\n\n- "),
        ("<img src=x onerror=alert(1)> hi", " hi"),
        ("<https://evil.example>", LINK_REMOVED),
        ("[x](javascript:alert(1)) y", "x y"),
        ("[![i](u)](v)", "i"),
        (f"{TOKEN}(mailto:x@y.example)", TOKEN),
        ("wow![1]", "wow! [1]"),
        ("[1](see there)", "[1] (see there)"),
        ("[1](https://evil.example)", "[1]"),
        ("ht<b>tp://evil.example", f"ht {LINK_REMOVED}"),
        ("&lt;img src=x&gt;", "‹img src=x›"),
        ("hidden\u200b \U000e0041text\u202e", "hidden text"),
        ("//evil.example/x", LINK_REMOVED),
        (f"{TOKEN}:/\\evil.example", f"{TOKEN} :/\\evil.example"),
        ("write to <a@b.example>", "write to a@b.example"),
    ],
)
def test_what_loads_links_or_hides_is_taken_out(written: str, shown: str) -> None:
    """Images, links in every form, raw HTML and unseen characters go; their words stay."""
    assert sanitise(written)[0] == shown


@pytest.mark.parametrize(
    "text",
    [
        "a < b and c > d, x <= 3 and y -> z",
        f"See {TOKEN}: manager, [1][2] and [1, 2].",
        "matrix[i][j] = f(x) & g(y)",
        "Tel:+49 40 123; data: 5 items; JavaScript: The Good Parts",
        "| a | b |\n|---|---|\n| 1 | 2 |",
        "**Bold** `code` _it_ 1. item",
        "می\u200cخواهم और क\u094d\u200dष",
        "他说：很好（真的）。「是」",
        "R&D at AT&T [sic] (see note)",
    ],
)
def test_honest_text_stays(text: str) -> None:
    """Comparisons, tokens, citations, code, tables and the joiners of other scripts are not touched."""
    assert sanitise(text) == (text, 0)


def test_an_address_of_the_sources_is_shown_so_that_nothing_links_it() -> None:
    """Word for word in a source it may be read; anything else could carry data and goes."""
    known = {"https://shop.example/returns"}.__contains__
    assert sanitise("See https://shop.example/returns.", known) == ("See shop[.]example/returns.", 1)
    assert sanitise("See https://shop.example/returns?d=c2VjcmV0", known) == (f"See {LINK_REMOVED}", 1)


@pytest.mark.parametrize("name", carriers("secret"))
def test_no_carrier_of_the_worst_model_survives(name: str) -> None:
    """Each shape that takes data out of a rendered answer is dead, by itself and within a sentence."""
    shape = carriers("the secret " * 200)[name]
    for text in (shape, f"It says so [1]. {shape} and more", f"> - {shape}"):
        shown, removed = sanitise(text)
        assert live_content(shown) == {}
        assert removed
        assert not UNSAFE.search(shown)


def test_any_cut_gives_the_same_and_a_second_time_changes_nothing() -> None:
    """Random nonsense of dangerous parts: cut anywhere, sanitised twice, and never unsafe."""
    rng = random.Random(11)
    parts = [
        "[",
        "]",
        "(",
        ")",
        "!",
        "<",
        ">",
        "&",
        "#",
        ";",
        ":",
        "//",
        "http",
        "https://",
        "www.",
        "evil.example",
        "\n",
    ]
    parts += [
        " ",
        "a",
        "1",
        "[1]",
        "![",
        "](",
        "[a]: ",
        "javascript:",
        "data:text/html,",
        "<b>",
        "<script",
        "<!--",
        "-->",
    ]
    parts += [
        "\\",
        "'",
        '"',
        "&lt;",
        "\u200b",
        "mailto:",
        "a@b.c",
        TOKEN,
        "- ",
        "> ",
        "<img src=",
        "``",
        "^1",
        "é",
        "。",
        ".",
    ]

    def known(address: str) -> bool:
        return "evil" in address

    for _ in range(1500):
        text = "".join(rng.choices(parts, k=rng.randint(1, 25)))
        shown, removed = sanitise(text, known)
        stream, streamed, at = SanitiseStream(known), "", 0
        while at < len(text):
            piece = text[at : at + rng.choice([1, 2, 7])]
            streamed += stream.feed(piece)
            at += len(piece)
        assert (streamed + stream.flush(), stream.removed) == (shown, removed)
        assert sanitise(shown, known)[0] == shown
        assert not UNSAFE.search(shown)
        assert not live_content(shown).keys() - {"bare"}  # which takes "www.[" for an address


def test_plain_text_is_not_held_back() -> None:
    """Only a word that could become an address waits for its end."""
    stream = SanitiseStream()
    assert stream.feed("The warranty lasts 24 months. And") == "The warranty lasts 24 months. "
    assert stream.feed(" it") == "And "
    assert stream.flush() == "it"


@pytest.mark.parametrize(
    "text", ["[" * 8_000, "[a](" * 3_000, "<a " * 3_000, "&a" * 3_000, "![x" * 3_000, "a" * 20_000]
)
def test_hostile_text_takes_no_quadratic_time(text: str) -> None:
    """Eight thousand open brackets are read in a moment, in pieces too."""
    stream = SanitiseStream()
    shown = "".join(stream.feed(text[at : at + 50]) for at in range(0, len(text), 50)) + stream.flush()
    assert not UNSAFE.search(shown)
