"""Embed a question in float32: on the command line without torch, 0.1 s to load, some milliseconds a question."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from ragkit.models.bert_few import FewTextsBert
from ragkit.models.together import Together
from ragkit.models.weights import ModelFiles
from ragkit.models.word_pieces import batch_rows, piece_ids
from ragkit.types import Masked

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from tokenizers import Tokenizer

    from ragkit.protocols import Vectors

_BATCH_TOKENS = 256  # one layer's widest activation is then 1.5 MB, within a second-level cache
_TOGETHER = 16  # texts of several callers in one pass


class QuestionEncoder:
    """A BERT encoder with mean pooling, for a few texts.

    Args:
        files: A model whose :attr:`ModelFiles.bert` is not ``None``.
        tokenizer: As :func:`load_tokenizer` gives it.
        threads: How many batches may run side by side.
    """

    def __init__(self, files: ModelFiles, *, tokenizer: Tokenizer, threads: int) -> None:
        self._threads = threads
        self._limit = files.max_tokens
        self._dimension = files.dimension
        self._tokenizer = tokenizer
        self._bert = FewTextsBert(files)
        self._together: Together[Sequence[int], NDArray[np.float32]] = Together(self._rows, most=_TOGETHER)

    def load(self) -> None:
        """Read the weights.

        Raises:
            ModelError: The file does not hold the tensors that its configuration promises.
        """
        self._bert.load()

    def encode(self, texts: Sequence[Masked]) -> Vectors:
        """Embed texts.

        Returns:
            Unit vectors, shape (len(texts), hidden), float32; cosine to sentence-transformers at least .9999.

        Raises:
            ChunkTooLong: A text has more word pieces than the encoder reads.
        """
        self.load()
        ids = piece_ids(self._tokenizer, texts, limit=self._limit)
        if not 0 < len(ids) <= _TOGETHER:
            return self._vectors(ids)
        import numpy as np

        return np.stack(self._together.do(ids))

    def _rows(self, ids: Sequence[Sequence[int]]) -> list[NDArray[np.float32]]:
        return list(self._vectors(ids))

    def _vectors(self, ids: Sequence[Sequence[int]]) -> Vectors:
        import numpy as np

        vectors = np.empty((len(ids), self._dimension), dtype=np.float32)

        def work(rows: list[int]) -> None:
            vectors[rows] = _pooled(*self._bert.encode([ids[row] for row in rows]))

        batches = batch_rows([len(one) for one in ids], batch_tokens=_BATCH_TOKENS)
        if len(batches) <= 1 or self._threads == 1:
            for rows in batches:
                work(rows)
        else:
            with ThreadPoolExecutor(min(self._threads, len(batches)), "ragkit-question") as pool:
                list(pool.map(work, batches))
        return vectors


def _pooled(hidden: NDArray[np.float32], kept: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Unit vectors of the means over real pieces, (texts, hidden)."""
    import numpy as np

    summed = (hidden * kept).sum(axis=2).T
    unit: NDArray[np.float32] = summed / np.linalg.norm(summed, axis=1, keepdims=True)
    return unit
