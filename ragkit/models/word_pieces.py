"""Count and list word pieces with the ``tokenizers`` library alone (20 ms to load, no transformers)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ragkit.errors import ChunkTooLong, ModelError

if TYPE_CHECKING:
    from tokenizers import Tokenizer

_SHORTEN = "Chunk the text with SentenceChunker, or lower its max_tokens to the encoder's window."


def load_tokenizer(folder: Path) -> Tokenizer:
    """Read ``tokenizer.json``, with its truncation (128 pieces in all-MiniLM-L6-v2's file) and padding switched off.

    Raises:
        ModelError: The file is absent or malformed.
    """
    from tokenizers import Tokenizer

    try:
        tokenizer: Tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    except Exception as error:  # the library raises bare Exception
        raise ModelError("tokenizer.json cannot be read", remedy="Run: ragkit models verify") from error
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def piece_ids(tokenizer: Tokenizer, texts: Sequence[str], *, limit: int | None) -> list[list[int]]:
    """Ids of each text, special tokens included.

    Raises:
        ChunkTooLong: A text has more than ``limit`` pieces; it is never cut.
    """
    ids = [encoding.ids for encoding in tokenizer.encode_batch_fast(list(texts))]
    if limit is not None:
        refuse_long(map(len, ids), limit=limit)
    return ids


def batch_rows(lengths: Sequence[int], *, batch_tokens: int) -> list[list[int]]:
    """Row numbers by falling length, cut where the padded batch would pass ``batch_tokens``."""
    batches: list[list[int]] = []
    rows: list[int] = []
    for row in sorted(range(len(lengths)), key=lambda row: -lengths[row]):
        if rows and (len(rows) + 1) * lengths[rows[0]] > batch_tokens:
            batches.append(rows)
            rows = []
        rows.append(row)
    return [*batches, rows] if rows else batches


def refuse_long(counts: Iterable[int], *, limit: int) -> None:
    """Raise :class:`ChunkTooLong` if any of the counts is over the limit."""
    for position, count in enumerate(counts):
        if count > limit:
            raise ChunkTooLong(
                f"text {position} of the batch has {count} word pieces, the encoder reads {limit}", remedy=_SHORTEN
            )
