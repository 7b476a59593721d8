"""The thief's own process: a folder, the public encoder, a list of people, and nothing of the owner's.

::

    report = send_thief(Path(".ragkit"), people, collection="care", attacks=ATTACKS)

The child gets no environment variable but the few a program needs to start, so no root key that stands in one; it is
told no path but the data directory's, and imports no code that could look for a key. It reads the list from standard
input and writes its guesses, document ids and positions only, to standard output: nothing goes to the disk.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ragkit.attack.attacks import ATTACKS, Attempt
from ragkit.attack.loot import Loot, steal
from ragkit.attack.matching import Guess
from ragkit.attack.people import KnownPerson, Terms
from ragkit.errors import EvaluationError

_PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "OMP_NUM_THREADS", "VIRTUAL_ENV", "PYTHONPATH")


@dataclass(frozen=True, slots=True)
class Haul:
    """What a thief came back with: document ids, and guesses by attack."""

    documents: tuple[str, ...]
    guesses: Mapping[str, list[Guess]] = field(repr=False)


def analyzer(language: str) -> Terms:
    """Cut texts as a lexical index of this language does; the code is public."""
    from ragkit.index.lexical import LexicalIndex

    index = LexicalIndex.create(None, language=language)
    return lambda text: list(index.terms(text))


def attempt(
    loot: Loot, people: Sequence[KnownPerson], *, model: str, known: Mapping[int, int], seed: int, threads: int | None
) -> Attempt:
    """Set the attacks up."""
    from ragkit.index.embedder import MiniLMEmbedder

    encoder = MiniLMEmbedder(model=model, threads=threads) if model else None
    return Attempt(loot, people, analyzer(loot.language), encoder, known, seed)


def send_thief(
    folder: Path,
    people: Sequence[KnownPerson],
    *,
    collection: str,
    attacks: Sequence[str] = ATTACKS,
    known: Mapping[int, str] | None = None,
    model: str = "",
    threads: int | None = None,
    seed: int = 0,
) -> Haul:
    """Run the attacks in a process of their own.

    Args:
        folder: The data directory.
        people: The list.
        collection: Its name, which stands in clear.
        attacks: Which; those that the loot does not allow are left out.
        known: Documents, by id, of a few people whom the thief knows.
        model: The public encoder as the configuration names it; empty leaves vectors alone.
        threads: For the encoder.
        seed: Of the lots.

    Raises:
        EvaluationError: The thief failed; the message is its own, which holds no content.
    """
    order = {
        "folder": str(folder.resolve()), "collection": collection, "attacks": list(attacks), "model": model,
        "threads": threads, "seed": seed, "known": sorted((known or {}).items()),
        "people": [[one.name, dict(one.facts)] for one in people],
    }  # fmt: skip
    environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    child = subprocess.run(
        [sys.executable, "-m", "ragkit.attack.thief"],
        input=json.dumps(order).encode(),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # a library's words may hold content
        env=environment,
        cwd="/",
        check=False,
    )
    try:
        answer = json.loads(child.stdout)
    except ValueError:
        answer = {"error": f"the attacking process ended with status {child.returncode}"}
    if "error" in answer:
        raise EvaluationError(answer["error"], remedy=answer.get("remedy", "Run `ragkit doctor`, then try again."))
    return Haul(
        tuple(answer["documents"]),
        {name: [Guess(p, tuple(d), s, bool(u)) for p, d, s, u in rows] for name, rows in answer["guesses"].items()},
    )


def _work(order: Mapping[str, Any]) -> dict[str, Any]:
    loot = steal(Path(order["folder"]), collection=order["collection"] or None)
    places = {doc_id: place for place, doc_id in enumerate(loot.documents)}
    known = {person: places[doc_id] for person, doc_id in order["known"] if doc_id in places}
    people = [KnownPerson(name, facts) for name, facts in order["people"]]
    made = attempt(loot, people, model=order["model"], known=known, seed=order["seed"], threads=order["threads"])
    guesses = {
        name: [[g.person, list(g.documents), round(g.score, 6), g.sure] for g in made.run(name)]
        for name in order["attacks"]
        if name in made.names()
    }
    return {"documents": list(loot.documents), "guesses": guesses}


def main() -> None:
    """Take an order from standard input, answer on standard output."""
    os.umask(0o077)
    order = json.load(sys.stdin)
    try:
        answer = _work(order)
    except EvaluationError as refused:
        answer = {"error": str(refused), "remedy": refused.remedy}
    sys.stdout.write(json.dumps(answer))


if __name__ == "__main__":
    main()
