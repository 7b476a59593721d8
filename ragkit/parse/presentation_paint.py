"""Where things stand on a slide and what colour they have: which of its text a person in the room cannot see.

Lengths are EMU, 12,700 to a point. A colour is six hexadecimal digits, or None where it cannot be told (a gradient, a
picture, a tint): text on such ground is taken for legible, since a slide that is dark by a picture is an honest one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from ragkit.parse.xml_safe import local

A: Final = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
P: Final = "{http://schemas.openxmlformats.org/presentationml/2006/main}"
WHITE: Final = "FFFFFF"
_POINT: Final = 12_700
_TINY: Final = 100
"""Hundredths of a point: one point."""
_FAINT: Final = 5_000
"""Thousandths of a percent of opacity."""
_ALIKE: Final = 8
"""Colours no further apart than this in every channel are one colour to the eye."""
_FILLS: Final = frozenset(
    f"{A}{name}" for name in ("solidFill", "gradFill", "blipFill", "pattFill", "noFill", "grpFill")
)
_FILL_OF: Final = ("spPr", "grpSpPr", "tcPr")


class Box(NamedTuple):
    """A rectangle; ``right`` and ``bottom`` are coordinates, not lengths."""

    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: Box) -> bool:
        """True when the two have a point in common."""
        return (
            self.left < other.right and other.left < self.right and self.top < other.bottom and other.top < self.bottom
        )

    @property
    def is_speck(self) -> bool:
        """Too small for a letter: at most a point either way."""
        return self.right - self.left <= _POINT and self.bottom - self.top <= _POINT


@dataclass(frozen=True, slots=True)
class Scale:
    """How a group's coordinates become the slide's."""

    factor: tuple[float, float] = (1.0, 1.0)
    offset: tuple[float, float] = (0.0, 0.0)

    def box(self, xfrm: Any) -> Box | None:
        """The place of a shape, None where it has none of its own. A turned one takes the room of every turn."""
        numbers = _numbers(xfrm, "off", "ext") if xfrm is not None else None
        if numbers is None:
            return None
        x, y, width, height = numbers
        if xfrm.get("rot") not in {None, "0"}:
            side = (width**2 + height**2) ** 0.5
            x, y, width, height = x + (width - side) / 2, y + (height - side) / 2, side, side
        (fx, fy), (ox, oy) = self.factor, self.offset
        return Box(x * fx + ox, y * fy + oy, (x + width) * fx + ox, (y + height) * fy + oy)

    def within(self, xfrm: Any) -> Scale:
        """The scale of a group's children."""
        outer, inner = _numbers(xfrm, "off", "ext"), _numbers(xfrm, "chOff", "chExt")
        if outer is None or inner is None or not inner[2] or not inner[3]:
            return self
        fx, fy = outer[2] / inner[2], outer[3] / inner[3]
        return Scale(
            (self.factor[0] * fx, self.factor[1] * fy),
            (
                self.offset[0] + self.factor[0] * (outer[0] - inner[0] * fx),
                self.offset[1] + self.factor[1] * (outer[1] - inner[1] * fy),
            ),
        )


def _numbers(xfrm: Any, point: str, extent: str) -> tuple[float, float, float, float] | None:
    where = xfrm.find(f"{A}{point}") if xfrm is not None else None
    size = xfrm.find(f"{A}{extent}") if xfrm is not None else None
    if where is None or size is None:
        return None
    try:
        return float(where.get("x")), float(where.get("y")), float(size.get("cx")), float(size.get("cy"))
    except (TypeError, ValueError):
        return None


class Canvas:
    """What has been painted on a slide so far, by colour."""

    def __init__(self) -> None:
        self._layers: dict[str | None, list[Box | None]] = {}

    def add(self, box: Box | None, color: str | None) -> None:
        """Paint something; ``box`` None is everywhere."""
        self._layers.setdefault(color, []).append(box)

    def behind(self, box: Box | None) -> list[str | None]:
        """The colours that may lie behind a shape; ``box`` None is one whose place cannot be told."""
        return [
            color
            for color, layers in self._layers.items()
            if box is None or any(layer is None or layer.meets(box) for layer in layers)
        ]


class Palette:
    """The colours of a theme by the names that slides use.

    Args:
        theme: Root of the theme part, or None.
        mapping: The ``clrMap`` element, or None.
    """

    def __init__(self, theme: Any, mapping: Any) -> None:
        scheme = theme.find(f".//{A}clrScheme") if theme is not None else None
        own = {local(slot): _plain(slot[0]) for slot in scheme if len(slot)} if scheme is not None else {}
        own = {"lt1": WHITE, "dk1": "000000", **own}
        names = (
            dict(mapping.attrib) if mapping is not None else {"bg1": "lt1", "tx1": "dk1", "bg2": "lt2", "tx2": "dk2"}
        )
        self._colors = {**own, **{name: own.get(target) for name, target in names.items()}}

    def solid(self, fill: Any) -> tuple[str | None, bool]:
        """The colour of a ``solidFill`` (or ``bgRef``), and whether it can be seen through as if it were not there."""
        if fill is None or not len(fill):
            return None, False
        color = fill[0]
        alpha = color.find(f"{A}alpha")
        faint = alpha is not None and (alpha.get("val") or "").isdigit() and int(alpha.get("val")) <= _FAINT
        if any(local(change) != "alpha" for change in color):
            return None, faint
        return self._colors.get(color.get("val")) if local(color) == "schemeClr" else _plain(color), faint

    def paint(self, shape: Any) -> tuple[bool, str | None]:
        """Whether a shape (or table cell) covers what is behind it, and with which colour."""
        if local(shape) in {"pic", "graphicFrame"}:
            return True, None
        for child in shape:
            if local(child) in _FILL_OF:
                for fill in child:
                    if fill.tag in _FILLS:
                        color, faint = self.solid(fill) if fill.tag == f"{A}solidFill" else (None, False)
                        return fill.tag != f"{A}noFill" and not faint, color
        style = shape.find(f"{P}style/{A}fillRef")
        if style is None or style.get("idx") in {None, "0"}:
            return False, None
        return True, self.solid(style)[0] if style.get("idx") == "1" else None

    def background(self, *slides: Any) -> str | None:
        """The background colour: of the first of slide, layout and master that has one; white when none has."""
        for slide in slides:
            ground = slide.find(f"{P}cSld/{P}bg")
            if ground is not None:
                reference = ground.find(f"{P}bgRef")
                if (
                    reference is not None
                ):  # from 1001 on: the theme's fills; the first is plain in every theme of Office
                    return self.solid(reference)[0] if reference.get("idx") in {"0", "1001"} else None
                fill = ground.find(f"{P}bgPr/{A}solidFill")
                return self.solid(fill)[0] if fill is not None else None
        return WHITE


def hides(properties: Any, palette: Palette, grounds: list[str | None]) -> bool:
    """True when nobody can read a run of these ``rPr`` on any of these grounds."""
    if properties is None:
        return False
    size = properties.get("sz")
    if size and size.isdigit() and int(size) <= _TINY:
        return True
    if properties.find(f"{A}noFill") is not None and properties.find(f"{A}ln") is None:
        return True
    fill = properties.find(f"{A}solidFill")
    if fill is None:
        return False
    color, faint = palette.solid(fill)
    if faint:
        return True
    lit = properties.find(f"{A}highlight") is not None
    return color is not None and not lit and bool(grounds) and all(alike(color, ground) for ground in grounds)


def alike(one: str, other: str | None) -> bool:
    """True when the eye takes two colours for one."""
    if other is None:
        return False
    pairs = zip(bytes.fromhex(one), bytes.fromhex(other))
    return all(abs(here - there) <= _ALIKE for here, there in pairs)


def _plain(color: Any) -> str | None:
    value = color.get("lastClr") if local(color) == "sysClr" else color.get("val")
    value = {"white": WHITE, "black": "000000"}.get(value, value) or ""
    try:
        return value.upper() if len(bytes.fromhex(value)) == 3 else None
    except ValueError:
        return None
