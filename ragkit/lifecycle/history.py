"""The window of history: past versions go at its end, and at once with a person, a correction, an officer or a rule.

::

    purge_past(store, holds, recorder, days=30, keep_days=35)     # a sync and a retention run do this
    destroy_past(store, places, "erasure", recorder=…)

Purged by age, a version loses its rows; its key goes with them unless backups are to stay readable for longer: then it
is released as of when the version was replaced, as it would have been without history, and destroyed ``keep_days``
after that. Everything else destroys keys at once. A run that was killed is simply run again.
"""

from __future__ import annotations

from collections.abc import Collection as Values
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from ragkit.crashpoints import reach
from ragkit.store.ageing import aged_past
from ragkit.store.history import micros
from ragkit.store.pastrows import PastRows, Place

if TYPE_CHECKING:
    from ragkit.lifecycle.erase_plan import Person
    from ragkit.lifecycle.holds import Holds
    from ragkit.lifecycle.retention_rules import Rule
    from ragkit.protocols import Recorder
    from ragkit.store.records import RecordStore

Cause = Literal["age", "retention", "erasure"]


@dataclass(frozen=True, slots=True)
class Purged:
    """What went by age: versions, and those whose keys were destroyed; the others' keys stay for backups."""

    versions: int = 0
    keys: int = 0


def purge_past(
    store: RecordStore,
    holds: Holds,
    recorder: Recorder,
    *,
    days: int,
    keep_days: int,
    fate_days: int = 183,
    now: datetime | None = None,
) -> Purged:
    """Destroy what was replaced longer ago than the window reaches; the workspace's write lock is held.

    Args:
        store: Whose past; open for writing.
        holds: What a legal hold names stays, however old.
        recorder: Gets the event, before anything is destroyed.
        days: The window. 0 destroys all: history is not kept any more.
        keep_days: How long the keys of what was replaced stay, for backups.
        fate_days: How long it is known what became of a version.
        now: The present; by default the clock's.
    """
    present = now or datetime.now(UTC)
    limit = micros(present - timedelta(days=days)) if days else None
    past = PastRows(store.database, store.collection)
    old = past.ended_before(limit)
    held = holds.held_past({one.place for one in old}) if old else set()
    due = [one for one in old if one.place not in held]
    if due:
        _tell(store, recorder, len(due), "age", days=days)
    still = micros(present - timedelta(days=keep_days))
    later = {one.place: one.ended for one in due if one.ended > still}
    reach("history.before_purge")
    store.mark_kept(limit)
    done = past.destroy([one.place for one in due], "purged", keep_keys=later)
    _tell_keys(store, recorder, len(due) - len(later))
    past.end_before(limit)
    past.forget_fates(micros(present - timedelta(days=fate_days)))
    return Purged(done, len(due) - len(later))


def expire_past(store: RecordStore, rules: Sequence[Rule], holds: Holds, recorder: Recorder, *, now: datetime) -> int:
    """Destroy what is kept of documents that answer no more and are too old by a rule; legal holds keep theirs.

    Returns:
        How many versions were destroyed.
    """
    past = PastRows(store.database, store.collection)
    over: set[str] = set()
    for one in aged_past(store.database, store.collection, past.gone_documents() if rules else ()):
        dates = (rule.date_of(one.dates, one.indexed_at) for rule in rules if rule.covers(one.source))
        limits = (rule.limit(now) for rule in rules if rule.covers(one.source))
        if any(date is not None and date < limit for date, limit in zip(dates, limits, strict=True)):
            over.add(one.doc_id)
    places = past.of_documents(over)
    return destroy_past(store, places - holds.held_past(places), "retention", recorder=recorder)


def destroy_past(
    store: RecordStore,
    places: Values[Place],
    cause: Literal["retention", "erasure"],
    *,
    recorder: Recorder,
    request: str | None = None,
) -> int:
    """Destroy past versions with their keys, at once; the event comes first.

    Returns:
        How many there were.
    """
    if not places:
        return 0
    _tell(store, recorder, len(places), cause, request=request)
    how: Literal["erased", "purged"] = "erased" if cause == "erasure" else "purged"
    done = PastRows(store.database, store.collection).destroy(places, how)
    _tell_keys(store, recorder, done, request=request)
    return done


def past_naming(store: RecordStore, person: Person) -> int:
    """Count the past versions that are about a person: a value stands in them that is theirs alone, or all of it is."""
    past = PastRows(store.database, store.collection)
    numbers = {one.number for one in person.values if one.certain and not one.shared}
    wholly = [one.doc_id for one in person.documents if one.wholly]
    return len(past.mentioning(numbers) | past.of_documents(wholly))


def _tell_keys(store: RecordStore, recorder: Recorder, number: int, *, request: str | None = None) -> None:
    """Record that keys are gone: a copy of the key file that is older would bring them back, and is refused for it."""
    if number:
        data = {"collection": store.collection.name, "scope": "document", "keys": number}
        recorder.record("key.destroyed", request=request, data=data)


def _tell(store: RecordStore, recorder: Recorder, number: int, cause: Cause, **more: Any) -> None:
    data = {"collection": store.collection.name, "versions": number, "cause": cause}
    request = more.pop("request", None)
    recorder.record("history.purged", request=request, data=data | more)
