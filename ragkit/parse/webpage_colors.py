"""Colours as pages write them (CSS Color Module Level 4), as far as telling letters from their ground needs them."""

from __future__ import annotations

import re

Color = tuple[int, int, int]
"""Red, green and blue, each from 0 to 255."""

_HEX = re.compile(r"#([0-9a-f]{3,4}|[0-9a-f]{6}|[0-9a-f]{8})(?![\w])")
_RGB = re.compile(r"rgba?\(\s*(\d{1,3})[\s,]+(\d{1,3})[\s,]+(\d{1,3})\s*(?:[,/]\s*([\d.]+%?)\s*)?\)")
_NOT_PLAIN = re.compile(r"url|gradient|image|var\(|initial|unset|revert")
_NAMES: dict[str, Color] = {
    "white": (255, 255, 255), "black": (0, 0, 0), "red": (255, 0, 0), "lime": (0, 255, 0), "blue": (0, 0, 255),
    "gray": (128, 128, 128), "grey": (128, 128, 128), "silver": (192, 192, 192), "navy": (0, 0, 128),
    "green": (0, 128, 0), "yellow": (255, 255, 0), "snow": (255, 250, 250), "ivory": (255, 255, 240),
}  # fmt: skip
_NONE = frozenset({"transparent", "none", "inherit"})


def read_color(value: str) -> Color | str | None:
    """Read a colour, or the colour of a ``background``, in lower case.

    Returns:
        The colour; its own words for one that is not known here, to be compared as they are; ``"transparent"``; or
        ``None`` where nothing can be said, as of pictures and half-transparent paint.
    """
    if _NOT_PLAIN.search(value):
        return None
    if found := _HEX.search(value):
        digits = found[1] if len(found[1]) > 4 else "".join(digit * 2 for digit in found[1])
        red, green, blue, *alpha = bytes.fromhex(digits)
        return _painted((red, green, blue), alpha[0] / 255 if alpha else 1.0)
    if found := _RGB.search(value):
        share = found[4] or "1"
        try:
            opaque = float(share[:-1]) / 100 if share.endswith("%") else float(share)
        except ValueError:
            return None
        return _painted((int(found[1]), int(found[2]), int(found[3])), opaque)
    words = value.split()
    if not words or words[0] in _NONE:
        return "transparent"
    return next((_NAMES[word] for word in words if word in _NAMES), words[0])


def _painted(color: Color, opaque: float) -> Color | str | None:
    if opaque < 0.05:
        return "transparent"
    return color if opaque > 0.95 else None
