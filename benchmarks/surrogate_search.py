"""What is a name worth to a dense search when it is real, from the pool, of syllables, or two with a hyphen?

Run ``python benchmarks/surrogate_search.py``; ``--documents 20`` for a trial. The judgments of TAB (train and dev,
gold spans) are asked for by the name of the person they mention most: "Which complaint did {name} bring before the
Court?". Every part of every name is replaced, in text and question alike, by a surrogate of one kind, drawn under
three keys; the first eight paragraphs of 80 characters and more, cut at 600, are embedded by the shipped encoder, and
a judgment counts as its best paragraph. MRR with 95 % bootstrap intervals over questions and keys. Chance is what a
placeholder gives: a question in which every name is ``person``.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
from data import data_folder, read_lines
from pii_data import TAB
from reporting import print_table, write_json

from ragkit.config_sections import BUNDLED_MODEL
from ragkit.crypto import keyed_hash
from ragkit.folding import fold
from ragkit.index.embedder import MiniLMEmbedder
from ragkit.mask.people import read_name
from ragkit.mask.surrogate_names import blend
from ragkit.mask.surrogates import _drawable, join, split
from ragkit.metrics import bootstrap_mean
from ragkit.types import Masked

KEYS = (b"1" * 32, b"2" * 32, b"3" * 32)
PARAGRAPHS, SHORTEST, LONGEST = 8, 80, 600
Maker = Callable[[str, bytes], str]


def _drawn(stream: bytes, at: int = 0) -> str:
    words = _drawable("family")
    return words[int.from_bytes(stream[at : at + 8], "big") % len(words)]


def _hyphenated(_: str, stream: bytes) -> str:
    return f"{_drawn(stream)}-{_drawn(stream, 8)}"


MAKERS: dict[str, Maker] = {
    "real": lambda word, _: word,
    "from the pool": lambda _, stream: _drawn(stream),
    "of syllables": lambda _, stream: blend(_drawable("family"), stream),
    "two with a hyphen (before)": _hyphenated,
    "person": lambda _word, _stream: "person",
}


def judgments(limit: int) -> list[tuple[str, list[tuple[int, int]], str]]:
    """Text, places of names, and the fullest form of the name mentioned most."""
    found = []
    for file in ("train/tab_train", "dev/tab_dev"):
        for row in read_lines(data_folder().parent / "pii" / f"{file}.jsonl"):
            places = sorted({(s["start"], s["end"]) for s in row["spans"] if TAB.get(s["label"]) == "PERSON"})
            names = [row["text"][start:end] for start, end in places]
            last = Counter(name.words[-1].forms[0] for name in map(read_name, names) if name.words)
            if last:
                surname = last.most_common(1)[0][0]
                mine = [n for n in names if (words := read_name(n).words) and words[-1].forms[0] == surname]
                found.append((row["text"], places, max(mine, key=lambda n: len(read_name(n).words))))
    return found[:limit] if limit else found


def replaced(name: str, make: Maker, key: bytes, made: dict[tuple[str, str], str], taken: set[str]) -> str:
    """A name with surrogates for its parts, each of its own."""
    parts = split("PERSON", name)
    for part in parts:
        at = (part.kind, fold(part.text))
        if part.kind == "name" and at not in made:
            attempt = 0
            while True:
                one = make(part.text, keyed_hash(key, at[1], str(attempt)))
                attempt += 1
                if one not in taken or one in {part.text, "person"} or attempt > 50:
                    break
            taken.add(one)
            made[at] = one
    return join(parts, made, key)


def mrr(kind: str, key: bytes, cases: list[Any], embedder: MiniLMEmbedder) -> list[float]:
    """Reciprocal rank of the judgment for each question."""
    made: dict[tuple[str, str], str] = {}
    taken: set[str] = set()
    paragraphs, owners, questions = [], [], []
    for number, (text, places, asked) in enumerate(cases):
        pieces, at = [], 0
        for start, end in places:
            if start >= at:
                pieces += (text[at:start], replaced(text[start:end], MAKERS[kind], key, made, taken))
                at = end
        whole = "".join([*pieces, text[at:]])
        chosen = [p[:LONGEST] for p in whole.split("\n") if len(p) >= SHORTEST][:PARAGRAPHS]
        paragraphs += map(Masked, chosen)
        owners += [number] * len(chosen)
        name = replaced(asked, MAKERS[kind], key, made, taken)
        questions.append(Masked(f"Which complaint did {name} bring before the Court?"))
    scores = embedder.embed_questions(questions) @ embedder.embed(paragraphs).T
    belongs = np.array(owners)
    best = np.stack([scores[:, belongs == number].max(axis=1) for number in range(len(cases))], axis=1)
    return [float(1 / (1 + (row > row[number]).sum())) for number, row in enumerate(best)]


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", type=int, default=0, help="for a trial")
    options = parser.parse_args()
    cases = judgments(options.documents)
    embedder = MiniLMEmbedder(model=f"builtin:{BUNDLED_MODEL}", threads=1)
    embedder.load()
    rows: list[tuple[str, str]] = []
    figures: dict[str, Any] = {}
    for kind in MAKERS:
        keys = KEYS[:1] if kind in {"real", "person"} else KEYS
        estimate = bootstrap_mean([value for key in keys for value in mrr(kind, key, cases, embedder)], seed=0)
        rows.append((kind, f"{estimate.value:.3f} ({estimate.low:.3f} to {estimate.high:.3f})"))
        figures[kind] = {"value": estimate.value, "low": estimate.low, "high": estimate.high}
        print(f"  {rows[-1]}", flush=True)
    print_table(f"Dense search for a person, {len(cases)} judgments", ("names", "MRR"), rows)
    write_json("surrogate_search", {"judgments": len(cases), "mrr": figures}, trial=bool(options.documents))


if __name__ == "__main__":
    main()
