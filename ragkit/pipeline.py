"""The spine: the order of the stages, and nothing else.

::

    ingestor = Ingestor(store=store, parser=…, masker=…, chunker=…, embedder=…, recorder=…)
    report = ingestor.sync(connector, "handbook")

Items stream through in bounded memory. While one slab of chunks is embedded in a worker thread, the next is parsed,
masked and cut, and the one before is committed. A cursor is stored only after everything before it is committed.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace

from ragkit.connect.actions import Ageing
from ragkit.ingest.report import SyncReport
from ragkit.ingest.run import IngestRun
from ragkit.ingest.settings import Ahead, Held, IngestLimits, IngestSettings, Stages, StreamParser, Watch
from ragkit.protocols import Chunker, Connector, Embedder, Masker, Progress, Recorder
from ragkit.store.records import RecordStore
from ragkit.types import Principal, Trust


class Ingestor:
    """Brings a collection in step with its sources.

    Args:
        store: The record store of the collection, open for writing, with the workspace's write lock held.
        progress: Called with ``"sync"``, items done, and how many the last pass had, ``None`` at first.
        access: Who may see items whose source says nothing of permissions; empty means nobody.
        filter_keys: Metadata keys that questions may filter on.
        max_delete_share: A pass that would delete a larger share, and more than three, is refused.
        retry_quarantined: Try quarantined items again though nothing changed; or these documents of them.
        trust: How far each source is trusted, by its name; ``internal`` where nothing is said.
        limits: What bounds the memory of a run.
        watch: Told of every item that is treated.
        ageing: By source, what retention says of its items.
        held: Tells which documents a legal hold keeps though they are gone at the source.
        ahead: Stands between the source and the run: reads ahead, or looks on.
        actor: Who runs it, for the events.
        token_hash: What stands for an access token in events; with it, the events tell who is in an access class.
    """

    def __init__(
        self,
        *,
        store: RecordStore,
        parser: StreamParser,
        masker: Masker,
        chunker: Chunker,
        embedder: Embedder,
        recorder: Recorder,
        progress: Progress | None = None,
        access: Iterable[str] = (),
        filter_keys: Iterable[str] = (),
        max_delete_share: float = 0.5,
        retry_quarantined: bool | Collection[str] = False,
        trust: Mapping[str, Trust] | None = None,
        limits: IngestLimits | None = None,
        watch: Watch | None = None,
        ageing: Callable[[str], Ageing] | None = None,
        held: Held | None = None,
        ahead: Ahead | None = None,
        actor: Principal | None = None,
        token_hash: Callable[[str], str] | None = None,
    ) -> None:
        self._stages = Stages(
            store=store, parser=parser, masker=masker, chunker=chunker, embedder=embedder, recorder=recorder
        )
        self._settings = IngestSettings(
            access=frozenset(access),
            filter_keys=frozenset(filter_keys),
            max_delete_share=max_delete_share,
            retry_quarantined=retry_quarantined,
            trust=dict(trust or {}),
            limits=limits or IngestLimits(),
            watch=watch,
            held=held,
            ahead=ahead,
            actor=actor,
            token_hash=token_hash,
        )
        self._ageing = ageing
        self._progress = progress

    def preview(self, connector: Connector, source: str, *, kind: str = "") -> SyncReport:
        """Do all of a sync but store, for the watch to see: reads, parses, masks and cuts what would be treated.

        ``kind`` is the connector's name, for the events.

        Raises:
            SourceError, MassDeletion, MaskingError: As :meth:`sync`.
        """
        run = self._run(connector, source, dry_run=True, kind=kind)
        try:
            run.start()
            while run.intake.more:
                run.preview()
            run.intake.raise_failure()
        except BaseException as bad:
            run.fail(bad)
            raise
        return run.finish()

    def sync(self, connector: Connector, source: str, *, dry_run: bool = False, kind: str = "") -> SyncReport:
        """Run one pass over a source, or go on with an interrupted one.

        A dry run compares only: it parses nothing, and writes nothing but its events. ``kind`` is the connector's name,
        for the events.

        Raises:
            SourceError: The source cannot be read; what was read before is committed.
            MassDeletion: The pass would delete too much; nothing was deleted.
            MaskingError, StoreError, ModelError, AuditUnavailable: The run ended; what is committed stays.
            KeyboardInterrupt: Likewise. The next sync goes on from the last checkpoint.
        """
        run = self._run(connector, source, dry_run=dry_run, kind=kind)
        try:
            run.start()
            while run.intake.more:  # one segment a turn; nearly always the whole source
                if dry_run:
                    run.count_only()
                    continue
                with run.conveyor() as conveyor:
                    for entry, filters, masked in run.masked():
                        for piece in run.cut(entry, filters, masked):
                            conveyor.add(piece)
                    conveyor.drain()
            run.intake.raise_failure()
        except BaseException as bad:
            run.fail(bad)
            raise
        return run.finish()

    def permissions(self, connector: Connector, source: str, *, kind: str = "") -> SyncReport:
        """Read again who may see what, and nothing else; changes nothing before all is read. Raises as :meth:`sync`."""
        run = self._run(connector, source, dry_run=False, kind=kind, permissions=True)
        try:
            run.start()
            while run.intake.more:
                for _item in run.intake.segment():
                    raise AssertionError("a pass over permissions treats no item")
            run.intake.raise_failure()
        except BaseException as bad:
            run.fail(bad)
            raise
        return run.finish()

    def _run(
        self, connector: Connector, source: str, *, dry_run: bool, kind: str, permissions: bool = False
    ) -> IngestRun:
        return IngestRun(
            self._stages,
            replace(self._settings, ageing=self._ageing(source) if self._ageing is not None else None),
            connector=connector,
            source=source,
            progress=self._progress,
            dry_run=dry_run,
            kind=kind,
            permissions=permissions,
        )
