"""What earlier turns of a conversation are worth to retrieval: nDCG@10 of follow-up questions, with and without them.

Run ``python benchmarks/dialogue.py``; ``--weights 0.7,0.9`` compares weights of the further reading. No dialogue data
are at hand, so follow-ups are made from xquad in English: of three questions about one paragraph, the first two are
the history and the third is asked as people go on asking, with the names and numbers left out that all know by now.
The control is a change of topic: a whole question after two about something else, which history can only harm.
Beside it stand the question alone and the usual way, all turns in one query.
"""

from __future__ import annotations

import argparse
import re
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from data import corpus, queries, write_lines
from reporting import print_table, write_json
from workspaces import make_workspace, synced

from ragkit.metrics import bootstrap_mean, ndcg
from ragkit.retrieve.dialogue import WEIGHT, with_history
from ragkit.types import MaskedQuestion, MaskedText, RawQuestion
from ragkit.workspace import Workspace

_NAMED = re.compile(r"(?<=\s)(?:[A-Z][\w'’-]*|\d[\w.,-]*)")
_SPACES = re.compile(r"\s+")


@dataclass(frozen=True)
class Case:
    """A question with its history; ``gold`` is the passage that answers it."""

    text: str
    history: tuple[str, ...]
    gold: str


def follow_ups() -> list[Case]:
    """The third question of each paragraph, without its names and numbers, after the first two."""
    found = []
    for gold, texts in _by_paragraph().items():
        if len(texts) > 2:
            short = _SPACES.sub(" ", _NAMED.sub("", texts[2])).strip()
            if short != texts[2]:
                found.append(Case(short, tuple(texts[:2]), gold))
    return found


def changes_of_topic() -> list[Case]:
    """The third question of each paragraph as it is, after two about a paragraph far away."""
    paragraphs = [(gold, texts) for gold, texts in _by_paragraph().items() if len(texts) > 2]
    half = len(paragraphs) // 2
    return [
        Case(texts[2], tuple(paragraphs[(place + half) % len(paragraphs)][1][:2]), gold)
        for place, (gold, texts) in enumerate(paragraphs)
    ]


def _by_paragraph() -> dict[str, list[str]]:
    asked: dict[str, list[str]] = defaultdict(list)
    for one in queries("xquad"):
        if one["type"] == "en":
            asked[one["gold_doc"]].append(one["text"])
    return asked


def quality(workspace: Workspace, cases: Sequence[Case], way: str, weight: float) -> str:
    """Mean nDCG@10 with its 95 % interval."""
    assistant = workspace._handles.reader(None).assistant
    owner = workspace.config.workspace.principal
    asked = []
    for case in cases:
        raw = RawQuestion(case.text, case.history)
        if way == "one query":
            raw = RawQuestion(" ".join((*case.history, case.text)))
        masked: MaskedQuestion = assistant.masker.mask_question(raw, principal=owner)
        if way == "with history":
            masked = with_history(masked, turns=len(case.history), weight=weight)
        asked.append(replace(masked, history=tuple[MaskedText, ...]()))
    found = [
        hits
        for at in range(0, len(asked), 64)
        for hits in assistant.retriever.retrieve_many(asked[at : at + 64], k=10, principal=owner)
    ]
    names = workspace.unsafe_native_ids(sorted({hit.doc_id for hits in found for hit in hits}))
    scores = []
    for case, hits in zip(cases, found):
        ranking = list(dict.fromkeys(names[hit.doc_id] for hit in hits))
        scores.append(ndcg(ranking, {case.gold: 1}, 10))
    mean = bootstrap_mean(scores)
    return f"{mean.value:.3f} ({mean.low:.3f} to {mean.high:.3f})"


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", default=str(WEIGHT), help="weights of the further reading, separated by commas")
    options = parser.parse_args()
    weights = [float(one) for one in options.weights.split(",")]
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        own = [one for one in corpus("xquad") if one["id"].startswith("en-")]
        source = write_lines(folder / "xquad.jsonl", own)
        with synced(make_workspace(folder / "workspace", {"xquad": source})) as workspace:
            for label, cases in (("follow-up", follow_ups()), ("change of topic", changes_of_topic())):
                for way, weight in (
                    ("question alone", 0.0),
                    ("one query", 0.0),
                    *(("with history", w) for w in weights),
                ):
                    score = quality(workspace, cases, way, weight)
                    shown = f"{way}, weight {weight}" if weight else way
                    rows.append((label, len(cases), shown, score))
    print_table("nDCG@10 of questions in a conversation", ("cases", "n", "way", "nDCG@10"), rows)
    write_json("dialogue", {"rows": rows}, trial=len(weights) > 1)


if __name__ == "__main__":
    main()
