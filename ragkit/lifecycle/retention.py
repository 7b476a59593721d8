"""Retention: what is older than its rule allows goes, keys first, and stays away while its source still has it.

::

    rules = rules_of(config.retention, "tickets")
    report = Retention(store, rules, vault=…, holds=…, recorder=…).run(dry_run=True)

A document goes with its record keys, so that it is unreadable in every backup too, with the vault values that stand in
no other document, and with what is kept of it for replay. What a legal hold keeps is counted and left. Killed, it is
run again: what is half gone is still too old. The caller folds the index afterwards.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Protocol

from ragkit.crashpoints import reach
from ragkit.errors import KeyDestroyed
from ragkit.lifecycle.history import destroy_past, expire_past
from ragkit.lifecycle.retention_rules import Rule
from ragkit.mask.tokens import find_tokens
from ragkit.store import ageing
from ragkit.store.pastrows import PastRows

if TYPE_CHECKING:
    from ragkit.lifecycle.holds import Holds
    from ragkit.protocols import Progress, Recorder
    from ragkit.store.records import RecordStore
    from ragkit.store.stored import StoredVersion
    from ragkit.types import Principal

_BATCH = 64


class TokenBook(Protocol):
    """Tells what tokens stand for (:class:`ragkit.mask.vault.Vault`)."""

    def items_of(self, token_ids: Collection[str]) -> Mapping[str, tuple[tuple[str, str], int]]: ...

    def value_number(self, item: tuple[str, str]) -> int: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleReport:
    """What one rule asks for.

    Attributes:
        documents: Too old, and let go (in a dry run: that would be).
        held: Too old, and kept by a legal hold.
        undated: Documents of which the date is not known; they stay.
        oldest: Date that age counts from, of the oldest of ``documents``; ISO 8601.
        newest: Of the newest of them.
    """

    rule: Rule
    collection: str
    documents: int = 0
    held: int = 0
    undated: int = 0
    oldest: str | None = None
    newest: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionReport:
    """What a run did, or would do: counts and dates.

    Attributes:
        values: Vault values that stood in these documents only, and went with them.
        keys: Record keys destroyed, of all versions of these documents and of these values.
        pruned: Keys of what was replaced or deleted long ago, which only backups too old to be kept could need.
        dry_run: Nothing was deleted; ``values``, ``keys`` and ``pruned`` are 0.
        keys_problem: Why the copy of the key file could not be made anew; it would bring back what went.
    """

    rules: tuple[RuleReport, ...] = ()
    documents: int = 0
    values: int = 0
    keys: int = 0
    pruned: int = 0
    elapsed: float = 0.0
    dry_run: bool = False
    keys_problem: str = ""

    @property
    def held(self) -> int:
        """Documents that a legal hold keeps, over all rules."""
        return sum(one.held for one in self.rules)

    @classmethod
    def together(cls, reports: Sequence[RetentionReport]) -> RetentionReport:
        """Add the reports of several collections up."""
        counts = {
            name: sum(getattr(one, name) for one in reports) for name in ("documents", "values", "keys", "pruned")
        }
        rules = sorted((rule for one in reports for rule in one.rules), key=lambda one: one.rule.number)
        return cls(rules=tuple(rules), **counts, dry_run=any(one.dry_run for one in reports))


@dataclass(slots=True)
class _Due:
    """What a rule found."""

    report: RuleReport
    doc_ids: list[str] = field(default_factory=list)


class Retention:
    """Carries out the rules of one collection.

    Args:
        store: Its records; open for writing, with the workspace's write lock held, unless only looked at.
        rules: Of this collection.
        vault: Tells what tokens stand for.
        holds: What must stay.
        recorder: Gets an event a rule, before anything is deleted.
        now: The present; by default the clock's.
        actor: Who asked for it, for the events.
        quoting: Destroys what is kept elsewhere of these documents' text; called before they are let go.
    """

    def __init__(
        self,
        store: RecordStore,
        rules: Sequence[Rule],
        *,
        vault: TokenBook,
        holds: Holds,
        recorder: Recorder,
        now: datetime | None = None,
        actor: Principal | None = None,
        quoting: Callable[[Sequence[str]], object] | None = None,
    ) -> None:
        self._actor = actor
        self._quoting = quoting
        self._store = store
        self._rules = rules
        self._vault = vault
        self._holds = holds
        self._recorder = recorder
        self._now = now or datetime.now(UTC)

    def due(self) -> list[RuleReport]:
        """Return what each rule asks for now; nothing is written, not even an event."""
        return [one.report for one in self._look()]

    def run(
        self,
        *,
        dry_run: bool = False,
        keep_days: int = 35,
        purpose: str = "",
        progress: Progress | None = None,
    ) -> RetentionReport:
        """Let go of what is too old, and prune the keys that no backup worth keeping needs.

        Args:
            dry_run: Only tell.
            keep_days: How long the keys of replaced and deleted records stay.
            purpose: Why, as a keyed hash (:meth:`ragkit.audit.recorder.EventRecorder.keyed`); may be empty.
            progress: Called with ``"retention"``.
        """
        found = self._look()
        for one in found:
            self._tell(one.report, dry_run=dry_run, purpose=purpose)
        total = RetentionReport(rules=tuple(one.report for one in found), dry_run=dry_run)
        total = replace(total, documents=sum(one.report.documents for one in found))
        if dry_run:
            return total
        waiting = iter([doc_id for one in found for doc_id in one.doc_ids])
        done: Counter[str] = Counter()
        expire_past(self._store, self._rules, self._holds, self._recorder, now=self._now)
        while batch := list(islice(waiting, _BATCH)):
            done += self._let_go(batch)
            if progress is not None:
                progress("retention", done["documents"], total.documents)
        self._store.sweep()
        values = ageing.drop_dead_values(self._store.database, self._store.collection)
        pruned = self._store.collection.records.prune(self._now - timedelta(days=keep_days))
        self._recorder.flush()
        return replace(total, values=values, keys=done["keys"], pruned=pruned)

    def _look(self) -> list[_Due]:
        found = [_Due(RuleReport(rule=rule, collection=self._store.collection.name)) for rule in self._rules]
        dates: list[list[str]] = [[] for _ in found]
        counts: list[Counter[str]] = [Counter() for _ in found]
        for document in ageing.aged_documents(self._store.database, self._store.collection) if found else ():
            for place, rule in enumerate(self._rules):
                if not rule.covers(document.source):
                    continue
                date = rule.date_of(document.dates, document.indexed_at)
                if date is None:
                    counts[place]["undated"] += 1
                elif date < rule.limit(self._now):
                    found[place].doc_ids.append(document.doc_id)
                    dates[place].append(date)
                    break
        for one, when, counted in zip(found, dates, counts, strict=True):
            held = self._holds.held(one.doc_ids) | self._with_held_past(one.doc_ids)
            pairs = [(date, doc_id) for date, doc_id in zip(when, one.doc_ids, strict=True) if doc_id not in held]
            one.doc_ids = [doc_id for _, doc_id in pairs]
            one.report = replace(
                one.report,
                documents=len(pairs),
                held=len(held),
                undated=counted["undated"],
                oldest=min(pairs)[0] if pairs else None,
                newest=max(pairs)[0] if pairs else None,
            )
        return found

    def _with_held_past(self, doc_ids: Sequence[str]) -> set[str]:
        """Which of these documents have a version, kept for replay, that a legal hold names."""
        past = PastRows(self._store.database, self._store.collection).of_documents(doc_ids)
        return {doc_id for doc_id, _ in self._holds.held_past(past)}

    def _let_go(self, doc_ids: Sequence[str]) -> Counter[str]:
        if self._quoting is not None:
            self._quoting(doc_ids)
        records = self._store.collection.records
        past = PastRows(self._store.database, self._store.collection).of_documents(doc_ids)
        destroy_past(self._store, past, "retention", recorder=self._recorder)
        numbers = self._values_of(doc_ids)
        reach("retention.before_keys")
        keys = records.destroy_values(numbers)
        reach("retention.after_values")
        keys += records.destroy_documents(doc_ids)
        reach("retention.after_keys")
        ageing.expire(self._store.database, doc_ids)
        reach("retention.after_rows")
        return Counter(documents=len(doc_ids), keys=keys)

    def _values_of(self, doc_ids: Sequence[str]) -> set[int]:
        """The numbers of the vault rows that go: values of these documents alone, with every spelling of them."""
        alone = ageing.values_only_in(self._store.database, doc_ids)
        alone -= self._holds.held_numbers(alone)
        tokens = {token for doc_id in doc_ids for token in self._tokens_in(doc_id)}
        spelled = self._vault.items_of(tokens).values()
        return alone | {number for item, number in spelled if self._vault.value_number(item) in alone}

    def _tokens_in(self, doc_id: str) -> set[str]:
        try:
            stored = self._store.stored(doc_id)
        except KeyDestroyed:  # of a run that was killed; its values are gone already
            return set()
        return {token for text in _texts(stored) for *_, token in find_tokens(text)} if stored is not None else set()

    def _tell(self, report: RuleReport, *, dry_run: bool, purpose: str) -> None:
        rule = report.rule
        data = {
            "collection": report.collection,
            "rule": rule.number,
            "days": rule.days,
            "clock": rule.clock,
            "documents": report.documents,
            "held": report.held,
            "undated": report.undated,
            "dry_run": dry_run,
        }
        data |= {"source": rule.source} if rule.source else {}
        data |= {"purpose": purpose} if purpose else {}
        self._recorder.record("retention.purged", actor=self._actor, data=data)


def _texts(stored: StoredVersion) -> list[str]:
    header = stored.header
    pairs = [header.title, header.name, *header.metadata.values(), *([header.uri] if header.uri else [])]
    texts: list[str] = [record for record, _ in pairs]
    for chunk in stored.chunks:
        texts += [chunk.record, chunk.context_record, chunk.heading, *(path for _, path in chunk.headings)]
    return texts
