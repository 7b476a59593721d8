"""The documents of an open workspace, one by one: handed in, listed, read masked, deleted. ``workspace.documents``.

::

    added = workspace.documents.add(path.read_bytes(), name=path.name, collection="handbook")
    page = workspace.documents.list(principal=reader)
    workspace.documents.delete(added.doc_id)

What is handed in goes to the collection's source of the kind ``uploads``; documents of other sources are read here like
any, and deleted where they come from. Reading asks the same check as searching.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO

from ragkit.build import OpenCollection
from ragkit.config_sections import UPLOADS, SourceSection
from ragkit.connect.problems import problem
from ragkit.documents.reading import Reading
from ragkit.documents.receiving import Receiving, Target
from ragkit.documents.views import Deleted, Uploaded
from ragkit.errors import ConfigError, NoSuchDocument, NotUploaded, StoreError, WriterBusy
from ragkit.lifecycle.backup_keys import renew_key_copy
from ragkit.lifecycle.holds import Holds
from ragkit.lifecycle.uploads import Uploads
from ragkit.roles import require
from ragkit.store.keyfile import open_key_file
from ragkit.syncing import sync_collections

if TYPE_CHECKING:
    from ragkit.protocols import Progress
    from ragkit.types import Principal

_PIECE = 256 * 1024
_MOST = 50 * 1024 * 1024


class Documents(Reading):
    """Documents of an open workspace.

    Args:
        handles: The open workspace.
    """

    def add(
        self,
        content: bytes | BinaryIO | Iterable[bytes],
        *,
        name: str,
        media_type: str | None = None,
        title: str | None = None,
        collection: str | None = None,
        source: str | None = None,
        access: Sequence[str] | None = None,
        metadata: Mapping[str, str] | None = None,
        external_id: str | None = None,
        principal: Principal | None = None,
        progress: Progress | None = None,
    ) -> Uploaded:
        """Take a document in, and make it findable.

        Args:
            content: Its bytes, a binary file, or pieces.
            name: File name.
            media_type: What the caller takes it for; what the bytes are decides.
            title: By default that of the content.
            collection: Where to; by default the only one.
            source: Which source of uploads, where the collection has several.
            access: Access tokens of who may see it; by default as the source says.
            metadata: Flat key to text.
            external_id: The caller's own id; a document that came with it before is replaced.
            principal: Who hands it in, an ingester; by default the owner.
            progress: Called with ``"sync"``, then ``"index"``.

        Raises:
            AccessDenied: No ingester.
            ConfigError: The collection has no source of uploads.
            ItemError: It is refused; ``code`` says why, and nothing of it is kept.
            StoreError: The disk refuses.
        """
        with self.receive(collection=collection, source=source, principal=principal) as receiving:
            for piece in _pieces(content):
                receiving.write(piece)
            doc_id = receiving.accept(
                name=name,
                media_type=media_type,
                title=title,
                access=access,
                metadata=metadata,
                external_id=external_id,
            )
        try:
            return self.take_in(doc_id, principal=principal, progress=progress)
        except WriterBusy:
            part, row = self._uploaded(doc_id)
            return Uploaded(doc_id=doc_id, collection=part.name, source=row.source, status="waiting")

    @contextmanager
    def receive(
        self,
        *,
        collection: str | None = None,
        source: str | None = None,
        most: int | None = None,
        principal: Principal | None = None,
    ) -> Iterator[Receiving]:
        """Give what takes a document piece by piece; accept it within the block. Takes no write lock.

        ``most`` are the bytes that it may have, if that is less than the source's ``max_bytes``. Raises as :meth:`add`.
        """
        asking = require(self._handles, "ingester", verb="documents.add", principal=principal)
        name = self._handles.name(collection)
        section = self._section(name, source)
        part = self._opened(name)
        recorder = self._handles.recorder

        def tell(doc_id: str, size: int, tokens: int) -> None:
            about = {"collection": name, "source": section.name, "doc": doc_id}
            recorder.record("upload.received", actor=asking, data={**about, "bytes": size, "tokens": tokens})

        limit = int(section.options.get("max_bytes", _MOST))
        target = Target(
            source=section.name, by=recorder.known_as(asking.subject), most=min(limit, most or limit), tell=tell
        )
        with self._writable(part) as uploads, Receiving(uploads, part.collection, target) as receiving:
            yield receiving

    def take_in(self, doc_id: str, *, principal: Principal | None = None, progress: Progress | None = None) -> Uploaded:
        """Make a document findable that was received; others that wait in its source come with it.

        Raises:
            AccessDenied: No ingester.
            NoSuchDocument: It was not received, or is gone again.
            ItemError: It is refused; nothing of it is kept.
            WriterBusy: Another process is writing; the document waits for it, or for the next sync.
        """
        asking = require(self._handles, "ingester", verb="documents.add", principal=principal)
        part, row = self._uploaded(doc_id)
        section = self._section(part.name, row.source)
        refused: dict[str, str] = {}
        sync_collections(
            self._handles,
            [(part.name, [section])],
            dry_run=False,
            retry_quarantined=False,
            actor=asking,
            progress=progress,
            refused=refused,
        )
        if doc_id in refused:
            raise problem(refused[doc_id])
        version, chunks = part.store.shelf().size_of(doc_id)
        return Uploaded(
            doc_id=doc_id, collection=part.name, source=row.source, status="indexed", version=version, chunks=chunks
        )

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
        found = self._find(doc_id, asking)
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
            uploads.take_back(row)

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
                dry_run=False,
                retry_quarantined=False,
                actor=asking,
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

    # --- inside ----------------------------------------------------------------------------------------------------

    def _section(self, collection: str, source: str | None) -> SourceSection:
        every = [one for one in self._handles.config.collections[collection].sources if one.connector == UPLOADS]
        named = [one for one in every if source in (None, one.name)]
        if len(named) == 1:
            return named[0]
        if not every:
            raise ConfigError(
                "the collection takes no uploads",
                remedy='Give it a source with `connector = "uploads"` and `name = "uploads"` in ragkit.toml.',
            )
        known = ", ".join(one.name for one in every)
        raise ConfigError("there are several sources of uploads, or none of that name", remedy=f"Name one of: {known}.")

    def _opened(self, name: str) -> OpenCollection:
        """The collection, made where nothing was ever synced."""
        try:
            return self._handles.reader(name)
        except WriterBusy:
            raise
        except StoreError:
            if name in self._handles.known():
                raise
        with self._handles.writing("documents-add") as database:
            self._handles.collection(name, database, create=True).close()
        return self._handles.reader(name)

    @contextmanager
    def _writable(self, part: OpenCollection) -> Iterator[Uploads]:
        """The uploads of a collection with a key file that can be written."""
        key_file = open_key_file(self._handles.config.data_folder / "records.keys.db", writable=True)
        try:
            yield Uploads(self._handles.config.data_folder, key_file, part.collection, self._handles.recorder)
        finally:
            key_file.close()


def _pieces(content: bytes | BinaryIO | Iterable[bytes]) -> Iterator[bytes]:
    if isinstance(content, bytes | bytearray | memoryview):
        view = memoryview(content)
        for start in range(0, len(view), _PIECE):
            yield bytes(view[start : start + _PIECE])
    elif hasattr(content, "read"):
        while piece := content.read(_PIECE):
            yield piece
    else:
        yield from content
