"""Writing a prompt, its request and an extractive answer again, by the parts that wrote them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from ragkit.audit.evidence_forms import Asked, answer_part, from_bytes, prompted, read_conversation, retrieved_part
from ragkit.compliance.replay_report import Cause
from ragkit.errors import RagkitError
from ragkit.types import Conversation, DataClass, GenerationRequest, Hit, Location, ModelCall

if TYPE_CHECKING:
    from ragkit.answering import Answering

_CLOSE = 1e-6  # by so much sums of floats may differ from processor to processor


@dataclass(frozen=True, slots=True, kw_only=True)
class Rewritten:
    """A prompt written again.

    Attributes:
        prompt: The part of the evidence that it would be; ``None`` where it could not be written.
        body: The request's bytes; ``None`` where there was none, or it could not be written.
        template: Version of the template, as it is now.
        causes: Why something could not be written.
    """

    prompt: bytes | None
    body: bytes | None = field(default=None, repr=False)
    template: str = ""
    causes: tuple[Cause, ...] = ()


def hits_then(hits: Mapping[int, Hit], retrieved: bytes) -> list[Hit] | None:
    """Return chunks of the history in the order and with the scores of then; ``None`` when one is not there.

    Args:
        hits: By number.
        retrieved: The part of the evidence.
    """
    told = from_bytes(retrieved)
    found = [(hits.get(int(one["chunk_id"])), one) for one in told]
    if any(hit is None for hit, _ in found):
        return None
    return [
        replace(hit, score=one["score"], dense=one["dense"], lexical=one["lexical"])
        for hit, one in found
        if hit is not None
    ]


def texts_of(retrieved: bytes) -> dict[int, bytes]:
    """Return what a generator read of each chunk, as bytes to compare, by its number; empty for a search."""
    told = from_bytes(retrieved)
    return {
        int(one["chunk_id"]): json.dumps({key: one[key] for key in sorted(one.keys() - _NUMBERS)}).encode()
        for one in told
        if isinstance(one, dict) and "record" in one
    }


_NUMBERS = {"rank", "score", "dense", "lexical"}


def text_of(hit: Hit) -> bytes:
    """Return the same of a chunk of the history."""
    return texts_of(retrieved_part([hit]))[hit.chunk_id]


def request_then(
    asked: Asked, hits: Sequence[Hit], *, data_class: str, request: str, prompt: bytes | None
) -> GenerationRequest:
    """Return what the generator was given: the aliases of a conversation are those of its prompt."""
    conversation = read_conversation(prompt, asked.turns) if prompt else Conversation(turns=asked.turns)
    return GenerationRequest(asked.question, tuple(hits), DataClass(data_class), conversation, request)


def rewrite(
    answering: Answering, generator: str, request: GenerationRequest, prompt: bytes, *, streamed: bool, body: bool
) -> Rewritten:
    """Write a prompt again, with the settings, the code of the fences and the aliases of then.

    Args:
        answering: The collection's generators, as they are configured now.
        generator: Which wrote it.
        request: What it was given.
        prompt: The part of the evidence.
        streamed: Whether the model was asked to write in pieces.
        body: Whether to write the request too. Nothing is sent.
    """
    from ragkit.generate.preparing import PromptWriter

    told: dict[str, Any] = from_bytes(prompt)
    try:
        model = answering.bare(generator)
        if not hasattr(model, "complete"):
            return Rewritten(prompt=None, causes=("generator",))
        model.load()
        limits = {"history": len(request.question.history), "max_tokens": int(told["max_tokens"])}
        settings = answering.config.answers.model_copy(update=limits)
        prepared = PromptWriter(model, settings).prepare(request, code=told["code"])
        call = replace(prepared.call, temperature=told["temperature"], seed=told["seed"], stop=tuple(told["stop"]))
        written = prompted(request, call, prepared.code).parts["prompt"]
        made = _body(answering, generator, call, streamed=streamed) if body else None
    except RagkitError:
        return Rewritten(prompt=None, causes=("generator",))
    return Rewritten(prompt=written, body=made, template=call.prompt)


def _body(answering: Answering, generator: str, call: ModelCall, *, streamed: bool) -> bytes | None:
    """The very bytes that a call makes, from a door that sends nothing."""
    from ragkit.egress.showing import NotSent, ShowingDoor

    named = answering.find(generator)
    if named.destination is None:
        return None
    door = ShowingDoor(answering.door(named.destination))
    model = answering.bare(generator, door=door)
    with suppress(NotSent):
        if streamed:
            for _ in model.stream(call):
                break
        else:
            model.complete(call)
    return door.shown.body if door.shown is not None else None


def template_now(answering: Answering, generator: str) -> str:
    """Return the version of the prompt that a generator is told now; empty for one that is told none."""
    from ragkit.generate.prompt import template_for

    try:
        model = answering.bare(generator)
    except RagkitError:
        return ""
    return template_for(model.context_tokens).version if hasattr(model, "complete") else ""


def has_model(answering: Answering, generator: str) -> bool | None:
    """Whether a model, here or elsewhere, writes the answers of a generator; ``None`` where it is not there."""
    try:
        found = answering.bare(generator)
    except RagkitError:
        return None
    return hasattr(found, "complete") or found.location is not Location.IN_PROCESS


def answer_again(answering: Answering, generator: str, request: GenerationRequest) -> bytes | None:
    """Let a generator without a model answer again; ``None`` where it fails."""
    try:
        found = answering.bare(generator)
        found.load()
        return answer_part(found.generate(request))
    except RagkitError:
        return None


def same_answer(then: bytes, now: bytes) -> bool:
    """Whether two answers are the same, byte by byte; of the estimate of support, within what floats allow."""
    if then == now:
        return True
    first, second = from_bytes(then), from_bytes(now)
    near = abs(first.pop("support") - second.pop("support")) <= _CLOSE
    return near and bool(first == second)
