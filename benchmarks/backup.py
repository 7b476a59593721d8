"""Backs a workspace up while it syncs and answers, restores it elsewhere, and compares every answer.

Run ``python benchmarks/backup.py``; ``--people 200`` for a trial. In this order:

- *idle*: a backup of a quiet workspace, restored elsewhere: are the answers the same, hit by hit, score by score?
- *meanwhile*: two backups while another process syncs the last third of the documents and a third one asks without
  end: one while it writes, restored and synced to the end there; one where it is stopped for a moment, so that it is
  known what the original answered just then.
- *erased since*: people are erased in the original after both backups; each backup is restored again and must not bring
  them back, in bytes or in what is shown.
- *refused*: a wrong root key, none at all, no key file, a backup with one byte changed; each must name a remedy.

Peer in the same run: ``cp -r`` of the data directory during the same sync.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from reporting import print_table, write_json

from benchmarks.company.absence import shown
from benchmarks.company.asker import Asker
from benchmarks.company.generate import Company, generate
from benchmarks.company.marks import by_kind, left, take
from benchmarks.company.setting import COLLECTION, KEY_COPY, KEY_VARIABLE, PURPOSE, prepare, restore_beside, root_key
from benchmarks.company.truth import Truth
from ragkit import open_workspace
from ragkit.errors import RagkitError, SubjectUnclear
from ragkit.keeping import restore_workspace
from ragkit.workspace import Workspace

PEOPLE = 1_500
QUESTIONS = 500
ERASED = 5
SEED = 2026
_SYNC = "from ragkit import open_workspace\nwith open_workspace({!r}) as w:\n    w.sync()\n"

Answers = list[list[tuple[str, float, str]]]


def answers(folder: Path, questions: Sequence[str]) -> Answers:
    """What is found for each question: document, score to six places, text."""
    with open_workspace(folder) as workspace:
        parts = [questions[at : at + 100] for at in range(0, len(questions), 100)]
        found = [hits for part in parts for hits in workspace.search_many(part, k=8, collection=COLLECTION)]
    return [[(hit.doc_id, round(hit.score, 6), hit.chunk.record) for hit in hits] for hits in found]


def questions_of(company: Company, dice: random.Random) -> list[str]:
    """About people, by name and number, and about things."""
    people = [dice.choice(company.people) for _ in range(QUESTIONS)]
    forms = ("What did {0.full} ask for?", "Who has the number {0.number}?", "What leaves the depot in {0.city}?",
             "How long does the repair for {0.family} take?")  # fmt: skip
    return [forms[number % len(forms)].format(person) for number, person in enumerate(people)]


def same_answers(one: Answers, other: Answers) -> int:
    """How many questions have the same documents and texts, in the same order. Scores are the index's, made anew."""
    return sum([(a, c) for a, _, c in x] == [(a, c) for a, _, c in y] for x, y in zip(one, other))


@contextmanager
def syncing(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process that syncs meanwhile."""
    process = subprocess.Popen([sys.executable, "-c", _SYNC.format(str(folder))])
    lock = folder / ".ragkit" / "lock"
    while not (lock.exists() and lock.read_text()) and process.poll() is None:
        time.sleep(0.05)
    yield process
    if process.wait():
        raise SystemExit("the sync failed")


def refusals(folder: Path, backup: Path, old_keys: Path, elsewhere: Path) -> dict[str, str]:
    """What is said to a wrong key, no key, no key file, one from before the erasures, and a damaged backup."""
    told: dict[str, str] = {}

    def attempt(name: str, act: Callable[[Path], Any]) -> None:
        place = elsewhere / f"refused-{len(told)}"
        try:
            act(place)
            told[name] = "NOT REFUSED"
        except RagkitError as refused:
            told[name] = f"{type(refused).__name__}: {refused}. Try: {refused.remedy}"

    os.environ[KEY_VARIABLE] = root_key("another")
    attempt("another root key", lambda place: restore_beside(folder, backup, place))
    del os.environ[KEY_VARIABLE]
    attempt("no root key", lambda place: restore_beside(folder, backup, place))
    os.environ[KEY_VARIABLE] = root_key()
    attempt("no key file", lambda place: restore_workspace(backup, to=place, keys=elsewhere / "nothing"))
    attempt("a key copy from before the erasures", lambda place: restore_workspace(backup, to=place, keys=old_keys))
    damaged = elsewhere / "damaged"
    shutil.copytree(backup, damaged)
    records = damaged / "records.db"
    data = bytearray(records.read_bytes())
    data[len(data) // 2] ^= 1
    records.write_bytes(data)
    attempt("one byte changed", lambda place: restore_beside(folder, damaged, place))
    return told


def main() -> None:
    """Sync, back up, erase, restore, compare, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=PEOPLE)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        figures = measure(Path(made), generate(options.people, SEED))
    show(figures)
    write_json("backup", figures, trial=options.people != PEOPLE)


def measure(made: Path, company: Company) -> dict[str, Any]:
    """Everything, in a folder of its own."""
    dice, truth = random.Random(SEED), Truth(company)
    folder, first = made / "original", len(company.documents) * 2 // 3
    prepare(Company(company.people, company.documents[:first]), folder, rules_only=True)
    with open_workspace(folder) as workspace:
        workspace.sync()
    questions = questions_of(company, dice)
    figures: dict[str, Any] = {"documents": len(company.documents), "questions": len(questions)}
    figures["idle"] = _idle(folder, made, questions)
    company.write(folder / "source")
    figures["meanwhile"] = _meanwhile(folder, made, questions, dice)
    shutil.copy(folder / KEY_COPY, made / "old-keys")
    figures["erased"] = _erased(folder, made, truth, dice)
    figures["refused"] = refusals(folder, made / "idle", made / "old-keys", made)
    return figures


def _idle(folder: Path, made: Path, questions: Sequence[str]) -> dict[str, Any]:
    with open_workspace(folder) as workspace:
        report = workspace.keeping.backup(made / "idle")
    restored = restore_beside(folder, made / "idle", made / "idle-restored")
    same = same_answers(answers(folder, questions), answers(made / "idle-restored", questions))
    return _told(report, restored.elapsed, same)


def _meanwhile(folder: Path, made: Path, questions: Sequence[str], dice: random.Random) -> dict[str, Any]:
    """Back up twice during one sync: while it writes, and where it is stopped for a moment, to know what it had."""
    with Asker(folder) as asker, open_workspace(folder) as workspace:
        asker.keep_asking(dice.sample(list(questions), 50), [])
        there = _documents(workspace)
        with syncing(folder) as process:
            while process.poll() is None and _documents(workspace) <= there:  # until something new is published
                time.sleep(0.05)
            running = workspace.keeping.backup(made / "meanwhile")
            shutil.copytree(folder / ".ragkit", made / "copied" / ".ragkit")
            busy = process.poll() is None
            journal = folder / ".ragkit" / "records.keys.db-journal"
            process.send_signal(signal.SIGSTOP)
            while journal.exists():  # stopped while it held the key file
                process.send_signal(signal.SIGCONT)
                time.sleep(0.01)
                process.send_signal(signal.SIGSTOP)
            now = answers(folder, questions)
            stopped = workspace.keeping.backup(made / "stopped")
            shutil.copytree(folder, made / "frozen")
            process.send_signal(signal.SIGCONT)
        asked = asker.stop()
    restored = restore_beside(folder, made / "stopped", made / "stopped-restored")
    there_now = answers(made / "stopped-restored", questions)
    told = _told(stopped, restored.elapsed, same_answers(now, there_now))
    with open_workspace(made / "frozen") as frozen:  # it answered from an index and a delta, the restored one from one
        frozen.rebuild()
    told["same_as_rebuilt"] = same_answers(answers(made / "frozen", questions), there_now)
    restored = restore_beside(folder, made / "meanwhile", made / "meanwhile-restored")
    with open_workspace(made / "meanwhile-restored") as workspace:
        before = _documents(workspace)
        workspace.sync()
        synced = _documents(workspace)
    found = [documents_of(one, questions) for one in (folder, made / "meanwhile-restored")]
    return {
        **told,
        "while_writing": {
            "backup_seconds": running.elapsed,
            "restore_seconds": restored.elapsed,
            "documents": [there, before, synced],
            "same_first_document": sum(a[:1] == b[:1] for a, b in zip(*found)),
            "same_documents": sum(set(a) == set(b) for a, b in zip(*found)),
        },
        "sync_was_running": busy,
        "asked": len(asked),
        "failed": sorted({one.failed for one in asked if one.failed}),
        "peer": _copied(folder, made / "copied"),
    }


def documents_of(folder: Path, questions: Sequence[str]) -> list[list[str]]:
    """The documents found for each question: values that came after the backup have other stand-ins there."""
    return [[doc_id for doc_id, _, _ in found] for found in answers(folder, questions)]


def _copied(folder: Path, copy: Path) -> str:
    """What becomes of a plain copy of the data directory made meanwhile."""
    shutil.copy(folder / "ragkit.toml", copy)
    shutil.copytree(folder / "source", copy / "source")
    try:
        with open_workspace(copy) as workspace:
            workspace.sync()
            return f"opens, {_documents(workspace)} documents"
    except Exception as bad:
        return f"{type(bad).__name__}"


def _documents(workspace: Workspace) -> int:
    return int(workspace.status()["collections"][COLLECTION]["documents"])


def _erased(folder: Path, made: Path, truth: Truth, dice: random.Random) -> dict[str, Any]:
    people = []
    with open_workspace(folder) as workspace:
        everybody = [one for one in truth.company.people if len(truth.named_in(one.id)) > 1]
        while len(people) < ERASED:
            one = dice.choice(everybody)
            if one not in people and len(workspace.subjects.find(one.email, purpose=PURPOSE)) == 1:
                people.append(one)
        gone = take(workspace, truth, people)
        for one in people:
            try:  # the officer knows the name, whether or not it was detected anywhere
                workspace.subjects.erase(one.email, purpose=PURPOSE, also=[one.full])
            except SubjectUnclear:  # somebody else goes by it
                workspace.subjects.erase(one.email, purpose=PURPOSE)
    with open_workspace(folder) as workspace:  # what detection never found there, no restore can be blamed for
        told: dict[str, Any] = {"people": len(people), "known_in_the_original": shown(workspace, truth, people)}
    for name in ("idle", "meanwhile", "stopped"):
        place = made / f"{name}-after"
        report = restore_beside(folder, made / name, place)
        with open_workspace(place) as workspace:
            problems = shown(workspace, truth, people)
            workspace.sync()
            problems += [f"after a sync: {one}" for one in shown(workspace, truth, people)]
        told[name] = {
            "dropped": report.dropped, "redacted": report.redacted, "known": problems,
            "bytes_left": by_kind(left(place, gone)),
        }  # fmt: skip
    return told


def _told(report: Any, seconds: float, same: int) -> dict[str, Any]:
    return {
        "documents": report.documents,
        "chunks": report.chunks,
        "bytes": report.bytes,
        "backup_seconds": report.elapsed,
        "restore_seconds": seconds,
        "same_answers": same,
        "problem": report.keys_problem,
    }


def show(figures: dict[str, Any]) -> None:
    """Print the tables."""
    rows = [
        (name, one["documents"], one["chunks"], one["bytes"], one["backup_seconds"], one["restore_seconds"],
         f"{one['same_answers']} of {figures['questions']}")
        for name, one in figures.items() if name in {"idle", "meanwhile"}
    ]  # fmt: skip
    columns = ("backup", "documents", "chunks", "bytes", "s", "restore s", "same answers")
    print_table("Backup and restore", columns, rows)
    told = figures["meanwhile"]
    print_table("Meanwhile", ("", ""), [(key, str(told[key])) for key in (
        "sync_was_running", "same_as_rebuilt", "while_writing", "asked", "failed", "peer", "problem")])  # fmt: skip
    rows = [(name, one["dropped"], one["redacted"], str(one["known"]), str(one["bytes_left"]))
            for name, one in figures["erased"].items() if isinstance(one, dict)]  # fmt: skip
    print(f"\nknown in the original after the erasures: {figures['erased']['known_in_the_original']}")
    print_table("Restored after erasures", ("backup", "dropped", "redacted", "known still", "bytes left"), rows)
    print_table("Refused", ("with", "said"), list(figures["refused"].items()))


if __name__ == "__main__":
    main()
