"""Make the dated catalogue of prices out of genai-prices (MIT), which is needed for nothing else.

Run when prices are to be brought up to date; the result is committed::

    pip install --target /tmp/genai genai-prices==0.2.3
    PYTHONPATH=/tmp/genai python benchmarks/make_prices.py --dated 2026-11-10

Writes ``ragkit/assets/prices.toml``: text models of the usual hosts with a price for prompt and answer, at their
standard tier, by the names that their match rules spell out. A price that holds only up to a length of prompt is
written with that length. Of prices by time of day the dearest is taken, so that a budget holds at any hour. Left out:
batch, flex and priority tiers, audio and images, and names that only a pattern matches, since ragkit looks up by name
alone.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

TARGET = Path(__file__).resolve().parent.parent / "ragkit" / "assets" / "prices.toml"
HOSTS = (
    "anthropic", "aws", "azure", "baseten", "cerebras", "cohere", "deepseek", "fireworks", "google", "groq", "mistral",
    "openai", "ovhcloud", "together", "x-ai",
)  # fmt: skip
KEYS = {"input_mtok": "input", "output_mtok": "output", "cache_read_mtok": "cached_input"}
HEAD = """# What hosted models cost, in {currency} per million tokens at the standard tier. Made by
# benchmarks/make_prices.py; do not edit: name a file of your own in [prices] instead.
# It is a snapshot and can be wrong: the provider's bill decides. From genai-prices
# (https://github.com/pydantic/genai-prices, MIT licence, Copyright (c) Pydantic Services Inc. 2025 to present).
dated = {dated}
currency = "{currency}"
source = "{source}"
"""


def names(model: Any) -> Iterator[str]:
    """The id, and every name that the match rule spells out."""
    yield model.id
    pending = [model.match]
    while pending:
        clause = pending.pop(0)
        pending += getattr(clause, "or_", [])
        if hasattr(clause, "equals"):
            yield clause.equals


def on(day: date, prices: Any) -> Any:
    """The price of a day: the last whose condition is a date that has come, or the dearest hour of the day."""
    if not isinstance(prices, list):
        return prices
    hourly = [one.prices for one in prices if hasattr(one.constraint, "start_time")]
    if hourly:
        return max(hourly, key=lambda one: one.output_mtok)
    current = None
    for conditional in prices:
        constraint = conditional.constraint
        if constraint is None or constraint.start_date <= day:
            current = conditional.prices
    return current


def row(provider: str, model: Any, day: date) -> str | None:
    """One table of the catalogue, or nothing for a model without a price for text."""
    price = on(day, model.prices)
    if price is None or price.input_mtok is None or price.output_mtok is None:
        return None
    listed = sorted({name.casefold() for name in names(model) if name.isprintable()})
    lines = ["[[prices]]", f'provider = "{provider}"', "models = [" + ", ".join(f'"{name}"' for name in listed) + "]"]
    limits = []
    for source, key in KEYS.items():
        value = getattr(price, source)
        if hasattr(value, "tiers"):
            limits += [tier.start for tier in value.tiers]
            value = value.base
        if value is not None:
            lines.append(f'{key} = "{value:f}"')
    if limits:
        lines.append(f"up_to = {min(limits)}")
    return "\n".join(lines)


def main() -> None:
    """Write the catalogue and say how long it is."""
    from genai_prices.data import providers  # type: ignore[import-not-found]

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dated", type=date.fromisoformat, required=True, help="the day of the release")
    day = parser.parse_args().dated
    rows, taken = [], set()
    for provider in sorted(providers, key=lambda one: str(one.id)):
        if provider.id in HOSTS:
            for model in sorted(provider.models, key=lambda one: str(one.id)):
                written = row(provider.id, model, day)
                if written is not None and (provider.id, model.id) not in taken:
                    taken.add((provider.id, model.id))
                    rows.append(written)
    source = f"genai-prices {version('genai-prices')}, MIT"
    TARGET.write_text("\n\n".join([HEAD.format(dated=day, currency="USD", source=source).rstrip(), *rows]) + "\n")
    print(f"{len(rows)} rows, {TARGET.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
