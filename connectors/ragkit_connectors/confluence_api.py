"""What ragkit's connector asks of Confluence: what both editions tell alike, and Data Center.

Version 1 of the REST API tells content with its ancestors, restrictions and attachments in one listing. Data Center
pages it by position, and items move up when one is deleted meanwhile: each page therefore begins with the last item of
the one before, and where that does not meet the listing starts again. Users and groups are known by their names.

Source: developer.atlassian.com, REST API 9.10 of Confluence Data Center.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from ragkit.errors import SourceError
from ragkit_connectors.confluence_access import NOBODY, Level, restriction_of
from ragkit_connectors.rest import Rest
from ragkit_connectors.rest_calls import Broken

KINDS = ("page", "blogpost")
_TYPES = frozenset({"global", "personal"})
"""All types of spaces that Data Center knows; it refuses others."""
_RESTRICTED = ("restrictions.read.restrictions.user", "restrictions.read.restrictions.group")
LISTED = ",".join(("version", "space", "ancestors", *_RESTRICTED))
ATTACHED = ",children.attachment.version"
PAGE = 100
ANEW = 3
"""How often a listing that broke is begun."""


@dataclass(frozen=True, slots=True)
class Space:
    """A space: its key in paths and queries, and its id in version 2 of the API."""

    key: str
    id: str


class Version1(ABC):
    """What both editions share."""

    def __init__(self, rest: Rest) -> None:
        self._rest = rest

    def attachments_of(self, content: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """The attachments of a listed page: those that came with it, and the further ones by its link."""
        page = content.get("children", {}).get("attachment") or {}
        found = page.get("results", [])
        yield from found
        if page and following(page):
            query: dict[str, str | int] = {"expand": "version", "start": len(found), "limit": PAGE}
            yield from self._results(f"/rest/api/content/{content['id']}/child/attachment", query)

    def restriction_in(self, content: dict[str, Any]) -> Level | None:
        """The read restriction that a listing told of a page."""
        return self._level(content.get("restrictions", {}).get("read"))

    def restriction(self, content_id: str) -> Level | None:
        """The read restriction of one page; nobody's where it cannot be seen."""
        told = self._rest.get(
            f"/rest/api/content/{quote(content_id, safe='')}/restriction/byOperation/read",
            {"expand": "restrictions.user,restrictions.group"},
        )
        return NOBODY if told is None else self._level(told)

    def _level(self, told: Any) -> Level | None:
        return restriction_of(told, self._user, self._group)

    @abstractmethod
    def _user(self, told: Any) -> str | None:
        """The access token of a user that the API told of; ``None`` where it cannot be known."""

    @abstractmethod
    def _group(self, told: Any) -> str | None:
        """Likewise of a group."""

    def _results(self, path: str, query: dict[str, str | int]) -> Iterator[Any]:
        for page in self._rest.walk(path, query, following):
            yield from page["results"]  # without them it is no empty listing but another kind of reply


class DataCenter(Version1):
    """Confluence Data Center and Server from 7.0; space permissions from 9.1 (``/space/{key}/permissions``)."""

    def spaces(self, types: Sequence[str]) -> Iterator[Space]:
        """The current spaces of these types."""
        for kind in _TYPES.intersection(types):
            query: dict[str, str | int] = {"type": kind, "status": "current", "limit": PAGE}
            yield from (Space(one["key"], str(one["id"])) for one in self._results("/rest/api/space", query))

    def contents(self, space: Space, *, attachments: bool) -> Iterator[dict[str, Any]]:
        """Current pages and blog posts; some come twice where the listing had to start again."""
        for kind in KINDS:
            for _ in range(ANEW):
                if (yield from self._listed(space, kind, LISTED + (ATTACHED if attachments else ""))):
                    break
            else:
                raise SourceError(
                    "the listing of a space changes faster than it can be read",
                    remedy="Sync at a quieter time.",
                )

    def _listed(self, space: Space, kind: str, expand: str) -> Generator[dict[str, Any], None, bool]:
        """Yield what is there; return whether the pages met each other."""
        start, last = 0, None
        while True:
            page = self._rest.need(
                "/rest/api/content",
                {
                    "spaceKey": space.key, "type": kind, "status": "current", "expand": expand, "limit": PAGE,
                    "start": start,
                },
            )  # fmt: skip
            found = page["results"]
            if last is not None:
                if not found or found[0].get("id") != last:
                    return False
                del found[0]
            yield from found
            if not following(page):
                return True
            if not found:
                raise SourceError("a listing stands still", remedy="Sync again; see the server's own log.")
            start += len(found) - (last is None)
            last = found[-1].get("id")

    def bodies(self, content_ids: Sequence[str], body: str) -> Iterator[tuple[dict[str, Any], str | None]]:
        """Pages with their bodies, or with the code of the problem; those that are gone are left out."""
        for content_id in content_ids:
            problem = None
            try:
                found = self._content(content_id, f"body.{body},metadata.labels,{LISTED}")
            except Broken as broken:  # a macro that cannot be carried out
                found, problem = self._content(content_id, LISTED), broken.problem
            if found is not None:
                yield found, problem

    def attachment(self, content_id: str) -> dict[str, Any] | None:
        """One attachment and the page that it hangs on."""
        found = self._content(content_id, "version,container,container.space,container.ancestors")
        return None if found is None else {**found, "page": found.get("container")}

    def _content(self, content_id: str, expand: str) -> dict[str, Any] | None:
        found: dict[str, Any] | None = self._rest.get(f"/rest/api/content/{content_id}", {"expand": expand})
        return found

    def readers(self, space: str) -> Level | None:
        """Who may read a space; ``None`` where anonymous users may."""
        path = f"/rest/api/space/{quote(space, safe='')}/permissions"
        told = [one.get("subject") or {} for one in self._rest.need(path) if _reads(one)]
        if any(_reads(one) for one in self._rest.get(f"{path}/anonymous") or ()):
            return None
        users = {self._user(one) for one in told if one.get("type") in ("user", "known")}
        groups = {self._group(one) for one in told if one.get("type") == "group"}
        return Level(frozenset(filter(None, users)), frozenset(filter(None, groups)))

    def members(self, group: str) -> Iterator[str]:
        """The user names in a group."""
        path = f"/rest/api/group/{quote(group, safe='')}/member"
        return (name for one in self._results(path, {"limit": PAGE}) if (name := self._user(one)))

    def group_name(self, group: str) -> str | None:
        """Groups are known by their names."""
        return group

    def _user(self, told: Any) -> str | None:
        return text(told.get("username"))

    def _group(self, told: Any) -> str | None:
        return text(told.get("name")) or text(told.get("displayName"))


def _reads(permission: Any) -> bool:
    """Tell whether a permission is that to read a space."""
    operation = permission.get("operation", {})
    return (operation.get("targetType"), operation.get("operationKey")) == ("space", "read")


def following(page: Any) -> object:
    """The link to the next page of a listing; every listing has links."""
    return page["_links"].get("next")


def text(value: object) -> str | None:
    """A value that is a text and not empty."""
    return value if isinstance(value, str) and value else None
