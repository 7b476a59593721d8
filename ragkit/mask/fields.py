"""The texts of one document that can hold personal data, and how detectors should read each.

Text, title, file name, URI and metadata values are all masked. File names and paths glue words with ``_`` and ``-``,
and ``galip.yalman@x.de.eml`` is no valid address before its ``.eml`` is taken off: such fields are also read as words
(:mod:`ragkit.mask.glued`). A title is often a file name without its extension, and a metadata value a folder.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ragkit.mask.filenames import likely_names
from ragkit.mask.glued import EXTENSION, Reading, blank_extension, is_glued, unglued
from ragkit.types import Document
from ragkit.wordlists import folded

_TECHNICAL_KEYS = re.compile(
    r"(?:name|author|owner|user|customer|client|from|to|cc|bcc|sender|recipient|contact|person|patient|employee|"
                             r"creator|editor|assignee|reporter|manager|by|kunde|autor|auteur|cliente)"
                             r"$", re.IGNORECASE)  # fmt: skip
_LABEL = "Full name"


@dataclass(frozen=True, slots=True, repr=False)
class Field:
    """One text of a document.

    Attributes:
        slot: ``text``, ``title``, ``name``, ``uri`` or ``meta:<key>``.
        glued: True for file names, paths and what is written like one.
        label: For metadata, a key that says the value names a person; empty otherwise.
    """

    slot: str
    text: str
    glued: bool = False
    label: str = ""

    def readings(self) -> list[Reading]:
        """What detectors read, each with the way back to this field's positions."""
        plain = Reading(self.text)
        if self.slot == "text" or not self.text:
            return [plain]
        readings = [plain]
        if self.label:
            readings.append(
                (unglued(self.text, keep_extension=True) if self.glued else plain).titled().labelled(self.label)
            )
        if self.glued:
            spaced, parted = unglued(self.text), unglued(self.text, camel=True)
            whole = unglued(self.text, keep_extension=True)  # "galina.smith" has no extension
            readings += [Reading(blank_extension(self.text)), spaced, *(r.titled() for r in (spaced, parted, whole))]
            readings += [reading.labelled(_LABEL) for reading in likely_names(parted.titled())]
        return list({reading.text: reading for reading in readings}.values())

    def spellings(self) -> list[Reading]:
        """What names found elsewhere in the document are looked for in."""
        if self.slot == "text" or not self.text:
            return [Reading(self.text)]
        readings = (Reading(self.text), unglued(self.text), unglued(self.text, camel=True))
        return list({reading.text: reading for reading in readings}.values())


def _is_file(value: str) -> bool:
    """Whether it ends with an extension, and not with a surname (``galina.smith``)."""
    extension = EXTENSION.search(value)
    return extension is not None and extension[0][1:].lower() not in folded("family")


def fields(document: Document) -> Iterator[Field]:
    """Every field of a document, text first."""
    yield Field("text", document.text)
    yield Field("title", document.title, glued=document.title == document.name or is_glued(document.title))
    yield Field("name", document.name, glued=True)
    if document.uri is not None:
        yield Field("uri", document.uri, glued=True)
    for key, value in document.metadata.items():
        path = value.startswith(("/", "./", "file:")) or _is_file(value)
        label = _LABEL if _TECHNICAL_KEYS.search(key) and not path else ""
        yield Field(f"meta:{key}", value, glued=path or is_glued(value), label=label)
