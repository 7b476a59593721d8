"""backup, restore, retention, hold: what they print, what they ask, and how they end."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ragkit import restoring
from ragkit.cli.shapes import SHAPES
from ragkit.keeping import HoldReport, RestoreReport
from ragkit.lifecycle.backup import BackupReport
from ragkit.lifecycle.backup_keys import KeyCopy
from ragkit.lifecycle.retention import RetentionReport, RuleReport
from ragkit.lifecycle.retention_rules import Rule

MADE = BackupReport(copy="a" * 32, made_at="2026-01-02", documents=3, chunks=9, files=3, bytes=2**21)
RULE = RuleReport(
    rule=Rule(number=1, source=None, days=100, clock="modified"), collection="care", documents=4, held=1, undated=2,
    oldest="2020-01-01T00:00:00+00:00", newest="2021-01-01T00:00:00+00:00",
)  # fmt: skip
HOLD = HoldReport(
    hold="b" * 32, collection="care", scope="source", placed_at="2026-01-02", released_at=None, documents=7,
    reason="case 7",
)  # fmt: skip


class Keeping:
    """Does what the face does, from memory."""

    def __init__(self) -> None:
        self.made = MADE
        self.calls: list[tuple[str, Any]] = []
        self.retained = RetentionReport(rules=(RULE,), documents=4, values=5, keys=9, pruned=1)

    def backup(self, to: Path, **options: Any) -> BackupReport:
        self.calls.append(("backup", (to, options["keys"])))
        return self.made

    def due(self) -> list[RuleReport]:
        return [RULE]

    def retain(self, **options: Any) -> RetentionReport:
        self.calls.append(("retain", options))
        return replace(self.retained, dry_run=options["dry_run"])

    def place_hold(self, **options: Any) -> HoldReport:
        self.calls.append(("place", options))
        return HOLD

    def holds(self, **_: Any) -> list[HoldReport]:
        return [HOLD]


@pytest.fixture
def keeping(standin: Any) -> Keeping:
    """The face of the workspace that is opened."""
    standin.keeping = Keeping()
    standin.config = SimpleNamespace(backup=SimpleNamespace(keys=None))
    found: Keeping = standin.keeping
    return found


def test_a_backup_ends_with_1_when_its_key_copy_is_wanted_and_not_there(ragkit_cli: Any, keeping: Keeping) -> None:
    """Without a wish for one it is only told."""
    keeping.made = replace(MADE, keys_problem="No copy of the key file is kept.")
    done = ragkit_cli("backup", "b")
    assert done.exit_code == 0
    assert "3 documents in 9 chunks, 2.0 MiB" in done.stdout
    assert "No copy" in done.stdout
    assert ragkit_cli("backup", "b", "--keys", "k").exit_code == 1
    assert keeping.calls[-1] == ("backup", (Path("b"), Path("k")))
    keeping.made = replace(MADE, keys=KeyCopy(copy="c" * 32, made_at="2026-01-02"))
    found = json.loads(ragkit_cli("backup", "b", "--json").stdout)
    assert found.keys() == {"ragkit", *SHAPES["backup"].fields}
    assert found["keys"] == "c" * 32


def test_retention_asks_before_it_deletes(ragkit_cli: Any, keeping: Keeping) -> None:
    """Without a terminal it wants `--yes`; a dry run asks nothing; a key copy that is left behind ends with 1."""
    refused = ragkit_cli("retention", "run")
    assert refused.exit_code == 2
    assert "deletes 4 documents" in refused.stderr
    assert keeping.calls == []
    dry = ragkit_cli("retention", "run", "--dry-run")
    assert dry.exit_code == 0
    assert "nothing was deleted" in dry.stdout
    found = json.loads(ragkit_cli("retention", "run", "--yes", "--json").stdout)
    assert found.keys() == {"ragkit", *SHAPES["retention"].fields}
    assert found["rules"][0].keys() == SHAPES["retention_rule"].fields.keys()
    assert (found["held"], found["keys"]) == (1, 9)
    keeping.retained = replace(keeping.retained, keys_problem="Its folder is not there.")
    assert ragkit_cli("retention", "run", "--yes").exit_code == 1


def test_a_hold_needs_a_reason(ragkit_cli: Any, keeping: Keeping) -> None:
    """And takes a value from standard input, so that it stands in no list of processes."""
    assert ragkit_cli("hold", "place", "--source", "files").exit_code == 2
    assert keeping.calls == []
    placed = ragkit_cli("hold", "place", "-", "--reason", "case 7", stdin="Ana Kovač\n")
    assert placed.exit_code == 0, placed.output
    assert keeping.calls[-1][1]["value"] == "Ana Kovač"
    found = json.loads(ragkit_cli("hold", "list", "--json").stdout)["holds"]
    assert found[0].keys() == SHAPES["hold"].fields.keys()
    assert "case 7" in ragkit_cli("hold", "list").stdout


def test_a_restore_over_records_asks(ragkit_cli: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Into an empty place it does not; what waits, and unsafe keys, end with 1."""
    done = RestoreReport(copy="a" * 32, made_at="2026-01-02", documents=3, dropped=1)
    calls: list[Any] = []

    def restore(source: Path, **options: Any) -> RestoreReport:
        calls.append((source, options))
        return done

    monkeypatch.setattr(restoring, "restore_workspace", restore)
    assert ragkit_cli("restore", "b", "--to", str(tmp_path / "new")).exit_code == 0
    (tmp_path / "ws" / ".ragkit").mkdir(parents=True)
    (tmp_path / "ws" / ".ragkit" / "records.db").touch()
    refused = ragkit_cli("restore", "b", "--to", str(tmp_path / "ws"))
    assert refused.exit_code == 2
    assert "replaces the records" in refused.stderr
    assert len(calls) == 1
    found = json.loads(ragkit_cli("restore", "b", "--to", str(tmp_path / "ws"), "--yes", "--json").stdout)
    assert found.keys() == {"ragkit", *SHAPES["restore"].fields}
    done = replace(done, waiting=("care",))
    waits = ragkit_cli("restore", "b", "--to", str(tmp_path / "new"))
    assert waits.exit_code == 1
    assert "ragkit remask" in waits.stdout
    done = replace(done, waiting=(), unsafe_keys=True)
    assert ragkit_cli("restore", "b", "--to", str(tmp_path / "new")).exit_code == 1
    done = replace(done, unsafe_keys=False, originals_missing=2)
    waits = ragkit_cli("restore", "b", "--to", str(tmp_path / "new"))
    assert waits.exit_code == 1
    assert "2 uploaded originals" in waits.stdout
