"""The stand-in for a gateway before models whose bytes do not pass one, such as any LLM of llama-index.

It cannot see what they send, so it holds them to a ceiling, and leaves a mark before each call.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ragkit.egress.boundary import UNSEEN_CEILING, fits
from ragkit.egress.guarded import GuardedGenerator
from ragkit.errors import EgressRefused
from ragkit.protocols import ChatModel, Generator, Recorder
from ragkit.types import Completion, DataClass, GenerationRequest, Location, ModelCall


class Unseen:
    """A chat model that is called only for content within its ceiling, and never without an ``egress.unsafe`` event.

    Args:
        model: Does the work, by a way of its own.
        name: The generator's name, for events.
        ceiling: Most sensitive class of content that may go to it.
        recorder: No record, no call.

    Raises:
        EgressRefused: From ``complete`` and ``stream``: the content is more sensitive.
    """

    def __init__(self, model: ChatModel, *, name: str, ceiling: DataClass, recorder: Recorder) -> None:
        self._inner = model
        self._name = name
        self._ceiling = ceiling
        self._recorder = recorder

    @property
    def model(self) -> str:
        """The name asked for."""
        return self._inner.model

    @property
    def location(self) -> Location:
        """Where it says it runs."""
        return self._inner.location

    @property
    def destination(self) -> str:
        """None that is declared."""
        return self._inner.destination

    @property
    def context_tokens(self) -> int:
        """How much prompt and answer may be together."""
        return self._inner.context_tokens

    def load(self) -> None:
        """Load it."""
        self._inner.load()

    def count_tokens(self, text: str) -> int:
        """Count, or estimate."""
        return self._inner.count_tokens(text)

    def complete(self, call: ModelCall) -> Completion:
        """Call it, if it may be."""
        self._mark(call)
        return self._inner.complete(call)

    def stream(self, call: ModelCall) -> Iterator[str | Completion]:
        """Call it, if it may be."""
        self._mark(call)
        yield from self._inner.stream(call)

    def probe(self) -> None:
        """Say what is wrong."""
        self._inner.probe()

    def _mark(self, call: ModelCall) -> None:
        _mark(
            self._recorder,
            self._name,
            self.location,
            self._ceiling,
            data_class=call.data_class,
            request=call.request_id,
            session=call.conversation,
            data={"prompt": call.prompt, "collection": call.collection},
        )


def unseen_generator(generator: Generator, *, name: str, ceiling: DataClass, recorder: Recorder) -> GuardedGenerator:
    """Return a whole generator that works elsewhere by a way of its own, held as :class:`Unseen` holds a model."""

    def mark(request: GenerationRequest) -> None:
        _mark(
            recorder,
            name,
            generator.location,
            ceiling,
            data_class=request.data_class,
            request=request.request_id,
            session=request.conversation.id,
            data={"collection": request.question.collection},
        )

    return GuardedGenerator(generator, mark)


def _mark(
    recorder: Recorder,
    name: str,
    location: Location,
    ceiling: DataClass,
    *,
    data_class: DataClass,
    request: str,
    session: str,
    data: Mapping[str, str],
) -> None:
    allowed = fits(data_class, UNSEEN_CEILING) and fits(data_class, ceiling)
    told = {key: value for key, value in data.items() if value and (allowed or key == "collection")}
    recorder.record(
        "egress.unsafe" if allowed else "egress.blocked",
        outcome="ok" if allowed else "denied",
        reason="" if allowed else "data-class",
        request=request or None,
        session=session,
        data={
            "location": location.value,
            "data_class": data_class.value,
            "ceiling": ceiling.value,
            **({"generator": name} if allowed else {}),
            **told,
        },
    )
    if not allowed:
        raise EgressRefused(
            f"content of this class may not go to generator {name!r}, whose bytes nobody here sees",
            remedy=f"It may receive up to {ceiling.value!r}; use a generator that passes the gateway.",
        )
