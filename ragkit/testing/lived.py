"""A workspace with a life: documents come, change and go, rights and the index change, and people ask all the while.

::

    with ModelServer(answering) as server:
        lived = Lived(folder, key_folder, server.url, seed=1)
        lived.run(answers=100)
        lived.answers            # what was asked, of whom, and the ids of the requests

What happens is drawn from the seed. Answers are extractive, or a model's behind a gateway; alone, streamed, and in
conversations; with filters and without; by two people of whom one may not always see everything.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

from ragkit import open_workspace
from ragkit.rootkey import create_key_file
from ragkit.testing.lived_shop import CONFIG, NAMES, THINGS, TOPICS, text_of
from ragkit.types import Answer, Conversation, Principal
from ragkit.workspace import Workspace

ANA, BEN = Principal("local|ana"), Principal("local|ben")
COLLECTION = "shop"


@dataclass(frozen=True, slots=True)
class Asked:
    """One answer that was given.

    Attributes:
        how: ``alone``, ``streamed``, ``dialogue`` or ``filtered``.
    """

    request: str
    generator: str
    by: str
    how: str


class Lived:
    """Drives the workspace; everything is drawn from ``seed``.

    Args:
        folder: Of the workspace; made.
        keys: Where its keys are kept.
        url: Of a server that speaks the API of OpenAI and has the model ``tiny``.
        documents: In each of the two sources at first.
    """

    def __init__(self, folder: Path, keys: Path, url: str, *, seed: int, documents: int = 20) -> None:
        self.folder = folder
        self.answers: list[Asked] = []
        self.done: dict[str, int] = {}
        self._keys = keys
        self._url = url
        self._draw = random.Random(seed)
        self._texts: dict[str, dict[str, str]] = {"open": {}, "board": {}}
        self._board_open = False
        self._asks = 0
        self._dialogues = {one.subject: Conversation() for one in (ANA, BEN)}
        for source in self._texts:
            for _ in range(documents):
                self.add(source)
        folder.mkdir(parents=True, exist_ok=True)
        self.configure()
        create_key_file(keys / "root.key")
        self._write()

    def configure(self, *, policy: str = "", tables: str = "", audit: str = "") -> None:
        """Write ``ragkit.toml``: further lines of the policy, whole tables, and lines under ``[audit]``."""
        board = '"u:local|ana", "u:local|ben"' if self._board_open else '"u:local|ana"'
        told = {
            "keys": self._keys,
            "url": self._url,
            "board": board,
            "policy": policy,
            "tables": tables,
            "audit": audit,
        }
        (self.folder / "ragkit.toml").write_text(CONFIG.format(**told))

    def run(self, *, answers: int, changes_every: int = 10) -> None:
        """Let it live: something changes before every so many answers, and twice after the last."""
        workspace = self._begin()
        try:
            for number in range(answers):
                if number and number % changes_every == 0:
                    workspace = self.change(workspace)
                self.ask(workspace)
            for _ in range(2):
                workspace = self.change(workspace)
        finally:
            workspace.close()

    def _begin(self) -> Workspace:
        workspace = open_workspace(self.folder)
        workspace.sync()
        return workspace

    # --- what happens to documents ---------------------------------------------------------------------------------

    def add(self, source: str) -> None:
        """Add a document of one to four paragraphs."""
        name = f"{source}-{len(self._texts[source])}-{self._draw.randrange(10**6)}"
        self._texts[source][name] = text_of(self._draw)

    def change(self, workspace: Workspace) -> Workspace:
        """Let one thing happen, which may be several; return the workspace to go on with."""
        acts: Sequence[Callable[[Workspace], Workspace]] = (
            self._update,
            self._update,
            self._grow,
            self._shrink,
            self._rights,
            self._rebuild,
            self._reopen,
        )
        act = acts[(sum(self.done.values()) + self._draw.randrange(2)) % len(acts)]
        name = act.__name__.strip("_")
        self.done[name] = self.done.get(name, 0) + 1
        return act(workspace)

    def _update(self, workspace: Workspace) -> Workspace:
        for texts in self._texts.values():
            for name in self._draw.sample(sorted(texts), k=max(1, len(texts) // 12)):
                texts[name] = text_of(self._draw)
        return self._synced(workspace)

    def _grow(self, workspace: Workspace) -> Workspace:
        for _ in range(3):
            self.add(self._draw.choice(("open", "board")))
        return self._synced(workspace)

    def _shrink(self, workspace: Workspace) -> Workspace:
        for texts in self._texts.values():
            for name in self._draw.sample(sorted(texts), k=2):
                del texts[name]
        return self._synced(workspace)

    def _rights(self, workspace: Workspace) -> Workspace:
        workspace.close()
        self._board_open = not self._board_open
        self.configure()
        return self._synced(open_workspace(self.folder))

    def _rebuild(self, workspace: Workspace) -> Workspace:
        workspace.rebuild()
        return workspace

    def _reopen(self, workspace: Workspace) -> Workspace:
        workspace.close()
        return self._synced(open_workspace(self.folder))

    def _synced(self, workspace: Workspace) -> Workspace:
        self._write()
        workspace.sync()
        return workspace

    def _write(self) -> None:
        for source, texts in self._texts.items():
            lines = [
                {"id": name, "title": name.partition("-")[0], "text": text, "meta": {"area": _area(name)}}
                for name, text in texts.items()
            ]
            (self.folder / f"{source}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))

    # --- what is asked ---------------------------------------------------------------------------------------------

    def ask(self, workspace: Workspace) -> Answer:
        """Ask one thing in one of the ways there are, in turn."""
        number, self._asks = self._asks, self._asks + 1
        generator = "house" if number % 2 else "extractive"
        how = ("alone", "streamed", "dialogue", "filtered")[number // 2 % 4]
        principal = ANA if number % 3 else BEN
        topic, thing = self._draw.choice(TOPICS), self._draw.choice(THINGS)
        asked = f"How long does the {topic} of a {thing} last?"
        if number % 7 == 3:
            asked = f"What does {self._draw.choice(NAMES)}@example.org say about the {topic}?"
        filters: Mapping[str, str] | None = {"area": self._draw.choice(("even", "odd"))} if how == "filtered" else None
        conversation = self._dialogues[principal.subject] if how == "dialogue" else None
        k = self._draw.choice((3, 5, 8))
        if how == "streamed":
            *_, last = workspace.ask_stream(asked, principal=principal, k=k, generator=generator)
            assert isinstance(last, Answer)
            answer = last
        else:
            answer = workspace.ask(
                asked, principal=principal, k=k, generator=generator, filters=filters, conversation=conversation
            )
        self.answers.append(Asked(answer.request_id, generator, principal.subject, how))
        return answer

    def holding(self, workspace: Workspace, value: str) -> frozenset[str]:
        """Return the requests in whose evidence somebody stands, and those that came later in the same dialogue.

        Told by the token of the value in what was asked, retrieved, told and answered, so it has to be in the vault.
        """
        token = workspace.mask_text(value, store=False)[0].record
        found, dialogues = set[str](), set[str]()
        for asked in self.answers:
            parts = workspace.audit.evidence(asked.request, purpose="who stands in it").parts
            talked = asked.how == "dialogue"
            if (talked and asked.by in dialogues) or any(token in part.content.decode() for part in parts):
                found.add(asked.request)
                dialogues |= {asked.by} if talked else set()
        return frozenset(found)


@contextmanager
def without_graph() -> Iterator[None]:
    """Build and probe no graph: so few chunks are compared exactly, and two processes less a fold save seconds."""

    def no_graph(_module: str, arguments: Sequence[str], **_more: object) -> int:
        graph = Path(arguments[0]) / "chroma"
        graph.mkdir()
        (graph / "chroma.sqlite3").write_bytes(b"SQLite format 3\0")
        return 0

    with (
        patch("ragkit.index.generations.run_child", no_graph),
        patch("ragkit.index.generations.is_whole", lambda _folder, *, rows: rows > 0),
    ):
        yield


def _area(name: str) -> str:
    return "odd" if int(name.rpartition("-")[2]) % 2 else "even"
