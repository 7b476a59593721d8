"""``robots.txt`` as RFC 9309 reads it: groups by product token, the longest rule wins, ``*`` and ``$`` in paths.

The standard library's reader takes the first rule instead of the longest, and knows no ``*`` in paths.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

AGENT = "ragkit"
MAX_BYTES = 500 * 1024
"""RFC 9309, section 2.5: at least so much is read."""
_MAX_RULES = 20_000
_LINE = re.compile(r"\s*([A-Za-z-]+)\s*:\s*([^#]*)")


@dataclass(frozen=True, slots=True)
class Robots:
    """What a site asks of this reader.

    Attributes:
        rules: Path pattern and whether it is allowed.
        delay: Seconds between two requests; ``Crawl-delay`` is no part of the RFC, and kept all the same.
        sitemaps: URLs that the file names.
    """

    rules: Sequence[tuple[str, bool]] = ()
    delay: float = 0.0
    sitemaps: Sequence[str] = ()

    def allows(self, path: str) -> bool:
        """Whether a path with its query may be asked for. The longest match wins, and of two the one that allows."""
        best, allowed = -1, True
        for pattern, allow in self.rules:
            if (len(pattern) > best or (len(pattern) == best and allow)) and _matches(pattern, path):
                best, allowed = len(pattern), allow
        return allowed or path == "/robots.txt"


def read_robots(content: bytes) -> Robots:
    """Read the file; lines that are none of it are skipped."""
    ours: list[tuple[str, bool]] = []
    anyone: list[tuple[str, bool]] = []
    delays: dict[str, float] = {}
    sitemaps: list[str] = []
    agents: set[str] = set()
    met: set[str] = set()
    in_rules = False
    for line in content[:MAX_BYTES].decode("utf-8", "replace").removeprefix("\ufeff").splitlines():
        found = _LINE.match(line)
        if not found:
            continue
        key, value = found[1].lower(), found[2].strip()
        if key == "user-agent":
            token = value if value == "*" else re.match(r"[A-Za-z_-]*", value)[0].lower()  # type: ignore[index]  # ever
            agents = {token} if in_rules else agents | {token}
            met |= agents
            in_rules = False
        elif key == "sitemap":
            sitemaps.append(value)
        elif key in {"allow", "disallow", "crawl-delay"}:
            in_rules = True
            for agent, rules in ((AGENT, ours), ("*", anyone)):
                if agent not in agents:
                    continue
                if key == "crawl-delay":
                    delays[agent] = _seconds(value)
                elif value and len(rules) < _MAX_RULES:
                    rules.append((value, key == "allow"))
    agent = AGENT if AGENT in met else "*"
    return Robots(ours if agent == AGENT else anyone, delays.get(agent, 0.0), sitemaps[:100])


def _seconds(value: str) -> float:
    return min(60.0, float(value)) if re.fullmatch(r"\d{1,4}(?:\.\d{1,3})?", value) else 0.0


def _matches(pattern: str, path: str) -> bool:
    """Leftmost search for each piece between the stars: enough for a match, and linear on any pattern."""
    whole = pattern.endswith("$")
    pieces = pattern.removesuffix("$").split("*")
    if not path.startswith(pieces[0]):
        return False
    position = len(pieces[0])
    for piece in pieces[1:-1] if whole else pieces[1:]:
        position = path.find(piece, position)
        if position < 0:
            return False
        position += len(piece)
    if not whole:
        return True
    last = pieces[-1]
    return position == len(path) if len(pieces) == 1 else len(path) - len(last) >= position and path.endswith(last)
