"""Run the attacks on a workspace of one's own: the thief in a process without keys, the scorer here with them.

::

    report = attack_workspace(workspace, Path("people.csv"), purpose="yearly attack")
    for line in report.lines():
        print(line)
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ragkit.attack.attacks import ATTACKS
from ragkit.attack.clear import ClearDocument, provider_prompts, read_clear, unmasked_loot
from ragkit.attack.people import KnownPerson, decoys, read_people
from ragkit.attack.prompts import Linking, Prompt, measure_linking, with_aliases
from ragkit.attack.report import AttackReport
from ragkit.attack.thief import Haul, analyzer, attempt, send_thief
from ragkit.attack.truth import Outcome, Truth, find_truth, score
from ragkit.build import model_of
from ragkit.errors import EvaluationError

if TYPE_CHECKING:
    from ragkit.build import OpenCollection
    from ragkit.protocols import Progress
    from ragkit.workspace import Workspace

PROVIDER = "provider"
"""Stands beside the names of :data:`ragkit.attack.attacks.ATTACKS`: the provider's view of the prompts."""

KNOWN = 10
_DECOYS = 500
_PROVIDED = 100
_MOST_PAIRS = 50_000_000
"""People times documents: each attack keeps 4 bytes a pair while it runs, and `together` looks at four at once."""


def attack_workspace(
    workspace: Workspace,
    people: Path,
    *,
    purpose: str,
    attacks: Sequence[str] = (*ATTACKS, PROVIDER),
    collection: str | None = None,
    known: int = KNOWN,
    baseline: bool = True,
    seed: int = 0,
    progress: Progress | None = None,
) -> AttackReport:
    """Attack a collection, score what the thief found, and record the run.

    Args:
        workspace: Open, synced.
        people: The attacker's list: CSV or JSON lines with ``name`` and what else is known.
        purpose: Why clear text is read for scoring; its keyed hash is recorded.
        attacks: Which of :data:`~ragkit.attack.attacks.ATTACKS`, and ``provider``.
        collection: By default the only one.
        known: How many people the thief knows with a document of theirs.
        baseline: Attack the same documents unmasked too, in memory.
        seed: Of every lot drawn.
        progress: Called with ``read``, ``attack`` and ``embed``.

    Raises:
        EvaluationError: The list cannot be read, or names nobody with a document of their own; no such attack.
        AccessDenied: The collection's ``reveal`` does not name the principal, or no purpose was given.
    """
    chosen = _checked(attacks)
    part = workspace._handles.reader(collection)
    doc_ids = _documents(part)
    listed = _few_enough(read_people(people), len(doc_ids), seed)
    every = [*listed, *decoys(listed, min(len(listed), _DECOYS), random.Random(seed))]
    clear = read_clear(workspace, part, doc_ids, purpose=purpose, progress=progress)
    truth = find_truth(every, [one.text for one in clear])
    familiar = _familiar(truth, len(listed), known, seed)
    if progress is not None:
        progress("attack", 0, 1)
    model = model_of(workspace.config)
    threads = workspace.config.embedder.threads or None
    haul = send_thief(
        workspace.config.data_folder, every, collection=part.name, attacks=[one for one in chosen if one != PROVIDER],
        known={person: doc_ids[place] for person, place in familiar.items()}, model=model, threads=threads, seed=seed,
    )  # fmt: skip
    if progress is not None:
        progress("attack", 1, 1)
    away = [number for number in range(len(listed), len(every)) if number not in truth.named]
    masked = _judged(haul, doc_ids, truth, familiar, away)
    unmasked: dict[str, Outcome] = {}
    if baseline:
        language = workspace.config.language_of(part.name)
        unmasked = _baseline(part, clear, doc_ids, every, truth, familiar, away, list(masked), language, seed, progress)
    provided = _provided(workspace, part, listed, truth, seed) if PROVIDER in chosen else {}
    workspace._handles.recorder.record(
        "attack.run",
        data={
            "collection": part.name,
            "people": len(listed),
            "documents": len(doc_ids),
            "attacks": len(masked) + bool(provided),
            "targets": max((one.targets for one in masked.values()), default=0),
            "found": max((round(one.first.value * one.targets) for one in masked.values() if one.targets), default=0),
        },
    )
    policy = workspace.config.policy_of(part.name)
    return AttackReport(
        part.name,
        policy.profile or part.section.policy,
        len(listed),
        len(doc_ids),
        len(familiar),
        seed,
        masked,
        unmasked,
        provided,
    )


def _checked(attacks: Sequence[str]) -> list[str]:
    unknown = [name for name in attacks if name not in (*ATTACKS, PROVIDER)]
    if unknown or not attacks:
        raise EvaluationError(
            f"{len(unknown)} of the attacks named are not known",
            remedy=f"Choose from: {', '.join((*ATTACKS, PROVIDER))}.",
        )
    return list(dict.fromkeys(attacks))


def _few_enough(listed: list[KnownPerson], documents: int, seed: int) -> list[KnownPerson]:
    """As many as can be compared with all documents in memory, drawn by lot; the report says how many that are."""
    most = max(100, _MOST_PAIRS // max(1, documents))
    return listed if len(listed) <= most else random.Random(seed).sample(listed, most)


def _documents(part: OpenCollection) -> list[str]:
    """Ids of all documents with a chunk in the index, in the order in which their chunks were numbered."""
    from sqlalchemy import select

    from ragkit.store.schema import bodies, chunks, versions

    query = (
        select(versions.c.doc_id)
        .join(bodies, bodies.c.version_id == versions.c.version_id)
        .join(chunks, chunks.c.body_id == bodies.c.body_id)
        .where(chunks.c.collection_id == part.collection.id, versions.c.state == "current")
        .order_by(chunks.c.chunk_id)
    )
    with part.store.database.read() as connection:
        return list(dict.fromkeys(connection.execute(query).scalars()))


def _familiar(truth: Truth, listed: int, known: int, seed: int) -> dict[int, int]:
    """A few people of the list, drawn by lot, each with a document of theirs."""
    there = sorted(person for person in truth.own if person < listed)
    if not there:
        raise EvaluationError(
            "nobody on the list has a document of their own in the collection",
            remedy="Check that the list holds full names as the documents write them.",
        )
    drawn = random.Random(seed).sample(there, min(known, len(there) // 10))
    return {person: min(truth.own[person]) for person in drawn}


def _judged(
    haul: Haul, doc_ids: Sequence[str], truth: Truth, known: Mapping[int, int], absent: Sequence[int]
) -> dict[str, Outcome]:
    if haul.documents != tuple(doc_ids):
        raise EvaluationError("the documents changed while they were attacked", remedy="Run it again after the sync.")
    return {
        name: score(name, guesses, truth, documents=len(doc_ids), known=known, absent=absent)
        for name, guesses in haul.guesses.items()
    }


def _baseline(
    part: OpenCollection,
    clear: Sequence[ClearDocument],
    doc_ids: Sequence[str],
    people: Sequence[KnownPerson],
    truth: Truth,
    known: Mapping[int, int],
    absent: Sequence[int],
    attacks: Sequence[str],
    language: str,
    seed: int,
    progress: Progress | None,
) -> dict[str, Outcome]:
    """The same attacks on the same documents in clear."""
    loot = unmasked_loot(clear, doc_ids, part.embedder, analyzer(language), language=language, progress=progress)
    made = attempt(loot, people, model="", known=known, seed=seed, threads=None)
    made.encoder = part.embedder
    names = [name for name in attacks if name in made.names()]
    return {
        name: score(name, made.run(name), truth, documents=len(doc_ids), known=known, absent=absent) for name in names
    }


def _provided(
    workspace: Workspace, part: OpenCollection, people: Sequence[KnownPerson], truth: Truth, seed: int
) -> dict[str, list[Linking]]:
    """Link two conversations about each of up to a hundred people, by what a provider would be sent."""
    there = sorted(person for person in truth.own if person < len(people))
    drawn = random.Random(seed).sample(there, min(_PROVIDED, len(there)))
    if len(drawn) < 2:
        return {}
    alone, whole, about = provider_prompts(workspace, part, {number: people[number] for number in drawn})
    views: dict[str, list[Prompt]] = {
        "question": alone, "prompt": whole,
        "question-aliases": with_aliases(alone), "prompt-aliases": with_aliases(whole),
    }  # fmt: skip
    return {
        view: [
            measure_linking(sent, about, method=method, encoder=part.embedder)
            for method in ("tokens", "words", "vectors")
        ]
        for view, sent in views.items()
    }
