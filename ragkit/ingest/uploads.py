"""Uploaded documents as a source: what callers hand in, kept by ragkit itself, encrypted.

::

    [[collections.handbook.sources]]
    connector = "uploads"
    name = "uploads"

A pass reads what changed since the last one: the cursor is the number of the last change, and who may see what came
without an access list. It never lists a source whole to see what is missing, since each deletion is a change of its
own. A new masking policy reads every original again, and so does another access list in the configuration, which is to
take effect in the next sync. One that was destroyed with a person it names is neither read nor missed: what is indexed
of it stays.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from ragkit.errors import KeyMismatch, SourceError, StoreError
from ragkit.store.originals import Originals
from ragkit.store.uploads import UploadRow, UploadRows
from ragkit.types import Change, Checkpoint, Delete, SourceItem, Upsert

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Kept:
    """Where the originals of one collection are.

    Attributes:
        rows: Which there are.
        files: What they are.
        access: Who may see what neither came with an access list nor has one of its source.
    """

    rows: UploadRows = field(repr=False)
    files: Originals = field(repr=False)
    access: frozenset[str] = frozenset()

    def read(self, row: UploadRow, *, limit: int | None = None) -> tuple[dict[str, Any], bytes] | None:
        """Return header and content of an original; ``None`` when it is destroyed. Raises as :meth:`Originals.read`."""
        key = self.rows.key(row.file) if row.file else None
        return self.files.read(row.file, key, limit=limit) if key is not None else None


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadsConnector:
    """Reads what was uploaded.

    Args:
        name: The source's name in the configuration.
        access: Who may see uploads that came without an access list of their own; ``None`` takes the collection's.
        max_bytes: A larger upload is refused with the problem ``too-large``.
        kept: Where the originals are; given by ragkit, never by the configuration.
        checkpoint_every: Uploads between checkpoints.
    """

    name: str
    access: Sequence[str] | None = None
    max_bytes: int = 50 * MIB
    kept: Kept | None = None
    checkpoint_every: int = 50

    def changes(self, cursor: str | None) -> Iterator[Change]:
        """Give what changed after ``cursor``, which a checkpoint of before told, oldest change first.

        Raises:
            SourceError: It was made without a workspace, or the key file cannot be read.
        """
        if self.kept is None:
            raise SourceError(
                "the uploads of a workspace are read through the workspace", remedy="Use `workspace.sync()`."
            )
        try:
            reached, _, seen_by = (cursor or "0").partition("/")
            after, last = int(reached), self.kept.rows.last()
            # A key file from a copy may know of fewer changes than the cursor: then everything is looked at again.
            after = after if after <= last and seen_by == self._seen_by else 0
            rows = self.kept.rows.changed(self.name, after=after)
        except StoreError as bad:
            raise SourceError(f"the uploads cannot be listed: {bad}", remedy=bad.remedy) from None
        for number, row in enumerate(rows, start=1):
            if row.state == "gone":
                yield Delete(row.upload)
            elif (item := self._item(self.kept, row)) is not None:
                yield Upsert(item)
            after = row.seq
            if number % self.checkpoint_every == 0:
                yield Checkpoint(f"{row.seq}/{self._seen_by}")
        yield Checkpoint(f"{after}/{self._seen_by}")

    @property
    def _seen_by(self) -> str:
        """What stands in a cursor for the access list of uploads that came without one."""
        own = self.access if self.access is not None else self.kept.access if self.kept is not None else ()
        return hashlib.sha256("\0".join(sorted(own)).encode()).hexdigest()[:16]

    def _item(self, kept: Kept, row: UploadRow) -> SourceItem | None:
        try:
            found = kept.read(row, limit=self.max_bytes)
        except (StoreError, KeyMismatch):
            return SourceItem(native_id=row.upload, content=b"", name="upload", problem="unreadable")
        if found is None:
            return None
        header, content = found
        return item_of(row.upload, header, content, access=self.access)


def item_of(
    upload: str, header: Mapping[str, Any], content: bytes, *, access: Sequence[str] | None = None
) -> SourceItem:
    """Return an upload as a source item, given its header and content; ``access`` is that of its source."""
    own = header["access"] if header["access"] is not None else access
    return SourceItem(
        native_id=upload,
        content=content,
        name=header["name"],
        media_type=header["media_type"] or None,
        title=header["title"] or None,
        modified=datetime.fromisoformat(header["at"]).astimezone(UTC),
        access=None if own is None else frozenset(own),
        metadata=header["metadata"],
        problem="too-large" if header["size"] and not content else None,
    )
