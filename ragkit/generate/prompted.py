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

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing

from ragkit.config_answering import AnswersSection
from ragkit.errors import GeneratorGarbled
from ragkit.generate.aliases import AliasBook
from ragkit.generate.checking import Entailment, SupportChecker
from ragkit.generate.preparing import Prepared, PromptWriter
from ragkit.generate.prompt import template_for
from ragkit.generate.streaming import AnswerStream
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

Told = Callable[[GenerationRequest, ModelCall, str], None]
"""Called with each prompt, and the code of its fences, before a model is told it; what it raises ends the call."""

Estimator = Callable[[MaskedQuestion, Sequence[Hit]], float]
"""Probability in 0..1 that the hits hold an answer."""


class PromptedGenerator:
    """Implements :class:`ragkit.protocols.Generator` around a :class:`ragkit.protocols.ChatModel`.

    Args:
        model: Loaded by :meth:`load`.
        name: As in ``ragkit.toml``.
        settings: ``[answers]``.
        estimator: Estimates ``support``; without one it is the share of supported sentences.
        nli: A model of entailment; without one ``settings.nli`` says where it is, if anywhere.
        told: Is shown each prompt before the model is, to keep it.
    """

    def __init__(
        self,
        model: ChatModel,
        *,
        name: str,
        settings: AnswersSection,
        estimator: Estimator | None = None,
        nli: Entailment | None = None,
        told: Told | None = None,
    ) -> None:
        self._model = model
        self._name = name
        self._settings = settings
        self._estimator = estimator
        self._nli = nli
        self._told = told
        self._prompts = PromptWriter(model, settings)

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
        return self._prompts.prepare(request).call

    def generate(self, request: GenerationRequest) -> Generation:
        """Answer, or refuse with ``no-hits``, ``model`` or ``unsupported``.

        Raises:
            GeneratorRefused: As :meth:`prepare`, or by the model.
            GeneratorGarbled: The model wrote nothing.
            GenerationError, EgressRefused: As the model raises them.
        """
        if not _told(request):
            return self._nothing_found()
        prepared = self._ready(request)
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
        prepared = self._ready(request)
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

    def _ready(self, request: GenerationRequest) -> Prepared:
        prepared = self._prompts.prepare(request)
        if self._told is not None:
            self._told(request, prepared.call, prepared.code)
        return prepared

    # --- after the model ---------------------------------------------------------------------------------------

    def _answer(self, request: GenerationRequest, prepared: Prepared) -> AnswerStream:
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
        prepared: Prepared,
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
            placed=call.placed,
            max_tokens=call.max_tokens,
            temperature=call.temperature,
            seed=call.seed,
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


def _closable(pieces: Iterator[str | Completion]) -> Generator[str | Completion, None, None]:
    """A generator over the pieces, whose closing closes them too where they can be."""
    try:
        yield from pieces
    finally:
        close = getattr(pieces, "close", None)
        if close is not None:
            close()
