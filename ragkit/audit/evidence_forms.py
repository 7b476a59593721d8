"""The parts of a turn as bytes: JSON with sorted keys, all of it masked text; and what a replay reads of them.

A value that was filtered by is what somebody typed, and nothing masks it; ``filters`` are therefore the keyed hashes by
which the record store compares them, hexadecimal, by key, and a replay filters by these.

``question`` holds what retrieval and prompt were made from, ``retrieved`` what was found, ``prompt`` what a model was
told with all that was drawn at random for it, ``answer`` what the caller was given.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, astuple, dataclass, field
from typing import Any

from ragkit.types import (
    Conversation,
    Evidence,
    Generation,
    GenerationRequest,
    Hit,
    Masked,
    MaskedQuestion,
    MaskedSpan,
    MaskedText,
    ModelCall,
    Reading,
    Turn,
)


@dataclass(frozen=True, slots=True)
class Asked:
    """A question as it was asked: all that is needed to search again and to write the same prompt."""

    question: MaskedQuestion = field(repr=False)
    turns: tuple[Turn, ...] = field(repr=False)
    k: int
    filters: Mapping[str, str] | None = field(repr=False)


def assembled(request: GenerationRequest, *, k: int, filters: Mapping[str, str] | None) -> Evidence:
    """Return the evidence of a question with what was found for it: what its generator is given."""
    dialogue = request.conversation
    return Evidence(
        collection=request.question.collection,
        conversation=dialogue.id,
        parts={
            "question": question_part(request.question, k=k, filters=filters, turns=dialogue.turns),
            "retrieved": retrieved_part(request.hits),
        },
        documents=documents_of(request.hits),
    )


def searched(
    questions: Sequence[MaskedQuestion], found: Sequence[Sequence[Hit]], *, k: int, filters: Mapping[str, str] | None
) -> Evidence:
    """Return the evidence of searches without an answer; the text of what was found is not in it."""
    parts = {"question": questions_part(questions, k=k, filters=filters), "retrieved": found_part(found)}
    return Evidence(collection=questions[0].collection, parts=parts)


def answered(request: GenerationRequest, generation: Generation) -> Evidence:
    """Return the evidence of an answer."""
    parts = {"answer": answer_part(generation)}
    return Evidence(collection=request.question.collection, conversation=request.conversation.id, parts=parts)


def abandoned(request: GenerationRequest, shown: Iterable[Masked]) -> Evidence:
    """Return the evidence of a stream that was left: the text that had been given by then."""
    parts = {"answer": as_bytes({"text": "".join(shown), "abandoned": True})}
    return Evidence(collection=request.question.collection, conversation=request.conversation.id, parts=parts)


def prompted(request: GenerationRequest, call: ModelCall, code: str) -> Evidence:
    """Return the evidence of what a model is about to be told."""
    return Evidence(
        collection=request.question.collection,
        conversation=request.conversation.id,
        parts={"prompt": prompt_part(call, code=code, conversation=request.conversation)},
        documents=call.documents,
        tokens=call.tokens,
    )


def as_bytes(value: Any) -> bytes:
    """Return a value as JSON: sorted keys, no white space, UTF-8; lone surrogates stay as escapes."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode("utf-8", "surrogatepass")


def from_bytes(content: bytes) -> Any:
    """Undo :func:`as_bytes`."""
    return json.loads(content.decode("utf-8", "surrogatepass"))


def question_part(
    question: MaskedQuestion, *, k: int, filters: Mapping[str, str] | None = None, turns: Sequence[Turn] = ()
) -> bytes:
    """Write a question with its views, readings and history, the earlier turns of its conversation, k and filters."""
    return as_bytes(_question(question, k, filters, turns))


def questions_part(questions: Iterable[MaskedQuestion], *, k: int, filters: Mapping[str, str] | None = None) -> bytes:
    """The same for questions that were searched for together: a list."""
    return as_bytes([_question(one, k, filters, ()) for one in questions])


def read_question(content: bytes) -> Asked:
    """Read what :func:`question_part` wrote."""
    return _asked(from_bytes(content))


def read_questions(content: bytes) -> list[Asked]:
    """Read what :func:`questions_part` or :func:`question_part` wrote."""
    found = from_bytes(content)
    return [_asked(one) for one in (found if isinstance(found, list) else [found])]


def retrieved_part(hits: Sequence[Hit]) -> bytes:
    """Write what was found, best first, with the text that a generator is given of it."""
    return as_bytes([_numbers(hit, rank) | _text(hit) for rank, hit in enumerate(hits, start=1)])


def found_part(results: Sequence[Sequence[Hit]]) -> bytes:
    """Write what searches found, a list for each: numbers, ranks and scores without text."""
    return as_bytes([[_numbers(hit, rank) for rank, hit in enumerate(hits, start=1)] for hits in results])


def prompt_part(call: ModelCall, *, code: str, conversation: Conversation) -> bytes:
    """Write what a model was told, the code of its fences, and the aliases that stood for tokens of the record view."""
    return as_bytes(
        {
            "messages": [{"role": one.role, "content": one.content} for one in call.messages],
            "prompt": call.prompt,
            "code": code,
            "max_tokens": call.max_tokens,
            "temperature": call.temperature,
            "seed": call.seed,
            "stop": list(call.stop),
            "data_class": call.data_class.value,
            "placed": list(call.placed),
            "conversation": conversation.id,
            "secret": conversation.secret.hex(),
            "aliases": list(conversation.aliases.items()),
        }
    )


def read_conversation(prompt: bytes, turns: Sequence[Turn] = ()) -> Conversation:
    """Return the conversation that a prompt was written in: the same aliases come of it again."""
    told = from_bytes(prompt)
    aliases = dict(told["aliases"])
    return Conversation(told["conversation"], bytes.fromhex(told["secret"]), tuple(turns), aliases)


def answer_part(generation: Generation) -> bytes:
    """Write an answer as the caller got it, masked."""
    return as_bytes(
        {
            "text": generation.text,
            "refused": generation.refused,
            "reason": generation.reason,
            "support": generation.support,
            "citations": [asdict(one) for one in generation.citations],
        }
    )


def documents_of(hits: Iterable[Hit]) -> tuple[tuple[str, int], ...]:
    """Return the document versions of these chunks, each once."""
    return tuple(dict.fromkeys((hit.doc_id, hit.version) for hit in hits))


def _question(
    question: MaskedQuestion, k: int, filters: Mapping[str, str] | None, turns: Sequence[Turn]
) -> dict[str, Any]:
    return {
        "text": _views(question.text),
        "collection": question.collection,
        "policy": question.policy,
        "history": [_views(one) for one in question.history],
        "counts": dict(question.counts),
        "readings": [{"text": _views(one.text), "weight": one.weight, "alike": one.alike} for one in question.readings],
        "ambiguous": dict(question.ambiguous),
        "turns": [{"question": _views(one.question), "answer": one.answer, "refused": one.refused} for one in turns],
        "k": k,
        "filters": None if filters is None else dict(filters),
    }


def _asked(told: Mapping[str, Any]) -> Asked:
    question = MaskedQuestion(
        text=_masked(told["text"]),
        collection=told["collection"],
        policy=told["policy"],
        history=tuple(_masked(one) for one in told["history"]),
        counts=told["counts"],
        readings=tuple(Reading(_masked(one["text"]), one["weight"], one["alike"]) for one in told["readings"]),
        ambiguous=told["ambiguous"],
    )
    turns = tuple(Turn(_masked(one["question"]), Masked(one["answer"]), one["refused"]) for one in told["turns"])
    return Asked(question, turns, told["k"], told["filters"])


def _views(text: MaskedText) -> dict[str, Any]:
    """Both views, with the map between them; offsets in characters."""
    spans = [astuple(one) for one in text.spans]
    return {"record": text.record, "index": text.index, "spans": spans}


def _masked(told: Mapping[str, Any]) -> MaskedText:
    spans = tuple(MaskedSpan(*one) for one in told["spans"])
    return MaskedText(Masked(told["record"]), Masked(told["index"]), spans)


def _numbers(hit: Hit, rank: int) -> dict[str, Any]:
    return {
        "chunk_id": hit.chunk_id,
        "doc_id": hit.doc_id,
        "version": hit.version,
        "rank": rank,
        "score": hit.score,
        "dense": hit.dense,
        "lexical": hit.lexical,
    }


def _text(hit: Hit) -> dict[str, Any]:
    """What of a chunk a generator reads, record view."""
    chunk = hit.chunk
    return {
        "title": hit.title,
        "uri": hit.uri,
        "heading": chunk.heading,
        "headings": [[start, path] for start, path in chunk.headings],
        "context": chunk.context_record,
        "record": chunk.record,
        "before": hit.before,
        "after": hit.after,
    }
