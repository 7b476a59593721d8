"""The dated catalogue: exact names, Decimal money, and no price where none is known."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from ragkit.errors import ConfigError
from ragkit.routing.prices import Price, load_catalogue
from ragkit.types import TokenUsage


def test_the_catalogue_that_ragkit_brings_is_dated_and_whole() -> None:
    """It names its day, currency and source, has no name twice and no model without a price."""
    catalogue = load_catalogue(None)
    rows = [(row.provider, model) for row in catalogue.prices for model in row.models]
    assert len(rows) == len(set(rows)) > 600
    assert (catalogue.dated, catalogue.currency) == (date(2026, 11, 10), "USD")
    assert "genai-prices" in catalogue.source
    assert all(row.input is not None and row.output is not None for row in catalogue.prices)


def test_a_snapshot_has_the_price_of_its_model_and_a_lookalike_has_none() -> None:
    """A date at the end is taken off; any other difference is another model."""
    catalogue = load_catalogue(None)
    known = catalogue.find("openai", "gpt-4.1")
    assert known is not None
    assert known.input == Decimal("2")
    assert catalogue.find("openai", "gpt-4.1-2029-01-31") == known
    assert catalogue.find("OPENAI".lower(), "GPT-4.1") == known
    assert catalogue.find("openai", "gpt-4.1-superfast") is None
    assert catalogue.find("vllm", "gpt-4.1") is None


@pytest.mark.parametrize(
    ("usage", "micro"),
    [
        (TokenUsage(3_000, 300), 3_000 * 2 + 300 * 8),
        (TokenUsage(3_000, 300, cached_input=1_000), 2_000 * 2 + 500 + 300 * 8),
        (TokenUsage(3_000, 300, reasoning=100), 6_000 + 200 * 8 + 100 * 10),
        (TokenUsage(1, 0), 2),
        (TokenUsage(), 0),
        (TokenUsage(10, 0, cached_input=99), 5),
    ],
)
def test_cached_and_unseen_tokens_have_their_own_price(usage: TokenUsage, micro: int) -> None:
    """C = (in - cached)p + cached·p' + (out - unseen)q + unseen·q', exactly, rounded up."""
    price = Price(
        provider="x", models=("m",), input=Decimal(2), output=Decimal(8), cached_input=Decimal("0.5"),
        reasoning=Decimal(10),
    )  # fmt: skip
    assert price.cost_micro(usage) == micro


def test_the_most_is_never_less_than_what_it_comes_to() -> None:
    """Whatever was cached or thought, a call costs no more than was reserved for its tokens."""
    price = Price(
        provider="x", models=("m",), input=Decimal("0.3"), output=Decimal("1.2"), cached_input=Decimal("0.7"),
        reasoning=Decimal("3.1"), per_hour=Decimal("0.9"),
    )  # fmt: skip
    most = price.most_micro(input_tokens=777, output_tokens=333, seconds=60)
    assert most is not None
    for cached in (0, 400, 777):
        for thought in (0, 200, 333):
            cost = price.cost_micro(TokenUsage(777, 333, cached, thought), seconds=60)
            assert cost is not None
            assert cost <= most


def test_beyond_the_length_it_holds_for_a_price_is_unknown() -> None:
    """A row that ends at a length of prompt says nothing of longer ones."""
    price = Price(provider="x", models=("m",), input=Decimal(1), output=Decimal(1), up_to=1_000)
    assert price.cost_micro(TokenUsage(1_000, 1)) == 1_001
    assert price.cost_micro(TokenUsage(1_001, 1)) is None


def test_an_own_file_prices_an_own_machine_by_the_hour(tmp_path: Path) -> None:
    """A row can name a generator of ragkit.toml; a file of one's own replaces the catalogue whole."""
    file = tmp_path / "prices.toml"
    file.write_text(
        'dated = 2026-11-22\ncurrency = "EUR"\n[[prices]]\ngenerator = "small"\nper_hour = 0.78\n'
        '[[prices]]\nprovider = "vllm"\nmodels = ["qwen3-4b"]\ninput = 0\noutput = 0\n'
    )
    catalogue = load_catalogue(file)
    row = catalogue.find("vllm", "whatever", generator="small")
    assert row is not None
    assert row.per_hour == Decimal("0.78")
    assert row.cost_micro(TokenUsage(5, 5), seconds=3_600) == 780_000
    free = catalogue.find("vllm", "qwen3-4b", generator="other")
    assert free is not None
    assert free.cost_micro(TokenUsage(5, 5)) == 0
    assert catalogue.find("openai", "gpt-4.1") is None
    assert catalogue.currency == "EUR"


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("dated = 2026-01-01", "currency"),
        ('dated = 2026-01-01\ncurrency = "EUR"\n[[prices]]\nprovider = "x"\nmodels = ["m"]\ninput = 1', "prices"),
        ('dated = 2026-01-01\ncurrency = "EUR"\n[[prices]]\nprovider = "x"\ninput = 1\noutput = 1', "prices"),
        ('dated = 2026-01-01\ncurrency = "EUR"\n[[prices]]\ngenerator = "s"\ninput = -1\noutput = 1', "prices"),
        ("not toml", "TOML"),
    ],
)
def test_a_file_that_is_no_catalogue_is_refused_with_a_remedy(tmp_path: Path, text: str, word: str) -> None:
    """The error names the place, never a value."""
    file = tmp_path / "prices.toml"
    file.write_text(text)
    with pytest.raises(ConfigError, match=word) as refused:
        load_catalogue(file)
    assert refused.value.remedy


def test_age_is_counted_in_days() -> None:
    """After sixty days the prices are called old; one of tomorrow is of age 0."""
    catalogue = load_catalogue(None)
    assert not catalogue.is_stale(date(2027, 1, 9))
    assert catalogue.is_stale(date(2027, 1, 10))
    assert catalogue.age_days(date(2026, 11, 1)) == 0
