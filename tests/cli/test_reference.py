"""The generated pages are those in the repository, and help stays grouped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ragkit.cli.reference import pages

DOCS = Path(__file__).parents[2] / "docs"
VERBS = [
    "audit log",
    "audit show",
    "audit egress",
    "audit access",
    "audit diff",
    "audit gaps",
    "audit retention",
    "audit guards",
    "audit oversight",
    "audit report",
    "audit export",
    "audit evidence",
    "audit forget",
    "audit review",
    "audit replay",
    "audit blast-radius",
    "audit verify",
    "audit check",
    "audit review-permissions",
    "audit checkpoint",
    "audit anchor",
    "audit prove",
    "audit approvals list",
    "audit approvals grant",
    "audit incident report",
    "audit incident close",
    "audit key show",
    "audit key rotate",
    "egress explain",
    "init",
    "config check",
    "config show",
    "config reference",
    "doctor",
    "models verify",
    "sync",
    "documents list",
    "documents show",
    "documents add",
    "documents delete",
    "quarantine list",
    "quarantine show",
    "quarantine retry",
    "sources list",
    "sources test",
    "sources add",
    "diff",
    "rebuild",
    "remask",
    "status",
    "ask",
    "search",
    "generators list",
    "generators test",
    "mask",
    "reveal",
    "backup",
    "restore",
    "retention run",
    "hold place",
    "hold list",
    "hold release",
    "subject find",
    "subject export",
    "subject correct",
    "subject restrict",
    "subject lift",
    "subject erase",
    "subject resume",
    "subject receipt",
    "policy list",
    "policy show",
    "key show",
    "key rotate",
    "key escrow",
    "key recover",
    "attack",
    "eval answers",
    "eval pii",
    "eval retrieval",
    "usage",
    "mcp",
    "serve",
    "keys create",
    "keys list",
    "keys revoke",
    "keys rotate",
    "keys prune",
]


@pytest.mark.parametrize("page", ["cli.md", "configuration.md", "json.md"])
def test_the_page_is_the_generated_one(page: str) -> None:
    """Run `make docs` when this fails."""
    assert (DOCS / page).read_text() == pages()[page]


def test_every_verb_is_on_the_page() -> None:
    """No verb is hidden, and none is documented that is not there."""
    headings = [
        line.removeprefix("## `ragkit ").rstrip("`")
        for line in pages()["cli.md"].splitlines()
        if line.startswith("## ")
    ]
    assert sorted(headings) == sorted(VERBS)


def test_help_groups_the_verbs(ragkit_cli: Any) -> None:
    """The first screen shows the groups in the order of work."""
    shown = ragkit_cli("--help").stdout
    places = [
        shown.index(f"─ {panel} ─") for panel in ("Set up", "Index", "Ask", "Privacy", "Keep", "Measure", "Audit")
    ]
    assert places == sorted(places)


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_and_option_explains_itself(ragkit_cli: Any, verb: str) -> None:
    """Each verb has help, and no option stands without a word."""
    done = ragkit_cli(*verb.split(), "--help")
    assert done.exit_code == 0
    page = pages()["cli.md"].partition(f"## `ragkit {verb}`")[2].partition("\n## ")[0]
    rows = [line for line in page.splitlines() if line.startswith(("| `--", "| `Q", "| `P"))]
    assert all(not row.rstrip().endswith("|  |") for row in rows)


def test_version(ragkit_cli: Any) -> None:
    """--version prints one line."""
    assert ragkit_cli("--version").stdout.startswith("ragkit ")
