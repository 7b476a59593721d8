"""The steps of an erasure. Each leaves the same behind however often it is done, so a kill at any point does no harm.

``freeze`` denies the person at once in every open process and rules them out of all that is masked from now on;
``survey`` takes down what there is; ``keys`` makes it unreadable, here and in every copy of the record store; ``rows``
deletes and redacts; ``evidence`` deletes what answers about the person were made of, and forgets conversations with the
chatbot that name them; ``indexes`` builds a generation
without it; ``caches`` empties what is in memory; ``bytes`` leaves nothing in log or journal. What is proven of that,
and how, is :mod:`ragkit.lifecycle.verify`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ragkit.crashpoints import reach
from ragkit.crypto import key_number
from ragkit.errors import ManifestMismatch
from ragkit.lifecycle.desk import erase_conversations
from ragkit.lifecycle.erase_plan import Plan
from ragkit.lifecycle.erase_survey import finder, past_of, rulings_of, survey, take_orphans
from ragkit.lifecycle.evidence import erase_evidence
from ragkit.lifecycle.history import destroy_past
from ragkit.lifecycle.rebuild import fold
from ragkit.lifecycle.rewrite import rewrite
from ragkit.mask.operators import redacted
from ragkit.store.denials import Denials
from ragkit.store.erasure import ErasureRows
from ragkit.store.erasure_traces import ErasureTraces
from ragkit.store.pastrows import PastRows

if TYPE_CHECKING:
    from ragkit.audit.evidence import EvidenceStore
    from ragkit.desk.store import DeskStore
    from ragkit.index.collection import CollectionIndex
    from ragkit.lifecycle.erase_survey import Find
    from ragkit.mask.vault import Vault
    from ragkit.mask.views import Replacement
    from ragkit.protocols import Embedder, Progress, Recorder
    from ragkit.store.records import RecordStore
    from ragkit.types import Hit

WAIT_SECONDS = 60.0
_PAUSE = 0.05

Counts = dict[str, int]


@dataclass(slots=True, kw_only=True)
class Ground:
    """What an erasure works on; the workspace's write lock is held.

    Attributes:
        store: The records of the collection, open for writing.
        vault: Its values.
        embedder: For what is redacted.
        recorder: Takes the events.
        index: Gives the collection's index when it is needed.
        search: Answers a question in clear as the owner, for the proof.
        forget: Empties what other open handles of this process remember.
        data_folder: Every file in it is looked through.
        progress: Called with the name of a step.
        renew: Makes the copy of the key file anew, if there is one, and returns its id; empty when it could not.
        evidence: What answers were made of.
        desk: What the chatbot keeps.
        originals: Destroys uploaded originals that name a person, given what finds them and the documents that are
            deleted and redacted; returns the places of the keys.
        uploaded: Which of these documents were uploaded: nothing names the person there afterwards.
    """

    store: RecordStore
    vault: Vault
    embedder: Embedder
    recorder: Recorder
    index: Callable[[], CollectionIndex]
    search: Callable[[str], list[Hit]]
    data_folder: Path
    forget: Callable[[], None] = lambda: None
    progress: Progress | None = None
    renew: Callable[[], str] = lambda: ""
    evidence: EvidenceStore | None = None
    desk: DeskStore | None = None
    originals: Callable[[Find, list[str], list[str]], list[str]] | None = None
    uploaded: Callable[[list[str]], set[str]] = lambda _: set()
    _finders: dict[str, Find] = field(default_factory=dict)

    def find(self, request: str, plan: Plan) -> Find:
        """Return what finds the person of a plan in a text."""
        if request not in self._finders:
            self._finders[request] = finder(plan, request, self.vault, self.store.collection.keys)
        return self._finders[request]


def freeze(ground: Ground, request: str, plan: Plan) -> Counts:
    """Deny the person at once, and rule them out of all that is masked from now on."""
    key_file, collection = ground.store.database.key_file, ground.store.collection
    ruled = rulings_of(plan, request, ground.vault, collection.keys)
    with key_file.write():
        Denials(key_file, collection).add(
            request, tokens=sorted(plan.tokens), documents=plan.deleted, numbers=plan.numbers
        )
        rulings = ground.store.rulings()
        rulings.add(ruled)
        rulings.keep_away(request, plan.deleted)
    return {"tokens": len(plan.tokens), "documents": len(plan.deleted), "rulings": len(ruled)}


def take_stock(ground: Ground, request: str, plan: Plan) -> Counts:
    """Take down everything that goes."""
    ground.store.sweep()
    look_over(ground, request, plan)
    denials = Denials(ground.store.database.key_file, ground.store.collection)
    denials.add(request, tokens=sorted(filter(None, plan.tokens)), documents=plan.deleted)
    return {"values": len(plan.macs), "documents": len(plan.deleted) + len(plan.redacted), "clear": len(plan.clear)}


def look_over(ground: Ground, request: str, plan: Plan) -> None:
    """Take down everything that goes, but for denying it."""
    survey(ground.store, ground.vault, plan, ground.find(request, plan))
    naming: dict[str, list[str]] = {}
    for source, doc_ids in plan.naming.items():
        ours = ground.uploaded(doc_ids)
        if left := [doc_id for doc_id in doc_ids if doc_id not in ours]:
            naming[source] = left
    plan.naming = naming


def destroy_keys(ground: Ground, request: str, plan: Plan) -> Counts:
    """Destroy the record keys of the person's values and of the documents that go; of what is past, the rows too."""
    records = ground.store.collection.records
    past = _destroy_past(ground, request, plan)
    reach("erase.in_past")
    values = records.destroy_values([key_number(bytes.fromhex(mac)) for mac in plan.macs])
    reach("erase.in_keys")
    documents = records.destroy_documents(plan.deleted)
    reach("erase.in_documents")
    originals = _destroy_originals(ground, request, plan)
    known = {"collection": ground.store.collection.name}
    for scope, number in (("value", values), ("document", documents)):
        if number:
            ground.recorder.record("key.destroyed", request=request, data={**known, "scope": scope, "keys": number})
    done = {"values": values, "documents": documents, "past": past}
    return done | ({"originals": originals} if originals else {})


def _destroy_originals(ground: Ground, request: str, plan: Plan) -> int:
    """Destroy the uploaded originals that name the person; return how many there were."""
    if ground.originals is None:
        return 0
    places = ground.originals(ground.find(request, plan), plan.deleted, plan.redacted)
    plan.places = list(dict.fromkeys([*plan.places, *places]))
    return len(places)


def _destroy_past(ground: Ground, request: str, plan: Plan) -> int:
    """Destroy what is kept for replay of the person, with what came to it since it was taken down."""
    store = ground.store
    fresh = sorted(past_of(store, plan) - {*plan.past})
    if fresh:
        plan.take_down(ErasureTraces(store.database, store.collection).of_versions(fresh))
        plan.places += [f"d/{doc_id}/{number}" for doc_id, number in fresh]
        plan.past += fresh
    left = PastRows(store.database, store.collection).present(plan.past)
    return destroy_past(store, left, "erasure", recorder=ground.recorder, request=request)


def remove_rows(ground: Ground, request: str, plan: Plan) -> Counts:
    """Delete what is the person's alone, redact them in the rest, delete their values, parts, names and links."""
    store = ground.store
    rows, traces = ErasureRows(store.database, store.collection), ErasureTraces(store.database, store.collection)
    deleted = rows.set_aside(plan.deleted)
    reach("erase.in_rows")
    store.sweep()
    redacted_spans = _redact(ground, request, plan, rows)
    reach("erase.in_rewrite")
    replaced = traces.replaced_places(plan.redacted)
    plan.places = list(dict.fromkeys([*plan.places, *replaced]))
    keys = store.collection.records.destroy_places(replaced)
    orphans = take_orphans(store, ground.vault, plan)
    keys += store.collection.records.destroy_values([key_number(bytes.fromhex(mac)) for mac in orphans])
    past = _destroy_past(ground, request, plan)
    values = rows.delete_values([bytes.fromhex(mac) for mac in plan.macs])
    rows.forget_names(plan.named)
    cursors = rows.forget_cursors()
    return {
        "documents_deleted": deleted,
        "documents_redacted": len(plan.redacted),
        "spans_redacted": redacted_spans,
        "keys": keys,
        "past": past,
        "values": values,
        "names": len(plan.named),
        "cursors": cursors,
    }


def _redact(ground: Ground, request: str, plan: Plan, rows: ErasureRows) -> int:
    """Redact the person in documents that stay; shared values too where they stand as the person's only."""
    if not plan.redacted:
        return 0
    alike: dict[frozenset[str], list[str]] = {}
    for doc_id in plan.redacted:
        alike.setdefault(_shared_in(plan, rows.people_of(doc_id)), []).append(doc_id)
    spans = 0
    for shared, doc_ids in alike.items():

        def replace(entity_type: str, token_id: str, shared: frozenset[str] = shared) -> Replacement | None:
            goes = token_id in plan.tokens or token_id in shared
            return redacted(entity_type) if goes else None

        report = rewrite(
            ground.store,
            ground.embedder,
            ground.vault,
            doc_ids,
            replace,
            recorder=ground.recorder,
            surrogates=plan.surrogates,
            find=ground.find(request, plan),
            request=request,
            progress=ground.progress,
        )
        spans += sum(report.spans.values())
    return spans


def _shared_in(plan: Plan, people: list[frozenset[int]]) -> frozenset[str]:
    """The shared tokens that stand in a document only beside the person's own values."""
    own = set(plan.numbers)
    found = set()
    for token_id, (_, number) in plan.shared_tokens.items():
        groups = [group for group in people if number in group]
        if groups and all(group & own for group in groups):
            found.add(token_id)
    return frozenset(found)


def drop_evidence(ground: Ground, request: str, plan: Plan) -> Counts:
    """Forget conversations that name the person, and delete what answers about them were made of.

    The latter is unreadable already, since its keys are destroyed.
    """
    evidence, desk = ground.evidence, ground.desk
    name, find = ground.store.collection.name, ground.find(request, plan)
    counts: dict[str, int] = {"turns": 0}
    if desk is not None and desk.exists:
        counts |= erase_conversations(desk, name, plan, find, ground.vault, ground.recorder, request=request)
        reach("erase.in_desk")
    if evidence is not None and evidence.exists:
        counts |= erase_evidence(evidence, name, plan, find, ground.recorder, request=request)
    return counts


def renew_index(ground: Ground, request: str, plan: Plan) -> Counts:
    """Build a generation without what was removed, and delete the one before."""
    del request
    if not plan.deleted and not plan.redacted:
        return {"chunks": 0, "generation": 0}
    index = ground.index()
    try:
        report = fold(index, recorder=ground.recorder, collection=ground.store.collection.name, force=True)
    except ManifestMismatch:  # the policy is being changed: no generation is, until all is masked again
        index.generations.clear()
        report = None
    return {"chunks": report.chunks if report else 0, "generation": report.number if report else 0}


def empty_caches(ground: Ground, request: str, plan: Plan) -> Counts:
    """Empty what this process remembers; others see by the key file that keys were destroyed."""
    del request, plan
    ground.vault.discard()
    ground.forget()
    return {"epoch": ground.store.collection.records.epoch()}


def clear_bytes(ground: Ground, request: str, plan: Plan) -> Counts:
    """Empty the write-ahead log and rewrite the key file. Waits for readers that are in the way."""
    del request, plan
    began, tries = time.monotonic(), 1
    while not ground.store.database.checkpoint_truncate():
        if time.monotonic() - began > WAIT_SECONDS:
            return {"tries": tries, "emptied": 0}
        time.sleep(_PAUSE)
        tries += 1
    reach("erase.in_bytes")
    ground.store.database.key_file.vacuum()
    return {"tries": tries, "emptied": 1}


STEP_OF: Mapping[str, Callable[[Ground, str, Plan], Counts]] = {
    "freeze": freeze,
    "survey": take_stock,
    "keys": destroy_keys,
    "rows": remove_rows,
    "evidence": drop_evidence,
    "indexes": renew_index,
    "caches": empty_caches,
    "bytes": clear_bytes,
}
