"""Cut masked documents into chunks that fit the encoder's window.

::

    chunker = SentenceChunker(max_tokens=256)
    chunker.load()
    chunks = chunker.chunk(document)

Length is counted in word pieces of the index view, with special tokens and context. Small neighbouring blocks share a
chunk; a heading starts a new one when the last has grown enough, and never ends one; a long table is split by rows
under its repeated header, an over-long row by cells under their names; long prose is split by sentences. Title and
headings above stand before the body for the rankers. The packing is in :mod:`.chunk_packer`, the splitting of long
stretches in :mod:`.chunk_splitter` and, for tables, :mod:`.chunk_tables`.
"""

from __future__ import annotations

import hashlib
from dataclasses import astuple
from functools import cached_property

from ragkit.errors import ConfigError
from ragkit.index.chunk_packer import ChunkPacker, Sizes
from ragkit.index.chunk_splitter import StretchSplitter
from ragkit.models.weights import DEFAULT_MODEL, find_model, go_offline
from ragkit.models.word_pieces import load_tokenizer
from ragkit.types import Chunk, MaskedDocument

_CHARACTERS_A_PIECE = 16  # a chunk is at most this many times its window long; prose has 4 to 5
_VERSION = 2  # raise it when the same document would be cut in another way


class SentenceChunker:
    """Implements :class:`ragkit.protocols.Chunker`.

    Args:
        model: Whose word pieces are counted: ``builtin:all-MiniLM-L6-v2`` or a local sentence-transformers folder.
        max_tokens: Window of the encoder, special tokens and context included; at least 64.
        overlap: Word pieces of the chunk before that a chunk repeats, at most; only whole words, never a heading.
        context_tokens: Most word pieces that title and headings may take; 0 embeds the body alone.
        section_tokens: From this size on, a chunk is closed by the next heading.

    Raises:
        ConfigError: Context and overlap would leave less than half the window for text.
    """

    def __init__(
        self,
        *,
        model: str = DEFAULT_MODEL,
        max_tokens: int = 256,
        overlap: int = 0,
        context_tokens: int = 64,
        section_tokens: int = 96,
    ) -> None:
        if max_tokens < 64 or context_tokens + overlap > max_tokens // 2 or min(overlap, context_tokens) < 0:
            raise ConfigError(
                "chunks would have no room for text",
                remedy="Give max_tokens of 64 or more, of which context_tokens and overlap take at most half.",
            )
        self._model = model
        self._sizes = Sizes(max_tokens, overlap, context_tokens, section_tokens, max_tokens * _CHARACTERS_A_PIECE)
        self._splitter: StretchSplitter | None = None

    @cached_property
    def fingerprint(self) -> str:
        """Changes whenever the chunks of a document could."""
        pieces = hashlib.sha256((find_model(self._model).folder / "tokenizer.json").read_bytes()).hexdigest()[:16]
        return f"sentences:{_VERSION}:{pieces}:{':'.join(map(str, astuple(self._sizes)))}"

    def load(self) -> None:
        """Read the tokenizer. llama-index is imported when the first over-long paragraph is met.

        Raises:
            ModelError: The model is absent or its tokenizer cannot be read.
        """
        if self._splitter is None:
            go_offline()
            tokenizer = load_tokenizer(find_model(self._model).folder)
            self._splitter = StretchSplitter(tokenizer, max_characters=self._sizes.max_characters)

    def chunk(self, document: MaskedDocument) -> list[Chunk]:
        """Chunks in order. Without overlap, their bodies hold all non-blank text exactly once.

        Raises:
            ChunkTooLong: A masked span alone is longer than the window.
        """
        self.load()
        assert self._splitter is not None
        return list(ChunkPacker(document, splitter=self._splitter, sizes=self._sizes).chunks())
