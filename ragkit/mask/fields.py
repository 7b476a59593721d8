"""The texts of one document that can hold personal data, and how detectors should read each.

Text, title, file name, URI and metadata values are all masked. File names and paths glue words with ``_`` and ``-``,
and
``galip.yalman@x.de.eml`` is no valid address before its ``.eml`` is taken off: such fields are also read with their
separators as spaces and their extension blanked. Positions never move.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ragkit.types import Document

_GLUE = str.maketrans({"_": " ", "-": " ", "+": " ", ".": " ", "/": "\n", "\\": "\n"})
_SLASHES = str.maketrans("/\\", "\n\n")
_EXTENSION = re.compile(r"\.[A-Za-z][A-Za-z0-9]{1,4}(?:\.(?:gz|zip|bz2))?$")
_PERCENT = re.compile(r"%[0-9A-Fa-f]{2}")
_TECHNICAL_KEYS = re.compile(
    r"(?:name|author|owner|user|customer|client|from|to|cc|bcc|sender|recipient|contact|person|patient|employee|"
                             r"creator|editor|assignee|reporter|manager|by|kunde|autor|auteur|cliente)"
                             r"$", re.IGNORECASE)  # fmt: skip


@dataclass(frozen=True, slots=True, repr=False)
class Field:
    """One text of a document.

    Attributes:
        slot: ``text``, ``title``, ``name``, ``uri`` or ``meta:<key>``.
        glued: True for file names and paths, where ``_`` and ``-`` stand between words.
        label: For metadata, a key that says the value names a person; empty otherwise.
    """

    slot: str
    text: str
    glued: bool = False
    label: str = ""

    def readings(self) -> list[tuple[str, int]]:
        """What detectors read, each with what to take off its positions to get this field's."""
        if self.slot == "text" or not self.text:
            return [(self.text, 0)]
        if self.label:
            return [(self.text, 0), (f"{self.label}: {_titled(self.text)}", len(self.label) + 2)]
        if not self.glued:
            return [(self.text, 0)]
        stem = _EXTENSION.sub(lambda match: " " * len(match[0]), self.text)
        spaced = _PERCENT.sub("   ", stem).translate(_GLUE)
        # A local part may hold "/", so a path has to end before an address begins.
        return [(self.text, 0), (stem.translate(_SLASHES), 0), (spaced, 0), (_titled(spaced), 0)]


def _titled(text: str) -> str:
    """Title case without moving a position: ``galip yalman`` in a file name is ``Galip Yalman``."""
    return "".join(
        char.upper() if (not at or not text[at - 1].isalnum()) and len(char.upper()) == 1 else char
        for at, char in enumerate(text)
    )


def fields(document: Document) -> Iterator[Field]:
    """Every field of a document, text first."""
    yield Field("text", document.text)
    looks_like_file = document.title == document.name or bool(_EXTENSION.search(document.title))
    yield Field("title", document.title, glued=looks_like_file)
    yield Field("name", document.name, glued=True)
    if document.uri is not None:
        yield Field("uri", document.uri, glued=True)
    for key, value in document.metadata.items():
        path = value.startswith(("/", "./", "file:")) or bool(_EXTENSION.search(value))
        label = "Full name" if _TECHNICAL_KEYS.search(key) else ""
        yield Field(f"meta:{key}", value, glued=path, label="" if path else label)
