"""Does everything come back, and to nobody else: ``reveal(mask(x)) == x`` on every document, and 10,000 traps.

Run ``python benchmarks/round_trip.py``; ``--only documents,values,adversarial`` for some, ``--sample 40`` for so many
documents a set, ``--aws-step 1`` for all 160 million characters of the AWS documentation (default: every 25th), and
``--learned 30`` for so many documents a set once more with the learned detector. ``--peers FOLDER`` names where

    pip install --no-deps --target FOLDER llm-guard langchain-experimental fuzzysearch structlog attrs

has put the peers' own code, which is imported from there and not written anew here. ``--json`` prints what is written
to ``results/round_trip.json``.

*Documents*: every text, title and name of ``shared/data`` (files by ragkit's parsers) is masked under ``strict`` with
dates shifted and secrets masked, then revealed whole, and once more as a stream cut at random places.

*Values*: 100,000 values in one vault; two with one token, or one that is not revealed, would be seen.

*Adversarial*: a conversation of twelve people (for ragkit the vault holds 2,000 more), and what models and people do
to placeholders. Each case says whose name may be shown. Wrong is a name of anybody else; *guessed* the right name for
a placeholder that is not whole; *lost* a whole placeholder that was not restored; *damaged* other text that changed.
Peers are given the same cases in their own placeholders: LLM Guard's ``[REDACTED_PERSON_1]`` restored exactly and
fuzzily (its third way takes the placeholder for a regular expression, and the text grows without bound), and
LangChain's Faker names by its exact way and the one it recommends. They have no streams: they get the whole text.
"""

from __future__ import annotations

import argparse
import importlib
import json
import random
import sys
import time
import types
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from data import data_folder, read_lines
from reporting import print_table, write_json
from round_trip_cases import KINDS, Case, System, cases, judge, names

from ragkit.crypto import CollectionKeys
from ragkit.detect.build import build_learned
from ragkit.errors import ItemError
from ragkit.mask.build import build_masker
from ragkit.mask.masker import CollectionMasker
from ragkit.mask.reveal import RevealStream
from ragkit.mask.vault import Vault
from ragkit.parse.sandbox import SandboxedParser
from ragkit.policy import Policy
from ragkit.testing.fakes import MemoryVaultTable
from ragkit.types import Document, SourceItem

SEED = 7
BATCH = 32
OTHERS = 2_000
CASES = 10_000
KEY = bytes(range(32))
PARSED = ("sec10q/files", "wikitables/files", "parsers/files")
FIELDS = ("text", "clean_text", "prompt", "question", "title")


@dataclass
class Trip:
    """What one set came to."""

    documents: int = 0
    refused: int = 0
    characters: int = 0
    spans: int = 0
    whole: int = 0
    streamed: int = 0
    pieces: int = 0
    values: int = 0
    seconds: float = 0.0

    def row(self, name: str) -> tuple[object, ...]:
        """For the table."""
        lost = self.documents - min(self.whole, self.streamed)
        speed = self.characters / self.seconds if self.seconds else 0.0
        return (name, self.documents, self.characters, self.spans, self.values, self.whole, self.pieces,
                self.streamed, lost, self.refused, round(speed))  # fmt: skip


COLUMNS = ("set", "documents", "characters", "spans", "distinct values", "back whole", "pieces", "back as a stream",
           "NOT back", "not parsed", "characters/s")  # fmt: skip


def policy(*, learned: bool) -> Policy:
    """As much as can be is masked: ``strict``, secrets too, dates shifted."""
    entities = {"DATE_TIME": {"operator": "shift"}, "DATE_OF_BIRTH": {"operator": "shift"}}
    detectors = ("builtin",) if learned else ()
    return Policy(profile="strict", entities=entities, secrets="mask", detectors=detectors)


def masker(*, learned: bool) -> CollectionMasker:
    """Over a vault in memory, loaded."""
    rules = policy(learned=learned)
    made = build_masker(
        rules, CollectionKeys(KEY), MemoryVaultTable(), "trip", learned=build_learned(rules, {}, threads=1)
    )
    made.load()
    return made


# --- documents --------------------------------------------------------------------------------------------------------


def sets(aws_step: int) -> dict[str, Callable[[], Iterator[Document | ItemError]]]:
    """Every set of ``shared/data``, by name."""
    rag = data_folder()
    found: dict[str, Callable[[], Iterator[Document | ItemError]]] = {}
    for path in sorted([*rag.glob("*/*.jsonl"), *rag.glob("*/*.jsonl.gz"), *(rag.parent / "pii").glob("*/*.jsonl")]):
        if path.stem == "manifest":
            continue
        name = f"{path.parent.name}/{path.name.partition('.')[0]}"
        step = aws_step if path.parent.name == "aws_docs" else 1
        found[name] = lambda path=path, step=step: texts(path, step)
    for folder in PARSED:
        found[folder] = lambda folder=folder: parsed(rag / folder)
    return found


def texts(path: Path, step: int) -> Iterator[Document]:
    """The texts of a JSON-lines file."""
    for number, row in enumerate(islice(read_lines(path), 0, None, step)):
        body = next((row[field] for field in FIELDS if isinstance(row.get(field), str)), None)
        if body:
            title = row.get("title") or f"{path.stem} {number}"
            yield Document(text=body, blocks=(), title=str(title), name=f"{number}.txt", media_type="text/plain")


def parsed(folder: Path) -> Iterator[Document | ItemError]:
    """The files of a folder, by ragkit's parsers in their confined process."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    items = (SourceItem(native_id=str(path), content=path.read_bytes(), name=path.name) for path in files)
    with SandboxedParser() as parser:
        for _, result in parser.parse_all(items):
            yield result


def travel(made: CollectionMasker, documents: Iterator[Document | ItemError], rng: random.Random) -> Trip:
    """Mask and reveal, whole and as a stream."""
    trip = Trip()
    while batch := list(islice(documents, BATCH)):
        ready = [one for one in batch if isinstance(one, Document)]
        trip.refused += len(batch) - len(ready)
        began = time.process_time()
        masked = made.mask(ready)
        trip.seconds += time.process_time() - began
        made.flush()
        for document, result in zip(ready, masked, strict=True):
            assert not isinstance(result, ItemError), result.code
            trip.documents += 1
            trip.characters += len(document.text)
            trip.spans += len(result.text.spans)
            views = ((document.text, result.text), (document.title, result.title), (document.name, result.name))
            trip.whole += all(made.vault.reveal(view.record)[0] == text for text, view in views)
            trip.streamed += _streamed(made.vault, result.text.record, rng, trip) == document.text
    trip.values = len(made.vault._rows.table.rows)  # type: ignore[attr-defined]
    return trip


def _streamed(vault: Vault, text: str, rng: random.Random, trip: Trip) -> str:
    stream, shown, at = RevealStream(vault.reveal), [], 0
    while at < len(text):
        size = rng.randint(1, rng.choice((2, 8, 40, 400)))
        shown.append(stream.feed(text[at : at + size]))
        at += size
        trip.pieces += 1
    return "".join([*shown, stream.flush()])


def documents(options: argparse.Namespace, *, learned: bool) -> dict[str, Any]:
    """Every set, then all of them together."""
    rng, rows, figures, total = random.Random(SEED), [], {}, Trip()
    limit = options.learned if learned else options.sample
    for name, read in sets(options.aws_step).items():
        trip = travel(masker(learned=learned), islice(read(), limit or None), rng)
        rows.append(trip.row(name))
        print(f"  {name}: {trip.documents:,} documents, {trip.whole:,} back", file=sys.stderr, flush=True)
        figures[name] = vars(trip)
        for field, value in vars(trip).items():
            setattr(total, field, getattr(total, field) + value)
    what = "learned detector too" if learned else "rules and patterns"
    print_table(f"Round trip, {what}", COLUMNS, [*rows, total.row("all")])
    return {"sets": figures, "all": vars(total)}


# --- values -----------------------------------------------------------------------------------------------------------


def values(count: int) -> dict[str, int]:
    """A hundred thousand values in one vault, each revealed."""
    vault = Vault(CollectionKeys(KEY), MemoryVaultTable(), "values")
    items = [
        *(("PERSON", name) for name in names(count // 2)),
        *(("CUSTOMER_NUMBER", f"KD-{number:07}") for number in range(count - count // 2)),
    ]
    tokens: dict[tuple[str, str], str] = {}
    for at in range(0, len(items), 500):
        tokens |= {item: token for item, (token, _) in vault.allocate_many(items[at : at + 500]).items()}
        vault.flush()
    shown = vault.reveal("\n".join(tokens.values()))[0].split("\n")
    figures = {
        "values": len(tokens),
        "tokens that two values share": len(tokens) - len(set(tokens.values())),
        "values not revealed as themselves": sum(one != value for one, (_, value) in zip(shown, tokens, strict=True)),
    }
    print_table("100,000 values", ("counted", "number"), list(figures.items()))
    return figures


# --- adversarial ------------------------------------------------------------------------------------------------------


def ragkit_system(people: Sequence[str]) -> System:
    """A vault with the people of the conversation and many more; another collection's tokens are foreign."""
    made = masker(learned=False)
    others = [name for name in names(OTHERS) if name not in people]
    tokens = [made.vault.allocate("PERSON", name)[0] for name in people]
    made.vault.allocate_many(("PERSON", name) for name in others)
    made.flush()
    foreign = Vault(CollectionKeys(b"f" * 32), MemoryVaultTable(), "foreign")
    stranger = [foreign.allocate("PERSON", name)[0] for name in people]

    def restore(pieces: Sequence[str]) -> str:
        stream = RevealStream(made.vault.reveal)
        return "".join([*map(stream.feed, pieces), stream.flush()])

    def through(text: str) -> str:
        return made.mask_text(text, store=True)[1].record

    return System("ragkit", tokens, stranger, restore, through, [*people, *others])


def peer_systems(folder: Path, people: Sequence[str]) -> list[System]:
    """LLM Guard and LangChain, their own modules loaded from where they were installed."""
    sys.path.append(str(folder))
    for package in ("llm_guard", "llm_guard.output_scanners", "langchain_experimental",
                    "langchain_experimental.data_anonymizer"):  # fmt: skip
        module = types.ModuleType(package)  # their own __init__ imports torch, spaCy and every other scanner
        module.__path__ = [str(folder.joinpath(*package.split(".")))]
        sys.modules[package] = module
    import logging

    import structlog

    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    guard = importlib.import_module("llm_guard.output_scanners.deanonymize")
    vault = importlib.import_module("llm_guard.vault")
    chain = importlib.import_module("langchain_experimental.data_anonymizer.deanonymizer_matching_strategies")
    from faker import Faker

    marks = [f"[REDACTED_PERSON_{number}]" for number in range(1, len(people) + 1)]
    fake = Faker()
    fake.seed_instance(SEED)
    faked, foreign = ([fake.unique.name() for _ in people] for _ in range(2))
    held = vault.Vault(list(zip(marks, people, strict=True)))
    mapping = {"PERSON": dict(zip(faked, people, strict=True))}

    def scanned(strategy: str) -> Callable[[Sequence[str]], str]:
        scanner = guard.Deanonymize(held, matching_strategy=strategy)
        return lambda pieces: scanner.scan("", "".join(pieces))[0]

    def matched(strategy: Callable[..., str]) -> Callable[[Sequence[str]], str]:
        return lambda pieces: strategy("".join(pieces), mapping)

    def as_it_is(text: str) -> str:
        return text

    few = vault.Vault(held.get()[:3])
    grown = guard.Deanonymize(few, matching_strategy="case_insensitive").scan("", f"Tell {marks[0]} it is on its way.")
    print(f"LLM Guard, case_insensitive, not run: three people make a sentence {len(grown[0]):,} characters long")
    strategies = (("exact (default)", "exact"), ("fuzzy", "fuzzy"))
    return [
        *(System(f"LLM Guard, {name}", marks, marks, scanned(one), as_it_is, people) for name, one in strategies),
        System("LangChain, exact", faked, foreign, matched(chain.exact_matching_strategy), as_it_is, people),
        System("LangChain, exact and fuzzy (recommended)", faked, foreign,
               matched(chain.combined_exact_fuzzy_matching_strategy), as_it_is, people),
    ]  # fmt: skip


def adversarial(options: argparse.Namespace) -> dict[str, Any]:
    """The same cases for all."""
    people = names(12)
    made: list[Case] = cases(CASES, random.Random(SEED))
    systems = [ragkit_system(people)]
    if options.peers:
        systems += peer_systems(Path(options.peers), people)
    figures: dict[str, Any] = {}
    rows, by_kind = [], []
    for system in systems:
        counts: dict[str, Counter[str]] = {kind: Counter() for kind in KINDS}
        for case in made:
            counts[case.kind][judge(case, system, people)] += 1
        total = sum(counts.values(), Counter())
        rows.append((system.name, sum(total.values()), *(total[one] for one in OUTCOMES)))
        figures[system.name] = {kind: dict(found) for kind, found in counts.items()} | {"all": dict(total)}
        print(f"  {system.name}: {dict(total)}", file=sys.stderr, flush=True)
    for kind, about in KINDS.items():
        wrong = [figures[system.name][kind].get("wrong person", 0) for system in systems]
        by_kind.append((about, sum(figures["ragkit"][kind].values()), *wrong))
    print_table("Adversarial cases", ("system", "cases", *OUTCOMES), rows)
    print_table("Wrong people by kind", ("what was done", "cases", *(system.name for system in systems)), by_kind)
    return figures


OUTCOMES = ("as it should be", "wrong person", "guessed", "lost", "damaged")


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="documents,values,adversarial")
    parser.add_argument("--sample", type=int, default=0, help="documents a set, for a trial")
    parser.add_argument("--aws-step", type=int, default=25, help="every so many documents of the AWS set")
    parser.add_argument("--learned", type=int, default=0, help="documents a set with the learned detector")
    parser.add_argument("--peers", default="", help="folder with the peers' code")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON too")
    options = parser.parse_args()
    only = set(options.only.split(","))
    figures: dict[str, Any] = {"aws_step": options.aws_step}
    if "adversarial" in only:
        figures["adversarial"] = adversarial(options)
    if "values" in only:
        figures["values"] = values(100_000)
    if "documents" in only:
        figures["documents"] = documents(options, learned=False)
        if options.learned:
            figures["documents, learned"] = documents(options, learned=True)
    if options.json:
        print(json.dumps(figures, indent=1))
    write_json("round_trip", figures, trial=bool(options.sample) or len(only) < 3)


if __name__ == "__main__":
    main()
