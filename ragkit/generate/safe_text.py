"""The text that a sanitiser gives back, in which no two parts become a link, a tag or an address by standing together.

Whatever was recognised on the way in, this is the last hand: the rules here hold for what comes out.
"""

from __future__ import annotations

import re

from ragkit.generate.syntax import LINE_START

_LINE = 1200  # characters of a line that are remembered: more than the label of a definition may have
_JOINS = re.compile(r"[\w:/.\-@<!?&#\[\](=%+~‹]")
_LABEL = re.compile(rf"{LINE_START.pattern}\[.*\]")


class SafeText:
    """Collects the parts of a text that is shown.

    Attributes:
        line: The line under way.
    """

    def __init__(self) -> None:
        self.line = ""
        self._parts: list[str] = []
        self._parted = False

    def __repr__(self) -> str:
        return f"SafeText({len(self._parts)} parts)"

    def part(self) -> None:
        """Something was taken out here: what stands on both sides must not become one word."""
        self._parted = True

    def write(self, text: str) -> None:
        """Append a text; a blank goes before it where the two together would mean something."""
        if not text:
            return
        last, first = self.line[-1:], text[0]
        one_word = self._parted and _JOINS.match(last) and _JOINS.match(first)
        link = (last == "]" and first == "(") or (last == "!" and first == "[")
        definition = last == "]" and first == ":" and _LABEL.fullmatch(self.line)
        if one_word or link or definition:
            text = " " + text
        self._parted = False
        self._parts.append(text)
        newline = text.rfind("\n")
        self.line = (text[newline + 1 :] if newline >= 0 else self.line + text)[-_LINE:]

    def take(self) -> str:
        """Return what was written since the last time."""
        text, self._parts = "".join(self._parts), []
        return text
