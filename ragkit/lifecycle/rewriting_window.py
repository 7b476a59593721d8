"""Keeping rewritten chunks within the encoder's window."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ragkit.protocols import Embedder
from ragkit.types import Chunk, Masked

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Window:
    """Embeds chunks that may have outgrown the window.

    Attributes:
        embedded: Texts embedded so far.
        parted: Of these, how many were embedded in parts.
    """

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self.embedded = 0
        self.parted = 0

    def fit(self, chunk: Chunk, old: Chunk) -> Chunk:
        """Shorten the context of a chunk that outgrew the window, by whole words from its end."""
        if chunk.embedded == old.embedded:
            return chunk
        self._embedder.load()
        while chunk.context_index and not self._fits(chunk.embedded):
            shorter = chunk.context_index.rsplit(None, 1)
            chunk = replace(chunk, context_index=Masked(shorter[0] if len(shorter) > 1 else ""))
        return chunk

    def embed(self, texts: Sequence[Masked]) -> Iterator[NDArray[np.float32]]:
        """Give a unit vector for each text; for one that is too long, the mean of the vectors of its parts."""
        import numpy as np

        if not texts:
            return
        self._embedder.load()
        counts = self._embedder.count_tokens(texts)
        most = self._embedder.max_tokens
        parts = [[text] if count <= most else self._parts(text) for text, count in zip(texts, counts)]
        self.embedded += len(texts)
        self.parted += sum(len(some) > 1 for some in parts)
        vectors = iter(self._embedder.embed([part for some in parts for part in some]))
        for some in parts:
            rows = np.stack([next(vectors) for _ in some])
            mean = rows.mean(axis=0)
            yield rows[0] if len(some) == 1 else np.asarray(mean / np.linalg.norm(mean), dtype=np.float32)

    def _parts(self, text: Masked) -> list[Masked]:
        """Halves of halves, cut at a blank before the middle, until each fits."""
        if self._fits(text) or len(text) < 2:
            return [text]
        middle = len(text) // 2
        at = text.rfind(" ", 1, middle + 1)
        at = at if at > 0 else middle
        return [*self._parts(Masked(text[:at])), *self._parts(Masked(text[at:]))]

    def _fits(self, text: Masked) -> bool:
        return self._embedder.count_tokens([text])[0] <= self._embedder.max_tokens
