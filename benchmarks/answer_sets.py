"""The questions on which answers are measured, and the collections they are asked of.

- ``clapnq``: the evaluation half (by passage) of 600 questions, half of them without an answer in the pool. Facts by
  the rule of :mod:`facts` from the first gold answer; words in common (F1) with all.
- ``hint3``: the evaluation half (by message) of what customers typed to three shops, each asked of its own shop. The
  right intent document, cited, is the fact.
- ``sec10q``: the four latest of 16 quarterly reports as PDF, with the questions on them alone; or all.
  Facts by the same rule. All can be answered.
- ``wikitables``: 120 tables as Markdown under their titles; each part of the short answer is a fact. All can be
  answered. The support estimate of ``extractive`` was fitted on questions of this set.

Where a set has more questions than asked for, they are drawn with a fixed seed.
"""

from __future__ import annotations

import csv
import random
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from data import corpus, data_folder, qrels, queries, read_lines, write_lines
from facts import required_facts
from halves import half, source

from ragkit.evaluate.answer_questions import AnswerItem

NAMES = ("clapnq", "hint3", "sec10q", "wikitables")
SIZES = {"clapnq": 300, "hint3": 360, "sec10q": 157, "wikitables": 150}
"""Questions asked by default; of hint3 in all, in proportion to the shops."""

FITTING = 150
"""Questions of the other half, a collection, on which ``one threshold`` is chosen."""

LATEST = "2023 Q3"
"""Reports read by default: sixteen take too long for a run that people repeat."""

REFUSING = ("clapnq", "hint3")
"""The sets with questions that have no answer."""


@dataclass(frozen=True)
class AnswerPart:
    """Questions to one collection; ``fitting`` are texts of the other half and whether each can be answered."""

    collection: str
    source: Path
    items: list[AnswerItem]
    fitting: list[tuple[str, bool]] = field(default_factory=list)


def answer_sets(
    folder: Path, chosen: Sequence[str], limit: int = 0, *, every_report: bool = False
) -> dict[str, list[AnswerPart]]:
    """Write the sources of these sets into a folder; return their questions by set."""
    folder.mkdir(parents=True, exist_ok=True)
    reports = partial(_sec10q, prefix="" if every_report else LATEST)
    made = {"clapnq": _clapnq, "hint3": _hint3, "sec10q": reports, "wikitables": _wikitables}
    return {name: made[name](folder, limit or SIZES[name]) for name in chosen}


def draw(rows: list[Any], count: int, seed: int = 11) -> list[Any]:
    """So many of them, in their order."""
    places = sorted(random.Random(seed).sample(range(len(rows)), min(count, len(rows))))
    return [rows[place] for place in places]


def _clapnq(folder: Path, count: int) -> list[AnswerPart]:
    every = queries("clapnq")
    items = []
    for one in draw([one for one in every if half("clapnq", one) == "eval"], count):
        answers = tuple(one.get("answers") or ())
        facts = required_facts(answers[0], one["text"]) if answers else []
        items.append(
            AnswerItem(
                id=str(one["id"]),
                question=one["text"],
                facts=tuple(map(tuple, facts)),
                references=answers,
                evidence=(one["gold_doc"],) if one["answerable"] else (),
                answerable=one["answerable"],
                cluster=source("clapnq", one),
            )
        )
    other = draw([one for one in every if half("clapnq", one) == "fit"], FITTING)
    fitting = [(one["text"], bool(one["answerable"])) for one in other]
    return [AnswerPart("clapnq", write_lines(folder / "clapnq.jsonl", corpus("clapnq")), items, fitting)]


def _hint3(folder: Path, count: int) -> list[AnswerPart]:
    every, grades, documents = queries("hint3"), qrels("hint3"), corpus("hint3")
    judged = draw([one for one in every if half("hint3", one) == "eval"], count)
    parts = []
    for shop in sorted({str(one["type"]) for one in every}):
        own = [one for one in documents if one["id"].startswith(f"{shop}/")]
        items = [
            AnswerItem(
                id=str(one["id"]),
                question=one["text"],
                evidence=tuple(grades.get(str(one["id"]), ())) if one["answerable"] else (),
                answerable=one["answerable"],
                cluster=source("hint3", one),
            )
            for one in judged
            if one["type"] == shop
        ]
        other = draw([one for one in every if one["type"] == shop and half("hint3", one) == "fit"], FITTING)
        fitting = [(one["text"], bool(one["answerable"])) for one in other]
        path = write_lines(folder / f"hint3-{shop}.jsonl", own)
        parts.append(AnswerPart(f"hint3-{shop}", path, items, fitting))
    return parts


def _sec10q(folder: Path, count: int, *, prefix: str) -> list[AnswerPart]:
    own = folder / "sec10q"
    own.mkdir(exist_ok=True)
    reports = {path.name for path in (data_folder() / "sec10q" / "files").glob(f"{prefix}*.pdf")}
    for name in sorted(reports):
        shutil.copyfile(data_folder() / "sec10q" / "files" / name, own / name)
    grades = qrels("sec10q")
    items = []
    for one in draw([one for one in queries("sec10q") if reports.issuperset(grades[str(one["id"])])], count):
        evidence = tuple(sorted(grades[str(one["id"])]))
        facts = required_facts(one["answer"], one["text"])
        if facts:
            items.append(
                AnswerItem(
                    id=str(one["id"]),
                    question=one["text"],
                    facts=tuple(map(tuple, facts)),
                    references=(one["answer"],),
                    evidence=evidence,
                    cluster=str(one["id"]),  # four reports are too few to draw from
                )
            )
    return [AnswerPart("sec10q", own, items)]


def _wikitables(folder: Path, count: int) -> list[AnswerPart]:
    tables = write_tables(folder / "tables")
    items = []
    for one in draw([one for one in queries("wikitables") if one["meta"]["table"].endswith(".csv")], count):
        listed = one["answer"] if isinstance(one["answer"], list) else [one["answer"]]
        document = f"{one['meta']['table']}.md"
        items.append(
            AnswerItem(
                id=str(one["id"]),
                question=f"{one['meta']['page_title']}: {one['text']}",
                facts=tuple((str(fact),) for fact in listed),
                references=(", ".join(map(str, listed)),),
                evidence=(document,),
                cluster=document,
            )
        )
    return [AnswerPart("tables", tables, items)]


def write_tables(folder: Path) -> Path:
    """Write the tables as Markdown under their page titles."""
    folder.mkdir(exist_ok=True)
    for entry in read_lines(data_folder() / "wikitables" / "manifest.jsonl"):
        if entry["format"] != "csv":
            continue
        text = (data_folder() / "wikitables" / "files" / entry["file"]).read_text(encoding="utf-8")
        rows = list(csv.reader(text.splitlines(), escapechar="\\"))
        lines = ["| " + " | ".join(cell.replace("|", "/").replace("\n", " ") for cell in row) + " |" for row in rows]
        rule = "|" + " --- |" * len(rows[0])
        body = "\n".join([lines[0], rule, *lines[1:]])
        (folder / f"{entry['file']}.md").write_text(f"# {entry['title']}\n\n{body}")
    return folder
