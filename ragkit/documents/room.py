"""The documents of an open workspace, one by one: handed in, listed, read masked, deleted. ``workspace.documents``.

::

    added = workspace.documents.add(path.read_bytes(), name=path.name, collection="handbook")
    page = workspace.documents.list(principal=reader)
    workspace.documents.delete(added.doc_id)

What is handed in goes to the collection's source of the kind ``uploads``; documents of other sources are read here like
any, and deleted where they come from. Reading asks the same check as searching.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ragkit.config import chosen_sources
from ragkit.documents.handing_in import HandingIn
from ragkit.documents.views import Deleted
from ragkit.errors import NoSuchDocument, NotUploaded, WriterBusy
from ragkit.lifecycle.backup_keys import renew_key_copy
from ragkit.lifecycle.holds import Holds
from ragkit.roles import require
from ragkit.syncing import SyncOrder, sync_collections

if TYPE_CHECKING:
    from ragkit.protocols import Progress
    from ragkit.types import Principal

_PIECE = 256 * 1024
_MOST = 50 * 1024 * 1024


class Documents(HandingIn):
    """Documents of an open workspace.

    Args:
        handles: The open workspace.
    """

    def delete(self, doc_id: str, *, principal: Principal | None = None, progress: Progress | None = None) -> Deleted:
        """Delete an uploaded document: at once nobody finds it and nothing opens its original.

        Raises:
            AccessDenied: No ingester.
            NoSuchDocument: Not there, or the principal neither sees it nor handed it in.
            NotUploaded: It comes from a source that ragkit only reads.
            HeldBack: A legal hold keeps it.
        """
        self.take_back(doc_id, principal=principal)
        try:
            return self.clear_away(doc_id, principal=principal, progress=progress)
        except WriterBusy:
            part, _ = self._uploaded(doc_id)
            return Deleted(doc_id=doc_id, collection=part.name, finished=False)

    def take_back(self, doc_id: str, *, principal: Principal | None = None) -> None:
        """Do the part of :meth:`delete` that needs no write lock: deny the document and destroy its original's key."""
        asking = require(self._handles, "ingester", verb="documents.delete", principal=principal)
        found = self._find(doc_id, asking, own=True)
        if found is None:
            raise NoSuchDocument("there is no such document here")
        part, view = found
        row = part.uploads.rows.of(doc_id)
        if row is None:
            raise NotUploaded(
                f"the document comes from the source {view.source!r}",
                remedy="Delete it there; the next sync takes it out here.",
            )
        Holds(part.store.database, part.collection).require_free(doc_ids=[doc_id])
        with self._writable(part) as uploads:
            uploads.take_back(row, actor=asking)

    def clear_away(
        self, doc_id: str, *, principal: Principal | None = None, progress: Progress | None = None
    ) -> Deleted:
        """Do the rest of :meth:`delete`: the rows go, and the keys of the masked text too.

        Where a window of history is kept, the keys go at its end.

        Raises:
            AccessDenied: No ingester.
            NoSuchDocument: It is no upload that was taken back.
            WriterBusy: Another process is writing; the next sync does it.
        """
        asking = require(self._handles, "ingester", verb="documents.delete", principal=principal)
        part, row = self._uploaded(doc_id)
        if row.state != "gone":
            raise NoSuchDocument("there is no such document here")
        section, handles = self._section(part.name, row.source), self._handles
        with handles.writing("documents-delete") as database:
            sync_collections(
                handles,
                [(part.name, [section])],
                SyncOrder(actor=asking),
                progress=progress,
            )
            open_here = handles.collection(part.name, database)
            if not open_here.store.keeps_past and (keys := open_here.collection.records.destroy_documents([doc_id])):
                about = {"collection": part.name, "scope": "document", "doc": doc_id, "keys": keys}
                handles.recorder.record("key.destroyed", actor=asking, data=about)
            open_here.close()
            renew_key_copy(handles.config, database.key_file, handles.root_key, handles.recorder)
        return Deleted(doc_id=doc_id, collection=part.name)

    def waiting(self) -> list[str]:
        """Return the ids of documents that were received, or taken back, and wait for a sync to say so."""
        found: list[str] = []
        for part in self._handles.known().values():
            found += [row.doc_id for row in part.uploads.rows.every() if row.state == "new"]
            denied = part.uploads.taken_back()
            found += [doc_id for doc_id in denied if doc_id not in found]
        return found

    def catch_up(self, *, progress: Progress | None = None) -> None:
        """Sync the sources of uploads in which something waits, as the owner.

        Raises:
            WriterBusy: Another process is writing.
        """
        waiting, known = set(self.waiting()), self._handles.known()
        for name, part in known.items():
            rows = [row for row in map(part.uploads.rows.of, sorted(waiting)) if row is not None]
            sections = [self._section(name, source) for source in sorted({row.source for row in rows})]
            if sections:
                sync_collections(
                    self._handles,
                    [(name, sections)],
                    SyncOrder(actor=self._handles.config.workspace.principal),
                    progress=progress,
                )

    def require_sync(
        self, *, collection: str | None = None, source: str | None = None, principal: Principal | None = None
    ) -> None:
        """Return if the principal may have these sources synced, and they are there.

        Raises:
            AccessDenied: No ingester.
            ConfigError: No such collection or source.
        """
        require(self._handles, "ingester", verb="sync", principal=principal)
        config = self._handles.config
        chosen_sources(config, [self._handles.name(collection)] if collection else list(config.collections), source)
