"""Requests, scripted generators and an event log for the tests of routing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from ragkit.audit.schema import check
from ragkit.types import (
    Account,
    Checks,
    Chunk,
    DataClass,
    Evidence,
    Generation,
    GenerationRequest,
    Hit,
    Location,
    Masked,
    MaskedQuestion,
    MaskedText,
    Principal,
    TokenUsage,
)

CANARY = "Zorblatt"
"""Stands in question, chunks, answers and principal; nothing that routing writes may hold it."""


@dataclass
class EventLog:
    """Takes events like the recorder, held to the real catalogue."""

    events: list[tuple[str, str, str, dict[str, Any]]] = field(default_factory=list)

    def record(
        self,
        kind: str,
        *,
        outcome: str = "ok",
        reason: str = "",
        request: str | None = None,
        actor: Principal | None = None,
        data: Mapping[str, Any] | None = None,
        session: str = "",
        evidence: Evidence | None = None,
    ) -> None:
        check(kind, data or {}, outcome=outcome, reason=reason, request=request)
        self.events.append((kind, outcome, reason, dict(data or {})))

    def flush(self) -> None:
        """Nothing waits."""

    def last(self, kind: str) -> dict[str, Any]:
        """The last event of a kind, with its outcome and reason."""
        found = [one for one in self.events if one[0] == kind]
        return {**found[-1][3], "outcome": found[-1][1], "reason": found[-1][2]}


@dataclass
class Scripted:
    """A generator that answers as it is told: a text in pieces, a refusal, or an error before or after some pieces."""

    name: str
    pieces: tuple[str, ...] = ("The warranty is five years. ", "[1]")
    location: Location = Location.IN_PROCESS
    refused: bool = False
    reason: str = ""
    error: Exception | None = None
    fails_after: int = 0
    usage: TokenUsage = field(default_factory=lambda: TokenUsage(120, 30))
    model: str = "made-1"
    checks: Checks = field(default_factory=Checks)
    account: Account = field(default_factory=Account)
    calls: int = 0
    loads: int = 0
    closed: int = 0

    def load(self) -> None:
        self.loads += 1

    def generate(self, request: GenerationRequest) -> Generation:
        self.calls += 1
        if self.error is not None:
            raise self.error
        return self._whole()

    def stream(self, request: GenerationRequest) -> Iterator[Masked | Generation]:
        self.calls += 1
        try:
            for number, piece in enumerate(self.pieces):
                if self.error is not None and number == self.fails_after:
                    raise self.error
                yield Masked(piece)
            yield self._whole()
        except GeneratorExit:
            self.closed += 1
            raise

    def _whole(self) -> Generation:
        from dataclasses import replace

        account = replace(self.account, model=self.model, usage=self.usage)
        return Generation(
            text=Masked("".join(self.pieces)),
            refused=self.refused,
            reason=self.reason,
            checks=self.checks,
            account=account,
        )


def make_request(
    *,
    data_class: DataClass = DataClass.INTERNAL,
    collection: str = "handbook",
    principal: Principal | None = None,
    hits: int = 2,
) -> GenerationRequest:
    """A question with so many hits, each holding the canary."""
    text = Masked(f"{CANARY} said that the warranty of the desk is five years.")
    chunk = Chunk(
        ordinal=0, record=text, index=text, source_start=0, source_end=len(text)
    )  # fmt: skip
    found = tuple(
        Hit(chunk_id=number, doc_id=f"doc{number}", version=1, chunk=chunk, score=1.0, title=Masked(CANARY))
        for number in range(hits)
    )
    asked = Masked(f"What did {CANARY} say?")
    return GenerationRequest(
        MaskedQuestion(MaskedText(asked, asked), collection, "policy-1"),
        found,
        data_class,
        request_id="0" * 32,
        principal=principal,
    )


@pytest.fixture
def log() -> EventLog:
    """An empty event log."""
    return EventLog()
