"""How fast personal data is found: characters a second of processor time, by part, kind of text and length of text.

Run ``python benchmarks/detect_speed.py``; ``--limit 20000`` for a trial on shorter texts, ``--systems`` for some. All
in one process on one thread: processor time, so a second is a second of one core; best of ``--rounds``. The texts are
the AWS documentation (technical prose, little personal) and TAB's dev judgments (people on every line; repeated where
they are too short for a megabyte, each copy with other digits so that no copy is the same text).

- *rules and patterns*: ragkit's default policy without a learned detector, resolver included.
- *detector*: the shipped one alone.
- *masker*: documents in, masked documents out, default or strict policy, with an empty vault in memory at the start of
  each round, so that every value has to be given its token and stand-in.
- *Presidio, patterns*: its default recognizers on a blank pipeline, as in ``plain.py``; and *with the detector*: the
  same encoder, adapter and head through its HuggingFaceNerRecognizer (``hf_export.py``: without ragkit's case and
  layout observations, so what it finds is not to be compared, but what it costs is). Their context step is quadratic in
  the length, so a megabyte is left out.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # read when the first of the libraries below loads

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from data import aws_docs
from pii_data import records
from reporting import print_table, write_json

from ragkit.crypto import CollectionKeys
from ragkit.detect.builtin import BuiltinDetector
from ragkit.evaluate.finder import Finder
from ragkit.mask.build import build_masker
from ragkit.mask.vault import Vault
from ragkit.policy import Policy
from ragkit.testing.fakes import MemoryVaultTable
from ragkit.types import Block, BlockKind, Document, MaskedDocument

SIZES = ((10_000, 20), (100_000, 5), (1_000_000, 1))
"""Characters a text, and how many texts."""
PEER_LIMIT = 100_000
PEER_TEXTS = 3
TARGET, TOWARDS, LINEAR = 30_000, 60_000, 0.8
SYSTEMS = ("rules and patterns", "detector", "masker", "masker, strict", "Presidio, patterns", "Presidio, detector")

Work = Callable[[Sequence[str]], int]
"""From texts to the number of findings."""


@dataclass
class System:
    """What is measured: ``fresh`` gives the work of one round."""

    name: str
    fresh: Callable[[], Work]
    peer: bool = False


def systems(chosen: Sequence[str], folder: Path) -> Iterator[System]:
    """Load the chosen systems one by one."""
    for name in chosen:
        if name == "rules and patterns":
            finder = Finder.of_policy(Policy.default().model_copy(update={"detectors": ()}))
            finder.load()
            yield System(name, lambda finder=finder: lambda texts: sum(map(len, finder(texts))))  # type: ignore[misc]
        elif name == "detector":
            detector = BuiltinDetector(threads=1)
            yield System(name, lambda one=detector: lambda texts: sum(map(len, one.detect(texts))))  # type: ignore[misc]
        elif name.startswith("masker"):
            yield System(name, _masker(Policy.from_profile("strict" if name.endswith("strict") else "default")))
        else:
            yield System(name, _presidio(folder if name.endswith("detector") else None), peer=True)


def _masker(policy: Policy) -> Callable[[], Work]:
    keys = CollectionKeys(bytes(range(32)))
    masker = build_masker(policy, keys, MemoryVaultTable(), "speed", learned=[BuiltinDetector(threads=1)])
    masker.load()

    def work(texts: Sequence[str]) -> int:
        masked = masker.mask([_document(text) for text in texts])
        masker.flush()
        return sum(sum(one.counts.values()) for one in masked if isinstance(one, MaskedDocument))

    def fresh() -> Work:
        masker.vault = Vault(keys, MemoryVaultTable(), "speed", own_types=policy.own_types)
        return work

    return fresh


def _document(text: str) -> Document:
    blocks = (Block(BlockKind.PARAGRAPH, 0, len(text)),)
    return Document(text=text, blocks=blocks, title="Text", name="text.txt", media_type="text/plain")


def _presidio(folder: Path | None) -> Callable[[], Work]:
    from hf_export import export
    from plain import presidio

    analyzer, _ = presidio(None if folder is None else export(folder))
    return lambda: lambda texts: sum(len(analyzer.analyze(text=text, language="en")) for text in texts)


def texts(limit: int) -> dict[str, str]:
    """A text of each kind, as long as the longest measurement needs."""
    needed = min(limit or 1_000_000, 1_000_000)
    found: dict[str, str] = {}
    pieces, length = [], 0
    for document in aws_docs(27):
        pieces.append(str(document["text"]))
        length += len(pieces[-1]) + 2
        if length >= needed:
            break
    found["AWS documentation"] = "\n\n".join(pieces)[:needed]
    judgments = "\n\n".join(record.text for record in records("tab_dev"))
    copies = -(-needed // len(judgments))
    turned = (judgments.translate({48 + d: 48 + (d + copy) % 10 for d in range(10)}) for copy in range(copies))
    found["TAB dev judgments"] = "\n\n".join(turned)[:needed]
    return found


def measure(system: System, text: str, size: int, count: int, rounds: int) -> tuple[float, float]:
    """Characters a second, best of the rounds, and findings by thousand characters."""
    pieces = [text[at : at + size] for at in range(0, len(text) - size + 1, size)]
    pieces = list(islice(pieces, min(count, PEER_TEXTS) if system.peer else count))
    length, best, found = sum(map(len, pieces)), float("inf"), 0
    for _ in range(rounds):
        work = system.fresh()
        started = time.process_time()
        found = work(pieces)
        best = min(best, time.process_time() - started)
    return length / best, 1000 * found / length


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--systems", action="append", choices=SYSTEMS, help="default: all")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--limit", type=int, default=0, help="longest text, for a trial")
    options = parser.parse_args()
    # Before ragkit, which hides transformers from Presidio when it is the first to import it.
    import presidio_analyzer.predefined_recognizers  # noqa: F401
    import torch

    torch.set_num_threads(1)
    sizes = [one for one in SIZES if not options.limit or one[0] <= options.limit] or [(options.limit, 1)]
    read = texts(options.limit)
    rows: list[tuple[object, ...]] = []
    figures: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        for system in systems(options.systems or SYSTEMS, Path(folder) / "model"):
            system.fresh()([text[-10_000:] for text in read.values()])
            for kind, text in read.items():
                speeds: dict[int, float] = {}
                found = 0.0
                for size, count in sizes:
                    if not system.peer or size <= PEER_LIMIT:
                        speeds[size], found = measure(system, text, size, count, options.rounds)
                linear = speeds[1_000_000] / speeds[10_000] if 1_000_000 in speeds else None
                cells = [f"{speeds[size]:,.0f}" if size in speeds else "not run" for size, _ in sizes]
                rows.append((system.name, kind, *cells, "" if linear is None else f"{linear:.2f}", f"{found:.1f}"))
                figures.append(
                    {"system": system.name, "text": kind, "characters_per_cpu_second": speeds,
                     "1MB_over_10KB": linear, "findings_per_1000_characters": found}
                )  # fmt: skip
    heads = [f"{size // 1000:,} KB" for size, _ in sizes]
    columns = ("system", "text", *heads, "1 MB / 10 KB", "findings by 1,000 characters")
    print_table("Characters a second and core", columns, rows)
    print(
        f"\ntargets: the masker at {TARGET:,} characters a second and core, towards {TOWARDS:,}, and 1 MB at "
        f"{LINEAR} times the speed of 10 KB or more: {_met(figures)}"
    )
    targets = {"characters_per_cpu_second": TARGET, "1MB_over_10KB": LINEAR, "system": "masker"}
    write_json("detect_speed", {"figures": figures, "targets": targets}, trial=bool(options.limit))


def _met(figures: Sequence[dict[str, Any]]) -> str:
    whole = [one for one in figures if one["system"] == "masker"]
    if not whole or any(one["1MB_over_10KB"] is None for one in whole):
        return "a trial"
    fast = all(min(one["characters_per_cpu_second"].values()) >= TARGET for one in whole)
    return "yes" if fast and all(one["1MB_over_10KB"] >= LINEAR for one in whole) else "NO"


if __name__ == "__main__":
    main()
