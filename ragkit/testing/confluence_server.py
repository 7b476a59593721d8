"""A Confluence of our own, Cloud or Data Center, in the recorded shape of its REST API.

::

    with ConfluenceServer("datacenter") as server:
        server.spaces["HR"] = {"groups": {"staff"}}
        server.add("101", "HR", "Leave", "<p>Thirty days.</p>", parent="100")
        server.restrict("101", users={"ada"})
        server.attach("101", "att7", "form.txt", b"Fill in.")

Cloud answers under ``/wiki``, pages listings by cursors, and tells people by account ids and groups by ids; Data
Center pages by position and tells both by their names. Both filter nothing by who asks: the account sees all.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any, Literal
from urllib.parse import quote

from ragkit.testing.vendor_server import NotFound, VendorServer

_CLOUD = {
    r"/wiki/api/v2/spaces": "v2_spaces",
    r"/wiki/api/v2/spaces/(\d+)/permissions": "v2_permissions",
    r"/wiki/api/v2/attachments/(att\d+)": "v2_attachment",
    r"/wiki/rest/api/content/search": "search",
    r"/wiki/rest/api/content/([^/]+)/restriction/byOperation/read": "restriction",
    r"/wiki/rest/api/content/([^/]+)/child/attachment": "children",
    r"/wiki/rest/api/group/by-id": "group_by_id",
    r"/wiki/rest/api/group/([^/]+)/membersByGroupId": "members",
    r"/wiki/download/attachments/\d+/(att\d+)": "file",
}
_DATA_CENTER = {
    r"/rest/api/space": "v1_spaces",
    r"/rest/api/space/([^/]+)/permissions": "v1_permissions",
    r"/rest/api/space/([^/]+)/permissions/anonymous": "v1_anonymous",
    r"/rest/api/content": "listing",
    r"/rest/api/content/([^/]+)": "content",
    r"/rest/api/content/([^/]+)/restriction/byOperation/read": "restriction",
    r"/rest/api/content/([^/]+)/child/attachment": "children",
    r"/rest/api/group/([^/]+)/member": "members",
    r"/download/attachments/\d+/(att\d+)": "file",
}


class ConfluenceServer(VendorServer):
    """One site.

    Args:
        edition: Which API it speaks.
        page: Items in a page of a listing, at the most.
        authorization: The header it asks for.

    Attributes:
        spaces: By key: ``users``, ``groups``, ``anonymous``, ``type``, ``status``.
        contents: Pages and blog posts by id.
        files: Attachments by id.
        groups: Members by group.
        restrictions: Users and groups by content.
    """

    def __init__(
        self,
        edition: Literal["cloud", "datacenter"] = "datacenter",
        *,
        page: int = 3,
        authorization: str = "Bearer the-token",
    ) -> None:
        super().__init__(authorization)
        self.edition = edition
        self.routes = _CLOUD if edition == "cloud" else _DATA_CENTER
        self.page = page
        self.spaces: dict[str, dict[str, Any]] = {}
        self.contents: dict[str, dict[str, Any]] = {}
        self.files: dict[str, dict[str, Any]] = {}
        self.groups: dict[str, set[str]] = {}
        self.restrictions: dict[str, tuple[set[str], set[str]]] = {}

    @property
    def site(self) -> str:
        """Root of the site, for the connector's ``url``."""
        return f"{self.url}/wiki" if self.edition == "cloud" else self.url

    def add(
        self, content_id: str, space: str, title: str, markup: str, *, parent: str = "", kind: str = "page"
    ) -> None:
        """Add a page, or a new version of one."""
        before = self.contents.get(content_id, {"version": 0})
        self.contents[content_id] = {
            "space": space, "title": title, "markup": markup, "parent": parent, "kind": kind, "status": "current",
            "version": before["version"] + 1,
        }  # fmt: skip

    def attach(self, content_id: str, file_id: str, name: str, content: bytes, media_type: str = "text/plain") -> None:
        """Attach a file to a page, or a new version of one."""
        version = self.files.get(file_id, {"version": 0})["version"] + 1
        self.files[file_id] = {
            "page": content_id, "name": name, "content": content, "type": media_type, "version": version
        }  # fmt: skip

    def restrict(self, content_id: str, *, users: Collection[str] = (), groups: Collection[str] = ()) -> None:
        """Let only these read a page and what is below it."""
        self.restrictions[content_id] = (set(users), set(groups))

    # --- spaces, people -----------------------------------------------------------------------------------------

    def _spaces(self, query: dict[str, str]) -> list[dict[str, Any]]:
        return [
            {"id": str(1000 + number), "key": key, "name": key, "type": space.get("type", "global"),
             "status": space.get("status", "current")}
            for number, (key, space) in enumerate(self.spaces.items())
            if query.get("type", "global") == space.get("type", "global")
            and query.get("status", "current") == space.get("status", "current")
            and query.get("keys", key) == key
        ]  # fmt: skip

    def v2_spaces(self, *, query: dict[str, str]) -> Any:
        return self._by_cursor("/wiki/api/v2/spaces", self._spaces(query), query)

    def v1_spaces(self, *, query: dict[str, str]) -> Any:
        if query["type"] not in ("global", "personal"):
            return 400
        return self._by_position("/rest/api/space", self._spaces(query), query)

    def v2_permissions(self, space_id: str, *, query: dict[str, str]) -> Any:
        space = list(self.spaces.values())[int(space_id) - 1000]
        principals = [
            *({"type": "user", "id": user} for user in sorted(space.get("users", ()))),
            *({"type": "group", "id": f"id-of-{group}"} for group in sorted(space.get("groups", ()))),
            *([{"type": "access_class", "id": "anonymous-users"}] if space.get("anonymous") else []),
        ]
        read = {"key": "read", "targetType": "space"}
        told = [{"id": "1", "principal": {"type": "user", "id": "writer"}, "operation": {**read, "key": "create"}}]
        told += [{"id": str(n), "principal": one, "operation": read} for n, one in enumerate(principals, 2)]
        return self._by_cursor(f"/wiki/api/v2/spaces/{space_id}/permissions", told, query)

    def v1_permissions(self, key: str, *, query: dict[str, str]) -> Any:
        del query
        space = self.spaces[key]
        subjects: list[dict[str, Any] | None] = [
            *({"type": "user", "username": user, "displayName": user.title()} for user in space.get("users", ())),
            *({"type": "group", "name": group, "displayName": group} for group in space.get("groups", ())),
            None,  # somebody whom the directory does not know any more
        ]
        read = {"targetType": "space", "operationKey": "read"}
        return [
            {"operation": {**read, "operationKey": "create"}, "subject": {"type": "user", "username": "writer"}},
            *({"operation": read, "subject": one, "spaceKey": key} for one in subjects),
        ]

    def v1_anonymous(self, key: str, *, query: dict[str, str]) -> Any:
        del query
        operation = {"targetType": "space", "operationKey": "read"}
        return [{"operation": operation, "spaceKey": key}] if self.spaces[key].get("anonymous") else []

    def group_by_id(self, *, query: dict[str, str]) -> Any:
        return self._group(query["id"].removeprefix("id-of-"))

    def members(self, group: str, *, query: dict[str, str]) -> Any:
        name = group.removeprefix("id-of-")
        if name not in self.groups:
            raise NotFound
        path = f"/rest/api/group/{group}/{'membersByGroupId' if self.edition == 'cloud' else 'member'}"
        return self._by_position(path, [self._person(one) for one in sorted(self.groups[name])], query)

    def _person(self, name: str) -> dict[str, Any]:
        return {"type": "known", "accountId" if self.edition == "cloud" else "username": name, "displayName": "Someone"}

    def _group(self, name: str) -> dict[str, Any]:
        told = {"type": "group", "name": name}
        return {**told, "id": f"id-of-{name}"} if self.edition == "cloud" else told

    # --- content ------------------------------------------------------------------------------------------------

    def restriction(self, content_id: str, *, query: dict[str, str]) -> Any:
        del query
        if content_id not in self.contents:
            raise NotFound
        return self._restriction(content_id)

    def listing(self, *, query: dict[str, str]) -> Any:
        found = [
            self._content(one, query["expand"])
            for one, page in sorted(self.contents.items())
            if (page["space"], page["kind"], page["status"]) == (query["spaceKey"], query["type"], query["status"])
        ]
        return self._by_position("/rest/api/content", found, query)

    def search(self, *, query: dict[str, str]) -> Any:
        cql = query["cql"]
        if match := re.match(r"id (?:in \(([\d, ]+)\)|= (\d+))", cql):
            wanted = re.findall(r"\d+", match.group())
            found = [one for one in wanted if one in self.contents]
        else:
            space = re.findall(r'space = "([^"]+)"', cql)[0]
            found = [one for one, page in self.contents.items() if page["space"] == space]
        told = [self._content(one, query["expand"]) for one in found if self.contents[one]["status"] == "current"]
        return self._by_cursor("/rest/api/content/search", told, query)

    def content(self, content_id: str, *, query: dict[str, str]) -> Any:
        if content_id in self.files:
            file = self._file(content_id)
            return {**file, "container": self._content(self.files[content_id]["page"], query["expand"])}
        return self._content(content_id, query["expand"])

    def children(self, content_id: str, *, query: dict[str, str]) -> Any:
        return self._by_position(f"/rest/api/content/{content_id}/child/attachment", self._files(content_id), query)

    def v2_attachment(self, file_id: str, *, query: dict[str, str]) -> Any:
        del query
        file = self._file(file_id)
        number = {"number": file["version"]["number"], "createdAt": "2026-01-02T03:04:05.000Z"}
        return {
            "id": file_id, "status": "current", "title": file["title"], "mediaType": file["metadata"]["mediaType"],
            "pageId": self.files[file_id]["page"], "version": number, "downloadLink": file["_links"]["download"],
            "webuiLink": file["_links"]["webui"],
        }  # fmt: skip

    def file(self, file_id: str, *, query: dict[str, str]) -> Any:
        del query
        if file_id not in self.files:
            raise NotFound
        return self.files[file_id]["type"], self.files[file_id]["content"]

    def _content(self, content_id: str, expand: str) -> dict[str, Any]:
        if content_id not in self.contents:
            raise NotFound
        page, expanded = self.contents[content_id], set(expand.split(","))
        told: dict[str, Any] = {
            "id": content_id,
            "type": page["kind"],
            "status": page["status"],
            "title": page["title"],
        }
        told["_links"] = {"webui": f"/spaces/{page['space']}/pages/{content_id}", "self": f"{self.site}/x"}
        told["space"] = {"key": page["space"]}
        told["version"] = {"number": page["version"], "when": "2026-01-02T03:04:05.000Z"}
        told["ancestors"] = [{"id": one, "title": "above"} for one in self._above(content_id)]
        if "restrictions.read.restrictions.user" in expanded:
            told["restrictions"] = {"read": self._restriction(content_id)}
        if "children.attachment.version" in expanded:
            files = self._files(content_id)
            more = {"next": f"/rest/api/content/{content_id}/child/attachment?start=2"} if len(files) > 2 else {}
            told["children"] = {"attachment": {"results": files[:2], "size": len(files[:2]), "_links": more}}
        if "metadata.labels" in expanded:
            told["metadata"] = {"labels": {"results": [{"name": "policy"}]}}
        told["body"] = {
            one.partition(".")[2]: {"value": page["markup"]} for one in expanded if one.startswith("body.")
        }  # fmt: skip
        return told

    def _above(self, content_id: str) -> list[str]:
        above: list[str] = []
        while parent := self.contents.get(content_id, {}).get("parent", ""):
            above.insert(0, parent)
            content_id = parent
        return above

    def _restriction(self, content_id: str) -> dict[str, Any]:
        users, groups = self.restrictions.get(content_id, (set(), set()))
        told = {
            "user": [self._person(one) for one in sorted(users)], "group": [self._group(one) for one in sorted(groups)]
        }  # fmt: skip
        lists = {kind: {"results": found, "start": 0, "limit": 200, "size": len(found)} for kind, found in told.items()}
        return {"operation": "read", "restrictions": lists}

    def _files(self, content_id: str) -> list[dict[str, Any]]:
        return [self._file(one) for one, file in sorted(self.files.items()) if file["page"] == content_id]

    def _file(self, file_id: str) -> dict[str, Any]:
        if file_id not in self.files:
            raise NotFound
        file = self.files[file_id]
        return {
            "id": file_id, "type": "attachment", "status": "current", "title": file["name"],
            "version": {"number": file["version"], "when": "2026-01-02T03:04:05.000Z"},
            "metadata": {"mediaType": file["type"]}, "extensions": {"fileSize": len(file["content"])},
            "_links": {"download": f"/download/attachments/{file['page']}/{file_id}", "webui": f"/files/{file_id}"},
        }  # fmt: skip

    # --- pages of listings --------------------------------------------------------------------------------------

    def _by_position(self, path: str, found: list[dict[str, Any]], query: dict[str, str]) -> dict[str, Any]:
        start, limit = int(query.get("start", 0)), min(int(query.get("limit", 25)), self.page)
        links: dict[str, str] = {"base": self.site}
        if start + limit < len(found):
            links["next"] = f"{path}?limit={limit}&start={start + limit}"
        return {"results": found[start : start + limit], "start": start, "limit": limit, "_links": links}

    def _by_cursor(self, path: str, found: list[dict[str, Any]], query: dict[str, str]) -> dict[str, Any]:
        """Cursors are opaque to clients: the last id, so that nothing is lost when an item goes meanwhile."""
        found = sorted(found, key=_mark)
        start = 0
        if "cursor" in query:
            behind = [n for n, one in enumerate(found) if _mark(one) > query["cursor"]]
            start = behind[0] if behind else len(found)
        links: dict[str, str] = {"base": self.site}
        shown = found[start : start + self.page]
        if start + self.page < len(found):
            kept = "&".join(f"{key}={_quoted(value)}" for key, value in query.items() if key != "cursor")
            links["next"] = f"{path}?{kept}&cursor={_quoted(_mark(shown[-1]))}"
        return {"results": shown, "limit": self.page, "_links": links}


def _mark(one: dict[str, Any]) -> str:
    return f"{one['id']:>24}"


def _quoted(text: str) -> str:
    return quote(text, safe="")
