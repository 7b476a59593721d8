"""Who may read what in Confluence: the space's permission, and every read restriction on the way down to the page.

A reader has to pass each level: the space, each restricted ancestor, and the page itself. ragkit knows lists of which
any token lets a reader in, so the levels are cut with each other here. A group that every level names stays a group;
besides, whoever is named at every level, by name or as a member of a group named there, is let in by name. That is
exact as far as the members of groups can be read; where they cannot, a group counts for nobody beyond the levels that
name it. What cannot be read at all is a level that nobody passes. Nothing unknown ever lets anybody in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from ragkit_connectors.rest import Refused


@dataclass(frozen=True, slots=True)
class Level:
    """Users and groups of whom any may pass. As a permission ``None`` in its place means that everybody may."""

    users: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()

    def __repr__(self) -> str:
        return f"Level({len(self.users)} users, {len(self.groups)} groups)"


NOBODY = Level()


class Asks(Protocol):
    """What the two editions of the API tell; each may be refused."""

    def readers(self, space: str) -> Level | None: ...

    def restriction(self, content_id: str) -> Level | None: ...

    def members(self, group: str) -> Iterator[str]: ...

    def group_name(self, group: str) -> str | None: ...


class Readers:
    """Permissions of one pass, each read once."""

    def __init__(self, api: Asks) -> None:
        self._api = api
        self._spaces: dict[str, Level | None] = {}
        self._restrictions: dict[str, Level | None] = {}
        self._members: dict[str, frozenset[str]] = {}
        self._names: dict[str, str | None] = {}
        self.unreadable = 0
        """Permissions that could not be read and let nobody in."""

    def learn(self, content_id: str, level: Level | None) -> None:
        """Remember a restriction that a listing told."""
        self._restrictions[content_id] = level

    def of(self, space: str, ancestors: Iterable[str], content_id: str) -> Level | None:
        """Cut the levels of a page with each other, groups by their names; ``None`` when it is open to everybody.

        Raises:
            SourceError: The source cannot be read.
        """
        levels = [level for level in self._levels(space, (*ancestors, content_id)) if level is not None]
        if not levels:
            return None
        users = levels[0].users if len(levels) == 1 else frozenset.intersection(*map(self._people, levels))
        groups = frozenset.intersection(*(level.groups for level in levels))
        return Level(users, frozenset(name for group in groups if (name := self._name(group))))

    def _levels(self, space: str, content_ids: Iterable[str]) -> Iterator[Level | None]:
        yield self._once(self._spaces, space, self._api.readers)
        for content_id in content_ids:
            yield self._once(self._restrictions, content_id, self._api.restriction)

    def _once(self, known: dict[str, Level | None], key: str, ask: Callable[[str], Level | None]) -> Level | None:
        if key not in known:
            try:
                known[key] = ask(key)
            except Refused:
                self.unreadable += 1
                known[key] = NOBODY
        return known[key]

    def _people(self, level: Level) -> frozenset[str]:
        return level.users.union(*map(self._in_group, level.groups))

    def _in_group(self, group: str) -> frozenset[str]:
        if group not in self._members:
            try:
                self._members[group] = frozenset(self._api.members(group))
            except Refused:
                self.unreadable += 1
                self._members[group] = frozenset()
        return self._members[group]

    def _name(self, group: str) -> str | None:
        if group not in self._names:
            try:
                self._names[group] = self._api.group_name(group)
            except Refused:
                self._names[group] = None
        return self._names[group]


def restriction_of(read: Any, user: Callable[[Any], str | None], group: Callable[[Any], str | None]) -> Level | None:
    """Read the JSON of a read restriction; ``None`` when there is none.

    Args:
        read: ``{"restrictions": {"user": {"results": …}, "group": {"results": …}}}``.
        user: The identity of a user of the results.
        group: Of a group.
    """
    try:
        told = read["restrictions"]
        users, groups = told["user"]["results"], told["group"]["results"]
        if not users and not groups:
            return NOBODY if told["user"].get("size") or told["group"].get("size") else None
        return Level(
            frozenset(name for one in users if (name := user(one))),
            frozenset(name for one in groups if (name := group(one))),
        )
    except (KeyError, TypeError, AttributeError):
        return NOBODY  # not told in a form that is understood
