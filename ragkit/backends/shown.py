"""From what a model writes to what is shown: thoughts hidden, halves of characters joined, cut before a stop."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ragkit.backends.wire import without_halves

_THOUGHTS: Final = {"<think>": "</think>", "<thinking>": "</thinking>", "[THINK]": "[/THINK]"}
"""How models write thoughts into their text where the server does not take them apart (Qwen, DeepSeek, Magistral)."""


class ShownText:
    """Takes the text of one answer as it comes and gives what may be shown of it.

    Args:
        stop: The text ends before the first of these, also where the server did not obey.

    Attributes:
        stopped: One of ``stop`` was written; nothing more is wanted.
    """

    def __init__(self, stop: Sequence[str] = ()) -> None:
        self._stop = tuple(text for text in stop if text)
        self._half = ""
        self._opening = ""  # of a text that may yet begin with a thought
        self._closing = ""  # the mark that ends the thought we are in
        self._begun = False
        self._held = ""
        self._shown: list[str] = []
        self._hidden: list[str] = []
        self.stopped = False

    @property
    def text(self) -> str:
        """All that was shown."""
        return "".join(self._shown)

    @property
    def hidden(self) -> str:
        """The thoughts; to be counted, not kept."""
        return "".join(self._hidden)

    def hide(self, text: str) -> None:
        """Take thoughts that the server took apart itself."""
        self._hidden.append(without_halves(text))

    def take(self, text: str) -> str:
        """Take more of the answer; return what may be shown now."""
        text, self._half = self._half + text, ""
        if text and "\ud800" <= text[-1] <= "\udbff":  # its other half comes with the next piece
            text, self._half = text[:-1], text[-1]
        return self._show(self._without_thoughts(_paired(text)))

    def end(self) -> str:
        """Return what was held back: the beginning of a mark or a stop that never came."""
        rest, self._half = without_halves(self._half), ""
        opening, self._opening = self._opening, ""
        if self._closing:
            self._hidden.append(opening + rest)
            opening = rest = ""
        shown = self._show(opening + rest)
        held, self._held = self._held, ""
        if held:
            self._shown.append(held)
        return shown + held

    def _without_thoughts(self, text: str) -> str:
        if self._begun and not self._closing:
            return text
        text, self._opening = self._opening + text, ""
        if not self._closing:
            start = text.lstrip()
            mark = next((mark for mark in _THOUGHTS if start.startswith(mark)), None)
            if mark is None:
                if any(mark.startswith(start) for mark in _THOUGHTS):
                    self._opening = text
                    return ""
                self._begun = True
                return start if self._hidden else text
            self._closing, text = _THOUGHTS[mark], start[len(mark) :]
        thought, closed, rest = text.partition(self._closing)
        if not closed:
            kept = _overlap(thought, self._closing)
            self._hidden.append(thought[: len(thought) - kept])
            self._opening = thought[len(thought) - kept :]
            return ""
        self._hidden.append(thought)
        self._closing = ""
        return self._without_thoughts(rest)

    def _show(self, text: str) -> str:
        if self.stopped:
            return ""
        text, self._held = self._held + text, ""
        found = [place for place in (text.find(stop) for stop in self._stop) if place >= 0]
        if found:
            self.stopped = True
            text = text[: min(found)]
        elif kept := max((_overlap(text, stop) for stop in self._stop), default=0):
            text, self._held = text[:-kept], text[-kept:]
        if text:
            self._shown.append(text)
        return text


def _paired(text: str) -> str:
    """Join surrogate halves that came as two escapes, and replace those that stand alone."""
    try:
        text.encode()
    except UnicodeEncodeError:
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text.replace("\x00", "\ufffd")


def _overlap(text: str, mark: str) -> int:
    """Return the length of the longest end of ``text`` with which ``mark`` begins."""
    return next((n for n in range(min(len(text), len(mark) - 1), 0, -1) if text.endswith(mark[:n])), 0)
