"""Zendesk as a source: tickets with their comments, or the articles of the help centre; a source each.

::

    [[collections.NAME.sources]]
    connector = "zendesk"
    name = "tickets"
    url = "https://example.zendesk.com"
    user = "reader@example.org"             # without it `token` is sent as an OAuth bearer token
    token = {env = "ZENDESK_TOKEN"}
    what = "tickets"                        # or "articles"
    readers = ["group"]                     # who may read a ticket: its group, "organization", "assignee", "requester"
    groups = "corp"                         # `g:corp|group-360001`; with `group_names = true` `g:corp|Support`

**Tickets** come from the incremental export (cursor based), which tells changes and deletions and lags a minute
behind; ten calls of it a minute are allowed. A document is the ticket with its public comments. Internal notes are
left out unless ``internal_notes``; a ticket that has nothing else is then no document. Names of people stand in it and
are masked like any others. Attachments are named, and read with ``attachments``: they become part of the ticket's
document. Zendesk sends them from other hosts, which ``download_hosts`` has to name (``*.zdusercontent.com``).
Where the cursor is lost (the server refuses it) the export starts anew. Who may read what is read at every sync for
all tickets, so that one which is gone unreported is hidden from everybody: what no list names any more.
A ticket none of whose ``readers`` is set may be read by nobody. ``readers = []`` gives tickets the source's ``access``.

**Articles** are listed whole; what is not listed any more, or is a draft again, is deleted. One restricted to user
segments may be read by ``g:<groups>|segment-<id>``; one that everybody may read takes the source's ``access``, by
default the collection's: write ``access = ["pub"]`` where the help centre is open to the world. ``locales`` reads these
translations, a document each; without it articles are read in the help centre's default language. Attachments of
articles and community posts are not read.

Scopes: ``tickets:read users:read groups:read organizations:read`` for tickets (exports are open to administrators and
to OAuth clients of theirs), ``hc:read`` for articles.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from typing import Literal

from ragkit.types import Change, SourceItem
from ragkit_connectors.pace import Pace
from ragkit_connectors.rest import Rest, basic, bearer
from ragkit_connectors.texts import MIB, of_source
from ragkit_connectors.tokens import check_scope
from ragkit_connectors.zendesk_articles import Articles
from ragkit_connectors.zendesk_readers import READERS, TicketReaders
from ragkit_connectors.zendesk_tickets import Tickets


@dataclass(frozen=True, slots=True, kw_only=True)
class ZendeskConnector:
    """Reads the tickets or the articles of one Zendesk account.

    Args:
        name: The source's name in the configuration.
        url: Root of the account, or of one brand's help centre.
        token: API token (with ``user``) or OAuth access token.
        user: E-mail of the agent whose API token it is; empty for OAuth.
        what: ``tickets`` or ``articles``.
        since: Tickets changed since this day, as ``2024-01-31``; empty for all.
        internal_notes: Whether internal notes of tickets are read.
        attachments: Whether attachments of tickets are read.
        readers: Who may read a ticket, any of ``group``, ``organization``, ``assignee``, ``requester``.
        group_names: Name groups and organisations in tokens instead of giving their ids, where the name is only one's.
        locales: Translations of articles, such as ``de`` or ``en-us``; empty for the default language.
        access: Access tokens of articles for everybody, and of tickets without ``readers``.
        issuer: Issuer in the tokens of users, who stand by their ids; by default the source's name.
        groups: Scope in the tokens of groups, organisations and segments; by default the source's name.
        ca_path: Certificates to trust.
        download_hosts: Other hosts that attachments may come from.
        per_second: Calls a second at the most.
        exports_per_minute: Calls of the incremental export a minute at the most.
        max_bytes: A larger item has the problem ``too-large``; a larger attachment is left out.

    Raises:
        ValueError: An option has a value that it cannot have.
    """

    name: str
    url: str = field(repr=False)
    token: str = field(repr=False)
    user: str = field(default="", repr=False)
    what: Literal["tickets", "articles"] = "tickets"
    since: str = ""
    internal_notes: bool = False
    attachments: bool = False
    readers: Sequence[str] = ("group",)
    group_names: bool = False
    locales: Sequence[str] = ()
    access: Sequence[str] | None = None
    issuer: str = ""
    groups: str = ""
    ca_path: str | None = None
    download_hosts: Sequence[str] = ()
    per_second: float = 5
    exports_per_minute: float = 10
    max_bytes: int = 50 * MIB
    _reads: Tickets | Articles = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.what not in ("tickets", "articles") or not set(self.readers) <= READERS:
            raise ValueError("unknown what or readers")
        since = date.fromisoformat(self.since) if self.since else date(1970, 1, 1)
        issuer, groups = check_scope(self.issuer or self.name), check_scope(self.groups or self.name)
        rest = Rest(
            source=self.name,
            url=self.url,
            authorization=basic(f"{self.user}/token", self.token) if self.user else bearer(self.token),
            secrets="`user` and `token`",
            ca_path=self.ca_path,
            per_second=self.per_second,
            max_reply_bytes=max(64 * MIB, self.max_bytes),
            download_hosts=self.download_hosts,
        )
        access = of_source(self.access)
        if self.what == "articles":
            reads: Tickets | Articles = Articles(rest, self.locales, access, groups, self.max_bytes)
        else:
            reads = Tickets(
                rest,
                TicketReaders(rest, self.readers, issuer, groups, access, by_name=self.group_names),
                url=self.url,
                start=int(datetime.combine(since, time.min, UTC).timestamp()),
                pace=Pace(self.exports_per_minute / 60),
                internal_notes=self.internal_notes,
                attachments=self.attachments,
                max_bytes=self.max_bytes,
            )
        object.__setattr__(self, "_reads", reads)

    def changes(self, cursor: str | None) -> Iterator[Change]:
        """Export tickets from the vendor's ``cursor`` on, or list the articles.

        Raises:
            SourceError: The account cannot be read.
        """
        return self._reads.changes(cursor)

    def fetch(self, native_ids: Sequence[str]) -> Iterator[SourceItem]:
        """Read tickets or articles by their ids.

        Raises:
            SourceError: The account cannot be read.
        """
        return self._reads.fetch(native_ids)

    def permissions(self) -> Iterator[tuple[str, frozenset[str] | None]]:
        """Read who may see what without its content.

        Raises:
            SourceError: The account cannot be read.
        """
        return self._reads.permissions()

    def probe(self) -> str:
        """Read the first page.

        Raises:
            SourceError: The account cannot be read.
        """
        return self._reads.probe()
