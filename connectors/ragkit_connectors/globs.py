"""Globs over paths and keys: ``**`` crosses folders, ``*`` and ``?`` do not; ``exclude`` wins over ``include``."""

from __future__ import annotations

import re
from collections.abc import Sequence


class Globs:
    """Include and exclude patterns over relative POSIX paths."""

    def __init__(self, include: Sequence[str], exclude: Sequence[str]) -> None:
        self._include = [_compile(pattern) for pattern in include]
        self._exclude = [_compile(pattern) for pattern in exclude]

    def match(self, path: str) -> bool:
        """True when one of ``include`` and none of ``exclude`` is the whole path."""
        return any(p.fullmatch(path) for p in self._include) and not any(p.fullmatch(path) for p in self._exclude)

    def prunes(self, folder: str) -> bool:
        """True when nothing below the folder can pass; saves walking ``node_modules`` and ``.git``."""
        return any(p.fullmatch(f"{folder}/x") and p.fullmatch(f"{folder}/x/x") for p in self._exclude)


def _compile(pattern: str) -> re.Pattern[str]:
    """Translate a glob; ``glob.translate`` does this from Python 3.13 on."""
    out = []
    for piece in re.findall(r"\*\*/|\*\*|\*|\?|\[[!^]?\]?[^\]]*\]|.", pattern, re.DOTALL):
        if piece == "**/":
            out.append("(?:[^/]+/)*")
        elif piece == "**":
            out.append(".*")
        elif piece == "*":
            out.append("[^/]*")
        elif piece == "?":
            out.append("[^/]")
        elif len(piece) > 1:
            inverted = piece[1] in "!^"
            out.append(f"[{'^' if inverted else ''}{re.escape(piece[2 if inverted else 1 : -1])}]".replace(r"\-", "-"))
        else:
            out.append(re.escape(piece))
    return re.compile("".join(out), re.DOTALL)
