"""PPTX by python-pptx's package reader and the slides' own XML: titles, lists, tables, charts, notes, slide by slide.

A slide is a page. Text of shapes marked hidden, wholly off the slide, of a point's size, see-through, or in the colour
of what lies behind it is not what the room sees: removed and counted, as hidden slides and comments are. Slide numbers
and dates are left out; a footer is written where it first stands.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ragkit.parse.archive import check_zip
from ragkit.parse.blocks import BlockWriter
from ragkit.parse.drawings import write_drawings
from ragkit.parse.formats import Part
from ragkit.parse.ooxml import comments, to_transitional
from ragkit.parse.presentation_paint import A, Box, Canvas, P, Palette, Scale, hides
from ragkit.parse.presentation_shapes import is_marked_hidden, placeholder, shapes_of, tree_of, words, xfrm
from ragkit.parse.presentation_text import Bullets, grid_of
from ragkit.parse.problems import problem
from ragkit.parse.xml_safe import DAMAGE, local
from ragkit.types import BlockKind

if TYPE_CHECKING:
    from pptx.presentation import Presentation

_TITLES = frozenset({"title", "ctrTitle"})
_LEFT_OUT = frozenset({"sldNum", "dt", "hdr", "sldImg"})
_NO_TITLE = frozenset({"", "powerpoint presentation", "slide 1", "untitled", "presentation", "title", "präsentation"})
_MAX_DEPTH = 40


def parse(part: Part, out: BlockWriter) -> None:
    """Read a PPTX."""
    from lxml.etree import LxmlError

    check_zip(part.content)
    deck = _open(part.content)
    reader = _Deck(deck, out)
    entries = deck.part._element.sldIdLst  # `deck.slides` gives up on the first slide that is not in the package
    for number, entry in enumerate(entries if entries is not None else (), start=1):
        try:
            reader.slide(deck.part.related_part(entry.rId).slide, number)
        except (KeyError, AttributeError, ValueError, LxmlError):  # it is not in the package, or is no slide
            out.notice("part-skipped", where=(number,))
    with suppress(KeyError, ValueError):  # after the slides' own titles: it is mostly the template's
        title = " ".join((deck.core_properties.title or "").split())
        if title.lower() not in _NO_TITLE:
            out.title = out.title or title


def _open(content: bytes) -> Presentation:
    from lxml.etree import LxmlError
    from pptx import Presentation
    from pptx.exc import PythonPptxError

    try:
        try:
            return Presentation(io.BytesIO(content))
        except (KeyError, ValueError):
            return Presentation(io.BytesIO(to_transitional(content)))
    except (PythonPptxError, LxmlError, KeyError, AttributeError, *DAMAGE):
        raise problem("malformed") from None


class _Deck:
    """What the slides of one deck share."""

    def __init__(self, deck: Presentation, out: BlockWriter) -> None:
        self._out = out
        self._paper = Box(0, 0, deck.slide_width or 9_144_000, deck.slide_height or 6_858_000)
        self._footers: set[str] = set()
        self._palettes: dict[Any, Palette] = {}

    def slide(self, slide: Any, number: int) -> None:
        """Write one slide, then what the speaker has to say to it."""
        if slide._element.get("show") in {"0", "false"}:
            self._out.notice("part-skipped", where=(number,))
            self._out.hidden += any((node.text or "").strip() for node in slide._element.iter(f"{A}t"))
            return
        self._out.hidden += comments(slide.part, b"cm")
        layout = slide.slide_layout
        master = layout.slide_master
        sheets = (slide._element, layout._element, master._element)
        palette = self._palette(master)
        view = _View(self._out, slide.part, number, palette, palette.background(*sheets), self._paper, sheets[1:])
        for sheet in sheets[:0:-1]:
            if sheets[0].get("showMasterSp") not in {"0", "false"}:
                view.paint(tree_of(sheet))
        view.write(tree_of(sheets[0]), self._footers)
        if slide.has_notes_slide:
            for shape in slide.notes_slide._element.iter(f"{P}sp"):
                if placeholder(shape)[0] == "body":
                    view.text(shape, [], notes=True)

    def _palette(self, master: Any) -> Palette:
        if master.part.partname not in self._palettes:
            from pptx.oxml import parse_xml  # its parser resolves no entities

            theme = None
            for relation in master.part.rels.values():
                if relation.reltype.endswith("/theme") and not relation.is_external:
                    theme = parse_xml(relation.target_part.blob)
            self._palettes[master.part.partname] = Palette(theme, master._element.find(f"{P}clrMap"))
        return self._palettes[master.part.partname]


class _View:
    """One slide while it is written: what has been painted on it so far, and where."""

    def __init__(
        self,
        out: BlockWriter,
        part: Any,
        page: int,
        palette: Palette,
        background: str | None,
        paper: Box,
        above: tuple[Any, ...],
    ) -> None:
        self._out = out
        self._part = part
        self._page = page
        self._palette = palette
        self._paper = paper
        self._above = above
        self._canvas = Canvas()
        self._canvas.add(None, background)

    def paint(self, tree: Any) -> None:
        """Take the shapes of a master or layout as ground; what their placeholders say is a prompt, never shown."""
        for shape, scale in shapes_of(tree, Scale()):
            if placeholder(shape) == ("", ""):
                self._cover(shape, scale.box(xfrm(shape)))

    def write(self, tree: Any, footers: set[str]) -> None:
        """Write the shapes, the title first."""
        shapes = list(shapes_of(tree, Scale()))
        for shape, scale in sorted(shapes, key=lambda entry: placeholder(entry[0])[0] not in _TITLES):
            kind, _ = placeholder(shape)
            box = scale.box(xfrm(shape)) or self._inherited(shape)
            if kind in _LEFT_OUT or (kind == "ftr" and words(shape) in footers):
                continue
            if kind == "ftr":
                footers.add(words(shape))
            if is_marked_hidden(shape) or (box is not None and (box.is_speck or not box.meets(self._paper))):
                self._out.hidden += bool(words(shape).strip())
                continue
            if local(shape) == "graphicFrame":
                self._frame(shape)
            else:
                self.text(shape, self._grounds(shape, box))
            self._cover(shape, box)

    def text(self, shape: Any, grounds: list[str | None], *, notes: bool = False) -> None:
        """Write the paragraphs of a shape; those of ``notes`` look nothing up on this slide's layout."""
        kind, _ = placeholder(shape)
        body = shape.find(f"{P}txBody")
        if body is None:
            return
        if kind in _TITLES:
            lines = [self._line(paragraph, grounds) for paragraph in body.iter(f"{A}p")]
            title = " ".join(filter(None, " ".join(lines).split()))
            self._out.title = self._out.title or title
            self._out.add(BlockKind.HEADING, title, level=1 if kind == "ctrTitle" else 2, page=self._page)
            return
        bullets = Bullets(body, [] if notes else self._styles(shape))
        for paragraph in body.iter(f"{A}p"):
            line = self._line(paragraph, grounds).strip()
            if line and (label := bullets.label(paragraph)):
                self._out.add(BlockKind.LIST_ITEM, f"{label} {line}", page=self._page)
            else:
                self._out.add(BlockKind.PARAGRAPH, line, page=self._page)

    def _line(self, paragraph: Any, grounds: list[str | None], depth: int = 0) -> str:
        """The legible text of a paragraph, or of a wrapper in it."""
        pieces = []
        for child in paragraph:
            name = local(child)
            if name == "t":
                pieces.append(child.text or "")
            elif name == "br":
                pieces.append("\n")
            elif name == "tab":
                pieces.append("\t")
            elif name == "fld" and (child.get("type") or "").startswith(("slidenum", "datetime")):
                continue
            elif name in {"r", "fld"} and hides(child.find(f"{A}rPr"), self._palette, grounds):
                self._out.hidden += bool("".join(child.itertext()).strip())
            elif name not in {"", "Fallback", "pPr", "rPr", "endParaRPr"} and depth < _MAX_DEPTH:
                pieces.append(self._line(child, grounds, depth + 1))
        return "".join(pieces)

    def _frame(self, frame: Any) -> None:
        for table in frame.iter(f"{A}tbl"):
            rows, header_rows = grid_of(table, self._cell)
            self._out.table(rows, header_rows=header_rows, page=self._page)
        write_drawings(frame, self._part, self._out, page=self._page)

    def _cell(self, cell: Any) -> str:
        painted, color = self._palette.paint(cell)
        grounds = [color] if painted else []  # else the table's style shades it, or not
        return "\n".join(self._line(paragraph, grounds) for paragraph in cell.iter(f"{A}p"))

    def _grounds(self, shape: Any, box: Box | None) -> list[str | None]:
        """The colours that may lie behind a shape's text. None needed where no run names a colour."""
        if next(shape.iter(f"{A}solidFill"), None) is None:
            return []
        painted, color = self._palette.paint(shape)
        if painted:
            return [color]
        return self._canvas.behind(box)

    def _cover(self, shape: Any, box: Box | None) -> None:
        painted, color = self._palette.paint(shape)
        if painted:
            self._canvas.add(box, color)

    def _counterparts(self, shape: Any) -> Iterator[Any]:
        """The placeholders on the layout and the master that a slide's placeholder takes its form from."""
        kind, index = placeholder(shape)
        if not kind:
            return
        master_kind = {"ctrTitle": "title", "subTitle": "body", "obj": "body"}.get(kind, kind)
        for sheet, wanted in zip(self._above, (("", index), (master_kind, ""))):
            for other in sheet.iter(f"{P}sp"):
                found = placeholder(other)
                if found[0] and (found[1] == wanted[1] if not wanted[0] else found[0] == wanted[0]):
                    yield other
                    break

    def _inherited(self, shape: Any) -> Box | None:
        boxes = (Scale().box(xfrm(other)) for other in self._counterparts(shape))
        return next((box for box in boxes if box is not None), None)

    def _styles(self, shape: Any) -> list[Any]:
        """Where a paragraph of the shape looks for its bullet after itself, nearest first."""
        kind, _ = placeholder(shape)
        lists = [other.find(f"{P}txBody/{A}lstStyle") for other in self._counterparts(shape)]
        if kind in {"body", "obj", "subTitle"}:
            lists.append(self._above[1].find(f"{P}txStyles/{P}bodyStyle"))
        return [style for style in lists if style is not None]
