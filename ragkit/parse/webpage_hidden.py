"""What a page holds and does not show: elements hidden by attribute or by their own style, and comments.

Colour, size and visibility are handed down from element to element, as a browser does: a cell of size 0 whose
paragraphs set their own size (every newsletter has such cells) is read, and so are white letters on a dark ground. Of
style sheets only that there is one counts: a rule may hide what a script shows again, such as the tabs of a page, or
paint what lies behind, so that the colours of an element with a class are not known unless it says them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from ragkit.parse.webpage_colors import Color, read_color

if TYPE_CHECKING:
    from selectolax.lexbor import LexborNode

_SUSPECTS = '[hidden],[aria-hidden="true"],[style],font[color],[role="navigation"],[role="search"]'
_FAR = 300  # pixels out of the page; ordinary designs move things by less
_NUMBER = re.compile(r"(-?\d*\.?\d+)\s*(px|pt|em|rem|ex|ch|vw|vh|%|cm|mm|in|)")
_TINY = {"px": 1.0, "pt": 1.0, "": 1.0, "em": 0.1, "rem": 0.1, "%": 10.0, "vw": 0.1, "vh": 0.1}
_RELATIVE = ("inherit", "larger", "smaller")
_CLIPPED = re.compile(
    r"rect\(\s*[01](?:px)?[\s,]+[01](?:px)?[\s,]+[01](?:px)?[\s,]+[01](?:px)?\s*\)|inset\((?:50|100)%\)|circle\(0"
)
_MOVED = re.compile(r"translate[xy]?\(\s*-\d{3,}|scale[xy]?\(\s*0(?:\.0+)?\s*[,)]", re.I)
_FILTERED = re.compile(r"opacity(?:\(|\s*=)\s*0(?:\.0+)?%?\s*\)")
_CONDITIONAL = re.compile(r"\s*(?:\[if\b|<!\[endif|\[endif|\s*/?(?:wp|ko|ngIf|google|esi):?)", re.I)
_WORDS = re.compile(r"\w\w")
_PAINTS_PAGE = re.compile(r"(?:html|body|:root)\b[^{}]{0,200}\{[^{}]{0,2000}?background", re.I)
_WHITE: Color = (255, 255, 255)
_SAME = 4  # of 255: no eye tells such shades apart


class _Look(NamedTuple):
    """How text would look at one place; ``None`` for a colour that cannot be known."""

    color: Color | str | None = None
    behind: Color | str | None = _WHITE
    is_tiny: bool = False
    is_invisible: bool = False

    def hides(self) -> bool:
        """True for text that no one sees."""
        if self.is_tiny or self.is_invisible or self.color == "transparent":
            return True
        if isinstance(self.color, tuple) and isinstance(self.behind, tuple):
            return all(abs(one - other) <= _SAME for one, other in zip(self.color, self.behind))
        return self.color is not None and self.color == self.behind


def drop_hidden(root: LexborNode) -> int:
    """Take what is hidden, and navigation, out of the tree; return how many of the elements that hide held words."""
    if root.css_first(_SUSPECTS) is None:
        return 0
    is_styled = root.css_first("style,link[rel=stylesheet]") is not None
    is_painted = any(_PAINTS_PAGE.search(style.text(deep=True)) for style in root.css("style"))
    unseen: list[LexborNode] = []
    left_out: list[LexborNode] = []
    hiding: set[int] = set()
    # Nothing is taken out on the way, and nothing below what will be: the memory of a node goes with its parent.
    stack = [(root, _Look(behind=None) if is_painted else _Look(), 0)]
    while stack:
        node, look, hidden_by = stack.pop()
        if node.tag == "-text":
            if hidden_by and (node.text_content or "").strip():
                hiding.add(hidden_by)
                left_out.append(node)
            continue
        attributes = node.attributes if node.is_element_node else {}
        if attributes:
            if attributes.get("role") in {"navigation", "search"}:
                left_out.append(node)
                continue
            style = _style(node.tag or "", attributes)
            is_page = node.tag in {"html", "body"}  # pages that show themselves by script hide their body
            if not is_page and ("hidden" in attributes or attributes.get("aria-hidden") == "true" or _hides(style)):
                unseen.append(node)
                continue
            has_rules = is_styled and ("class" in attributes or "id" in attributes)
            look = _inside(look, style, has_rules=has_rules, is_page=is_page)
            hidden_by = (hidden_by or node.mem_id) if look.hides() else 0
        child = node.child
        while child is not None:
            stack.append((child, look, hidden_by))
            child = child.next
    dropped = len(hiding) + sum(bool(node.text(deep=True).strip()) for node in unseen)
    for node in (*unseen, *left_out):
        node.decompose()
    return dropped


def is_remark(comment: str) -> bool:
    """Tell a comment with words from the marks of programs."""
    return bool(_WORDS.search(comment)) and not _CONDITIONAL.match(comment)


def _style(tag: str, attributes: dict[str, str | None]) -> dict[str, str]:
    """The properties of an element by its style attribute, and by the older attributes where that says nothing."""
    style = _declarations(attributes.get("style") or "")
    if tag == "font" and (color := attributes.get("color")):
        style.setdefault("color", color.strip().lower())
    if "background" not in style and "background-color" not in style:
        if attributes.get("background"):
            style["background"] = "url"
        elif ground := attributes.get("bgcolor"):
            style["background"] = ground.strip().lower()
    return style


def _declarations(style: str) -> dict[str, str]:
    """The properties of a style attribute, the last of each name."""
    found = {}
    for declaration in re.sub(r"/\*.*?\*/", "", style[:5_000]).lower().split(";"):
        name, colon, value = declaration.partition(":")
        if colon:
            found[name.strip()] = value.replace("!important", "").strip()
    return found


def _inside(look: _Look, style: dict[str, str], *, has_rules: bool, is_page: bool) -> _Look:
    """How text looks within an element of this style that stands in ``look``."""
    if has_rules:
        look = look._replace(color=None, behind=None)
    if not style:
        return look
    color = style.get("-webkit-text-fill-color") or style.get("color")
    if color and color not in {"inherit", "currentcolor"}:
        look = look._replace(color=read_color(color))
    ground = style.get("background-color") or style.get("background") or ""
    if style.get("background-image", "none") != "none":
        look = look._replace(behind=None)
    elif ground and (behind := read_color(ground)) != "transparent":
        look = look._replace(behind=behind)
    if "text" in style.get("-webkit-background-clip", "") or "text" in style.get("background-clip", ""):
        look = look._replace(color=None)
    if is_page:
        return look
    if size := style.get("font-size") or "":
        is_tiny = _is_at_most(size, _TINY)
        is_own = not size.endswith(("em", "%")) or size.endswith("rem")
        look = look._replace(is_tiny=is_tiny or (look.is_tiny and (not is_own or size in _RELATIVE)))
    if (visibility := style.get("visibility")) in {"hidden", "collapse", "visible"}:
        look = look._replace(is_invisible=visibility != "visible")
    return look


def _hides(style: dict[str, str]) -> bool:
    """Tell a style that hides the element and all that it holds."""
    if not style:
        return False
    if style.get("display") == "none" or style.get("content-visibility") == "hidden":
        return True
    if style.get("mso-hide") == "all" or _MOVED.search(style.get("transform", "")):
        return True
    if _CLIPPED.search(style.get("clip", "")) or _CLIPPED.search(style.get("clip-path", "")):
        return True
    if _is_at_most(style.get("opacity", ""), {"": 0.05, "%": 5.0}) or _FILTERED.search(style.get("filter", "")):
        return True
    if any(_is_at_most(style.get(name, ""), dict.fromkeys(_TINY, float(-_FAR))) for name in _OFFSETS):
        return True
    sizes = ("height", "width", "max-height", "max-width")
    return style.get("overflow") == "hidden" and any(_is_at_most(style.get(name, ""), _TINY) for name in sizes)


_OFFSETS = ("left", "top", "text-indent", "margin-left", "margin-top", "right", "bottom")


def _is_at_most(value: str, limits: dict[str, float]) -> bool:
    found = _NUMBER.match(value)
    return found is not None and found[2] in limits and float(found[1]) <= limits[found[2]]
