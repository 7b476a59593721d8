r"""A mailbox as a source: IMAP4rev1 (RFC 3501), or mbox files and Maildirs on this machine. One item a message.

::

    [[collections.support.sources]]
    connector = "mailbox"
    name = "support-mail"
    host = "imap.example.org"
    user = "archive"
    password = { env = "IMAP_PASSWORD" }
    exclude = ["Private", "Private/*"]

Over IMAP nothing is written: folders are opened by EXAMINE and messages read by BODY.PEEK, so that none is marked as
read. The connection is encrypted and the certificate checked; ``tls = "starttls"`` ends where the server does not offer
it, and ``"none"`` is for this machine only. A message is known by folder, UIDVALIDITY and UID (written as in RFC 5092);
a pass lists them all at the price of a line a message and reads those that are new. With ``path`` instead of ``host``
the source is an mbox file, a Maildir, or a folder of any number of both; see :mod:`ragkit_connectors.mailbox_local`.

Deletions: what a complete pass does not name is gone, and so is what is marked ``\Deleted`` (Maildir: trashed). A
moved message is another one in another folder. When a server gives a folder a new UIDVALIDITY, its messages are read
again under new identities and the old ones removed; no masked value changes by that.

Permissions: IMAP has none for single messages, so ``access`` of the source holds for all. With
``access_from = "recipients"`` instead, a message may be seen by those addresses in its From, To, Cc, Bcc and
Delivered-To whose domain is among ``access_domains``, as ``u:<access_issuer>|<address in lower case>``. Lists are not
resolved; a message to nobody of those domains may be seen by nobody.

Codes: ``too-large`` (not fetched at all), ``unreadable`` (a message at which the server hangs up again and again, or a
file of a Maildir), ``symbolic-link``, ``not-a-file``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from ragkit.errors import ConfigError
from ragkit.types import Change, SourceItem
from ragkit_connectors.mailbox_imap import ImapMailbox
from ragkit_connectors.mailbox_local import LocalMailbox
from ragkit_connectors.mailbox_rules import Rules
from ragkit_connectors.mailbox_session import Account
from ragkit_connectors.texts import MIB, of_source

_HERE = ("localhost", "127.0.0.1", "::1")
_PORTS = {"implicit": 993, "starttls": 143, "none": 143}


@dataclass(frozen=True, slots=True, kw_only=True)
class MailboxConnector:
    """Reads a mailbox, over IMAP or from files.

    Args:
        name: The source's name in the configuration.
        host: The IMAP server; with ``user`` and ``password``. Needs the package IMAPClient.
        port: By default 993, or 143 where TLS is not implicit.
        user: Whose mailbox.
        password: The user's, by reference: ``{env = "…"}`` or ``{file = "…"}``.
        tls: ``implicit``, ``starttls``, or ``none`` for a server on this machine.
        ca_path: Certificates to trust instead of the usual ones, a PEM file.
        path: An mbox file, a Maildir, or a folder of both, instead of ``host``.
        include: Globs on folder names, levels parted by ``/``; ``*`` crosses levels. INBOX is written so.
        exclude: Globs that win over ``include``.
        exclude_roles: Folders left out by what the server says they are for (RFC 6154).
        since: Messages that came in before this day (``2024-01-31``) are left out; they are deleted if they were there.
        max_bytes: A larger message becomes an item with the problem ``too-large``.
        per_second: IMAP commands a second at the most; 0 for no limit. A command reads up to 250 messages' sizes, or
            messages of 8 MiB together.
        timeout_s: How long the server may be silent.
        access: Access tokens of every item; ``None`` takes the collection's.
        access_from: ``source``, or ``recipients`` with the two options that follow.
        access_issuer: Issuer of the users' access tokens.
        access_domains: Mail domains whose addresses are users of that issuer.

    Raises:
        ConfigError: The options contradict each other, or TLS is off for another machine.
    """

    name: str
    host: str | None = None
    port: int | None = None
    user: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    tls: Literal["implicit", "starttls", "none"] = "implicit"
    ca_path: str | None = field(default=None, repr=False)
    path: str | None = field(default=None, repr=False)
    include: Sequence[str] = ("*",)
    exclude: Sequence[str] = ()
    exclude_roles: Sequence[str] = ("all", "drafts", "flagged", "junk", "trash")
    since: date | str | None = None
    max_bytes: int = 50 * MIB
    per_second: float = 0.0
    timeout_s: float = 60.0
    access: Sequence[str] | None = None
    access_from: Literal["source", "recipients"] = "source"
    access_issuer: str = ""
    access_domains: Sequence[str] = ()

    def __post_init__(self) -> None:
        if (self.host is None) == (self.path is None):
            raise _contradiction(self.name, "needs either `host` or `path`", "Write one of them.")
        if self.host is not None and not (self.user and self.password):
            raise _contradiction(
                self.name, "has no `user` or no `password`", 'Write both; the password as {env = "VARIABLE"}.'
            )
        if self.tls not in _PORTS:
            raise _contradiction(self.name, "has another `tls` than there is", "Write implicit, starttls or none.")
        if self.tls == "none" and self.host not in (None, *_HERE):
            raise _contradiction(
                self.name,
                "would send its password in clear to another machine",
                'Write `tls = "implicit"` or `tls = "starttls"`.',
            )
        if self.access_from not in ("source", "recipients"):
            raise _contradiction(
                self.name, "has another `access_from` than there is", "Write `source` or `recipients`."
            )
        if self.access_from == "recipients" and not (self.access_issuer and self.access_domains):
            raise _contradiction(
                self.name, "does not say whose addresses are users", "Write `access_issuer` and `access_domains`."
            )
        self._rules()  # `since` may be no date

    def changes(self, cursor: str | None) -> Iterator[Change]:
        """List every message, folder by folder; ``cursor`` is the place of the last one handed over.

        Raises:
            SourceError: The server or the files cannot be read.
        """
        return self._mailbox().changes(cursor)

    def fetch(self, native_ids: Sequence[str]) -> Iterator[SourceItem]:
        """Read these messages.

        Raises:
            SourceError: The server or the files cannot be read.
        """
        return self._mailbox().fetch(native_ids)

    def probe(self) -> str:
        """Count the folders and messages.

        Raises:
            SourceError: The server or the files cannot be read.
        """
        return self._mailbox().probe()

    def _rules(self) -> Rules:
        return Rules(
            include=tuple(self.include),
            exclude=tuple(self.exclude),
            exclude_roles=frozenset(role.lower() for role in self.exclude_roles),
            since=date.fromisoformat(self.since) if isinstance(self.since, str) else self.since,
            max_bytes=self.max_bytes,
            access=of_source(self.access),
            issuer=self.access_issuer if self.access_from == "recipients" else "",
            domains=frozenset(domain.lower() for domain in self.access_domains),
        )

    def _mailbox(self) -> ImapMailbox | LocalMailbox:
        if self.path is not None:
            return LocalMailbox(self.name, self.path, self._rules())
        assert self.host is not None
        account = Account(
            host=self.host,
            port=self.port or _PORTS[self.tls],
            user=self.user,
            password=self.password,
            tls=self.tls,
            ca_path=self.ca_path,
            timeout_s=self.timeout_s,
        )
        return ImapMailbox(self.name, account, self._rules(), per_second=self.per_second)


def _contradiction(name: str, what: str, remedy: str) -> ConfigError:
    return ConfigError(f"source {name!r} {what}", remedy=remedy)
