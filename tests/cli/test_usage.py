"""`ragkit usage` over a real ledger: sums, names, budgets, and what a caller may not know."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import ragkit
from ragkit.cli.main import app
from ragkit.config import load_config
from ragkit.routing.accounts import Spender, Spent
from ragkit.routing.budgets import Budgets
from ragkit.routing.ledger import UsageLedger
from ragkit.routing.prices import load_catalogue
from ragkit.spending import usage_of
from ragkit.testing.stages import RecordingRecorder
from ragkit.types import Principal, TokenUsage

CONFIG = """
[workspace]
name = "shop"
owner = "local|ana"

[collections.handbook]
access = ["pub"]
officers = ["u:crm|ben"]

[[collections.handbook.sources]]
name = "files"
connector = "files"
path = "documents"

[[budgets]]
tokens = 5000
principal = "each"

[[budgets]]
cost = 1.5
collection = "handbook"
period = "day"
"""


class Here:
    """An open workspace as far as usage needs one: configuration, ledger, budgets and prices."""

    begun = 0

    def __init__(self, folder: Path) -> None:
        self.config = load_config(folder)
        self.ledger = UsageLedger(folder / "usage.db", key=b"k" * 32, clock=lambda: datetime(2027, 2, 3, tzinfo=UTC))
        self.budgets = Budgets(self.config.budgets, self.ledger, currency=lambda: "USD")
        self.catalogue = lambda: load_catalogue(None)
        self.spending = self
        self.recorder = RecordingRecorder()

    def __enter__(self) -> Here:
        return self

    def __exit__(self, *_: object) -> None:
        self.ledger.close()

    def usage(self, **options: Any) -> Any:
        return usage_of(self, **options)  # type: ignore[arg-type]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Here]:
    """A workspace in which three people and nobody have asked, on two days."""
    (tmp_path / "ragkit.toml").write_text(CONFIG)
    made = Here(tmp_path)
    for day, subject, generator, model, usage, cost in (
        (1, "local|ana", "small", "qwen3-4b", TokenUsage(1_000, 100, estimated=True), None),
        (3, "local|ana", "large", "gpt-4.1", TokenUsage(2_000, 200, cached_input=500), 5_000),
        (3, "crm|ben", "large", "gpt-4.1", TokenUsage(10, 1), 28),
        (3, "crm|eve", "large", "gpt-4.1", TokenUsage(10, 1), 28),
        (3, "", "small", "qwen3-4b", TokenUsage(5, 5), None),
    ):
        made.ledger._clock = lambda day=day: datetime(2027, 2, day, 9, tzinfo=UTC)  # type: ignore[misc]
        who = Spender(generator=generator, collection="handbook", principal=Principal(subject) if subject else None)
        made.ledger.book(who, Spent(usage=usage, model=model, cost_micro=cost))
    monkeypatch.setattr(ragkit, "open_workspace", lambda _path: made)
    yield made
    made.ledger.close()


def run(*arguments: str) -> Any:
    """Run the verb and return what it printed, as JSON where that was asked for."""
    done = CliRunner().invoke(app, ["usage", *arguments])
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout) if "--json" in arguments else done.stdout


@pytest.mark.usefixtures("here")
def test_sums_by_any_heading() -> None:
    """By day, by generator, by both; what has no price is counted apart and never as free."""
    shown = run("--json", "--by", "day", "--by", "generator")
    rows = {(row["day"], row["generator"]): row for row in shown["rows"]}
    assert set(rows) == {("2027-02-01", "small"), ("2027-02-03", "small"), ("2027-02-03", "large")}
    assert rows["2027-02-03", "large"]["cost_micro"] == 5_056
    assert rows["2027-02-03", "large"]["cached_input"] == 500
    assert rows["2027-02-01", "small"]["cost_micro"] is None
    assert rows["2027-02-01", "small"]["unpriced"] == rows["2027-02-01", "small"]["estimated"] == 1
    total = shown["totals"][0]
    assert (total["calls"], total["input"], total["output"], total["unpriced"]) == (5, 3_025, 307, 2)
    assert total["cost_micro"] == 5_056


@pytest.mark.usefixtures("here")
def test_people_are_named_where_the_configuration_names_them() -> None:
    """The owner and an officer by name, whoever else by a short keyed id."""
    names = {row["principal"] for row in run("--json", "--by", "principal")["rows"]}
    hashed = {name for name in names if name.startswith("#")}
    assert names - hashed == {"local|ana", "crm|ben", "nobody"}
    assert len(hashed) == 1
    assert "eve" not in run("--by", "principal")


@pytest.mark.usefixtures("here")
def test_days_are_both_included() -> None:
    """--since and --until bound the rows and nothing else."""
    assert [row["day"] for row in run("--json", "--until", "2027-02-01")["rows"]] == ["2027-02-01"]
    assert [row["day"] for row in run("--json", "--since", "2027-02-02")["rows"]] == ["2027-02-03"]
    assert "Nothing was used" in run("--since", "2027-03-01")


@pytest.mark.usefixtures("here")
def test_budgets_show_what_is_left_and_old_prices_are_named() -> None:
    """The owner's own budget of the month, that of the day for all, and a word on the age of the prices."""
    each, money = run("--json")["budgets"]
    assert (each["tokens_used"], each["tokens_left"], each["since"]) == (3_300, 1_700, "2027-02-01")
    assert (money["cost_micro_used"], money["cost_micro_left"], money["since"]) == (5_056, 1_494_944, "2027-02-03")
    shown = run()
    assert "may be out of date" in shown
    assert "1,700 of 5,000" in " ".join(shown.split())
    assert "they are estimated" in shown
