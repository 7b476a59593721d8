"""What a connector yields: items as the source has them, and the marks between them.

Imported through :mod:`ragkit.types`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Trust(StrEnum):
    """Who may write into a source, and so how far what it says is believed (OWASP LLM04, LLM08)."""

    TRUSTED = "trusted"
    """Reviewed: handbooks, policies, a wiki with an owner."""
    INTERNAL = "internal"
    """Anybody in the company."""
    EXTERNAL = "external"
    """Anybody at all: mail from outside, tickets, web pages. Never fills a result alone while others are at hand."""


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a chunk comes from.

    Attributes:
        source: Name of the source in the configuration; empty where it is not known.
        trust: How far the source is trusted, by the configuration of its last sync.
        indexed_at: When this version of the document was made, ISO 8601, UTC.
    """

    source: str = ""
    trust: Trust = Trust.INTERNAL
    indexed_at: str = ""


UNKNOWN = Provenance()
"""Of a chunk that no source is known of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceItem:
    """One item as the source has it. Raw: never leaves the way to the masker.

    Attributes:
        native_id: The source's own stable identity (a relative path, a message id, a key). Personal data until masked.
        content: The bytes.
        name: File name or the like, used for the title when there is no better one.
        media_type: As the source declares it; the parser checks it against the bytes.
        title: The source's own title, if it has one.
        uri: Where a person would find the item at the source.
        version: The source's version mark (ETag, revision), if it has one.
        modified: Last change at the source, with time zone.
        access: Access tokens allowed to see the item. ``None`` takes the collection's; unknown means nobody.
        metadata: Flat key to text. Only keys whitelisted in the configuration can be filtered on.
        problem: Why the connector could not hand over the content, as a short stable code (``too-large``,
            ``unreadable``). ``content`` is then empty and the item is quarantined under that code, so that it is seen
            and not lost.
    """

    native_id: str
    content: bytes
    name: str
    media_type: str | None = None
    title: str | None = None
    uri: str | None = None
    version: str | None = None
    modified: datetime | None = None
    access: frozenset[str] | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    problem: str | None = None

    def __repr__(self) -> str:
        return f"SourceItem({len(self.content)} bytes, media_type={self.media_type!r})"


@dataclass(frozen=True, slots=True)
class Upsert:
    """The item exists at the source, new or changed or as before; the sync engine tells which."""

    item: SourceItem


@dataclass(frozen=True, slots=True)
class Listed:
    """The item exists at the source; its content was not read.

    For sources whose listing is cheap and whose content is not (a bucket, a mailbox, a table). What ragkit does not
    have in this version it asks for by :meth:`ragkit.protocols.Fetches.fetch`; the rest costs no content.

    Attributes:
        native_id: As in :class:`SourceItem`.
        version: The version mark that the item itself will carry. ``None`` says that it is as it was before.
        access: As in :class:`SourceItem`; a change is carried out without reading the content.
    """

    native_id: str
    version: str | None = None
    access: frozenset[str] | None = None

    def __repr__(self) -> str:
        return "Listed(…)"


@dataclass(frozen=True, slots=True)
class Unlisted:
    """A part of the source is there and could not be looked into in this pass, such as a folder that may not be read.

    What is known of it is neither met nor gone: nobody may see it until a pass tells of it again, and nothing of it is
    deleted or has to be read again.

    Attributes:
        within: What the native ids of all that it holds begin with.
    """

    within: str

    def __repr__(self) -> str:
        return "Unlisted(…)"


@dataclass(frozen=True, slots=True)
class Delete:
    """The item with this native id is gone from the source."""

    native_id: str

    def __repr__(self) -> str:
        return "Delete(…)"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Everything before this is safe to forget once it is stored.

    Attributes:
        cursor: What to hand to ``changes`` to go on from here; opaque to ragkit, stored encrypted.
        complete: True when this pass has named every item of the source, as :class:`Upsert` or :class:`Listed`. Items
            not named in it, and not in a part that is :class:`Unlisted`, are deletions. The next pass starts at
            ``cursor``, mostly ``None``: a source that remembers something from pass to pass (the ETags of pages) hands
            it over there. Sources that report their own deletions never set it.
    """

    cursor: str | None
    complete: bool = False

    def __repr__(self) -> str:
        return f"Checkpoint(complete={self.complete})"


Change = Upsert | Listed | Unlisted | Delete | Checkpoint
