"""What the web connector remembers from pass to pass, and within one: every page with its validators.

The cursor is this as JSON. It names URLs, which is why the record store keeps it encrypted.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

_FLAGS = ("open", "overflow", "faulty", "blind")
_SENDABLE = re.compile(r"[\x20-\x7e]{1,200}")

Mark = Literal["todo", "named", "gone"]


@dataclass(slots=True)
class Known:
    """One page.

    Attributes:
        depth: Links from the start.
        mark: ``named`` and ``gone`` are done in this pass; a page that is gone is forgotten after it.
        etag: Of the content that was handed over, empty for none.
        modified: Its ``Last-Modified``.
        read: ``lastmod`` of the sitemap when it was handed over.
        listed: ``lastmod`` of the sitemap now.
    """

    depth: int = 0
    mark: Mark = "todo"
    etag: str = ""
    modified: str = ""
    read: str = ""
    listed: str = ""

    def __repr__(self) -> str:
        return f"Known({self.mark})"

    @property
    def is_unchanged(self) -> bool:
        """True where the sitemap says so to the second: a bare date is the same after a second change of that day."""
        return "T" in self.listed and self.listed == self.read

    def validators(self) -> dict[str, str]:
        """Headers of a conditional request (RFC 9110, section 13)."""
        pairs = (("If-None-Match", self.etag), ("If-Modified-Since", self.modified))
        return {name: value for name, value in pairs if value}

    def remember(self, headers: Mapping[str, str]) -> None:
        """Keep the validators of a content that was handed over, as far as they can be sent back."""
        self.etag, self.modified = (
            value if _SENDABLE.fullmatch(value) else ""
            for value in (headers.get("etag", ""), headers.get("last-modified", ""))
        )
        self.read = self.listed

    def forget(self) -> None:
        """Let the next request be unconditional."""
        self.etag = self.modified = self.read = ""


@dataclass(slots=True)
class State:
    """All pages by URL, in the order of asking.

    ``scope`` is of the configuration. ``open`` while a pass is under way; ``overflow`` when it met more pages than it
    may read, ``faulty`` when one failed. ``blind`` until a crawl that began without memory went through without a
    fault: what lies behind a page that failed is not known, and must not count as gone.
    """

    scope: str
    open: bool = False
    overflow: bool = False
    faulty: bool = False
    blind: bool = False
    pages: dict[str, Known] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"State({len(self.pages)} pages)"

    @classmethod
    def read(cls, cursor: str | None, scope: str) -> State:
        """Take up a cursor; one of another configuration, or of none, is void."""
        try:
            held: dict[str, Any] = json.loads(cursor or "{}")
            if held.get("scope") == scope:
                flags = {name: bool(held[name]) for name in _FLAGS}
                return cls(scope, pages={url: Known(*row) for url, row in held["pages"].items()}, **flags)
        except (ValueError, KeyError, TypeError, AttributeError):
            pass
        return cls(scope)

    def written(self) -> str:
        """Return the cursor."""
        rows = {url: list(asdict(known).values()) for url, known in self.pages.items()}
        held = {"scope": self.scope, "pages": rows} | {name: getattr(self, name) for name in _FLAGS}
        return json.dumps(held, separators=(",", ":"))

    def close(self) -> None:
        """End the pass: what is gone is forgotten, all else is to be asked for again."""
        self.blind = self.blind and self.faulty
        self.open = self.overflow = self.faulty = False
        self.pages = {url: known for url, known in self.pages.items() if known.mark != "gone"}
        for known in self.pages.values():
            known.mark = "todo"
