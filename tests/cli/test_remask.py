"""remask: what it prints, in text and JSON, and how it ends."""

from __future__ import annotations

import json
from typing import Any

from ragkit.cli.shapes import SHAPES


def test_remask_passes_its_options_on_and_ends_as_the_report_says(ragkit_cli: Any, standin: Any) -> None:
    """Collection and dry run reach the workspace; 1 where a source waits; the table shows counts, types and sources."""
    done = ragkit_cli("remask", "-c", "care", "--dry-run")
    assert done.exit_code == 1
    assert standin.calls == [("remask", {"collection": "care", "dry_run": True, "progress": None})]
    for part in ("nothing was stored", "PERSON", "AGE", "newly masked", "mailbox", "source-error", "about 12 s"):
        assert part in " ".join(done.stdout.split())
    assert "about" not in ragkit_cli("remask").stdout


def test_remask_json_has_the_documented_keys(ragkit_cli: Any, standin: Any) -> None:
    """Exactly those, with the counts."""
    found = json.loads(ragkit_cli("remask", "--json").stdout)
    assert found.keys() == {"ragkit", *SHAPES["remask"].fields}
    assert found["newly_masked"] == {"PERSON": 2}
    assert found["hidden"] == {"mailbox": 6}
    assert (found["estimated"], found["dry_run"]) == (None, False)


def test_sync_says_that_the_policy_changed(ragkit_cli: Any, standin: Any) -> None:
    """In words and in JSON, and only then."""
    from ragkit.ingest.report import SyncReport

    assert "policy" not in ragkit_cli("sync").stdout
    standin.report = SyncReport(updated=3, policy_changed=True)
    assert "all was masked again" in ragkit_cli("sync").stdout
    assert json.loads(ragkit_cli("sync", "--json").stdout)["policy_changed"] is True
    standin.report = SyncReport(updated=3, policy_changed=True, dry_run=True)
    assert "ragkit remask --dry-run" in ragkit_cli("sync", "--dry-run").stdout.replace("\n", " ")
