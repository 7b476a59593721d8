"""What would be sent for a question, to whom, and why it may: the answer to `ragkit egress explain`. Sends nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from ragkit.generator_names import routed_names
from ragkit.handles import Handles
from ragkit.types import DataClass, GenerationRequest, Location, Message, Principal, RawQuestion

if TYPE_CHECKING:
    from ragkit.answering import Answering
    from ragkit.egress.verdicts import Destination


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """One generator that may be asked, and what it would be sent.

    Attributes:
        generator: Its name.
        kind: Its kind.
        model: The model asked for; empty for one without.
        location: Where it runs.
        destination: What is declared of where its prompts go; ``None`` in process.
        data_class: Of what was retrieved.
        allowed: Whether the prompt may leave; true where nothing leaves.
        reason: ``in-process``, ``ok``, or the rule that forbids it.
        findings: What the last look found, by entity type.
        messages: The prompt, in the prompt view; empty for a generator that takes none.
        path: Below the destination's URL.
        headers: Their names.
        body: The very bytes as text; empty where nothing leaves.
        prompt: Version and hash of the prompt.
    """

    generator: str
    kind: str
    model: str
    location: Location
    destination: Destination | None
    data_class: DataClass
    allowed: bool
    reason: str
    findings: dict[str, int]
    messages: tuple[Message, ...] = field(default=(), repr=False)
    path: str = ""
    headers: tuple[str, ...] = ()
    body: str = field(default="", repr=False)
    prompt: str = ""


class Egress:
    """What leaves an open workspace, looked at before it does; reached as ``workspace.egress``."""

    def __init__(self, handles: Handles) -> None:
        self._handles = handles

    def explain(
        self,
        question: str,
        *,
        collection: str | None = None,
        principal: Principal | None = None,
        k: int = 8,
        filters: Mapping[str, str] | None = None,
        history: Sequence[str] = (),
        generator: str | None = None,
    ) -> list[Explanation]:
        """Return, for each generator that may be asked, exactly what would be sent, to whom and why it may.

        The question is masked and looked up as for an answer, with the events of that. Nothing is sent.

        Args:
            question: As typed.
            collection: Where to look; by default the only one.
            principal: Who asks; by default the owner.
            k: How many chunks to read.
            filters: Metadata that documents must have.
            history: Earlier questions, oldest first.
            generator: Only this one.

        Raises:
            ConfigError: There is no generator of that name.
        """
        part = self._handles.reader(collection)
        if generator is not None:
            part.answering.find(generator)
        request = part.assistant.request(
            RawQuestion(question, tuple(history)),
            principal=principal or self._handles.config.workspace.principal,
            k=k,
            filters=filters,
        )
        return explain(part.answering, request, generator=generator)


def explain(answering: Answering, request: GenerationRequest, *, generator: str | None = None) -> list[Explanation]:
    """Return what each generator that may be asked would be sent, in the order in which routing has them.

    Args:
        answering: The collection's generators.
        request: A question with its hits.
        generator: Only this one.
    """
    names = [generator] if generator else routed_names(answering.config) or [answering.default]
    return [_explained(answering, request, name) for name in names]


def _explained(answering: Answering, request: GenerationRequest, name: str) -> Explanation:
    from ragkit.egress.showing import NotSent, ShowingDoor

    named = answering.named[name]
    call = answering.prepare(request, name)
    model = answering.bare(name)
    allowed = answering.allowed(name, request.data_class)
    plain = Explanation(
        generator=name,
        kind=named.kind,
        model=str(getattr(model, "model", "")),
        location=model.location,
        destination=None,
        data_class=request.data_class,
        allowed=allowed,
        reason="in-process" if model.location is Location.IN_PROCESS else "ok" if allowed else "data-class",
        findings={},
        messages=call.messages if call else (),
        prompt=call.prompt if call else "",
    )
    if call is None or named.destination is None:
        return plain
    door = answering.door(named.destination)
    showing = ShowingDoor(door)
    with suppress(NotSent):
        answering.bare(name, door=showing).complete(call)
    if showing.shown is None:
        return plain
    verdict = door.judge(call, showing.shown.body)
    return replace(
        plain,
        destination=verdict.destination,
        allowed=verdict.allowed,
        reason=verdict.reason,
        findings=dict(verdict.findings),
        path=showing.shown.path,
        headers=showing.shown.headers,
        body=showing.shown.body.decode("utf-8", "replace"),
    )
