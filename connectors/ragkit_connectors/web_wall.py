"""Whether a site gives one page for every address, as behind a login that has expired: that page is nobody's content.

It comes with status 200, or by a redirect within the site, and would take the place of every page, or delete them all.
So the site is asked for a page that cannot be there when a pass meets its first content, and whenever a page that was
known leads elsewhere or two in a row are alike. Where that one and the source's first page get the same answer, the
pass ends. A site that says "not found" with status 200 is none of these: its first page is another.
"""

from __future__ import annotations

import re

from ragkit.net_addresses import Place, read_url
from ragkit.net_fetch import Reply
from ragkit_connectors.web_site import HTML, Site

_NOWHERE = "no-such-page-of-ragkit-7c1f"
_COMPARED = 1024 * 1024
_OWN = re.compile(rb"\"[^\"]*\"|'[^']*'|[0-9A-Fa-f-]{8,}")
"""What differs from one login page to the next: where it leads back to, and its tokens."""


class Wall:
    """Looks out for it in one pass.

    Args:
        site: The site.
        first: The page that it must have: the start, or the first that is listed.
    """

    def __init__(self, site: Site, first: Place) -> None:
        self._site = site
        self._first = first
        self._last = b""
        self._looked = False

    def check(self, place: Place, reply: Reply, *, known: bool) -> None:
        """Judge the content of a page; ``known`` where it had some before.

        Raises:
            SourceError: The site gives one page for every address.
        """
        bare, last = _bare(reply), self._last
        self._last = bare
        if self._looked and bare != last and not (known and reply.redirected):
            return
        self._looked = True
        nowhere = self._content(read_url(f"{place.origin}{self._first.path.rpartition('/')[0]}/{_NOWHERE}"))
        if nowhere is None or not _alike(reply, nowhere):
            return
        first = reply if place == self._first else self._content(self._first)
        if first is not None and _alike(first, nowhere):
            raise self._site.trouble(
                "it gives one page for every address, as a site does that wants a login",
                "Open its first page in a browser, and give `authorization` by reference where it asks for a login.",
            )

    def _content(self, place: Place) -> Reply | None:
        if not self._site.robots.allows(place.path):
            return None
        answer = self._site.page(place, {})
        return answer.reply if answer.outcome == "content" else None


def _alike(one: Reply, other: Reply) -> bool:
    """Whether two answers end at the same page, or are the same where they ended as asked."""
    if one.redirected != other.redirected:
        return False
    if one.redirected:
        return _path(one.place) == _path(other.place)
    return _bare(one) == _bare(other)


def _path(place: Place) -> str:
    return place.path.partition("?")[0]


def _bare(reply: Reply) -> bytes:
    return _OWN.sub(b"", reply.body[:_COMPARED]) if reply.media_type in HTML else reply.body
