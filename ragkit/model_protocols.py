"""The contracts around a language model: the model, the door its prompts leave by, and the last look at them.

Imported through :mod:`ragkit.protocols`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from typing import Protocol

from ragkit.completions import Completion, ModelCall, Reply
from ragkit.principals import Location


class ChatModel(Protocol):
    """A language model behind one verb: messages in, text out. ``ragkit.generate.prompted`` makes a generator of it.

    ``model`` is the name asked for, ``context_tokens`` how much prompt and answer may be together. ``count_tokens``
    may estimate. ``stream`` yields text and last the :class:`Completion` with the whole text. ``destination`` is the
    name of the declared destination, empty in process. ``probe`` says what is wrong before anybody asks a question: an
    error as below, or nothing.

    Raises:
        GeneratorUnavailable, GeneratorRefused, GeneratorGarbled: As the server or the model failed.
        EgressRefused: The gateway did not let it out.
    """

    @property
    def model(self) -> str: ...

    @property
    def location(self) -> Location: ...

    @property
    def destination(self) -> str: ...

    @property
    def context_tokens(self) -> int: ...

    def load(self) -> None: ...

    def count_tokens(self, text: str) -> int: ...

    def complete(self, call: ModelCall) -> Completion: ...

    def stream(self, call: ModelCall) -> Iterator[str | Completion]: ...

    def probe(self) -> None: ...


class Door(Protocol):
    """The one way out for the bytes of a prompt: a destination's egress gateway.

    ``path`` is joined to the destination's URL; ``body`` is sent as it is, or not at all. ``stream`` yields the body in
    pieces as they come. ``get`` carries no prompt and is for probing. Retries, limits, TLS and events are the door's.

    Raises:
        EgressRefused, EgressLeak: Nothing was sent.
        GeneratorUnavailable: No reply in time, or none but 429 and 5xx.
        GeneratorGarbled: More bytes than the destination allows.
    """

    @property
    def name(self) -> str: ...

    @property
    def location(self) -> Location: ...

    def post(self, path: str, body: bytes, *, headers: Mapping[str, str], call: ModelCall) -> Reply: ...

    def stream(
        self, path: str, body: bytes, *, headers: Mapping[str, str], call: ModelCall
    ) -> AbstractContextManager[ReplyStream]: ...

    def get(self, path: str, *, headers: Mapping[str, str]) -> Reply: ...


class ReplyStream(Protocol):
    """A reply as it comes. ``pieces`` are the raw bytes of the body; of a reply of 400 and above, read it whole."""

    @property
    def status(self) -> int: ...

    @property
    def headers(self) -> Mapping[str, str]: ...

    def pieces(self) -> Iterator[bytes]: ...


class Scanner(Protocol):
    """Looks over text that is about to leave: what the masker would have masked and did not, by entity type."""

    def scan(self, text: str) -> Mapping[str, int]: ...
