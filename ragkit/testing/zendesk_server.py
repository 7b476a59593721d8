"""A Zendesk account of our own, in the recorded shape of its API: incremental export, comments, help centre.

::

    with ZendeskServer() as server:
        server.ticket(1, "Printer on fire", group_id=7)
        server.comment(1, "It burns.")
        server.article(5, "Fire drill", "<p>Leave.</p>", segments=[3])

The export is ordered by when tickets last changed, tells deleted ones, and leaves out those in ``lagging``, as Zendesk
does with changes of the last minute. Cursors are forgotten by ``forget_cursors``.
"""

from __future__ import annotations

import base64
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Any

from ragkit.testing.vendor_server import NotFound, VendorServer

_START = datetime(2026, 1, 1, tzinfo=UTC)


class ZendeskServer(VendorServer):
    """One account.

    Args:
        page: Items in a page, at the most.
        authorization: The header it asks for.

    Attributes:
        tickets: By id.
        comments: By ticket.
        articles: By id and locale; the empty locale is the default one.
        files: Contents of attachments by name.
        groups: Names by id.
        organizations: Names by id.
        lagging: Tickets that the export does not tell yet.
    """

    routes = {  # noqa: RUF012 - of the class
        r"/api/v2/incremental/tickets/cursor\.json": "export",
        r"/api/v2/tickets\.json": "recent",
        r"/api/v2/tickets/count\.json": "count",
        r"/api/v2/tickets/show_many\.json": "show_many",
        r"/api/v2/tickets/(\d+)/comments\.json": "comments_of",
        r"/api/v2/(groups|organizations)\.json": "names",
        r"/api/v2/help_center/articles\.json": "article_list",
        r"/api/v2/help_center/([a-z-]+)/articles\.json": "article_list_in",
        r"/api/v2/help_center/articles/(\d+)\.json": "article_one",
        r"/api/v2/help_center/([a-z-]+)/articles/(\d+)\.json": "article_one_in",
        r"/attachments/(.+)": "file",
    }

    def __init__(self, *, page: int = 2, authorization: str = "Bearer the-token") -> None:
        super().__init__(authorization)
        self.page = page
        self.tickets: dict[int, dict[str, Any]] = {}
        self.comments: dict[int, list[dict[str, Any]]] = {}
        self.articles: dict[tuple[int, str], dict[str, Any]] = {}
        self.files: dict[str, bytes] = {}
        self.groups: dict[int, str] = {}
        self.organizations: dict[int, str] = {}
        self.lagging: set[int] = set()
        self._clock = 0
        self._era = 0

    def _now(self) -> str:
        self._clock += 1
        return (_START + timedelta(seconds=self._clock)).strftime("%Y-%m-%dT%H:%M:%SZ")

    def ticket(self, number: int, subject: str | None = None, **fields: Any) -> None:
        """Add a ticket, or change fields of one."""
        before = self.tickets.get(number, {"id": number, "status": "open", "priority": "high", "group_id": None})
        told = {} if subject is None else {"subject": subject}
        self.tickets[number] = {**before, **told, **fields, "updated_at": self._now()}

    def comment(self, number: int, text: str, *, public: bool = True, files: Collection[str] = ()) -> None:
        """Add a comment to a ticket, which changes it."""
        attachments = [
            {"file_name": name, "content_url": f"{self.url}/attachments/{name}", "content_type": "text/plain"}
            for name in files
        ]
        self.comments.setdefault(number, []).append(
            {"id": self._clock, "author_id": 9, "public": public, "html_body": f"<div>{text}</div>", "body": text,
             "created_at": self._now(), "attachments": attachments}
        )  # fmt: skip
        self.ticket(number)

    def article(
        self, number: int, title: str, body: str, *, locale: str = "", segments: Collection[int] = (), **fields: Any
    ) -> None:
        """Add an article, or change one."""
        segment = next(iter(segments), None)
        self.articles[number, locale] = {
            "id": number, "title": title, "body": body, "draft": False, "locale": locale or "en-us",
            "user_segment_id": segment, "user_segment_ids": list(segments), "label_names": ["fire"],
            "html_url": f"{self.url}/hc/articles/{number}", "updated_at": self._now(), "edited_at": self._now(),
            **fields,
        }  # fmt: skip

    def forget_cursors(self) -> None:
        """Refuse every cursor given so far."""
        self._era += 1

    # --- tickets ------------------------------------------------------------------------------------------------

    def export(self, *, query: dict[str, str]) -> Any:
        after = ""
        if "cursor" in query:
            era, _, after = base64.urlsafe_b64decode(query["cursor"]).decode().partition("|")
            if int(era) != self._era:
                return 422
        told = sorted(self.tickets.values(), key=lambda ticket: ticket["updated_at"])
        told = [one for one in told if one["updated_at"] > after and one["id"] not in self.lagging]
        shown = told[: min(self.page, int(query["per_page"]))]
        after = shown[-1]["updated_at"] if shown else after
        cursor = base64.urlsafe_b64encode(f"{self._era}|{after}".encode()).decode()
        return {
            "tickets": shown, "after_cursor": cursor, "end_of_stream": len(shown) == len(told),
            "after_url": f"{self.url}/api/v2/incremental/tickets/cursor.json?cursor={cursor}",
        }  # fmt: skip

    def recent(self, *, query: dict[str, str]) -> Any:
        told = sorted(self._live(), key=lambda ticket: ticket["updated_at"], reverse=True)
        return self._paged("/api/v2/tickets.json", "tickets", told, query)

    def count(self, *, query: dict[str, str]) -> Any:
        del query
        return {"count": {"value": len(self._live())}}

    def show_many(self, *, query: dict[str, str]) -> Any:
        wanted = {int(one) for one in query["ids"].split(",")}
        return {"tickets": [ticket for ticket in self._live() if ticket["id"] in wanted]}

    def _live(self) -> list[dict[str, Any]]:
        return [ticket for ticket in self.tickets.values() if ticket["status"] != "deleted"]

    def comments_of(self, number: str, *, query: dict[str, str]) -> Any:
        if self.tickets.get(int(number), {"status": "deleted"})["status"] == "deleted":
            raise NotFound
        told = self.comments.get(int(number), [])
        page = self._paged(f"/api/v2/tickets/{number}/comments.json", "comments", told, query)
        return {**page, "users": [{"id": 9, "name": "Ada Example"}]}

    def names(self, kind: str, *, query: dict[str, str]) -> Any:
        told = [{"id": number, "name": name} for number, name in getattr(self, kind).items()]
        return self._paged(f"/api/v2/{kind}.json", kind, told, query)

    def file(self, name: str, *, query: dict[str, str]) -> Any:
        del query
        if name not in self.files:
            raise NotFound
        return "text/plain", self.files[name]

    # --- help centre --------------------------------------------------------------------------------------------

    def article_list(self, *, query: dict[str, str]) -> Any:
        return self.article_list_in("", query=query)

    def article_list_in(self, locale: str, *, query: dict[str, str]) -> Any:
        told = [one for (_, spoken), one in sorted(self.articles.items()) if spoken == locale]
        path = f"/api/v2/help_center/{f'{locale}/' if locale else ''}articles.json"
        return {**self._paged(path, "articles", told, query), "count": len(told)}

    def article_one(self, number: str, *, query: dict[str, str]) -> Any:
        return self.article_one_in("", number, query=query)

    def article_one_in(self, locale: str, number: str, *, query: dict[str, str]) -> Any:
        del query
        if (int(number), locale) not in self.articles:
            raise NotFound
        return {"article": self.articles[int(number), locale]}

    def _paged(self, path: str, key: str, told: list[dict[str, Any]], query: dict[str, str]) -> dict[str, Any]:
        start = int(query.get("page[after]", 0))
        shown = told[start : start + min(self.page, int(query.get("page[size]", 100)))]
        more = start + len(shown) < len(told)
        kept = "&".join(f"{name}={value}" for name, value in query.items() if name != "page[after]")
        link = f"{self.url}{path}?{kept}&page[after]={start + len(shown)}"
        return {key: shown, "meta": {"has_more": more}, "links": {"next": link if more else None}}
