"""Measure: ``usage``: tokens and money, by day, generator, collection and principal."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from ragkit.cli.output import emit, say, table
from ragkit.cli.session import JsonOption, WorkspaceOption, opened
from ragkit.cli.shapes import shaped

if TYPE_CHECKING:
    from ragkit.routing.budgets import BudgetState
    from ragkit.spending import By, Usage, UsageRow

PANEL = "Measure"

_DAY = ["%Y-%m-%d"]
_HEADINGS = ("day", "generator", "model", "collection", "principal")


class Heading(StrEnum):
    """What rows can be summed by."""

    DAY = "day"
    GENERATOR = "generator"
    MODEL = "model"
    COLLECTION = "collection"
    PRINCIPAL = "principal"


def add_to(app: typer.Typer) -> None:
    """Add the verb of this module."""
    app.command(rich_help_panel=PANEL)(usage)


def usage(
    by: Annotated[list[Heading] | None, typer.Option(help="Sum by this; may be repeated. Default: day.")] = None,
    since: Annotated[datetime | None, typer.Option(formats=_DAY, help="First day, in UTC.", show_default=False)] = None,
    until: Annotated[datetime | None, typer.Option(formats=_DAY, help="Last day, in UTC.", show_default=False)] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what generators have used, in tokens and money, and what the budgets have left.

    Principals are kept as keyed hashes: the owner and those whom ragkit.toml names are shown by name, others by a short
    id. Money is counted by the catalogue of prices; a call without a known price is counted apart, never as free.
    """
    headings = cast("list[By]", [one.value for one in by or [Heading.DAY]])
    first, last = (None if one is None else one.date() for one in (since, until))
    with opened(workspace) as here:
        report = here.usage(by=headings, since=first, until=last)
    if as_json:
        emit("usage", _as_json(report, first, last))
    else:
        _print(report)


def _as_json(report: Usage, since: date | None, until: date | None) -> dict[str, Any]:
    return {
        "since": since and since.isoformat(),
        "until": until and until.isoformat(),
        "rows": [_row_json(row, report.by) for row in report.rows],
        "totals": [_row_json(row, ()) for row in report.totals],
        "budgets": [shaped("usage_budget", _budget_json(state)) for state in report.budgets],
        "prices_dated": report.prices_dated.isoformat(),
        "prices_stale": report.prices_stale,
    }


def _row_json(row: UsageRow, by: tuple[By, ...]) -> dict[str, Any]:
    sums = ("calls", "input", "output", "cached_input", "reasoning", "estimated", "cost_micro", "currency", "unpriced")
    named = dict(zip(by, row.key))
    return shaped(
        "usage_row",
        {
            **{heading: named.get(cast("By", heading)) for heading in _HEADINGS},
            **{name: getattr(row, name) for name in (*sums, "ms")},
        },
    )


def _budget_json(state: BudgetState) -> dict[str, Any]:
    from ragkit.routing.budgets import in_micro

    section = state.section
    return {
        "place": state.number,
        "period": section.period,
        "since": state.since.isoformat(),
        "principal": section.principal,
        "collection": section.collection,
        "generator": section.generator,
        "then": section.then,
        "tokens": section.tokens,
        "tokens_used": state.tokens_used,
        "tokens_left": state.tokens_left,
        "cost_micro": in_micro(section.cost),
        "cost_micro_used": state.cost_micro_used,
        "cost_micro_left": state.cost_micro_left,
        "currency": state.currency,
    }


def _print(report: Usage) -> None:
    columns = (*report.by, "calls", "tokens in", "tokens out", "cost", "without price")
    rows = [(*row.key, *_figures(row)) for row in report.rows]
    rows += [("all", *[""] * (len(report.by) - 1), *_figures(row)) for row in report.totals if len(report.rows) > 1]
    if rows:
        table("Usage (days in UTC)", columns, rows)
    else:
        say("Nothing was used in this time.")
    if report.budgets:
        say()
        headings = ("budget", "of", "since", "tokens left", "money left")
        table("Budgets", headings, [_budget_row(state) for state in report.budgets])
    estimated = sum(row.estimated for row in report.totals)
    if estimated:
        say(f"\nOf {estimated:,} calls the server did not count the tokens; they are estimated.")
    if report.prices_stale:
        say(f"\nThe prices are of {report.prices_dated} and may be out of date: name newer ones in `[prices] file`.")


def _figures(row: UsageRow) -> tuple[int, int, int, str, int]:
    return row.calls, row.input, row.output, _money(row.cost_micro, row.currency), row.unpriced


def _budget_row(state: BudgetState) -> tuple[str, str, str, str, str]:
    section = state.section
    whose = section.principal or "all"
    scope = [whose, *(f"{key} {name}" for key in ("collection", "generator") if (name := getattr(section, key)))]
    left, limit = state.tokens_left, section.tokens
    tokens = "" if left is None else f"{left:,} of {limit:,}"
    money = ""
    if section.cost is not None:
        money = f"{_money(state.cost_micro_left, state.currency)} of {section.cost}"
    return f"{state.number} ({section.period})", ", ".join(scope), state.since.isoformat(), tokens, money


def _money(micro: int | None, currency: str) -> str:
    return "unknown" if micro is None else f"{micro / 1_000_000:,.6f} {currency}"
