"""Who may read a ticket of Zendesk: the group, organisation and people that stand in it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping
from typing import Any

from ragkit_connectors.rest import Rest
from ragkit_connectors.tokens import group_tokens, user_tokens

READERS = frozenset({"group", "organization", "assignee", "requester"})
_LIKE_ID = re.compile(r"(?:group|organization|segment)-\d+")
"""A name that would be taken for another's id."""
_LISTS = {"group": "groups", "organization": "organizations"}


class TicketReaders:
    """Turns fields of tickets into access tokens.

    Args:
        rest: The account.
        readers: Fields that count, of :data:`READERS`; none for tickets that everybody may read.
        issuer: Of the tokens of users.
        scope: Of the tokens of groups and organisations.
        access: Of tickets that everybody may read.
        by_name: Use names where no other group or organisation has the same.
    """

    def __init__(
        self,
        rest: Rest,
        readers: Collection[str],
        issuer: str,
        scope: str,
        access: frozenset[str] | None,
        *,
        by_name: bool,
    ) -> None:
        self._rest = rest
        self._readers = tuple(readers)
        self._issuer = issuer
        self._scope = scope
        self._access = access
        self._by_name = by_name
        self._names: dict[str, str] = {}

    def read_names(self) -> None:
        """Read the names of now.

        Raises:
            SourceError: They cannot be read.
        """
        if not self._by_name:
            return
        found: dict[str, str] = {}
        for kind in self._readers:
            if (plural := _LISTS.get(kind)) is None:
                continue
            for page in self._rest.walk(f"/api/v2/{plural}.json", {"page[size]": 100}, following):
                found |= {f"{kind}-{one['id']}": str(one.get("name", "")) for one in page[plural]}
        used = Counter(found.values())
        self._names = {key: name for key, name in found.items() if used[name] == 1 and not _LIKE_ID.fullmatch(name)}

    def of(self, ticket: Mapping[str, Any]) -> frozenset[str] | None:
        """Return the tokens of a ticket; none of its readers known is nobody."""
        if not self._readers:
            return self._access
        told = {kind: ticket.get(f"{kind}_id") for kind in self._readers}
        groups = [f"{kind}-{value}" for kind, value in told.items() if kind in _LISTS and value is not None]
        people = [str(value) for kind, value in told.items() if kind not in _LISTS and value is not None]
        named = (self._names.get(group, group) for group in groups)
        return group_tokens(self._scope, named) | user_tokens(self._issuer, people)


def following(page: Any) -> object:
    """The link to the next page of a listing paged by cursors.

    Raises:
        KeyError: The reply does not tell whether there is one; half a listing would count as the whole.
    """
    if not page["meta"]["has_more"]:
        return None
    if not page["links"]["next"]:
        raise KeyError("next")
    return page["links"]["next"]
