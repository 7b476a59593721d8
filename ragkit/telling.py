"""Let a model read messages that an application wrote: masked by a collection's vault, through the door, metered."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal
from unicodedata import normalize
from uuid import uuid4

from ragkit.errors import ConfigError
from ragkit.handles import Handles
from ragkit.types import (
    Conversation,
    Generation,
    GenerationRequest,
    Masked,
    MaskedQuestion,
    MaskedText,
    Message,
    Principal,
    RawQuestion,
)

Role = Literal["system", "user", "assistant"]


def tell(
    handles: Handles,
    messages: Sequence[tuple[Role, str]],
    *,
    name: str | None,
    collection: str | None,
    actor: Principal,
    max_tokens: int | None = None,
    temperature: float = 0.0,
    stop: Sequence[str] = (),
    conversation: Conversation | None = None,
) -> Iterator[Masked | Generation]:
    """Yield what a model writes, in the record view, last the generation.

    Tokens of the record view that stand in the messages are kept; whatever else is personal in them is masked as in a
    question, with the tokens of values that ``actor`` may read about, and others that nothing turns back.

    Raises:
        ConfigError: There is no such generator or collection, or no model is behind the generator.
        AccessDenied: The conversation is another collection's or principal's.
        EgressRefused: Policy does not let this leave; nothing was sent.
        BudgetExceeded: Nothing is left to spend.
        GenerationError: The model failed.
    """
    from ragkit.mask.findings import findings_of

    part = handles.reader(collection)
    dialogue = conversation or Conversation()
    dialogue.bind(part.name, actor.subject)
    if not messages:
        raise ConfigError("there are no messages", remedy="Give one at least.")
    part.masker.load()
    texts = [normalize("NFC", text) for _, text in messages]  # as the masker does, whose places are in that
    masked = [part.masker.mask_question(RawQuestion(text), principal=actor) for text in texts]
    told = [
        Message(role, kept_tokens(text, one.text)) for (role, _), text, one in zip(messages, texts, masked, strict=True)
    ]
    request_id = uuid4().hex
    handles.recorder.record(
        "text.masked",
        request=request_id,
        actor=actor,
        session=dialogue.id,
        data={
            "collection": part.name,
            "characters": sum(map(len, texts)),
            "stored": False,
            "policy": part.masker.policy,
            "entities": {kind: count for kind, count in _counted(masked).items() if kind != "LITERAL"},
            **findings_of((), {}).told(),
        },
    )
    last = masked[-1]
    request = GenerationRequest(
        MaskedQuestion(MaskedText(told[-1].content, last.text.index), part.name, last.policy),
        hits=(),
        data_class=part.section.data_class,
        conversation=dialogue,
        request_id=request_id,
        principal=actor,
    )
    writer = part.answering.telling(
        name,
        told,
        max_tokens=max_tokens or handles.config.answers.max_tokens,
        temperature=temperature,
        stop=tuple(stop),
    )
    writer.load()
    yield from writer.stream(request)


def kept_tokens(text: str, masked: MaskedText) -> Masked:
    """Return the record view of a text in which tokens that stood there already stand as they did.

    The masker takes what has the form of a token for something that was written to look like one. In a text of ours it
    is one: a passage that was retrieved. A token shows nobody anything, and is revealed to the entitled only.
    """
    from ragkit.mask.tokens import TOKEN

    parts, at = list[str](), 0
    for span in masked.spans:
        original = text[span.source_start : span.source_end]
        if span.entity_type == "LITERAL" and TOKEN.fullmatch(original):
            parts += [masked.record[at : span.record_start], original]
            at = span.record_end
    return Masked("".join([*parts, masked.record[at:]]))


def _counted(masked: Sequence[MaskedQuestion]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for one in masked:
        for kind, count in one.counts.items():
            counts[kind] = counts.get(kind, 0) + count
    return counts
