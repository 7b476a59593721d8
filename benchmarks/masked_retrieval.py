"""What masking costs retrieval: questions about court judgments, unmasked and masked, beside what was left in clear.

Run ``python benchmarks/masked_retrieval.py``; ``--limit 12`` for a trial, ``--policies default,strict,placeholders``
for some. The judgments and what is asked about them: ``masked_cases.py``. Each policy goes through the whole of ragkit:
sync (parse, mask, chunk, embed, index) into a workspace of its own, and every question masked as `ragkit search` does.

- *hybrid* is ragkit's retriever; *dense* and *lexical* are its two rankers asked alone, with the readings of a question
  merged as it does. A judgment is as high as its best chunk, among the first 100 chunks; the measure is the reciprocal
  rank among the first 10 judgments, 0 below (MRR@10). A name that two judgments share may find either.
- *placeholders* is the peer: the default policy with every type redacted, so that the index holds the word "person"
  where the usual pipeline holds <PERSON>, in documents and questions alike. The detectors are the same.
- *shuffled* is a control without masking: the applicants' real names passed around among the judgments. An encoder puts
  a name's origin and the country in the text together, so that unmasked it finds a case by that; no stand-in that hides
  the origin can keep it.
- Stand-ins depend on a random key, and what dense search finds depends on the stand-ins: each masked policy runs
  ``--rounds`` times in workspaces of their own, and a question counts with its mean over them.
- *share of unmasked*: MRR over that of the unmasked run, with a bootstrap interval over judgments.
- *left in clear*: labelled mentions of people of which any letter or digit stands outside a masked span of the chunks
  as the record store holds them. Between spans the record view and the index view are the same characters, which is
  checked here for every chunk, so one figure serves both. What is left in clear is found easily: read both together.
"""

from __future__ import annotations

import argparse
import math
import re
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data import write_lines
from masked_cases import ENTITY, KINDS, TOPICAL, Case, cases, shuffled
from pii_data import LIGHT
from reporting import print_table, write_json
from workspaces import make_workspace, synced

from ragkit.build import OpenCollection
from ragkit.evaluate.labelled import Gold
from ragkit.metrics import Estimate, bootstrap_mean, reciprocal_rank, wilson
from ragkit.policy import Policy
from ragkit.retrieve.fusion import Fused, merge
from ragkit.types import Chunk, MaskedQuestion, RawQuestion, Reading
from ragkit.workspace import Workspace

K = 10
DEPTH = 100
RANKERS = ("hybrid", "dense", "lexical")
UNMASKED, PLACEHOLDERS, SHUFFLED = "unmasked", "placeholders", "shuffled"
TARGETS = {(ENTITY, "hybrid"): 0.98, (ENTITY, "dense"): 0.90, (TOPICAL, "hybrid"): 0.98}
_NAME_WORD = re.compile(r"[^\W\d_]{3,}")

Ranks = dict[tuple[str, str], list[list[float]]]
"""Reciprocal ranks by kind of question and ranker: one list a judgment."""


@dataclass(frozen=True)
class Left:
    """What is in clear in the stored chunks. Pairs are (left, of so many)."""

    people: tuple[int, int]
    people_words: tuple[int, int]
    direct: tuple[int, int]
    applicants: tuple[int, int]
    asked: tuple[int, int]
    covered: float


# --- one policy -------------------------------------------------------------------------------------------------------


def measure(policy: str, judgments: Sequence[Case], folder: Path, *, seed: int = 0) -> tuple[Ranks, Left]:
    """Ingest under a policy, ask everything, and look at what is stored."""
    if policy == SHUFFLED:
        judgments = shuffled(judgments, seed)
    rows = [{"id": case.id, "title": "Judgment", "text": case.text} for case in judgments]
    sources = {"cases": write_lines(folder / "cases.jsonl", rows)}
    chosen = {SHUFFLED: UNMASKED, UNMASKED: UNMASKED, PLACEHOLDERS: PLACEHOLDERS}.get(policy, "chosen")
    made = make_workspace(folder / "workspace", sources, policy=chosen, extra=_policies(policy))
    with synced(made) as workspace:
        part = workspace._handles.reader("cases")
        chunks = dict(_stored(part, workspace))
        documents = workspace.unsafe_native_ids(sorted({document for document, _ in chunks.values()}))
        named = {number: documents[document] for number, (document, _) in chunks.items()}
        ranks = {}
        for kind in KINDS:
            for ranker, ranked in _ask(workspace, part, judgments, kind, named).items():
                ranks[kind, ranker] = ranked
        bodies: dict[str, list[Chunk]] = {}
        for document, chunk in chunks.values():
            bodies.setdefault(documents[document], []).append(chunk)
        return ranks, _left(part, workspace, judgments, bodies)


def _policies(policy: str) -> str:
    """The policies of the workspace, beside the unmasked one that it always has."""
    redacted = "".join(f'{entity} = "redact"\n' for entity in Policy.default().wanted)
    return (
        f'[policies.{PLACEHOLDERS}]\nprofile = "default"\n[policies.{PLACEHOLDERS}.entities]\n{redacted}'
        f'[policies.chosen]\nprofile = "{"strict" if policy == "strict" else "default"}"\n'
    )


def _stored(part: OpenCollection, workspace: Workspace) -> Iterator[tuple[int, tuple[str, Chunk]]]:
    """Every chunk as the record store holds it, with the id of its document."""
    ids = [row.chunk_id for row in part.store.index_source().rows(with_text=False)]
    source = part.store.hit_source()
    for at in range(0, len(ids), 256):
        for number, hit in source.hits(ids[at : at + 256], principal=workspace.config.workspace.principal).items():
            yield number, (hit.doc_id, hit.chunk)


def _ask(
    workspace: Workspace, part: OpenCollection, judgments: Sequence[Case], kind: str, named: dict[int, str]
) -> dict[str, list[list[float]]]:
    """Ask everything of one kind; return reciprocal ranks by ranker, one list a judgment."""
    asked = [question for case in judgments for question in case.questions(kind)]
    alike = [{one.id: 1 for one in judgments if kind != TOPICAL and one.name == case.name} for case in judgments]
    gold = [
        grades or {case.id: 1} for case, grades in zip(judgments, alike) for _ in case.questions(kind)
    ]  # fmt: skip
    found = {"hybrid": [[hit.chunk_id for hit in hits] for hits in workspace.search_many(asked, k=DEPTH)]}
    found |= _alone(part, workspace, asked)
    scores: dict[str, list[list[float]]] = {}
    for ranker, rankings in found.items():
        flat = iter(
            reciprocal_rank(list(dict.fromkeys(named[chunk] for chunk in ranking)), grades, K)
            for ranking, grades in zip(rankings, gold, strict=True)
        )
        scores[ranker] = [[next(flat) for _ in case.questions(kind)] for case in judgments]
    return scores


def _alone(part: OpenCollection, workspace: Workspace, asked: Sequence[str]) -> dict[str, list[list[int]]]:
    """Chunks by each ranker alone, best first."""
    principal = workspace.config.workspace.principal
    classes = part.store.hit_source().classes_for(principal)
    masked = [part.masker.mask_question(RawQuestion(one), principal=principal) for one in asked]
    texts = [reading.text.index for question in masked for reading in _readings(question)]
    vectors = dict(zip(texts, part.embedder.embed_questions(texts)))
    searches: dict[str, Callable[[Any], list[tuple[int, float]]]] = {
        "dense": lambda text: part.index.search_dense(vectors[text], DEPTH, classes),
        "lexical": lambda text: part.index.search_lexical(text, DEPTH, classes),
    }
    found: dict[str, list[list[int]]] = {name: [] for name in searches}
    for question in masked:
        readings = _readings(question)
        for name, search in searches.items():
            rankings = [[Fused(n, score, score, None) for n, score in search(one.text.index)] for one in readings]
            found[name].append([one.chunk_id for one in merge(rankings, [one.weight for one in readings])])
    return found


def _readings(question: MaskedQuestion) -> list[Reading]:
    return [Reading(question.text), *question.readings]


# --- what is left in clear --------------------------------------------------------------------------------------------


def _left(
    part: OpenCollection, workspace: Workspace, judgments: Sequence[Case], bodies: dict[str, list[Chunk]]
) -> Left:
    people: list[bool] = []
    words: list[bool] = []
    direct: list[bool] = []
    applicants: list[bool] = []
    asked: list[bool] = []
    stored = seen = 0
    principal = workspace.config.workspace.principal
    for case in judgments:
        clear, inside = _in_clear(case.text, bodies[case.id])
        stored += sum(inside)
        seen += len(case.text.strip())
        people += [any(clear[one.start : one.end]) for one in case.people]
        words += [_word_left(case.text, one, clear) for one in case.people]
        direct += [any(clear[one.start : one.end]) for one in case.direct or ()]
        names = {word.casefold() for word in _NAME_WORD.findall(case.name)} - LIGHT["en"]
        applicants.append(
            any(
                match[0].casefold() in names and match[0][0].isupper() and any(clear[match.start() : match.end()])
                for match in _NAME_WORD.finditer(case.text)
            )
        )
        (question,) = case.questions(ENTITY)
        masked = part.masker.mask_question(RawQuestion(question), principal=principal)
        start = question.index(case.name)
        held = [mark for span in masked.text.spans for mark in range(span.source_start, span.source_end)]
        asked.append(any(question[at].isalnum() and at not in held for at in range(start, start + len(case.name))))
    pairs = [_pair(marks) for marks in (people, words, direct, applicants, asked)]
    return Left(*pairs, covered=stored / seen)


def _pair(marks: Sequence[bool]) -> tuple[int, int]:
    return sum(marks), len(marks)


def _in_clear(text: str, chunks: Sequence[Chunk]) -> tuple[bytearray, bytearray]:
    """Which letters and digits of a source text stand in clear in its stored chunks, and which parts are stored.

    The stored text is compared with the source, character by character, so a map that is wrong cannot hide a leak.
    """
    clear, stored = bytearray(len(text)), bytearray(len(text))
    for chunk in chunks:
        stored[chunk.source_start : chunk.source_end] = b"\1" * (chunk.source_end - chunk.source_start)
        source = record = index = 0
        for span in (*chunk.spans, None):
            end = span.source_start if span else chunk.source_end - chunk.source_start
            piece = text[chunk.source_start + source : chunk.source_start + end]
            for view, at in ((chunk.record, record), (chunk.index, index)):
                if view[at : at + len(piece)] != piece:
                    raise SystemExit("a stored chunk does not match its source: the map between the views is wrong")
            for at, letter in enumerate(piece, chunk.source_start + source):
                clear[at] = letter.isalnum()
            if span:
                source, record, index = span.source_end, span.record_end, span.index_end
    return clear, stored


def _word_left(text: str, one: Gold, clear: bytearray) -> bool:
    """Whether any word but titles and closed-class words has a letter in clear."""
    words = re.finditer(r"\w+", text[one.start : one.end])
    return any(
        any(clear[one.start + word.start() : one.start + word.end()])
        for word in words
        if word[0].lower() not in LIGHT["en"]
    )


# --- the comparison ---------------------------------------------------------------------------------------------------


def ratio(masked: Sequence[Sequence[float]], plain: Sequence[Sequence[float]]) -> Estimate:
    """The first MRR over the second, with a percentile bootstrap interval over judgments, which are drawn together."""
    import numpy as np

    tops, bottoms = (np.array([sum(one) for one in ranks]) for ranks in (masked, plain))
    if not bottoms.sum():
        return Estimate(math.nan, math.nan, math.nan)
    dice = np.random.default_rng(0)
    draws = dice.integers(0, len(tops), (2000, len(tops)))
    below = bottoms[draws].sum(axis=1)
    shares = tops[draws].sum(axis=1)[below > 0] / below[below > 0]
    low, high = np.percentile(shares, [2.5, 97.5])
    return Estimate(float(tops.sum() / bottoms.sum()), float(low), float(high))


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--policies", default="default,strict,placeholders,shuffled")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--split", choices=("test", "dev"), default="test", help="dev: to find out why; no figure")
    parser.add_argument("--limit", type=int, default=0, help="judgments, for a trial")
    options = parser.parse_args()
    judgments = cases(options.limit, split=options.split)
    trial = bool(options.limit) or options.split != "test"
    ranks: dict[str, Ranks] = {}
    left: dict[str, Left] = {}
    for policy in (UNMASKED, *options.policies.split(",")):
        # Without stand-ins there is nothing that another key would change.
        runs = [
            _in_folder(policy, judgments, seed)
            for seed in range(1 if policy in {UNMASKED, PLACEHOLDERS} else options.rounds)
        ]
        ranks[policy], left[policy] = _mean([found for found, _ in runs]), runs[0][1]
    figures = _print_ranks(ranks, trial=trial)
    _print_left(left)
    write_json(
        "masked_retrieval",
        {
            "judgments": len(judgments),
            "rounds": options.rounds,
            "measure": f"MRR@{K} of judgments, first {DEPTH} chunks",
            "figures": figures,
            "left_in_clear": {policy: _left_json(one) for policy, one in left.items() if policy != SHUFFLED},
        },
        trial=trial,
    )


def _in_folder(policy: str, judgments: Sequence[Case], seed: int) -> tuple[Ranks, Left]:
    with tempfile.TemporaryDirectory() as folder:
        return measure(policy, judgments, Path(folder), seed=seed)


def _mean(runs: Sequence[Ranks]) -> Ranks:
    """The mean over runs, question by question."""
    return {
        asked: [
            [sum(ranks) / len(runs) for ranks in zip(*(run[asked][case] for run in runs))] for case in range(len(one))
        ]
        for asked, one in runs[0].items()
    }


def _print_ranks(ranks: dict[str, Ranks], *, trial: bool) -> list[dict[str, Any]]:
    rows, figures = [], []
    for kind in KINDS:
        for ranker in RANKERS:
            for policy, measured in ranks.items():
                found = measured[kind, ranker]
                mean = bootstrap_mean([rank for one in found for rank in one])
                share = ratio(found, ranks[UNMASKED][kind, ranker])
                target = TARGETS.get((kind, ranker)) if policy == "default" else None
                met = "" if target is None else "trial" if trial else "yes" if share.value >= target else "NO"
                count = sum(map(len, found))
                shown = "" if policy == UNMASKED else _shown(share)
                rows.append((kind, count, ranker, policy, _shown(mean), shown, target or "", met))
                figures.append(
                    {"questions": kind, "count": count, "ranker": ranker, "policy": policy, "mrr": _json(mean),
                     "share_of_unmasked": None if policy == UNMASKED else _json(share), "target": target}
                )  # fmt: skip
    columns = ("questions", "n", "ranker", "policy", f"MRR@{K} (95 %)", "share of unmasked (95 %)", "target", "met")
    print_table("Retrieval after masking: 127 judgments" if not trial else "A trial", columns, rows)
    return figures


def _print_left(left: dict[str, Left]) -> None:
    def shown(pair: tuple[int, int]) -> str:
        return f"{pair[0]:,} of {pair[1]:,}: {_shown(wilson(*pair))}" if pair[1] else "none labelled"

    rows = [
        (policy, shown(one.people), shown(one.people_words), shown(one.direct), shown(one.applicants),
         shown(one.asked), f"{one.covered:.1%}")
        for policy, one in left.items()
        if policy != SHUFFLED
    ]  # fmt: skip
    columns = (
        "policy", "mentions of people, any letter", "the same, titles and closed-class words apart",
        "mentions that identify directly (31 judgments)", "judgments with a word of the applicant's name",
        "names left in the entity questions", "text in chunks",
    )  # fmt: skip
    print_table("Left in clear in the stored record and index views (95 %)", columns, rows)


def _left_json(one: Left) -> dict[str, Any]:
    pairs = {
        "people": one.people, "people_words": one.people_words, "direct": one.direct, "applicants": one.applicants,
        "asked": one.asked,
    }  # fmt: skip
    shown: dict[str, Any] = {
        name: {"left": pair[0], "of": pair[1], "share": _json(wilson(*pair)) if pair[1] else None}
        for name, pair in pairs.items()
    }
    return {**shown, "text_in_chunks": one.covered}


def _shown(one: Estimate) -> str:
    return "" if one.value != one.value else f"{one.value:.3f} ({one.low:.3f} to {one.high:.3f})"


def _json(one: Estimate) -> dict[str, float]:
    return {"value": one.value, "low": one.low, "high": one.high}


if __name__ == "__main__":
    main()
