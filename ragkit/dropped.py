"""Sources that the configuration names no more, and of which the store still holds documents.

Taken out of ``ragkit.toml``, or renamed there, a source is read by no sync: its documents would answer for ever, with
permissions that nobody reads again. Whether it is to go or its name was mistyped only a person knows, so a sync of the
whole collection stops at it as at a mass deletion, and lets it go on the same word.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ragkit.errors import MassDeletion
from ragkit.ingest.report import SyncReport
from ragkit.source_views import SourceDiff, SourceView
from ragkit.store.sourcefigures import SourceFigures, source_figures
from ragkit.types import Change, Checkpoint

if TYPE_CHECKING:
    from ragkit.build import OpenCollection


@dataclass(frozen=True, slots=True)
class Dropped:
    """A source that is named no more: a connector that finds nothing, so that all that is held of it goes.

    Attributes:
        name: What it was called.
        held: Its documents and the items of it that are set aside.
    """

    name: str
    held: int

    def changes(self, cursor: str | None) -> Iterator[Change]:  # noqa: ARG002 the protocol names it
        """Say that this is all, from the beginning: a source that takes the name again is read anew."""
        yield Checkpoint(None, complete=True)

    def refusal(self) -> MassDeletion:
        """Return why nothing of it is deleted without a word, and which."""
        return MassDeletion(
            f"ragkit.toml names this source no more, and {self.held} items are held of it",
            remedy="Name it again as it was called, or run one sync with --allow-mass-delete, which deletes them. "
            "Until then its documents answer as they are. Nothing was deleted.",
        )


def dropped_sources(part: OpenCollection) -> list[Dropped]:
    """Return the sources that something is held of and that the configuration does not name, by name."""
    figures = _figures(part)
    return [Dropped(name, figures[name].documents + figures[name].quarantined) for name in sorted(figures)]


def dropped_views(part: OpenCollection) -> list[SourceView]:
    """Return the figures of these sources. How they were read, only the configuration knew."""
    return [
        SourceView(
            collection=part.name,
            source=name,
            connector="",
            trust="",
            every=None,
            permissions_every=None,
            documents=held.documents,
            quarantined=held.quarantined,
            state="dropped",
            last=held.last,
        )
        for name, held in sorted(_figures(part).items())
    ]


def dropped_diffs(part: OpenCollection) -> list[SourceDiff]:
    """Return what a sync would do with these sources: stop, and with the word delete all."""
    reports = [
        SyncReport(collection=part.name, source=name, deleted=held.documents, dry_run=True)
        for name, held in sorted(_figures(part).items())
    ]
    return [SourceDiff(report=report, stopped=True) for report in reports]


def _figures(part: OpenCollection) -> dict[str, SourceFigures]:
    named = {section.name for section in part.section.sources}
    figures = source_figures(part.store.database, part.collection)
    return {name: of for name, of in figures.items() if name not in named and of.documents + of.quarantined}
