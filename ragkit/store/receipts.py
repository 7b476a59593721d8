"""Signed receipts, in the key file, and the list of copies that were made of it and of the record store."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from ragkit.store.dialect_words import insert
from ragkit.store.items import now
from ragkit.store.key_schema import copies, receipts

if TYPE_CHECKING:
    from ragkit.store.keyfile import KeyFile


class Receipts:
    """The receipts of a workspace. Write them while its write lock is held."""

    def __init__(self, key_file: KeyFile) -> None:
        self._key_file = key_file

    def put(self, request: str, body: str) -> None:
        """Keep a receipt. One that said less was reached is replaced."""
        values = {"request": request, "body": body, "issued_at": now()}
        statement = insert(receipts)
        again = {name: statement.excluded[name] for name in ("body", "issued_at")}
        with self._key_file.write() as connection:
            connection.execute(statement.on_conflict_do_update(index_elements=[receipts.c.request], set_=again), values)

    def find(self, request: str) -> str | None:
        """Return the receipt of a request."""
        if not self._key_file.mark():
            return None
        with self._key_file.read() as connection:
            query = select(receipts.c.body).where(receipts.c.request == request)
            body: str | None = connection.execute(query).scalar_one_or_none()
        return body

    def requests(self) -> list[str]:
        """Return the requests that have a receipt, the oldest first."""
        if not self._key_file.mark():
            return []
        with self._key_file.read() as connection:
            query = select(receipts.c.request).order_by(receipts.c.issued_at, receipts.c.request)
            return list(connection.execute(query).scalars())

    def copies(self, kind: str, *, before: str | None = None) -> list[tuple[str, str]]:
        """Return id and date of the copies of a kind that are not known to be gone, made before a date if one is given.

        ``kind`` is ``records`` or ``keys``.
        """
        if not self._key_file.mark():
            return []
        query = select(copies.c.copy, copies.c.made_at).where(copies.c.kind == kind, copies.c.gone_at.is_(None))
        if before is not None:
            query = query.where(copies.c.made_at <= before)
        with self._key_file.read() as connection:
            return [(row[0], row[1]) for row in connection.execute(query.order_by(copies.c.made_at))]
