"""OpenDocument text, presentations and drawings (ODF 1.3) by the standard library's XML reader without entities.

Text in hidden sections, of hidden styles, of a point's size or in the colour of its ground, deleted text, comments,
slides that are not shown and shapes off the slide are not what a reader sees: removed and counted. A slide is a page;
headers and footers are written once, notes at the end of the text or of their slide. Spreadsheets: ``tables``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from xml.etree.ElementTree import Element

from ragkit.parse.archive import check_zip
from ragkit.parse.blocks import BlockWriter
from ragkit.parse.formats import Part
from ragkit.parse.odf_styles import DRAW, FO, OFFICE, SHOW, STYLE, SVG, TEXT, Styles, color_of, length
from ragkit.parse.odf_text import Walk, has_text
from ragkit.parse.presentation_paint import WHITE, Box, Canvas
from ragkit.parse.problems import problem
from ragkit.parse.xml_safe import Members, local
from ragkit.types import BlockKind

_TITLE = "{http://purl.org/dc/elements/1.1/}title"
_REPEATED = frozenset({"date-time", "page-number", "header", "page"})
_NO_TITLE = frozenset({"", "powerpoint presentation", "untitled"})
_MAX_DEPTH = 40


def parse(part: Part, out: BlockWriter) -> None:
    """Read an ODT, ODP or ODG."""
    check_zip(part.content)
    members = open_package(part.content)
    content, named = members.xml("content.xml"), members.xml("styles.xml")
    body = content.find(f"{OFFICE}body") if content is not None else None
    if content is None or body is None:
        raise problem("malformed")
    sheets = [sheet for sheet in (content, named) if sheet is not None]
    styles = Styles(*sheets)
    meta = members.xml("meta.xml")
    title = " ".join((meta.findtext(f".//{_TITLE}") or "").split()) if meta is not None else ""
    if title.lower() not in _NO_TITLE:
        out.title = out.title or title
    pages = [page for kind in ("presentation", "drawing") for page in body.iterfind(f"{OFFICE}{kind}/{DRAW}page")]
    if pages:
        _Slides(styles, sheets[-1], out).write(pages)
        return
    paper = {color_of(layout.get(f"{FO}background-color")) for layout in _layouts(sheets[-1])} - {None}
    walk = Walk(styles, out, [*paper, WHITE])
    edges = list(_headers_and_footers(sheets[-1]))
    walk.blocks(edge for edge in edges if local(edge).startswith("header"))
    for text in body:
        walk.blocks(text)
    walk.finish()
    walk.blocks(edge for edge in edges if local(edge).startswith("footer"))


def open_package(content: bytes) -> Members:
    """The members of an OpenDocument file.

    Raises:
        ItemError: ``encrypted``, or ``malformed``.
    """
    members = Members(content)
    if b"encryption-data" in (members.bytes("META-INF/manifest.xml") or b""):
        raise problem("encrypted")
    return members


def _layouts(sheet: Element) -> Iterator[Element]:
    return sheet.iter(f"{STYLE}page-layout-properties")


def _headers_and_footers(sheet: Element) -> Iterator[Element]:
    """Each different header and footer text once."""
    seen: set[tuple[str, str]] = set()
    for master in sheet.iter(f"{STYLE}master-page"):
        for edge in master:
            name = local(edge)
            key = name[:6], "".join(edge.itertext()).strip()
            if name.startswith(("header", "footer")) and edge.get(f"{STYLE}display") != "false" and key not in seen:
                seen.add(key)
                yield edge


class _Slides:
    """Writes pages of shapes, with what has been painted on each so far."""

    def __init__(self, styles: Styles, sheet: Element, out: BlockWriter) -> None:
        self._styles = styles
        self._out = out
        self._walk = Walk(styles, out, [])
        self._masters = {master.get(f"{STYLE}name"): master for master in sheet.iter(f"{STYLE}master-page")}
        self._papers = {layout.get(f"{STYLE}name"): layout for layout in sheet.iter(f"{STYLE}page-layout")}
        self._canvas = Canvas()

    def write(self, pages: Iterable[Element]) -> None:
        """Write the slides in order."""
        for number, page in enumerate(pages, start=1):
            if self._of_page(page, f"{SHOW}visibility") == "hidden":
                self._out.notice("part-skipped", where=(number,))
                self._out.hidden += has_text(page)
                continue
            self._walk.page = number
            self._slide(page)

    def _slide(self, page: Element) -> None:
        master = self._masters.get(page.get(f"{DRAW}master-page-name"))
        ground = self._ground(page) or (self._ground(master) if master is not None else None) or (True, WHITE)
        self._canvas = Canvas()
        self._canvas.add(None, ground[1])
        for shape in _shapes(master) if master is not None else ():
            self._cover(shape)
        shapes = list(_shapes(page))
        classes = [shape.get(f"{SHOW}class") or "" for shape in shapes]
        paper = self._paper(master)
        for kind, shape in sorted(zip(classes, shapes), key=lambda entry: entry[0] != "title"):
            box = _box(shape)
            if kind in _REPEATED:
                continue
            if box is not None and paper is not None and not box.meets(paper):
                self._out.hidden += has_text(shape)
                continue
            own = self._fill("graphic", shape)
            self._walk.grounds = [own[1]] if own and own[0] else self._canvas.behind(box)
            if kind == "title":
                title = " ".join(" ".join(map(self._walk.line, shape.iter(f"{TEXT}p"))).split())
                self._out.title = self._out.title or title
                self._out.add(BlockKind.HEADING, title, level=1 if "subtitle" in classes else 2, page=self._walk.page)
            else:
                self._walk.blocks([shape])
            self._cover(shape)
        self._walk.grounds = []
        for notes in page.iterfind(f"{SHOW}notes"):
            self._walk.blocks(shape for shape in _shapes(notes) if shape.get(f"{SHOW}class") == "notes")
        self._out.hidden += sum(1 for _ in page.iterfind(f"{OFFICE}annotation"))
        self._walk.finish()

    def _cover(self, shape: Element) -> None:
        fill = self._fill("graphic", shape)
        is_picture = any(local(child) in {"image", "object", "plugin"} for child in shape)
        if is_picture or (fill and fill[0]):
            self._canvas.add(_box(shape), None if is_picture or not fill else fill[1])

    def _fill(self, family: str, element: Element) -> tuple[bool, str | None] | None:
        """Whether an element covers what is behind it, and with which colour; None where no style says."""
        styles = ((family, element.get(f"{DRAW}style-name")), ("presentation", element.get(f"{SHOW}style-name")))
        for kind, name in styles:
            group = f"{family}-properties"
            fill = self._styles.property(kind, name, group, f"{DRAW}fill")
            if fill is not None:
                color = color_of(self._styles.property(kind, name, group, f"{DRAW}fill-color"))
                return fill != "none", color if fill == "solid" else None
        return None

    def _ground(self, page: Element) -> tuple[bool, str | None] | None:
        fill = self._fill("drawing-page", page)
        return fill if fill and fill[0] else None

    def _of_page(self, page: Element, key: str) -> str | None:
        return self._styles.property("drawing-page", page.get(f"{DRAW}style-name"), "drawing-page-properties", key)

    def _paper(self, master: Element | None) -> Box | None:
        layout = self._papers.get(master.get(f"{STYLE}page-layout-name")) if master is not None else None
        for properties in _layouts(layout) if layout is not None else ():
            width, height = length(properties.get(f"{FO}page-width")), length(properties.get(f"{FO}page-height"))
            if width and height:
                return Box(0, 0, width, height)
        return None


def _shapes(parent: Element, depth: int = 0) -> Iterator[Element]:
    """Yield the shapes in drawing order; those of groups have places on the page of their own."""
    for child in parent:
        name = local(child)
        if name == "g" and depth < _MAX_DEPTH:
            yield from _shapes(child, depth + 1)
        elif child.tag.startswith(DRAW) and name not in {"layer-set", "glue-point"}:
            yield child


def _box(shape: Element) -> Box | None:
    """The place of a shape, None for one that is turned or has no measures."""
    if shape.get(f"{DRAW}transform"):
        return None
    left, top, width, height = (length(shape.get(f"{SVG}{key}")) for key in ("x", "y", "width", "height"))
    if left is None or top is None:
        return None
    return Box(left, top, left + (width or 0), top + (height or 0))
