"""The shapes of a slide: in drawing order, where they stand, which placeholder they fill."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from ragkit.parse.presentation_paint import A, P, Scale
from ragkit.parse.xml_safe import local

_MAX_DEPTH: Final = 40


def tree_of(sheet: Any) -> Any:
    """The tree of shapes of a slide, layout or master."""
    return sheet.find(f"{P}cSld/{P}spTree")


def shapes_of(tree: Any, scale: Scale, depth: int = 0) -> Iterator[tuple[Any, Scale]]:
    """Yield the shapes in drawing order, those of groups with the group's scale."""
    for child in tree if tree is not None else ():
        name = local(child)
        if name in {"sp", "pic", "graphicFrame"}:
            yield child, scale
        elif depth >= _MAX_DEPTH:
            continue
        elif name == "grpSp":
            if is_marked_hidden(child):
                yield child, scale
            else:
                yield from shapes_of(child, scale.within(child.find(f"{P}grpSpPr/{A}xfrm")), depth + 1)
        elif name in {"AlternateContent", "Choice"}:
            yield from shapes_of(child, scale, depth + 1)


def xfrm(shape: Any) -> Any:
    """The element that says where a shape stands, None when it has none of its own."""
    if local(shape) == "graphicFrame":
        return shape.find(f"{P}xfrm")
    return shape.find(f"{P}spPr/{A}xfrm")


def placeholder(shape: Any) -> tuple[str, str]:
    """The type and index of a placeholder; empty for any other shape."""
    for found in shape.iterfind(f"*/{P}nvPr/{P}ph"):
        return found.get("type") or "obj", found.get("idx") or "0"
    return "", ""


def is_marked_hidden(shape: Any) -> bool:
    """True for a shape switched off in the selection pane."""
    return any(mark.get("hidden") in {"1", "true"} for mark in shape.iterfind(f"*/{P}cNvPr"))


def words(shape: Any) -> str:
    """All text of a shape, shown or not."""
    return " ".join(node.text or "" for node in shape.iter(f"{A}t"))
