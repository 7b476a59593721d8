"""Turn masked text into unit vectors: many chunks fast, or one question without loading torch.

::

    embedder = MiniLMEmbedder()
    embedder.load()                        # 0.15 s: tokenizer and question encoder, hashes checked
    embedder.embed_question(question)      # some milliseconds, without torch in this process
    embedder.embed(chunks)                 # loads torch on first use

all-MiniLM-L6-v2 and every other BERT encoder with mean pooling run on ragkit's own forward passes (:mod:`.bert_torch`,
:mod:`.question_encoder`); any other local sentence-transformers folder runs on that library's ``encode``.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import TYPE_CHECKING, Any, Literal

from ragkit.errors import ModelError
from ragkit.index.question_encoder import QuestionEncoder
from ragkit.models.loaded import note_loaded
from ragkit.models.processor import multiplies_bf16, single_threaded_pool
from ragkit.models.weights import DEFAULT_MODEL, ModelFiles, find_model, go_offline
from ragkit.models.word_pieces import batch_rows, load_tokenizer, piece_ids, refuse_long
from ragkit.types import Masked

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from tokenizers import Tokenizer

    from ragkit.models.bert_torch import PackedBert
    from ragkit.protocols import Vectors

Precision = Literal["auto", "bf16", "fp32"]


class MiniLMEmbedder:
    """Implements :class:`ragkit.protocols.Embedder`. Safe to call from several threads.

    Args:
        model: ``builtin:all-MiniLM-L6-v2``, or the path of a local sentence-transformers folder.
        threads: Processor threads for bulk; ``None`` takes every processor this process may use.
        dtype: Of bulk weights and activations. ``auto`` takes bf16 where the processor multiplies it in hardware
            (AMX or AVX512-BF16; cosine to fp32 at least .9999), else fp32. Questions are always fp32.
        batch_tokens: Padded word pieces in one forward pass. With 2,048 a layer's activations stay near a core's
            second-level cache.
    """

    def __init__(
        self,
        *,
        model: str = DEFAULT_MODEL,
        threads: int | None = None,
        dtype: Precision = "auto",
        batch_tokens: int = 2048,
    ) -> None:
        self._model = model
        self._threads = threads or len(os.sched_getaffinity(0))
        self._dtype = dtype
        self._batch_tokens = batch_tokens
        self._lock = Lock()
        self._found: ModelFiles | None = None
        self._tokenizer: Tokenizer | None = None
        self._questions: QuestionEncoder | None = None
        self._bulk: PackedBert | None = None
        self._pool: ThreadPoolExecutor | None = None
        self._library: Any = None

    @property
    def fingerprint(self) -> str:
        """Changes with the model's files and window; not with dtype or threads, whose vectors are interchangeable."""
        return f"st:{self._files.digest[:24]}:{self.max_tokens}"

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return self._files.dimension

    @property
    def max_tokens(self) -> int:
        """Word pieces that a text may have, special tokens included."""
        return self._files.max_tokens

    @property
    def precision(self) -> Literal["bf16", "fp32"]:
        """The dtype that bulk embedding uses on this processor."""
        if self._dtype != "auto":
            return self._dtype
        return "bf16" if multiplies_bf16() else "fp32"

    def load(self) -> None:
        """Check the pinned hashes, read the tokenizer and the question encoder. Imports no torch.

        Raises:
            ModelError: The model is absent, or its files are not the pinned ones.
        """
        with self._lock:
            if self._tokenizer is not None:
                return
            go_offline()
            files = self._files
            verified = files.start_verifying()
            tokenizer = load_tokenizer(files.folder)
            if files.bert is not None:
                self._questions = QuestionEncoder(files, tokenizer=tokenizer, threads=self._threads)
                self._questions.load()
            verified()
            pinned = files.pins.get("model.safetensors", "")
            note_loaded("embedder", model=files.name, digest=pinned or files.digest, dimension=files.dimension)
            self._tokenizer = tokenizer

    def load_bulk(self) -> None:
        """Load torch and the bulk encoder (about a second). ``embed`` calls it.

        Raises:
            ModelError: As :meth:`load`, or the weights do not fit the configuration beside them.
        """
        self.load()
        with self._lock:
            if self._bulk is not None or self._library is not None:
                return
            files = self._files
            if files.bert is None:
                self._library = _sentence_transformer(files)
                return
            from ragkit.models.bert_torch import PackedBert

            self._pool = single_threaded_pool(self._threads, name="ragkit-embed")
            try:
                self._bulk = PackedBert(files.folder / "model.safetensors", shape=files.bert, dtype=self.precision)
            except (KeyError, OSError) as error:
                raise ModelError(
                    "model.safetensors does not fit config.json", remedy="Copy the model again."
                ) from error

    def count_tokens(self, texts: Sequence[Masked]) -> list[int]:
        """Word pieces of each text, special tokens included."""
        self.load()
        return [len(ids) for ids in piece_ids(self._loaded_tokenizer, self._prompted(texts, "document"), limit=None)]

    def embed(self, texts: Sequence[Masked]) -> Vectors:
        """Embed many texts, in any order of length.

        Returns:
            Unit vectors in the order of the texts, shape (len(texts), dimension), float32.

        Raises:
            ChunkTooLong: A text has more word pieces than ``max_tokens``.
            ModelError: See :meth:`load_bulk`.
        """
        import numpy as np

        if not texts:
            return np.zeros((0, self.dimension), dtype=np.float32)
        self.load_bulk()
        if self._bulk is None or self._pool is None:
            refuse_long(self.count_tokens(texts), limit=self.max_tokens)
            return self._encode(self._library.encode_document, texts)
        return self._embed_packed(self._bulk, self._pool, texts)

    def embed_question(self, text: Masked) -> NDArray[np.float32]:
        """Embed one short text, shape (dimension,). Fast and without torch where the architecture allows it.

        Raises:
            ChunkTooLong: The question has more word pieces than ``max_tokens``.
        """
        vector: NDArray[np.float32] = self.embed_questions([text])[0]
        return vector

    def embed_questions(self, texts: Sequence[Masked]) -> Vectors:
        """Embed up to some dozens of questions or sentences, shape (len(texts), dimension)."""
        self.load()
        if self._questions is not None:
            return self._questions.encode(texts)
        self.load_bulk()
        refuse_long(self.count_tokens(texts), limit=self.max_tokens)
        return self._encode(self._library.encode_query, texts)

    def _embed_packed(self, bulk: PackedBert, pool: ThreadPoolExecutor, texts: Sequence[Masked]) -> Vectors:
        import numpy as np

        tokenizer, limit = self._loaded_tokenizer, self.max_tokens
        share = -(-len(texts) // self._threads)
        slices = [texts[at : at + share] for at in range(0, len(texts), share)]
        counted = pool.map(lambda part: piece_ids(tokenizer, part, limit=limit), slices)
        ids = [one for part in counted for one in part]
        vectors = np.empty((len(texts), self.dimension), dtype=np.float32)

        def work(rows: list[int]) -> None:
            vectors[rows] = bulk.embed([ids[row] for row in rows]).numpy()

        # Long texts first, so that the threads finish together.
        batches = batch_rows([len(one) for one in ids], batch_tokens=self._batch_tokens)
        for done in [pool.submit(work, rows) for rows in batches]:
            done.result()
        return vectors

    def _encode(self, encode: Callable[..., Any], texts: Sequence[Masked]) -> Vectors:
        import numpy as np

        vectors = encode(list(texts), normalize_embeddings=True, show_progress_bar=False, convert_to_numpy=True)
        return np.ascontiguousarray(vectors, dtype=np.float32)

    def _prompted(self, texts: Sequence[Masked], kind: str) -> list[str]:
        prompt = self._files.prompts.get(kind, "")
        return [prompt + text for text in texts] if prompt else list(texts)

    @property
    def _files(self) -> ModelFiles:
        if self._found is None:
            self._found = find_model(self._model)
        return self._found

    @property
    def _loaded_tokenizer(self) -> Tokenizer:
        assert self._tokenizer is not None, "load() comes first"
        return self._tokenizer


def _sentence_transformer(files: ModelFiles) -> Any:
    """The library's own model, from local files only."""
    from sentence_transformers import SentenceTransformer

    try:
        return SentenceTransformer(str(files.folder), device="cpu", local_files_only=True)
    except (OSError, ValueError, KeyError) as error:
        raise ModelError(
            "sentence-transformers cannot load the configured folder", remedy="Copy the model folder again."
        ) from error
