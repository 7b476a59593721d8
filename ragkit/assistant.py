"""The other half of the spine: a question in, an answer out, each step leaving its event.

::

    assistant = Assistant(collection=…, masker=…, retriever=…, generator=…, recorder=…)
    answer = assistant.ask(RawQuestion("How long is the warranty?"), principal=principal, k=8)

It composes what it is given and never sees a document: the question is masked by the collection's own vault before
anything else looks at it, and the hits come back re-checked against the access list.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from uuid import uuid4

from ragkit.protocols import Generator, Masker, Recorder, Retriever
from ragkit.types import (
    Answer,
    DataClass,
    Generation,
    GenerationRequest,
    Hit,
    MaskedQuestion,
    Principal,
    RawQuestion,
)


class Assistant:
    """Answers questions from one collection.

    Args:
        collection: Its name, for answers and events.
        data_class: The most sensitive class of what can be retrieved.
        masker: The same vault and policy the collection was indexed with.
        retriever: Returns only what the principal may see.
        generator: Writes the answer; never sees unmasked text.
        recorder: An answer whose event is not durable is not given.
    """

    def __init__(
        self,
        *,
        collection: str,
        data_class: DataClass,
        masker: Masker,
        retriever: Retriever,
        generator: Generator,
        recorder: Recorder,
    ) -> None:
        self.collection = collection
        self.data_class = data_class
        self.masker = masker
        self.retriever = retriever
        self.generator = generator
        self.recorder = recorder

    def ask(
        self, question: RawQuestion, *, principal: Principal, k: int, filters: Mapping[str, str] | None = None
    ) -> Answer:
        """Return the answer, masked: a citation for each statement, or a refusal.

        Raises:
            AuditUnavailable: The question or the answer could not be recorded; no answer is given.
            FilterRefused: A filter key is not whitelisted.
            ManifestMismatch: The index was built under another policy or encoder.
        """
        request, clock = uuid4().hex, _Clock()
        masked = self._mask(question, principal, request)
        clock.lap("mask")
        hits = self.retriever.retrieve(masked, k=k, principal=principal, filters=filters, request=request)
        clock.lap("retrieve")
        self.generator.load()
        generation = self.generator.generate(GenerationRequest(masked, tuple(hits), self.data_class))
        clock.lap("generate")
        self._release(generation, hits, principal, request)
        return Answer(
            text=generation.text,
            citations=generation.citations,
            refused=generation.refused,
            reason=generation.reason,
            support=generation.support,
            hits=tuple(hits),
            question=masked.text,
            collection=self.collection,
            request_id=request,
            timings_ms=clock.laps,
            ambiguous=dict(masked.ambiguous),
        )

    def search(
        self, question: RawQuestion, *, principal: Principal, k: int, filters: Mapping[str, str] | None = None
    ) -> list[Hit]:
        """Return the hits for a question, best first, without an answer. Raises as :meth:`ask`."""
        request = uuid4().hex
        masked = self._mask(question, principal, request)
        return self.retriever.retrieve(masked, k=k, principal=principal, filters=filters, request=request)

    def search_many(
        self,
        questions: Sequence[RawQuestion],
        *,
        principal: Principal,
        k: int,
        filters: Mapping[str, str] | None = None,
    ) -> list[list[Hit]]:
        """Return the hits of each question; many are embedded together. Raises as :meth:`ask`."""
        request = uuid4().hex
        masked = [self._mask(question, principal, request) for question in questions]
        return self.retriever.retrieve_many(masked, k=k, principal=principal, filters=filters)

    def _mask(self, question: RawQuestion, principal: Principal, request: str) -> MaskedQuestion:
        masked = self.masker.mask_question(question, principal=principal)
        self.recorder.record(
            "query.received",
            request=request,
            actor=principal,
            data={
                "collection": self.collection,
                "characters": len(question.text),
                "history": len(question.history),
                "entities": dict(masked.counts),
                "policy": masked.policy,
            },
        )
        return masked

    def _release(self, generation: Generation, hits: Sequence[Hit], principal: Principal, request: str) -> None:
        self.recorder.record(
            "answer.released",
            request=request,
            actor=principal,
            data={
                "collection": self.collection,
                "generator": self.generator.name,
                "location": self.generator.location.value,
                "data_class": self.data_class.value,
                "refused": generation.refused,
                "support_u": round(generation.support * 1_000_000),
                "citations": len(generation.citations),
                "hits": len(hits),
                "characters": len(generation.text),
            },
        )


class _Clock:
    """Milliseconds between laps."""

    def __init__(self) -> None:
        self._last = time.perf_counter()
        self.laps: dict[str, float] = {}

    def lap(self, name: str) -> None:
        now = time.perf_counter()
        self.laps[name] = round((now - self._last) * 1000, 2)
        self._last = now
