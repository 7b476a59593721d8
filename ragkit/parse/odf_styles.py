"""What OpenDocument's styles say (ODF 1.3 Part 3, chapters 15 to 20): heading level, list label, visibility, ground.

A property may stand on the text's own style or on one it descends from; automatic styles stand in the content part,
named ones in the styles part.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from xml.etree.ElementTree import Element

from ragkit.parse.xml_safe import local

_NS: Final = "{urn:oasis:names:tc:opendocument:xmlns:%s:1.0}"
OFFICE, STYLE, TEXT, TABLE, DRAW, SHOW = (
    _NS % name for name in ("office", "style", "text", "table", "drawing", "presentation")
)
FO: Final = "{urn:oasis:names:tc:opendocument:xmlns:xsl-fo-compatible:1.0}"
SVG: Final = "{urn:oasis:names:tc:opendocument:xmlns:svg-compatible:1.0}"
_MAX_PARENTS: Final = 20
_EMU: Final = {"in": 914_400, "cm": 360_000, "mm": 36_000, "pt": 12_700, "pc": 152_400, "px": 9_525}
_LENGTH: Final = re.compile(r"(-?\d{1,9}(?:\.\d{1,9})?)(in|cm|mm|pt|pc|px)")
_COLOR: Final = re.compile(r"#[0-9a-fA-F]{6}")
_CODE: Final = re.compile(r"preformatted|source|\bcode\b", re.I)
_TINY: Final = 12_700
_ROMAN: Final = ((10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i"))


def length(value: str | None) -> float | None:
    """A length in EMU (12,700 to a point), None when it is none or relative."""
    found = _LENGTH.fullmatch(value or "")
    return float(found[1]) * _EMU[found[2]] if found else None


def color_of(value: str | None) -> str | None:
    """Six upper-case hexadecimal digits, None for anything else."""
    return value[1:].upper() if value and _COLOR.fullmatch(value) else None


@dataclass(frozen=True, slots=True)
class Look:
    """How text of a style looks. ``color`` and ``ground`` are six hexadecimal digits; ``ground`` may be transparent."""

    hidden: bool = False
    color: str | None = None
    ground: str | None = None


@dataclass(frozen=True, slots=True)
class _Level:
    """One depth of a list: ``form`` is empty for no label, ``-`` for a bullet, else one of ``1aAiI``."""

    form: str = "-"
    start: int = 1
    before: str = ""
    after: str = "."


class Styles:
    """The styles and lists of one document; ``parts`` are the roots of its content and styles parts."""

    def __init__(self, *parts: Element) -> None:
        self._styles: dict[tuple[str, str], Element] = {}
        self._lists: dict[str, dict[int, _Level]] = {}
        self._looks: dict[tuple[str, str], Look] = {}
        for part in reversed(parts):  # the content part's automatic styles win
            for style in part.iter(f"{STYLE}style"):
                name = style.get(f"{STYLE}name")
                if name:
                    self._styles[style.get(f"{STYLE}family") or "", name] = style
            for style in part.iter(f"{TEXT}list-style"):
                self._lists[style.get(f"{STYLE}name") or ""] = _levels(style)

    def chain(self, family: str, name: str | None) -> Iterator[Element]:
        """Yield the style and those it descends from, nearest first."""
        for _ in range(_MAX_PARENTS):
            style = self._styles.get((family, name or ""))
            if style is None:
                return
            yield style
            name = style.get(f"{STYLE}parent-style-name")

    def property(self, family: str, name: str | None, group: str, key: str) -> str | None:
        """A formatting property: the nearest style's that has it. ``group`` is such as ``text-properties``."""
        for style in self.chain(family, name):
            for properties in style.iterfind(f"{STYLE}{group}"):
                value = properties.get(key)
                if value is not None:
                    return value
        return None

    def look(self, family: str, name: str | None) -> Look:
        """How text of a ``text`` or ``paragraph`` style looks."""
        key = (family, name or "")
        if key not in self._looks:
            self._looks[key] = self._look(*key)
        return self._looks[key]

    def _look(self, family: str, name: str) -> Look:
        size = length(self.property(family, name, "text-properties", f"{FO}font-size"))
        display = self.property(family, name, "text-properties", f"{TEXT}display")
        automatic = self.property(family, name, "text-properties", f"{STYLE}use-window-font-color") == "true"
        color = self.property(family, name, "text-properties", f"{FO}color")
        ground = self.property(family, name, "text-properties", f"{FO}background-color")
        if family == "paragraph" and ground in {None, "transparent"}:
            ground = self.property(family, name, "paragraph-properties", f"{FO}background-color")
        return Look(
            hidden=display == "none" or (size is not None and size <= _TINY),
            color=None if automatic else color_of(color),
            ground=color_of(ground),
        )

    def role(self, name: str | None) -> tuple[int, bool, bool]:
        """The heading level (0 for none) a paragraph style names, whether it is the title, whether it is code."""
        for style in self.chain("paragraph", name):
            own = (style.get(f"{STYLE}display-name") or style.get(f"{STYLE}name") or "").replace("_20_", " ")
            level = style.get(f"{STYLE}default-outline-level") or ""
            if level.isdigit() and int(level):
                return int(level), False, False
            if own == "Title":
                return 1, True, False
            if _CODE.search(own):
                return 0, False, True
        return 0, False, False

    def label(self, name: str, depth: int, number: int) -> str:
        """The label of item ``number`` of a list, ``depth`` from 1: ``-``, ``3.``, ``b)``; empty for none."""
        level = self._lists.get(name, {}).get(depth, _Level())
        if level.form in {"", "-"}:
            return level.form
        text = str(number)
        if level.form in {"a", "A"} and number <= 26:
            text = chr(ord(level.form) + number - 1)
        elif level.form in {"i", "I"} and number < 40:
            text = _roman(number) if level.form == "i" else _roman(number).upper()
        return f"{level.before}{text}{level.after}"

    def start(self, name: str, depth: int) -> int:
        """The number that a list begins with."""
        return self._lists.get(name, {}).get(depth, _Level()).start


def _levels(style: Element) -> dict[int, _Level]:
    levels = {}
    for child in style:
        depth = child.get(f"{TEXT}level") or ""
        if not depth.isdigit():
            continue
        start = child.get(f"{TEXT}start-value") or ""
        levels[int(depth)] = _Level(
            form=(child.get(f"{STYLE}num-format") or "") if local(child) == "list-level-style-number" else "-",
            start=int(start) if start.isdigit() else 1,
            before=child.get(f"{STYLE}num-prefix") or "",
            after=child.get(f"{STYLE}num-suffix") or "",
        )
    return levels


def _roman(number: int) -> str:
    text = ""
    for value, digits in _ROMAN:
        text, number = text + digits * (number // value), number % value
    return text
