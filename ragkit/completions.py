"""What passes between a generator and the model behind it, and the account that every answer carries of it.

Imported through :mod:`ragkit.types`. Text here is in the *prompt view*: the record view with each token replaced by an
alias of the conversation, so that a provider cannot link a person across conversations.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from ragkit.errors import AccessDenied
from ragkit.principals import DataClass, Location
from ragkit.spans import Masked, MaskedText

Finish = Literal["stop", "length", "content-filter", "cut"]
"""Why a model stopped: by itself, at the token limit, by the provider's filter, or because we stopped listening."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a prompt, in the prompt view."""

    role: Literal["system", "user", "assistant"]
    content: Masked

    def __repr__(self) -> str:
        return f"Message({self.role}, {len(self.content)} characters)"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCall:
    """One call of a model: what it is told, and what the egress gateway must know to judge it.

    Attributes:
        data_class: The most sensitive class of what was retrieved for it.
        request_id: Joins the events of this question.
        conversation: Opaque id of the conversation; never sent.
        prompt: Version and hash of the prompt, such as ``answer-1:3f9c0a…``.
        placed: Numbers of the retrieved chunks that stand in it; never sent.
        documents: Document versions it holds text of, as (document id, version); never sent.
        tokens: Ids of the tokens of the record view behind the aliases of its conversation; never sent.
        max_tokens: Most tokens the model may write.
        temperature: 0 where the server allows it.
        stop: The model stops before it writes one of these.
    """

    messages: tuple[Message, ...]
    data_class: DataClass
    collection: str = ""
    request_id: str = ""
    conversation: str = ""
    prompt: str = ""
    placed: tuple[int, ...] = ()
    documents: tuple[tuple[str, int], ...] = ()
    tokens: frozenset[str] = field(default=frozenset(), repr=False)
    max_tokens: int = 512
    temperature: float = 0.0
    seed: int | None = None
    stop: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TokenUsage:
    """Tokens of one call as the server counted them; ``estimated`` where it did not and ragkit did.

    ``cached_input`` is the part of ``input`` that the provider read from its cache, ``reasoning`` the part of
    ``output`` that nobody sees.
    """

    input: int = 0
    output: int = 0
    cached_input: int = 0
    reasoning: int = 0
    estimated: bool = False

    def __add__(self, other: TokenUsage) -> TokenUsage:
        return TokenUsage(
            self.input + other.input,
            self.output + other.output,
            self.cached_input + other.cached_input,
            self.reasoning + other.reasoning,
            self.estimated or other.estimated,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """What a model wrote. ``model`` is the name the server gives, which may differ from the one asked for.

    ``latency_ms`` is from the call to the last byte, ``ttft_ms`` to the first text; of a call that was not streamed
    they are equal.
    """

    text: str
    model: str
    usage: TokenUsage
    finish: Finish = "stop"
    latency_ms: float = 0.0
    ttft_ms: float = 0.0

    def __repr__(self) -> str:
        return f"Completion({len(self.text)} characters, finish={self.finish!r})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Checks:
    """What was found wrong with a model's text, and mended or marked. Counts only; all zero for a good answer.

    Attributes:
        invented_citations: Markers of chunks that were not supplied; dropped.
        unsupported_sentences: Sentences whose cited chunks do not say them; kept, marked or removed by policy.
        unsupported_numbers: Numbers and identifiers that stand in no supplied chunk nor in the question.
        sanitised: Images, raw HTML and links to elsewhere that were taken out.
        unknown_tokens: Aliases that were never handed out; shown as they are.
    """

    invented_citations: int = 0
    unsupported_sentences: int = 0
    unsupported_numbers: int = 0
    sanitised: int = 0
    unknown_tokens: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Which generator answered, why that one, and what it cost.

    Attributes:
        backend: The generator's name in ``ragkit.toml``, or its kind.
        model: As the server names it; empty for ``extractive``.
        destination: Name of the declared destination; empty in process.
        route: ``only`` without routing, else ``small``, ``large`` or ``fallback``.
        reason: Why that route, a word such as ``data-class``, ``low-need``, ``small-refused``, ``budget``.
        attempts: Generators tried, the one that answered included.
        cost_micro: Cost in millionths of ``currency``; ``None`` where no price is known.
        prompt: Version and hash of the prompt.
        placed: Numbers of the retrieved chunks that stood in it.
        max_tokens: Most tokens the model might write; 0 for a generator without a model.
        temperature: As asked for.
        seed: Likewise.
    """

    backend: str = ""
    location: Location = Location.IN_PROCESS
    model: str = ""
    destination: str = ""
    route: str = "only"
    reason: str = ""
    attempts: int = 1
    usage: TokenUsage = field(default_factory=TokenUsage)
    cost_micro: int | None = None
    currency: str = "USD"
    latency_ms: float = 0.0
    ttft_ms: float = 0.0
    finish: Finish = "stop"
    prompt: str = ""
    placed: tuple[int, ...] = ()
    max_tokens: int = 0
    temperature: float = 0.0
    seed: int | None = None


@dataclass(frozen=True, slots=True)
class Turn:
    """An earlier question and its answer, masked; the answer in the record view."""

    question: MaskedText
    answer: Masked
    refused: bool = False


@dataclass(slots=True)
class Conversation:
    """What one dialogue needs to remember, in memory only: its turns, and which alias stands for which token.

    Attributes:
        id: Random; goes to events and never to a provider.
        secret: Random; the check letters of the aliases come from it, so that two conversations share none.
        aliases: Alias by token of the record view, ``TYPE:ID``, in order of first use. Written by
            ``ragkit.generate.aliases``.
    """

    id: str = field(default_factory=lambda: secrets.token_hex(16))
    secret: bytes = field(default_factory=lambda: secrets.token_bytes(16), repr=False)
    turns: tuple[Turn, ...] = field(default=(), repr=False)
    aliases: dict[str, str] = field(default_factory=dict, repr=False)
    _bound: tuple[str, str] | None = field(default=None, repr=False)

    def bind(self, collection: str, subject: str) -> None:
        """Let it belong to one collection and one principal: its turns hold what these may read.

        Raises:
            AccessDenied: It belongs to others, whose turns must not go into this prompt.
        """
        if self._bound not in (None, (collection, subject)):
            raise AccessDenied(
                "a conversation belongs to one collection and one principal",
                remedy="Begin a new `Conversation()` for another.",
            )
        self._bound = (collection, subject)

    def add(self, turn: Turn) -> None:
        """Remember a turn."""
        self.turns = (*self.turns, turn)

    def __reduce__(self) -> tuple[object, ...]:
        raise TypeError("a conversation is not pickled")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What a server answered over HTTP: ``headers`` lower-cased, ``body`` within the destination's limit."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def __repr__(self) -> str:
        return f"Reply({self.status}, {len(self.body)} bytes)"
