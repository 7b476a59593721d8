"""Writes the call of a model: what fits of the sources and of the conversation, in the prompt view."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ragkit.config_answering import AnswersSection
from ragkit.errors import GeneratorRefused
from ragkit.generate.aliases import AliasBook
from ragkit.generate.citing import unmarked
from ragkit.generate.packing import FRAME_TOKENS, Source, pack
from ragkit.generate.prompt import PromptTemplate, SourceText, code_for, template_for, write_messages
from ragkit.generate.streaming import UNSUPPORTED
from ragkit.protocols import ChatModel
from ragkit.types import GenerationRequest, Masked, ModelCall

_CHAT_TOKENS = 32  # what a chat template puts around two messages
_HISTORY_SHARE = 0.25  # of the room; the sources need the rest
_MOST_TRIES = 4


@dataclass(frozen=True, slots=True)
class Prepared:
    """A call and what it was made of; ``history`` is what fitted of it, record view, ``code`` that of its fences."""

    call: ModelCall
    sources: list[Source]
    history: list[tuple[Masked, Masked]]
    code: str = ""


class PromptWriter:
    """Writes the prompts for one model.

    Args:
        model: Counts tokens and says how much it reads.
        settings: ``[answers]``.
    """

    def __init__(self, model: ChatModel, settings: AnswersSection) -> None:
        self._model = model
        self._settings = settings

    def prepare(self, request: GenerationRequest, *, code: str = "") -> Prepared:
        """Return the call, with as much of the hits as there is room for.

        Aliases that it needs are given out in the request's conversation. ``code`` is that of the fences, drawn by
        default; a replay gives the one that was drawn then.

        Raises:
            GeneratorRefused: Not even one passage fits the model's context.
        """
        model = self._model
        template = template_for(model.context_tokens)
        max_tokens = min(self._settings.max_tokens, max(16, model.context_tokens // 3))
        limit = model.context_tokens - max_tokens
        question = request.question.text.record
        room = limit - model.count_tokens(f"{template.system}\n{template.closing}\n{question}")
        room -= _CHAT_TOKENS + FRAME_TOKENS
        history = self._history(request, int(room * _HISTORY_SHARE))
        room -= model.count_tokens("\n".join(f"{asked}\n{answered}" for asked, answered in history))
        for _ in range(_MOST_TRIES):
            sources = pack(request.hits, room=room, count_tokens=model.count_tokens)
            if not sources:
                break
            call, drawn = self._call(request, template, sources, history, max_tokens, code)
            over = model.count_tokens("\n".join(message.content for message in call.messages)) + _CHAT_TOKENS - limit
            if over <= 0:
                return Prepared(call, sources, history, drawn)
            room -= over + FRAME_TOKENS
        raise GeneratorRefused(
            "not even one passage fits the model's context",
            remedy="Use a model with a larger context, or lower `max_tokens` under [answers].",
        )

    def _history(self, request: GenerationRequest, room: int) -> list[tuple[Masked, Masked]]:
        """The last turns that fit, oldest first; an answer without its markers, which count other sources."""
        turns = [(turn.question.record, turn.answer) for turn in request.conversation.turns]
        turns = turns or [(text.record, Masked("")) for text in request.question.history]
        kept: list[tuple[Masked, Masked]] = []
        for asked, answered in reversed(turns[-self._settings.history :] if self._settings.history else []):
            turn = (asked, _without_markers(answered))
            room -= self._model.count_tokens(f"{turn[0]}\n{turn[1]}")
            if room < 0:
                break
            kept.insert(0, turn)
        return kept

    def _call(
        self,
        request: GenerationRequest,
        template: PromptTemplate,
        sources: Sequence[Source],
        history: Sequence[tuple[Masked, Masked]],
        max_tokens: int,
        code: str,
    ) -> tuple[ModelCall, str]:
        book = AliasBook(request.conversation)
        turns = [(book.hide(asked), book.hide(answered)) for asked, answered in history]
        question = book.hide(request.question.text.record)
        texts = [
            SourceText(one.number, *(unmarked(book.hide(part)) for part in (one.title, one.heading, one.text)))
            for one in sources
        ]
        code = code or code_for(question=question, sources=texts, history=turns)
        call = ModelCall(
            messages=write_messages(template, question=question, sources=texts, history=turns, code=code),
            data_class=request.data_class,
            collection=request.question.collection,
            request_id=request.request_id,
            conversation=request.conversation.id,
            prompt=template.version,
            placed=tuple(hit.chunk_id for one in sources for hit in one.hits),
            documents=tuple(dict.fromkeys((hit.doc_id, hit.version) for one in sources for hit in one.hits)),
            tokens=frozenset(token.partition(":")[2] for token in request.conversation.aliases),
            max_tokens=max_tokens,
        )
        return call, code


def _without_markers(answer: Masked) -> Masked:
    return Masked(re.sub(r"[ \t]*\[\d{1,3}\]", "", answer).replace(UNSUPPORTED, ""))
