"""Every kind of caller there is, with what each may, for the access matrix."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ragkit import open_workspace
from ragkit.auth.callers import SCOPES
from ragkit.testing.access_rows import Row
from ragkit.testing.in_process import URL, Local
from ragkit.testing.issuer import TestIssuer

OTHER = "other"
"""The second tenant; the first is ``shop``."""

_READING = ("GET", "HEAD")
_OF_MANY = frozenset({"search", "ask", "feedback", "documents.read"})


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of caller.

    Attributes:
        name: What it is called in failures.
        headers: That it sends.
        query: That it adds to the address.
        valid: Whether the credential is.
        scopes: Of the credential.
        roles: What the principal is in ``ragkit.toml``.
        staff: Whether it may read what the staff may.
        owner: Whether it made the things of the scene.
        tenant: Whose it is.
        forged: Whether a browser's cookie speaks for a page that is not the service's.
        visitor: Whether it has a visitor's cookie; ``theirs`` of the visitor of the scene.
        open: Whether the service asks for nothing.
    """

    name: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    query: str = ""
    valid: bool = False
    scopes: frozenset[str] = frozenset()
    roles: frozenset[str] = frozenset()
    staff: bool = False
    owner: bool = False
    tenant: str = "shop"
    forged: bool = False
    visitor: str = ""
    open: bool = False

    def expects(self, method: str, row: Row) -> frozenset[int]:
        """Return the statuses that a call of this kind may end with."""
        if row.needs == "nothing":
            return frozenset({403}) if row.own_pages and self._is_foreign else row.gives
        if row.needs == "visitor":
            if not self.visitor:
                return frozenset({401})
            if self.forged and method not in _READING:
                return frozenset({403})
            return frozenset({404}) if row.sees == "visitor" and self.visitor != "theirs" else row.gives
        if not self.valid:
            return frozenset({401})
        if self.forged and method not in _READING:
            return frozenset({403})
        wanted = {row.also, row.needs} - {"valid", None}
        if not wanted <= self.scopes or (row.role and row.role not in self.roles):
            return frozenset({403})
        return row.gives if self._sees(row) else frozenset({404})

    @property
    def _is_foreign(self) -> bool:
        return self.headers.get("Origin", URL) != URL

    def _sees(self, row: Row) -> bool:
        here = self.tenant == "shop"
        match row.sees:
            case "staff":
                return here and self.staff
            case "own":
                return here and self.owner
            case "operate":
                return here and (self.owner or "operate" in self.scopes)
            case "tenant":
                return here
        return True


def by_key(mine: Path, other: Path) -> list[Kind]:
    """Holders of API keys of every sort, of two workspaces; the owner of the first is the first."""
    made: list[Kind] = []
    every = frozenset(SCOPES)
    with open_workspace(mine) as here, open_workspace(other) as there:
        keys = here.api_keys

        def kind(name: str, key: str, **more: Any) -> None:
            headers = {"Authorization": f"Bearer {key}"}
            made.append(Kind(name, headers, **{"valid": True, "scopes": every, **more}))

        roles = frozenset({"ingester", "operator", "reveal"})
        ana = keys.create("local|ana", scopes=SCOPES)
        kind("the owner", ana.key, roles=roles, staff=True, owner=True)
        kind("a reader with every scope", keys.create("crm|bo", scopes=SCOPES).key)
        staff = keys.create("crm|cleo", groups=["crm|staff"], scopes=SCOPES)
        kind("one of the staff with every scope", staff.key, staff=True)
        for scope in SCOPES:
            key = keys.create("crm|dan", groups=["crm|staff"], scopes=[scope]).key
            kind(f"one of the staff with {scope} alone", key, scopes=frozenset({scope}), staff=True)
        writer = keys.create("crm|eva", groups=["crm|writers"], scopes=["documents.write", "sync"])
        kind("an ingester", writer.key, scopes=frozenset({"documents.write", "sync"}), roles=frozenset({"ingester"}))
        operator = keys.create("crm|finn", groups=["crm|operators"], scopes=["operate"])
        kind("an operator", operator.key, scopes=frozenset({"operate"}), roles=frozenset({"operator"}))
        agent = keys.create("crm|gil", groups=["crm|agents"], scopes=["agent", "reveal"])
        kind("an agent", agent.key, scopes=frozenset({"agent", "reveal"}), roles=frozenset({"reveal"}))
        kind("the other tenant's owner", there.api_keys.create("local|ana", scopes=SCOPES).key,
             roles=roles, staff=True, tenant=OTHER)  # fmt: skip
        for name, end in (("a revoked key", keys.revoke), ("an expired key", None)):
            ended = keys.create("local|ana", scopes=SCOPES)
            if end is not None:
                end(ended.record.id)
            else:
                _expire(keys, ended.record.id)
            kind(name, ended.key, valid=False)
        made.append(Kind("a made-up key", {"Authorization": f"Bearer rk_{'a' * 16}_{'A' * 43}"}))
        made.append(Kind("garbage", {"Authorization": "Bearer garbage"}))
    return made


def _expire(keys: Any, number: str) -> None:
    with keys._store() as store:  # no public way makes a key that is over
        store.end(store.find(number), int(time.time()) - 1)


def by_token(issuer: TestIssuer) -> list[Kind]:
    """Bearers of tokens, good and bad."""
    end = int(time.time()) + 3600

    def kind(name: str, token: str, **more: Any) -> Kind:
        return Kind(name, {"Authorization": f"Bearer {token}"}, **more)

    good = issuer.token("hal", groups=["sales"], exp=end)
    head, body, _ = good.split(".")
    return [
        kind("a token of the staff", good, valid=True, scopes=_OF_MANY, staff=True),
        kind("a token without scopes", issuer.token("ida", scope="openid", exp=end), valid=True),
        kind("a token for another service", issuer.token("hal", aud="billing", exp=end)),
        kind("an expired token", issuer.token("hal", exp=1)),
        kind("an unsigned token", f"{head}.{body}."),
    ]


def by_cookie(local: Local, owner: Kind) -> list[Kind]:
    """Pages in the browser of somebody who logged in: the service's own, and others."""
    key = owner.headers["Authorization"].removeprefix("Bearer ")
    value = local.client.post("/session", json={"key": key}).cookies["ragkit_session"]
    cookie = {"Cookie": f"ragkit_session={value}"}
    own = replace(
        owner, name="the owner's browser", headers={**cookie, "Origin": URL, "Content-Type": "application/json"}
    )
    foreign = replace(own, name="a foreign page in the owner's browser", forged=True,
                      headers={**cookie, "Origin": "https://attacker.example"})  # fmt: skip
    return [own, foreign, replace(foreign, name="a page without an origin there", headers=cookie)]


def in_other_forms(owner: Kind) -> list[Kind]:
    """A good key where none is read."""
    key = owner.headers["Authorization"].removeprefix("Bearer ")
    return [
        Kind("the owner's key in x-api-key", {"x-api-key": key}),
        Kind("the owner's key twice", {**owner.headers, "x-api-key": key}),
        Kind("the owner's key in the address", query=f"api_key={key}"),
        Kind("the owner's key as a cookie", {"Cookie": f"ragkit_session={key}"}),
    ]


def visitors_of(local: Local) -> list[Kind]:
    """Two visitors of the chatbot, and a foreign page in the browser of the first."""
    cookies = list[str]()
    for _ in range(2):
        local.client.cookies.clear()
        cookies.append(local.client.post("/chat/session", json={}).cookies["ragkit_visitor"])
    theirs, another = ({"Cookie": f"ragkit_visitor={value}", "Origin": URL, "Content-Type": "application/json"}
                       for value in cookies)  # fmt: skip
    foreign = {"Cookie": theirs["Cookie"], "Origin": "https://attacker.example"}
    return [
        Kind("a visitor", theirs, visitor="theirs"),
        Kind("another visitor", another, visitor="another"),
        Kind("a foreign page in the visitor's browser", foreign, visitor="theirs", forged=True),
    ]
