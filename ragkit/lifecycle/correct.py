"""A person's value made right (GDPR Art. 16): in the vault, in every stored view, and in all that is read later.

Steps, each found again after a kill by the request's journal:

1. ``planned``: the plan and, with it, a ruling by which every later masking of the old value gives the new one.
2. ``rewritten``: the documents hold the new value's token and surrogate (:mod:`ragkit.lifecycle.rewrite`), and what
   was kept for replay with the old value is destroyed.
3. ``done``: the old value's key is destroyed where nothing mentions it any more and no hold keeps it; the plan is
   wiped.

A value that another person has too becomes the new one only in the documents that put it together with this person;
the ruling for later then acts only beside one of the person's own values.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ragkit.crashpoints import reach
from ragkit.errors import ConfigError, SubjectUnclear
from ragkit.lifecycle.rewrite import RewriteReport, rewrite
from ragkit.lifecycle.subject import token_ids
from ragkit.mask.normalise import normalise
from ragkit.mask.views import Replacement
from ragkit.store.origins import origins
from ragkit.store.requests import Request, Requests

if TYPE_CHECKING:
    from ragkit.audit.evidence import EvidenceStore
    from ragkit.lifecycle.people import HeldValue, Person
    from ragkit.mask.rulings import Rulings
    from ragkit.mask.vault import Vault
    from ragkit.protocols import Embedder, Progress, Recorder
    from ragkit.store.records import RecordStore

VERB = "correct"
PLANNED, REWRITTEN = "planned", "rewritten"


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """What a correction did.

    Attributes:
        request: Its id.
        entity_type: Of the value.
        documents: Ids of the documents that were rewritten.
        chunks: Chunks in them.
        embedded: Of these, chunks embedded again.
        shared: Whether another person has the old value too and keeps it.
        forgotten: Whether the old value is gone from the vault; false while something mentions or holds it.
        sources: Sources that still hold the old value, with the number of documents.
        others: Further values of the same type that the person has, which may need the same.
    """

    request: str
    entity_type: str
    documents: tuple[str, ...]
    chunks: int
    embedded: int
    shared: bool
    forgotten: bool
    sources: Mapping[str, int] = field(default_factory=dict)
    others: int = 0


@dataclass(frozen=True, slots=True)
class Tools:
    """What carrying a correction out needs."""

    store: RecordStore
    vault: Vault
    rulings: Rulings
    embedder: Embedder
    recorder: Recorder
    progress: Progress | None = None
    evidence: EvidenceStore | None = None


def plan_correction(person: Person, old: str, new: str, *, entity_type: str | None = None) -> dict[str, Any]:
    """What is to be done, as it is sealed.

    Args:
        person: Whose value it is.
        old: As it is written somewhere.
        new: What is right.
        entity_type: Its type, where the person has it under several.

    Raises:
        SubjectUnclear: The person does not certainly have this value, or has it under several types.
        ConfigError: The new value is empty, or the same.
    """
    mine = _spellings(person, old, entity_type)
    types = sorted({one.entity_type for one in mine})
    if len(types) != 1:
        what = "does not certainly have this value" if not types else f"has this value as {', '.join(types)}"
        raise SubjectUnclear(f"the person {what}", remedy="Give the value as it is held, or name its type by `--type`.")
    if not new.strip() or new.strip() == old.strip():
        raise ConfigError("the new value is empty or the same", remedy="Give another one with `--to`.")
    numbers = {one.number for one in mine}
    shared = any(one.shared for one in mine)
    return {
        "type": types[0],
        "old": sorted({one.value for one in mine}),
        "new": new.strip(),
        "numbers": sorted(numbers),
        "tokens": sorted(token_ids(mine)),
        "shared": shared,
        "documents": [held.doc_id for held in person.documents if held.numbers & numbers],
        "beside": sorted(token_ids([v for v in person.values if v.certain and not v.shared and v not in mine])),
        "own": [[v.entity_type, v.value] for v in person.values if v.certain and not v.shared and v not in mine],
        "others": sum(v.entity_type == types[0] and v.certain and v not in mine for v in person.values),
    }


def begin(tools: Tools, request: str, plan: dict[str, Any]) -> None:
    """Enter a correction and its ruling, whole or not at all; the workspace's write lock is held."""
    key_file = tools.store.database.key_file
    with key_file.write():
        Requests(key_file, tools.store.collection).open(request, VERB, plan, step=PLANNED)
        rows = []
        for value in plan["old"]:
            item = (plan["type"], value)
            if plan["shared"]:
                anchors = [(kind, own) for kind, own in plan["own"]]
                rows += tools.rulings.correcting_beside(request, item, plan["new"], anchors)
            else:
                rows += tools.rulings.correcting(request, item, plan["new"])
        tools.store.rulings().add(rows)
    reach("correct.after_plan")


def carry_out(tools: Tools, request: str) -> Correction:
    """Do what is left of a correction, from wherever it was.

    Raises:
        ConfigError: There is no such correction under way.
        StoreError, ModelError, AuditUnavailable: What is done stays; call it again.
    """
    journal = Requests(tools.store.database.key_file, tools.store.collection)
    found = journal.find(request)
    if found is None or found.verb != VERB or found.closed_at is not None:
        raise ConfigError("there is no such correction under way", remedy="Correct the value again.")
    plan = found.plan
    report = RewriteReport()
    if found.step == PLANNED:
        report = _rewrite(tools, request, plan)
        _destroy_past(tools, request, plan)
        plan = {**plan, "rewritten": list(report.documents)}
        journal.note(request, REWRITTEN, plan=plan)
        reach("correct.after_rewrite")
    forgotten = not plan["shared"] and _forget(tools, plan)
    reach("correct.after_forget")
    known = origins(tools.store.database, tools.store.collection, plan["documents"])
    sources: dict[str, int] = {}
    for origin in known.values():
        sources[origin.source] = sources.get(origin.source, 0) + 1
    journal.close(request)
    return Correction(
        request=request,
        entity_type=plan["type"],
        documents=tuple(plan["documents"]),
        chunks=report.chunks,
        embedded=report.embedded,
        shared=plan["shared"],
        forgotten=forgotten,
        sources=dict(sorted(sources.items())),
        others=plan["others"],
    )


def unfinished(store: RecordStore) -> list[Request]:
    """Corrections that were begun and not finished."""
    return Requests(store.database.key_file, store.collection).unfinished(VERB)


def _rewrite(tools: Tools, request: str, plan: Mapping[str, Any]) -> RewriteReport:
    old = frozenset(plan["tokens"])
    try:
        token, surrogate = tools.vault.allocate(plan["type"], plan["new"])
        new = Replacement(token, surrogate)
        return rewrite(
            tools.store,
            tools.embedder,
            tools.vault,
            plan["documents"],
            lambda _, token_id: new if token_id in old else None,
            recorder=tools.recorder,
            refilter=_refilter(tools.vault),
            beside=plan["beside"] if plan["shared"] else (),
            inside=tools.vault.flush,
            request=request,
            progress=tools.progress,
        )
    except BaseException:
        tools.vault.discard()
        raise


def _destroy_past(tools: Tools, request: str, plan: Mapping[str, Any]) -> None:
    """Destroy what is kept for replay with the old value, but for what a legal hold names.

    Of a value that another person has too, only what is of the documents that put it together with this person.
    """
    from ragkit.lifecycle.history import destroy_past
    from ragkit.lifecycle.holds import Holds
    from ragkit.store.pastrows import PastRows

    store = tools.store
    rows = PastRows(store.database, store.collection)
    past = rows.mentioning(set(plan["numbers"]) - {tools.vault.value_number((plan["type"], plan["new"]))})
    if plan["shared"]:
        past &= rows.of_documents(plan["documents"])
    past -= Holds(store.database, store.collection).held_past(past)
    destroy_past(store, past, "erasure", recorder=tools.recorder, request=request)


def _refilter(vault: Vault) -> Callable[[str, Any], str | None]:
    return lambda _key, record: vault.reveal(record)[0]


def _forget(tools: Tools, plan: Mapping[str, Any]) -> bool:
    """Destroy the old value's key, if nothing mentions the value and no hold keeps it."""
    from ragkit.lifecycle.holds import Holds
    from ragkit.store.subjectrows import SubjectRows

    numbers = set(plan["numbers"]) - {tools.vault.value_number((plan["type"], plan["new"]))}
    store = tools.store
    if not numbers or SubjectRows(store.database, store.collection).documents_of(numbers, limit=1):
        return False
    if Holds(store.database, store.collection).blocking(numbers=numbers):
        return False
    if tools.evidence is not None:
        right = tools.vault.value_number((plan["type"], plan["new"]))
        tools.evidence.rebind(store.collection.name, numbers, right)
    store.collection.records.destroy_values(sorted(numbers))
    return True


def _spellings(person: Person, value: str, entity_type: str | None) -> list[HeldValue]:
    """The person's values that are this one, however they are spelled."""
    return [
        one
        for one in person.values
        if one.certain
        and entity_type in (None, one.entity_type)
        and normalise(one.entity_type, one.value) == normalise(one.entity_type, value)
    ]
