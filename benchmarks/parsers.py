"""Every file of ``rag/parsers``: text or one typed record, how long, and how like the expected text; peers beside it.

Run ``python benchmarks/parsers.py``; ``RAGKIT_BENCH_PEERS`` names a Python with ``markitdown[all]`` and ``docling``
installed, for the same files in the same run. Where it is not set, their columns are absent, and the script says so.

123 files have an expected text: docling's own reference, machine-made, so docling is at home here, and no PDF is among
them. Compared are words, not markup (``word_likeness``): *words* is the F1 of the two multisets, *order* twice the
longest common subsequence by the words of both. A file that gave no text counts 0. Text with at least one word counts
as text; nothing is masked here.
"""

from __future__ import annotations

import argparse
import json
import os
import select
import statistics
import subprocess
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from data import data_folder, read_lines
from reporting import print_table, write_json
from word_likeness import same_order, shared_words, words_of

from ragkit.errors import ItemError
from ragkit.parse.ocr_setup import find_ocr
from ragkit.parse.sandbox import SandboxedParser
from ragkit.types import SourceItem

PEERS = ("markitdown", "docling")
TIMEOUT_S = 120.0
_START_S = 300.0


@dataclass(frozen=True)
class Outcome:
    """What came of a file: its text, or the code of why there is none."""

    text: str
    code: str
    seconds: float


@dataclass
class Judged:
    """One system over all files."""

    name: str
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    words: dict[str, float] = field(default_factory=dict)
    order: dict[str, float] = field(default_factory=dict)


class System(Protocol):
    """Something that reads files."""

    def read(self, path: Path) -> Outcome:
        """Read one."""


class Ragkit:
    """The sandbox as ``build_parser`` makes it."""

    def __init__(self, parser: SandboxedParser) -> None:
        self._parser = parser

    def read(self, path: Path) -> Outcome:
        """Parse one file."""
        item = SourceItem(native_id=path.name, content=path.read_bytes(), name=path.name)
        began = time.monotonic()
        ((_, result),) = self._parser.parse_all([item])
        seconds = time.monotonic() - began
        if isinstance(result, ItemError):
            return Outcome("", result.code, seconds)
        return Outcome(result.text, "" if words_of(result.text) else "no-text", seconds)


class Peer:
    """Another parser in a process of its own, which is started again when it hangs or dies."""

    def __init__(self, python: str, name: str) -> None:
        self._command = [python, str(Path(__file__).with_name("parser_peers.py")), name]
        self._process: subprocess.Popen[bytes] | None = None

    def version(self) -> str | None:
        """Its version, or ``None`` when it is not installed there."""
        done = subprocess.run([*self._command, "--version"], capture_output=True, text=True, check=False)
        return done.stdout.strip() or None

    def read(self, path: Path) -> Outcome:
        """Convert one file."""
        limit = TIMEOUT_S if self._process is not None else _START_S
        process = self._process = self._process or subprocess.Popen(
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        assert process.stdin is not None
        assert process.stdout is not None
        began = time.monotonic()
        try:
            process.stdin.write(json.dumps(str(path)).encode() + b"\n")
            process.stdin.flush()
            ready, _, _ = select.select([process.stdout], [], [], limit)
            line = process.stdout.readline() if ready else b""
        except BrokenPipeError:
            ready, line = [process.stdout], b""
        seconds = time.monotonic() - began
        if not line:
            self.close()
            return Outcome("", "died" if ready else "timeout", seconds)
        answer = json.loads(line)
        text = answer.get("text", "")
        return Outcome(text, answer.get("error") or ("" if words_of(text) else "no-text"), seconds)

    def close(self) -> None:
        """End it."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.communicate()


@contextmanager
def systems() -> Iterator[dict[str, System]]:
    """Ragkit, and the peers that are there; says of the others why not."""
    ocr = find_ocr()
    if not ocr.is_there:
        print("OCR is absent: pictures and scans are refused.")
    peers: dict[str, Peer] = {}
    python = os.environ.get("RAGKIT_BENCH_PEERS")
    if python is None:
        print("RAGKIT_BENCH_PEERS is not set: no figures for markitdown and docling.")
    for name in PEERS if python else ():
        peer = Peer(str(python), name)
        if version := peer.version():
            peers[f"{name} {version}"] = peer
        else:
            print(f"{name} is not installed for RAGKIT_BENCH_PEERS: no figures for it.")
    try:
        with SandboxedParser(ocr=ocr) as parser:
            yield {"ragkit": Ragkit(parser), **peers}
    finally:
        for peer in peers.values():
            peer.close()


def judge(folder: Path, rows: list[dict[str, Any]], name: str, system: System) -> Judged:
    """Read every file by a system."""
    judged = Judged(name)
    for row in rows:
        outcome = system.read(folder / "files" / row["file"])
        judged.outcomes[row["file"]] = outcome
        if expected := row.get("expected_markdown"):
            right, found = words_of((folder / expected).read_text(encoding="utf-8")), words_of(outcome.text)
            judged.words[row["file"]] = shared_words(right, found)
            judged.order[row["file"]] = same_order(right, found)
    return judged


def by_format(rows: list[dict[str, Any]]) -> dict[str, list[str]]:
    """Files by format, most frequent first."""
    files: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        files[row["format"]].append(row["file"])
    return dict(sorted(files.items(), key=lambda pair: (-len(pair[1]), pair[0])))


def show(rows: list[dict[str, Any]], all_judged: list[Judged]) -> None:
    """Print the tables."""
    ours, formats = all_judged[0], by_format(rows)
    lines = []
    for kind, files in {**formats, "all": [row["file"] for row in rows]}.items():
        found = [ours.outcomes[file] for file in files]
        codes = Counter(outcome.code for outcome in found if outcome.code)
        told = ", ".join(f"{code} {count}" for code, count in codes.most_common())
        slowest = max(outcome.seconds for outcome in found)
        others = [sum(not judged.outcomes[file].code for file in files) for judged in all_judged[1:]]
        lines.append([kind, len(files), len(found) - codes.total(), told or "-", slowest, *others])
    peers = [f"text: {judged.name}" for judged in all_judged[1:]]
    print_table("Files by format", ["format", "files", "text", "typed records", "slowest, s", *peers], lines)
    lines = []
    for kind, files in {**formats, "all": [row["file"] for row in rows]}.items():
        judged_files = [file for file in files if file in ours.words]
        if judged_files:
            figures = [
                statistics.mean(scores[file] for file in judged_files)
                for judged in all_judged
                for scores in (judged.words, judged.order)
            ]
            lines.append([kind, len(judged_files), *figures])
    columns = [f"{judged.name}: {what}" for judged in all_judged for what in ("words", "order")]
    print_table("Likeness to the expected text", ["format", "files", *columns], lines)
    for judged in all_judged:
        slowest = max(judged.outcomes.items(), key=lambda pair: pair[1].seconds)
        spent = sum(outcome.seconds for outcome in judged.outcomes.values())
        failed = Counter(outcome.code for outcome in judged.outcomes.values() if outcome.code)
        print(
            f"\n{judged.name}: {spent:.0f} s in all, slowest {slowest[1].seconds:.1f} s ({slowest[0]}); {dict(failed)}"
        )


def main() -> None:
    """Read everything by everyone, and show it."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--format", help="only files of this format; nothing is written")
    arguments.add_argument("--low", type=int, default=0, help="list so many files with the least likeness")
    chosen = arguments.parse_args()
    folder = data_folder() / "parsers"
    rows = [row for row in read_lines(folder / "manifest.jsonl") if chosen.format in (None, row["format"])]
    with systems() as running:
        all_judged = [judge(folder, rows, name, system) for name, system in running.items()]
    show(rows, all_judged)
    for file in sorted(all_judged[0].order, key=all_judged[0].order.__getitem__)[: chosen.low]:
        print(file, *(f"{judged.name} {judged.words[file]:.2f}/{judged.order[file]:.2f}" for judged in all_judged))
    figures = {
        judged.name: {
            "files": len(rows),
            "text": sum(not outcome.code for outcome in judged.outcomes.values()),
            "codes": Counter(outcome.code for outcome in judged.outcomes.values() if outcome.code),
            "words": statistics.mean(judged.words.values()) if judged.words else None,
            "order": statistics.mean(judged.order.values()) if judged.order else None,
            "slowest_s": max(outcome.seconds for outcome in judged.outcomes.values()),
        }
        for judged in all_judged
    }
    write_json("parsers", {"systems": figures}, trial=chosen.format is not None)


if __name__ == "__main__":
    main()
