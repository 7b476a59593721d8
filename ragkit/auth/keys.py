"""The API keys of an open workspace: made, listed, revoked, replaced.

::

    made = workspace.api_keys.create("crm|ana", groups=["crm|staff"], scopes=["search", "ask"])
    print(made.key)                      # rk_…; shown here and never again

Whoever makes a key decides whom the service takes its bearer for, so that it needs the role of an operator, and each
making and revoking is in the event log, durably, before it is done.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from math import inf

from ragkit.auth.gate import Gate
from ragkit.auth.keystore import KeyRecord as KeyRecord
from ragkit.auth.keystore import KeyStore, new_id, now
from ragkit.config_serve import SCOPES, Scope
from ragkit.errors import ConfigError
from ragkit.handles import Handles
from ragkit.roles import require
from ragkit.types import Principal

DEFAULT_DAYS = 90
DEFAULT_SCOPES: tuple[Scope, ...] = ("search", "ask", "feedback", "documents.read")
OVERLAP_HOURS = 24
"""How long a key that was replaced goes on by default, until all who use it have the new one."""

_DAY = 86_400
_MOST_DAYS = 3_650
_MOST_OVERLAP = 24 * 90
_MOST_GROUPS = 5_000
_NAME_CHARACTERS = 120
_SUBJECT = re.compile(r"[^|\s\x00-\x1f]+\|[^|\x00-\x1f]*[^|\s\x00-\x1f]")
_VISITORS = "chat|"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewKey:
    """A key that was just made.

    Attributes:
        key: The key itself; it is kept nowhere.
        record: What is kept of it.
    """

    key: str = field(repr=False)
    record: KeyRecord


class ApiKeys:
    """Reached as ``workspace.api_keys``. For operators: every method takes ``principal``, by default the owner.

    Raises:
        AccessDenied: From every method: no operator.
        StoreError: ``callers.db`` cannot be read or written.
    """

    def __init__(self, handles: Handles) -> None:
        self._handles = handles

    def gate(self, tenant: str) -> Gate:
        """Return what a service asks who calls; it needs no role. To be closed by who asked for it.

        Args:
            tenant: Name under which the service knows this workspace.

        Raises:
            KeyMismatch: The root key is not this workspace's.
            ConfigError: An issuer of ``[serve.oidc]`` cannot be used.
        """
        return Gate(self._handles, tenant)

    def create(
        self,
        subject: str,
        *,
        groups: Iterable[str] = (),
        scopes: Iterable[Scope] = DEFAULT_SCOPES,
        days: int | None = DEFAULT_DAYS,
        name: str = "",
        unsafe_no_expiry: bool = False,
        principal: Principal | None = None,
    ) -> NewKey:
        """Make a key.

        Args:
            subject: Who calls with it, ``issuer|name``.
            groups: Their groups, ``source|name``.
            scopes: What it may be used for; roles and access lists hold besides.
            days: How long it opens anything; ``None`` for ever, which needs ``unsafe_no_expiry``.
            name: What to call it in lists; at most 120 characters.
            unsafe_no_expiry: Let it never expire.
            principal: Who asks.

        Raises:
            ConfigError: A subject, group, scope, name or time that is none.
        """
        asking = self._operator("create", principal)
        record = KeyRecord(
            id=new_id(),
            subject=_subject(subject),
            groups=_groups(groups),
            scopes=_scopes(scopes),
            created=now(),
            expires=_expiry(days, unsafe_no_expiry),
            name=_name(name),
        )
        with self._store() as store:
            return self._add(store, record, asking)

    def list(self, *, principal: Principal | None = None) -> list[KeyRecord]:
        """Return what is known of every key, the oldest first; that it was asked is recorded."""
        require(self._handles, "operator", verb="keys.list", principal=principal, tell=True)
        with self._store() as store:
            return store.every()

    def revoke(self, number: str, *, principal: Principal | None = None) -> KeyRecord:
        """Revoke a key: it opens nothing from now on, its sessions neither. Of one that is revoked already, nothing.

        Args:
            number: Its id: the part between ``rk_`` and the second ``_``.
            principal: Who asks.

        Raises:
            ConfigError: There is no such key.
        """
        asking = self._operator("revoke", principal)
        with self._store() as store:
            record = _found(store, number)
            if record.revoked is None:
                self._record("caller.key.revoked", asking, record, cause="request")
                store.revoke(record.id, now())
            return _found(store, number)

    def rotate(
        self,
        number: str,
        *,
        days: int | None = None,
        overlap_hours: float = OVERLAP_HOURS,
        principal: Principal | None = None,
    ) -> NewKey:
        """Make a key of the same rights, and let the old one end after a while.

        Args:
            number: Id of the key to replace.
            days: How long the new one holds; by default as long as the old one was made for.
            overlap_hours: How long the old one still opens; 0 revokes it now.
            principal: Who asks.

        Raises:
            ConfigError: There is no such key, or it is over.
        """
        asking = self._operator("rotate", principal)
        if not 0 <= overlap_hours <= _MOST_OVERLAP:
            raise ConfigError("an overlap is of 0 to 2,160 hours", remedy="Give fewer.")
        with self._store() as store:
            old, at = _found(store, number), now()
            if not old.alive(at):
                raise ConfigError("that key is revoked or expired", remedy="Make a new one with `ragkit keys create`.")
            as_before = None if old.expires is None else max(1, round((old.expires - old.created) / _DAY))
            expires = _expiry(days or as_before, unsafe_no_expiry=True)
            record = replace(old, id=new_id(), created=at, expires=expires, replaced=old.id, last_used="")
            made = self._add(store, record, asking)
            until = at + int(overlap_hours * 3600)
            self._record("caller.key.revoked", asking, old, cause="replaced", seconds=until - at)
            if until <= at:
                store.revoke(old.id, at)
            elif old.expires is None or until < old.expires:
                store.end(old, until)
            return made

    def prune(self, *, days: int = 30, principal: Principal | None = None) -> int:
        """Take the records out of keys that are over for so many days. Returns how many."""
        asking = self._operator("prune", principal)
        if days < 0:
            raise ConfigError("days are counted from 0", remedy="Give 0 or more.")
        before = now() - days * _DAY
        with self._store() as store:
            over = [one.id for one in store.every() if _ended(one) <= before]
            if over:
                data = {"keys": len(over), "days": days}
                self._handles.recorder.record("caller.key.pruned", actor=asking, data=data)
                store.remove(over)
        return len(over)

    def _add(self, store: KeyStore, record: KeyRecord, asking: Principal) -> NewKey:
        more: dict[str, object] = {} if record.expires is None else {"seconds": record.expires - record.created}
        more |= {"replaces": record.replaced} if record.replaced else {}
        self._record("caller.key.created", asking, record, scopes=sorted(record.scopes), **more)
        return NewKey(key=store.add(record), record=record)

    def _record(self, kind: str, asking: Principal, record: KeyRecord, **more: object) -> None:
        recorder = self._handles.recorder
        holder = Principal(record.subject, record.groups)
        data = {"key": record.id, "holder": recorder.known_as(record.subject), "groups": recorder.groups(holder)}
        recorder.record(kind, actor=asking, data={**data, **more})

    def _operator(self, verb: str, principal: Principal | None) -> Principal:
        return require(self._handles, "operator", verb=f"keys.{verb}", principal=principal)

    @contextmanager
    def _store(self) -> Iterator[KeyStore]:
        store = KeyStore(self._handles.config.data_folder, self._handles.secret("api-keys"))
        try:
            yield store
        finally:
            store.close()


def _found(store: KeyStore, number: str) -> KeyRecord:
    record = store.find(number)
    if record is None:
        raise ConfigError(
            "there is no API key of this id",
            remedy="`ragkit keys list` shows the ids; one is what stands between `rk_` and the second `_`.",
        )
    return record


def _ended(record: KeyRecord) -> float:
    """When it was over or will be; infinity for never."""
    return min((one for one in (record.revoked, record.expires) if one is not None), default=inf)


def _subject(subject: str) -> str:
    if not _SUBJECT.fullmatch(subject) or len(subject) > 500:
        raise ConfigError("a subject is written as issuer|name", remedy='Write it so, such as "crm|ana".')
    if subject.startswith(_VISITORS):
        raise ConfigError("`chat` is the issuer of the chatbot's visitors", remedy="Give another issuer.")
    return subject


def _groups(groups: Iterable[str]) -> frozenset[str]:
    found = frozenset(groups)
    if not all(_SUBJECT.fullmatch(one) and len(one) <= 500 for one in found):
        raise ConfigError("a group is written as source|name", remedy='Write it so, such as "crm|staff".')
    if len(found) > _MOST_GROUPS:
        raise ConfigError(f"a key has at most {_MOST_GROUPS:,} groups", remedy="Give a group that holds the others.")
    return found


def _scopes(scopes: Iterable[str]) -> frozenset[Scope]:
    wanted = frozenset(scopes)
    if not wanted or not wanted <= frozenset(SCOPES):
        raise ConfigError("a scope is none of ragkit's", remedy=f"Choose from: {', '.join(SCOPES)}.")
    return frozenset(one for one in SCOPES if one in wanted)


def _name(name: str) -> str:
    if len(name) > _NAME_CHARACTERS or not name.isprintable():
        raise ConfigError("a key's name is one line of at most 120 characters", remedy="Give a shorter one.")
    return name


def _expiry(days: int | None, unsafe_no_expiry: bool) -> int | None:
    if days is None:
        if not unsafe_no_expiry:
            raise ConfigError(
                "a key that never expires is unsafe",
                remedy="Give it a time, such as `--expires 90d`; or add `--unsafe-no-expiry`.",
            )
        return None
    if not 1 <= days <= _MOST_DAYS:
        raise ConfigError(f"a key lasts from 1 to {_MOST_DAYS:,} days", remedy="Give a time between.")
    return now() + days * _DAY
