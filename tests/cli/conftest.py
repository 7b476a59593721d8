"""A stand-in workspace that answers at once, so that the command line is tested without models."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

import ragkit
from ragkit.cli.main import app
from ragkit.doctor import Check
from ragkit.errors import AccessDenied
from ragkit.ingest.report import SyncReport
from ragkit.lifecycle.remask import RemaskReport
from ragkit.mask.reveal import reveal_pieces
from ragkit.types import Answer, Chunk, Citation, Hit, Masked, MaskedText, Span

TOKEN = "[PERSON:K7F3QX9M2T-4B]"
CLEAR = "Ana Kovač"
CHUNK = Chunk(
    ordinal=0,
    record=Masked(f"{TOKEN} asked about\nthe warranty."),
    index=Masked("x"),
    source_start=10,
    source_end=60,
    page=2,
)
HIT = Hit(
    chunk_id=7,
    doc_id="k7f3qx9m2t4bk7f3qx9m2t4b22",
    version=3,
    chunk=CHUNK,
    score=0.5,
    title=Masked(f"Letter of {TOKEN}"),
)


class StandIn:
    """Does what a workspace does, from memory, and remembers how it was called."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, Any]] = []
        self.report = SyncReport(added=3, unchanged=2, chunks=9, elapsed=1.5, seconds={"embed": 1.0})
        self.checks = [Check("encoder", ok=True, detail="fine")]
        self.entitled = True
        self.fails: Exception | None = None
        self.closed = False
        self.begun = 0

    def __enter__(self) -> StandIn:
        return self

    def __exit__(self, *_: object) -> None:
        self.closed = True

    def sync(self, **options: Any) -> SyncReport:
        self._called("sync", options)
        return self.report

    def rebuild(self, **options: Any) -> None:
        self._called("rebuild", options)

    def remask(self, **options: Any) -> RemaskReport:
        self._called("remask", options)
        return RemaskReport(
            documents=3,
            changed=2,
            embedded=1,
            chunks=4,
            before={"PERSON": 5},
            after={"PERSON": 7, "AGE": 1},
            newly_masked={"PERSON": 2},
            hidden={"mailbox": 6},
            unreachable={"mailbox": "source-error"},
            estimated=12.5 if options["dry_run"] else None,
            dry_run=options["dry_run"],
        )

    def status(self) -> dict[str, Any]:
        figures = {"documents": 1200, "health": "healthy", "quarantined": {"encrypted-pdf": 1}}
        return {"workspace": "care", "bytes": 5, "collections": {"care": figures, "other": {"health": "never synced"}}}

    def doctor(self) -> list[Check]:
        return self.checks

    def ask(self, question: str, **options: Any) -> Answer:
        self._called("ask", (question, options))
        cited = Citation(
            marker=1,
            doc_id=HIT.doc_id,
            version=3,
            chunk_id=7,
            title=HIT.title,
            start=10,
            end=40,
            quote=Masked(f"{TOKEN} asked."),
            page=2,
        )
        return Answer(
            text=Masked(f"{TOKEN} asked. [1]"),
            citations=(cited,),
            refused=False,
            reason="",
            support=0.75,
            hits=(HIT,),
            question=MaskedText(Masked("who asked?"), Masked("who asked?")),
            collection="care",
            request_id="r" * 32,
            timings_ms={"mask": 1.0},
        )

    def search(self, question: str, **options: Any) -> list[Hit]:
        self._called("search", (question, options))
        return [HIT]

    def search_many(self, questions: Sequence[str], **options: Any) -> list[list[Hit]]:
        self._called("search_many", (list(questions), options))
        return [[HIT] for _ in questions]

    def unsafe_native_ids(self, doc_ids: Sequence[str], **_: Any) -> Mapping[str, str]:
        return dict.fromkeys(doc_ids, "d1")

    def ask_stream(self, question: str, **options: Any) -> Iterator[Masked | Answer]:
        answer = self.ask(question, **options)
        yield answer.text
        yield answer

    def mask_text(self, text: str, **options: Any) -> tuple[MaskedText, list[Span]]:
        self._called("mask_text", options)
        start = text.index(CLEAR)
        masked = Masked(text.replace(CLEAR, TOKEN))
        return MaskedText(masked, masked), [Span(start, start + len(CLEAR), "PERSON", 0.85, "names")]

    def reveal(self, text: str, **options: Any) -> str:
        self._called("reveal", options)
        if not self.entitled:
            raise AccessDenied("this principal may not", remedy="Ask the owner.")
        return text.replace(TOKEN, CLEAR)

    def reveal_stream(self, pieces: Iterable[str], **options: Any) -> Iterator[str]:
        self._called("reveal_stream", options)
        if not self.entitled:
            raise AccessDenied("this principal may not", remedy="Ask the owner.")
        return reveal_pieces(pieces, lambda text: (text.replace(TOKEN, CLEAR), {}), ended=lambda counts, read: None)

    def _called(self, verb: str, what: Any) -> None:
        self.calls.append((verb, what))
        if self.fails is not None:
            raise self.fails


@pytest.fixture
def standin(monkeypatch: pytest.MonkeyPatch) -> StandIn:
    """Open this instead of a workspace."""
    made = StandIn()
    monkeypatch.setattr(ragkit, "open_workspace", lambda _path: made)
    return made


@pytest.fixture
def ragkit_cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run the command line in an empty folder; returns the result with ``exit_code``, ``stdout`` and ``stderr``."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    runner = CliRunner()

    def run(*arguments: str, stdin: str | bytes | None = None) -> Result:
        return runner.invoke(app, list(arguments), input=stdin, prog_name="ragkit")

    return run
