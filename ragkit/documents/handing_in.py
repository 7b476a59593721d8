"""Handing documents in: kept encrypted at once, findable when a sync of their source has been there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO

from ragkit.build import OpenCollection
from ragkit.config_sections import UPLOADS, SourceSection
from ragkit.documents.reading import Reading
from ragkit.documents.receiving import Receiving, Target
from ragkit.documents.views import Uploaded
from ragkit.errors import ConfigError, NoSuchDocument, StoreError, WriterBusy
from ragkit.lifecycle.uploads import Uploads
from ragkit.parse.problems import problem
from ragkit.roles import require
from ragkit.store.items import standings
from ragkit.store.keyfile import open_key_file
from ragkit.syncing import SyncOrder, sync_collections

if TYPE_CHECKING:
    from ragkit.protocols import Progress
    from ragkit.types import Principal

_PIECE = 256 * 1024
_MOST = 50 * 1024 * 1024


class HandingIn(Reading):
    """The verbs of :class:`ragkit.documents.room.Documents` that take something in.

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
            external_id: The caller's own id; a document that came with it before is replaced, if the principal
                handed that in or may see it.
            principal: Who hands it in, an ingester; by default the owner.
            progress: Called with ``"sync"``, then ``"index"``.

        Raises:
            AccessDenied: No ingester.
            ConfigError: The collection has no source of uploads.
            ExternalIdTaken: The external id is that of another's document, which the principal may not see.
            ItemError: It is refused; ``code`` says why, and nothing of it is kept.
            StoreError: The disk refuses.
        """
        doc_id = self.hand_in(
            content,
            name=name,
            media_type=media_type,
            title=title,
            collection=collection,
            source=source,
            access=access,
            metadata=metadata,
            external_id=external_id,
            principal=principal,
        )
        try:
            return self.take_in(doc_id, principal=principal, progress=progress)
        except WriterBusy:
            part, row = self._uploaded(doc_id)
            return Uploaded(doc_id=doc_id, collection=part.name, source=row.source, status="waiting")

    def hand_in(
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
    ) -> str:
        """Do the part of :meth:`add` that needs no write lock: keep the document, and return its id.

        When this returns, the document survives a kill; it is found when :meth:`take_in` or a sync has been there.
        """
        with self.receive(collection=collection, source=source, principal=principal) as receiving:
            for piece in _pieces(content):
                receiving.write(piece)
            return receiving.accept(
                name=name,
                media_type=media_type,
                title=title,
                access=access,
                metadata=metadata,
                external_id=external_id,
            )

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
            source=section.name,
            by=recorder.known_as(asking.subject),
            most=min(limit, most or limit),
            tell=tell,
            may_replace=lambda row: self._may_replace(part, row, asking),
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
            SyncOrder(actor=asking),
            progress=progress,
            refused=refused,
        )
        now = part.uploads.rows.of(doc_id) or row
        if code := refused.get(doc_id) or now.code:  # or another sync was quicker, and said no
            raise problem(code)
        version, chunks = part.store.shelf().size_of(doc_id)
        if not version and (code := standings(part.store.database, [doc_id]).get(doc_id, ("", ""))[1]):
            raise problem(code)
        if now.state == "gone" or not version:  # taken back; or refused, and another waits in its place by now
            raise NoSuchDocument("there is no such document here")
        return Uploaded(
            doc_id=doc_id, collection=part.name, source=row.source, status="indexed", version=version, chunks=chunks
        )

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
