"""Who is next: tenants take turns, and within a tenant its callers do; each caller's own come in their order.

Visitors of a tenant's chatbot take turns as a tenant of their own: anybody is a visitor, as often as they like.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from ragkit.auth.sessions import VISITORS

T = TypeVar("T")
Whose = tuple[str, str]
"""Tenant and subject."""
_Group = tuple[str, bool]
"""A tenant, and whether its visitors or its other callers are meant."""


@dataclass(slots=True)
class FairQueue(Generic[T]):
    """A queue in which nobody waits behind all of somebody else's.

    With n tenants that wait, each gets every n-th turn, however many of another's wait; so it is with the callers of
    one tenant.
    """

    _groups: dict[_Group, dict[str, deque[T]]] = field(default_factory=dict)
    _length: int = 0

    def __len__(self) -> int:
        return self._length

    def put(self, whose: Whose, item: T) -> None:
        """Add an item at the end of its caller's line."""
        self._groups.setdefault(_group(whose), {}).setdefault(whose[1], deque()).append(item)
        self._length += 1

    def take(self) -> T:
        """Return whose turn it is; their tenant and they go to the end of the line.

        Raises:
            IndexError: Nobody waits.
        """
        if not self._length:
            raise IndexError("nobody waits")
        group = next(iter(self._groups))
        callers = self._groups.pop(group)
        subject = next(iter(callers))
        line = callers.pop(subject)
        item = line.popleft()
        if line:
            callers[subject] = line
        if callers:
            self._groups[group] = callers
        self._length -= 1
        return item

    def remove(self, whose: Whose, item: T) -> bool:
        """Take an item out of the line, and tell whether it was there."""
        callers = self._groups.get(_group(whose), {})
        line = callers.get(whose[1])
        if line is None or item not in line:
            return False
        line.remove(item)
        if not line:
            del callers[whose[1]]
        if not callers:
            del self._groups[_group(whose)]
        self._length -= 1
        return True

    def of_tenant(self, tenant: str) -> int:
        """Return how many of a tenant's wait."""
        return sum(self._waiting(group) for group in self._groups if group[0] == tenant)

    def greediest(self, whose: Whose) -> T | None:
        """Return the last item of who waits with most, if it is fairer that somebody else waits in its place.

        ``None`` when nobody has more than one item more than they have: among tenants first, then within theirs.
        """
        mine = _group(whose)
        group = max(self._groups, key=self._waiting, default=mine)
        if self._waiting(group) <= self._waiting(mine) + 1:
            group = mine
        callers = self._groups.get(group, {})
        line = max(reversed(callers.values()), key=len, default=None)
        if line is None or (group == mine and len(line) <= len(callers.get(whose[1], ())) + 1):
            return None
        return line[-1]

    def _waiting(self, group: _Group) -> int:
        return sum(len(line) for line in self._groups.get(group, {}).values())


def _group(whose: Whose) -> _Group:
    return whose[0], whose[1].startswith(VISITORS)
