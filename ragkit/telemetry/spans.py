"""Marks around a question, a search and a call of a generator. Never content, never who asks.

::

    with question_span("handbook", data_class=DataClass.INTERNAL, request=request) as mark:
        with retrieval_span("handbook", k=8) as found:
            found.set(HITS, len(hits))
        mark.answered(generation)

A stream is marked without leaving its span behind in the consumer's context, whatever thread or task takes the pieces::

    with question_span(..., current=False) as mark:
        yield from mark.over(generator.stream(request))
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from ragkit.telemetry import names
from ragkit.telemetry.attributes import error_type, permitted
from ragkit.telemetry.sources import instruments_now, tracer_now
from ragkit.types import Account, Checks, DataClass, Generation, Location

if TYPE_CHECKING:
    from opentelemetry.trace import Span

T = TypeVar("T")


class Mark:
    """What may be said about something that is going on. Of a silent one nothing is kept."""

    __slots__ = ("_span",)

    def __init__(self, span: Span | None) -> None:
        self._span = span

    def set(self, name: str, value: Any) -> None:
        """Set one attribute, if its name and value may leave."""
        if self._span is not None and self._span.is_recording():
            self._span.set_attributes(permitted({name: value}))

    @contextmanager
    def within(self) -> Iterator[None]:
        """Make what is marked inside a part of this; for a mark that is not the current one."""
        if self._span is None:
            yield
            return
        from opentelemetry import trace

        with trace.use_span(self._span, record_exception=False, set_status_on_exception=False):
            yield

    def over(self, pieces: Iterator[T]) -> Iterator[T]:
        """Yield the pieces; each is made with this span as the current one, and none is taken so."""
        if self._span is None:
            yield from pieces
            return
        from opentelemetry import context, trace

        within = trace.set_span_in_context(self._span)
        try:
            while True:
                token = context.attach(within)
                try:
                    piece = next(pieces)
                except StopIteration:
                    return
                finally:
                    context.detach(token)
                yield piece
        finally:
            if isinstance(pieces, Generator):
                pieces.close()

    def answered(self, generation: Generation) -> None:
        """Say how a question was answered, and count it."""
        account = generation.account
        about = {names.ROUTE: account.route, names.REFUSED: generation.refused, names.GENERATOR: account.backend}
        instruments = instruments_now()
        if instruments is not None:
            instruments.answers.add(1, permitted(about))
        if self._span is not None:
            self._set(
                {
                    **about,
                    names.CITATIONS: len(generation.citations),
                    names.ROUTE_REASON: account.reason,
                    names.ATTEMPTS: account.attempts,
                    names.COST_MICRO: account.cost_micro,
                    names.CURRENCY: None if account.cost_micro is None else account.currency,
                }
            )

    def called(self, account: Account, checks: Checks) -> None:
        """Say what a call of a generator used and what was found wrong with its text."""
        if self._span is None:
            return
        used = account.usage
        tokens = {
            names.INPUT_TOKENS: used.input,
            names.OUTPUT_TOKENS: used.output,
            names.CACHED_TOKENS: used.cached_input or None,
            names.REASONING_TOKENS: used.reasoning or None,
        }
        self._set(
            {
                **(tokens if account.model else {}),
                names.RESPONSE_MODEL: account.model,
                names.FINISH_REASONS: (account.finish,),
                names.COST_MICRO: account.cost_micro,
                names.CURRENCY: None if account.cost_micro is None else account.currency,
                names.INVENTED: checks.invented_citations,
                names.UNSUPPORTED_SENTENCES: checks.unsupported_sentences,
                names.UNSUPPORTED_NUMBERS: checks.unsupported_numbers,
                names.SANITISED: checks.sanitised,
                names.UNKNOWN_TOKENS: checks.unknown_tokens,
            }
        )

    def _set(self, attributes: dict[str, Any]) -> None:
        if self._span is not None and self._span.is_recording():
            self._span.set_attributes(permitted(attributes))


SILENT = Mark(None)


def question_span(
    collection: str, *, data_class: DataClass, request: str = "", conversation: str = "", current: bool = True
) -> AbstractContextManager[Mark]:
    """Mark a question from its coming in to its answer. ``current=False`` for streams; see :meth:`Mark.over`."""
    tracer = tracer_now()
    if tracer is None:
        return _SILENCE
    about = {
        names.OPERATION_NAME: names.INVOKE_WORKFLOW,
        names.WORKFLOW_NAME: names.WORKFLOW,
        names.COLLECTION: collection,
        names.DATA_CLASS: data_class.value,
        names.REQUEST_ID: request,
        names.CONVERSATION_ID: conversation,
    }
    return _marking(about, names.WORKFLOW_NAME, current=current)


def retrieval_span(collection: str, *, k: int) -> AbstractContextManager[Mark]:
    """Mark a search."""
    if tracer_now() is None:
        return _SILENCE
    about = {names.OPERATION_NAME: names.RETRIEVAL, names.DATA_SOURCE_ID: collection, names.TOP_K: k}
    return _marking(about, names.DATA_SOURCE_ID)


def generation_span(
    generator: str,
    *,
    location: Location,
    model: str = "",
    provider: str = "",
    destination: str = "",
    data_class: DataClass,
    collection: str = "",
    stream: bool = False,
) -> AbstractContextManager[Mark]:
    """Mark one call of a generator: ``chat {model}``, or ``ragkit.extract {name}`` where no model is behind it."""
    if tracer_now() is None:
        return _SILENCE
    about = {
        **operation(generator, model=model, provider=provider),
        names.REQUEST_STREAM: stream,
        names.LOCATION: location.value,
        names.DESTINATION: destination,
        names.DATA_CLASS: data_class.value,
        names.COLLECTION: collection,
    }
    target = names.REQUEST_MODEL if model else names.GENERATOR
    return _marking(about, target, current=not stream, outside=location is not Location.IN_PROCESS)


def operation(generator: str, *, model: str, provider: str) -> dict[str, Any]:
    """Return the attributes that a call's span and its figures share."""
    return {
        names.OPERATION_NAME: names.CHAT if model else names.EXTRACT,
        names.PROVIDER_NAME: names.PROVIDERS.get(provider, provider) or names.SCOPE,
        names.REQUEST_MODEL: model,
        names.GENERATOR: generator,
    }


class _Silence:
    """Costs next to nothing; one for all."""

    __slots__ = ()

    def __enter__(self) -> Mark:
        return SILENT

    def __exit__(self, *_: object) -> None:
        return None


_SILENCE = _Silence()


@contextmanager
def _marking(about: dict[str, Any], target: str, *, current: bool = True, outside: bool = False) -> Iterator[Mark]:
    """A span ``{operation} {target}``; ``target`` names the attribute that is its second word."""
    from opentelemetry import trace

    tracer = tracer_now()
    if tracer is None:
        yield SILENT
        return
    kind = trace.SpanKind.CLIENT if outside else trace.SpanKind.INTERNAL
    kept = permitted(about)
    title = f"{kept[names.OPERATION_NAME]} {kept.get(target, '')}".strip()
    span = tracer.start_span(title, kind=kind, attributes=kept)
    try:
        if current:
            with trace.use_span(span, record_exception=False, set_status_on_exception=False):
                yield Mark(span)
        else:
            yield Mark(span)
    except BaseException as failed:  # its message stays here: it may hold anything
        span.set_attributes(permitted({names.ERROR_TYPE: error_type(failed)}))
        if isinstance(failed, Exception):
            span.set_status(trace.StatusCode.ERROR)
        raise
    finally:
        span.end()
