"""A recorder in memory, a scanner of one word, and a call: what an egress gateway needs around it in tests."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ragkit.audit.schema import check
from ragkit.types import DataClass, Evidence, Masked, Message, ModelCall, Principal

CALL = ModelCall(
    messages=(Message("user", Masked("Which one?")),),
    data_class=DataClass.INTERNAL,
    collection="care",
    request_id="0f" * 16,
    conversation="1e" * 16,
    prompt="answer-1:abcdef012345",
)
"""One that policy lets go to ``internal``."""

BODY = b'{"model": "m", "messages": [{"role": "user", "content": "Which one?"}]}'
"""Its bytes."""


class Events:
    """A recorder that keeps what it is told, and tells when."""

    def __init__(self) -> None:
        self.kept: list[tuple[str, str, str, Mapping[str, Any]]] = []
        self.after: Callable[[str], None] = lambda _: None

    def record(
        self,
        kind: str,
        *,
        outcome: str = "ok",
        reason: str = "",
        request: str | None = None,
        actor: Principal | None = None,  # noqa: ARG002 (the contract)
        data: Mapping[str, Any] | None = None,
        session: str = "",  # noqa: ARG002 (the contract)
        evidence: Evidence | None = None,  # noqa: ARG002 (the contract)
    ) -> None:
        """Keep it, if it fits the catalogue."""
        check(kind, data or {}, outcome=outcome, reason=reason, request=request)
        self.after(kind)
        self.kept.append((kind, outcome, reason, data or {}))

    def flush(self) -> None:
        """Nothing waits."""

    @property
    def kinds(self) -> list[str]:
        """What happened, in order."""
        return [kind.removeprefix("egress.") for kind, *_ in self.kept]


class OneName:
    """A scanner that finds the word Yalman."""

    def scan(self, text: str) -> Mapping[str, int]:
        """Count it."""
        return {"PERSON": text.count("Yalman")} if "Yalman" in text else {}
