"""Reading documents of an open workspace, masked, as far as a principal may see them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ragkit.build import OpenCollection
from ragkit.documents.views import DocumentPage, DocumentView, Original, Passage, PassagePage
from ragkit.errors import NoSuchDocument, RagkitError, StoreError
from ragkit.index.manifest import another_policy

if TYPE_CHECKING:
    from ragkit.handles import Handles
    from ragkit.store.shelf import ShelvedDocument
    from ragkit.store.uploads import UploadRow
    from ragkit.types import Principal

MOST_AT_ONCE = 200
_ID = re.compile(r"[a-z2-7]{26}")
_PLACE = re.compile(r"\d{1,9}")


class Reading:
    """The verbs of :class:`ragkit.documents.room.Documents` that read.

    Args:
        handles: The open workspace.
    """

    def __init__(self, handles: Handles) -> None:
        self._handles = handles

    def list(
        self,
        *,
        collection: str | None = None,
        source: str | None = None,
        cursor: str = "",
        limit: int = 50,
        principal: Principal | None = None,
    ) -> DocumentPage:
        """Return documents that the principal may see, in the order of their ids.

        Args:
            collection: Whose; by default the only one.
            source: Only of this source.
            cursor: Of the page before; empty for the first.
            limit: At most so many, 1 to 200.
            principal: Who asks; by default the owner.

        Raises:
            ConfigError: There is no such collection.
            ManifestMismatch: The documents were masked under another policy than the one in force.
            RagkitError: The cursor is none.
        """
        asking = principal or self._handles.config.workspace.principal
        if cursor and not _ID.fullmatch(cursor):
            raise _no_cursor()
        name = self._handles.name(collection)
        part = self._handles.known().get(name)
        if part is None:
            return DocumentPage(documents=())
        _require_in_force(part)
        limit = min(max(limit, 1), MOST_AT_ONCE)
        found, after = part.store.shelf().page(asking, source=source, after=cursor, limit=limit)
        self._tell(asking, name, documents=len(found))
        return DocumentPage(documents=tuple(_view(part, one) for one in found), cursor=after)

    def get(self, doc_id: str, *, principal: Principal | None = None) -> DocumentView:
        """Return a document without its text, masked.

        Raises:
            NoSuchDocument: Not there, or not for this principal; the same in both cases.
            ManifestMismatch: As :meth:`list`.
        """
        asking = principal or self._handles.config.workspace.principal
        found = self._find(doc_id, asking)
        if found is None:
            raise NoSuchDocument("there is no such document here")
        part, view = found
        self._tell(asking, part.name, documents=1, doc=doc_id)
        return view

    def passages(
        self, doc_id: str, *, cursor: str = "", limit: int = 50, principal: Principal | None = None
    ) -> PassagePage:
        """Return passages of a document in order, record view. Arguments and errors as :meth:`list` and :meth:`get`."""
        asking = principal or self._handles.config.workspace.principal
        if cursor and not _PLACE.fullmatch(cursor):
            raise _no_cursor()
        found = self._find(doc_id, asking)
        if found is None:
            raise NoSuchDocument("there is no such document here")
        part, view = found
        after, limit = int(cursor) if cursor else -1, min(max(limit, 1), MOST_AT_ONCE)
        hits = part.store.shelf().passages(doc_id, asking, after=after, limit=limit)
        self._tell(asking, part.name, documents=1, doc=doc_id, chunks=len(hits))
        passages = tuple(
            Passage(
                passage=hit.chunk_id,
                place=hit.chunk.ordinal,
                heading=hit.chunk.heading,
                text=hit.chunk.record,
                page=hit.chunk.page,
            )
            for hit in hits
        )
        last = after + limit
        return PassagePage(passages=passages, cursor=str(last) if last + 1 < view.chunks else "")

    # --- inside ----------------------------------------------------------------------------------------------------

    def _find(self, doc_id: str, asking: Principal, *, own: bool = False) -> tuple[OpenCollection, DocumentView] | None:
        """The document as this principal may see it, in whichever collection; what waits only as who handed it in.

        ``own`` also gives what they handed in and may not see, as little of it as of one that waits.
        """
        if not _ID.fullmatch(doc_id):
            return None
        for part in self._handles.known().values():
            shelved = part.store.shelf().find(doc_id, asking)
            if shelved is not None:
                _require_in_force(part)
                return part, _view(part, shelved)
            row = part.uploads.rows.of(doc_id)
            if row is not None and row.file and (own or row.state == "new") and self._handed_in(part, row, asking):
                return part, DocumentView(
                    doc_id=doc_id,
                    collection=part.name,
                    source=row.source,
                    connector="uploads",
                    original="kept",
                    status="waiting",
                )
        return None

    def _may_replace(self, part: OpenCollection, row: UploadRow, asking: Principal) -> bool:
        """Whether this principal may see the document, found or not, or handed in its newest original."""
        if part.store.shelf().may_see(row.doc_id, asking):
            return True
        try:
            return self._handed_in(part, row, asking)
        except StoreError:  # nobody can tell whose it is
            return False

    def _handed_in(self, part: OpenCollection, row: UploadRow, asking: Principal) -> bool:
        found = part.uploads.kept.read(row, limit=0)
        return found is not None and found[0]["by"] == self._handles.recorder.known_as(asking.subject)

    def _uploaded(self, doc_id: str) -> tuple[OpenCollection, UploadRow]:
        """The collection and the row of an upload, whoever may see it.

        Raises:
            NoSuchDocument: It was not uploaded.
        """
        for part in self._handles.known().values():
            row = part.uploads.rows.of(doc_id)
            if row is not None:
                return part, row
        raise NoSuchDocument("there is no such document here")

    def _tell(self, asking: Principal, collection: str, *, documents: int, doc: str = "", chunks: int = 0) -> None:
        data: dict[str, object] = {"collection": collection, "documents": documents}
        data |= ({"doc": doc} if doc else {}) | ({"chunks": chunks} if chunks else {})
        self._handles.recorder.record("doc.shown", actor=asking, data=data)


def _view(part: OpenCollection, shelved: ShelvedDocument) -> DocumentView:
    row = part.uploads.rows.of(shelved.doc_id)
    original: Original = "elsewhere" if row is None else "kept" if row.file else "destroyed"
    connector = next((one.connector for one in part.section.sources if one.name == shelved.source), "")
    return DocumentView(
        doc_id=shelved.doc_id,
        collection=part.name,
        source=shelved.source,
        connector=connector,
        title=shelved.title,
        media_type=shelved.media_type,
        version=shelved.version,
        chunks=shelved.chunks,
        indexed_at=shelved.indexed_at,
        changed_at=shelved.changed_at,
        metadata=shelved.metadata,
        original=original,
    )


def _require_in_force(part: OpenCollection) -> None:
    """What was masked under another policy is shown to nobody, as a search would not find it."""
    if part.store.policy_in_force() != part.masker.policy:
        raise another_policy("documents were masked before that")


def _no_cursor() -> RagkitError:
    return RagkitError("this is no cursor of ours", remedy="Take the `cursor` of the page before, or leave it out.")
