"""What a connector yields: items as the source has them, and the marks between them.

Imported through :mod:`ragkit.types`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


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
        complete: True when the source has now been listed whole since the pass began at ``cursor=None``. Items
            not seen in that pass are deletions. The next pass starts at ``None``. Sources that report their own
            deletions never set it.
    """

    cursor: str | None
    complete: bool = False

    def __repr__(self) -> str:
        return f"Checkpoint(complete={self.complete})"


Change = Upsert | Delete | Checkpoint
