"""A web site as a source: the pages of a sitemap, of a list, or those that links lead to within one origin and prefix.

::

    [[collections.NAME.sources]]
    connector = "web"
    name = "wiki"
    start = "https://wiki.example.org/docs/"       # or: sitemap = "https://…/sitemap.xml", or: urls = ["https://…", …]
    allow_networks = ["10.1.0.0/16"]               # the wiki's own address, where it is not public
    authorization = {env = "WIKI_AUTHORIZATION"}   # such as "Bearer …"; to this origin only, over https

**Passes.** Each pass names every page. What a page answered last (ETag, Last-Modified) is remembered in the cursor, and
it is asked for conditionally; with ``lastmod`` to the second a sitemap spares even that. A crawl asks again for every
page that it knows, linked or not, so that a page of links that fails takes nothing with it.

**Deletions** are by absence: a page is gone when the server says so (404, 410), when the sitemap or the list no longer
names it, when it says ``noindex`` or a canonical page that is read instead, or when ``robots.txt`` or the options no
longer let it through. A server that fails deletes nothing: such a page stays as it is (a new one is quarantined as
``server-fault`` until it answers), a crawl that begins without memory and meets a failure deletes nothing until it went
through without one, and ten failures in a row, a pass without an answer, or one page for every address,
as of a site whose login has expired (:mod:`ragkit_connectors.web_wall`), are a ``SourceError``.
``forbidden``, ``leads-away`` (a redirect to another host, mostly a login), ``too-large``, ``unsupported-type`` (of what
a list or sitemap names; a crawl passes it over) and ``unreadable`` are quarantined. More than ``max_pages`` show as one
item ``too-many-pages``.

**Permissions**: a web site tells none; every page has the tokens of ``access``, or the collection's.

**Limits**: one origin a source; ``robots.txt`` (RFC 9309), ``Crawl-delay``, ``meta robots``, ``X-Robots-Tag`` and
``rel=nofollow`` are honoured, as user agent ``ragkit``; no scripts are run, no forms filled, no cookies kept. All
requests go through :mod:`ragkit.net_fetch`. Links are found by a scan (:mod:`ragkit_connectors.web_page`); the page
itself is parsed in the sandbox, where trafilatura takes the main text out of it (``main_text = false``: all of it).
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import unquote

from ragkit.errors import ConfigError, MissingDependency
from ragkit.net_addresses import read_url
from ragkit.net_fetch import Fetcher, Reply
from ragkit.types import Change, SourceItem
from ragkit_connectors.globs import Globs
from ragkit_connectors.sitemap import MAX_BYTES as SITEMAP_BYTES
from ragkit_connectors.texts import of_source
from ragkit_connectors.web_page import Signs, read_signs
from ragkit_connectors.web_pass import Pass
from ragkit_connectors.web_site import HTML, NO_START, Answer, Scope, Site, place_of
from ragkit_connectors.web_state import State
from ragkit_connectors.web_wall import Wall

MAIN_TEXT = "text/html; profile=main-text"
"""Media type of a page whose main text is wanted; :mod:`ragkit.parse.webpage` reads it."""
_CHARSET = re.compile(r"charset=[\"']?([\w.:-]{1,40})", re.I)


@dataclass(frozen=True, slots=True, kw_only=True)
class WebConnector:
    """Reads one web site. One of ``start``, ``sitemap`` and ``urls`` is given.

    Args:
        name: The source's name in the configuration.
        start: Page from which links are followed, within ``prefix``.
        sitemap: URL of a sitemap or an index of sitemaps, plain or gzip.
        urls: The pages themselves, all of one origin.
        prefix: Path below which pages are read; by default the folder of ``start``, else everything.
        include: Globs on the path with its query, without the first slash.
        exclude: Globs that win over ``include``.
        max_pages: Most pages of a pass.
        max_depth: Most links from ``start``.
        per_second: Most requests a second; 0 for no limit.
        max_bytes: A larger page becomes an item with the problem ``too-large``.
        seconds: Longest time for one page, in seconds.
        authorization: Value of the header ``Authorization``, by reference.
        allow_networks: Networks (CIDR) that may be connected to besides public addresses.
        allow_ports: Ports besides 80 and 443.
        ca_path: Certificates to trust, instead of the usual ones.
        trust_lastmod: Do not ask for a page whose ``lastmod``, to the second, is as it was.
        main_text: Take the main text out of pages, without menus and footers.
        access: Access tokens of every item; ``None`` takes the collection's.
        checkpoint_every: Pages between checkpoints.
        retry_seconds: Wait before a page that failed is asked for again, doubled each time.

    Raises:
        ConfigError: The options do not go together.
        MissingDependency: ``main_text`` without trafilatura.
    """

    name: str
    start: str = field(default="", repr=False)
    sitemap: str = field(default="", repr=False)
    urls: Sequence[str] = field(default=(), repr=False)
    prefix: str = field(default="", repr=False)
    include: Sequence[str] = field(default=("**",), repr=False)
    exclude: Sequence[str] = field(default=(), repr=False)
    max_pages: int = 10_000
    max_depth: int = 20
    per_second: float = 5.0
    max_bytes: int = 20_000_000
    seconds: float = 60.0
    authorization: str = field(default="", repr=False)
    allow_networks: Sequence[str] = field(default=(), repr=False)
    allow_ports: Sequence[int] = field(default=(), repr=False)
    ca_path: str = field(default="", repr=False)
    trust_lastmod: bool = True
    main_text: bool = True
    access: Sequence[str] | None = None
    checkpoint_every: int = 100
    retry_seconds: float = 1.0

    def __post_init__(self) -> None:
        given = [*filter(None, (self.start, self.sitemap)), *self.urls]
        if sum(map(bool, (self.start, self.sitemap, self.urls))) != 1:
            raise self._wrong(
                "wants one of `start`, `sitemap` and `urls`", "Give one; make a source of each of several."
            )
        places = [place_of(url) for url in given]
        if not all(places) or len({place.origin for place in places if place}) != 1:
            raise self._wrong(
                "has a URL that is none, or URLs of several hosts",
                "Write http or https URLs of one host, without a user name; make a source of each of several hosts.",
            )
        try:
            self._fetcher().close()
        except ValueError as wrong:
            raise self._wrong(f"cannot be used: {wrong}", "Correct `allow_networks` or `authorization`.") from None
        # trafilatura needs the second for one that it needs, and not every pip brings it along.
        if self.main_text and not all(map(find_spec, ("trafilatura", "lxml_html_clean"))):
            raise MissingDependency(
                f"source {self.name!r} takes the main text out of pages with trafilatura",
                remedy="pip install 'ragkit[web]' lxml_html_clean, or set `main_text = false`.",
            )

    def changes(self, cursor: str | None) -> Iterator[Change]:
        """Name every page; with content those that are new or changed. Goes on with a pass where its cursor stands.

        Raises:
            SourceError: The site cannot be reached, fails throughout, turns us away, or its sitemap cannot be read.
        """
        with self._site() as site:
            yield from Pass(self, site, State.read(cursor, self._configuration())).run()

    def fetch(self, native_ids: Sequence[str]) -> Iterator[SourceItem]:
        """Read pages unconditionally; those that are gone, not to be indexed or out of scope are left out.

        Raises:
            SourceError: The site cannot be reached, or turns us away.
        """
        with self._site() as site:
            wall = None
            for url in native_ids:
                place = place_of(url)
                if place is None or place.url != url or not site.wants(place):
                    continue
                answer = site.page(place, {})
                wall = wall or Wall(site, place if self.sitemap else read_url(self.start or self.urls[0]))
                if answer.outcome == "content" and answer.reply:
                    wall.check(place, answer.reply, known=True)
                if answer.outcome == "gone" or (answer.reply and self.signs(answer.reply).noindex):
                    continue
                yield self.item(url, answer)

    def probe(self) -> str:
        """Say what the site's robots.txt and its first page or sitemap answer.

        Raises:
            SourceError: The site cannot be read.
        """
        with self._site() as site:
            rules = len(site.robots.rules)
            if self.sitemap:
                return (
                    f"a sitemap of {len(site.sitemap(read_url(self.sitemap).url))} pages, {rules} rules of robots.txt"
                )
            place = read_url(self.start or self.urls[0])
            answer = site.page(place, {})
            if answer.outcome != "content":
                raise site.trouble(*NO_START)
            found = f"a page with {len(self.signs(answer.reply).links)} links" if answer.reply else ""
            return f"{found}, {rules} rules of robots.txt"

    def item(self, url: str, answer: Answer) -> SourceItem:
        """Make the item of a page, or that of its problem."""
        reply = answer.reply if answer.outcome == "content" else None
        path = read_url(url).path.partition("?")[0]
        headers = reply.headers if reply else {}
        charset = _CHARSET.search(headers.get("content-type", ""))
        kind = [reply.media_type] if reply and reply.media_type else []
        if reply and reply.media_type in HTML and self.main_text:
            kind = [MAIN_TEXT]
        if kind and charset:
            kind.append(f"charset={charset[1]}")
        return SourceItem(
            native_id=url,
            content=reply.body if reply else b"",
            name=unquote(path.rstrip("/").rpartition("/")[2]) or "index",
            media_type="; ".join(kind) or None,
            uri=reply.place.url if reply else url,
            modified=_date(headers.get("last-modified", "")),
            access=of_source(self.access),
            metadata={"folder": unquote(path.rpartition("/")[0]).strip("/")},
            problem=None if reply else ("server-fault" if answer.outcome == "fault" else answer.outcome),
        )

    @staticmethod
    def signs(reply: Reply) -> Signs:
        """What a page says to those that read sites; its headers too, where it is no HTML."""
        return read_signs(
            reply.body if reply.media_type in HTML else b"",
            content_type=reply.headers.get("content-type", ""),
            robots_tag=reply.headers.get("x-robots-tag", ""),
        )

    def _configuration(self) -> str:
        """What a cursor holds for: with another scope, what it remembers could be out of it."""
        parts = [self.start, self.sitemap, sorted(self.urls), self.prefix, self.main_text]
        return hashlib.blake2b(json.dumps(parts).encode(), digest_size=8).hexdigest()

    @contextmanager
    def _site(self) -> Iterator[Site]:
        first = read_url(self.start or self.sitemap or self.urls[0])
        prefix = self.prefix or (first.path.partition("?")[0].rpartition("/")[0] + "/" if self.start else "/")
        scope = Scope(first.origin, prefix, Globs(self.include, self.exclude))
        with self._fetcher() as fetcher:
            yield Site(
                self.name,
                fetcher,
                scope,
                per_second=self.per_second,
                max_bytes=self.max_bytes,
                wait=self.retry_seconds,
            )

    def _fetcher(self) -> Fetcher:
        return Fetcher(
            purpose="source",
            allow_networks=self.allow_networks,
            allow_ports=self.allow_ports,
            secret_headers={"Authorization": self.authorization} if self.authorization else None,
            secret_origin=self.start or self.sitemap or (self.urls[0] if self.urls else ""),
            ca_file=Path(self.ca_path) if self.ca_path else None,
            max_bytes=max(self.max_bytes, SITEMAP_BYTES),
            seconds=self.seconds,
        )

    def _wrong(self, what: str, remedy: str) -> ConfigError:
        return ConfigError(f"source {self.name!r} {what}", remedy=remedy)


def _date(text: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
