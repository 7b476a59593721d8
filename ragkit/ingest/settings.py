"""What a run is composed of, and how it takes a source in."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from ragkit.errors import ItemError
from ragkit.protocols import Chunker, Embedder, Masker, Recorder
from ragkit.types import Chunk, Document, MaskedDocument, Principal, SourceItem, Trust

if TYPE_CHECKING:
    from ragkit.connect.actions import Action, Ageing, Entry
    from ragkit.store.records import RecordStore
    from ragkit.store.stored import StoredVersion


class StreamParser(Protocol):
    """Parses items in order, some of them ahead of time, in a process of its own.

    ``fingerprint`` changes when the same bytes may come out as another document.
    """

    @property
    def fingerprint(self) -> str: ...

    def parse_all(self, items: Iterable[SourceItem]) -> Iterator[tuple[SourceItem, Document | ItemError]]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Stages:
    """The parts that a run is composed of."""

    store: RecordStore
    parser: StreamParser
    masker: Masker
    chunker: Chunker
    embedder: Embedder
    recorder: Recorder

    @property
    def fingerprint(self) -> str:
        """Changes when the same source item could come out as other chunks or other vectors."""
        parts = (self.masker.policy, self.parser.fingerprint, self.chunker.fingerprint, self.embedder.fingerprint)
        return "|".join(parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestLimits:
    """What bounds the memory of a run.

    Attributes:
        mask_documents: So many documents are masked together at the most.
        mask_characters: Or about so many characters, if that is less.
        slab_chunks: About so many chunks are embedded and committed together.
    """

    mask_documents: int = 32
    mask_characters: int = 500_000
    slab_chunks: int = 256


class Watch(Protocol):
    """Told of every item of a run that is treated, before it is committed; ``stored`` is the version it replaces."""

    def masked(
        self, entry: Entry, document: MaskedDocument, chunks: Sequence[Chunk], stored: StoredVersion | None
    ) -> None: ...

    def refused(self, entry: Entry, code: str, stored: StoredVersion | None) -> None: ...


Held = Callable[[Collection[str]], set[str]]
"""Which of these documents a hold keeps, though they are gone at the source."""

Ahead = Callable[[Iterator["Action"]], Iterator["Action"]]
"""What stands between a source and the run, such as :meth:`ragkit.ingest.side_by_side.SideBySide.ahead`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestSettings:
    """How a source is taken in; each is explained at :class:`ragkit.pipeline.Ingestor`."""

    access: frozenset[str] = frozenset()
    filter_keys: frozenset[str] = frozenset()
    max_delete_share: float = 0.5
    retry_quarantined: bool | Collection[str] = False
    trust: Mapping[str, Trust] = field(default_factory=dict)
    limits: IngestLimits = IngestLimits()
    watch: Watch | None = None
    ageing: Ageing | None = None
    held: Held | None = None
    ahead: Ahead | None = None
    actor: Principal | None = None
    token_hash: Callable[[str], str] | None = None
