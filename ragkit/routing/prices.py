"""What calls cost, from a dated catalogue.

::

    catalogue = load_catalogue(None)                       # the one ragkit brings, made by benchmarks/make_prices.py
    price = catalogue.find("openai", "gpt-4.1")
    price.cost_micro(TokenUsage(input=3_000, output=300))  # millionths of the currency, or None

A model that stands in no row has no price, and a call without a price costs ``None``, never 0: a name that is only
like a known one may be billed otherwise. What runs on your own machines is free only where your own file says so::

    dated = 2026-11-22
    currency = "EUR"

    [[prices]]
    generator = "small"
    per_hour = "0.78"                # of the machine while it answers

    [[prices]]
    provider = "openai"
    models = ["gpt-4.1"]
    input = "2"                      # per million tokens
    output = "8"
    cached_input = "0.50"
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_CEILING, Decimal
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, StringConstraints, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from ragkit.config_sections import Section, Slug
from ragkit.errors import ConfigError
from ragkit.types import TokenUsage

STALE_AFTER_DAYS = 60
"""A catalogue older than this is still used, and `ragkit usage` says so."""

MILLION = 1_000_000
_SNAPSHOT = re.compile(r"-(20\d{6}|20\d\d-\d\d-\d\d)$")
_ALIASES = {"azure-openai": "azure", "bedrock": "aws", "gemini": "google", "xai": "x-ai", "vertex": "google"}

Money = Annotated[Decimal, Field(ge=0, allow_inf_nan=False)]


class Price(Section):
    """One row: what one or several models of a provider cost, or what one generator of ``ragkit.toml`` does."""

    provider: Slug | None = Field(None, description="As a destination names it.")
    generator: Slug | None = Field(None, description="A generator of `ragkit.toml`, instead of provider and models.")
    models: tuple[Annotated[str, StringConstraints(min_length=1, max_length=200)], ...] = ()
    input: Money | None = Field(None, description="A million tokens of the prompt.")
    output: Money | None = Field(None, description="A million tokens of the answer.")
    cached_input: Money | None = Field(None, description="A million tokens of the prompt from the provider's cache.")
    reasoning: Money | None = Field(None, description="A million tokens that nobody sees; default: as the answer's.")
    up_to: int | None = Field(None, gt=0, description="Longest prompt in tokens for which the row holds.")
    per_hour: Money | None = Field(None, description="An hour of calling, whatever the tokens.")

    @model_validator(mode="after")
    def _whole(self) -> Self:
        named = (self.generator is not None) != (self.provider is not None and bool(self.models))
        priced = self.per_hour is not None or (self.input is not None and self.output is not None)
        if not named or not priced:
            raise PydanticCustomError(
                "price",
                "is no price",
                {
                    "remedy": "Name a `generator`, or a `provider` and its `models`; give `input` and `output`, or "
                    "`per_hour`. What is free says so with 0."
                },
            )
        return self

    def cost_micro(self, usage: TokenUsage, *, seconds: float = 0.0) -> int | None:
        """Return what a call costs in millionths of the currency, rounded up; ``None`` beyond ``up_to``.

        C = (input - cached)·p_in + cached·p_cached + (output - reasoning)·p_out + reasoning·p_reason, in money per
        million tokens, which is millionths per token; and the hours.
        """
        if self.up_to is not None and usage.input > self.up_to:
            return None
        total = (self.per_hour or Decimal(0)) * Decimal(seconds) * MILLION / 3600
        if self.input is not None and self.output is not None:
            cached = min(usage.cached_input, usage.input)
            unseen = min(usage.reasoning, usage.output)
            cheap = self.input if self.cached_input is None else self.cached_input
            dear = self.output if self.reasoning is None else self.reasoning
            total += (usage.input - cached) * self.input + cached * cheap
            total += (usage.output - unseen) * self.output + unseen * dear
        return int(total.to_integral_value(ROUND_CEILING))

    def most_micro(self, *, input_tokens: int, output_tokens: int, seconds: float) -> int | None:
        """Return the most that such a call can cost, whatever is cached and however much is thought."""
        dearest = self.model_copy(
            update={
                "input": _dearest(self.input, self.cached_input),
                "output": _dearest(self.output, self.reasoning),
                "cached_input": None,
                "reasoning": None,
            }
        )
        return dearest.cost_micro(TokenUsage(input_tokens, output_tokens), seconds=seconds)


class _File(Section):
    dated: date
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
    source: Annotated[str, StringConstraints(max_length=200)] = ""
    prices: tuple[Price, ...] = ()


@dataclass(frozen=True)
class Catalogue:
    """Prices of one day, in one currency."""

    prices: tuple[Price, ...]
    dated: date
    currency: str
    source: str = ""

    def find(self, provider: str, model: str, *, generator: str = "") -> Price | None:
        """Return the row of a generator, or of a provider's model; a dated snapshot has the price of its model.

        ``gpt-4.1-2025-04-14`` is looked up as it is, then as ``gpt-4.1``. Nothing is guessed beyond that.
        """
        if generator in self._generators:
            return self._generators[generator]
        provider, model = _ALIASES.get(provider, provider), model.casefold()
        return self._models.get((provider, model)) or self._models.get((provider, _SNAPSHOT.sub("", model)))

    def age_days(self, today: date) -> int:
        """Return how old the catalogue is; 0 for one of the future."""
        return max((today - self.dated).days, 0)

    def is_stale(self, today: date) -> bool:
        """Whether the prices are old enough to be looked at again."""
        return self.age_days(today) > STALE_AFTER_DAYS

    @cached_property
    def _generators(self) -> dict[str, Price]:
        return {row.generator: row for row in self.prices if row.generator is not None}

    @cached_property
    def _models(self) -> dict[tuple[str, str], Price]:
        return {(row.provider or "", model.casefold()): row for row in self.prices for model in row.models}


def load_catalogue(file: Path | None) -> Catalogue:
    """Read a catalogue: the user's file, or the one that ragkit brings.

    Raises:
        ConfigError: The file is not there, not TOML, or not a catalogue.
    """
    try:
        text = (file or files("ragkit") / "assets" / "prices.toml").read_text(encoding="utf-8")
        read = _File.model_validate(tomllib.loads(text, parse_float=Decimal))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as failed:
        raise ConfigError(
            f"the catalogue of prices cannot be read ({type(failed).__name__})",
            remedy="Check `[prices] file` in ragkit.toml; without it ragkit's own catalogue is used.",
        ) from None
    except ValidationError as refused:
        first = refused.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        raise ConfigError(
            f"the catalogue of prices is refused: {where}: {first['msg']}",
            remedy=str(first.get("ctx", {}).get("remedy", "Compare it with ragkit/assets/prices.toml.")),
        ) from None
    return Catalogue(prices=read.prices, dated=read.dated, currency=read.currency, source=read.source)


def _dearest(*prices: Decimal | None) -> Decimal | None:
    return max((price for price in prices if price is not None), default=None)
