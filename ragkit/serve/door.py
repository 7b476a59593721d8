"""The door of a running service: one way through it for every kind of credential.

A valid credential always passes, however often others fail from the same address; only failures are counted, so that
nobody can lock somebody else out.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

import anyio.to_thread
from starlette.requests import HTTPConnection

from ragkit.auth.callers import SCOPES, Caller, Scope, Via
from ragkit.auth.gate import Gate, require_distinct
from ragkit.auth.keystore import KeyRecord
from ragkit.auth.oidc import Bearer, TokenRefused, read_token
from ragkit.auth.sessions import VISITOR_COOKIE, VISITORS, Session, Sessions
from ragkit.auth.throttle import Throttle
from ragkit.serve.credentials import (
    carried_by,
    peer_of,
    require_no_foreign_page,
    require_own_page,
    visitor_cookie,
)
from ragkit.serve.current import note_caller
from ragkit.serve.replies import Overloaded, ScopeMissing, ServiceError, Unauthenticated
from ragkit.serve.state import ServiceState
from ragkit.types import Principal

FAILURES = 60
"""Failures of one address in a minute that are answered with 401; further ones get 429."""
VISITS = 60
"""Visitors that one address may bring in a minute."""

_EVENTS = 120
_HOUR = 3600.0
_LOOKING_AT_TOKENS = 8


class Door:
    """Decides whose request it is. One for each service; made by :func:`ragkit.serve.authenticate.door_of`.

    Args:
        state: Of the service.
        clock: Gives the Unix time.

    Raises:
        ConfigError: One token would be two tenants'.
        KeyMismatch: A tenant's root key is not its own.
    """

    def __init__(self, state: ServiceState, *, clock: Callable[[], float] = time.time) -> None:
        self._settings = state.settings
        self._first = state.tenants.first
        self._clock = clock
        self._gates: dict[str, Gate] = {}
        for tenant in state.tenants:
            gate = tenant.parts["gate"] = tenant.workspace.api_keys.gate(tenant.name)
            self._gates[tenant.name] = gate
        self._visitor_groups = {
            one.name: frozenset(one.config.chat.visitors) for one in state.tenants if one.config.chat is not None
        }
        require_distinct([issuer for gate in self._gates.values() for issuer in gate.issuers])
        self.sessions = Sessions(clock=clock)
        self._failures = Throttle(FAILURES, 60)
        self._visits = Throttle(VISITS, 60)
        self._events = Throttle(_EVENTS, 60)
        self._noted = Throttle(1, _HOUR)
        self._used: dict[str, str] = {}
        self._tokens = anyio.CapacityLimiter(_LOOKING_AT_TOKENS)

    @property
    def is_open(self) -> bool:
        """Whether no credential is asked for."""
        return self._settings.authentication == "unsafe_none"

    async def admit(self, request: HTTPConnection, scope: Scope | None = None) -> Caller:
        """Return whose request it is, if the credential may be used for ``scope``.

        Raises:
            Unauthenticated: No credential, none that is valid, or several.
            ScopeMissing: It is valid and may not be used for this.
            ForeignOrigin: A browser was made to ask by another page.
            Overloaded: Too many failures from this address.
            IssuerUnavailable: A token cannot be checked now.
            StoreError: Keys cannot be looked up now.
            AuditUnavailable: It could not be recorded.
        """
        if self.is_open:
            require_no_foreign_page(request, self._settings)
            owner = self._first.config.workspace.principal
            caller = Caller(self._first.name, owner, frozenset(SCOPES), "open", "open")
        else:
            caller = await self._by_credential(request)
        note_caller(caller)
        if scope is not None and not caller.may(scope):
            await self._note_denied("scope", verb=f"serve.{scope}", caller=caller)
            raise ScopeMissing(
                f"this credential may not be used for `{scope}`",
                remedy=f"Use one that may: `ragkit keys create --scope {scope}`, or `scopes` of [serve.oidc].",
            )
        await self._note_admitted(caller)
        return caller

    async def log_in(self, request: HTTPConnection, key: str) -> tuple[Caller, str]:
        """Return the caller of an API key and the cookie of a new session of theirs. Raises as :meth:`admit`."""
        require_no_foreign_page(request, self._settings)
        caller = await self._by_key(request, key, via="session")
        note_caller(caller)
        await self._note_admitted(caller)
        return caller, self.sessions.begin(caller.tenant, caller.credential)

    def visiting(self, request: HTTPConnection) -> Caller | None:
        """Return the visitor of the chatbot whose request it is; ``None`` for nobody known.

        Raises:
            ForeignOrigin: A page of another origin asks, or would change something.
        """
        cookie = visitor_cookie(request, VISITOR_COOKIE)
        for tenant, groups in self._visitor_groups.items():
            visitor = self._gates[tenant].visitors.read(cookie) if cookie else None
            if visitor is not None:
                require_own_page(request, self._settings)
                return _visitor(tenant, visitor, groups)
        return None

    def begin_visit(self, request: HTTPConnection, tenant: str) -> tuple[Caller, str]:
        """Return a visitor, the same one if the request has their cookie still, and the value of a fresh cookie.

        Raises:
            ForeignOrigin: A page of another origin asks.
            Overloaded: Too many visitors from this address.
        """
        require_no_foreign_page(request, self._settings)
        known = self.visiting(request)
        peer = peer_of(request, self._settings)
        if known is None and not self._visits.passes(peer):
            raise Overloaded("too many visitors come from this address", seconds=self._visits.left(peer))
        same = known.credential if known is not None and known.tenant == tenant else None
        visitor, cookie = self._gates[tenant].visitors.make(same)
        return _visitor(tenant, visitor, self._visitor_groups[tenant]), cookie

    async def _by_credential(self, request: HTTPConnection) -> Caller:
        try:
            carried = carried_by(request)
        except Unauthenticated as refused:
            raise await self._denied(request, "several-or-misplaced", error=refused) from None
        if carried is None:
            raise await self._denied(request, "none")
        if carried.kind == "session":
            return await self._by_session(request, carried.value)
        if carried.value.startswith("rk_"):
            return await self._by_key(request, carried.value)
        return await self._by_token(request, carried.value)

    async def _by_session(self, request: HTTPConnection, value: str) -> Caller:
        session = self.sessions.find(value)
        if session is None:
            raise await self._denied(request, "no-session", via="session")
        require_own_page(request, self._settings)
        gate = self._gates[session.tenant]
        return await self._held(request, gate, gate.keys.find(session.credential), via="session", session=session)

    async def _by_key(self, request: HTTPConnection, text: str, *, via: Via = "key") -> Caller:
        gate, record = next(iter(self._gates.values())), None
        for one in self._gates.values():  # all of them, so that a key of the last costs what one of the first does
            if (found := one.keys.check(text)) is not None:
                gate, record = one, found
        return await self._held(request, gate, record, via=via)

    async def _held(
        self, request: HTTPConnection, gate: Gate, record: KeyRecord | None, *, via: Via, session: Session | None = None
    ) -> Caller:
        now = self._clock()
        if record is None or not record.alive(now):
            if session is not None:
                self.sessions.end_of(session.tenant, session.credential)
            code = "unknown" if record is None else "revoked" if record.revoked is not None else "expired"
            raise await self._denied(request, code, via=via, gate=gate, key=record.id if record else "")
        day = datetime.fromtimestamp(now, UTC).date().isoformat()
        if record.last_used != day and self._used.get(record.id) != day:
            self._used[record.id] = day
            await anyio.to_thread.run_sync(gate.used, record, day)
        return Caller(gate.tenant, Principal(record.subject, record.groups), record.scopes, via, record.id)

    async def _by_token(self, request: HTTPConnection, text: str) -> Caller:
        try:
            token = read_token(text)
            meant = [(gate, one) for gate in self._gates.values() for one in gate.issuers if one.meant_by(token)]
            if len(meant) != 1:
                raise TokenRefused("token-ambiguous" if meant else "token-issuer")
            gate, issuer = meant[0]
            bearer: Bearer = await anyio.to_thread.run_sync(issuer.verify, token, limiter=self._tokens)
        except TokenRefused as refused:
            raise await self._denied(request, refused.code, via="token") from None
        return Caller(gate.tenant, bearer.principal, bearer.scopes, "token", bearer.credential)

    async def _denied(
        self,
        request: HTTPConnection,
        code: str,
        *,
        via: Via | None = None,
        gate: Gate | None = None,
        key: str = "",
        error: ServiceError | None = None,
    ) -> ServiceError:
        """Count and record a failure, and return what is answered: the same whatever was wrong with the credential."""
        peer = peer_of(request, self._settings)
        times = self._failures.count(peer)
        if _is_telling(times) and self._events.passes("all"):
            told = gate or self._gates[self._first.name]
            write = partial(told.turned_away, code=code, key=key, peer=peer, times=times, via=via)
            await anyio.to_thread.run_sync(write)
        if times > FAILURES:
            return Overloaded("too many requests without a valid credential", seconds=self._failures.left(peer))
        return error or Unauthenticated(
            "this needs a valid credential",
            remedy="Send `Authorization: Bearer …` with a key of `ragkit keys create`, or log in again.",
        )

    async def _note_denied(self, code: str, *, verb: str, caller: Caller) -> None:
        times = self._failures.count(f"{caller.tenant}\0{caller.credential}\0{verb}")
        if _is_telling(times) and self._events.passes(caller.tenant):
            key = caller.credential if caller.via in ("key", "session") else ""
            write = partial(
                self._gates[caller.tenant].turned_away,
                code=code, verb=verb, key=key, times=times, principal=caller.principal, via=caller.via,
            )  # fmt: skip
            await anyio.to_thread.run_sync(write)

    async def _note_admitted(self, caller: Caller) -> None:
        """Record it, once an hour for each credential."""
        if self._noted.passes(f"{caller.tenant}\0{caller.via}\0{caller.credential}"):
            key = caller.credential if caller.via in ("key", "session") else ""
            write = partial(self._gates[caller.tenant].let_in, caller.principal, via=caller.via, key=key)
            await anyio.to_thread.run_sync(write)


def _visitor(tenant: str, visitor: str, groups: frozenset[str]) -> Caller:
    return Caller(tenant, Principal(f"{VISITORS}{visitor}", groups), frozenset(), "session", visitor)


def _is_telling(times: int) -> bool:
    """The first three, then each power of ten."""
    return times <= 3 or str(times).rstrip("0") == "1"
