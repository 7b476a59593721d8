"""Letting evidence go with what it is about: at its age, with a person who is erased, with a document.

::

    end_evidence(store, "care", holds, recorder, days=183)        # a sync and a retention run do this
    drop_quoting(store, "care", doc_ids, recorder)                # documents that a rule lets go

Evidence that quotes a document goes when a retention rule or an erasure lets the document go, though not when it is
merely gone at its source: what was answered from it then is what evidence is for.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from ragkit.audit.evidence_destroying import Destroyed
from ragkit.crashpoints import reach
from ragkit.crypto import key_number
from ragkit.egress.bodies import NotText, texts_of
from ragkit.mask.tokens import TOKEN

if TYPE_CHECKING:
    from ragkit.audit.evidence import EvidenceStore
    from ragkit.lifecycle.erase_plan import Plan
    from ragkit.lifecycle.erase_survey import Find
    from ragkit.lifecycle.holds import Holds
    from ragkit.protocols import Recorder

WAIT_SECONDS = 60.0
_PAUSE = 0.05
_AT_ONCE = 500
"""Turns in one transaction, so that nobody who asks waits for long."""


def end_evidence(
    evidence: EvidenceStore,
    collection: str,
    holds: Holds,
    recorder: Recorder,
    *,
    days: int,
    now: datetime | None = None,
) -> Destroyed:
    """Destroy what was kept longer ago than evidence is to be kept.

    What quotes a document under a legal hold, or names a value under one, stays.

    Args:
        evidence: The store.
        collection: Whose.
        holds: Of the collection.
        recorder: Gets the event, before anything is destroyed.
        days: How long evidence is kept.
        now: The present; by default the clock's.
    """
    limit = (now or datetime.now(UTC)) - timedelta(days=days)
    old = evidence.older_than(limit.timestamp(), collection)
    documents = holds.held({doc_id for one in old for doc_id in one.doc_ids})
    numbers = holds.held_numbers({number for one in old for number in one.numbers})
    due = [one.request for one in old if not (one.doc_ids & documents or one.numbers & numbers)]
    return _emptied(evidence, _destroy(evidence, collection, due, recorder, cause="age", days=days))


def drop_quoting(evidence: EvidenceStore, collection: str, doc_ids: Collection[str], recorder: Recorder) -> Destroyed:
    """Destroy what quotes these documents, which a retention rule lets go."""
    quoting = evidence.requests(collection, doc_ids=doc_ids)
    return _emptied(evidence, _destroy(evidence, collection, quoting, recorder, cause="document"))


def erase_evidence(
    evidence: EvidenceStore, collection: str, plan: Plan, find: Find, recorder: Recorder, *, request: str
) -> dict[str, int]:
    """Delete what is kept about a person whose keys are destroyed, and look through all the rest for them in clear.

    Returns:
        Counts for the receipt.
    """
    doomed, read, unreadable = about(evidence, collection, plan, find)
    plan.traces["key"] = list(
        dict.fromkeys([*plan.traces.get("key", ()), *(one.hex() for one in evidence.traces(doomed))])
    )
    reach("erase.in_evidence")
    gone = _destroy(evidence, collection, doomed, recorder, cause="erasure", request=request)
    emptied = empty_log(evidence)
    return {**gone.counts(), "read": read, "unreadable": unreadable, "emptied": int(emptied)}


def about(evidence: EvidenceStore, collection: str, plan: Plan, find: Find) -> tuple[list[str], int, int]:
    """Return the turns that are about the person of a plan, how many others were read, and how many could not be.

    By the numbers of their values, in whatever spelling; by the documents that go, or in which a value of theirs stood
    unmasked; and by the text itself: a value that no detector found, or a token from before the value was in the vault.
    A turn that was damaged may be about anybody, and serves nobody any more: it goes too.
    """
    tokens = frozenset(filter(None, plan.tokens))
    numbers = {key_number(bytes.fromhex(mac)) for mac in plan.macs} | {*plan.numbers}
    found = set(evidence.requests(collection, numbers=numbers, doc_ids=[*plan.deleted, *plan.clear]))
    read, damaged = 0, list[str]()
    for one, contents in evidence.contents(collection, damaged):
        if one in found:
            continue
        read += 1
        if any(find(TOKEN.sub(" ", text)) or any(token in text for token in tokens) for text in _texts(contents)):
            found.add(one)
    found.update(damaged)
    return [one for one in evidence.requests(collection) if one in found], read, len(damaged)


def count_quoting(
    evidence: EvidenceStore, collection: str, *, numbers: Collection[int], days: int
) -> dict[str, int | str]:
    """Count the dialogues and questions that are kept in which one of these values stands, and tell for how long."""
    held = evidence.held(evidence.requests(collection, numbers=numbers))
    return {
        "dialogues": held.conversations,
        "questions": held.turns,
        "days": days,
        "first": _date(held.oldest),
        "last": _date(held.newest),
    }


def _date(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).date().isoformat() if seconds else ""


def _destroy(
    evidence: EvidenceStore,
    collection: str,
    requests: Iterable[str],
    recorder: Recorder,
    *,
    cause: str,
    request: str | None = None,
    days: int | None = None,
) -> Destroyed:
    """Destroy these turns, a few hundred at once; each event is on the disk before its turns are gone."""
    total, waiting = Destroyed(), list(requests)
    for start in range(0, len(waiting), _AT_ONCE):
        some = waiting[start : start + _AT_ONCE]
        data: dict[str, object] = {"collection": collection, "cause": cause, "turns": len(some)}
        data["conversations"] = evidence.held(some).conversations
        data |= {"days": days} if days is not None else {}
        recorder.record("evidence.destroyed", request=request, data=data)
        done = evidence.destroy(some, cause=cause)
        total = Destroyed(total.conversations + done.conversations, total.turns + done.turns, total.parts + done.parts)
    return total


def _texts(contents: Iterable[bytes]) -> Iterator[str]:
    """Every text in the parts of a turn; JSON is decoded first."""
    for content in contents:
        try:
            yield from texts_of(content)
        except NotText:
            yield content.decode("utf-8", "replace")


def empty_log(evidence: EvidenceStore) -> bool:
    """Leave nothing of what was destroyed in the write-ahead log; false if readers are in the way for too long."""
    began = time.monotonic()
    while not evidence.empty_log():
        if time.monotonic() - began > WAIT_SECONDS:
            return False
        time.sleep(_PAUSE)
    return True


def _emptied(evidence: EvidenceStore, done: Destroyed) -> Destroyed:
    """Empty the log if it can be done at once; a sync and a retention run come again, and then nothing need be due."""
    return replace(done, emptied=evidence.empty_log())
