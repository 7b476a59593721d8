"""Sync state: what one source of one collection has, as far as it was seen, and where its pass stands."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from collections.abc import Collection as Values
from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, func, select, update

from ragkit import crypto
from ragkit.store.catalog import Collection
from ragkit.store.database import Database
from ragkit.store.dialect_words import insert
from ragkit.store.items import ItemState, SourceEntry, native_ids, now, open_dates, put_item, seal_dates
from ragkit.store.schema import items, sources
from ragkit.types import Trust

_SLICE = 500
_PRESENT = items.c.status.in_(["active", "quarantined"])
_ENDED, _UNDER_WAY, _BEGUN = 0, 1, 2


class SyncStateTable:
    """The memory of one source (``ragkit.connect.sync.SyncState``)."""

    def __init__(self, database: Database, collection: Collection, source: str) -> None:
        self._database = database
        self._collection = collection
        self._source = source
        self._id: int | None = None
        self.keeps_name: Callable[[SourceEntry], bool] = lambda _: True
        """Whether the source's own id of an item may be kept."""
        self.trust = Trust.INTERNAL
        """How far the source is trusted; noted when a pass begins."""

    @property
    def source_id(self) -> int:
        """The source's number in the store; known after ``begin``."""
        if self._id is None:
            with self._database.read() as connection:
                self._id = self._find(connection)
        return self._id or 0

    def begin(self, fingerprint: str, *, anew: bool = False) -> tuple[int, str | None, bool]:
        """Go on with the interrupted pass, or open a new one; with ``anew`` a new one, from the beginning.

        A pass that stored no cursor is not gone on with: what it met before the interruption may be gone by now. The
        one that follows starts where it did, at the cursor that the last whole pass left.

        Returns:
            The number of the pass, the cursor to read from, ``None`` for the beginning, and whether it goes on.
        """
        with self._database.write() as connection:
            if self._find(connection) is None:
                connection.execute(
                    insert(sources).values(
                        collection_id=self._collection.id,
                        name=self._source,
                        pass_number=0,
                        pass_open=0,
                        fingerprint=fingerprint,
                    )
                )
            self._id = self._find(connection)
            row = connection.execute(select(sources).where(self._mine())).one()
            number, cursor = self._where_to(row, fingerprint, anew=anew)
            if row.trust != self.trust:
                connection.execute(update(sources).where(self._mine()).values(trust=self.trust.value))
            if number != row.pass_number:
                start = row.sealed_cursor if cursor is not None else None
                connection.execute(
                    update(sources)
                    .where(self._mine())
                    .values(pass_number=number, pass_open=_BEGUN, sealed_cursor=start, fingerprint=fingerprint)
                )
            return number, cursor, number == row.pass_number

    def rests_at(self) -> str | None:
        """Return the cursor that the last pass left, if it was whole and none is under way."""
        with self._database.read() as connection:
            row = connection.execute(select(sources).where(self._mine())).one_or_none()
        if row is None or row.pass_open != _ENDED or row.sealed_cursor is None:
            return None
        return self._unseal(row.sealed_cursor, "cursor")

    def _where_to(self, row: Row[Any], fingerprint: str, *, anew: bool) -> tuple[int, str | None]:
        if anew or row.sealed_cursor is None or row.fingerprint != fingerprint:
            return row.pass_number + 1, None
        number = row.pass_number if row.pass_open == _UNDER_WAY else row.pass_number + 1
        return number, self._unseal(row.sealed_cursor, "cursor")

    def lookup(self, doc_ids: Values[str]) -> dict[str, ItemState]:
        """Return what is remembered of these items, by document id; absent from the result when never met."""
        query = select(
            items.c.doc_id,
            items.c.content_mac,
            items.c.access_mac,
            items.c.fingerprint,
            items.c.status,
            items.c.version,
            func.coalesce(items.c.indexed_at, items.c.changed_at),
            items.c.version_mac,
            items.c.sealed_dates,
        ).where(items.c.doc_id.in_(list(doc_ids)))
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        return {
            row[0]: ItemState(*row[1:-2], open_dates(self._collection, row[0], row[-1]), row.version_mac)
            for row in rows
        }

    def mark_seen(self, doc_ids: Values[str], pass_number: int) -> None:
        """Note that the pass has met these items."""
        with self._database.write() as connection:
            connection.execute(
                update(items).where(items.c.doc_id.in_(list(doc_ids))).values(last_seen_pass=pass_number)
            )

    def foresee(self, doc_id: str, alike: str) -> None:
        """For a dry run: remember what would be treated, and which document has the same bytes."""

    def foresee_access(self, doc_id: str, access_mac: bytes) -> None:
        """For a dry run: remember who would see it."""

    def set_dates(self, dates: Mapping[str, Mapping[str, str]]) -> None:
        """Note the dates of items whose content is as before, by document id."""
        with self._database.write() as connection:
            for doc_id, found in dates.items():
                sealed = seal_dates(self._collection, doc_id, found)
                connection.execute(update(items).where(items.c.doc_id == doc_id).values(sealed_dates=sealed))

    def set_versions(self, versions: Mapping[str, bytes]) -> None:
        """Note the version marks of items whose content is as before, by document id."""
        with self._database.write() as connection:
            for doc_id, mac in versions.items():
                connection.execute(update(items).where(items.c.doc_id == doc_id).values(version_mac=mac))

    def mark_held(self, doc_ids: Values[str]) -> None:
        """Note that these items are gone at the source, and that a hold keeps them."""
        with self._database.write() as connection:
            connection.execute(update(items).where(items.c.doc_id.in_(list(doc_ids))).values(status="held"))

    def present(self) -> int:
        """Count the items that the source has, quarantined ones included; not those that retention keeps out."""
        return self._count(_PRESENT)

    def count_unseen(self, pass_number: int) -> int:
        """Count the present items that the pass has not met."""
        return self._count(_PRESENT, items.c.last_seen_pass < pass_number)

    def unseen(self, pass_number: int) -> Iterator[list[str]]:
        """Give the present items that the pass has not met, some at a time; they may be deleted on the way.

        Nor has a later one, which another machine ran after the server of the records was restarted.
        """
        return self._some(_PRESENT, items.c.last_seen_pass < pass_number)

    def known(self) -> Iterator[list[str]]:
        """Give all items that the source has, or that are kept though it has them no more, some at a time."""
        return self._some(items.c.status.in_(["active", "quarantined", "held"]))

    def alike(self, body_mac: bytes) -> str | None:
        """Return a document of the source that answers and has these bytes; ``None`` when there is none."""
        query = select(items.c.doc_id).where(
            items.c.source_id == self.source_id, items.c.body_mac == body_mac, items.c.status == "active"
        )
        with self._database.read() as connection:
            return connection.execute(query.limit(1)).scalar_one_or_none()

    def moved(self, doc_ids: Values[str], pass_number: int) -> dict[str, str]:
        """Return which of these items are there under another identity, with the same bytes, each once.

        That came after the item was last met: in this pass, or in one before that broke off.
        """
        went = select(items.c.doc_id, items.c.body_mac, items.c.last_seen_pass).where(
            items.c.doc_id.in_(list(doc_ids)), items.c.body_mac.is_not(None)
        )
        came = select(items.c.doc_id, items.c.body_mac, items.c.came_pass).where(
            items.c.source_id == self.source_id, items.c.last_seen_pass == pass_number, items.c.status == "active"
        )
        found: dict[str, str] = {}
        with self._database.read() as connection:
            gone = connection.execute(went.order_by(items.c.last_seen_pass.desc(), items.c.item_id)).all()
            since = min((row.last_seen_pass for row in gone), default=0)
            alike = came.where(items.c.body_mac.in_({row.body_mac for row in gone}), items.c.came_pass > since)
            free: dict[bytes, deque[Any]] = {}
            for row in connection.execute(alike.order_by(items.c.came_pass.desc(), items.c.item_id)):
                free.setdefault(row.body_mac, deque()).append(row)
        for row in gone:
            if (some := free.get(row.body_mac)) and some[0].came_pass > row.last_seen_pass:
                found[row.doc_id] = some.popleft().doc_id
        return found

    def native_ids(self, doc_ids: Values[str]) -> dict[str, str]:
        """Return the source's own ids of these items, where they are kept."""
        return native_ids(self._database, self._collection, list(doc_ids))

    def _some(self, *conditions: ColumnElement[bool]) -> Iterator[list[str]]:
        after = 0
        while True:
            query = (
                select(items.c.item_id, items.c.doc_id)
                .where(items.c.source_id == self.source_id, items.c.item_id > after, *conditions)
                .order_by(items.c.item_id)
                .limit(_SLICE)
            )
            with self._database.read() as connection:
                rows = connection.execute(query).all()
            if not rows:
                return
            yield [row.doc_id for row in rows]
            after = rows[-1].item_id

    def checkpoint(self, cursor: str | None, *, complete: bool) -> None:
        """Store where to go on, or, with ``complete``, that the pass has ended and where the next one starts."""
        values = {
            "sealed_cursor": None if cursor is None else self._seal(cursor, "cursor"),
            "pass_open": _ENDED if complete else _UNDER_WAY,
            "finished_at": now(),
        }
        with self._database.write() as connection:
            connection.execute(update(sources).where(sources.c.source_id == self.source_id).values(**values))

    def quarantined(self) -> dict[str, int]:
        """Count the quarantined items by code."""
        query = (
            select(items.c.code, func.count().label("number"))
            .where(items.c.source_id == self.source_id, items.c.status == "quarantined")
            .group_by(items.c.code)
            .order_by(items.c.code)
        )
        with self._database.read() as connection:
            return {row.code: row.number for row in connection.execute(query)}

    def put(self, connection: Connection, entry: SourceEntry, *, version: int, code: str | None = None) -> None:
        """Write an item as active, or as quarantined under ``code``, in the caller's transaction."""
        named = self.keeps_name(entry)
        put_item(connection, self._collection, entry, source_id=self.source_id, version=version, code=code, named=named)

    def _count(self, *conditions: ColumnElement[bool]) -> int:
        query = select(func.count()).select_from(items).where(items.c.source_id == self.source_id, *conditions)
        with self._database.read() as connection:
            return connection.execute(query).scalar_one()

    def _find(self, connection: Connection) -> int | None:
        return connection.execute(select(sources.c.source_id).where(self._mine())).scalar_one_or_none()

    def _mine(self) -> ColumnElement[bool]:
        return (sources.c.collection_id == self._collection.id) & (sources.c.name == self._source)

    def _seal(self, text: str, purpose: str) -> bytes:
        place = f"{purpose}/{self._collection.id}/{self._source}"
        return crypto.seal(self._collection.keys.wrapping, text.encode("utf-8", "surrogatepass"), bound_to=place)

    def _unseal(self, sealed: bytes, purpose: str) -> str:
        place = f"{purpose}/{self._collection.id}/{self._source}"
        return crypto.unseal(self._collection.keys.wrapping, sealed, bound_to=place).decode("utf-8", "surrogatepass")


class SyncPreview(SyncStateTable):
    """The same for a dry run: remembers in memory what the pass has met, and writes nothing."""

    def __init__(self, database: Database, collection: Collection, source: str) -> None:
        super().__init__(database, collection, source)
        self._met: set[str] = set()
        self._alike: dict[str, str] = {}
        self._access: dict[str, bytes] = {}

    def begin(self, fingerprint: str, *, anew: bool = False) -> tuple[int, str | None, bool]:
        """Tell which pass would be gone on with; that another would follow it is left out, so as to count once."""
        with self._database.read() as connection:
            row = connection.execute(select(sources).where(self._mine())).one_or_none()
        return (1, None, False) if row is None else (*self._where_to(row, fingerprint, anew=anew), False)

    def mark_seen(self, doc_ids: Values[str], pass_number: int) -> None:
        """Remember that the pass has met these items."""
        del pass_number
        self._met.update(doc_ids)

    def foresee(self, doc_id: str, alike: str) -> None:
        """Remember what would be treated; a document with the same bytes has moved, if it is not met itself."""
        self._met.add(doc_id)
        if alike:
            self._alike[alike] = doc_id

    def foresee_access(self, doc_id: str, access_mac: bytes) -> None:
        """Remember who would see it, for the rest of the pass."""
        self._access[doc_id] = access_mac

    def lookup(self, doc_ids: Values[str]) -> dict[str, ItemState]:
        """Return what is remembered of these items, with the access lists that were foreseen."""
        found = super().lookup(doc_ids)
        changed = self._access.keys() & found.keys()
        return found | {doc_id: replace(found[doc_id], access_mac=self._access[doc_id]) for doc_id in changed}

    def moved(self, doc_ids: Values[str], pass_number: int) -> dict[str, str]:
        """Return which of these items have moved, as far as the dry run knows."""
        del pass_number
        return {doc_id: self._alike[doc_id] for doc_id in doc_ids if doc_id in self._alike}

    def set_dates(self, dates: Mapping[str, Mapping[str, str]]) -> None:
        """Note nothing."""

    def set_versions(self, versions: Mapping[str, bytes]) -> None:
        """Note nothing."""

    def count_unseen(self, pass_number: int) -> int:
        """Count what :meth:`unseen` gives."""
        return sum(len(some) for some in self.unseen(pass_number))

    def unseen(self, pass_number: int) -> Iterator[list[str]]:
        """Give the present items that neither the store nor this object saw in the pass."""
        for some in super().unseen(pass_number):
            if left := [doc_id for doc_id in some if doc_id not in self._met]:
                yield left

    def checkpoint(self, cursor: str | None, *, complete: bool) -> None:
        """Store nothing."""
