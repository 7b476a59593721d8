"""A whole ingest over light stages and a real record store, for tests of what has to survive.

::

    light = LightIngest(tmp_path, words=["Ada"])
    light.sync({"a.txt": "Ada wrote this."})
    light.texts()            # {"a.txt": ["[PERSON:…] wrote this."]}
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ragkit.ingest.report import SyncReport
from ragkit.pipeline import Ingestor
from ragkit.protocols import Connector
from ragkit.store.catalog import open_collection
from ragkit.store.database import open_database
from ragkit.store.records import RecordStore
from ragkit.testing.stages import (
    FakeEmbedder,
    ListConnector,
    ParagraphChunker,
    PlainParser,
    RecordingRecorder,
)
from ragkit.testing.word_masker import WordMasker
from ragkit.types import Hit, Principal, SourceItem

ROOT_KEY = bytes(range(32))
ANA = Principal("local|ana")
BEN = Principal("local|ben")


class LightIngest:
    """A record store in a folder, and what fills it. Every stage is an attribute and may be exchanged before a sync.

    ``options`` go to the :class:`ragkit.pipeline.Ingestor`; Ana has access unless they say otherwise.
    """

    def __init__(
        self,
        folder: Path,
        *,
        words: Iterable[str] = (),
        policy: str = "words-1",
        name: str = "default",
        writable: bool = True,
        keeps_past: bool = False,
        **options: Any,
    ) -> None:
        self.database = open_database(folder / "records.db", writable=writable)
        self.collection = open_collection(self.database, ROOT_KEY, name, create=writable)
        self.store = RecordStore(self.database, self.collection, keeps_past=keeps_past)
        self.parser = PlainParser()
        self.masker = WordMasker(words, self.store.vault(), self.collection.keys, policy=policy)
        self.chunker = ParagraphChunker()
        self.embedder = FakeEmbedder()
        self.recorder = RecordingRecorder()
        self.options: dict[str, Any] = {"access": {f"u:{ANA.subject}"}, **options}

    def sync(
        self, source: Connector | Mapping[str, str | SourceItem], name: str = "list", *, dry_run: bool = False
    ) -> SyncReport:
        """Run a sync over a connector, or over texts by native id."""
        connector = ListConnector(source) if isinstance(source, Mapping) else source
        return self.ingestor().sync(connector, name, dry_run=dry_run)

    def permissions(self, source: Connector, name: str = "list") -> SyncReport:
        """Read the permissions of a connector again."""
        return self.ingestor().permissions(source, name)

    def ingestor(self) -> Ingestor:
        """Put the stages together."""
        return Ingestor(
            store=self.store,
            parser=self.parser,
            masker=self.masker,
            chunker=self.chunker,
            embedder=self.embedder,
            recorder=self.recorder,
            **self.options,
        )

    def hits(self, principal: Principal = ANA) -> list[Hit]:
        """Return every chunk that a principal may see, in order of chunk number."""
        numbers = [row.chunk_id for row in self.store.index_source().rows(with_text=False)]
        found = self.store.hit_source().hits(numbers, principal=principal)
        return [found[number] for number in numbers if number in found]

    def texts(self, principal: Principal = ANA) -> dict[str, list[str]]:
        """Return the record view of every visible document, chunk by chunk, by the source's own id."""
        hits = sorted(self.hits(principal), key=lambda hit: (hit.doc_id, hit.chunk.ordinal))
        names = self.store.native_ids(sorted({hit.doc_id for hit in hits}))
        texts: dict[str, list[str]] = {}
        for hit in hits:
            texts.setdefault(names[hit.doc_id], []).append(hit.chunk.record)
        return texts
