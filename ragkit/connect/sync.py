"""The state difference: a connector's stream in, what has to be done out.

::

    engine = SyncEngine(state, keys=keys, source="handbook", fingerprint=…, software=…)
    for action in engine.actions(connector): ...

Most items of most passes are as before; they come out as one :class:`Seen` a batch, at the price of a keyed hash, and
cost no parsing, masking or embedding. The engine reads the sync state and writes nothing: who carries out an action
writes what it did, in the transaction in which it did it.

Order: documents are independent of each other, so :class:`Seen`, :class:`AccessChange` and :class:`Removal` may be
carried out at once. :class:`Mark` waits until everything before it is committed, and :class:`Drain` asks for all work
so far to be committed before the next action is taken from the engine.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

from ragkit import crypto
from ragkit.connect.actions import (
    AccessChange,
    Action,
    Change,
    Drain,
    Entry,
    KnownItem,
    Mark,
    Removal,
    Seen,
    SyncState,
)
from ragkit.connect.identity import content_mac, document_id
from ragkit.crypto import CollectionKeys
from ragkit.errors import MassDeletion, SourceError
from ragkit.protocols import Connector
from ragkit.types import Change as SourceChange
from ragkit.types import Checkpoint, Delete, SourceItem, Upsert

BATCH_ITEMS = 256
BATCH_BYTES = 8 * 2**20
_DRAIN_AFTER, _FEW = 10_000, 20


class SyncEngine:
    """Tells what changed at one source since the state was written.

    Args:
        state: What was seen before.
        keys: Of the collection; identities and contents are compared by keyed hash.
        source: Name of the source; a part of every document's identity.
        fingerprint: Of policy, chunker and encoder. When it differs from that of the last pass the source is listed
            from the beginning, and every document comes out as a change.
        software: The version of what reads documents; with ``fingerprint`` it decides whether a quarantine stands.
        default_access: For items whose connector says nothing of permissions.
        retry_quarantined: Try quarantined items again though nothing changed.
        max_delete_share: A completed pass that would delete a larger share of more than 20 documents is refused.
        attempts: How often in a row the stream may break without getting further.
        sleep: Waits for so many seconds; by default ``time.sleep``.
    """

    def __init__(
        self,
        state: SyncState,
        *,
        keys: CollectionKeys,
        source: str,
        fingerprint: str,
        software: str = "",
        default_access: frozenset[str] = frozenset(),
        retry_quarantined: bool = False,
        max_delete_share: float = 0.5,
        attempts: int = 4,
        sleep: Callable[[float], None] | None = None,
    ) -> None:
        self._state = state
        self._keys = keys
        self._source = source
        self._fingerprint = fingerprint
        self._software = f"{fingerprint}|{software}"
        self._default_access = default_access
        self._retry_quarantined = retry_quarantined
        self._max_delete_share = max_delete_share
        self._attempts = attempts
        self._sleep = sleep or time.sleep
        self._pass = 0
        self._under_way: set[str] = set()  # handed out as changes and perhaps not committed yet

    def actions(self, connector: Connector) -> Iterator[Action]:
        """Run one pass, or go on with the one that was interrupted.

        Raises:
            SourceError: The source cannot be read, also after retries.
            MassDeletion: The pass would delete too much; nothing was deleted.
        """
        self._pass, cursor = self._state.begin(self._fingerprint)
        batch = _Batch()
        try:
            yield from self._follow(connector, cursor, batch)
        except SourceError:
            yield from self._compare(batch)  # what came before the break is good
            raise

    def _follow(self, connector: Connector, cursor: str | None, batch: _Batch) -> Iterator[Action]:
        for change in self._persistent(connector, cursor):
            match change:
                case Upsert(item):
                    batch.add(self._entry(item), item)
                    if batch.full:
                        yield from self._compare(batch)
                case Delete(native_id):
                    yield from self._compare(batch)
                    yield from self._remove(self._doc_id(native_id))
                case Checkpoint(cursor=position, complete=complete):
                    yield from self._compare(batch)
                    yield from self._finish() if complete else ()
                    yield Mark(None if complete else position, complete)
        yield from self._compare(batch)

    def _persistent(self, connector: Connector, cursor: str | None) -> Iterator[SourceChange]:
        """Read the stream; when it breaks midway, wait and go on from its last checkpoint.

        Full jitter over an exponential bound (M. Brooker, "Exponential Backoff And Jitter", AWS, 2015). Attempts count
        from the last checkpoint, so a long pass over a shaky source ends as long as it gets further.
        """
        failures = 0
        started = False
        while True:
            try:
                for change in connector.changes(cursor):
                    started = True
                    yield change
                    if isinstance(change, Checkpoint):
                        cursor = None if change.complete else change.cursor
                        failures = 0
                return
            except SourceError:
                failures += 1
                if not started or failures >= self._attempts:
                    raise
                self._sleep(random.uniform(0, 0.5 * 2**failures))

    def _compare(self, batch: _Batch) -> Iterator[Action]:
        """Sort a batch by what is known of each item, and empty it."""
        if not batch.items:
            return
        if len(self._under_way) > _DRAIN_AFTER or not self._under_way.isdisjoint(batch.items):
            yield from self._drain()
        known = self._state.lookup(batch.items.keys())
        seen: list[str] = []
        for doc_id, (entry, item) in batch.take():
            before = known.get(doc_id)
            if self._must_treat(entry, before):
                self._under_way.add(doc_id)
                yield Change(_with_history(entry, before), item)
                continue
            if before is not None and before.access_mac != entry.access_mac:
                yield AccessChange(_with_history(entry, before))
            else:
                seen.append(doc_id)
        if seen:
            yield Seen(tuple(seen), self._pass)

    def _must_treat(self, entry: Entry, before: KnownItem | None) -> bool:
        if before is None or before.status == "absent" or before.content_mac != entry.content_mac:
            return True
        if before.status == "quarantined":
            return self._retry_quarantined or before.fingerprint != self._software
        return before.fingerprint != self._fingerprint

    def _remove(self, doc_id: str) -> Iterator[Action]:
        if doc_id in self._under_way:
            yield from self._drain()
        before = self._state.lookup([doc_id]).get(doc_id)
        if before is not None and before.status != "absent":
            yield Removal((doc_id,))

    def _finish(self) -> Iterator[Action]:
        """The source was listed whole: what this pass has not met is gone."""
        yield from self._drain()
        gone = self._state.count_unseen(self._pass)
        present = self._state.present()
        if gone > _FEW and gone > self._max_delete_share * present:
            raise MassDeletion(
                f"this pass would delete {gone} of {present} documents",
                remedy="If the source really shrank so far, raise max_delete_share for one sync; otherwise check that "
                "the source is mounted and its globs are right. Nothing was deleted.",
            )
        for some in self._state.unseen(self._pass):
            yield Removal(tuple(some))

    def _drain(self) -> Iterator[Action]:
        yield Drain()
        self._under_way.clear()

    def _entry(self, item: SourceItem) -> Entry:
        access = self._default_access if item.access is None else item.access
        return Entry(
            doc_id=self._doc_id(item.native_id),
            native_id=item.native_id,
            content_mac=content_mac(self._keys, item),
            access=access,
            access_mac=crypto.keyed_hash(self._keys.content, "access", *sorted(access)),
            fingerprint=self._fingerprint,
            software=self._software,
            pass_number=self._pass,
        )

    def _doc_id(self, native_id: str) -> str:
        return document_id(self._keys, self._source, native_id)


class _Batch:
    """Items that are looked up together, bounded in number and bytes. Of items with one id the last stays."""

    def __init__(self) -> None:
        self.items: dict[str, tuple[Entry, SourceItem]] = {}
        self._bytes = 0

    @property
    def full(self) -> bool:
        return len(self.items) >= BATCH_ITEMS or self._bytes >= BATCH_BYTES

    def add(self, entry: Entry, item: SourceItem) -> None:
        self.items.pop(entry.doc_id, None)
        self.items[entry.doc_id] = (entry, item)
        self._bytes += len(item.content)

    def take(self) -> Iterator[tuple[str, tuple[Entry, SourceItem]]]:
        """Empty the batch, letting go of each item as it is handed on."""
        self._bytes = 0
        while self.items:
            doc_id = next(iter(self.items))
            yield doc_id, self.items.pop(doc_id)


def _with_history(entry: Entry, before: KnownItem | None) -> Entry:
    if before is None:
        return entry
    present, answering = before.status != "absent", before.status == "active"
    same = before.content_mac == entry.content_mac
    return replace(entry, last_version=before.version, present=present, answering=answering, same_content=same)
