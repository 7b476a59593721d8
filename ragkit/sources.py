"""The sources of an open workspace: listed, tested, compared with what is here, and tried again item by item.

::

    workspace.sources.list()
    workspace.sources.test(source="mailbox")
    workspace.sources.diff(source="mailbox")         # what a sync would do
    workspace.sources.retry(code="encrypted")        # items that were set aside
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Literal

from ragkit.build import OpenCollection
from ragkit.config import chosen_sources
from ragkit.config_sections import SourceSection
from ragkit.differing import differ, differ_from_nothing
from ragkit.errors import NoSuchDocument, RagkitError
from ragkit.handles import Handles
from ragkit.ingest.report import SyncReport
from ragkit.protocols import Progress
from ragkit.revealing import approved, entitled, reveal_native_ids, tell_names
from ragkit.roles import require
from ragkit.source_views import Retried, RetriedItem, SourceDiff, SourceView, Tested
from ragkit.syncing import SyncOrder, sync_collections
from ragkit.trying import try_source
from ragkit.types import Principal

if TYPE_CHECKING:
    from ragkit.store.sourcefigures import SetAside

_STATUSES: Mapping[str, Literal["indexed", "quarantined"]] = {"active": "indexed", "quarantined": "quarantined"}


class Sources:
    """What can be done with the sources of a workspace.

    Args:
        handles: The open workspace.
    """

    def __init__(self, handles: Handles) -> None:
        self._handles = handles

    def dropped(self, *, collection: str | None = None) -> Mapping[str, RagkitError]:
        """Return what a sync of everything says of the sources that the configuration names no more, by their places.

        A sync of chosen sources, as by a schedule, does not meet them.
        """
        from ragkit.dropped import dropped_sources

        known = self._handles.known()
        chosen = [name for name, _ in self._chosen(collection, None) if name in known]
        return {f"{name}/{one.name}": one.refusal() for name in chosen for one in dropped_sources(known[name])}

    def list(self, *, collection: str | None = None, principal: Principal | None = None) -> Sequence[SourceView]:
        """Return every source with its figures; for operators. Nothing is read of the sources themselves.

        One that the configuration names no more, and that something is held of, is ``dropped``.

        Raises:
            AccessDenied: No operator.
        """
        from ragkit.dropped import dropped_views
        from ragkit.store.sourcefigures import SourceFigures, source_figures

        require(self._handles, "operator", verb="sources.list", principal=principal)
        known, found = self._handles.known(), []
        for name, sections in self._chosen(collection, None):
            part = known.get(name)
            figures = source_figures(part.store.database, part.collection) if part is not None else {}
            for section in sections:
                held = figures.get(section.name, SourceFigures())
                found.append(
                    SourceView(
                        collection=name,
                        source=section.name,
                        connector=section.connector,
                        trust=str(section.trust),
                        every=section.every,
                        permissions_every=section.permissions_every,
                        documents=held.documents,
                        quarantined=held.quarantined,
                        state=held.state,
                        last=held.last,
                    )
                )
            found += dropped_views(part) if part is not None else ()
        return found

    def test(
        self, *, collection: str | None = None, source: str | None = None, principal: Principal | None = None
    ) -> Sequence[Tested]:
        """Try whether sources can be read, all or those named; for ingesters. Takes nothing in.

        Raises:
            AccessDenied: No ingester.
            ConfigError: No such collection or source.
        """
        require(self._handles, "ingester", verb="sources.test", principal=principal, tell=True)
        return [
            try_source(self._handles.config, name, section)
            for name, sections in self._chosen(collection, source)
            for section in sections
        ]

    def diff(
        self,
        *,
        collection: str | None = None,
        source: str | None = None,
        purpose: str = "",
        limit: int = 50,
        principal: Principal | None = None,
        progress: Progress | None = None,
    ) -> Sequence[SourceDiff]:
        """Tell what a sync would do, source by source; for ingesters.

        Reads the sources and the sync state, takes no lock, and parses, masks and stores nothing but its events.

        Args:
            collection: Only this one.
            source: Only sources of this name.
            purpose: Why the sources' own ids are needed; without one they are left out.
            limit: Differences that are listed of a source, at most.
            principal: Who asks; by default the owner.
            progress: Called with ``"compare"`` and items read.

        Raises:
            AccessDenied: No ingester; or a purpose was given, and they may not see masked values there.
        """
        from ragkit.dropped import dropped_diffs

        asking = require(self._handles, "ingester", verb="sources.diff", principal=principal)
        known, found = self._handles.known(), []
        for name, sections in self._chosen(collection, source):
            part = known.get(name)
            if purpose and part is not None:
                self._entitled(part, f"diff/{source or ''}", asking, purpose)
            for section in sections:
                if part is None:
                    found.append(differ_from_nothing(self._handles.config, name, section, progress=progress))
                    continue
                one = differ(part, section, actor=asking, named=bool(purpose), limit=limit, progress=progress)
                if purpose:
                    shown = sum(one.name is not None for one in one.differences)
                    tell_names(part, self._handles.recorder, shown, asking=asking, purpose=purpose)
                found.append(one)
            found += dropped_diffs(part) if part is not None and source is None else ()
        return found

    def set_aside(
        self,
        doc_ids: Sequence[str] = (),
        *,
        collection: str | None = None,
        source: str | None = None,
        code: str | None = None,
    ) -> Sequence[SetAside]:
        """Return what is in quarantine: why, since when, how often it was tried, whether an older version answers.

        Args:
            doc_ids: Only these.
            collection: Only of this one.
            source: Only of sources of this name.
            code: Only those set aside for this.

        Raises:
            NoSuchDocument: One of ``doc_ids`` is not set aside there.
            ConfigError: No such collection or source.
        """
        from ragkit.store.sourcefigures import set_aside

        names = {name for name, _ in self._chosen(collection, source)}
        found = [
            row
            for name, part in self._handles.known().items()
            if name in names
            for row in set_aside(part.store.database, part.collection)
            if (not doc_ids or row.doc_id in doc_ids) and source in (None, row.source) and code in (None, row.code)
        ]
        if set(doc_ids) - {row.doc_id for row in found}:
            raise NoSuchDocument("no such item is set aside here", remedy="`ragkit quarantine` lists those that are.")
        return found

    def name(self, doc_id: str, *, collection: str, purpose: str, principal: Principal | None = None) -> str | None:
        """Return the source's own id of an item, for somebody the collection's ``reveal`` names; ``None`` if unknown.

        Raises:
            AccessDenied: The principal may not, or gave no purpose.
            AuditUnavailable: The access could not be recorded.
        """
        part = self._handles.reader(collection)
        asking = principal or self._handles.config.workspace.principal
        self._entitled(part, f"item/{doc_id}", asking, purpose)
        return reveal_native_ids(part, self._handles.recorder, [doc_id], asking=asking, purpose=purpose).get(doc_id)

    def retry(
        self,
        doc_ids: Sequence[str] = (),
        *,
        collection: str | None = None,
        source: str | None = None,
        code: str | None = None,
        principal: Principal | None = None,
        progress: Progress | None = None,
    ) -> Retried:
        """Try items again that were set aside: these, or all of a source, of a code, of both; for ingesters.

        Their sources are synced, with all that changed there meanwhile.

        Raises:
            AccessDenied: No ingester.
            NoSuchDocument: One of ``doc_ids`` is not set aside.
            WriterBusy: Another process is writing.
            SourceError: The only source cannot be read.
        """
        asking = require(self._handles, "ingester", verb="sources.retry", principal=principal)
        chosen = self.set_aside(doc_ids, collection=collection, source=source, code=code)
        configured = {f"{name}/{one.name}" for name, some in self._chosen(None, None) for one in some}
        places = {f"{row.collection}/{row.source}" for row in chosen} & configured
        report = SyncReport()
        if places:
            order = SyncOrder(actor=asking, retry=frozenset(row.doc_id for row in chosen))
            config = self._handles.config
            wanted = chosen_sources(config, list(config.collections), None, only=places)
            report = sync_collections(self._handles, wanted, order, progress=progress)
        return Retried(items=tuple(self._became(chosen)), report=report)

    def _became(self, chosen: Sequence[SetAside]) -> Iterator[RetriedItem]:
        from ragkit.store.items import standings

        now = {row.doc_id: row for row in self.set_aside()}
        for row in chosen:
            store = self._handles.reader(row.collection).store
            status, code = standings(store.database, [row.doc_id]).get(row.doc_id, ("", ""))
            waits = row.doc_id in now and now[row.doc_id].attempts == row.attempts
            yield RetriedItem(
                collection=row.collection,
                source=row.source,
                doc_id=row.doc_id,
                before=row.code,
                status="waiting" if waits else _STATUSES.get(status, "gone"),
                code=code if status == "quarantined" else "",
            )

    def _entitled(self, part: OpenCollection, target: str, asking: Principal, purpose: str) -> None:
        entitled(part, self._handles.recorder, asking=asking, purpose=purpose)
        approved(self._handles, part, target, asking=asking, purpose=purpose)

    def _chosen(self, collection: str | None, source: str | None) -> Sequence[tuple[str, Sequence[SourceSection]]]:
        config = self._handles.config
        names = [self._handles.name(collection)] if collection else list(config.collections)
        return tuple(chosen_sources(config, names, source))
