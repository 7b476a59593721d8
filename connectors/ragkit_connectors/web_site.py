"""One site as the web connector asks it: within its origin and prefix, as ``robots.txt`` wants, at its pace."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from ragkit.errors import SourceError
from ragkit.net_addresses import FetchRefused, Place, read_url
from ragkit.net_fetch import Fetcher, Reply, joined
from ragkit.net_sockets import NetFailure
from ragkit_connectors.globs import Globs
from ragkit_connectors.pace import Pace
from ragkit_connectors.robots import MAX_BYTES as ROBOTS_BYTES
from ragkit_connectors.robots import Robots, read_robots
from ragkit_connectors.sitemap import MAX_BYTES as SITEMAP_BYTES
from ragkit_connectors.sitemap import TYPES as SITEMAP_TYPES
from ragkit_connectors.sitemap import Entry, read_sitemap

HTML: Final = frozenset({"text/html", "application/xhtml+xml"})
TYPES: Final = HTML | {
    "text/plain", "text/markdown", "text/csv", "text/tab-separated-values", "application/pdf", "application/rtf",
    "application/msword", "application/vnd.ms-excel", "application/vnd.ms-powerpoint", "application/epub+zip",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "application/vnd.oasis.opendocument.text", "application/vnd.oasis.opendocument.spreadsheet",
    "application/vnd.oasis.opendocument.presentation",
}  # fmt: skip
"""Media types that are read."""
_ANY_TEXT: Final = frozenset({"text/plain", "text/html", "application/octet-stream", ""})
_SKIPPED: Final = re.compile(
    r"\.(?:png|jpe?g|gif|svg|webp|ico|bmp|css|js|mjs|map|woff2?|ttf|eot|mp[34]|m4[av]|webm|og[gv]|wav|avi|mov|zip|gz|tgz"
    r"|tar|7z|rar|exe|msi|dmg|iso|jar|war|deb|rpm|bin)$",
    re.I,
)
_NO_SERVER: Final = frozenset({"dns", "connect", "connect-timeout", "tls"})
_ATTEMPTS: Final = 3
_LONGEST_HOLD: Final = 120.0
_MAX_SITEMAPS: Final = 1_000

NO_START: Final = (
    "its first page cannot be read",
    "Open it in a browser; write the address at which it ends, and give `authorization` where it asks for a login.",
)

Outcome = Literal[
    "content", "same", "gone", "fault", "forbidden", "leads-away", "unsupported-type", "too-large", "unreadable"
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Answer:
    """What asking for a page came to; with ``content`` and ``same`` there is a reply."""

    outcome: Outcome
    reply: Reply | None = None

    def __repr__(self) -> str:
        return f"Answer({self.outcome})"


@dataclass(frozen=True, slots=True)
class Scope:
    """Which URLs belong to the source: one origin, a prefix of the path, and the globs."""

    origin: str
    prefix: str
    globs: Globs

    def __repr__(self) -> str:
        return "Scope(…)"

    def holds(self, place: Place) -> bool:
        """Whether a page belongs to it."""
        inside = place.origin == self.origin and place.path.startswith(self.prefix)
        return inside and self.globs.match(place.path.removeprefix("/"))


class Site:
    """Asks one site.

    Args:
        name: The source's, for messages.
        fetcher: Closed by the owner.
        scope: What belongs to the source.
        per_second: Requests a second at the most; ``Crawl-delay`` may say less.
        max_bytes: Of a page.
        wait: Seconds before a page that failed is asked for again, doubled each time.
    """

    def __init__(
        self, name: str, fetcher: Fetcher, scope: Scope, *, per_second: float, max_bytes: int, wait: float
    ) -> None:
        self._name = name
        self._fetcher = fetcher
        self.scope = scope
        self._per_second = per_second
        self._pace = Pace(per_second)
        self._max_bytes = max_bytes
        self._wait = wait
        self._robots: Robots | None = None

    def __repr__(self) -> str:
        return "Site(…)"

    def trouble(self, what: str, remedy: str) -> SourceError:
        """Make the error of a source that cannot be read."""
        return SourceError(f"source {self._name!r}: {what}", remedy=remedy)

    @property
    def robots(self) -> Robots:
        """What ``robots.txt`` asks for, read once a pass.

        Raises:
            SourceError: The server fails at it: then nothing may be read (RFC 9309, section 2.3.1.4), which must not
                pass for a site without pages.
        """
        if self._robots is None:
            reply = self._plain(f"{self.scope.origin}/robots.txt", _ANY_TEXT, ROBOTS_BYTES, "its robots.txt")
            self._robots = read_robots(reply.body) if reply is not None and reply.status == 200 else Robots()
            if self._robots.delay:
                slower = 1 / self._robots.delay
                self._pace = Pace(min(self._per_second or slower, slower))
        return self._robots

    def wants(self, place: Place) -> bool:
        """Whether a page belongs to the source and may be asked for."""
        return self.scope.holds(place) and self.robots.allows(place.path)

    def sitemap(self, url: str) -> dict[str, Entry]:
        """The pages of a sitemap and of those that it names, by URL as it is asked for.

        Raises:
            SourceError: One cannot be read: a page that it names must not pass for one that is gone.
        """
        pages: dict[str, Entry] = {}
        todo, met = [url], {url}
        while todo:
            asked = todo.pop(0)
            reply = self._plain(asked, SITEMAP_TYPES, SITEMAP_BYTES, "its sitemap")
            try:
                if reply is None or reply.status != 200:
                    raise ValueError
                for entry in read_sitemap(reply.body):
                    place = linked(reply.place, "", entry.url)
                    if place is None or place.origin != self.scope.origin:
                        continue  # a sitemap speaks for its own host only
                    if not entry.is_sitemap:
                        pages[place.url] = entry
                    elif place.url not in met:
                        met.add(place.url)
                        todo.append(place.url)
                        if len(met) > _MAX_SITEMAPS:
                            raise ValueError
            except ValueError:
                raise self.trouble("its sitemap cannot be read", "Open it in a browser.") from None
        return pages

    def page(self, place: Place, headers: Mapping[str, str], *, crawling: bool = False) -> Answer:
        """Ask for a page, again where the server was busy or failed.

        Raises:
            SourceError: The server cannot be reached, or does not take our credentials.
        """
        if crawling and _SKIPPED.search(place.path.partition("?")[0]):
            return Answer("unsupported-type")
        answer = Answer("fault")
        for attempt in range(_ATTEMPTS):
            self._pace.wait()
            try:
                reply = self._fetcher.get(
                    place.url, accept=TYPES, headers=headers, follow=self._stays, max_bytes=self._max_bytes
                )
            except FetchRefused as refused:
                return Answer(self._refusal(refused))
            except NetFailure as failed:
                if failed.word in _NO_SERVER and attempt == _ATTEMPTS - 1:
                    raise self.trouble(str(failed), failed.remedy) from None
                self._pace.hold(self._wait * 2**attempt)
                continue
            answer = self._judged(reply)
            if answer.outcome != "fault":
                return answer
            self._pace.hold(min(_LONGEST_HOLD, reply.retry_after() or self._wait * 2**attempt))
        return answer

    def _judged(self, reply: Reply) -> Answer:
        match reply.status:
            case 200:
                return Answer("content", reply)
            case 304:
                return Answer("same", reply)
            case 404 | 410:
                return Answer("gone")
            case 401 | 407:
                raise self.trouble(
                    "the site asks for a login, or no longer takes ours",
                    "Give `authorization` by reference (`{env = …}`), and check that it is valid.",
                )
            case 403:
                return Answer("forbidden")
            case status if status in {408, 421, 425, 429} or status >= 500:
                return Answer("fault")
        return Answer("unreadable")

    def _refusal(self, refused: FetchRefused) -> Outcome:
        if refused.word in {"address", "port"}:
            raise self.trouble(str(refused), refused.remedy)
        outcomes: dict[str, Outcome] = {"type": "unsupported-type", "size": "too-large", "url": "unreadable"}
        return outcomes.get(refused.word, "leads-away")

    def _stays(self, place: Place) -> bool:
        return place.origin == self.scope.origin and self.robots.allows(place.path)

    def _plain(self, url: str, accept: frozenset[str], limit: int, what: str) -> Reply | None:
        """Get what is no page; ``None`` where it is no such file.

        Raises:
            SourceError: The server fails, or cannot be reached.
        """

        def follow(place: Place) -> bool:
            return place.origin == self.scope.origin

        for attempt in range(_ATTEMPTS):
            self._pace.wait()
            try:
                reply = self._fetcher.get(url, accept=accept, follow=follow, max_bytes=limit)
            except FetchRefused as refused:
                if refused.word in {"address", "port", "size"}:
                    raise self.trouble(f"{what}: {refused}", refused.remedy) from None
                return None
            except NetFailure as failed:
                if attempt == _ATTEMPTS - 1:
                    raise self.trouble(f"{what}: {failed}", failed.remedy) from None
                self._pace.hold(self._wait * 2**attempt)
                continue
            if reply.status != 429 and reply.status < 500:
                return reply
            self._pace.hold(min(_LONGEST_HOLD, reply.retry_after() or self._wait * 2**attempt))
        raise self.trouble(f"{what} cannot be read: the server fails", "See the server's own log, and sync again.")


def linked(place: Place, base: str, reference: str) -> Place | None:
    """Where a link of a page leads; ``None`` where it is none that could be asked for."""
    try:
        return joined(joined(place, base) if base else place, re.sub(r"[\t\r\n]", "", reference).replace(" ", "%20"))
    except FetchRefused:
        return None


def place_of(url: str) -> Place | None:
    """A URL read, or ``None``."""
    try:
        return read_url(url)
    except FetchRefused:
        return None
