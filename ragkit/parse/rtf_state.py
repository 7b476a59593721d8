"""What an RTF file's formatting comes to: how a run looks, and the tables of fonts, colours and styles in the head."""

from __future__ import annotations

import codecs
import re
from typing import Final

_HEADING: Final = re.compile(r"heading ([1-9])")


class Look:
    """The state that a group saves and restores: where text goes, and how it looks."""

    __slots__ = (
        "color", "dead", "dead_but_upr", "deleted", "fallback", "flow", "font", "invisible", "is_read", "shaded",
        "size", "table", "text_box",
    )  # fmt: skip

    def __init__(self) -> None:
        self.flow = "body"
        self.table = ""
        self.is_read = True
        self.dead = False
        self.dead_but_upr = False
        self.text_box = False
        self.fallback = 1
        self.plain()

    def plain(self) -> None:
        """Reset what the character has, as the control word of this name does."""
        self.font: int | None = None
        self.color = 0
        self.size = 24
        self.invisible = False
        self.deleted = False
        self.shaded = False

    def copy(self) -> Look:
        """A copy for an inner group; `copy.copy` takes five times as long, and a file may have a million groups."""
        other = Look.__new__(Look)
        other.flow, other.table, other.is_read, other.text_box = self.flow, self.table, self.is_read, self.text_box
        other.dead, other.dead_but_upr, other.fallback = self.dead, self.dead_but_upr, self.fallback
        other.font, other.color, other.size, other.shaded = self.font, self.color, self.size, self.shaded
        other.invisible, other.deleted = self.invisible, self.deleted
        return other

    @property
    def is_unseen(self) -> bool:
        """True for hidden and deleted text, and type of a point or less; sizes are half-points."""
        return self.invisible or self.deleted or self.size <= 2

    def format(self, word: str, number: int | None) -> bool:
        """Apply a control word; False when it is none of a character's."""
        if word == "plain":
            self.plain()
        elif word == "v":
            self.invisible = number != 0
        elif word == "deleted":
            self.deleted = number != 0
        elif word == "fs":
            self.size = number if number is not None else 24
        elif word == "cf":
            self.color = number or 0
        elif word == "f":
            self.font = number
        elif word == "uc":
            self.fallback = min(max(number or 0, 0), 100)
        elif word in {"highlight", "cb", "chcbpat", "chshdng"}:
            self.shaded = bool(number)
        else:
            return False
        return True


class Tables:
    """Fonts by charset, colours, and which paragraph styles are headings."""

    def __init__(self) -> None:
        from striprtf.striprtf import charset_map

        self._charsets = charset_map
        self._encoding = "cp1252"
        self._fonts: dict[int, str] = {}
        self._font = 0
        self._colors: list[tuple[int, int, int]] = []
        self._channels = {"red": 0, "green": 0, "blue": 0}
        self._has_channels = False
        self._style: int | None = 0
        self._name = ""
        self.levels: dict[int, int] = {}

    def word(self, table: str, word: str, number: int | None) -> None:
        """Take a control word within a table."""
        if table == "fonttbl":
            if word == "f":
                self._font = number or 0
            elif word == "fcharset" and number in self._charsets:
                self._fonts[self._font] = self._charsets[number]
        elif table == "colortbl" and word in self._channels:
            self._channels[word] = number or 0
            self._has_channels = True
        elif table == "stylesheet":
            if word in {"s", "cs", "ds", "ts"}:
                self._style = number if word == "s" else None
            elif word == "outlinelevel" and self._style is not None and number is not None and 0 <= number < 9:
                self.levels[self._style] = number + 1

    def text(self, table: str, text: bytes) -> None:
        """Take text within a table."""
        if table == "colortbl":
            for _ in range(text.count(b";")):
                white = (-1, -1, -1) if not self._has_channels else tuple(self._channels.values())
                self._colors.append((white[0], white[1], white[2]))
                self._channels, self._has_channels = dict.fromkeys(self._channels, 0), False
        elif table == "stylesheet":
            self._name += text.decode("latin-1")

    def end_group(self, table: str) -> None:
        """End an entry; a style that is named a heading is one."""
        if table == "stylesheet":
            if self._style is not None and (found := _HEADING.match(self._name.strip().lower())):
                self.levels.setdefault(self._style, int(found[1]))
            self._style, self._name = 0, ""

    def code_page(self, number: int | None) -> None:
        """Set the encoding of text in fonts that name no charset."""
        name = {65001: "utf-8", 10000: "mac_roman"}.get(number or 0, f"cp{number}")
        try:
            self._encoding = codecs.lookup(name).name
        except LookupError:
            return

    def decode(self, text: bytes, font: int | None) -> str:
        """Bytes of a run as text."""
        if text.isascii():
            return text.decode("ascii")
        encoding = self._fonts.get(font if font is not None else -1, self._encoding)
        if encoding == "cp1252":
            encoding = self._encoding  # charset 0 is "ANSI": the document's own code page
        try:
            return text.decode(encoding, "replace")
        except LookupError:  # striprtf names code pages of the Macintosh that Python does not have
            return text.decode("cp1252", "replace")

    def is_white(self, color: int) -> bool:
        """True for a white entry of the colour table."""
        return 0 <= color < len(self._colors) and min(self._colors[color]) >= 250
