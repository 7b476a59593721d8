"""The other half of the spine: a question in, an answer out, each step leaving its event.

::

    assistant = Assistant(collection=…, masker=…, retriever=…, generator=…, recorder=…)
    answer = assistant.ask(RawQuestion("How long is the warranty?"), principal=principal, k=8)

It composes what it is given and never sees a document: the question is masked by the collection's own vault before
anything else looks at it, and the hits come back re-checked against the access list.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any
from uuid import uuid4

from ragkit.audit.evidence_forms import abandoned, answered, assembled, searched
from ragkit.generate.injection_guard import report_signs
from ragkit.protocols import Generator, Masker, Recorder, Retriever
from ragkit.retrieve.dialogue import with_history
from ragkit.telemetry.names import HITS
from ragkit.telemetry.spans import Mark, question_span, retrieval_span
from ragkit.types import (
    Answer,
    Conversation,
    DataClass,
    Evidence,
    Generation,
    GenerationRequest,
    Hit,
    Masked,
    MaskedQuestion,
    Principal,
    RawQuestion,
    Turn,
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
        filter_mac: Gives what stands for a metadata value in the record store, by key and value.
        history: How many earlier turns take part in retrieval and prompt.
        evidence: Hand the recorder what was asked, found and answered, for its evidence store.
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
        filter_mac: Callable[[str, str], bytes],
        history: int = 3,
        evidence: bool = False,
    ) -> None:
        self.collection = collection
        self.data_class = data_class
        self.masker = masker
        self.retriever = retriever
        self.generator = generator
        self.recorder = recorder
        self.filter_mac = filter_mac
        self.history = history
        self.evidence = evidence

    def ask(
        self,
        question: RawQuestion,
        *,
        principal: Principal,
        k: int,
        filters: Mapping[str, str] | None = None,
        conversation: Conversation | None = None,
        generator: Generator | None = None,
    ) -> Answer:
        """Return the answer, masked: a citation for each statement, or a refusal.

        Args:
            question: As typed.
            principal: Who asks.
            k: How many chunks to read.
            filters: Metadata that documents must have.
            conversation: The dialogue it belongs to; its turns take part, and this one is added.
            generator: Answers instead of the assistant's own.

        Raises:
            AccessDenied: The conversation is of another collection or principal.
            AuditUnavailable: The question or the answer could not be recorded; no answer is given.
            FilterRefused: A filter key is not whitelisted.
            ManifestMismatch: The index was built under another policy or encoder.
            GenerationError: The generator failed.
            EgressRefused: Policy does not let the prompt leave; nothing was sent.
            BudgetExceeded: Nothing is left to spend.
        """
        writer, dialogue, number = generator or self.generator, conversation or Conversation(), uuid4().hex
        with self._marked(number, dialogue) as mark:
            asked = self._find(question, number, dialogue, principal=principal, k=k, filters=filters)
            writer.load()
            generation = writer.generate(asked.request)
            asked.clock.lap("generate")
            self._release(generation, asked, writer)
            mark.answered(generation)
        return self._answer(generation, asked)

    def ask_stream(
        self,
        question: RawQuestion,
        *,
        principal: Principal,
        k: int,
        filters: Mapping[str, str] | None = None,
        conversation: Conversation | None = None,
        generator: Generator | None = None,
    ) -> Iterator[Masked | Answer]:
        """Yield the answer's text in pieces as it is written, and last the answer; the pieces joined are its text.

        That text is about to be given is durable before the first piece, what was given after the last, or where the
        stream is left. Arguments and errors as :meth:`ask`.
        """
        writer, dialogue, number = generator or self.generator, conversation or Conversation(), uuid4().hex
        with self._marked(number, dialogue, current=False) as mark:
            with mark.within():
                asked = self._find(question, number, dialogue, principal=principal, k=k, filters=filters)
            writer.load()
            given, open_ended, shown = 0, False, list[Masked]()
            try:
                for piece in mark.over(writer.stream(asked.request)):
                    if isinstance(piece, Generation):
                        asked.clock.lap("generate")
                        self._release(piece, asked, writer)
                        open_ended = False
                        mark.answered(piece)
                        yield self._answer(piece, asked)
                    elif piece:
                        if not open_ended:
                            self._begin(asked, writer)
                            open_ended = True
                        given += len(piece)
                        shown += [piece] if self.evidence else []
                        yield piece
            finally:
                if open_ended:  # the caller went, or the generator failed, after text was given
                    self._abandon(asked, writer, given, shown)

    def search(
        self,
        question: RawQuestion,
        *,
        principal: Principal,
        k: int,
        filters: Mapping[str, str] | None = None,
        evidence: bool = True,
    ) -> list[Hit]:
        """Return the hits for a question, best first, without an answer; that they were found is on the disk then.

        Args:
            question: As typed.
            principal: Who asks.
            k: How many chunks to return.
            filters: Metadata that documents must have.
            evidence: Whether this question may be kept as evidence; one that asks by an erased value may not.

        Raises:
            AuditUnavailable: The search could not be recorded, so nothing is given. Otherwise as :meth:`ask`.
        """
        request = uuid4().hex
        masked = self._mask(question, principal, request)
        hits = self.retriever.retrieve(masked, k=k, principal=principal, filters=filters, request=request)
        if self.evidence and evidence:
            data = {"hits": len(hits), "questions": 1, "policy": masked.policy, "k": k}
            kept = searched([masked], [hits], k=k, filters=self._kept(filters))
            self._keep(kept, request, principal=principal, data=data)
        self.recorder.flush()
        return hits

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
        found = self.retriever.retrieve_many(masked, k=k, principal=principal, filters=filters, request=request)
        if self.evidence and masked:
            data = {"hits": sum(map(len, found)), "questions": len(masked), "policy": masked[0].policy, "k": k}
            kept = searched(masked, found, k=k, filters=self._kept(filters))
            self._keep(kept, request, principal=principal, data=data)
        self.recorder.flush()
        return found

    def request(
        self,
        question: RawQuestion,
        *,
        principal: Principal,
        k: int,
        filters: Mapping[str, str] | None = None,
        conversation: Conversation | None = None,
    ) -> GenerationRequest:
        """Return what a generator would be given: the question masked, the hits re-checked. Raises as :meth:`ask`."""
        dialogue = conversation or Conversation()
        asked = self._find(question, uuid4().hex, dialogue, principal=principal, k=k, filters=filters)
        self.recorder.flush()
        return asked.request

    def _marked(self, number: str, dialogue: Conversation, *, current: bool = True) -> AbstractContextManager[Mark]:
        return question_span(
            self.collection, data_class=self.data_class, request=number, conversation=dialogue.id, current=current
        )

    def _find(
        self,
        question: RawQuestion,
        number: str,
        dialogue: Conversation,
        *,
        principal: Principal,
        k: int,
        filters: Mapping[str, str] | None,
    ) -> _Asked:
        dialogue.bind(self.collection, principal.subject)
        clock = _Clock()
        masked = self._mask(question, principal, number, session=dialogue.id)
        earlier = (*masked.history, *(turn.question for turn in dialogue.turns))
        masked = replace(masked, history=earlier[-self.history :] if self.history else ())
        clock.lap("mask")
        with retrieval_span(self.collection, k=k) as mark:
            wanted = with_history(masked, turns=self.history)
            hits = self.retriever.retrieve(
                wanted, k=k, principal=principal, filters=filters, request=number, session=dialogue.id
            )
            mark.set(HITS, len(hits))
        clock.lap("retrieve")
        report_signs(
            hits,
            recorder=self.recorder,
            collection=self.collection,
            request=number,
            actor=principal,
            session=dialogue.id,
        )
        request = GenerationRequest(masked, tuple(hits), self.data_class, dialogue, number, principal)
        if self.evidence:
            data = {"hits": len(hits), "history": len(masked.history), "policy": masked.policy, "k": k}
            kept = assembled(request, k=k, filters=self._kept(filters))
            self._keep(kept, number, principal=principal, data=data, session=dialogue.id)
            clock.lap("evidence")
        return _Asked(request, principal, clock)

    def _kept(self, filters: Mapping[str, str] | None) -> dict[str, str] | None:
        return None if filters is None else {key: self.filter_mac(key, one).hex() for key, one in filters.items()}

    def _keep(
        self,
        evidence: Evidence,
        request: str,
        *,
        principal: Principal,
        data: Mapping[str, Any],
        session: str = "",
    ) -> None:
        self.recorder.record(
            "request.assembled",
            request=request,
            actor=principal,
            data={"collection": self.collection, **data},
            session=session,
            evidence=evidence,
        )

    def _mask(self, question: RawQuestion, principal: Principal, request: str, *, session: str = "") -> MaskedQuestion:
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
                **masked.findings.told(),
            },
            session=session,
        )
        return masked

    def _begin(self, asked: _Asked, writer: Generator) -> None:
        self.recorder.record(
            "answer.begun",
            request=asked.request.request_id,
            actor=asked.principal,
            data={
                "collection": self.collection,
                "generator": writer.name,
                "data_class": self.data_class.value,
                "hits": len(asked.request.hits),
            },
            session=asked.request.conversation.id,
        )

    def _abandon(self, asked: _Asked, writer: Generator, characters: int, shown: Sequence[Masked]) -> None:
        self.recorder.record(
            "answer.abandoned",
            request=asked.request.request_id,
            actor=asked.principal,
            outcome="error",
            data={"collection": self.collection, "generator": writer.name, "characters": characters},
            session=asked.request.conversation.id,
            evidence=abandoned(asked.request, shown) if self.evidence else None,
        )

    def _release(self, generation: Generation, asked: _Asked, writer: Generator) -> None:
        account = generation.account
        self.recorder.record(
            "answer.released",
            request=asked.request.request_id,
            actor=asked.principal,
            data={
                "collection": self.collection,
                "generator": account.backend or writer.name,
                "location": (account.location if account.backend else writer.location).value,
                "data_class": self.data_class.value,
                "refused": generation.refused,
                "support_u": round(generation.support * 1_000_000),
                "citations": len(generation.citations),
                "cited": [
                    {"chunk": one.chunk_id, "doc": one.doc_id, "version": one.version} for one in generation.citations
                ],
                "hits": len(asked.request.hits),
                "characters": len(generation.text),
            },
            session=asked.request.conversation.id,
            evidence=answered(asked.request, generation) if self.evidence else None,
        )

    def _answer(self, generation: Generation, asked: _Asked) -> Answer:
        request = asked.request
        request.conversation.add(Turn(request.question.text, generation.text, generation.refused))
        return Answer(
            text=generation.text,
            citations=generation.citations,
            refused=generation.refused,
            reason=generation.reason,
            support=generation.support,
            hits=request.hits,
            question=request.question.text,
            collection=self.collection,
            request_id=request.request_id,
            timings_ms=asked.clock.laps,
            ambiguous=dict(request.question.ambiguous),
            checks=generation.checks,
            account=generation.account,
        )


@dataclass(frozen=True, slots=True)
class _Asked:
    """A question with what was found for it."""

    request: GenerationRequest
    principal: Principal
    clock: _Clock


class _Clock:
    """Milliseconds between laps."""

    def __init__(self) -> None:
        self._last = time.perf_counter()
        self.laps: dict[str, float] = {}

    def lap(self, name: str) -> None:
        now = time.perf_counter()
        self.laps[name] = round((now - self._last) * 1000, 2)
        self._last = now
