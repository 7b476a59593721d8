"""What a page says to those that read sites: its links, its canonical address, and whether it wants to be read.

The page is hostile until ragkit's sandbox has parsed it, so it is not parsed here: a scan for five tags that takes
time linear in its length and builds nothing. What the scan understands otherwise than a browser costs a link.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass

_SCANNED = 4 * 1024 * 1024
_MAX_LINKS = 5_000
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.S)
_SCRIPT = re.compile(r"<(script|style)\b.*?(?:</\1|\Z)", re.S | re.I)
_TAG = re.compile(r"<(a|area|base|link|meta)\s([^<>]{1,4096}+)>", re.I)
_ATTRIBUTE = re.compile(r"""([a-zA-Z-]{1,20})\s{0,8}=\s{0,8}(?:"([^"]{0,4096})"|'([^']{0,4096})'|([^\s"'>]{1,4096}))""")
_CHARSET = re.compile(  # some of Python's own codecs are slow on purpose-made bytes
    r"charset=[\"']?(utf-?8|utf-16(?:le|be)?|us-ascii|iso-8859-\d{1,2}|windows-\d{3,4}|koi8-[ru]|shift_jis|euc-(?:jp|kr)"
    r"|gb(?:k|2312|18030)|big5)\b",
    re.I,
)
_ROBOTS_TAG = re.compile(r"\s*(?:([\w-]+)\s*:)?(.*)", re.S)


@dataclass(frozen=True, slots=True, kw_only=True)
class Signs:
    """What was found. Links are as written, each once."""

    links: tuple[str, ...] = ()
    base: str = ""
    canonical: str = ""
    noindex: bool = False
    nofollow: bool = False

    def __repr__(self) -> str:
        return f"Signs({len(self.links)} links)"


def read_signs(content: bytes, *, content_type: str = "", robots_tag: str = "") -> Signs:
    """Scan a page.

    Args:
        content: HTML.
        content_type: The header, for its charset.
        robots_tag: The header ``X-Robots-Tag``.
    """
    text = _decoded(content[:_SCANNED], content_type)
    text = _SCRIPT.sub(" ", _COMMENT.sub(" ", text))
    links: dict[str, None] = {}
    base = canonical = ""
    agent, wished = _ROBOTS_TAG.fullmatch(robots_tag).groups("")  # type: ignore[union-attr]  # matches anything
    wishes = _words(wished) if agent.lower() in {"", "ragkit"} else set()
    for tag in _TAG.finditer(text):
        said = {found[1].lower(): html.unescape(found[2] or found[3] or found[4] or "").strip()
                for found in _ATTRIBUTE.finditer(tag[2])}  # fmt: skip
        name, target = tag[1].lower(), said.get("href", "")
        rel = _words(said.get("rel", ""))
        if name == "meta":
            if said.get("name", "").lower() in {"robots", "ragkit"}:
                wishes |= _words(said.get("content", ""))
        elif name == "base":
            base = base or target
        elif name == "link":
            canonical = canonical or (target if "canonical" in rel else "")
        elif target and "nofollow" not in rel and len(links) < _MAX_LINKS:
            links[target] = None
    return Signs(
        links=tuple(links),
        base=base,
        canonical=canonical,
        noindex=bool(wishes & {"noindex", "none"}),
        nofollow=bool(wishes & {"nofollow", "none"}),
    )


def _words(text: str) -> set[str]:
    return set(re.split(r"[\s,]+", text.lower()))


def _decoded(content: bytes, content_type: str) -> str:
    found = _CHARSET.search(content_type) or _CHARSET.search(content[:1024].decode("ascii", "replace"))
    try:
        return content.decode(found[1] if found else "utf-8", "replace")
    except (LookupError, ValueError):
        return content.decode("utf-8", "replace")
