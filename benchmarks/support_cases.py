"""Questions with their hits to fit the support estimate on: clapnq's and hint3's fitting halves, xquad, wikitables.

The questions of xquad and wikitables all have an answer, so each is used as it is and with what answers it taken out.
"""

from __future__ import annotations

import csv
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from data import corpus, data_folder, qrels, queries, read_lines, write_lines
from halves import half, source
from workspaces import make_workspace, synced

from ragkit.types import Hit, RawQuestion
from ragkit.workspace import Workspace

K, DEPTH = 8, 60
LANGUAGES = {"en": 400, "de": 400, "es": 200, "ru": 200, "tr": 200}
TABLES = 300


@dataclass(frozen=True)
class Case:
    """A masked question with its hits; ``right`` are those that hold the answer."""

    group: str
    part: str
    source: str
    text: str
    hits: tuple[Hit, ...]
    answerable: bool
    right: frozenset[str] = frozenset()


def judged_cases(folder: Path) -> Iterator[Case]:
    """The fitting halves of clapnq and of hint3's three shops, under the default policy."""
    documents = {"clapnq": corpus("clapnq")}
    asked = {"clapnq": queries("clapnq")}
    for shop in sorted({str(one["type"]) for one in queries("hint3")}):
        documents[f"hint3-{shop}"] = [one for one in corpus("hint3") if one["id"].startswith(f"{shop}/")]
        asked[f"hint3-{shop}"] = [one for one in queries("hint3") if one["type"] == shop]
    places = {name: write_lines(folder / f"{name}.jsonl", found) for name, found in documents.items()}
    with synced(make_workspace(folder / "judged", places)) as workspace:
        for name, some in asked.items():
            group = name.partition("-")[0]
            gold = qrels(group)
            some = [one for one in some if half(group, one) == "fit"]
            texts = [str(one["text"]) for one in some]
            found = workspace.search_many(texts, k=K, collection=name)
            names = workspace.unsafe_native_ids(_documents(found), collection=name)
            for one, hits in zip(some, found):
                right = frozenset(hit.doc_id for hit in hits if names[hit.doc_id] in gold.get(str(one["id"]), {}))
                text = _masked(workspace, name, str(one["text"]))
                yield Case(group, name, source(group, one), text, tuple(hits), bool(one["answerable"]), right)


def _masked(workspace: Workspace, collection: str, text: str) -> str:
    assistant = workspace._handles.reader(collection).assistant
    return str(assistant.masker.mask_question(RawQuestion(text), principal=workspace._principal(None)).text.index)


def _documents(found: list[list[Hit]]) -> list[str]:
    return sorted({hit.doc_id for hits in found for hit in hits})


def made_cases(folder: Path) -> Iterator[Case]:
    """Questions of xquad and wikitables, unmasked, each question with and without what answers it."""
    dice = random.Random(5)
    places, asked = _xquad(folder, dice)
    places["tables"] = _tables(folder)
    files = [one for one in queries("wikitables") if one["meta"]["table"].endswith(".csv")]
    for prefix in (False, True):
        asked["tables"] = asked.get("tables", []) + [
            (f"{one['meta']['page_title']}: {one['text']}" if prefix else str(one["text"]), gold, frozenset({gold}))
            for one in dice.sample(files, TABLES)
            for gold in (f"{one['meta']['table']}.md",)
        ]
    languages = {language: language for language in LANGUAGES}
    with synced(make_workspace(folder / "made", places, masking=False, languages=languages)) as workspace:
        for name, cases in asked.items():
            found = workspace.search_many([text for text, _, _ in cases], k=DEPTH, collection=name)
            names = workspace.unsafe_native_ids(_documents(found), collection=name)
            for (text, gold, topic), hits in zip(cases, found):
                yield from _taken_out(name, text, gold, topic, hits, names)


def _taken_out(
    name: str, text: str, gold: str, topic: frozenset[str], hits: list[Hit], names: dict[str, str]
) -> Iterator[Case]:
    for gone in dict.fromkeys((frozenset[str](), frozenset({gold}), topic)):
        kept = tuple(hit for hit in hits if names[hit.doc_id] not in gone)[:K]
        right = frozenset(hit.doc_id for hit in kept if names[hit.doc_id] == gold)
        if kept and (gone or right):  # a passage that was not found is neither
            yield Case(name, name, gold, text, kept, bool(right), right)


Asked = dict[str, list[tuple[str, str, frozenset[str]]]]


def _xquad(folder: Path, dice: random.Random) -> tuple[dict[str, Path], Asked]:
    places: dict[str, Path] = {}
    asked: Asked = {}
    for language, count in LANGUAGES.items():
        own = [one for one in corpus("xquad") if one["id"].startswith(f"{language}-")]
        places[language] = write_lines(folder / f"{language}.jsonl", own)
        titles = {str(one["id"]): str(one["title"]) for one in own}
        some = dice.sample([one for one in queries("xquad") if one["type"] == language], count)
        asked[language] = [
            (str(one["text"]), gold, frozenset(name for name in titles if titles[name] == titles[gold]))
            for one in some
            for gold in (str(one["gold_doc"]),)
        ]
    return places, asked


def _tables(folder: Path) -> Path:
    """The tables as Markdown under their page titles."""
    place = folder / "tables"
    place.mkdir()
    for entry in read_lines(data_folder() / "wikitables" / "manifest.jsonl"):
        if entry["format"] == "csv":
            text = (data_folder() / "wikitables" / "files" / entry["file"]).read_text(encoding="utf-8")
            rows = list(csv.reader(text.splitlines(), escapechar="\\"))
            lines = ["| " + " | ".join(one.replace("|", "/").replace("\n", " ") for one in row) + " |" for row in rows]
            rule = "|" + " --- |" * len(rows[0])
            body = "\n".join([lines[0], rule, *lines[1:]])
            (place / f"{entry['file']}.md").write_text(f"# {entry['title']}\n\n{body}")
    return place
