"""Two tenants, the things in the first, and every kind of caller there is, for the access matrix."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ragkit.auth.callers import SCOPES
from ragkit.testing.access_kinds import OTHER, Kind, by_cookie, by_key, by_token, in_other_forms, visitors_of
from ragkit.testing.access_rows import QUESTION, Row
from ragkit.testing.in_process import Local, in_process
from ragkit.testing.issuer import TestIssuer
from ragkit.testing.service import CHAT, KEYED, copy_shop, make_shop

ROLES = '[roles]\ningesters = ["u:local|ana", "g:crm|writers"]\noperators = ["u:local|ana", "g:crm|operators"]\n'
UPLOADS = '[[collections.shop.sources]]\nconnector = "uploads"\nname = "uploads"\naccess = ["pub"]\n'


@dataclass(slots=True)
class Scene:
    """A service of two tenants, its callers and the things in the first.

    Attributes:
        things: What makes a thing, by its name; it returns an id.
        visitor: Cookie of the visitor whose the conversations are.
    """

    local: Local
    folder: Path
    kinds: list[Kind]
    owner: Kind
    visitor: Kind
    things: Mapping[str, Callable[[], str]] = field(default_factory=dict)
    _made: dict[str, str] = field(default_factory=dict)

    def call(self, method: str, path: str, row: Row, kind: Kind) -> Any:
        """Call a route as a kind of caller and return the response."""
        lasting = not (row.uses_up and row.gives == kind.expects(method, row))
        for name, thing in row.path.items():
            value = thing[1:] if thing.startswith("=") else self.thing(thing, again=not lasting)
            path = path.replace(f"{{{name}}}", value)
        headers = {**row.headers, **kind.headers}
        sent: dict[str, Any] = {}
        if row.form is not None:
            fields = dict(row.form)
            sent["files"] = {"file": ("note.md", fields.pop("file").encode(), "text/markdown")}
            sent["data"] = fields
        elif row.body is not None:
            sent["json"] = self._filled(row.body)
        query = "&".join(one for one in (row.query, kind.query) if one)
        self.local.client.cookies.clear()
        return self.local.client.request(method, f"{path}?{query}" if query else path, headers=headers, **sent)

    def thing(self, name: str, *, again: bool = False) -> str:
        """Return the id of a thing, made when it is first asked for, or made anew."""
        if again:
            return self.things[name]()
        if name not in self._made:
            self._made[name] = self.things[name]()
        return self._made[name]

    def keep(self, name: str, number: str) -> None:
        """Keep the id of a thing that came with another."""
        self._made[name] = number

    def _filled(self, body: Any) -> Any:
        if isinstance(body, dict):
            return {
                key: self.thing(value[1:]) if isinstance(value, str) and value.startswith("@") else value
                for key, value in body.items()
            }
        return body

    def as_owner(self, method: str, path: str, **more: Any) -> Any:
        """Call as who may do everything here, and return what JSON comes back."""
        return self._as(self.owner, method, path, **more).json()

    def as_visitor(self, method: str, path: str, **more: Any) -> Any:
        """Call as the visitor of the scene."""
        return self._as(self.visitor, method, path, **more)

    def _as(self, kind: Kind, method: str, path: str, **more: Any) -> Any:
        self.local.client.cookies.clear()
        told = self.local.client.request(method, path, headers=dict(kind.headers), **more)
        if told.status_code >= 400:
            raise AssertionError(f"{method} {path} could not be prepared: {told.status_code} {told.text[:300]}")
        return told


@contextmanager
def access_scene(shop: Path, folder: Path, issuer: TestIssuer) -> Iterator[Scene]:
    """Serve a copy of a synced shop and another one, and make every kind of caller. The issuer's server runs."""
    make_shop(folder, name=OTHER, extra=KEYED + UPLOADS + CHAT)
    trusted = issuer.toml("corp", more='groups = { sales = ["crm|staff"] }')
    tenants = f'[serve.tenants]\n{OTHER} = "{folder / OTHER}"\n'
    mine = copy_shop(shop, folder / "shop", extra=KEYED + tenants + trusted + ROLES + UPLOADS + CHAT)
    with in_process(mine) as local:
        kinds = [*by_key(mine, folder / OTHER), *by_token(issuer)]
        owner = next(one for one in kinds if one.owner)
        kinds += by_cookie(local, owner)
        kinds += in_other_forms(owner)
        visitors = visitors_of(local)
        scene = Scene(local, mine, [Kind("nobody"), *kinds, *visitors], owner, visitors[0])
        scene.things = _things(scene)
        yield scene


@contextmanager
def open_scene(shop: Path, folder: Path) -> Iterator[Scene]:
    """Serve a copy of a synced shop that asks for no credential; its callers are whoever is here, and visitors."""
    extra = KEYED + 'authentication = "unsafe_none"\n' + UPLOADS + CHAT
    mine = copy_shop(shop, folder / "shop", extra=extra)
    roles = frozenset({"ingester", "operator", "reveal"})
    with in_process(mine) as local:
        anybody = Kind("anybody", valid=True, scopes=frozenset(SCOPES), roles=roles, staff=True, owner=True)
        visitor, *others = visitors_of(local)
        scene = Scene(local, mine, [anybody, visitor, *others], anybody, visitor)
        scene.things = _things(scene)
        yield scene


def _things(scene: Scene) -> dict[str, Callable[[], str]]:
    as_owner, as_visitor = scene.as_owner, scene.as_visitor

    def document() -> str:
        listed = as_owner("GET", "/v1/documents")["documents"]
        return next(str(one["id"]) for one in listed if str(one["title"]).startswith("1042"))

    def uploaded() -> str:
        file = {"file": ("note.md", f"A lamp, {time.monotonic_ns()}.".encode(), "text/markdown")}
        return str(as_owner("POST", "/v1/documents", files=file)["id"])

    def chat() -> str:
        return str(as_visitor("POST", "/chat/conversations", json={"disclosure": "1"}).json()["id"])

    def answered() -> dict[str, Any]:
        told = as_visitor("POST", f"/chat/conversations/{scene.thing('chat')}/messages", json={"text": QUESTION})
        block = next(one for one in told.text.split("\n\n") if one.startswith("event: answer"))
        told_last: dict[str, Any] = json.loads(block.split("data: ", 1)[1])
        return told_last

    def ticket() -> str:
        number = chat()
        as_visitor("POST", f"/chat/conversations/{number}/handoff", json={})
        return str(as_owner("GET", "/desk/tickets")["tickets"][-1]["id"])

    def asked(key: str) -> str:
        return str(as_owner("POST", "/v1/ask", json={"question": QUESTION, "conversation": "new"})[key])

    def cited() -> str:
        last = answered()
        scene.keep("message", str(last["id"]))
        return str(last["sources"][0]["passage"])

    def rated() -> str:
        scene.thing("passage")
        return scene.thing("message")

    return {
        "document": document,
        "uploaded": uploaded,
        "conversation": lambda: asked("conversation"),
        "answer": lambda: asked("request_id"),
        "job": lambda: str(as_owner("POST", "/v1/sync", json={"dry_run": True})["id"]),
        "model": lambda: str(as_owner("GET", "/v1/models")["data"][0]["id"]),
        "chat": chat,
        "rated": rated,
        "passage": cited,
        "ticket": ticket,
    }
