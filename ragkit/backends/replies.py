"""What the readers of replies share, whatever the API: what was heard besides the text, and counts taken with care."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from ragkit.backends.shown import ShownText
from ragkit.backends.wire import whole_number, without_halves
from ragkit.completions import Finish
from ragkit.types import DataClass, Masked, Message, ModelCall, TokenUsage

PUBLIC_CALL: Final = ModelCall(
    messages=(Message("user", Masked("Reply with the single word: ready")),),
    data_class=DataClass.PUBLIC,
    prompt="probe-1",
    max_tokens=256,
)
"""A fixed public text, for trying a server out. Its room lets a model that thinks reach its answer."""


@dataclass(slots=True)
class Heard:
    """What a reply has told so far, besides its text.

    Attributes:
        model: As the server names it.
        usage: As the server counts; ``None`` until it does.
        finish: Why the model stopped; ``None`` until it says so.
        ended: The reply is whole by the rules of its API.
    """

    model: str = ""
    usage: TokenUsage | None = None
    finish: Finish | None = None
    ended: bool = False


class ReplyReader(ABC):
    """Reads one reply of one API.

    ``feed`` takes bytes of a stream as they come and yields text of the answer; ``whole`` takes the body of a reply
    that was not streamed and returns its text.

    Raises:
        GeneratorGarbled: The bytes are not what the API promises.
        GeneratorUnavailable, GeneratorRefused: The server says in the reply that it failed.
    """

    def __init__(self, shown: ShownText) -> None:
        self.shown = shown
        self.heard = Heard()

    @abstractmethod
    def feed(self, piece: bytes) -> Iterator[str]: ...

    @abstractmethod
    def whole(self, body: bytes) -> str: ...


def counted(told: Any, *, input: tuple[str, ...], output: str) -> tuple[int, int] | None:
    """Return what a server counted, if all of it is there: the sum of its kinds of input, and the output.

    The first kind of input must be there; the others may be absent.
    """
    if not isinstance(told, dict):
        return None
    first, rest, written = (
        whole_number(told.get(input[0])),
        [whole_number(told.get(name)) or 0 for name in input[1:]],
        whole_number(told.get(output)),
    )
    return None if first is None or written is None else (first + sum(rest), written)


def messages_of(call: ModelCall) -> tuple[str, list[tuple[str, str]]]:
    """Return the system's words together, and the other messages as (role, text)."""
    system = "\n\n".join(message.content for message in call.messages if message.role == "system")
    others: list[tuple[str, str]] = [
        (message.role, without_halves(message.content)) for message in call.messages if message.role != "system"
    ]
    return without_halves(system), others
