"""Damage to texts as it is met in practice, with the spans kept exact.

Every kind of noise says for each character what stands in its place and what is put before it; the spans follow.
"""
# ruff: noqa: ARG001, E501

from __future__ import annotations

import random
import unicodedata
from collections.abc import Callable

Span = tuple[int, int, str]
Edit = tuple[list[str], dict[int, str]]


def apply(text: str, spans: list[Span], edit: Edit) -> tuple[str, list[Span]]:
    """The edited text and its spans; a span that lost all its letters is dropped."""
    body, before = edit
    out: list[str] = []
    starts, ends, length = [], [], 0
    for index in range(len(text) + 1):
        ends.append(length)
        extra = before.get(index, "")
        length += len(extra)
        starts.append(length)
        piece = body[index] if index < len(text) else ""
        out.append(extra + piece)
        length += len(piece)
    edited = "".join(out)
    moved = []
    for start, end, label in spans:
        left, right = starts[start], ends[end]
        value = edited[left:right]
        left += len(value) - len(value.lstrip())
        right -= len(value) - len(value.rstrip())
        if right > left:
            moved.append((left, right, label))
    return edited, moved


def lower(text: str, spans: list[Span], rng: random.Random) -> Edit:
    """All in lower case."""
    return [char.lower() for char in text], {}


def upper(text: str, spans: list[Span], rng: random.Random) -> Edit:
    """All in upper case."""
    return [char.upper() for char in text], {}


def headline(text: str, spans: list[Span], rng: random.Random) -> Edit:
    """Every word with a capital."""
    return [
        char.upper() if i == 0 or (not text[i - 1].isalnum() and text[i - 1] not in "'’") else char
        for i, char in enumerate(text)
    ], {}


def unaccented(text: str, spans: list[Span], rng: random.Random) -> Edit:
    """Accents dropped."""
    return ["".join(c for c in unicodedata.normalize("NFD", char) if not unicodedata.combining(c)) for char in text], {}


def typos(text: str, spans: list[Span], rng: random.Random) -> Edit:
    """A few letters dropped, doubled or changed."""
    body = list(text)
    for index, char in enumerate(text):
        if char.isalpha() and rng.random() < 0.025:
            body[index] = rng.choice(("", char * 2, rng.choice("aeionrst")))
    return body, {}


def unpunctuated(text: str, spans: list[Span], rng: random.Random) -> Edit:
    """Commas and full stops lost, but not between digits or letters."""
    body = list(text)
    for index, char in enumerate(text):
        if char in ".,;!?" and (index + 1 == len(text) or text[index + 1].isspace()) and rng.random() < 0.8:
            body[index] = ""
    return body, {}


def detokenised(text: str, spans: list[Span], rng: random.Random) -> Edit:
    """Spaces around punctuation, as texts look that were cut into tokens and joined."""
    before = {}
    for index, char in enumerate(text):
        if char in ".,;:!?()\"'’" and not char.isspace():
            if index and not text[index - 1].isspace() and not text[index - 1].isdigit():
                before[index] = " "
            if (
                index + 1 < len(text)
                and not text[index + 1].isspace()
                and not text[index + 1].isdigit()
                and char not in ".:"
            ):
                before[index + 1] = " "
    return list(text), before


def rewrapped(text: str, spans: list[Span], rng: random.Random) -> Edit:
    """Lines broken at a fixed width, which falls inside names and addresses."""
    body, width, column = list(text), rng.randint(18, 70), 0
    for index, char in enumerate(text):
        column = 0 if char == "\n" else column + 1
        if char == " " and column > width:
            body[index], column = rng.choice(("\n", "\n", "\r\n", "\n  ")), 0
    return body, {}


def spaced(text: str, spans: list[Span], rng: random.Random) -> Edit:
    """Double, non-breaking and missing-then-doubled spaces, as scans give."""
    return [
        rng.choice(("  ", "\u00a0", "\t", " \n")) if char == " " and rng.random() < 0.12 else char for char in text
    ], {}


def marked(text: str, spans: list[Span], rng: random.Random) -> Edit:
    """Markdown: values in bold, italic or code, lines as bullets or quotations."""
    before: dict[int, str] = {}
    sign = rng.choice(("**", "*", "`", "_", "__"))
    if rng.random() < 0.6:
        for start, end, _ in spans:
            if rng.random() < 0.6:
                before[start] = before.get(start, "") + sign
                before[end] = sign + before.get(end, "")
    lead = rng.choice(("> ", "- ", "* ", "", "# ", "1. "))
    for index in range(len(text)):
        if (index == 0 or text[index - 1] == "\n") and not any(start < index < end for start, end, _ in spans):
            before[index] = lead + before.get(index, "")
    return list(text), before


def quoted(text: str, spans: list[Span], rng: random.Random) -> Edit:
    """Values in quotation marks."""
    left, right = rng.choice(("“”", '""', "''", "«»", "„“", "()", "[]"))
    before: dict[int, str] = {}
    for start, end, _ in spans:
        if rng.random() < 0.4:
            before[end] = right + before.get(end, "")
            before[start] = before.get(start, "") + left
    return list(text), before


KINDS: tuple[tuple[Callable[[str, list[Span], random.Random], Edit], int], ...] = (
    (lower, 8), (upper, 4), (headline, 2), (unaccented, 2), (typos, 3), (unpunctuated, 3), (detokenised, 4), (rewrapped, 4),
    (spaced, 2), (marked, 4), (quoted, 1),
)  # fmt: skip


def add(text: str, spans: list[Span], rng: random.Random) -> tuple[str, list[Span]]:
    """One kind of noise, drawn by its weight."""
    kind = rng.choices([kind for kind, _ in KINDS], [weight for _, weight in KINDS])[0]
    return apply(text, spans, kind(text, spans, rng))
