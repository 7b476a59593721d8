"""Who is next: tenants take turns, and within a tenant its callers do; each caller's own come in their order."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Generic, TypeVar

T = TypeVar("T")
Whose = tuple[str, str]
"""Tenant and subject."""


@dataclass(slots=True)
class FairQueue(Generic[T]):
    """A queue in which nobody waits behind all of somebody else's.

    With n tenants that wait, each gets every n-th turn, however many of another's wait; so it is with the callers of
    one tenant.
    """

    _tenants: dict[str, dict[str, deque[T]]] = field(default_factory=dict)
    _length: int = 0

    def __len__(self) -> int:
        return self._length

    def put(self, whose: Whose, item: T) -> None:
        """Add an item at the end of its caller's line."""
        tenant, subject = whose
        self._tenants.setdefault(tenant, {}).setdefault(subject, deque()).append(item)
        self._length += 1

    def take(self) -> T:
        """Return whose turn it is; their tenant and they go to the end of the line.

        Raises:
            IndexError: Nobody waits.
        """
        if not self._length:
            raise IndexError("nobody waits")
        tenant = next(iter(self._tenants))
        callers = self._tenants.pop(tenant)
        subject = next(iter(callers))
        line = callers.pop(subject)
        item = line.popleft()
        if line:
            callers[subject] = line
        if callers:
            self._tenants[tenant] = callers
        self._length -= 1
        return item

    def remove(self, whose: Whose, item: T) -> bool:
        """Take an item out of the line, and tell whether it was there."""
        tenant, subject = whose
        callers = self._tenants.get(tenant, {})
        line = callers.get(subject)
        if line is None or item not in line:
            return False
        line.remove(item)
        if not line:
            del callers[subject]
        if not callers:
            del self._tenants[tenant]
        self._length -= 1
        return True

    def of_tenant(self, tenant: str) -> int:
        """Return how many of a tenant's wait."""
        return sum(len(line) for line in self._tenants.get(tenant, {}).values())
