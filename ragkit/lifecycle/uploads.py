"""What becomes of uploaded originals: taken in, refused, replaced, taken back, destroyed with a person or by a rule.

::

    reached = uploads.reached()
    ingestor.sync(uploads' connector)
    settled = uploads.settle("uploads", reached, naming=watch.naming)     # refused ones go, replaced ones go

What ragkit refuses is not kept: its key is destroyed, and the version before it answers on. An original that names an
erased person is destroyed too, while the document with the person redacted stays; the next change of the masking policy
finds nothing to mask again then, and says so (``hidden``).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ragkit.errors import ItemError, KeyMismatch, StoreError
from ragkit.ingest.uploads import Kept, item_of
from ragkit.lifecycle.erase_survey import Find, find_in_name
from ragkit.store.denials import Denials
from ragkit.store.items import standings
from ragkit.store.originals import FOLDER, Originals
from ragkit.store.recordkeys import upload_place
from ragkit.store.uploads import UploadRow, UploadRows

if TYPE_CHECKING:
    from ragkit.connect.actions import Entry
    from ragkit.protocols import Recorder
    from ragkit.store.catalog import Collection as OpenCollection
    from ragkit.store.database import Database
    from ragkit.store.keyfile import KeyFile
    from ragkit.store.stored import StoredVersion
    from ragkit.types import Chunk, Document, MaskedDocument, Principal, SourceItem

Cause = Literal["deleted", "replaced", "refused", "erasure", "retention"]
Parse = Callable[["SourceItem"], "Document"]


@dataclass(slots=True)
class Naming:
    """Takes down, during a sync, the documents in which an erased person was redacted (a ``Watch``)."""

    naming: set[str] = field(default_factory=set)

    def masked(
        self, entry: Entry, document: MaskedDocument, chunks: Sequence[Chunk], stored: StoredVersion | None
    ) -> None:
        """Note a document that is not what its original says."""
        del chunks, stored
        if document.erased:
            self.naming.add(entry.doc_id)

    def refused(self, entry: Entry, code: str, stored: StoredVersion | None) -> None:
        """Nothing is kept of what is refused anyway."""


@dataclass(frozen=True, slots=True)
class Settled:
    """What a sync made of the uploads that it met.

    Attributes:
        taken: Documents that answer with their newest original.
        refused: Documents of which the newest original was refused, and why: a code of ``parse.problems``.
    """

    taken: frozenset[str] = frozenset()
    refused: dict[str, str] = field(default_factory=dict)


class Uploads:
    """The originals of one collection.

    Args:
        data_folder: Of the workspace.
        key_file: Open for writing, unless only looked at.
        collection: Whose they are.
        recorder: Gets an event for each original that goes.
    """

    def __init__(self, data_folder: Path, key_file: KeyFile, collection: OpenCollection, recorder: Recorder) -> None:
        self.rows = UploadRows(key_file, collection)
        self.files = Originals(data_folder / FOLDER / collection.id)
        self.kept = Kept(self.rows, self.files)
        self._denials = Denials(key_file, collection)
        self._collection = collection
        self._recorder = recorder

    def reached(self) -> int:
        """Return up to which change a pass that begins now sees everything; and clear away what kills left."""
        self.files.sweep(self.rows.files)
        return self.rows.last()

    def settle(self, database: Database, source: str, reached: int, *, naming: Collection[str] = ()) -> Settled:
        """Draw the consequences of a pass that ended well: call it once after each.

        Args:
            database: The record store.
            source: Which source was read.
            reached: What :meth:`reached` said before it.
            naming: Documents whose original names somebody who was erased before it came.
        """
        named = filter(None, map(self.rows.of, sorted(naming)))
        rows = {row.doc_id: row for row in (*self.rows.waiting(source), *named) if row.seq <= reached}
        stands = standings(database, [*rows])
        taken: set[str] = set()
        refused: dict[str, str] = {}
        for row in rows.values():
            status, code = stands.get(row.doc_id, ("expired", ""))
            if row.state in {"new", "kept"} and status == "active" and row.doc_id in naming:
                self._unlink(row, self.rows.remove(row, indexed=True), "erasure")
                taken.add(row.doc_id)
            elif row.state == "new" and status in {"active", "held"}:
                self._unlink(row, self.rows.keep(row), "replaced")
                taken.add(row.doc_id)
            elif row.state == "new":
                refused[row.doc_id] = code or "expired"
                self._unlink(row, self.rows.refuse(row, refused[row.doc_id]), "refused")
        self._lift(reached)
        return Settled(frozenset(taken), refused)

    def take_back(self, row: UploadRow, *, actor: Principal | None = None) -> None:
        """Make an upload unreadable, and deny its document in every open process; the next sync removes the rest.

        ``actor`` is who asked for it, for the event.
        """
        self._denials.add(_request(row.doc_id), documents=[row.doc_id])
        self._unlink(row, self.rows.remove(row), "deleted", actor=actor)

    def let_go(self, doc_ids: Iterable[str], cause: Cause) -> int:
        """Destroy the originals of documents that go; return how many there were."""
        rows = [row for one in doc_ids if (row := self.rows.of(one)) is not None and row.file]
        for row in rows:
            self._unlink(row, self.rows.remove(row), cause)
        return len(rows)

    def taken_back(self) -> list[str]:
        """Return the documents that were taken back, and that no sync has removed yet."""
        return [one for one in sorted(self._denials.documents()) if (row := self.rows.of(one)) and row.state == "gone"]

    def among(self, doc_ids: Iterable[str]) -> set[str]:
        """Return which of these documents were uploaded."""
        return {one for one in doc_ids if self.rows.of(one) is not None}

    def erase(
        self, database: Database, find: Find, parse: Parse, *, deleted: Collection[str], redacted: Collection[str]
    ) -> list[str]:
        """Destroy every original that names a person, or cannot be read to see whether it does.

        Of a document that answers, the stored text tells. One that is not indexed, or not yet, is parsed for this.

        Args:
            database: The record store.
            find: Finds the person in a text.
            parse: Reads an original.
            deleted: Documents that go with the person.
            redacted: Documents that stay, without them.

        Returns:
            The places of the record keys that are gone.
        """
        rows = self.rows.every()
        stands = standings(database, [row.doc_id for row in rows])
        places: list[str] = []
        for row in rows:
            if not row.file:
                continue
            meant = row.doc_id in deleted or row.doc_id in redacted
            unread = row.state == "new" or stands.get(row.doc_id, ("", ""))[0] != "active"
            if self._names(row, find, parse) if unread else meant:
                gone = self.rows.remove(row, indexed=row.doc_id in redacted)
            elif meant:  # a replacement without the person waits; what it replaces goes
                gone = self.rows.drop_older(row)
            else:
                continue
            places += self._unlink(row, gone, "erasure")
        return places

    def _names(self, row: UploadRow, find: Find, parse: Parse) -> bool:
        try:
            found = self.kept.read(row)
            if found is None:
                return False
            document = parse(item_of(row.upload, *found))
        except (ItemError, StoreError, KeyMismatch):
            return True  # nobody can tell, so it does not stay
        texts = (document.text, document.title, *document.metadata.values())
        return any(map(find, texts)) or find_in_name(find, document.name)

    def _lift(self, reached: int) -> None:
        """Deny no more what is not there any more, or was handed in again."""
        for doc_id in self._denials.documents():
            row = self.rows.of(doc_id)
            if row is not None and row.seq <= reached and row.state != "new":
                self._denials.lift(_request(doc_id))

    def _unlink(self, row: UploadRow, files: list[str], cause: Cause, *, actor: Principal | None = None) -> list[str]:
        """Delete files whose keys are gone, record it, and return the places of the keys."""
        with suppress(OSError):  # unreadable already; the next sweep tries again
            self.files.unlink(files)
        if files:
            data = {"collection": self._collection.name, "source": row.source, "doc": row.doc_id, "keys": len(files)}
            self._recorder.record("upload.destroyed", actor=actor, data={**data, "cause": cause})
        return [upload_place(file) for file in files]


def _request(doc_id: str) -> str:
    """Name the denial of a document that was taken back."""
    return f"upload/{doc_id}"
