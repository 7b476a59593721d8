"""Makes a generator of any chat model: prompt, aliases, citations, checks, refusals.

::

    generator = PromptedGenerator(model, name="small", settings=config.answers)
    generator.load()
    generation = generator.generate(GenerationRequest(question, hits, data_class))

Whatever the model writes goes the same way: reasoning left out, aliases back to record tokens, markup made safe,
citations checked against the sources, refusals recognised, sentences judged. A stream yields each part as soon as that
is done; its pieces joined are the text of :meth:`PromptedGenerator.generate`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass

from ragkit.config_answering import AnswersSection
from ragkit.errors import GeneratorGarbled, GeneratorRefused
from ragkit.generate.aliases import AliasBook
from ragkit.generate.checking import Entailment, SupportChecker
from ragkit.generate.citing import unmarked
from ragkit.generate.packing import FRAME_TOKENS, Source, pack
from ragkit.generate.prompt import PromptTemplate, SourceText, template_for, write_messages
from ragkit.generate.streaming import UNSUPPORTED, AnswerStream
from ragkit.protocols import ChatModel
from ragkit.types import (
    Account,
    Completion,
    Generation,
    GenerationRequest,
    Hit,
    Location,
    Masked,
    MaskedQuestion,
    ModelCall,
)

REFUSAL = Masked("The documents do not answer this.")

Estimator = Callable[[MaskedQuestion, Sequence[Hit]], float]
"""Probability in 0..1 that the hits hold an answer."""

_CHAT_TOKENS = 32  # what a chat template puts around two messages
_HISTORY_SHARE = 0.25  # of the room; the sources need the rest
_MOST_TRIES = 4


@dataclass(frozen=True, slots=True)
class _Prepared:
    call: ModelCall
    sources: list[Source]
    history: list[tuple[Masked, Masked]]


class PromptedGenerator:
    """Implements :class:`ragkit.protocols.Generator` around a :class:`ragkit.protocols.ChatModel`.

    Args:
        model: Loaded by :meth:`load`.
        name: As in ``ragkit.toml``.
        settings: ``[answers]``.
        estimator: Estimates ``support``; without one it is the share of supported sentences.
        nli: A model of entailment; without one ``settings.nli`` says where it is, if anywhere.
    """

    def __init__(
        self,
        model: ChatModel,
        *,
        name: str,
        settings: AnswersSection,
        estimator: Estimator | None = None,
        nli: Entailment | None = None,
    ) -> None:
        self._model = model
        self._name = name
        self._settings = settings
        self._estimator = estimator
        self._nli = nli

    def __repr__(self) -> str:
        return f"PromptedGenerator({self._name!r})"

    @property
    def name(self) -> str:
        """As in ``ragkit.toml``."""
        return self._name

    @property
    def location(self) -> Location:
        """Where the model runs."""
        return self._model.location

    @property
    def model(self) -> ChatModel:
        """The model behind it."""
        return self._model

    def load(self) -> None:
        """Load the model, and the entailment model if there is one. May be called any number of times."""
        self._model.load()
        if self._nli is None and self._settings.nli is not None:
            from ragkit.generate.nli import NliModel

            self._nli = NliModel(self._settings.nli)
        if self._nli is not None:
            self._nli.load()

    def prepare(self, request: GenerationRequest) -> ModelCall:
        """Return exactly what would be sent; only the code of its fences differs from call to call.

        Aliases that it needs are given out in the request's conversation.

        Raises:
            GeneratorRefused: Not even one passage fits the model's context.
        """
        return self._prepare(request).call

    def generate(self, request: GenerationRequest) -> Generation:
        """Answer, or refuse with ``no-hits``, ``model`` or ``unsupported``.

        Raises:
            GeneratorRefused: As :meth:`prepare`, or by the model.
            GeneratorGarbled: The model wrote nothing.
            GenerationError, EgressRefused: As the model raises them.
        """
        if not _told(request):
            return self._nothing_found()
        prepared = self._prepare(request)
        answer = self._answer(request, prepared)
        completion = self._model.complete(prepared.call)
        shown = answer.feed(completion.text) + answer.finish(completion.finish)
        return self._generation(request, prepared, answer, shown, completion)

    def stream(self, request: GenerationRequest) -> Iterator[Masked | Generation]:
        """Yield the text as soon as it may be shown, then the generation. Closing it closes the model's stream.

        Raises:
            GeneratorGarbled: The stream of the model ended without its end.
            GenerationError, EgressRefused: As :meth:`generate`.
        """
        if not _told(request):
            generation = self._nothing_found()
            yield generation.text
            yield generation
            return
        prepared = self._prepare(request)
        answer = self._answer(request, prepared)
        completion: Completion | None = None
        parts: list[str] = []
        with closing(_closable(self._model.stream(prepared.call))) as pieces:
            for piece in pieces:
                if isinstance(piece, Completion):
                    completion = piece
                    break
                if shown := answer.feed(piece):
                    parts.append(shown)
                    yield Masked(shown)
        if completion is None:
            raise GeneratorGarbled("the model's stream ended without its end", remedy="Ask again.")
        rest = answer.finish(completion.finish)
        generation = self._generation(request, prepared, answer, "".join(parts) + rest, completion)
        if generation.refused:
            rest = generation.text
        if rest:
            yield Masked(rest)
        yield generation

    # --- before the model --------------------------------------------------------------------------------------

    def _prepare(self, request: GenerationRequest) -> _Prepared:
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
            call = self._call(request, template, sources, history, max_tokens)
            over = model.count_tokens("\n".join(message.content for message in call.messages)) + _CHAT_TOKENS - limit
            if over <= 0:
                return _Prepared(call, sources, history)
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
    ) -> ModelCall:
        book = AliasBook(request.conversation)
        turns = [(book.hide(asked), book.hide(answered)) for asked, answered in history]
        question = book.hide(request.question.text.record)
        texts = [
            SourceText(one.number, *(unmarked(book.hide(part)) for part in (one.title, one.heading, one.text)))
            for one in sources
        ]
        return ModelCall(
            messages=write_messages(template, question=question, sources=texts, history=turns),
            data_class=request.data_class,
            collection=request.question.collection,
            request_id=request.request_id,
            conversation=request.conversation.id,
            prompt=template.version,
            max_tokens=max_tokens,
        )

    # --- after the model ---------------------------------------------------------------------------------------

    def _answer(self, request: GenerationRequest, prepared: _Prepared) -> AnswerStream:
        checker = SupportChecker(
            prepared.sources,
            question=request.question.text.record,
            history=[part for turn in prepared.history for part in turn],
            entailment=self._nli,
        )
        return AnswerStream(
            prepared.sources, AliasBook(request.conversation), checker, unsupported=self._settings.unsupported
        )

    def _generation(
        self,
        request: GenerationRequest,
        prepared: _Prepared,
        answer: AnswerStream,
        text: str,
        completion: Completion,
    ) -> Generation:
        if answer.empty and completion.finish != "content-filter":
            raise GeneratorGarbled(
                "the model wrote nothing", remedy="Raise `max_tokens` under [answers], or use another model."
            )
        account = self._account(prepared.call, completion)
        estimate = self._estimator(request.question, request.hits) if self._estimator else None
        if answer.reason or not text:
            return Generation(
                text=REFUSAL,
                refused=True,
                reason=answer.reason or "model",
                support=estimate or 0.0,
                checks=answer.checks(),
                account=account,
            )
        return Generation(
            text=Masked(text),
            citations=answer.citations(),
            support=answer.supported_share if estimate is None else estimate,
            checks=answer.checks(),
            account=account,
        )

    def _account(self, call: ModelCall, completion: Completion) -> Account:
        return Account(
            backend=self._name,
            location=self._model.location,
            model=completion.model,
            destination=self._model.destination,
            usage=completion.usage,
            latency_ms=completion.latency_ms,
            ttft_ms=completion.ttft_ms,
            finish=completion.finish,
            prompt=call.prompt,
        )

    def _nothing_found(self) -> Generation:
        account = Account(
            backend=self._name,
            location=self._model.location,
            destination=self._model.destination,
            prompt=template_for(self._model.context_tokens).version,
        )
        return Generation(text=REFUSAL, refused=True, reason="no-hits", account=account)


def _told(request: GenerationRequest) -> bool:
    return any(hit.chunk.record.strip() for hit in request.hits)


def _without_markers(answer: Masked) -> Masked:
    return Masked(re.sub(r"[ \t]*\[\d{1,3}\]", "", answer).replace(UNSUPPORTED, ""))


def _closable(pieces: Iterator[str | Completion]) -> Generator[str | Completion, None, None]:
    """A generator over the pieces, whose closing closes them too where they can be."""
    try:
        yield from pieces
    finally:
        close = getattr(pieces, "close", None)
        if close is not None:
            close()
