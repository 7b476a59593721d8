"""Questions and calls for the contract suites, and a watch over what a constructor opens."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ragkit.types import (
    Chunk,
    DataClass,
    GenerationRequest,
    Hit,
    Masked,
    MaskedQuestion,
    MaskedText,
    Message,
    ModelCall,
)

SOURCES: tuple[tuple[str, str], ...] = (
    ("Warranty", "Every desk comes with a warranty of five years from the day of delivery. Scratches are not covered."),
    (
        "Returns",
        "A lamp can be returned within 30 days in its box. The price is refunded within a week of arrival.",
    ),
    ("Opening", "The showroom in Springfield is open from nine to six on weekdays. It is closed on public holidays."),
)
"""Titles and texts of the hits of :func:`question_about`."""

_WATCHED = ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto", "socket.bind")
_CODE = (".py", ".pyc", ".so", ".pth", ".pyi")
_watches: list[list[str]] = []
_hooked = False


def _notice(event: str, args: tuple[Any, ...]) -> None:
    if not _watches:
        return
    opened = event == "open" and isinstance(args[0], str) and not args[0].endswith(_CODE)
    if event in _WATCHED or opened:
        for seen in _watches:
            seen.append("open" if opened else event)


@contextmanager
def watched() -> Iterator[list[str]]:
    """Collect what Python tries in the block: connections, look-ups, and files other than code that are opened."""
    global _hooked
    if not _hooked:
        _hooked = True
        sys.addaudithook(_notice)
    seen: list[str] = []
    _watches.append(seen)
    try:
        yield seen
    finally:
        _watches[:] = [one for one in _watches if one is not seen]


def hit_of(number: int, title: str, text: str, *, dense: float = 0.5, lexical: float = 2.0) -> Hit:
    """A hit that holds one text."""
    chunk = Chunk(
        ordinal=0,
        record=Masked(text),
        index=Masked(text),
        source_start=0,
        source_end=len(text),
        context_index=Masked(title),
        heading=Masked(title),
    )
    score = max(0.0, min(1.0, dense))
    return Hit(
        chunk_id=number,
        doc_id=f"doc{number}",
        version=1,
        chunk=chunk,
        score=score,
        title=Masked(title),
        dense=dense,
        lexical=lexical,
    )


def question_about(
    question: str = "How long is the warranty of a desk?", *, data_class: DataClass = DataClass.PUBLIC
) -> GenerationRequest:
    """A question whose answer stands in the first of three hits."""
    hits = tuple(
        hit_of(number, title, text, dense=0.8 / number, lexical=8.0 / number)
        for number, (title, text) in enumerate(SOURCES, start=1)
    )
    text = MaskedText(Masked(question), Masked(question))
    return GenerationRequest(MaskedQuestion(text, "shop", "policy"), hits, data_class)


def call_of(*contents: str, max_tokens: int = 24, **more: Any) -> ModelCall:
    """A call with a system message and one message of the user for each text."""
    asked = [Message("user", Masked(content)) for content in contents]
    system = Message("system", Masked("Answer briefly."))
    return ModelCall(messages=(system, *asked), data_class=DataClass.PUBLIC, max_tokens=max_tokens, **more)


def without_content(thing: object, texts: tuple[str, ...]) -> None:
    """Neither its repr nor its pickle, where it can be pickled at all, holds one of these texts."""
    assert not any(text in repr(thing) for text in texts)
    try:
        pickled = pickle.dumps(thing)
    except Exception:  # refusing is the best answer
        return
    assert not any(text.encode() in pickled for text in texts)
