"""One pass of the web connector: what is asked for, in which order, and what is said of it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ragkit.net_addresses import Place, read_url
from ragkit.net_fetch import Reply
from ragkit.types import Change, Checkpoint, Listed, SourceItem, Upsert
from ragkit_connectors.web_site import NO_START, Outcome, Site, linked
from ragkit_connectors.web_state import Known, State
from ragkit_connectors.web_wall import Wall

if TYPE_CHECKING:
    from ragkit_connectors.web import WebConnector

_IN_A_ROW = 10


class Pass:
    """One pass over a site, or the rest of one."""

    def __init__(self, source: WebConnector, site: Site, state: State) -> None:
        self._source = source
        self._site = site
        self._state = state
        self._access = None if source.access is None else frozenset(source.access)
        self._crawls = bool(source.start)
        self._failed = 0
        self._answered = False
        self._held: list[SourceItem] = []

    def run(self) -> Iterator[Change]:
        if not self._state.open:
            self._begin()
        since = 0
        queue = deque(url for url, known in self._state.pages.items() if known.mark == "todo")
        self._added = queue
        self._wall = Wall(self._site, read_url(next(iter(self._state.pages))))
        while queue:
            url = queue.popleft()
            known = self._state.pages[url]
            changes = list(self._ask(url, known))
            known.mark = "named" if changes or (self._held and self._held[-1].native_id == url) else "gone"
            yield from changes
            since += 1
            if since >= self._source.checkpoint_every and not self._held and queue:
                since = 0
                yield Checkpoint(self._state.written())
        yield from self._end()

    def _begin(self) -> None:
        """Line up the pages of a new pass: the list or the sitemap, or the start and what is known since."""
        before = self._state.pages
        if self._crawls:
            lined_up = {read_url(self._source.start).url: ""} | dict.fromkeys(before, "")
        elif self._source.sitemap:
            found = self._site.sitemap(read_url(self._source.sitemap).url)
            lined_up = {url: entry.changed for url, entry in found.items()}
        else:
            lined_up = dict.fromkeys((read_url(url).url for url in self._source.urls), "")
        self._state.blind = self._crawls and (self._state.blind or not before)
        self._state.pages = {}
        for url, changed in lined_up.items():
            if self._site.wants(read_url(url)) and self._has_room():
                known = self._state.pages[url] = before.get(url) or Known()
                known.mark, known.listed = "todo", changed
        self._state.open = True
        if not self._crawls and not self._state.pages:  # taken for a site without pages, all would be deleted
            raise self._site.trouble(
                "there is no page to read",
                "Open the sitemap; compare `urls`, `prefix`, `include` and `exclude` with it and with robots.txt.",
            )
        if self._crawls and read_url(self._source.start).url not in self._state.pages:
            raise self._site.trouble(
                "robots.txt or the options do not let its first page through", "Correct `start`, `prefix` or `exclude`."
            )

    def _ask(self, url: str, known: Known) -> Iterator[Change]:
        """What is to be said of one page; nothing where it is gone."""
        if self._source.trust_lastmod and known.is_unchanged:
            yield Listed(url, None, self._access)
            return
        place = read_url(url)
        answer = self._site.page(place, known.validators(), crawling=self._crawls)
        self._count(answer.outcome, is_first=self._crawls and url == next(iter(self._state.pages)))
        if answer.outcome not in {"fault", "forbidden", "leads-away"}:
            yield from (Upsert(item) for item in self._held)
            self._held.clear()
        match answer.outcome:
            case "fault" | "same":
                yield Listed(url, None, self._access)
                if answer.outcome == "same":
                    known.read = known.listed
            case "content":
                assert answer.reply is not None
                self._wall.check(place, answer.reply, known=bool(known.validators()))
                if self._takes(place, known, answer.reply):
                    known.remember(answer.reply.headers)
                    yield Upsert(self._source.item(url, answer))
                else:
                    known.forget()
            case "gone":
                known.forget()
            case "unsupported-type" if self._crawls:
                known.forget()
            case "forbidden" | "leads-away":
                known.forget()
                self._held.append(self._source.item(url, answer))
            case _:
                known.forget()
                yield Upsert(self._source.item(url, answer))

    def _count(self, outcome: Outcome, *, is_first: bool) -> None:
        """Tell a page that fails from a site that does.

        Raises:
            SourceError: Ten in a row failed or turned us away, or the first page of a crawl cannot be read.
        """
        if outcome in {"fault", "forbidden", "leads-away"}:
            self._failed += 1
            self._state.faulty = self._state.faulty or outcome == "fault"
        else:
            self._failed = 0
            self._answered = True
        if is_first and outcome not in {"content", "same", "fault"}:
            raise self._site.trouble(*NO_START)
        if self._failed >= _IN_A_ROW:
            raise self._site.trouble(
                f"{_IN_A_ROW} pages in a row cannot be read", "See the server's own log; sync again."
            )

    def _takes(self, place: Place, known: Known, reply: Reply) -> bool:
        """Follow the page's links; whether the page itself is one to read."""
        signs = self._source.signs(reply)
        if self._crawls and reply.redirected:
            self._add(reply.place, known.depth)
            return False
        if self._crawls and not signs.nofollow and known.depth < self._source.max_depth:
            for reference in signs.links:
                self._add(linked(place, signs.base, reference), known.depth + 1)
        return not signs.noindex and not self._has_better(place, linked(place, signs.base, signs.canonical), known)

    def _has_better(self, place: Place, canonical: Place | None, known: Known) -> bool:
        """Whether another page is read instead. Two that name each other are settled by order: the later stays."""
        if canonical is None or canonical == place:
            return False
        if self._crawls:
            self._add(canonical, known.depth)
        better = self._state.pages.get(canonical.url)
        return better is not None and better.mark != "gone"

    def _add(self, place: Place | None, depth: int) -> None:
        if place is None or place.url in self._state.pages or not self._site.wants(place) or not self._has_room():
            return
        self._state.pages[place.url] = Known(depth=depth)
        self._added.append(place.url)

    def _has_room(self) -> bool:
        has = len(self._state.pages) < self._source.max_pages
        self._state.overflow = self._state.overflow or not has
        return has

    def _end(self) -> Iterator[Change]:
        """The last words of a pass.

        Raises:
            SourceError: No page answered.
        """
        if self._failed and not self._answered:
            raise self._site.trouble("none of its pages can be read", "See the server's own log, and sync again.")
        yield from (Upsert(item) for item in self._held)
        if self._state.overflow:
            yield Upsert(SourceItem(native_id="too-many-pages", content=b"", name="pages", problem="too-many-pages"))
        self._state.close()
        yield Checkpoint(self._state.written(), complete=not self._state.blind)
