"""A workspace to be killed: sources before and after a change in every way, and what must be equal in the end.

::

    scene = CrashScene.make(tmp_path)                 # synced once, and the sources changed since
    folder = scene.copy(tmp_path / "trial")
    died = scene.sync(folder, point="sync.before_commit")
    assert scene.recovered(folder) == scene.expected()

Everything is real but the encoder, whose vectors say nothing and cost nothing: configuration, connectors, sandboxed
parsing, masking by rules, record store, key file, event log, and generations built by Chroma in a process of their own.
Each step runs in a fork of a process that has imported everything and opened nothing, so that a kill takes only that;
the builder of a generation is a fork of that in turn.
"""

from __future__ import annotations

import base64
import hashlib
import json
import multiprocessing
import os
import re
import shutil
import signal
import sqlite3
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import ragkit
from ragkit import crashpoints
from ragkit.index import generations, probe
from ragkit.testing.warm_children import NEEDED, forked

OWNER = "local|crash"
_IMPORTED = (
    "presidio_analyzer", "spacy", "tldextract", "tantivy", "tokenizers", "cryptography.hazmat.primitives.ciphers.aead",
    "sqlalchemy.dialects.sqlite", "ragkit.workspace", "ragkit.syncing", "ragkit.mask.build", "ragkit.store.records",
    "ragkit_connectors.files", "ragkit_connectors.sql", "ragkit.pipeline", "ragkit.retrieve.retriever",
)  # fmt: skip
_TOKEN = re.compile(r"\[[A-Z_]+:\w+\]")
_REACHED = re.compile(r'\breach\("((?:sync|index)\.\w+)"\)')
POINTS = sorted(
    name
    for file in Path(ragkit.__file__).parent.rglob("*.py")
    if file.name != "crashpoints.py"
    for name in set(_REACHED.findall(file.read_text(encoding="utf-8")))
)
"""Every named crash point of a sync and of an index."""

_CONFIG = f"""\
[workspace]
name = "crash"
owner = "{OWNER}"

[keys]
source = "env"
variable = "RAGKIT_ROOT_KEY"

[policies.rules]
profile = "default"
detectors = []

[collections.default]
data_class = "internal"
policy = "rules"
access = ["u:{OWNER}"]
max_delete_share = 1.0

[[collections.default.sources]]
connector = "files"
name = "files"
path = "source"
checkpoint_every = 5

[[collections.default.sources]]
connector = "sql"
name = "notes"
path = "notes.db"
table = "notes"
id_column = "id"
text_columns = ["body"]
updated_column = "changed"
access_column = "readers"
page_rows = 4
"""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a step in a process of its own: its result, its exit status, and seconds."""

    result: Any
    status: int
    seconds: float


@dataclass(frozen=True, eq=False)
class CrashScene:
    """A folder that is copied for each trial.

    Attributes:
        documents: How many files there are, before and after.
    """

    folder: Path
    documents: int
    _expected: list[Any] = field(default_factory=list)

    @classmethod
    def make(cls, folder: Path, *, documents: int = 40, sections: int = 40) -> CrashScene:
        """Write the sources, sync, and change them: a fifth each stays, changes, goes, comes, and is moved.

        One document has so many ``sections``; with 2,600 it is written in several transactions.
        """
        for needed in (*NEEDED, *_IMPORTED):
            import_module(needed)
        os.environ["RAGKIT_ROOT_KEY"] = base64.b64encode(hashlib.sha256(b"crash").digest()).decode()
        scene = cls(folder, documents)
        source = folder / "source"
        source.mkdir(parents=True)
        (folder / "ragkit.toml").write_text(_CONFIG, encoding="utf-8")
        _rows(folder, _NOTES)
        for number in range(documents):
            _write(source / f"old/{number:04}.md", number, "first")
        _write(source / "large.md", 0, "first", sections=sections)
        _write(source / "breaks.md", 0, "first")
        (source / "broken.pdf").write_bytes(b"%PDF-1.7\nnothing that can be read")
        done = scene.sync(folder)
        if done.status:
            raise RuntimeError("the scene could not be set")
        for number in range(documents):
            old = source / f"old/{number:04}.md"
            match number % 5:
                case 1:
                    _write(old, number, "second")
                case 2:
                    old.unlink()
                case 3:
                    _write(source / f"new/{number:04}.md", number, "first")
                case 4:
                    (source / "moved").mkdir(exist_ok=True)
                    old.rename(source / f"moved/{number:04}.md")
        _write(source / "large.md", 0, "second", sections=sections)
        (source / "breaks.md").write_bytes(b"%PDF-1.7\nnot any more")
        _rows(folder, _NOTES_AFTER)
        (source / "mailed.eml").write_bytes(
            b"From: a@b.example\nTo: c@d.example\nSubject: Lamps\n\nThe lamp word31337 is here.\n"
        )
        return scene

    def copy(self, to: Path) -> Path:
        """Copy the workspace."""
        shutil.copytree(self.folder, to)
        return to

    def sync(
        self, folder: Path, *, point: str = "", times: int = 1, kill: Callable[[int], None] | None = None
    ) -> Outcome:
        """Sync in a process group of its own, which dies at a crash point, or is given to ``kill`` to be killed."""
        return run(partial(_sync, folder, point, times), kill=kill)

    def reached(self, folder: Path) -> dict[str, int]:
        """Sync, and tell how often each crash point was passed; those that were not are absent."""
        found: dict[str, int] = run(partial(_count, folder)).result
        return found

    def expected(self) -> dict[str, Any]:
        """What a workspace holds after a sync that nothing interrupted."""
        if not self._expected:
            whole = self.copy(self.folder.with_name(f"{self.folder.name}-uninterrupted"))
            self.sync(whole)
            self._expected.append(self.state(whole).result)
        found: dict[str, Any] = self._expected[0]
        return found

    def state(self, folder: Path) -> Outcome:
        """What a workspace answers, holds and has checked, as JSON values."""
        return run(partial(_state, folder))

    def search(self, folder: Path, word: str) -> Outcome:
        """Native ids of what a question finds, from a process that opens the workspace as it is."""
        return run(partial(_search, folder, word))


_NOTES = [(number, f"Note {number} of word{number}", "1", f"u:{OWNER}") for number in range(12)]
_NOTES_AFTER = [
    *((number, f"Note {number} of word{number}", "1", f"u:{OWNER}") for number in range(4)),
    *((number, f"Note {number} of word{number}", "1", f"u:{OWNER},pub") for number in range(4, 8)),
    *((number, f"Another note {number}", "2", f"u:{OWNER}") for number in range(8, 10)),
    (20, "A note that came", "1", f"u:{OWNER}"),
]


def _rows(folder: Path, rows: list[tuple[int, str, str, str]]) -> None:
    with closing(sqlite3.connect(folder / "notes.db")) as database, database:
        database.execute("DROP TABLE IF EXISTS notes")
        database.execute("CREATE TABLE notes (id INTEGER PRIMARY KEY, body TEXT, changed TEXT, readers TEXT)")
        database.executemany("INSERT INTO notes VALUES (?, ?, ?, ?)", rows)


def _write(file: Path, number: int, edition: str, *, sections: int = 2) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    parts = [f"# Page {number}", f"Contact: person{number}@lampshop.com"]
    parts += [f"## Part {part}\n\nThe {edition} edition, part {part} of word{number}." for part in range(sections)]
    file.write_text("\n\n".join(parts), encoding="utf-8")


def run(step: Callable[[], Any], *, kill: Callable[[int], None] | None = None, seconds: float = 300) -> Outcome:
    """Run a step in a forked process group; ``kill`` is called with its process id while it runs.

    A step that fails is told as ``{"error": …}`` with the status 2; one that was killed has the result ``None`` and the
    negative number of the signal.
    """
    context = multiprocessing.get_context("fork")
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=_stepped, args=(step, there))
    began = time.monotonic()
    process.start()
    there.close()
    assert process.pid is not None
    if kill is not None:
        kill(process.pid)
    result = None
    try:
        if here.poll(seconds):
            result = here.recv()
    except EOFError:
        pass
    process.join(max(1.0, seconds - (time.monotonic() - began)))
    if process.exitcode is None:
        process.kill()
        process.join()
        raise TimeoutError("a step took too long")
    _end_group(process.pid)
    return Outcome(result, process.exitcode, time.monotonic() - began)


def _stepped(step: Callable[[], Any], pipe: Connection) -> None:
    os.setsid()
    try:
        pipe.send(step())
    except ragkit.errors.RagkitError as refused:
        pipe.send({"error": type(refused).__name__, "remedy": refused.remedy})
        os._exit(2)
    os._exit(0)


def _end_group(leader: int) -> None:
    """The builder of a generation dies with its parent sooner or later; here it does at once."""
    try:
        os.killpg(leader, signal.SIGKILL)
    except ProcessLookupError:
        return


def _open(folder: Path) -> Any:
    from ragkit import open_workspace
    from ragkit.testing.stages import FakeEmbedder

    generations.run_child = probe.run_child = forked  # type: ignore[attr-defined]
    workspace = open_workspace(folder)
    workspace._handles.__dict__["embedder"] = FakeEmbedder(64)
    return workspace


def _sync(folder: Path, point: str, times: int) -> dict[str, Any]:
    if point:
        crashpoints._armed[point] = times
        os.environ["RAGKIT_CRASH_POINT"] = f"{point}:{times}"  # for the processes that it starts
    report = _open(folder).sync()
    return {"added": report.added, "updated": report.updated, "deleted": report.deleted, "exit": report.exit_code}


class _Passing(dict[str, int]):
    """In the place of the armed points: counts those that are looked up, and arms none."""

    def __init__(self) -> None:
        self.passed: Counter[str] = Counter()

    def get(self, name: str, default: Any = None) -> Any:
        """Count."""
        self.passed[name] += 1
        return default


def _count(folder: Path) -> dict[str, int]:
    crashpoints._armed = passing = _Passing()
    _open(folder).sync()
    return dict(passing.passed)


def _search(folder: Path, word: str) -> list[str]:
    workspace = _open(folder)
    hits = workspace.search(word, k=5)
    found: dict[str, str] = workspace.unsafe_native_ids([hit.doc_id for hit in hits])
    return sorted(set(found.values()))


def _state(folder: Path) -> dict[str, Any]:
    from sqlalchemy import func, select

    from ragkit.store.records import check
    from ragkit.store.schema import bodies, chunks, documents, vault, versions
    from ragkit.types import Principal

    workspace = _open(folder)
    store = workspace._handles.reader("default").store
    check(store.database)
    numbers = [row.chunk_id for row in store.index_source().rows(with_text=False)]
    hits = store.hit_source().hits(numbers, principal=Principal(OWNER, kind="local"))
    names = store.native_ids(sorted({hit.doc_id for hit in hits.values()}))
    texts: dict[str, list[str]] = {}
    for number in sorted(hits):
        texts.setdefault(names[hits[number].doc_id], []).append(_TOKEN.sub("[…]", hits[number].chunk.record))
    with store.database.read() as connection:
        rows = {
            table.name: connection.execute(select(func.count()).select_from(table)).scalar_one()
            for table in (documents, versions, bodies, chunks, vault)
        }
    asked = {word: _found(workspace, word) for word in ("word1", "word2", "word4", "word31337")}
    return {
        "texts": {name: sorted(some) for name, some in sorted(texts.items())},
        "rows": rows,
        "quarantined": dict(store.inventory().quarantined),
        "asked": asked,
    }


def _found(workspace: Any, word: str) -> list[str]:
    hits = [hit for hit in workspace.search(word, k=40) if re.search(rf"\b{word}\b", hit.chunk.record)]
    return sorted(set(workspace.unsafe_native_ids([hit.doc_id for hit in hits]).values()))


def lost_or_twice(before: dict[str, Any], after: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """What a killed sync did wrong to what was acknowledged: each document is whole, old or new, and there once.

    Args:
        before: The state before the killed sync.
        after: The state after an uninterrupted one.
        now: The state that was found.
    """
    wrong = []
    for name, texts in now["texts"].items():
        if texts not in (before["texts"].get(name), after["texts"].get(name)):
            wrong.append("neither old nor new")
    wrong += ["lost" for name in before["texts"] if name in after["texts"] and name not in now["texts"]]
    if now["rows"]["documents"] != len(now["texts"]):
        wrong.append("twice, or without text")
    return [f"{count} {what}" for what, count in Counter(wrong).items()]


def as_text(state: dict[str, Any]) -> str:
    """A state in one line that can be compared."""
    return json.dumps(state, sort_keys=True)


def main() -> int:
    """Sync the workspace named on the command line, and say what was done, or how it failed."""
    try:
        print(json.dumps(_sync(Path(sys.argv[1]), "", 1)))
    except ragkit.errors.RagkitError as refused:
        print(json.dumps({"error": type(refused).__name__, "remedy": refused.remedy}))
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
