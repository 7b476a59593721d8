"""File names, paths and identifiers as words: ``GalinaYalmanova%20invoice.pdf`` as ``Galina Yalmanova invoice``.

Detectors and the propagation of names read words; a file name glues them with ``_ - . +``, ``%20`` or a capital
letter. A :class:`Reading` is such a text with the way back to where each of its characters stands in the original.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from ragkit.types import Span

EXTENSION = re.compile(r"\.[A-Za-z][A-Za-z0-9]{1,4}(?:\.(?:gz|zip|bz2))?$")
_GLUE = frozenset("_-+.")
_SLASHES = str.maketrans("/\\", "\n\n")
_ESCAPES = re.compile(r"(?:%[0-9A-Fa-f]{2})+")
_SURE_GLUE = re.compile(r"[^\W_]_+[^\W_]|%[0-9A-Fa-f]{2}")
_ANY_GLUE = re.compile(r"[^\W_][+\-./\\]+[^\W_]|[a-z][A-Z]|[^\W\d_]\d|\d[^\W\d_]")
_PREFIXES = ("Mc", "Mac", "De", "Di", "La", "Le", "Van", "Fitz")

Piece = tuple[str, int, int]
"""A character of a reading, and where what it stands for begins and ends."""


@dataclass(frozen=True, slots=True, repr=False)
class Reading:
    """A text for the detectors, with the origin of each character; no origins where nothing moved.

    Attributes:
        text: What detectors read.
        pieces: Origin of each character, begin and end; ``(-1, -1)`` for one that was put in front.
    """

    text: str
    pieces: tuple[tuple[int, int], ...] | None = None

    def place(self, span: Span) -> Span | None:
        """The span in the original; ``None`` when it lies in what was put in front."""
        if self.pieces is None:
            return span
        if not 0 <= span.start < span.end <= len(self.pieces) or self.pieces[span.start][0] < 0:
            return None
        return replace(span, start=self.pieces[span.start][0], end=self.pieces[span.end - 1][1])

    def titled(self) -> Reading:
        """Every word with a capital: ``galip yalman`` in a file name is ``Galip Yalman``."""
        text = "".join(
            char.upper() if (not at or not self.text[at - 1].isalnum()) and len(char.upper()) == 1 else char
            for at, char in enumerate(self.text)
        )
        return Reading(text, self.pieces)

    def labelled(self, label: str) -> Reading:
        """The same behind a label, which tells the rules what stands here."""
        front = f"{label}: "
        pieces = self.pieces or tuple((at, at + 1) for at in range(len(self.text)))
        return Reading(front + self.text, ((-1, -1),) * len(front) + pieces)

    def cut(self, start: int, end: int) -> Reading:
        """A stretch of it."""
        pieces = self.pieces or tuple((at, at + 1) for at in range(len(self.text)))
        return Reading(self.text[start:end], pieces[start:end])


def is_glued(text: str) -> bool:
    """Whether words are glued here: by ``_``, an escape or an extension; in a single word, by anything."""
    if _SURE_GLUE.search(text) or EXTENSION.search(text):
        return True
    return not any(char.isspace() for char in text) and bool(_ANY_GLUE.search(text))


def blank_extension(text: str) -> str:
    """Spaces for the extension, and line ends for slashes: a local part may hold "/", so a path must end before it."""
    return EXTENSION.sub(lambda match: " " * len(match[0]), text).translate(_SLASHES)


def unglued(text: str, *, camel: bool = False, keep_extension: bool = False) -> Reading:
    """Spaces for what glues words, line ends for slashes, characters for escapes, nothing for the extension.

    Args:
        text: A file name, path or identifier.
        camel: Also part words at a capital letter and between letters and digits.
        keep_extension: Read the last word too: ``galina.smith`` has no extension, though it looks like one.
    """
    pieces = list(_pieces(text.translate(_SLASHES) if keep_extension else blank_extension(text)))
    if camel:
        pieces = list(_parted(pieces))
    return Reading("".join(char for char, _, _ in pieces), tuple((start, end) for _, start, end in pieces))


def words_of_name(name: str) -> str:
    """A name as words: ``GalinaYalmanova`` and ``Galina%20Yalmanova`` as ``Galina Yalmanova``; ``McDonald`` stays."""
    camel = name.isalnum() and not name.startswith(_PREFIXES)
    return (
        unglued(name, camel=camel, keep_extension=True).text
        if _SURE_GLUE.search(name) or _ANY_GLUE.search(name)
        else name
    )


def _pieces(text: str) -> Iterator[Piece]:
    position = 0
    for match in _ESCAPES.finditer(text):
        yield from _plain(text, position, match.start())
        yield from _unescaped(match[0], match.start())
        position = match.end()
    yield from _plain(text, position, len(text))


def _plain(text: str, start: int, end: int) -> Iterator[Piece]:
    for at in range(start, end):
        yield " " if text[at] in _GLUE else text[at], at, at + 1


def _unescaped(escapes: str, start: int) -> Iterator[Piece]:
    try:
        decoded = bytes.fromhex(escapes.replace("%", "")).decode()
    except UnicodeDecodeError:
        decoded = " " * (len(escapes) // 3)
    for char in decoded:
        end = start + 3 * (len(char.encode()))
        yield (" " if char in _GLUE or not char.isprintable() else "\n" if char in "/\\" else char), start, end
        start = end


def _parted(pieces: list[Piece]) -> Iterator[Piece]:
    for at, (char, start, end) in enumerate(pieces):
        if at and _begins_word(pieces[at - 1][0], char, pieces[at + 1][0] if at + 1 < len(pieces) else ""):
            yield " ", start, start
        yield char, start, end


def _begins_word(before: str, char: str, after: str) -> bool:
    if not (before.isalnum() and char.isalnum()):
        return False
    if before.isdigit() != char.isdigit():
        return True
    return char.isupper() and (before.islower() or (before.isupper() and after.islower()))
