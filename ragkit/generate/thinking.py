"""Leaves out the reasoning that some models write before the answer, between ``<think>`` and ``</think>``."""

from __future__ import annotations

import re

_OPEN = re.compile(r"\s*<(think|thinking|reasoning)>", re.IGNORECASE)
_NAMES = ("think", "thinking", "reasoning")


class ThinkingStream:
    """Drops a block of reasoning at the beginning of a text that comes in pieces; without an end, all goes."""

    def __init__(self) -> None:
        self._held = ""
        self._close = ""  # the end that is waited for
        self._open = False

    def feed(self, piece: str) -> str:
        """Return all that can be told by now."""
        if self._open:
            return piece
        text = self._held + piece
        if not self._close:
            begun = _OPEN.match(text)
            if begun is None and _may_begin(text):
                self._held = text
                return ""
            if begun is None:
                self._open, self._held = True, ""
                return text
            self._close = f"</{begun[1].lower()}>"
            text = text[begun.end() :]
        at = text.lower().find(self._close)
        if at < 0:
            self._held = text[-len(self._close) :]
            return ""
        self._open, self._held = True, ""
        return text[at + len(self._close) :]

    def flush(self) -> str:
        """Return what was held back, as no more comes."""
        held, self._held = self._held, ""
        return "" if self._close and not self._open else held


def _may_begin(text: str) -> bool:
    start = text.lstrip().lower()
    return not start or any(f"<{name}>".startswith(start) for name in _NAMES)
