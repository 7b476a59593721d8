"""Charts and diagrams of Word and PowerPoint: a chart as the table it was drawn from, a diagram as its texts.

They stand in parts of their own (ECMA-376 Part 1, 21.2 and 21.4), which the drawing names.
"""

from __future__ import annotations

import re
from typing import Any, Final
from xml.etree.ElementTree import Element

from ragkit.errors import ItemError
from ragkit.parse.blocks import BlockWriter
from ragkit.parse.presentation_paint import A
from ragkit.parse.xml_safe import read_xml
from ragkit.types import BlockKind

_RELATION: Final = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
_DIAGRAM: Final = "{http://schemas.openxmlformats.org/drawingml/2006/diagram}"
_CHART: Final = "{http://schemas.openxmlformats.org/drawingml/2006/chart}"
_LINKS: Final = {f"{_CHART}chart": f"{_RELATION}id", f"{_DIAGRAM}relIds": f"{_RELATION}dm"}
_MAX_POINTS: Final = 100_000
_NUMBER: Final = re.compile(r"-?\d{1,17}\.\d{1,20}")


def write_drawings(parent: Any, part: Any, out: BlockWriter, *, page: int | None = None) -> None:
    """Write what the drawings below an element show; ``part`` is the one that the element stands in."""
    for tag, attribute in _LINKS.items():
        for element in parent.iter(tag):
            try:
                root = read_xml(part.rels[element.get(attribute)].target_part.blob)
            except (ItemError, KeyError, AttributeError, ValueError):
                continue  # the part is not in the package, or broken; the text around it is good
            if tag == f"{_CHART}chart":
                title, rows = _chart_rows(root)
                out.add(BlockKind.PARAGRAPH, title, page=page)
                out.table(rows, page=page)
                continue
            for point in root.iter(f"{_DIAGRAM}pt"):
                lines = ("".join(node.text or "" for node in line.iter(f"{A}t")) for line in point.iter(f"{A}p"))
                text = " ".join(" ".join(lines).split())
                out.add(BlockKind.LIST_ITEM, f"- {text}" if text else "", page=page)


def _chart_rows(chart: Element) -> tuple[str, list[list[str]]]:
    """The title of a chart, and its figures as a table: a row a category, a column a series."""
    heading = chart.find(f"{_CHART}chart/{_CHART}title")
    title = " ".join(node.text or "" for node in heading.iter(f"{A}t")) if heading is not None else ""
    names: list[str] = []
    columns: list[dict[int, str]] = []
    categories: dict[int, str] = {}
    for series in chart.iter(f"{_CHART}ser"):
        names.append(" ".join(_points(series.find(f"{_CHART}tx")).values()))
        for name in ("cat", "xVal"):
            categories.update(_points(series.find(f"{_CHART}{name}")))
        values = _points(series.find(f"{_CHART}val")) or _points(series.find(f"{_CHART}yVal"))
        columns.append({place: _figure(value) for place, value in values.items()})
    places = sorted({*categories, *(place for column in columns for place in column)})
    rows = [[categories.get(place, ""), *(column.get(place, "") for column in columns)] for place in places]
    return title, [["", *names], *rows] if rows else []


def _points(parent: Element | None) -> dict[int, str]:
    """The cached values by position. Of categories on several levels the last level named is the widest."""
    found: dict[int, str] = {}
    for point in parent.iter(f"{_CHART}pt") if parent is not None else ():
        place = point.get("idx") or ""
        text = point.findtext(f"{_CHART}v") or ""
        if place.isdigit() and len(found) < _MAX_POINTS:
            found.setdefault(int(place), text)
    return found


def _figure(value: str) -> str:
    """A number to the fifteen digits that a sheet shows: 4.4 is kept as 4.4000000000000004."""
    return f"{float(value):.15g}" if _NUMBER.fullmatch(value) else value
