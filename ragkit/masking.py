"""Mask a text that a caller hands in, by a collection's policy and vault; or embed it, masked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ragkit.handles import Handles
from ragkit.mask.findings import findings_of
from ragkit.types import MaskedText, Principal, RawQuestion, Span

if TYPE_CHECKING:
    from ragkit.protocols import Vectors

_TOGETHER = 32
"""Texts in one pass of the encoder for questions."""


@dataclass(frozen=True, slots=True)
class Embedded:
    """Texts as vectors.

    Attributes:
        vectors: Unit vectors in the order of the texts, shape (number of texts, dimension), float32.
        tokens: Word pieces that the encoder read, special tokens included.
        collection: Under whose policy they were masked.
    """

    vectors: Vectors = field(repr=False)
    tokens: int
    collection: str


def mask_text(
    handles: Handles, text: str, *, collection: str | None, store: bool, actor: Principal
) -> tuple[MaskedText, list[Span]]:
    """Return both views of a text, and what was found in it; ``actor`` is who asks.

    Raises:
        SecretFound, ItemRefused: The policy refuses such a text.
        WriterBusy: Another process is writing, and ``store`` is true.
    """
    if not store:
        part = handles.reader(collection)
        part.masker.load()
        spans, masked = part.masker.mask_text(text)
    else:
        with handles.writing("mask") as database:
            part = handles.collection(handles.name(collection), database, create=True)
            part.masker.load()
            try:
                spans, masked = part.masker.mask_text(text, store=True)
                with database.write():
                    part.masker.flush()
            except BaseException:  # rolled back: these tokens are nobody's, and must not be given out again
                part.masker.discard()
                raise
    handles.recorder.record(
        "text.masked",
        actor=actor,
        data={
            "collection": part.name,
            "characters": len(text),
            "stored": store,
            "policy": part.masker.policy,
            "entities": dict(Counter(span.entity_type for span in spans)),
            **findings_of(spans, {}).told(),
        },
    )
    return masked, spans


def embed_texts(
    handles: Handles, texts: Sequence[str], *, collection: str | None = None, principal: Principal | None = None
) -> Embedded:
    """Return the vectors of texts that are masked as questions are: in the index view, nothing inserted in the vault.

    They can be compared with each other and with what the collection's index holds.

    Args:
        handles: The open workspace.
        texts: Any texts.
        collection: Whose policy and vault; by default the only one.
        principal: Who asks; by default the owner. A value that stands only in what they may not read is no one known.

    Raises:
        ChunkTooLong: A text has more word pieces than the encoder reads; it is not cut.
        MaskingError: Masking could not be done.
    """
    import numpy as np

    part, asking = handles.reader(collection), principal or handles.config.workspace.principal
    embedder = handles.embedder
    embedder.load()
    if not texts:
        return Embedded(np.zeros((0, embedder.dimension), dtype=np.float32), 0, part.name)
    part.masker.load()
    masked = part.masker.mask_question(RawQuestion(texts[0], tuple(texts[1:])), principal=asking)
    handles.recorder.record(
        "text.masked",
        actor=asking,
        data={
            "collection": part.name,
            "characters": sum(map(len, texts)),
            "stored": False,
            "policy": masked.policy,
            "entities": dict(masked.counts),
            **masked.findings.told(),
        },
    )
    views = [view.index for view in (masked.text, *masked.history)]
    slices = [views[at : at + _TOGETHER] for at in range(0, len(views), _TOGETHER)]
    return Embedded(
        np.concatenate([embedder.embed_questions(some) for some in slices]),
        sum(embedder.count_tokens(views)),
        part.name,
    )
