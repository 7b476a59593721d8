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
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from ragkit import crypto
from ragkit.connect.actions import (
    AccessChange,
    Action,
    Ageing,
    Change,
    Drain,
    Entry,
    KeptOut,
    KnownItem,
    Mark,
    Removal,
    Seen,
    SyncState,
)
from ragkit.connect.batch import Batch
from ragkit.connect.identity import content_mac, dates_of, document_id
from ragkit.crypto import CollectionKeys
from ragkit.errors import MassDeletion, SourceError
from ragkit.protocols import Connector
from ragkit.types import Change as SourceChange
from ragkit.types import Checkpoint, Delete, SourceItem, Upsert

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
        ageing: What retention says of an item that is not here; by default nothing is kept out.
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
        ageing: Ageing | None = None,
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
        self._ageing = ageing
        self._pass = 0
        self._under_way: set[str] = set()  # handed out as changes and perhaps not committed yet

    def actions(self, connector: Connector) -> Iterator[Action]:
        """Run one pass, or go on with the one that was interrupted.

        Raises:
            SourceError: The source cannot be read, also after retries.
            MassDeletion: The pass would delete too much; nothing was deleted.
        """
        self._pass, cursor = self._state.begin(self._fingerprint)
        batch = Batch()
        try:
            yield from self._follow(connector, cursor, batch)
        except SourceError:
            yield from self._compare(batch)  # what came before the break is good
            raise

    def _follow(self, connector: Connector, cursor: str | None, batch: Batch) -> Iterator[Action]:
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

    def _compare(self, batch: Batch) -> Iterator[Action]:
        """Sort a batch by what is known of each item, and empty it."""
        if not batch.items:
            return
        if len(self._under_way) > _DRAIN_AFTER or not self._under_way.isdisjoint(batch.items):
            yield from self._drain()
        known = self._state.lookup(batch.items.keys())
        seen: list[str] = []
        kept_out: list[str] = []
        dated: dict[str, Mapping[str, str]] = {}
        for doc_id, (entry, item) in batch.take():
            before = known.get(doc_id)
            if self._stays_out(entry, before):
                kept_out.append(doc_id)
                continue
            if self._must_treat(entry, before):
                self._under_way.add(doc_id)
                yield Change(_with_history(entry, before), item)
                continue
            if before is not None and before.access_mac != entry.access_mac:
                yield AccessChange(_with_history(entry, before))
                continue
            seen.append(doc_id)
            if before is not None and before.dates != entry.dates:
                dated[doc_id] = entry.dates
        if seen:
            yield Seen(tuple(seen), self._pass, dated)
        if kept_out:
            yield KeptOut(tuple(kept_out), self._pass)

    def _stays_out(self, entry: Entry, before: KnownItem | None) -> bool:
        """Retention keeps out what is not here; what is here goes when retention is run, not by a sync."""
        if self._ageing is None or (before is not None and before.status not in {"absent", "expired"}):
            return False
        same = before is not None and before.content_mac == entry.content_mac
        return self._ageing.is_over(entry.dates, before.indexed_at if before is not None and same else None)

    def _must_treat(self, entry: Entry, before: KnownItem | None) -> bool:
        if before is None or before.content_mac != entry.content_mac:
            return True
        if before.status in {"absent", "expired", "held"}:
            return True
        if before.status == "quarantined":
            return self._retry_quarantined or before.fingerprint != self._software
        return before.fingerprint != self._fingerprint

    def _remove(self, doc_id: str) -> Iterator[Action]:
        if doc_id in self._under_way:
            yield from self._drain()
        before = self._state.lookup([doc_id]).get(doc_id)
        if before is not None and before.status in {"active", "quarantined"}:
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
            dates=dates_of(item, self._ageing.keys if self._ageing is not None else ()),
        )

    def _doc_id(self, native_id: str) -> str:
        return document_id(self._keys, self._source, native_id)


def _with_history(entry: Entry, before: KnownItem | None) -> Entry:
    if before is None:
        return entry
    present = before.status not in {"absent", "expired"}
    answering = before.status in {"active", "held"}
    same = before.content_mac == entry.content_mac
    return replace(entry, last_version=before.version, present=present, answering=answering, same_content=same)
