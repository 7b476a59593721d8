"""The one check: may this caller have that thing? Conversations, documents, citations, tickets and exports pass here.

What is not there and what the caller may not see are the same answer: the same error, the same body, and no work that
only one of the two would cost. So look the thing up first, then hand what was found, or ``None``, to one of these::

    conversation = take(caller, kept.get(number))                   # its owner's alone
    ticket = take_in_tenant(caller, desk.find(number))              # every agent's of the tenant
    document = found(await run(lambda: documents.get(number, principal=caller.principal)))

Whether a principal may read a document is decided by the record store (:mod:`ragkit.store.hits`), which is asked with
the caller's principal each time; a conversation therefore keeps ids of passages and asks again. Roles (ingester,
operator, auditor, officer, reveal) hold besides, in the library itself.
"""

from __future__ import annotations

from typing import Protocol, TypeVar

from ragkit.auth.callers import Caller
from ragkit.serve.replies import NotFound


class InTenant(Protocol):
    """What belongs to one tenant."""

    @property
    def tenant(self) -> str: ...


class Owned(InTenant, Protocol):
    """What belongs to one principal of one tenant."""

    @property
    def subject(self) -> str: ...


T = TypeVar("T")
TenantThing = TypeVar("TenantThing", bound=InTenant)
OwnThing = TypeVar("OwnThing", bound=Owned)


def may_see(caller: Caller, thing: Owned) -> bool:
    """Whether this is the caller's own: of the same tenant and the same principal."""
    return (caller.tenant, caller.principal.subject) == (thing.tenant, thing.subject)


def own(caller: Caller, *, tenant: str, subject: str) -> None:
    """Let a caller have what belongs to one principal of one tenant.

    Raises:
        NotFound: It is somebody else's; the same as if it were not there.
    """
    if (caller.tenant, caller.principal.subject) != (tenant, subject):
        raise NotFound


def take(caller: Caller, thing: OwnThing | None) -> OwnThing:
    """Return what was looked up, if it is there and the caller's own.

    Raises:
        NotFound: It is not there, or it is somebody else's.
    """
    if thing is None or not may_see(caller, thing):
        raise NotFound
    return thing


def take_in_tenant(caller: Caller, thing: TenantThing | None) -> TenantThing:
    """Return what was looked up, if it is there and of the caller's tenant: what a scope of that tenant opens.

    Raises:
        NotFound: It is not there, or another tenant's.
    """
    if thing is None or thing.tenant != caller.tenant:
        raise NotFound
    return thing


def found(thing: T | None) -> T:
    """Return what a look-up with the caller's own principal gave.

    Raises:
        NotFound: It gave nothing: not there, or not for this principal.
    """
    if thing is None:
        raise NotFound
    return thing
