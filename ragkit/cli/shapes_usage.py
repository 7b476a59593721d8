"""The ``--json`` output of ``usage``; ``ragkit.cli.shapes`` lists it with the others."""

from __future__ import annotations

from collections.abc import Mapping

from ragkit.cli.shape import Fields, Shape

_ROW: Fields = {
    "day": ("text or null", "in UTC; null where not asked for, as the other headings"),
    "generator": ("text or null", "as ragkit.toml names it"),
    "model": ("text or null", "as the server names it; empty for a generator without a model"),
    "collection": ("text or null", "whose documents were asked"),
    "principal": ("text or null", "by name where ragkit.toml names it, else a short keyed id that begins with #"),
    "calls": ("int", "answers that were asked for"),
    "input": ("int", "tokens of prompts"),
    "output": ("int", "tokens of answers"),
    "cached_input": ("int", "part of `input` that a provider read from its cache"),
    "reasoning": ("int", "part of `output` that nobody sees"),
    "estimated": ("int", "calls whose tokens were estimated here"),
    "cost_micro": ("int or null", "millionths of `currency`; null where no call had a price"),
    "currency": ("text", "three letters"),
    "unpriced": ("int", "calls without a known price; they are not in `cost_micro`"),
    "ms": ("int", "milliseconds of calling"),
}

USAGE: Mapping[str, Shape] = {
    "usage": Shape(
        verb="usage --json",
        about="What generators have used.",
        fields={
            "since": ("text or null", "first day that was asked for"),
            "until": ("text or null", "last day that was asked for"),
            "rows": ("list of usage_row", "one a heading and currency"),
            "totals": ("list of usage_row", "one a currency"),
            "budgets": ("list of usage_budget", "in the order of ragkit.toml"),
            "prices_dated": ("text", "day of the catalogue of prices"),
            "prices_stale": ("true or false", "whether it is older than 60 days"),
        },
    ),
    "usage_budget": Shape(
        about="A budget in its current period.",
        fields={
            "place": ("int", "position in ragkit.toml, from 0"),
            "period": ("text", "day or month"),
            "since": ("text", "day on which the period began, in UTC"),
            "principal": ("text or null", "whose; `each` stands for the one who asks here"),
            "collection": ("text or null", "only this collection"),
            "generator": ("text or null", "only this generator"),
            "then": ("text", "small or refuse"),
            "tokens": ("int or null", "most tokens"),
            "tokens_used": ("int", "spent and reserved"),
            "tokens_left": ("int or null", "null where tokens are not limited"),
            "cost_micro": ("int or null", "most money, in millionths"),
            "cost_micro_used": ("int", "spent and reserved"),
            "cost_micro_left": ("int or null", "null where money is not limited"),
            "currency": ("text", "three letters"),
        },
    ),
    "usage_row": Shape(about="What was used under one heading.", fields=_ROW),
}
