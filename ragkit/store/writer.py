"""Writing documents: stage, then swap, so that a failed update leaves the old version answering.

::

    staging = writer.begin(entry, document, encoder=…)     # no row is written
    writer.add(staging, chunks, vectors)                   # seals, in memory
    writer.stage(staging)                                  # large documents: slices, a transaction each
    writer.publish([staging, …], inside=masker.flush)      # one short transaction for many small documents

Every transaction is meant to hold the write lock for at most 50 ms: sealing happens before it, large documents go in
by slices, and what a swap makes obsolete is unreadable at once (its key is gone) and deleted by slices afterwards.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Text, bindparam, select, update

from ragkit.crashpoints import reach
from ragkit.store.access import class_number, ensure_class
from ragkit.store.dialect_words import Insert, insert
from ragkit.store.items import SourceEntry, now
from ragkit.store.past import How, end_period, following, moment
from ragkit.store.removal import CURRENT, replace, retire, sweep, unnumber, withdraw
from ragkit.store.schema import bodies, chunks, documents, filters, items, links, mentions, versions
from ragkit.store.staging import Refused, Staging, new_version
from ragkit.store.syncstate import SyncStateTable
from ragkit.types import Chunk, MaskedDocument

if TYPE_CHECKING:
    from ragkit.protocols import Vectors
    from ragkit.store.catalog import Collection as OpenCollection
    from ragkit.store.database import Database

SLICE_ROWS = 256
_TURN_S = 0.02  # then commit, and let others have the lock; the fsync comes on top


class DocumentWriter:
    """Writes the documents of one source. One writer at a time: hold the workspace's ``WriterLock``.

    With ``keeps_past``, what it replaces and deletes is put aside for the window of history (:mod:`ragkit.store.past`).
    """

    _how: How | None = None
    """What is noted of versions that it replaces and does not put aside."""

    def __init__(
        self, database: Database, collection: OpenCollection, state: SyncStateTable, *, keeps_past: bool = False
    ) -> None:
        self._database = database
        self._collection = collection
        self._state = state
        self._keeps_past = keeps_past
        self._at = 0  # the moment of the transaction under way

    def begin(
        self, entry: SourceEntry, document: MaskedDocument, *, encoder: str, filters: Mapping[str, bytes] | None = None
    ) -> Staging:
        """Make the key of a new version and seal its header.

        ``encoder`` is the fingerprint of what makes the vectors; ``filters`` holds keyed hashes of the metadata values
        that can be filtered on, by key.
        """
        return new_version(self._collection, entry, document, encoder=encoder, filters=filters or {})

    def add(self, staging: Staging, some: Sequence[Chunk], vectors: Vectors) -> None:
        """Seal more chunks of the version, in order.

        Raises:
            StoreError: The vectors do not match the chunks, or hold something that is not a number.
        """
        staging.add(some, vectors)

    def stage(self, staging: Staging) -> None:
        """Write what was added so far, by slices. Nothing of it is visible."""
        while staging.rows:
            with self._database.write() as connection:
                self._write_rows(connection, staging, SLICE_ROWS)
            reach("sync.after_stage_slice")

    def publish(self, outcomes: Sequence[Staging | Refused], *, inside: Callable[[], None]) -> None:
        """Make staged versions current and quarantine what was refused; many in one transaction.

        ``inside`` is called in each transaction before its documents; it inserts the vault rows they need.
        """
        for one in outcomes:
            if isinstance(one, Staging) and len(one.rows) > SLICE_ROWS:
                self.stage(one)
        waiting = deque(outcomes)
        while waiting:
            reach("sync.before_swap")
            with self._database.write() as connection:
                end, self._at = time.perf_counter() + _TURN_S, moment()
                inside()
                reach("sync.after_vault_flush")
                while waiting:
                    one = waiting.popleft()
                    if isinstance(one, Staging):
                        self._swap(connection, one)
                    else:
                        self._quarantine(connection, one)
                    if time.perf_counter() > end:
                        break
                reach("sync.before_commit")
            reach("sync.after_commit")
        self.purge()

    def discard(self, staging: Staging) -> None:
        """Give a staged version up."""
        staging.rows.clear()
        if staging.version_id is not None:
            with self._database.write() as connection:
                retire(connection, staging.version_id, rows=SLICE_ROWS + 1)
            self.purge()

    def remove(self, doc_ids: Collection[str]) -> None:
        """Delete documents, their keys and what identifies them at the source; only ids and version numbers stay."""
        waiting = deque(doc_ids)
        while waiting:
            reach("sync.before_delete")
            with self._database.write() as connection:
                end, self._at = time.perf_counter() + _TURN_S, moment()
                while waiting and time.perf_counter() < end:
                    doc_id = waiting.popleft()
                    kept = withdraw(connection, doc_id, past=self._past, how=self._how)
                    gone = {"status": "absent", "sealed_native_id": None, "content_mac": None, "access_mac": None}
                    gone |= {"version_mac": None, "body_mac": None}
                    if not kept:  # retention counts from them while a past version is kept
                        gone |= {"indexed_at": None, "sealed_dates": None}
                    connection.execute(
                        update(items).where(items.c.doc_id == doc_id).values(**gone, code=None, changed_at=now())
                    )
                reach("sync.in_delete")
            reach("sync.after_delete")
        self.purge()

    def set_access(self, entry: SourceEntry, *, met: bool = True) -> None:
        """Change who may see a document. Its chunks get new numbers, so that the index learns of it; no text moves.

        ``met``: the pass has met the item; false where permissions are read by themselves.
        """
        with self._database.write() as connection:
            class_id = ensure_class(connection, self._collection, entry.access)
            found = connection.execute(CURRENT, {"doc_id": entry.doc_id}).one_or_none()
            if found is not None and found.class_id != class_id:
                now_on = following(moment(), found.valid_from)
                changed = {"class_id": class_id, "valid_from": now_on}
                connection.execute(update(documents).where(documents.c.doc_id == entry.doc_id).values(**changed))
                if self._keeps_past:
                    end_period(connection, found, now_on)
                else:
                    unnumber(connection, found.version_id)
                self._number(connection, found.version_id, class_id)
                here = mentions.c.version_id == found.version_id
                connection.execute(update(mentions).where(here).values(class_number=class_number(class_id)))
            noted = update(items).where(items.c.doc_id == entry.doc_id).values(access_mac=entry.access_mac)
            connection.execute(noted.values(last_seen_pass=entry.pass_number) if met else noted)
            reach("sync.in_access")

    def purge(self) -> None:
        """Delete retired versions, by slices."""
        sweep(self._database, self._collection.id, states=("retired",))

    @property
    def _past(self) -> int | None:
        """The moment until which what is replaced now has answered; ``None`` where it is not put aside."""
        return self._at if self._keeps_past else None

    def _swap(self, connection: Connection, staging: Staging) -> None:
        self._write_rows(connection, staging, len(staging.rows))
        doc_id, version_id = staging.entry.doc_id, staging.version_id
        class_id = self._class_of(connection, staging.entry)
        old = connection.execute(CURRENT, {"doc_id": doc_id}).one_or_none()
        connection.execute(_MAKE_CURRENT, {"version": version_id, "chunk_count": staging.count, "state": "current"})
        since = self._at if old is None else following(self._at, old.valid_from)
        document = {"doc_id": doc_id, "version_id": version_id, "class_id": class_id, "valid_from": since}
        connection.execute(_POINT, {**document, "collection_id": self._collection.id})
        if old is not None:
            replace(connection, old, past=self._past, how=self._how)
        self._number(connection, version_id, class_id)
        self._mention(connection, staging, class_id)
        self._note(connection, staging)

    def _class_of(self, connection: Connection, entry: SourceEntry) -> str:
        """The access class of a document that becomes current."""
        return ensure_class(connection, self._collection, entry.access)

    def _note(self, connection: Connection, staging: Staging) -> None:
        """Write down what the source has."""
        self._state.put(connection, staging.entry, version=staging.number)

    def _quarantine(self, connection: Connection, refused: Refused) -> None:
        """Note the failure; the version before goes on answering, unless it was masked under another policy."""
        entry = refused.entry
        reach("sync.in_quarantine")
        current = connection.execute(CURRENT, {"doc_id": entry.doc_id}).one_or_none()
        if current is not None and current.policy != refused.policy and not refused.kept:
            withdraw(connection, entry.doc_id, past=self._past, how=self._how)
        elif current is not None:
            self.set_access(entry)  # takes part in this transaction: a failed update never keeps old permissions
        self._state.put(connection, entry, version=entry.last_version, code=refused.code)

    def _write_rows(self, connection: Connection, staging: Staging, limit: int) -> None:
        if staging.version_id is None:
            made = connection.execute(versions.insert(), {**staging.columns, "chunk_count": 0})
            assert made.inserted_primary_key is not None
            staging.version_id = int(made.inserted_primary_key[0])
            if staging.filters:
                connection.execute(
                    filters.insert(),
                    [
                        {"key": key, "value_mac": mac, "version_id": staging.version_id}
                        for key, mac in staging.filters.items()
                    ],
                )
        some, staging.rows = staging.rows[:limit], staging.rows[limit:]
        if some:
            connection.execute(bodies.insert(), [{**row, "version_id": staging.version_id} for row in some])

    def _number(self, connection: Connection, version_id: int | None, class_id: str) -> None:
        connection.execute(_NUMBER, {"collection": self._collection.id, "class": class_id, "version": version_id})

    def _mention(self, connection: Connection, staging: Staging, class_id: str) -> None:
        """Note which values the version holds, and whose; in order, since neighbours share pages."""
        here = {"class_number": class_number(class_id), "version_id": staging.version_id}
        if staging.mentions:
            connection.execute(mentions.insert(), [{"key": key, **here} for key in sorted(staging.mentions)])
        linked = [
            {"key": key, "version_id": staging.version_id, "person": person}
            for person, keys in enumerate(staging.people)
            for key in sorted(keys)
        ]
        if linked:
            connection.execute(links.insert(), linked)


_MAKE_CURRENT = (
    update(versions)
    .where(versions.c.version_id == bindparam("version"))
    .values(state=bindparam("state"), chunk_count=bindparam("chunk_count"))
)
_NUMBER = chunks.insert().from_select(
    ["collection_id", "body_id", "class_id"],
    select(bindparam("collection", type_=Text), bodies.c.body_id, bindparam("class", type_=Text))
    .where(bodies.c.version_id == bindparam("version"))
    .order_by(bodies.c.ordinal),
)


def _point() -> Insert:
    statement = insert(documents)
    changed = {name: statement.excluded[name] for name in ("version_id", "class_id", "valid_from")}
    return statement.on_conflict_do_update(index_elements=[documents.c.doc_id], set_=changed)


_POINT = _point()
