"""The verbs that ask the log: what they refuse before they ask, and the page that lists them."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from ragkit.cli.audit_log import _indented, _listed
from ragkit.cli.audit_options import _SHAPES, at_time, between
from ragkit.cli.reference import pages
from ragkit.cli.shapes import SHAPES
from ragkit.compliance import (
    access,
    background,
    diff,
    egress,
    exits,
    gaps,
    guards,
    naming,
    oversight,
    question,
    retained,
    story,
)
from ragkit.errors import ConfigError

PAGE = (Path(__file__).parents[2] / "docs" / "audit-questions.md").read_text()
MODULES = (access, background, diff, egress, exits, gaps, guards, naming, oversight, question, retained, story)


def test_every_answer_has_its_documented_shape() -> None:
    """The keys of each object are those of the class behind it, so that none is refused when it is printed."""
    known = {name: getattr(module, name) for module in MODULES for name in vars(module) if name in _SHAPES}
    assert known.keys() == _SHAPES.keys()
    for name, shape in _SHAPES.items():
        assert {one.name for one in fields(known[name])} == SHAPES[shape].fields.keys(), name


def test_the_page_names_twenty_questions_and_only_verbs_that_are_there() -> None:
    """Each has a row, a command and a paragraph on what it does not show."""
    rows = re.findall(r"^\| (\d+) \|.*\| (`audit .*) \|$", PAGE, re.MULTILINE)
    assert [int(number) for number, _ in rows] == list(range(1, 21))
    assert re.findall(r"^\*\*(\d+)\. ", PAGE, re.MULTILINE) == [str(number) for number in range(1, 21)]
    verbs = set(re.findall(r"`(?:ragkit )?audit ([a-z-]+)", PAGE))
    assert verbs <= set(re.findall(r"^## `ragkit audit ([a-z-]+)", pages()["cli.md"], re.MULTILINE))


@pytest.mark.parametrize(
    "verb",
    [
        "log",
        "egress",
        "gaps",
        "retention",
        "guards",
        "oversight",
        "report",
        "replay --all",
        "blast-radius 0123456789abcdef",
    ],
)
def test_a_time_that_is_none_is_refused(ragkit_cli: Any, verb: str) -> None:
    """Before anything is opened or recorded."""
    done = ragkit_cli("audit", *verb.split(), "--from", "last tuesday")
    assert done.exit_code == 2
    assert "ISO 8601" in done.stderr
    assert "tuesday" not in done.stderr


def test_times_and_numbers() -> None:
    """A day as the end is meant whole; a number stands after its sign, so that no year is taken for one."""
    since, until = between("2026-11-01", "2026-11-01")
    assert str(since) == "2026-11-01 00:00:00+00:00"
    assert str(until) == "2026-11-02 00:00:00+00:00"
    assert between("#5", "#14") == (5, 14)
    assert between(None, None) == (None, None)
    for text in ("#", "#x", "5", "#-1"):
        with pytest.raises(ConfigError) as refused:
            at_time(text)
        assert "'#120'" in (refused.value.remedy or "")


def test_figures_and_receipts_are_printed_for_people() -> None:
    """Millionths as the number they are; a receipt one fact a line, and whole."""
    assert _listed({"support_u": 806_304, "temperature_u": 0, "seed": 7}) == "support 0.806304, temperature 0, seed 7"
    assert _indented('{"levels":{"l0":"true"},"kind":"erasure"}').count("\n") == 5
    assert _indented("no JSON") == "no JSON"


def test_json_of_an_export_needs_a_file(ragkit_cli: Any) -> None:
    """Standard output cannot hold both."""
    done = ragkit_cli("audit", "export", "--format", "csv", "--json")
    assert done.exit_code == 2
    assert "--out" in done.stderr
