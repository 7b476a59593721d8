"""What :class:`ragkit.documents.room.Documents` returns: masked views, ids, counts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from ragkit.types import Masked

Original = Literal["kept", "destroyed", "elsewhere"]
"""Where the original of a document is: kept here, destroyed (with a person it named), or at the source."""
Status = Literal["indexed", "waiting"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Uploaded:
    """A document that was handed in.

    Attributes:
        doc_id: Its id, opaque; the same again for the same ``external_id``.
        collection: Where it is.
        source: Name of the source of uploads.
        status: ``indexed``, or ``waiting`` until the next sync, because somebody else is writing.
        version: Number of the version that answers; 0 while it waits.
        chunks: How many passages it has; 0 while it waits.
    """

    doc_id: str
    collection: str
    source: str
    status: Status
    version: int = 0
    chunks: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Deleted:
    """A document that was deleted: nobody finds it any more, and nothing opens its original.

    Attributes:
        finished: False where its rows go with the next sync only, because somebody else is writing.
    """

    doc_id: str
    collection: str
    finished: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentView:
    """A document as a reader may see it, masked.

    Attributes:
        doc_id: Its id, opaque.
        collection: Where it is.
        source: Name of its source.
        connector: What reads that source; ``uploads`` for what was handed in.
        title: Masked; empty while it waits.
        media_type: As it was read.
        version: Number of the version that answers; how often it was taken in or changed.
        chunks: How many passages it has.
        indexed_at: When this content was first taken in, ISO 8601, UTC.
        changed_at: When the version that answers was made.
        metadata: Masked.
        original: Where the original is.
        status: ``waiting`` for what was handed in and no sync has taken in yet; only who handed it in sees that.
    """

    doc_id: str
    collection: str
    source: str
    connector: str
    title: Masked = field(default=Masked(""), repr=False)
    media_type: str = ""
    version: int = 0
    chunks: int = 0
    indexed_at: str = ""
    changed_at: str = ""
    metadata: Mapping[str, Masked] = field(default_factory=dict, repr=False)
    original: Original = "elsewhere"
    status: Status = "indexed"


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentPage:
    """Some documents. ``cursor`` goes on after them; empty at the end."""

    documents: tuple[DocumentView, ...]
    cursor: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """A stretch of a document, masked.

    Attributes:
        passage: Its number, as in hits and citations; another when the document changes.
        place: Its place in the document, from 0.
        heading: The path of headings above it.
        text: Record view.
        page: Page number, where the format has pages.
    """

    passage: int
    place: int
    heading: Masked = field(repr=False)
    text: Masked = field(repr=False)
    page: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PassagePage:
    """Some passages in order. ``cursor`` goes on after them; empty at the end."""

    passages: tuple[Passage, ...]
    cursor: str = ""
