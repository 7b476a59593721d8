"""The numbers and the events of one run."""

from __future__ import annotations

import re
import uuid
from collections import Counter
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from ragkit.ingest.report import StageClock, SyncReport
from ragkit.protocols import Recorder
from ragkit.store.access import class_id
from ragkit.store.staging import Refused, Staging
from ragkit.types import Principal

if TYPE_CHECKING:
    from ragkit.connect.actions import Entry
    from ragkit.store.catalog import Collection

_MOST_TOKENS = 500


class Tally:
    """Counts what happens to items and records it, without content."""

    def __init__(
        self,
        recorder: Recorder,
        *,
        collection: Collection,
        source: str,
        dry_run: bool,
        actor: Principal | None = None,
        token_hash: Callable[[str], str] | None = None,
    ) -> None:
        self._recorder = recorder
        self._collection = collection
        self._source = source
        self._dry_run = dry_run
        self._actor = actor
        self._token_hash = token_hash
        self._classes: set[str] = set()
        self._known = {"collection": collection.name, "source": source, "run": uuid.uuid4().hex}
        self._notices: Counter[str] = Counter()
        self._masked: Counter[str] = Counter()
        self.counts: Counter[str] = Counter()
        self.policy_changed = False
        self.clock = StageClock()

    def tell(self, kind: str, *, outcome: str = "ok", reason: str = "", **data: Any) -> None:
        """Record an event of this run."""
        self._recorder.record(kind, outcome=outcome, reason=reason, actor=self._actor, data={**self._known, **data})

    def access_class(self, tokens: frozenset[str]) -> str:
        """Return the access class of these tokens; who is in it is recorded when this run meets it first."""
        found = class_id(self._collection, tokens)
        if found not in self._classes and self._token_hash is not None:
            hashed = sorted(map(self._token_hash, tokens))
            for start in range(0, max(1, len(hashed)), _MOST_TOKENS):
                self.tell("acl.class", access_class=found, tokens=hashed[start : start + _MOST_TOKENS])
            self._classes.add(found)
        return found

    def expect(self, entry: Entry) -> None:
        """Count an item of a dry run as what it would be tried as."""
        self.counts["updated" if entry.present else "added"] += 1

    def account(self, outcome: Staging | Refused) -> None:
        """Count an outcome and record it; it is about to be committed."""
        doc_id = outcome.entry.doc_id
        if isinstance(outcome, Refused):
            self.counts["refused"] += 1
            self.tell("doc.quarantined", doc=doc_id, version=outcome.entry.last_version, code=outcome.code)
            return
        policy = outcome.columns["policy"]
        change = "updated" if outcome.entry.answering else "added"
        self.counts[change] += 1
        self.counts["chunks"] += outcome.count
        self._notices.update(outcome.notices)
        self._masked.update(outcome.masked)
        place: dict[str, Any] = {"doc": doc_id, "version": outcome.number}
        self.tell(
            f"doc.{change}",
            **place,
            chunks=outcome.count,
            policy=policy,
            notices=dict(outcome.notices),
            access_class=self.access_class(outcome.entry.access),
        )
        how = outcome.findings.told()
        if outcome.masked or how:
            self.tell("pii.masked", **place, entities=dict(outcome.masked), policy=policy, **how)

    def tell_failure(self, bad: BaseException) -> None:
        """Record that the run broke off, and by which kind of error."""
        name = re.sub(r"(?<=[a-z])(?=[A-Z])", "-", type(bad).__name__).lower()
        self.tell("ingest.run.finished", outcome="error", reason=name, **self._numbers())

    def tell_end(self) -> None:
        """Record that the run ended well, and make the events durable."""
        self.tell("ingest.run.finished", **self._numbers())
        self._recorder.flush()

    def report(self, quarantined: Mapping[str, int]) -> SyncReport:
        """Sum the run up."""
        seconds = dict(self.clock.seconds)  # the parser pulls the source, so its time holds the source's
        seconds["parse"] = max(0.0, seconds.get("parse", 0.0) - seconds.get("source", 0.0))
        return SyncReport(
            source=self._source,
            added=self.counts["added"],
            updated=self.counts["updated"],
            unchanged=self.counts["unchanged"],
            renamed=self.counts["renamed"],
            access_changed=self.counts["access_changed"],
            deleted=self.counts["deleted"],
            expired=self.counts["expired"],
            held=self.counts["held"],
            refused=self.counts["refused"],
            quarantined=quarantined,
            chunks=self.counts["chunks"],
            notices=dict(self._notices),
            masked=dict(self._masked),
            seconds=seconds,
            elapsed=self.clock.elapsed,
            dry_run=self._dry_run,
            policy_changed=self.policy_changed,
        )

    def _numbers(self) -> dict[str, Any]:
        plain = ("added", "updated", "unchanged", "renamed", "access_changed", "deleted", "expired", "held", "chunks")
        return {
            **{name: self.counts[name] for name in plain},
            "quarantined": self.counts["refused"],
            "ms": round(self.clock.elapsed * 1000),
            "dry_run": self._dry_run,
        }
