"""What Word's styles and numbering say about a paragraph or run: heading level, list label, visibility.

A property may stand on the run, its paragraph, its style, or a style that style is based on; lists take their label
from the numbering part. Built-in styles are known by their English names, which Word writes in every language.
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ragkit.parse.xml_safe import local

if TYPE_CHECKING:
    from docx.document import Document as DocxDocument

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_HEADING = re.compile(r"heading (\d)")
_CODE = re.compile(r"\b(?:code|html preformatted|preformatted|source|macro text)\b", re.I)
_NO_SHADE = frozenset({None, "auto", "FFFFFF", "ffffff"})
_MAX_BASES = 20


@dataclass(frozen=True, slots=True)
class Style:
    """What matters of a paragraph style. ``numbering`` is the list's id, ``indent`` its depth from 0."""

    level: int = 0
    is_title: bool = False
    is_code: bool = False
    hidden: bool = False
    numbering: str | None = None
    indent: int = 0
    bullets: bool = False


@dataclass(frozen=True, slots=True)
class _Form:
    """One depth of a list: ``text`` is such as ``%1.%2.``, each ``%n`` the number of depth n from 1."""

    kind: str
    start: int = 1
    text: str = "%1."


_BULLET = _Form("bullet")
_PLACE = re.compile(r"%(\d)")


def value(parent: Any, name: str) -> str | None:
    """The ``val`` of a child, if both are there."""
    child = parent.find(f"{W}{name}") if parent is not None else None
    return child.get(f"{W}val") if child is not None else None


def is_on(element: Any) -> bool:
    """An on/off property: there, and not switched off."""
    return element is not None and element.get(f"{W}val") not in {"0", "false", "off", "none"}


class Styles:
    """The styles and lists of one document."""

    def __init__(self, document: DocxDocument) -> None:
        self._elements: dict[str, Any] = {}
        for style in document.styles.element:
            identity = style.get(f"{W}styleId") if local(style) == "style" else None
            if identity:
                self._elements[identity] = style
        self._known: dict[str, Style] = {}
        self._formats = _number_formats(document)
        self._counters: dict[tuple[str, int], int] = {}

    def of(self, paragraph: Any) -> Style:
        """The style of a paragraph with its own properties over it."""
        properties = paragraph.find(f"{W}pPr")
        style = self._named(value(properties, "pStyle") or "")
        if properties is None:
            return style
        outline = value(properties, "outlineLvl")
        if outline and outline.isdigit() and int(outline) < 9:
            style = replace(style, level=int(outline) + 1)
        return _with_numbering(style, properties.find(f"{W}numPr"))

    def label(self, style: Style) -> str:
        """The list label, ``-`` or ``3.``; empty for a paragraph outside any list. Counts on, so call it once each."""
        if style.numbering in {None, "0"}:
            return "-" if style.bullets else ""
        assert style.numbering is not None
        form = self._formats.get((style.numbering, style.indent), _BULLET)
        if form.kind == "none":
            return ""
        if form.kind == "bullet":
            return "-"
        key = (style.numbering, style.indent)
        self._counters[key] = self._counters.get(key, form.start - 1) + 1
        for other in [k for k in self._counters if k[0] == style.numbering and k[1] > style.indent]:
            del self._counters[other]
        return _PLACE.sub(lambda found: self._number(style.numbering or "", int(found[1]) - 1), form.text)

    def _number(self, numbering: str, depth: int) -> str:
        form = self._formats.get((numbering, depth), _BULLET)
        number = self._counters.get((numbering, depth), form.start)
        if form.kind in {"lowerLetter", "upperLetter"} and 1 <= number <= 26:
            return chr((96 if form.kind == "lowerLetter" else 64) + number)
        return str(number)

    def hides(self, run: Any) -> bool:
        """True when a reader would not see the run."""
        properties = run.find(f"{W}rPr")
        if properties is None:
            return False
        style = value(properties, "rStyle")
        if is_on(properties.find(f"{W}vanish")) or (style and self._named(style).hidden):
            return True
        size = value(properties, "sz")
        if size and size.isdigit() and int(size) <= 2:  # half-points
            return True
        color = value(properties, "color")
        return bool(color and color.upper() == "FFFFFF" and not _is_shaded(run, properties))

    def _named(self, identity: str) -> Style:
        if identity not in self._known:
            self._known[identity] = self._read(identity)
        return self._known[identity]

    def _read(self, identity: str) -> Style:
        chain: list[Any] = []
        while identity in self._elements and len(chain) < _MAX_BASES:
            chain.append(self._elements[identity])
            identity = value(chain[-1], "basedOn") or ""
        style = Style()
        for element in reversed(chain):
            name = (value(element, "name") or "").lower()
            if found := _HEADING.match(name):
                style = replace(style, level=int(found[1]))
            elif name == "title":
                style = replace(style, level=1, is_title=True)
            elif _CODE.search(name):
                style = replace(style, is_code=True)
            elif name.startswith(("list bullet", "list number")):
                style = replace(style, bullets=True)
            properties = element.find(f"{W}pPr")
            if properties is not None:
                outline = value(properties, "outlineLvl")
                if outline and outline.isdigit():
                    style = replace(style, level=int(outline) + 1 if int(outline) < 9 else 0)
                style = _with_numbering(style, properties.find(f"{W}numPr"))
            runs = element.find(f"{W}rPr")
            if runs is not None and is_on(runs.find(f"{W}vanish")):
                style = replace(style, hidden=True)
        return style


def _with_numbering(style: Style, numbering: Any) -> Style:
    if numbering is None:
        return style
    indent = value(numbering, "ilvl")
    identity = value(numbering, "numId")
    return replace(
        style,
        numbering=identity or style.numbering,
        indent=int(indent) if indent and indent.isdigit() else style.indent,
    )


def _is_shaded(run: Any, properties: Any) -> bool:
    """White type is legible on a shaded run, paragraph, cell or table."""
    if properties.find(f"{W}highlight") is not None or _fill(properties) not in _NO_SHADE:
        return True
    parent = run.getparent()
    while parent is not None and local(parent) != "body":
        own = parent.find(f"{W}{local(parent)}Pr")
        if own is not None and (_fill(own) not in _NO_SHADE or own.find(f"{W}tblStyle") is not None):
            return True  # a table style may shade its header row
        if local(parent) == "txbxContent":
            return True  # boxes have fills of their own
        parent = parent.getparent()
    return False


def _fill(properties: Any) -> str | None:
    shade = properties.find(f"{W}shd")
    fill: str | None = shade.get(f"{W}fill") if shade is not None else None
    return fill


def _number_formats(document: DocxDocument) -> dict[tuple[str, int], _Form]:
    """Map ``(list id, depth)`` to how its numbers are written."""
    with suppress(KeyError, NotImplementedError, AttributeError, ValueError):
        root = document.part.numbering_part.element
        abstract: dict[str | None, dict[int, _Form]] = {}
        for element in root.iter(f"{W}abstractNum"):
            abstract[element.get(f"{W}abstractNumId")] = {
                (depth := int(level.get(f"{W}ilvl") or 0)): _Form(
                    kind=value(level, "numFmt") or "decimal",
                    start=int(value(level, "start") or 1),
                    text=value(level, "lvlText") or f"%{depth + 1}.",
                )
                for level in element.iter(f"{W}lvl")
            }
        return {
            (element.get(f"{W}numId"), depth): form
            for element in root.iter(f"{W}num")
            for depth, form in abstract.get(value(element, "abstractNumId"), {}).items()
        }
    return {}
