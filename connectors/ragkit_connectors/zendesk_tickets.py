"""Tickets of Zendesk by the incremental export, each with its comments.

Sources: developer.zendesk.com, "Using the Incremental Export API" and "Ticket Comments".
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from email.message import EmailMessage
from html import escape
from typing import Any

from ragkit.errors import SourceError
from ragkit.types import Change, Checkpoint, Delete, SourceItem, Upsert
from ragkit_connectors.pace import Pace
from ragkit_connectors.rest import LOST, Refused, Rest, when
from ragkit_connectors.rest_calls import Broken
from ragkit_connectors.texts import clean, html_page
from ragkit_connectors.zendesk_readers import TicketReaders, following

_EXPORT = "/api/v2/incremental/tickets/cursor.json"
_STILL = 3
_GONE = frozenset({"deleted", "scrubbed"})


class Tickets:
    """Reads tickets.

    Args:
        rest: The account.
        readers: Who may read a ticket.
        url: Root of the account, for links to tickets.
        start: Seconds since 1970; tickets changed since then are read.
        pace: Of the export.
        internal_notes: Whether comments that are not public are read.
        attachments: Whether attachments are read.
        max_bytes: Of a ticket with its attachments.
    """

    def __init__(
        self,
        rest: Rest,
        readers: TicketReaders,
        *,
        url: str,
        start: int,
        pace: Pace,
        internal_notes: bool,
        attachments: bool,
        max_bytes: int,
    ) -> None:
        self._rest = rest
        self._readers = readers
        self._url = url.rstrip("/")
        self._start = start
        self._pace = pace
        self._internal = internal_notes
        self._attachments = attachments
        self._max_bytes = max_bytes
        self._what = f"{start}/{int(internal_notes)}{int(attachments)}"

    def changes(self, cursor: str | None) -> Iterator[Change]:
        """Yield what changed since the cursor, oldest first; from the beginning where other things were read then."""
        seen: dict[str, str] = {}
        broke = False
        cursor = self._unpacked(cursor)
        with self._rest:
            self._readers.read_names()
            for page, position in self._pages(cursor, 100):
                for ticket in page["tickets"]:
                    native_id, mark = str(ticket["id"]), str(ticket.get("updated_at"))
                    if seen.get(native_id) != mark:  # a page may come again
                        seen[native_id] = mark
                        try:
                            item, broke = self._item(ticket), False
                        except Broken:  # at one ticket; at the next too it would be the server itself
                            if broke:
                                raise
                            item, broke = self._made(ticket, b"", "text/html", "unreadable"), True
                        yield Delete(native_id) if item is None else Upsert(item)
                yield Checkpoint(None if position is None else f"{self._what} {position}")

    def fetch(self, native_ids: Sequence[str]) -> Iterator[SourceItem]:
        """Yield the tickets that there are."""
        with self._rest:
            self._readers.read_names()
            wanted = [one for one in native_ids if one.isascii() and one.isdigit()]
            for start in range(0, len(wanted), 100):
                for ticket in self._shown(wanted[start : start + 100]):
                    item = self._item(ticket)
                    if item is not None:
                        yield item

    def permissions(self) -> Iterator[tuple[str, frozenset[str] | None]]:
        """Yield who may read each ticket: by the whole export, and by the list for what changed since it ends."""
        told: dict[str, frozenset[str] | None] = {}
        newest = ""
        with self._rest:
            self._readers.read_names()
            for page, _ in self._pages(None, 1000):
                for ticket in page["tickets"]:
                    told[str(ticket["id"])] = self._access(ticket)
                    newest = max(newest, str(ticket.get("updated_at")))
            query: dict[str, str | int] = {"sort": "-updated_at", "page[size]": 100}
            for page in self._rest.walk("/api/v2/tickets.json", query, following):
                told |= {str(ticket["id"]): self._access(ticket) for ticket in page["tickets"]}
                if any(str(ticket.get("updated_at")) < newest for ticket in page["tickets"]):
                    break
        yield from told.items()

    def probe(self) -> str:
        """Count the tickets."""
        with self._rest:
            found = self._rest.need("/api/v2/tickets/count.json")
            return f"{found['count']['value']} tickets that are not archived"

    def _pages(self, cursor: str | None, size: int) -> Iterator[tuple[Any, str | None]]:
        """Pages of the export, each with the cursor behind it; from the beginning where the cursor is lost."""
        anew, still = cursor is None, 0
        while True:
            where: dict[str, str | int] = {"start_time": self._start} if cursor is None else {"cursor": cursor}
            try:
                page = self._rest.need(_EXPORT, {**where, "per_page": size}, pace=self._pace)
            except Refused as refused:
                if anew or refused.status not in LOST:
                    raise
                anew, cursor = True, None
                continue
            position = page.get("after_cursor") or cursor
            still = still + 1 if position == cursor else 0
            if still > _STILL and not page["end_of_stream"]:
                raise SourceError("the export of tickets stands still", remedy="Sync again; see Zendesk's status.")
            yield page, position
            if page["end_of_stream"]:
                return
            cursor = position

    def _shown(self, ids: Sequence[str]) -> list[dict[str, Any]]:
        """Those of these tickets, at most 100, that are there."""
        page = self._rest.need("/api/v2/tickets/show_many.json", {"ids": ",".join(ids)})
        found: list[dict[str, Any]] = page["tickets"]
        return found

    def _unpacked(self, cursor: str | None) -> str | None:
        """The vendor's cursor; ``None`` when the options say now that other things are read."""
        what, _, position = (cursor or "").partition(" ")
        return position if position and what == self._what else None

    def _access(self, ticket: Mapping[str, Any]) -> frozenset[str] | None:
        return frozenset() if ticket.get("status") in _GONE else self._readers.of(ticket)

    def _item(self, ticket: Mapping[str, Any]) -> SourceItem | None:
        """A ticket with its comments; ``None`` when it is deleted, or nothing in it may be read."""
        if ticket.get("status") in _GONE:
            return None
        comments = self._comments(ticket["id"])
        if not comments:
            return None
        content, media_type = self._content(comments)
        if len(content) > self._max_bytes:
            return self._made(ticket, b"", media_type, "too-large")
        return self._made(ticket, content, media_type, None)

    def _made(self, ticket: Mapping[str, Any], content: bytes, media_type: str, problem: str | None) -> SourceItem:
        title = clean(ticket.get("subject") or ticket.get("raw_subject"))
        return SourceItem(
            native_id=str(ticket["id"]),
            content=content,
            name=title or f"ticket {ticket['id']}",
            title=title or None,
            media_type=media_type,
            uri=f"{self._url}/agent/tickets/{ticket['id']}",
            version=str(ticket.get("updated_at")),
            modified=when(ticket.get("updated_at")),
            access=self._access(ticket),
            metadata={key: clean(ticket[key]) for key in ("status", "priority", "type") if ticket.get(key)},
            problem=problem,
        )

    def _comments(self, ticket_id: int) -> list[dict[str, Any]]:
        """Comments with their authors' names, oldest first; none when the ticket is gone.

        Raises:
            Broken: There are none, though the ticket is there.
        """
        found: list[dict[str, Any]] = []
        names: dict[Any, str] = {}
        query: dict[str, str | int] = {"include": "users", "page[size]": 100}
        try:
            for page in self._rest.walk(f"/api/v2/tickets/{int(ticket_id)}/comments.json", query, following):
                names |= {user["id"]: str(user.get("name", "")) for user in page.get("users", ())}
                found += [one for one in page["comments"] if one.get("public") or self._internal]
        except Refused as refused:
            if refused.status != 404:
                raise
            if self._shown([str(ticket_id)]):
                raise Broken(str(refused), remedy=refused.remedy) from None
            return []
        return [{**one, "author": names.get(one.get("author_id"), "")} for one in found]

    def _content(self, comments: Sequence[Mapping[str, Any]]) -> tuple[bytes, str]:
        """HTML; with attachments that were read a MIME message of it and them, which the parser takes apart."""
        parts, files = [], []
        for comment in comments:
            note = "" if comment.get("public") else ", internal note"
            parts.append(f"<h2>{escape(comment['author'])}, {escape(str(comment.get('created_at', '')))}{note}</h2>")
            body = comment.get("html_body")
            parts.append(body if isinstance(body, str) else f"<p>{escape(str(comment.get('body') or ''))}</p>")
            for file in comment.get("attachments", ()):
                if not file.get("deleted") and not file.get("inline"):
                    parts.append(f"<p>Attachment: {escape(str(file.get('file_name', '')))}</p>")
                    files.append(file)
        content = html_page("".join(parts))
        message = EmailMessage()
        message.set_content(content.decode(), subtype="html", cte="base64")
        left = self._max_bytes
        for file in files if self._attachments else ():
            left -= self._attach(message, file, left)
        if message.is_multipart():
            message.set_boundary(hashlib.sha256(content).hexdigest())  # the same at every sync
            return message.as_bytes(), "message/rfc822"
        return content, "text/html"

    def _attach(self, message: EmailMessage, file: Mapping[str, Any], most: int) -> int:
        """Add a file of at most so many bytes, if it can be read; return its length."""
        read = self._rest.download(file.get("content_url"), most)
        if read.problem is None and not read.gone:
            kind, _, subtype = str(file.get("content_type") or "").partition(";")[0].strip().partition("/")
            name = " ".join(clean(file.get("file_name")).split()) or "attachment"
            try:
                message.add_attachment(read.content, maintype=kind, subtype=subtype, filename=name)
            except (ValueError, TypeError, LookupError):
                message.add_attachment(read.content, maintype="application", subtype="octet-stream", filename="file")
        return len(read.content)
