"""The last look before a prompt leaves: how often it blocks prompts with nothing in them, and what it catches.

Run ``python benchmarks/rescan.py``; ``--limit 20`` for a trial. From each collection, masked by the default policy,
prompts of a question and its eight chunks are built. *False block*: such a prompt, in which nothing is unmasked, is
held back. *Catch*: with one canary planted at a random place, it is held back. Beside ours stands the plain way, the
masker's detectors over the whole prompt. Times are the processor's. Masking itself is not measured here: a
collection's prompts hold whatever its policy lets stand.
"""

from __future__ import annotations

import argparse
import base64
import json
import random
import shutil
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from data import aws_docs, data_folder, queries, write_lines
from reporting import print_table, write_json
from workspaces import make_workspace, synced

from benchmarks.company.generate import generate
from ragkit.generate.aliases import AliasBook
from ragkit.generate.prompt import ANSWER, SourceText, write_messages
from ragkit.mask.rescan import CollectionScanner
from ragkit.metrics import wilson
from ragkit.testing.canaries import Canary, make_canaries, make_people
from ragkit.types import Conversation, Hit, MaskedQuestion, RawQuestion
from ragkit.workspace import Workspace

K = 8
NAMES = "names without a cue"
PROMPTS = 300
PLANTED = 60
SETS = ("abcd_guidelines", "clapnq", "sec10q", "aws_docs", "company")
FIXED = [*asdict(ANSWER).values(), "Title:", "Section:"]
WAYS: Mapping[str, Callable[[str], str]] = {
    "as it is": lambda text: text,
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "hex": lambda text: text.encode().hex(),
    "percent": lambda text: quote(text, safe=""),
    "\\u escapes": lambda text: "".join(f"\\u{ord(char):04x}" for char in text if ord(char) < 65536),
}


@dataclass(frozen=True, slots=True)
class Case:
    """A question with its hits, and the prompt that comes of them."""

    question: MaskedQuestion
    hits: tuple[Hit, ...]
    prompt: str


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--limit", type=int, default=PROMPTS, help="prompts a collection")
    options.add_argument("--policy", default="", help="a profile, such as strict; by default the default policy")
    options.add_argument("--sets", nargs="*", default=list(SETS))
    options.add_argument("--keep", type=Path, help="folder in which the workspaces stay")
    options.add_argument("--show", action="store_true", help="print what was found where nothing should be")
    given = options.parse_args()
    figures = []
    with tempfile.TemporaryDirectory(prefix="ragkit-rescan-") as temporary:
        for name in given.sets:
            place = (given.keep or Path(temporary)) / f"{name}{given.policy}"
            figures.append(measure(name, place, given.limit, show=given.show, policy=given.policy))
            print(json.dumps(figures[-1]), flush=True)
    print_table(
        "Prompts held back though nothing in them is unmasked",
        ("collection", "prompts", "ragkit", "95 %", "plain", "cpu ms", "cpu ms again", "plain cpu ms", "characters"),
        [[f["set"], f["prompts"], f["false"], f["false_interval"], f["plain_false"], f["ms_first"], f["ms_again"],
          f["plain_ms"], f["characters"]] for f in figures],
    )  # fmt: skip
    kinds = list(figures[0]["caught"])
    print_table(
        "Planted canaries caught, share",
        ("collection", *kinds, "plain: names without a cue"),
        [[f["set"], *(f["caught"][kind] for kind in kinds), f["plain_caught"]] for f in figures],
    )
    write_json(
        "rescan",
        {"collections": figures},
        trial=bool(given.policy) or given.limit != PROMPTS or set(given.sets) != set(SETS),
    )


def measure(name: str, folder: Path, limit: int, *, show: bool, policy: str) -> dict[str, Any]:
    """All figures of one collection."""
    workspace, asked = opened(name, folder, policy)
    with workspace:
        part = workspace._handles.reader(None)
        masker = part.masker
        masker.load()
        cases = list(prompts(workspace, asked, limit))

        def vouched(case: Case, scanner: CollectionScanner) -> None:
            scanner.vouch_hits(case.hits)
            scanner.vouch_question(case.question)

        scanner = CollectionScanner(masker.rules, masker.detectors, masker.vault, folder=workspace.config.folder)
        scanner.vouch(FIXED, always=True)
        scanner.scan("warm up")
        false, first, again, found = 0, [], [], Counter[str]()
        for case in cases:
            vouched(case, scanner)
            counts, ms = timed(scanner, case.prompt)
            first.append(ms)
            again.append(timed(scanner, case.prompt)[1])
            false += bool(counts)
            found.update(counts)
            if show and counts:
                print(dict(counts), explained(scanner, case.prompt))
        plain = plain_scanner(masker)
        some = cases[: max(10, limit // 6)]
        plain_false, plain_ms = 0, []
        for case in some:
            started = time.process_time()
            plain_false += bool(plain(case.prompt))
            plain_ms.append((time.process_time() - started) * 1000)
        dice = random.Random(7)
        caught: dict[str, str] = {}
        plain_caught = "-"
        for kind, way, planted in plantings(min(limit, PLANTED)):
            for case in cases:
                vouched(case, scanner)
            texts = [plant(case.prompt, canary, way, dice) for case, canary in zip(cases, planted, strict=False)]
            caught[kind] = f"{sum(bool(scanner.scan(text)) for text in texts)}/{len(texts)}"
            if kind == NAMES:
                plain_caught = f"{sum(bool(plain(text)) for text in texts[: len(some)])}/{len(some)}"
        interval = wilson(false, len(cases))
        return {
            "set": name,
            "prompts": len(cases),
            "false": false,
            "false_interval": f"{interval.low:.3f} to {interval.high:.3f}",
            "found": dict(found),
            "plain_false": f"{plain_false}/{len(plain_ms)}",
            "ms_first": round(statistics.median(first), 1),
            "ms_again": round(statistics.median(again), 1),
            "plain_ms": round(statistics.median(plain_ms), 1),
            "characters": round(statistics.median(len(case.prompt) for case in cases)),
            "caught": caught,
            "plain_caught": plain_caught,
        }


def explained(scanner: CollectionScanner, prompt: str) -> list[str]:
    """For ``--show`` on open data: what it was, and who found it."""
    from ragkit.mask.vouching import veiled

    shown = veiled(prompt)
    strays = scanner._vouched.strays(shown)
    return [
        f"{one.recognizer} {one.score} {shown[max(0, one.start - 40) : one.start]}<<{shown[one.start : one.end]}>>"
        f"{shown[one.end : one.end + 20]!r}"
        for one in scanner._look(shown, strays)
    ]


def timed(scanner: CollectionScanner, text: str) -> tuple[Mapping[str, int], float]:
    """What is found, and the processor's milliseconds."""
    started = time.process_time()
    counts = scanner.scan(text)
    return counts, (time.process_time() - started) * 1000


def plain_scanner(masker: Any) -> Callable[[str], int]:
    """The plain way: every detector of the masker over the whole prompt, at its threshold."""
    from ragkit.mask.examination import LITERAL
    from ragkit.mask.vouching import veiled

    def scan(text: str) -> int:
        spans, _ = masker.mask_text(veiled(text))
        shown = veiled(text)
        return sum(
            span.entity_type != LITERAL and "[" not in shown[max(0, span.start - 1) : span.end + 1] for span in spans
        )

    return scan


def prompts(workspace: Workspace, asked: Sequence[str], limit: int) -> Iterator[Case]:
    """Questions of the set with their chunks, as a prompt."""
    assistant = workspace._handles.reader(None).assistant
    owner = workspace.config.workspace.principal
    for text in asked[:limit]:
        question = assistant.masker.mask_question(RawQuestion(text), principal=owner)
        hits = tuple(assistant.retriever.retrieve(question, k=K, principal=owner))
        book = AliasBook(Conversation())
        sources = [
            SourceText(at, book.hide(hit.title), book.hide(hit.chunk.heading), book.hide(hit.chunk.record))
            for at, hit in enumerate(hits, 1)
        ]
        messages = write_messages(ANSWER, question=book.hide(question.text.record), sources=sources)
        yield Case(question, hits, "\n".join(message.content for message in messages))


def plantings(limit: int) -> Iterator[tuple[str, Callable[[str], str], list[str]]]:
    """What is planted, by kind and way of writing."""
    canaries = make_canaries(limit, seed=11)
    for way, write in WAYS.items():
        yield f"cued, {way}", write, [one.sentence for one in canaries]
    people: Sequence[Canary] = make_people(limit, seed=12)
    yield NAMES, WAYS["as it is"], [one.sentence for one in people]


def plant(prompt: str, sentence: str, way: Callable[[str], str], dice: random.Random) -> str:
    """Put a sentence at a random place between two words."""
    places = [at for at, char in enumerate(prompt) if char in " \n"]
    at = dice.choice(places)
    return f"{prompt[:at]} {way(sentence)} {prompt[at + 1 :]}"


def opened(name: str, folder: Path, profile: str) -> tuple[Workspace, list[str]]:
    """A workspace over a set, synced, and questions to it."""
    folder.mkdir(parents=True, exist_ok=True)
    if name == "company":
        company = generate(people=150, seed=3)
        company.write(folder / "source")
        source, asked = (
            folder / "source" / "files",
            [f"What is known about {one.full}?" for one in company.people],
        )
    elif name == "aws_docs":
        rows = list(aws_docs(120))
        source = write_lines(folder / "corpus.jsonl", rows)
        asked = [str(row["title"]) for row in rows]
    else:
        there = data_folder() / name
        source = there / "corpus.jsonl"
        if name == "sec10q":  # a quarter of the filings: they are long, and all alike
            source = folder / "filings"
            source.mkdir(exist_ok=True)
            for one in sorted((there / "files").iterdir())[::4]:
                shutil.copy(one, source)
        asked = [str(row["text"]) for row in queries(name)]
        if name == "abcd_guidelines":
            asked = [str(json.loads(line)["title"]) for line in source.read_text().splitlines()]
    extra = f'[policies.measured]\nprofile = "{profile}"\n' if profile else ""
    made = make_workspace(folder / "workspace", {"docs": source}, policy="measured" if profile else "", extra=extra)
    return synced(made), asked


if __name__ == "__main__":
    main()
