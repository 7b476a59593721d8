"""Confluence Cloud, with the face of :class:`ragkit_connectors.confluence_api.DataCenter`.

Its plain ``/content`` of version 1 is gone for newer sites and for OAuth (410), so content is listed and read through
``/content/search``, whose pages are held together by cursors; spaces, their permissions and attachments come from
version 2. Users are known by account ids, groups by ids.

Source: developer.atlassian.com, REST API v1 and v2 of Confluence Cloud.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Literal
from urllib.parse import quote

from ragkit_connectors.confluence_access import NOBODY, Level
from ragkit_connectors.confluence_api import ANEW, ATTACHED, KINDS, LISTED, PAGE, DataCenter, Space, Version1, text
from ragkit_connectors.rest import LOST, Refused, Rest
from ragkit_connectors.rest_calls import Broken

_SEARCHED = 20
"""Bodies asked for at once."""


class Cloud(Version1):
    """Confluence Cloud."""

    def __init__(self, rest: Rest) -> None:
        super().__init__(rest)
        self._ids: dict[str, str] = {}
        self._group_names: dict[str, str] = {}

    def spaces(self, types: Sequence[str]) -> Iterator[Space]:
        """The current spaces of these types."""
        for kind in types:
            query: dict[str, str | int] = {"type": kind, "status": "current", "limit": 250}
            for one in self._results("/api/v2/spaces", query):
                space = Space(one["key"], str(one["id"]))
                self._ids[space.key] = space.id
                yield space

    def contents(self, space: Space, *, attachments: bool) -> Iterator[dict[str, Any]]:
        """Current pages and blog posts; some come twice where a cursor was lost and the listing started again."""
        expand = LISTED + (ATTACHED if attachments else "")
        cql = f'space = "{space.key}" and type in ({", ".join(KINDS)}) order by created'
        for left in reversed(range(ANEW)):
            begun = False
            try:
                for one in self._results("/rest/api/content/search", {"cql": cql, "expand": expand, "limit": PAGE}):
                    begun = True
                    yield one
            except Refused as refused:
                if not (begun and left and refused.status in LOST):
                    raise
            else:
                return

    def bodies(self, content_ids: Sequence[str], body: str) -> Iterator[tuple[dict[str, Any], str | None]]:
        """Pages with their bodies, or with the code of the problem; those that are gone are left out."""
        expand = f"body.{body},metadata.labels,{LISTED}"
        for start in range(0, len(content_ids), _SEARCHED):
            some = content_ids[start : start + _SEARCHED]
            try:
                found = [(one, None) for one in self._found(some, expand)]
            except Broken:  # a macro of one page that cannot be carried out, or too much together
                for content_id in some:
                    yield from self._alone(content_id, expand)
            else:
                yield from found

    def _alone(self, content_id: str, expand: str) -> Iterator[tuple[dict[str, Any], str | None]]:
        problem = None
        try:
            found = list(self._found([content_id], expand))
        except Broken as broken:
            found, problem = list(self._found([content_id], LISTED)), broken.problem
        yield from ((one, problem) for one in found)

    def _found(self, content_ids: Sequence[str], expand: str) -> Iterator[dict[str, Any]]:
        cql = f"id in ({', '.join(content_ids)})"
        return self._results("/rest/api/content/search", {"cql": cql, "expand": expand, "limit": _SEARCHED})

    def attachment(self, content_id: str) -> dict[str, Any] | None:
        """One attachment and the page that it hangs on."""
        found = self._rest.get(f"/api/v2/attachments/{content_id}")
        if found is None:
            return None
        query: dict[str, str | int] = {"cql": f"id = {int(found.get('pageId') or found.get('blogPostId') or 0)}"}
        page = next(self._results("/rest/api/content/search", {**query, "expand": LISTED, "limit": 1}), None)
        return {
            **found,
            "page": page,
            "metadata": {"mediaType": found.get("mediaType")},
            "version": {"number": found["version"]["number"], "when": found["version"].get("createdAt")},
            "_links": {"download": found.get("downloadLink"), "webui": found.get("webuiLink")},
        }

    def readers(self, space: str) -> Level | None:
        """Who may read a space; ``None`` where anonymous users may."""
        if space not in self._ids:
            known = next(self._results("/api/v2/spaces", {"keys": space, "limit": 1}), None)
            if known is None:
                return NOBODY
            self._ids[space] = str(known["id"])
        users: set[str] = set()
        groups: set[str] = set()
        for one in self._results(f"/api/v2/spaces/{quote(self._ids[space], safe='')}/permissions", {"limit": 250}):
            if one.get("operation") != {"key": "read", "targetType": "space"}:
                continue
            kind, name = one.get("principal", {}).get("type"), text(one.get("principal", {}).get("id"))
            if kind == "anonymous" or (kind == "access_class" and name == "anonymous-users"):
                return None
            if name and kind in ("user", "group"):
                (users if kind == "user" else groups).add(name)
        return Level(frozenset(users), frozenset(groups))

    def members(self, group: str) -> Iterator[str]:
        """The account ids in a group, by its id."""
        path = f"/rest/api/group/{quote(group, safe='')}/membersByGroupId"
        return (name for one in self._results(path, {"limit": 200}) if (name := self._user(one)))

    def group_name(self, group: str) -> str | None:
        """The name of a group, by its id."""
        if group not in self._group_names:
            found = self._rest.get("/rest/api/group/by-id", {"id": group}) or {}
            self._group_names[group] = text(found.get("name")) or ""
        return self._group_names[group] or None

    def _user(self, told: Any) -> str | None:
        return text(told.get("accountId"))

    def _group(self, told: Any) -> str | None:
        found, name = text(told.get("id")), text(told.get("name"))
        if found and name:
            self._group_names[found] = name
        return found


Api = Cloud | DataCenter
Edition = Literal["cloud", "datacenter"]


def api_of(edition: Edition, rest: Rest) -> Api:
    """Return the API of an edition."""
    return Cloud(rest) if edition == "cloud" else DataCenter(rest)
