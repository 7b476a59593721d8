"""An assistant without models or stores on a real recorder, for tests of what a fault of the event log does to answers.

::

    asking = LightAsking(tmp_path / "events", timeout=0.5)
    asking.ask()                        # "ok", or the code of the error
    asking.unrecorded()                 # answers that were given and are not in the log

As a program it asks again and again and prints a line each time: ``python -m ragkit.testing.light_asking FOLDER 10``.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ragkit.assistant import Assistant
from ragkit.audit.reading import read_events
from ragkit.audit.recorder import EventRecorder
from ragkit.errors import AuditUnavailable
from ragkit.testing.asking import question_about
from ragkit.types import (
    Answer,
    DataClass,
    Generation,
    GenerationRequest,
    Hit,
    Location,
    Masked,
    MaskedQuestion,
    Principal,
    RawQuestion,
)

ANA = Principal("local|ana", kind="local")
_ASKED = question_about()


class _Parts:
    """Masker, retriever and generator in one: each gives what was made before."""

    name = "extractive"
    location = Location.IN_PROCESS
    policy = "policy"

    def __init__(self, recorder: EventRecorder) -> None:
        self._recorder = recorder
        self.generated = 0

    def load(self) -> None:
        """Nothing is loaded."""

    def mask_question(self, question: RawQuestion, *, principal: Principal) -> MaskedQuestion:  # noqa: ARG002
        """Give the one question."""
        return _ASKED.question

    def retrieve(self, question: MaskedQuestion, *, k: int, request: str, **_: Any) -> list[Hit]:  # noqa: ARG002
        """Give the hits, and record that they were found."""
        data = {"collection": "shop", "k": k, "returned": len(_ASKED.hits)}
        self._recorder.record("retrieval.done", request=request, actor=ANA, data=data)
        return list(_ASKED.hits)

    def generate(self, request: GenerationRequest) -> Generation:  # noqa: ARG002
        """Answer."""
        self.generated += 1
        return Generation(text=Masked("Five years."), support=0.9)

    def stream(self, request: GenerationRequest) -> Iterator[Masked | Generation]:
        """Answer in two pieces."""
        yield from (Masked("Five "), Masked("years."))
        yield self.generate(request)


class LightAsking:
    """Asks the same question again and again.

    Args:
        events: Where the log is.
        **options: Of the recorder; ``mode`` is ``required`` unless they say otherwise.
    """

    def __init__(self, events: Path, **options: Any) -> None:
        self.folder = events
        self.recorder = EventRecorder(
            events, software={"ragkit": "0"}, actor_key=bytes(32), **{"mode": "required", **options}
        )
        self.parts = _Parts(self.recorder)
        self.given: list[str] = []
        self.refused: list[AuditUnavailable] = []
        parts: Any = self.parts
        self.assistant = Assistant(
            collection="shop",
            data_class=DataClass.PUBLIC,
            masker=parts,
            retriever=parts,
            generator=parts,
            recorder=self.recorder,
            filter_mac=lambda key, value: b"",  # noqa: ARG005
        )

    def ask(self) -> str:
        """Ask once; return ``ok`` or the code of the refusal."""
        try:
            answer = self.assistant.ask(RawQuestion("How long?"), principal=ANA, k=3)
        except AuditUnavailable as refused:
            self.refused.append(refused)
            return refused.code
        self.given.append(answer.request_id)
        return "ok"

    def stream(self) -> tuple[str, str]:
        """Ask once for a stream; return ``ok`` or the code, and the text that was given."""
        text = ""
        try:
            for piece in self.assistant.ask_stream(RawQuestion("How long?"), principal=ANA, k=3):
                if isinstance(piece, Answer):
                    self.given.append(piece.request_id)
                else:
                    text += piece
        except AuditUnavailable as refused:
            self.refused.append(refused)
            return refused.code, text
        return "ok", text

    def unrecorded(self) -> set[str]:
        """Requests that were answered and have no ``answer.released`` in the log."""
        return set(self.given) - {event["request"] for event in read_events(self.folder, kind="answer.released")}


def main() -> None:
    """Ask so often, a tenth of a second apart, and print what became of each, how long it took, and its errno."""
    asking = LightAsking(Path(sys.argv[1]), timeout=0.5)
    for _ in range(int(sys.argv[2])):
        began = time.monotonic()
        became = asking.ask()
        why = str(asking.refused[-1]) if became != "ok" else ""
        print(became, round(time.monotonic() - began, 3), asking.given[-1] if became == "ok" else why, flush=True)
        time.sleep(0.1)


if __name__ == "__main__":
    main()
