"""The journal of data subject requests, in the key file: what is being done, how far it got, and its sealed plan.

A plan holds personal data. It is sealed under a key of the collection, and wiped when the request is closed.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import select, update

from ragkit import crypto
from ragkit.store.items import now
from ragkit.store.key_schema import requests

if TYPE_CHECKING:
    from sqlalchemy import Row

    from ragkit.store.catalog import Collection
    from ragkit.store.keyfile import KeyFile

DONE = "done"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request. ``step`` is the last thing that was done; ``plan`` is empty once it is closed."""

    request: str
    verb: str
    step: str
    opened_at: str
    closed_at: str | None
    plan: dict[str, Any] = field(default_factory=dict, repr=False)


_OPEN = "SELECT count(*) FROM requests WHERE verb = ? AND closed_at IS NULL"


def unfinished(key_file: KeyFile, verb: str) -> int:
    """Count the requests of a kind that were begun and not finished, of all collections."""
    rows = key_file.look(_OPEN, (verb,)) if key_file.mark() else []
    return int(rows[0][0]) if rows else 0


class Requests:
    """The requests of one collection. Write them while the workspace's write lock is held."""

    def __init__(self, key_file: KeyFile, collection: Collection) -> None:
        self._key_file = key_file
        self._collection = collection
        self._key = crypto.derive(collection.keys.content, "requests")

    def open(self, request: str, verb: str, plan: dict[str, Any], *, step: str) -> None:
        """Enter a request with its plan."""
        values = {
            "request": request,
            "collection_id": self._collection.id,
            "verb": verb,
            "step": step,
            "sealed": self._seal(request, plan),
            "opened_at": now(),
        }
        with self._key_file.write() as connection:
            connection.execute(requests.insert(), values)

    def note(self, request: str, step: str, *, plan: dict[str, Any] | None = None) -> None:
        """Note that a step is done, and what the plan is now."""
        values: dict[str, Any] = {"step": step}
        if plan is not None:
            values["sealed"] = self._seal(request, plan)
        self._update(request, values)

    def close(self, request: str) -> None:
        """Note that all is done, and wipe the plan."""
        self._update(request, {"step": DONE, "closed_at": now(), "sealed": b""})

    def find(self, request: str) -> Request | None:
        """Return one request with its plan.

        Raises:
            KeyMismatch: The plan was sealed with another key.
        """
        if not self._key_file.mark():
            return None
        mine = (requests.c.request == request) & (requests.c.collection_id == self._collection.id)
        with self._key_file.read() as connection:
            row = connection.execute(select(requests).where(mine)).one_or_none()
        return None if row is None else self._opened(row)

    def unfinished(self, verb: str | None = None) -> list[Request]:
        """Return the requests that were begun and not finished, the oldest first."""
        if not self._key_file.mark():
            return []
        query = select(requests).where(requests.c.collection_id == self._collection.id, requests.c.closed_at.is_(None))
        if verb is not None:
            query = query.where(requests.c.verb == verb)
        with self._key_file.read() as connection:
            rows = connection.execute(query.order_by(requests.c.opened_at, requests.c.request)).all()
        return [self._opened(row) for row in rows]

    def _opened(self, row: Row[Any]) -> Request:
        plan: dict[str, Any] = {}
        if row.sealed:
            plan = json.loads(crypto.unseal(self._key, row.sealed, bound_to=f"request/{row.request}"))
        return Request(
            request=row.request,
            verb=row.verb,
            step=row.step,
            opened_at=row.opened_at,
            closed_at=row.closed_at,
            plan=plan,
        )

    def _seal(self, request: str, plan: dict[str, Any]) -> bytes:
        return crypto.seal(self._key, json.dumps(plan).encode(), bound_to=f"request/{request}")

    def _update(self, request: str, values: dict[str, Any]) -> None:
        mine = (requests.c.request == request) & (requests.c.collection_id == self._collection.id)
        with self._key_file.write() as connection:
            connection.execute(update(requests).where(mine).values(**values))
