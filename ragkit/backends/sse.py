"""Server-sent events from pieces of bytes, by the rules of the HTML standard, within limits.

https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation

Any cut of the bytes gives the same events: a piece may end inside a character, a line or a CRLF. What the standard
says of reconnection (``id``, ``retry``) is read over: a prompt is never sent again by itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ragkit.errors import GeneratorGarbled

MAX_EVENT_BYTES = 1_000_000
"""Longest event. A delta of a token is some hundred bytes, a whole answer some thousands."""

_LINE_END = re.compile(b"\r\n|\n|\r")
_BOM = b"\xef\xbb\xbf"
_REMEDY = "Check that the destination's URL is the one of a model server; `ragkit generators test NAME` tells more."


@dataclass(frozen=True, slots=True)
class ServerEvent:
    """One event: its type, ``message`` where the server gives none, and its data."""

    type: str
    data: str

    def __repr__(self) -> str:
        return f"ServerEvent({len(self.data)} characters)"


class EventDecoder:
    """Turns pieces of bytes into events; holds at most one unfinished event.

    Args:
        max_event_bytes: Longest event, its field names included.
    """

    def __init__(self, *, max_event_bytes: int = MAX_EVENT_BYTES) -> None:
        self._limit = max_event_bytes
        self._begun = bytearray()  # of the line that has no end yet
        self._started = False
        self._after_cr = False
        self._type = ""
        self._data: list[str] = []
        self._held = 0

    def feed(self, piece: bytes) -> Iterator[ServerEvent]:
        """Yield the events that end in this piece.

        Raises:
            GeneratorGarbled: An event is longer than the limit.
        """
        for line in self._lines(piece):
            event = self._take(line)
            if event is not None:
                yield event

    def _lines(self, piece: bytes) -> Iterator[bytes]:
        """Yield whole lines without their ends: CRLF, LF or CR."""
        if self._after_cr and piece:
            self._after_cr = False
            if piece[:1] == b"\n":
                piece = piece[1:]
        start = 0
        for end in _LINE_END.finditer(piece):
            line = bytes(self._begun) + piece[start : end.start()]
            self._begun.clear()
            start = end.end()
            self._after_cr = end[0] == b"\r" and start == len(piece)
            yield self._without_bom(line)
        self._begun += piece[start:]
        self._check(len(self._begun))

    def _without_bom(self, line: bytes) -> bytes:
        first, self._started = not self._started, True
        return line.removeprefix(_BOM) if first else line

    def _take(self, line: bytes) -> ServerEvent | None:
        """Take one line; an empty one ends the event, which counts only if it has data."""
        if not line:
            type_, data = self._type or "message", "\n".join(self._data)
            filled = bool(self._data)
            self._type, self._data, self._held = "", [], 0
            return ServerEvent(type_, data) if filled else None
        self._check(len(line))
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            self._held += len(line)
            self._data.append(value.decode("utf-8", "replace"))
        elif name == b"event":
            self._type = value.decode("utf-8", "replace")
        return None

    def _check(self, more: int) -> None:
        if self._held + more > self._limit:
            raise GeneratorGarbled("an event of the reply is longer than any model's would be", remedy=_REMEDY)
