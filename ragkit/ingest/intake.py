"""Between the sync engine and the parser: hands on what must be treated, settles the rest at once, keeps the order.

Documents are independent, so unchanged, re-permitted and removed ones are settled as they come. A cursor is different:
it is stored when every item handed on before it is settled, however far the parser has looked ahead meanwhile.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ragkit.connect.actions import AccessChange, Action, Change, Drain, Entry, KeptOut, Mark, Removal, Seen
from ragkit.crashpoints import reach
from ragkit.ingest.tally import Tally
from ragkit.types import SourceItem

if TYPE_CHECKING:
    from ragkit.ingest.settings import Held
    from ragkit.store.syncstate import SyncStateTable
    from ragkit.store.writer import DocumentWriter


class Intake:
    """The items of one run that must be treated, in segments.

    Between two segments everything handed on must be settled; the engine asks for that where order matters.

    Attributes:
        more: False once the source is exhausted or broke; then ``failure`` says why.
    """

    def __init__(
        self,
        actions: Iterator[Action],
        *,
        state: SyncStateTable,
        writer: DocumentWriter | None,
        tally: Tally,
        held: Held | None = None,
    ) -> None:
        self._actions = actions
        self._state = state
        self._writer = writer
        self._tally = tally
        self._held = held
        self._lock = threading.Lock()  # a parser may pull from a thread of its own
        self._entries: deque[Entry] = deque()
        self._marks: deque[tuple[int, Mark]] = deque()
        self._handed_on = 0
        self._settled = 0
        self.more = True
        self.failure: Exception | None = None

    def segment(self) -> Iterator[SourceItem]:
        """Give items until all of them must be settled before the next is taken."""
        try:
            while (action := self._next()) is not None:
                match action:
                    case Change(entry, item):
                        self._entries.append(entry)
                        with self._lock:
                            self._handed_on += 1
                        reach("sync.before_parse")
                        yield item
                    case Drain():
                        return
                    case Mark():
                        with self._lock:
                            self._marks.append((self._handed_on, action))
                        self.settle(0)
                    case _:
                        self._carry_out(action)
        except Exception as bad:  # kept until what was handed on before is committed
            self.failure = bad
        self.more = False

    def take_entry(self) -> Entry:
        """Return the entry of the next item, in the order in which they were handed on."""
        return self._entries.popleft()

    def settle(self, items: int) -> None:
        """Note that so many more items are committed, and store the cursor that this allows."""
        due: Mark | None = None
        with self._lock:
            self._settled += items
            while self._marks and self._marks[0][0] <= self._settled:
                due = self._marks.popleft()[1]
            if due is not None and self._writer is not None:
                reach("sync.before_checkpoint")
                self._state.checkpoint(due.cursor, complete=due.complete)
                reach("sync.after_checkpoint")
                self._tally.tell("ingest.run.checkpoint", items=self._settled, complete=due.complete)

    def raise_failure(self) -> None:
        """Raise what ended the source early, now that everything before it is settled."""
        if self.failure is not None:
            raise self.failure

    @property
    def done(self) -> int:
        """Items that are through, unchanged ones included."""
        counts = self._tally.counts
        return self._settled + counts["unchanged"] + counts["access_changed"] + counts["expired"]

    def _next(self) -> Action | None:
        with self._tally.clock("source"):
            return next(self._actions, None)

    def _carry_out(self, action: Action) -> None:
        """Settle what needs no parsing. Events come first: nothing happens that was not recorded."""
        match action:
            case Seen(doc_ids, pass_number, dates, versions):
                self._state.mark_seen(doc_ids, pass_number)
                if dates:
                    self._state.set_dates(dates)
                reach("sync.in_seen")
                if versions:
                    self._state.set_versions(versions)
                self._tally.counts["unchanged"] += len(doc_ids)
            case KeptOut(doc_ids, pass_number):
                self._state.mark_seen(doc_ids, pass_number)
                self._tally.counts["expired"] += len(doc_ids)
            case AccessChange(entry, met):
                self._tally.counts["access_changed"] += 1
                if self._writer is None:
                    self._state.mark_seen([entry.doc_id] if met else [], entry.pass_number)
                    self._state.foresee_access(entry.doc_id, entry.access_mac)
                    return
                self._tally.tell(
                    "acl.changed",
                    doc=entry.doc_id,
                    version=entry.last_version,
                    access_class=self._tally.access_class(entry.access),
                    tokens=len(entry.access),
                )
                self._writer.set_access(entry, met=met)
            case Removal(gone, moved):
                kept = self._held(gone) if self._held is not None else set()
                doc_ids = tuple(doc_id for doc_id in gone if doc_id not in kept)
                self._tally.counts["held"] += len(kept)
                renamed = len(moved.keys() & set(doc_ids))
                self._tally.counts["renamed"] += renamed
                self._tally.counts["added"] = max(0, self._tally.counts["added"] - renamed)  # or in a run before
                self._tally.counts["deleted"] += len(doc_ids) - renamed
                if self._writer is None:
                    return
                if kept:
                    self._tally.tell("hold.kept", documents=len(kept))
                    self._state.mark_held(sorted(kept))
                for doc_id in doc_ids:
                    went = {"moved_to": moved[doc_id]} if doc_id in moved else {}
                    self._tally.tell("doc.deleted", doc=doc_id, **went)
                self._writer.remove(doc_ids)
