"""The generators of a workspace: which there are, and whether one works. The answers to `ragkit generators`.

::

    workspace.generators.listed()        # opens nothing
    workspace.generators.test("small")   # a probe, and one tiny call with a fixed public text
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from ragkit.doctor import Check
from ragkit.errors import EgressRefused, GenerationError, RagkitError
from ragkit.generator_listing import Listed, list_generators
from ragkit.generator_names import default_name
from ragkit.handles import Handles
from ragkit.protocols import ChatModel, Recorder
from ragkit.roles import require
from ragkit.types import (
    Completion,
    Conversation,
    DataClass,
    Generation,
    Location,
    Masked,
    Message,
    ModelCall,
    Principal,
)

if TYPE_CHECKING:
    from ragkit.answering import Answering
    from ragkit.mask.rescan import CollectionScanner
    from ragkit.telling import Role

SLOW_TTFT_MS = 10_000.0
SLOW_TOKENS_PER_SECOND = 5.0
"""Slower than people read: about 250 words a minute, 1.3 tokens a word."""

_MEASURED_TOKENS = 8
"""From how many tokens on a speed is worth telling."""

_CALL = ModelCall(
    messages=(Message("user", Masked("Write the numbers from one to twenty in words, separated by commas.")),),
    data_class=DataClass.PUBLIC,
    prompt="test-1",
    max_tokens=256,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tested:
    """What a test found: the checks up to the first that failed, and the figures of the call if there was one.

    Attributes:
        code: A word for what is wrong, such as ``connect``, ``tls``, ``model``, ``key-missing``, ``context``,
            ``slow``; empty when all is well.
        model: As the server names it.
        context_tokens: What ragkit was told; 0 for a generator without a model.
        ttft_ms: To the first text of the call.
        tokens_per_second: After the first text; ``None`` when too few came to tell.
        input_tokens: Of the call.
        output_tokens: Likewise.
    """

    name: str
    kind: str
    destination: str
    location: Location
    checks: tuple[Check, ...]
    code: str = ""
    model: str = ""
    context_tokens: int = 0
    ttft_ms: float | None = None
    tokens_per_second: float | None = None
    input_tokens: int = 0
    output_tokens: int = 0

    @property
    def ok(self) -> bool:
        """Whether all is well."""
        return all(check.ok for check in self.checks)


class Generators:
    """The generators of an open workspace; reached as ``workspace.generators``."""

    def __init__(self, handles: Handles) -> None:
        self._handles = handles

    def listed(self) -> list[Listed]:
        """Return every generator that can be asked for. Opens nothing and reads no secret."""
        return list_generators(self._handles.config)

    def test(self, name: str | None = None, *, principal: Principal | None = None) -> Tested:
        """Find out whether a generator works: its section, its server, its model, one tiny call.

        The call has a fixed public text, passes the gateway of the destination and leaves its events.

        Args:
            name: Of the generator; by default the one that answers.
            principal: Who asks, an operator; by default the owner.

        Raises:
            AccessDenied: No operator.
            ConfigError: There is none of that name.
        """
        config = self._handles.config
        asking = require(self._handles, "operator", verb="generators.test", principal=principal)
        done = _Test(self._answering(), self._handles.recorder, name or default_name(config)).run()
        about = {"generator": done.name, "checks": len(done.checks), "failed": sum(not one.ok for one in done.checks)}
        about |= {key: value for key, value in (("destination", done.destination), ("code", done.code)) if value}
        outcome = "ok" if done.ok else "degraded"
        self._handles.recorder.record("generator.tested", actor=asking, outcome=outcome, data=about)
        return done

    def tell(
        self,
        messages: Sequence[tuple[Role, str]],
        *,
        name: str | None = None,
        collection: str | None = None,
        principal: Principal | None = None,
        max_tokens: int | None = None,
        temperature: float = 0.0,
        stop: Sequence[str] = (),
        conversation: Conversation | None = None,
    ) -> Iterator[Masked | Generation]:
        """Let the model behind a generator read messages of your own, and yield what it writes, masked.

        The messages are masked by the collection's vault and pass the destination's gateway, as a question of
        ``ask`` does; nothing is retrieved, and what is written is neither cited nor checked. For frameworks that write
        their own prompts: :class:`ragkit.interop.model.RagkitLLM`.

        Args:
            messages: Role and text, oldest first; tokens of the record view in them stay.
            name: Of the generator; by default the one that answers.
            collection: Whose vault, and whose data class everything in the messages is taken to have.
            principal: Who asks; by default the owner.
            max_tokens: Of the reply; by default `[answers] max_tokens`.
            temperature: As the server takes it.
            stop: The model stops before it writes one of these.
            conversation: The dialogue whose aliases are used; by default a new one.

        Returns:
            The text in pieces, last the generation.

        Raises:
            ConfigError: There is no such generator, or no model is behind it. Otherwise as ``Workspace.ask``.
        """
        from ragkit.telling import tell

        return tell(
            self._handles,
            messages,
            name=name,
            collection=collection,
            actor=principal or self._handles.config.workspace.principal,
            max_tokens=max_tokens,
            temperature=temperature,
            stop=stop,
            conversation=conversation,
        )

    def context(self, name: str | None = None) -> tuple[str, int]:
        """Return the name of a generator and how many tokens its model reads and writes together; 0 without a model.

        Opens nothing but a model in process whose configuration does not say.

        Raises:
            ConfigError: There is none of that name.
        """
        name = name or default_name(self._handles.config)
        return name, int(getattr(self._answering().bare(name), "context_tokens", 0))

    def _answering(self) -> Answering:
        from ragkit.answering import Answering

        handles = self._handles
        return Answering(
            handles.config,
            embedder=handles.embedder,
            scanner=cast("Callable[[], CollectionScanner]", _PublicText),
            recorder=handles.recorder,
            spending=lambda: handles.spending,
        )


class _PublicText:
    """Looks over the bytes of a test: they hold what ``ragkit.toml`` says and a fixed public text, and no content."""

    def scan(self, text: str) -> Mapping[str, int]:  # noqa: ARG002
        """Find nothing."""
        return {}


@dataclass
class _Test:
    """One run of the checks; the first that fails is the last."""

    answering: Answering
    recorder: Recorder
    name: str
    checks: list[Check] = field(default_factory=list)
    code: str = ""
    done: Completion | None = None

    def run(self) -> Tested:
        """Run them."""
        if self.name not in self.answering.named:
            self.answering.bare(self.name)  # says which there are
        model = next(self._steps(), None)
        named, destination = self.answering.named[self.name], self._destination()
        done, speed = self.done, self._speed()
        return Tested(
            name=self.name,
            kind=named.kind,
            destination=named.destination or "",
            location=destination.location if destination else getattr(model, "location", Location.IN_PROCESS),
            checks=tuple(self.checks),
            code=self.code,
            model=done.model if done else str(getattr(model, "model", "")),
            context_tokens=int(getattr(model, "context_tokens", 0)),
            ttft_ms=done.ttft_ms if done else None,
            tokens_per_second=speed,
            input_tokens=done.usage.input if done else 0,
            output_tokens=done.usage.output if done else 0,
        )

    def _steps(self) -> Iterator[Any]:
        """Yield the model, once all that can be examined is."""
        model = self._try("section", lambda: self.answering.bare(self.name), "can be made")
        if model is None:
            return
        if self._try("load", lambda: (model.load(), model)[1], "loads") is not None and hasattr(model, "complete"):
            where = "reached, and has the model" if model.destination else "sound"
            if self._try("probe", lambda: (model.probe(), model)[1], where) is not None:
                self.done = self._try("call", lambda: self._call(model), "answers")
                if self.done is not None:
                    self._judge_speed(self.done)
        yield model

    def _try(self, what: str, attempt: Callable[[], Any], well: str) -> Any:
        try:
            found = attempt()
        except RagkitError as failed:
            self.code = _word(failed)
            self.checks.append(Check(what, ok=False, detail=str(failed), remedy=failed.remedy))
            return None
        self.checks.append(Check(what, ok=True, detail=well))
        return found

    def _call(self, model: ChatModel) -> Completion:
        from ragkit.egress.unsafe import Unseen

        ceiling = getattr(model, "max_data_class", None)
        chat = Unseen(model, name=self.name, ceiling=ceiling, recorder=self.recorder) if ceiling else model
        *_, last = chat.stream(_CALL)
        assert isinstance(last, Completion)  # the protocol's last piece
        return last

    def _speed(self) -> float | None:
        if self.done is None or self.done.usage.output < _MEASURED_TOKENS:
            return None
        after = (self.done.latency_ms - self.done.ttft_ms) / 1000
        return (self.done.usage.output - 1) / after if after > 0 else None

    def _judge_speed(self, done: Completion) -> None:
        speed = self._speed()
        slow = done.ttft_ms > SLOW_TTFT_MS or (speed is not None and speed < SLOW_TOKENS_PER_SECOND)
        said = f"{done.ttft_ms / 1000:.2f} s to the first text"
        said += "" if speed is None else f", {speed:.0f} tokens a second"
        self.code = "slow" if slow else ""
        remedy = "Test again, since a first call may load the model; else take a smaller one." if slow else ""
        self.checks.append(Check("speed", ok=not slow, detail=said, remedy=remedy))

    def _destination(self) -> Any:
        named = self.answering.named[self.name]
        return self.answering.config.destinations[named.destination] if named.destination else None


def _word(failed: RagkitError) -> str:
    if isinstance(failed, GenerationError) and failed.code:
        return failed.code
    return "policy" if isinstance(failed, EgressRefused) else "section"
