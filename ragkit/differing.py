"""What a sync of one source would do, without doing it: what the engine says, looked on and not carried out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from ragkit.build import OpenCollection, build_connector, build_parser
from ragkit.config_sections import UPLOADS
from ragkit.connect.actions import AccessChange, Action, Change, Removal
from ragkit.connect.patience import said_by
from ragkit.connect.sync import FEW
from ragkit.errors import RagkitError
from ragkit.ingest.report import SyncReport
from ragkit.lifecycle.holds import Holds
from ragkit.protocols import Progress
from ragkit.source_views import Difference, SourceDiff
from ragkit.types import Delete, Listed, Principal, Upsert

if TYPE_CHECKING:
    from ragkit.config import Config
    from ragkit.config_sections import SourceSection

MOST = 10_000
"""Differences of a source that are remembered; the counts go on."""
_TELL_EVERY = 100


class _Looking:
    """Notes what is said of which item; the rest of the run goes on as it would."""

    def __init__(self, progress: Progress | None, held: Callable[[tuple[str, ...]], set[str]]) -> None:
        self.found: dict[str, Difference] = {}
        self._progress = progress
        self._held = held

    def on(self, actions: Iterator[Action]) -> Iterator[Action]:
        """Give the actions on."""
        for number, action in enumerate(actions, start=1):
            self._note(action)
            if self._progress is not None and number % _TELL_EVERY == 0:
                self._progress("compare", number, None)
            yield action

    def _note(self, action: Action) -> None:
        match action:
            case Change(entry):
                kind = "updated" if entry.present else "added"
                self._add(Difference(kind=kind, doc_id=entry.doc_id, name=entry.native_id))  # type: ignore[arg-type]
            case AccessChange(entry):
                self._add(Difference(kind="access_changed", doc_id=entry.doc_id, name=entry.native_id or None))
            case Removal(gone, moved):
                kept = self._held(gone)
                for doc_id in gone:
                    if doc_id in kept:
                        continue
                    came = self.found.pop(moved[doc_id], None) if doc_id in moved else None
                    kind = "renamed" if doc_id in moved else "deleted"
                    self._add(Difference(kind=kind, doc_id=doc_id, to=came.name if came else None))  # type: ignore[arg-type]

    def _add(self, one: Difference) -> None:
        if len(self.found) < MOST:
            self.found[one.doc_id] = one


def differ(
    part: OpenCollection,
    section: SourceSection,
    *,
    actor: Principal,
    named: bool,
    limit: int,
    progress: Progress | None = None,
) -> SourceDiff:
    """Compare a source with what the collection holds of it; with ``named`` the differences have names."""
    looking = _Looking(progress, lambda gone: Holds(part.store.database, part.collection).held(gone))
    present = part.store.sync_state(section.name).present()
    try:
        connector = part.connector(section)
        ingestor = part.ingestor(build_parser(part.config), max_delete_share=1.0, ahead=looking.on, actor=actor)
        report = ingestor.sync(connector, section.name, dry_run=True, kind=section.connector)
    except RagkitError as bad:
        return SourceDiff(report=_failed(part.name, section, bad))
    listed = list(looking.found.values())[:limit]
    if named:
        gone = part.store.native_ids([one.doc_id for one in listed if one.name is None])
        listed = [replace(one, name=one.name or gone.get(one.doc_id)) for one in listed]
    else:
        listed = [replace(one, name=None, to=None) for one in listed]
    stopped = report.deleted > FEW and report.deleted > part.section.max_delete_share * present
    return SourceDiff(report=replace(report, collection=part.name), stopped=stopped, differences=tuple(listed))


def differ_from_nothing(
    config: Config, collection: str, section: SourceSection, *, progress: Progress | None = None
) -> SourceDiff:
    """Count what a source has, for a collection that was never synced."""
    names: set[str] = set()
    if section.connector == UPLOADS:
        return SourceDiff(report=SyncReport(collection=collection, source=section.name, dry_run=True))
    try:
        connector = build_connector(config, section)
        for change in said_by(connector, partial(connector.changes, None)):
            match change:
                case Upsert(item):
                    names.add(item.native_id)
                case Listed(native_id):
                    names.add(native_id)
                case Delete(native_id):
                    names.discard(native_id)
            if progress is not None and names and len(names) % _TELL_EVERY == 0:
                progress("compare", len(names), None)
    except RagkitError as bad:
        return SourceDiff(report=_failed(collection, section, bad))
    return SourceDiff(report=SyncReport(collection=collection, source=section.name, added=len(names), dry_run=True))


def _failed(collection: str, section: SourceSection, bad: RagkitError) -> SyncReport:
    return SyncReport(
        collection=collection,
        source=section.name,
        failed=type(bad).__name__,
        message=str(bad),
        remedy=bad.remedy,
        dry_run=True,
    )
