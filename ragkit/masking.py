"""Mask a text that a caller hands in, by a collection's policy and vault."""

from __future__ import annotations

from collections import Counter

from ragkit.handles import Handles
from ragkit.mask.findings import findings_of
from ragkit.types import MaskedText, Principal, Span


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
