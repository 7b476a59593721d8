"""What is known of a generator's calls before they are made, and the most that one can use."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ragkit.errors import GeneratorRefused
from ragkit.protocols import Generator
from ragkit.routing.budgets import Most
from ragkit.routing.prices import Catalogue, Price
from ragkit.types import GenerationRequest, TokenUsage

BYTES_A_TOKEN = 2
"""Half the bytes of a text are more than its tokens in every language and tokenizer we know of; long numbers, of which
some tokenizers make a token a digit, are the exception, for which ``count_tokens`` is asked as well."""

AROUND_A_MESSAGE = 16
"""Tokens of role and separators, more than the usual chat templates take."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tariff:
    """How a generator's calls are counted.

    Attributes:
        provider: As its destination names it; empty in process.
        model: The name asked for; empty for a generator without a model, whose calls cost nothing.
        destination: Name of the destination, if it has one.
        max_tokens: Most tokens an answer may have.
        seconds: Longest call, for prices by the hour.
        count_tokens: The model's own count of a text.
    """

    provider: str = ""
    model: str = ""
    destination: str = ""
    max_tokens: int = 512
    seconds: float = 60.0
    count_tokens: Callable[[str], int] | None = None

    def price(self, catalogue: Catalogue, *, generator: str, answered_by: str = "") -> Price | None:
        """Return the price of the model asked for; where it has none, of the one that the server says answered."""
        found = catalogue.find(self.provider, self.model, generator=generator)
        return found or (catalogue.find(self.provider, answered_by) if answered_by else None)

    def prompt_tokens(self, generator: Generator, request: GenerationRequest) -> int:
        """Return an upper estimate of the prompt's tokens; 0 where no prompt will be sent.

        A generator with ``prepare(request)`` is asked for the very prompt; where it cannot make one, because there are
        no hits or none fits, its call sends nothing. Of another, question, earlier turns and hits with their neighbours
        are counted.
        """
        if not self.model:
            return 0
        prepare = getattr(generator, "prepare", None)
        try:
            texts = [one.content for one in prepare(request).messages] if prepare else list(_texts(request))
        except GeneratorRefused:
            return 0
        return sum(self._tokens(text) for text in texts)

    def most(self, prompt_tokens: int, catalogue: Callable[[], Catalogue], *, generator: str) -> Most:
        """Return the most that a call with such a prompt can use."""
        if not self.model or not prompt_tokens:
            return Most(0, 0)
        price = self.price(catalogue(), generator=generator)
        cost = None
        if price is not None:
            cost = price.most_micro(input_tokens=prompt_tokens, output_tokens=self.max_tokens, seconds=self.seconds)
        return Most(prompt_tokens + self.max_tokens, cost)

    def cost_micro(
        self,
        usage: TokenUsage,
        catalogue: Callable[[], Catalogue],
        *,
        generator: str,
        answered_by: str = "",
        seconds: float = 0.0,
    ) -> int | None:
        """Return what a call cost; ``None`` where no price is known, 0 for a generator without a model."""
        if not self.model:
            return 0
        price = self.price(catalogue(), generator=generator, answered_by=answered_by)
        return None if price is None else price.cost_micro(usage, seconds=seconds)

    def _tokens(self, text: str) -> int:
        counted = self.count_tokens(text) if self.count_tokens else 0
        return max(counted, half_the_bytes(len(text.encode("utf-8", "replace")))) + AROUND_A_MESSAGE


def half_the_bytes(size: int) -> int:
    """Return the upper estimate of the tokens in so many bytes of text."""
    return -(-size // BYTES_A_TOKEN)


def _texts(request: GenerationRequest) -> Iterator[str]:
    yield request.question.text.record
    for turn in request.conversation.turns:
        yield turn.question.record
        yield turn.answer
    for hit in request.hits:
        yield from (hit.title, hit.before, hit.chunk.record, hit.after)
