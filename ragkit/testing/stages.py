"""Light stand-ins for the stages, for tests of what composes them. Each keeps its contract and needs no model.

::

    ingestor = Ingestor(store=store, parser=PlainParser(), masker=WordMasker(["Ada"], store.vault(), keys),
                        chunker=ParagraphChunker(), embedder=FakeEmbedder(), recorder=RecordingRecorder())
    ingestor.sync(ListConnector({"a": "Ada wrote this."}), "list")
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ragkit.errors import ChunkTooLong, ItemError, ParseError
from ragkit.types import (
    Block,
    BlockKind,
    Change,
    Checkpoint,
    Chunk,
    Document,
    Evidence,
    Listed,
    Masked,
    MaskedDocument,
    MaskedSpan,
    Principal,
    SourceItem,
    Upsert,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ragkit.protocols import Vectors


class ListConnector:
    """Yields what it is given: native id to text or to a whole item, then a complete checkpoint.

    Args:
        every: Also yield a checkpoint with a cursor after so many items; a pass resumes there. 0 for none.
        listed: Name the items only, and hand over those that are asked for.
    """

    def __init__(self, items: Mapping[str, str | SourceItem], *, every: int = 0, listed: bool = False) -> None:
        self.items = dict(items)
        self._every = every
        self._listed = listed

    def changes(self, cursor: str | None) -> Iterator[Change]:
        """Go through the items in the order of the mapping."""
        start = int(cursor or 0)
        for position, (native_id, item) in enumerate(list(self.items.items())[start:], start + 1):
            upsert = Upsert(item if isinstance(item, SourceItem) else text_item(native_id, item))
            mark = hashlib.sha256(upsert.item.content).hexdigest()
            yield Listed(native_id, mark, upsert.item.access) if self._listed else upsert
            if self._every and position % self._every == 0:
                yield Checkpoint(str(position))
        yield Checkpoint(None, complete=True)

    def fetch(self, native_ids: Sequence[str]) -> Iterator[SourceItem]:
        """Hand over items by their ids."""
        for native_id in native_ids:
            item = self.items[native_id]
            yield item if isinstance(item, SourceItem) else text_item(native_id, item)


def text_item(native_id: str, text: str, **more: Any) -> SourceItem:
    """Make a plain-text item."""
    return SourceItem(native_id=native_id, content=text.encode(), name=native_id, media_type="text/plain", **more)


class PlainParser:
    """Reads UTF-8; blocks are paragraphs. Anything else is a :class:`ParseError` with the code ``not-text``."""

    def __init__(self) -> None:
        self.parsed = 0

    @property
    def fingerprint(self) -> str:
        """Constant."""
        return "plain-1"

    def parse(self, item: SourceItem) -> Document:
        """Decode an item."""
        self.parsed += 1
        if item.problem:
            raise ParseError("the connector could not hand it over", code=item.problem)
        try:
            text = item.content.decode()
        except UnicodeDecodeError:
            raise ParseError("not UTF-8", code="not-text") from None
        blocks = tuple(Block(BlockKind.PARAGRAPH, *match.span()) for match in re.finditer(r"[^\n]+(?:\n[^\n]+)*", text))
        return Document(
            text=text,
            blocks=blocks,
            title=item.title or item.name,
            name=item.name,
            media_type=item.media_type or "text/plain",
            uri=item.uri,
            metadata=dict(item.metadata),
        )

    def parse_all(self, items: Iterable[SourceItem]) -> Iterator[tuple[SourceItem, Document | ItemError]]:
        """Parse items in order, one ahead."""
        ahead: list[tuple[SourceItem, Document | ItemError]] = []
        for item in items:
            try:
                ahead.append((item, self.parse(item)))
            except ItemError as bad:
                ahead.append((item, bad))
            if len(ahead) > 1:
                yield ahead.pop(0)
        yield from ahead


class ParagraphChunker:
    """One chunk a block."""

    @property
    def fingerprint(self) -> str:
        """Constant."""
        return "paragraph-1"

    def load(self) -> None:
        """Nothing to load."""

    def chunk(self, document: MaskedDocument) -> list[Chunk]:
        """Cut at the blocks."""
        text = document.text
        chunks = []
        for ordinal, block in enumerate(document.blocks):
            r0, r1 = (
                text.to("record", p, came_from="source", end=e) for p, e in ((block.start, False), (block.end, True))
            )
            i0, i1 = (
                text.to("index", p, came_from="source", end=e) for p, e in ((block.start, False), (block.end, True))
            )
            spans = tuple(
                MaskedSpan(
                    span.entity_type,
                    span.source_start - block.start,
                    span.source_end - block.start,
                    span.record_start - r0,
                    span.record_end - r0,
                    span.index_start - i0,
                    span.index_end - i0,
                )
                for span in text.spans
                if block.start <= span.source_start < block.end
            )
            chunks.append(
                Chunk(
                    ordinal=ordinal,
                    record=Masked(text.record[r0:r1]),
                    index=Masked(text.index[i0:i1]),
                    source_start=block.start,
                    source_end=block.end,
                    context_index=document.title.index,
                    heading=document.title.record,
                    page=block.page,
                    spans=spans,
                )
            )
        return chunks


class FakeEmbedder:
    """Unit vectors from a hash of the text: equal texts have equal vectors, and nothing else is promised.

    Args:
        max_tokens: A text of more words is :class:`ChunkTooLong`.
    """

    def __init__(self, dimension: int = 16, *, max_tokens: int = 256, name: str = "hash") -> None:
        self._dimension = dimension
        self._max_tokens = max_tokens
        self._name = name
        self.embedded = 0

    @property
    def fingerprint(self) -> str:
        """Name and dimension."""
        return f"{self._name}-{self._dimension}"

    @property
    def dimension(self) -> int:
        """As given."""
        return self._dimension

    @property
    def max_tokens(self) -> int:
        """As given."""
        return self._max_tokens

    def load(self) -> None:
        """Nothing to load."""

    def count_tokens(self, texts: Sequence[Masked]) -> list[int]:
        """Count words."""
        return [len(text.split()) for text in texts]

    def embed(self, texts: Sequence[Masked]) -> Vectors:
        """Hash each text into a unit vector."""
        import numpy as np

        if any(count > self._max_tokens for count in self.count_tokens(texts)):
            raise ChunkTooLong("a text has more words than this embedder takes")
        self.embedded += len(texts)
        raw = b"".join(
            hashlib.shake_128(text.encode("utf-8", "surrogatepass")).digest(self._dimension) for text in texts
        )
        vectors = np.frombuffer(raw, dtype=np.int8).reshape(len(texts), self._dimension).astype(np.float32) + 0.5
        return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32)

    def embed_question(self, text: Masked) -> NDArray[np.float32]:
        """Hash one text, shape (dimension,)."""
        vector: NDArray[np.float32] = self.embed([text])[0]
        return vector


@dataclass(frozen=True, slots=True)
class RecordedEvent:
    """One event as it was given."""

    kind: str
    outcome: str
    reason: str
    data: Mapping[str, Any] = field(default_factory=dict)


class RecordingRecorder:
    """Keeps events in a list."""

    def __init__(self) -> None:
        self.events: list[RecordedEvent] = []

    def record(
        self,
        kind: str,
        *,
        outcome: str = "ok",
        reason: str = "",
        request: str | None = None,
        actor: Principal | None = None,
        data: Mapping[str, Any] | None = None,
        session: str = "",
        evidence: Evidence | None = None,
    ) -> None:
        """Append an event."""
        del request, actor, session, evidence
        self.events.append(RecordedEvent(kind, outcome, reason, dict(data or {})))

    def flush(self) -> None:
        """Nothing is buffered."""

    def kinds(self) -> list[str]:
        """Give the types in order."""
        return [event.kind for event in self.events]
