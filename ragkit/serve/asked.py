"""Who asked what, by the id of the answer: only the asker may rate it. In memory; a restart forgets it."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock

from ragkit.auth.callers import Caller
from ragkit.serve.tenants import Tenant

MOST = 100_000
"""Answers of one tenant that can still be rated."""

_LOCK = Lock()


@dataclass(frozen=True, slots=True)
class AskedBy:
    """Whose answer it was, and of which collection."""

    tenant: str
    subject: str
    collection: str


class AskedRequests:
    """The answers that a tenant's callers got lately.

    Args:
        most: How many are remembered.
    """

    def __init__(self, *, most: int = MOST) -> None:
        self._most = most
        self._known: OrderedDict[str, AskedBy] = OrderedDict()
        self._lock = Lock()

    def __repr__(self) -> str:
        return f"AskedRequests({len(self._known)})"

    def note(self, caller: Caller, request_id: str, *, collection: str) -> None:
        """Remember that this caller got this answer."""
        with self._lock:
            self._known[request_id] = AskedBy(caller.tenant, caller.principal.subject, collection)
            while len(self._known) > self._most:
                self._known.popitem(last=False)

    def find(self, request_id: str) -> AskedBy | None:
        """Return who got an answer; ``None`` where nobody is known to have got it."""
        with self._lock:
            return self._known.get(request_id)


def asked_of(tenant: Tenant) -> AskedRequests:
    """Return the answers of a tenant's callers."""
    with _LOCK:
        known = tenant.parts.setdefault("asked", AskedRequests())
    assert isinstance(known, AskedRequests)
    return known
