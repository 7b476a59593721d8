"""Confluence as a source, Cloud or Data Center: pages, blog posts and their attachments, with who may read them.

::

    [[collections.NAME.sources]]
    connector = "confluence"
    name = "wiki"
    url = "https://example.atlassian.net/wiki"      # Data Center: "https://wiki.example.org"
    edition = "cloud"                               # or "datacenter"
    user = "reader@example.org"                     # Cloud; without it `token` is sent as a bearer token
    token = {env = "CONFLUENCE_TOKEN"}
    spaces = ["HR", "IT"]                           # default: all that the account sees
    issuer = "corp"                                 # `u:corp|<account id or user name>`
    groups = "corp"                                 # `g:corp|<group name>`

Each pass lists the chosen spaces; a page is read when its version number is another. What is not listed any more is
deleted: trashed, archived, or out of sight of the account. Drafts, archived spaces and, unless ``types`` names them,
personal spaces are absent; comments and the versions before are not read. An attachment is an item of its own with
the permissions of its page. A label that is set later shows when the page next changes.

Permissions are those of Confluence: the right to read the space, and the read restrictions of the page and of all
its ancestors together (see :mod:`ragkit_connectors.confluence_access`). A page that anonymous users may read takes
the source's ``access``, by default the collection's. What cannot be read lets nobody in: an account without the right
to see a space's permissions, an ancestor or a group's members hides what hangs on them, and of a restriction to more
people than one reply tells the first only count. `ragkit sources test` tells of spaces.

Scopes, all for reading: on Cloud ``read:confluence-content.all``, ``search:confluence``,
``read:confluence-content.permission``, ``read:confluence-space.summary``, ``read:confluence-groups``,
``read:space:confluence``, ``read:attachment:confluence``, ``readonly:content.attachment:confluence``; on Data Center a
personal access token of an account that may see the spaces, their permissions (space administrator) and the groups.
Cloud sends attachments from another host: name it in ``download_hosts`` (``api.media.atlassian.com``), or they arrive
as ``other-host``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from ragkit.errors import SourceError
from ragkit.types import Change, Checkpoint, Listed, SourceItem
from ragkit_connectors.confluence_access import NOBODY, Readers
from ragkit_connectors.confluence_api import KINDS, Space
from ragkit_connectors.confluence_cloud import Api, Edition, api_of
from ragkit_connectors.rest import Rest, basic, bearer, when
from ragkit_connectors.texts import MIB, clean, html_page, of_source
from ragkit_connectors.tokens import check_scope, group_tokens, user_tokens

_KEY = re.compile(r"[A-Za-z0-9._~-]{1,255}")
_PAGE_ID = re.compile(r"[0-9]{1,19}")
_ATTACHMENT_ID = re.compile(r"att[0-9]{1,19}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfluenceConnector:
    """Reads spaces of one Confluence site.

    Args:
        name: The source's name in the configuration.
        url: Root of the site, on Cloud with ``/wiki``; with a scoped token
            ``https://api.atlassian.com/ex/confluence/<cloud id>/wiki``.
        site: Root of links for people, where ``url`` is not it.
        edition: ``cloud`` or ``datacenter``.
        token: API token (Cloud, with ``user``), personal access token (Data Center) or OAuth access token.
        user: Whose API token it is; empty for a bearer token.
        spaces: Keys of spaces; empty for all.
        exclude_spaces: Keys of spaces that are left out.
        types: Types of spaces, without ``personal``.
        body: How a page is rendered: ``export_view`` with macros carried out, or ``storage`` as it is stored.
        attachments: Whether attachments are read.
        read_permissions: Whether permissions are those of Confluence; otherwise every item takes ``access``.
        access: Access tokens of items that everybody may read; ``None`` takes the collection's.
        issuer: Issuer in the tokens of users; by default the source's name.
        groups: Scope in the tokens of groups; by default the source's name.
        ca_path: Certificates to trust.
        download_hosts: Hosts besides the site that attachments may come from.
        per_second: Calls a second at the most.
        max_bytes: A larger page or attachment becomes an item with the problem ``too-large``.
        checkpoint_every: Items between checkpoints.

    Raises:
        ValueError: An option has a value that it cannot have.
    """

    name: str
    url: str = field(repr=False)
    site: str = field(default="", repr=False)
    token: str = field(repr=False)
    user: str = field(default="", repr=False)
    edition: Edition = "cloud"
    spaces: Sequence[str] = ()
    exclude_spaces: Sequence[str] = ()
    types: Sequence[str] = ("global", "collaboration", "knowledge_base")
    body: Literal["export_view", "storage", "view"] = "export_view"
    attachments: bool = True
    read_permissions: bool = True
    access: Sequence[str] | None = None
    issuer: str = ""
    groups: str = ""
    ca_path: str | None = None
    download_hosts: Sequence[str] = ()
    per_second: float = 10
    max_bytes: int = 50 * MIB
    checkpoint_every: int = 200
    _rest: Rest = field(init=False, repr=False, compare=False)
    _api: Api = field(init=False, repr=False, compare=False)
    _readers: list[Readers] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.edition not in ("cloud", "datacenter") or self.body not in ("export_view", "storage", "view"):
            raise ValueError("unknown edition or body")
        if not all(_KEY.fullmatch(key) for key in (*self.spaces, *self.exclude_spaces)):
            raise ValueError("a space has a key of letters and digits")
        for scope in (self.issuer, self.groups):
            check_scope(scope or self.name)
        rest = Rest(
            source=self.name,
            url=self.url,
            authorization=basic(self.user, self.token) if self.user else bearer(self.token),
            secrets="`user` and `token`",
            ca_path=self.ca_path,
            per_second=self.per_second,
            max_reply_bytes=max(32 * MIB, self.max_bytes),
            download_hosts=self.download_hosts,
        )
        object.__setattr__(self, "_rest", rest)
        object.__setattr__(self, "_api", api_of(self.edition, rest))
        object.__setattr__(self, "_readers", [Readers(self._api)])

    def changes(self, cursor: str | None) -> Iterator[Change]:
        """List the spaces in order of their keys; ``cursor`` is the space and the page last handed over.

        Raises:
            SourceError: The site cannot be read.
        """
        space_after, page_after = _position(cursor)
        self._readers[0] = Readers(self._api)  # permissions are read anew in each pass
        seen: dict[str, frozenset[str] | None] = {}
        since = 0
        with self._rest:
            for space in self._spaces():
                if space.key < space_after:
                    continue
                after = page_after if space.key == space_after else 0
                for number, page in self._pages(space):
                    if number <= after:
                        continue
                    for listed in self._listed(space, page, seen):
                        yield listed
                        since += 1
                    if since >= self.checkpoint_every:
                        since = 0
                        yield Checkpoint(json.dumps({"space": space.key, "page": number}))
            yield Checkpoint(None, complete=True)

    def fetch(self, native_ids: Sequence[str]) -> Iterator[SourceItem]:
        """Read pages and attachments by their ids.

        Raises:
            SourceError: The site cannot be read.
        """
        with self._rest:
            pages = [one for one in native_ids if _PAGE_ID.fullmatch(one)]
            for page, problem in self._api.bodies(pages, self.body):
                if _current(page) and page.get("type") in KINDS and self._chosen(page["space"]["key"]):
                    yield self._page_item(page, problem)
            for native_id in native_ids:
                if _ATTACHMENT_ID.fullmatch(native_id):
                    found = self._api.attachment(native_id)
                    if found is not None and _current(found) and found.get("page") and _current(found["page"]):
                        yield from self._attachment_item(native_id, found)

    def probe(self) -> str:
        """Count the spaces, and those whose permissions cannot be read.

        Raises:
            SourceError: The site cannot be read.
        """
        with self._rest:
            spaces = self._spaces()
            readers = Readers(self._api)
            readers.learn("", None)
            if self.read_permissions:
                for space in spaces:
                    readers.of(space.key, (), "")
            hidden = f", the permissions of {readers.unreadable} cannot be read" if readers.unreadable else ""
            return f"{len(spaces)} spaces{hidden}"

    def _chosen(self, key: str) -> bool:
        return (not self.spaces or key in self.spaces) and key not in self.exclude_spaces

    def _spaces(self) -> list[Space]:
        """The chosen spaces by key.

        Raises:
            SourceError: There is none: a token that is accepted but lets nothing be seen would delete everything.
        """
        found = {space.key: space for space in self._api.spaces(self.types)}
        chosen = [found[key] for key in sorted(found) if _KEY.fullmatch(key) and self._chosen(key)]
        if not chosen:
            raise SourceError(
                f"source {self.name!r} shows no space to its account",
                remedy="Check what the account of `token` may see, and `spaces`, `exclude_spaces` and `types`.",
            )
        return chosen

    def _pages(self, space: Space) -> list[tuple[int, dict[str, Any]]]:
        """The current pages of a space by number. All of them first: restrictions of ancestors come with them."""
        pages: dict[int, dict[str, Any]] = {}
        for page in self._api.contents(space, attachments=self.attachments):
            if not _current(page) or page.get("type") not in KINDS or not _PAGE_ID.fullmatch(str(page.get("id"))):
                continue
            if self.read_permissions:
                self._readers[0].learn(page["id"], self._api.restriction_in(page))
            files = [(one["id"], _version(one)) for one in self._api.attachments_of(page) if _current(one)]
            pages[int(page["id"])] = {
                "id": page["id"], "version": self._mark(page), "ancestors": _ancestors(page),
                "files": files if self.attachments else [],
            }  # fmt: skip
        return sorted(pages.items())

    def _listed(self, space: Space, page: dict[str, Any], seen: dict[str, frozenset[str] | None]) -> Iterator[Listed]:
        access = self._access(space.key, page["ancestors"], page["id"])
        for native_id, version in ((page["id"], page["version"]), *page["files"]):
            if seen.get(native_id, ()) != access:  # again where it was moved from space to space meanwhile
                seen[native_id] = access
                yield Listed(native_id, version, access)

    def _mark(self, page: dict[str, Any]) -> str:
        """The version of a page as it is rendered: another rendering is read anew."""
        return _version(page) + ("" if self.body == "export_view" else f" {self.body}")

    def _access(self, space: str, ancestors: Sequence[str] | None, content_id: str) -> frozenset[str] | None:
        level = None
        if self.read_permissions:
            level = NOBODY if ancestors is None else self._readers[0].of(space, ancestors, content_id)
        if level is None:
            return of_source(self.access)
        return user_tokens(self.issuer or self.name, level.users) | group_tokens(self.groups or self.name, level.groups)

    def _page_item(self, page: dict[str, Any], problem: str | None) -> SourceItem:
        markup = page.get("body", {}).get(self.body, {}).get("value")
        content = html_page(markup) if isinstance(markup, str) else b""
        if problem is None and not 0 < len(content) <= self.max_bytes:
            problem = "too-large" if content else "unreadable"
        labels = page.get("metadata", {}).get("labels", {}).get("results", [])
        return SourceItem(
            native_id=page["id"],
            content=b"" if problem else content,
            media_type="text/html",
            problem=problem,
            metadata={
                "space": page["space"]["key"],
                "kind": page["type"],
                **({"labels": ", ".join(clean(one.get("name")) for one in labels)} if labels else {}),
            },
            **self._told(page, page),
        )

    def _attachment_item(self, native_id: str, found: dict[str, Any]) -> Iterator[SourceItem]:
        page = found["page"]
        if not self.attachments or not self._chosen(page["space"]["key"]):
            return
        file = self._rest.download(found.get("_links", {}).get("download"), self.max_bytes)
        if file.gone:
            return
        media_type = found.get("metadata", {}).get("mediaType")
        yield SourceItem(
            native_id=native_id,
            content=file.content,
            media_type=media_type if isinstance(media_type, str) and media_type.count("/") == 1 else None,
            problem=file.problem,
            metadata={"space": page["space"]["key"], "kind": "attachment"},
            **self._told(found, page),
        )

    def _told(self, content: dict[str, Any], page: dict[str, Any]) -> dict[str, Any]:
        title, link = clean(content.get("title")), clean(content.get("_links", {}).get("webui"))
        if self.read_permissions and content is page:
            self._readers[0].learn(page["id"], self._api.restriction_in(page))
        return {
            "name": title or "untitled",
            "title": title or None,
            "uri": f"{(self.site or self.url).rstrip('/')}{link}" if link.startswith("/") else None,
            "version": self._mark(page) if content is page else _version(content),
            "modified": when(content.get("version", {}).get("when")),
            "access": self._access(page["space"]["key"], _ancestors(page), page["id"]),
        }


def _position(cursor: str | None) -> tuple[str, int]:
    try:
        state = json.loads(cursor or "{}")
        return str(state.get("space", "")), int(state.get("page", 0))
    except (ValueError, TypeError, AttributeError):
        return "", 0


def _current(content: dict[str, Any]) -> bool:
    return bool(content.get("status", "current") == "current")


def _ancestors(page: dict[str, Any]) -> tuple[str, ...] | None:
    """Ids of what a page stands below; ``None`` when that is not told."""
    above = page.get("ancestors")
    return tuple(str(one["id"]) for one in above) if isinstance(above, list) else None


def _version(content: dict[str, Any]) -> str:
    return str(content.get("version", {}).get("number", ""))
