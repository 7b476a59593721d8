"""The record store of one collection: the truth, and the door to each of its roles.

::

    store = RecordStore(open_database(path, writable=True), collection)
    store.writer("handbook")       # stage and swap          store.index_source()   # live chunks for the index
    store.sync_state("handbook")   # what was seen           store.hit_source()     # the re-check of what was found
    store.vault()                  # the vault's rows
"""

from __future__ import annotations

from collections.abc import Collection as Values
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select

from ragkit.errors import StoreCorrupt
from ragkit.store import catalog, keysweep, past, removal
from ragkit.store import items as items_of
from ragkit.store.catalog import Collection
from ragkit.store.database import Database
from ragkit.store.history import History
from ragkit.store.hits import CheckedHits, filter_mac
from ragkit.store.live import LiveChunks
from ragkit.store.rulings import RulingRows
from ragkit.store.schema import bodies, chunks, documents, items, past_chunks, periods, sources, vault, versions
from ragkit.store.shelf import Shelf
from ragkit.store.stored import StoredVersion, count_waiting, policy_in_force, read_stored
from ragkit.store.syncstate import SyncPreview, SyncStateTable
from ragkit.store.vault import VaultRows
from ragkit.store.writer import DocumentWriter


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """What a collection holds. ``quarantined`` counts items by code; ``last_sync`` is ISO 8601 or empty."""

    documents: int
    chunks: int
    vault_values: int
    quarantined: dict[str, int]
    last_sync: str


class RecordStore:
    """One collection of an open database. Cheap to make; keeps no connection.

    With ``keeps_past``, what is replaced is put aside for a window of history.
    """

    def __init__(self, database: Database, collection: Collection, *, keeps_past: bool = False) -> None:
        self.database = database
        self.collection = collection
        self.keeps_past = keeps_past

    def sync_state(self, source: str, *, dry_run: bool = False) -> SyncStateTable:
        """Return the memory of one source; for a dry run, one that writes nothing."""
        kind = SyncPreview if dry_run else SyncStateTable
        return kind(self.database, self.collection, source)

    def writer(self, source: str, *, state: SyncStateTable | None = None) -> DocumentWriter:
        """Return the writer of one source's documents."""
        state = state or self.sync_state(source)
        return DocumentWriter(self.database, self.collection, state, keeps_past=self.keeps_past)

    def history(self) -> History:
        """Return what answered at a time, as far as it is kept."""
        return History(self.database, self.collection)

    def vault(self) -> VaultRows:
        """Return the vault's rows."""
        return VaultRows(self.database, self.collection)

    def shelf(self) -> Shelf:
        """Return the documents as a reader may see them."""
        return Shelf(self.database, self.collection, self.hit_source())

    def rulings(self) -> RulingRows:
        """Return what is redacted or corrected in all that is masked from now on."""
        return RulingRows(self.database.key_file, self.collection)

    def index_source(self, *, encoder: str | None = None, in_force: bool = False) -> LiveChunks:
        """Return the live chunks: of one encoder if it is named, of the policy in force if that is asked."""
        return LiveChunks(self.database, self.collection, encoder=encoder, in_force=in_force)

    def hit_source(self, *, filter_keys: Values[str] = ()) -> CheckedHits:
        """Return the re-check of what an index found."""
        return CheckedHits(self.database, self.collection, filter_keys=filter_keys)

    def filter_mac(self, key: str, value: str) -> bytes:
        """Return what stands for a metadata value in the store."""
        return filter_mac(self.collection, key, value)

    def native_ids(self, doc_ids: Sequence[str]) -> dict[str, str]:
        """Return the sources' own ids by document id. Raw: for evaluation and the entitled."""
        return items_of.native_ids(self.database, self.collection, doc_ids)

    def quarantined(self) -> list[tuple[str, str, str]]:
        """Return source name, document id and code of every item that is set aside."""
        query = (
            select(sources.c.name, items.c.doc_id, items.c.code)
            .join(sources, sources.c.source_id == items.c.source_id)
            .where(sources.c.collection_id == self.collection.id, items.c.status == "quarantined")
            .order_by(sources.c.name, items.c.code, items.c.doc_id)
        )
        with self.database.read() as connection:
            return [(row.name, row.doc_id, row.code) for row in connection.execute(query)]

    def stored(self, doc_id: str) -> StoredVersion | None:
        """Open the version that a document answers with; ``None`` when it does not answer."""
        return read_stored(self.database, self.collection, doc_id)

    def policy_in_force(self) -> str:
        """Return the fingerprint of the policy under which the collection was last synced, empty for none."""
        return policy_in_force(self.database, self.collection)

    def waiting(self, policy: str) -> dict[str, int]:
        """Count, by source, the documents that are still masked under another policy than this one."""
        return count_waiting(self.database, self.collection, policy)

    def set_fingerprints(self, *, policy: str, encoder: str, chunker: str) -> None:
        """Note what the collection is being synced under."""
        catalog.set_fingerprints(self.database, self.collection, policy=policy, encoder=encoder, chunker=chunker)

    def sweep(self) -> int:
        """Delete what an interrupted run left behind; call it when the write lock was just taken.

        Record keys of what was replaced or deleted since the last time are released. Whether history is kept from now
        on is noted.
        """
        with self.database.write() as connection:
            past.keep(connection, self.collection.id, keeps=self.keeps_past)
        swept = removal.sweep(self.database, self.collection.id)
        keysweep.reconcile(self.database, self.collection.id)
        return swept

    def mark_kept(self, limit: int | None) -> None:
        """Note that what was replaced before a moment is not all kept any more; ``None`` for none of it."""
        with self.database.write() as connection:
            past.shorten(connection, self.collection.id, limit)

    def inventory(self) -> Inventory:
        """Count what is here."""
        mine = self.collection.id
        with self.database.read() as connection:

            def count(table: object, column: object) -> int:
                return connection.execute(
                    select(func.count()).select_from(table).where(column == mine)  # type: ignore[arg-type]
                ).scalar_one()

            quarantined = (
                select(items.c.code, func.count().label("number"))
                .join(sources, sources.c.source_id == items.c.source_id)
                .where(sources.c.collection_id == mine, items.c.status == "quarantined")
                .group_by(items.c.code)
            )
            last = select(func.max(sources.c.finished_at)).where(sources.c.collection_id == mine)
            return Inventory(
                documents=count(documents, documents.c.collection_id),
                chunks=count(chunks, chunks.c.collection_id),
                vault_values=count(vault, vault.c.collection_id),
                quarantined={row.code: row.number for row in connection.execute(quarantined)},
                last_sync=connection.execute(last).scalar_one() or "",
            )


def check(database: Database) -> None:
    """Look the whole store over. Takes time in proportion to its size; needs no key.

    Raises:
        StoreCorrupt: With the number of problems of each kind.
    """
    with database.read() as connection:
        pages, links = database.backend.flaws(connection)
        wrong_state = connection.execute(
            select(func.count())
            .select_from(documents)
            .join(versions, versions.c.version_id == documents.c.version_id)
            .where((versions.c.state != "current") | versions.c.wrapped_key.is_(None))
        ).scalar_one()
        live = (
            select(bodies.c.version_id, func.count(chunks.c.chunk_id).label("live"))
            .join(chunks, chunks.c.body_id == bodies.c.body_id)
            .group_by(bodies.c.version_id)
            .subquery()
        )
        wrong_count = connection.execute(
            select(func.count())
            .select_from(documents)
            .join(versions, versions.c.version_id == documents.c.version_id)
            .outerjoin(live, live.c.version_id == versions.c.version_id)
            .where(func.coalesce(live.c.live, 0) != versions.c.chunk_count)
        ).scalar_one()
        stray = connection.execute(
            select(func.count())
            .select_from(live)
            .outerjoin(documents, documents.c.version_id == live.c.version_id)
            .where(documents.c.version_id.is_(None))
        ).scalar_one()
        both = connection.execute(
            select(func.count()).select_from(chunks).join(past_chunks, past_chunks.c.chunk_id == chunks.c.chunk_id)
        ).scalar_one()
        ended = select(periods.c.version_id)
        wrong_past = connection.execute(
            select(func.count())
            .select_from(versions)
            .outerjoin(documents, documents.c.version_id == versions.c.version_id)
            .where(versions.c.state == "past")
            .where(documents.c.version_id.is_not(None) | versions.c.version_id.not_in(ended))
        ).scalar_one()
    problems = {
        "damaged pages": pages,
        "broken links": links,
        "documents without a readable version": wrong_state,
        "documents with missing chunks": wrong_count,
        "versions that answer without a document": stray,
        "chunks that are live and past": both,
        "past versions that answer, or never did": wrong_past,
    }
    if any(problems.values()):
        found = ", ".join(f"{number} {what}" for what, number in problems.items() if number)
        raise StoreCorrupt(f"the record store failed its check: {found}", remedy="Restore a backup, or sync anew.")
