"""The state difference: a connector's stream in, what has to be done out.

::

    engine = SyncEngine(state, keys=keys, source="handbook", fingerprint=…, software=…)
    for action in engine.actions(connector): ...

Most items of most passes are as before; they come out as one :class:`Seen` a batch, at the price of a keyed hash, and
cost no parsing, masking or embedding. What a source only lists is asked for when it is not here in that version. The
engine reads the sync state and writes nothing: who carries out an action writes what it did, in the transaction in
which it did it.

Order: documents are independent of each other, so :class:`Seen`, :class:`AccessChange` and :class:`Removal` may be
carried out at once. :class:`Mark` waits until everything before it is committed, and :class:`Drain` asks for all work
so far to be committed before the next action is taken from the engine.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial

from ragkit.connect.actions import (
    AccessChange,
    Action,
    Ageing,
    Change,
    Drain,
    KeptOut,
    Mark,
    Removal,
    Seen,
    SyncState,
)
from ragkit.connect.batch import Batch
from ragkit.connect.compare import PRESENT, Comparer, with_history
from ragkit.connect.patience import Patience, said_by
from ragkit.crashpoints import reach
from ragkit.crypto import CollectionKeys
from ragkit.errors import MassDeletion, SourceError
from ragkit.protocols import Connector, Permits
from ragkit.types import Checkpoint, Delete, Listed, Unlisted, Upsert

_DRAIN_AFTER = 10_000
FEW = 3
"""So many deletions in a pass are never refused: of a folder of four, one is more than any share."""


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
        retry_quarantined: Try quarantined items again though nothing changed, or these documents of them; the source is
            then listed from the beginning.
        max_delete_share: A completed pass that would delete a larger share, and more than ``FEW``, is refused.
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
        retry_quarantined: bool | Collection[str] = False,
        max_delete_share: float = 0.5,
        attempts: int = 4,
        sleep: Callable[[float], None] | None = None,
        ageing: Ageing | None = None,
    ) -> None:
        self._state = state
        self._fingerprint = fingerprint
        self._compare_with = Comparer(
            keys,
            source,
            fingerprint=fingerprint,
            software=f"{fingerprint}|{software}",
            default_access=default_access,
            retry=retry_quarantined,
            ageing=ageing,
        )
        self._anew = bool(retry_quarantined)
        self._max_delete_share = max_delete_share
        self._patience = Patience(attempts, sleep or time.sleep)
        self._pass = 0
        self._goes_on = False  # this pass began in an earlier sync
        self._whole = False  # it named every item of the source
        self._unlisted: list[str] = []  # what the native ids of the parts that it could not look into begin with
        self._under_way: set[str] = set()  # handed out as changes and perhaps not committed yet

    def actions(self, connector: Connector) -> Iterator[Action]:
        """Run one pass; one that was interrupted is gone on with, and another follows where it lists the source whole.

        What changed before the place of the interruption would else be found by the next sync only, and an access list
        that shrank is to take effect in this one.

        Raises:
            SourceError: The source cannot be read, also after retries.
            MassDeletion: The pass would delete too much; nothing was deleted.
        """
        self._pass, cursor, self._goes_on = self._state.begin(self._fingerprint, anew=self._anew)
        if isinstance(connector, Permits):
            yield from self.permissions(connector)
        yield from self._follow(connector, cursor)
        if self._goes_on and self._whole:
            yield from self._drain()
            self._pass, cursor, self._goes_on = self._state.begin(self._fingerprint)
            yield from self._follow(connector, cursor)

    def permissions(self, connector: Connector) -> Iterator[AccessChange]:
        """Read again who may see what, and nothing else. What the source does not name may be seen by nobody.

        A connector that does not tell permissions by themselves is listed, and its items are let go of; from where the
        last whole pass left it, so that one that remembers (ETags) reads little.

        Raises:
            SourceError: The source cannot be read; who may see what stays as it was.
        """
        told: dict[str, Listed] = {}  # all of it first: half a list would hide the other half
        if isinstance(connector, Permits):
            named: Iterator[Listed] = (
                Listed(native_id, None, access) for native_id, access in said_by(connector, connector.permissions)
            )
        else:
            named = _named(connector, self._state.rests_at())
        for one in named:
            told[self._compare_with.doc_id(one.native_id)] = one
        for doc_ids in self._state.known():
            yield from self._seen_by(doc_ids, told)

    def _seen_by(self, doc_ids: Sequence[str], told: Mapping[str, Listed]) -> Iterator[AccessChange]:
        """Say who may see these documents; those that the source tells nothing of nobody."""
        for doc_id, before in self._state.lookup(doc_ids).items():
            if before.status not in {*PRESENT, "held"}:
                continue
            listed = told.get(doc_id, Listed("", None, frozenset()))
            entry = self._compare_with.listed(listed, before, self._pass)
            if entry.access_mac != before.access_mac:
                yield AccessChange(with_history(replace(entry, doc_id=doc_id), before), met=False)

    def _follow(self, connector: Connector, cursor: str | None) -> Iterator[Action]:
        batch = Batch()
        self._unlisted.clear()
        try:
            yield from self._changes(connector, cursor, batch)
        except SourceError:
            yield from self._compare(batch)  # what came before the break is good
            raise

    def _changes(self, connector: Connector, cursor: str | None, batch: Batch) -> Iterator[Action]:
        for change in self._patience.changes(connector, cursor):
            match change:
                case Upsert(item):
                    batch.add(self._compare_with.entry(item, self._pass), item)
                case Listed(native_id):
                    batch.add_listed(self._compare_with.doc_id(native_id), change)
                case Unlisted(within):
                    self._unlisted.append(within)
                case Delete(native_id):
                    yield from self._take(connector, batch)
                    yield from self._remove(self._compare_with.doc_id(native_id))
                case Checkpoint(cursor=position, complete=complete):
                    yield from self._take(connector, batch)
                    yield from self._finish() if complete else ()
                    yield Mark(position, complete)
                    self._whole = complete
            if batch.full:
                yield from self._take(connector, batch)
        yield from self._take(connector, batch)

    def _take(self, connector: Connector, batch: Batch) -> Iterator[Action]:
        """Sort what was listed and what came with its content by what is known of it, and empty the batch."""
        yield from self._compare(batch)
        listed = batch.take_listed()
        if not listed:
            return
        if not self._under_way.isdisjoint(listed):
            yield from self._drain()  # what is known of it is about to change, and so is who may see it
        known = self._state.lookup(listed.keys())
        seen: list[str] = []
        kept_out: list[str] = []
        wanted: dict[str, Listed] = {}
        for doc_id, one in listed.items():
            before = known.get(doc_id)
            entry = None if before is None else self._compare_with.listed(one, before, self._pass)
            if before is None or entry is None or self._compare_with.wants_content(one, entry, before):
                wanted[one.native_id] = one
            elif before.status not in PRESENT:
                kept_out.append(doc_id)
            elif before.access_mac != entry.access_mac:
                yield AccessChange(with_history(entry, before))
            else:
                seen.append(doc_id)
        if seen:
            yield Seen(tuple(seen), self._pass)
        if kept_out:
            yield KeptOut(tuple(kept_out), self._pass)
        if wanted:
            yield from self._read(connector, wanted, batch)

    def _read(self, connector: Connector, wanted: Mapping[str, Listed], batch: Batch) -> Iterator[Action]:
        """Ask for the content of listed items; one that is gone by now counts as not met."""
        for item in self._patience.fetched(connector, wanted):
            told = wanted[item.native_id]
            if item.access is None:
                item = replace(item, access=told.access)
            if item.version is None:
                item = replace(item, version=told.version)
            batch.add(self._compare_with.entry(item, self._pass), item)
            if batch.full:
                yield from self._compare(batch)
        yield from self._compare(batch)

    def _compare(self, batch: Batch) -> Iterator[Action]:
        """Sort the items of a batch by what is known of each, and empty it of them."""
        if not batch.items:
            return
        if len(self._under_way) > _DRAIN_AFTER or not self._under_way.isdisjoint(batch.items):
            yield from self._drain()
        known = self._state.lookup(batch.items.keys())
        seen: list[str] = []
        kept_out: list[str] = []
        dated: dict[str, Mapping[str, str]] = {}
        marked: dict[str, bytes] = {}
        for doc_id, (entry, item) in batch.take():
            before = known.get(doc_id)
            if self._compare_with.stays_out(entry, before):
                kept_out.append(doc_id)
                continue
            if before is None or self._compare_with.must_treat(entry, before):
                entry = self._compare_with.to_treat(entry, item, before)
                if not entry.present and entry.body_mac is not None:
                    entry = replace(entry, alike=self._state.alike(entry.body_mac) or "")
                self._under_way.add(doc_id)
                yield Change(entry, item)
                continue
            if entry.version_mac is not None and before.version_mac != entry.version_mac:
                marked[doc_id] = entry.version_mac
            if before.access_mac != entry.access_mac:
                yield AccessChange(with_history(entry, before))
            else:
                seen.append(doc_id)
            if before.dates != entry.dates:
                dated[doc_id] = entry.dates
        if seen or dated or marked:
            yield Seen(tuple(seen), self._pass, dated, marked)
        if kept_out:
            yield KeptOut(tuple(kept_out), self._pass)

    def _remove(self, doc_id: str) -> Iterator[Action]:
        if doc_id in self._under_way:
            yield from self._drain()
        before = self._state.lookup([doc_id]).get(doc_id)
        if before is not None and before.status in PRESENT:
            yield Removal((doc_id,))

    def _finish(self) -> Iterator[Action]:
        """The source was listed whole: what this pass has not met is gone, or nobody's where none could look.

        Not so for a pass that goes on: what it began with may have changed, and the pass that follows tells.
        """
        yield from self._drain()
        reach("sync.listed")
        if self._goes_on:
            return
        for some in self._state.unseen(self._pass) if self._unlisted else ():
            yield from self._seen_by(sorted(self._hidden(some)), {})
        gone = self._state.count_unseen(self._pass)
        present = self._state.present()
        if gone > FEW and gone > self._max_delete_share * present:
            gone = sum(len(left) - len(self._state.moved(left, self._pass)) for left in self._left())
        if gone > FEW and gone > self._max_delete_share * present:
            yield Mark(None, complete=False)  # and the next sync looks at the whole source anew
            raise MassDeletion(
                f"this pass would delete {gone} of {present} documents",
                remedy="If the source really shrank so far, run one sync with --allow-mass-delete; otherwise check "
                "that the source is mounted and its globs are right. Nothing was deleted.",
            )
        for left in self._left():
            yield Removal(tuple(left), self._state.moved(left, self._pass))

    def _left(self) -> Iterator[list[str]]:
        """Give what this pass has not met and could have, some at a time; they may be deleted on the way."""
        for some in self._state.unseen(self._pass):
            hidden = self._hidden(some)
            if left := [doc_id for doc_id in some if doc_id not in hidden]:
                yield left

    def _hidden(self, doc_ids: Sequence[str]) -> frozenset[str]:
        """Return which of these documents are in a part of the source that could not be looked into."""
        if not self._unlisted:
            return frozenset()
        named = self._state.native_ids(doc_ids)
        return frozenset(doc_id for doc_id in named if named[doc_id].startswith(tuple(self._unlisted)))

    def _drain(self) -> Iterator[Action]:
        yield Drain()
        self._under_way.clear()


def _named(connector: Connector, cursor: str | None) -> Iterator[Listed]:
    """What a pass over the source names, without the contents."""
    for change in said_by(connector, partial(connector.changes, cursor)):
        if isinstance(change, Upsert):
            yield Listed(change.item.native_id, None, change.item.access)
        elif isinstance(change, Listed):
            yield change
