"""Questions of one to five words about people: the detector alone against the detector and the vault.

Run ``python benchmarks/questions.py``; ``--people 24 --limit 40`` for a trial. The people are invented
(``questions_data.py``), each with one document, which lies among the passages of clapnq and the answers of hint3.
For each way to ask: in how many questions the name is masked, and in how many the person's document is the first hit
or among the first five, with 95 % Wilson intervals; unmasked beside it. Everyday words are masked in one of two
readings, which counts as masked.

Then false alarms: the questions of hint3 and clapnq, in how many of which the vault takes a word for a name that the
detectors leave alone, and what that does to the ranking (nDCG@10 with and without, by question). And milliseconds.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from itertools import islice
from pathlib import Path
from typing import Any
from unittest.mock import patch

from data import corpus, qrels, queries, write_lines
from questions_data import COMMON_FORM, FORMS, Person, people, questions
from reporting import print_table, write_json
from workspaces import make_workspace, synced

from ragkit.mask.questions import Recognised
from ragkit.metrics import bootstrap_mean, ndcg, wilson
from ragkit.types import MaskedQuestion, RawQuestion
from ragkit.workspace import Workspace

SETS = ("hint3", "clapnq")
K = 10
SYSTEMS = ("unmasked", "detector", "detector and vault")


def documents(everybody: Sequence[Person], passages: int) -> Iterator[dict[str, Any]]:
    """The letters, and what they lie among."""
    for person in everybody:
        yield {"id": f"person/{person.number}", "title": person.topic.title(), "text": person.text}
    for name in SETS:
        for row in islice(corpus(name), passages):
            yield {"id": f"{name}/{row['id']}", "title": row["title"], "text": row["text"]}


def without_vault(active: bool) -> AbstractContextManager[object]:
    """Recognise nothing by the vault; what a detector finds is looked up in it as ever."""
    return patch("ragkit.mask.masker.recognise", lambda *_: Recognised()) if active else nullcontext()


class Asker:
    """Masks and searches in one workspace."""

    def __init__(self, workspace: Workspace) -> None:
        self._part = workspace._handles.reader(None)
        self._principal = workspace.config.workspace.principal
        self._names = workspace.unsafe_native_ids
        self._known: dict[str, str] = {}
        self._part.masker.load()

    def mask(self, question: str) -> MaskedQuestion:
        return self._part.masker.mask_question(RawQuestion(question), principal=self._principal)

    def rank(self, asked: Sequence[MaskedQuestion]) -> list[list[str]]:
        """The source's own ids of the documents found, best first, by question."""
        found = self._part.retriever.retrieve_many(asked, k=K * 2, principal=self._principal)
        fresh = {hit.doc_id for hits in found for hit in hits} - self._known.keys()
        self._known |= self._names(sorted(fresh))
        return [list(dict.fromkeys(self._known[hit.doc_id] for hit in hits))[:K] for hits in found]


def ask_for_people(asker: Asker, everybody: Sequence[Person]) -> dict[str, list[tuple[bool, int]]]:
    """Whether the name was masked, and the place of the document (0 for none), by form."""
    asked = [(form, person, asker.mask(text), name) for person in everybody for form, text, name in questions(person)]
    rankings = asker.rank([masked for _, _, masked, _ in asked])
    found: dict[str, list[tuple[bool, int]]] = {}
    for (form, person, masked, name), ranking in zip(asked, rankings, strict=True):
        views = [masked.text, *(reading.text for reading in masked.readings)]
        hidden = any(name not in view.record.lower() for view in views)
        wanted = f"person/{person.number}"
        found.setdefault(form, []).append((hidden, ranking.index(wanted) + 1 if wanted in ranking else 0))
    return found


def _share(hits: Sequence[bool]) -> str:
    one = wilson(sum(hits), len(hits))
    return f"{one.value:.3f} [{one.low:.3f}, {one.high:.3f}]"


def people_tables(results: dict[str, dict[str, list[tuple[bool, int]]]]) -> dict[str, Any]:
    """Print the shares by form, and return them."""
    figures: dict[str, Any] = {}
    rows = []
    forms = [*FORMS, *COMMON_FORM]
    for form in [*forms, "all but everyday words"]:
        for system in SYSTEMS:
            chosen = [form] if form in forms else list(FORMS)
            outcomes = [one for each in chosen for one in results[system].get(each, [])]
            if not outcomes:
                continue
            masked, first, five = (
                [hidden for hidden, _ in outcomes],
                [place == 1 for _, place in outcomes],
                [0 < place <= 5 for _, place in outcomes],
            )
            shown = "" if system == "unmasked" else _share(masked)
            rows.append([form, system, len(outcomes), shown, _share(first), _share(five)])
            figures.setdefault(form, {})[system] = {
                "questions": len(outcomes),
                "masked": sum(masked) / len(masked),
                "top1": sum(first) / len(first),
                "top5": sum(five) / len(five),
            }
    columns = ("asked by", "system", "questions", "name masked", "first hit", "among five")
    print_table("Questions of one to five words about people", columns, rows)
    return figures


def false_alarms(asker: Asker, name: str, limit: int) -> dict[str, Any]:
    """What the vault does to everyday questions."""
    asked = list(islice(queries(name), limit))
    grades = {
        query: {f"{name}/{document}": grade for document, grade in judged.items()}
        for query, judged in qrels(name).items()
    }
    masked: dict[bool, list[MaskedQuestion]] = {}
    for alone in (True, False):
        with without_vault(alone):
            masked[alone] = [asker.mask(row["text"]) for row in asked]
    pairs = list(zip(masked[True], masked[False], strict=True))
    more = [sum(one.counts.values()) < sum(other.counts.values()) for one, other in pairs]
    double = [bool(other.readings) for _, other in pairs]
    judged = [place for place, row in enumerate(asked) if row["id"] in grades]
    scores: dict[bool, list[float]] = {}
    for alone in (True, False):
        rankings = asker.rank([masked[alone][place] for place in judged])
        scores[alone] = [ndcg(r, grades[asked[p]["id"]], K) for r, p in zip(rankings, judged, strict=True)]
    return {
        "questions": len(asked),
        "masked_by_vault_alone": _share(more),
        "read_twice": _share(double),
        "judged": len(judged),
        "ndcg@10 detector": bootstrap_mean(scores[True]).value,
        "ndcg@10 detector and vault": bootstrap_mean(scores[False]).value,
        "questions that rank worse": sum(b < a - 1e-9 for a, b in zip(scores[True], scores[False], strict=True)),
        "questions that rank better": sum(b > a + 1e-9 for a, b in zip(scores[True], scores[False], strict=True)),
    }


def latency(asker: Asker, everybody: Sequence[Person]) -> dict[str, float]:
    """Milliseconds of one core to mask a question of ten words, with the vault and without; medians."""
    texts = [f"please show me the open {one.family.lower()} {one.topic} and papers now" for one in everybody[:100]]
    plain = [f"please show me all of the open {one.topic} papers now" for one in everybody[:100]]
    figures = {}
    for label, asked in (("one person in ten words", texts), ("nobody in ten words", plain)):
        for alone in (True, False):
            with without_vault(alone):
                taken = []
                for text in [*asked[:10], *asked]:
                    began = time.thread_time()
                    asker.mask(text)
                    taken.append((time.thread_time() - began) * 1000)
            figures[f"{label}, {'detector' if alone else 'detector and vault'}"] = sorted(taken[10:])[len(asked) // 2]
    return figures


def main() -> None:
    """Build two workspaces over the same documents, ask, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=160, help="how many invented people (default 160)")
    parser.add_argument("--questions", type=int, default=600, help="everyday questions of each set (default 600)")
    parser.add_argument("--limit", type=int, help="a trial: at most so many questions of each set, and passages")
    chosen = parser.parse_args()
    everybody = people(chosen.people)
    passages = chosen.limit or 1_000
    figures: dict[str, Any] = {"people": len(everybody)}
    with tempfile.TemporaryDirectory() as scratch:
        source = write_lines(Path(scratch) / "documents.jsonl", documents(everybody, passages))
        results = {}
        with synced(make_workspace(Path(scratch) / "plain", {"docs": source}, masking=False)) as workspace:
            results["unmasked"] = ask_for_people(Asker(workspace), everybody)
        with synced(make_workspace(Path(scratch) / "masked", {"docs": source})) as workspace:
            asker = Asker(workspace)
            for system in SYSTEMS[1:]:
                with without_vault(system == "detector"):
                    results[system] = ask_for_people(asker, everybody)
            figures["forms"] = people_tables(results)
            alarms = {name: false_alarms(asker, name, chosen.limit or chosen.questions) for name in SETS}
            figures["false_alarms"] = alarms
            keys = list(alarms[SETS[0]])
            print_table(
                "Everyday questions", ("", *SETS), [[key, *(alarms[name][key] for name in SETS)] for key in keys]
            )
            figures["ms"] = latency(asker, everybody)
            print_table("Masking a question, ms", ("", "ms"), list(figures["ms"].items()))
    write_json("questions", figures, trial=chosen.limit is not None)


if __name__ == "__main__":
    main()
