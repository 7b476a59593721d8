"""The audit example: a clean record has no finding, and the report of the other names each planted fault."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "compliance_audit"
RAGKIT = Path(sys.executable).with_name("ragkit")
NAMES = ("Marchbank", "Oyelaran", "Lindqvist", "Threlkeld", "Ashdown", "claim-1041", "0161 496")


@pytest.fixture(scope="module")
def audited(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The folder in which the example ran, and what it printed."""
    folder = tmp_path_factory.mktemp("audit") / "run"
    command = [sys.executable, str(EXAMPLE / "run.py"), "--keep", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder, done.stdout


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run ragkit in the workspace that the example left."""
    environment = {**os.environ, "XDG_CONFIG_HOME": str(folder / "config")}
    command = [str(RAGKIT), *arguments]
    return subprocess.run(
        command, cwd=folder / "insurer", env=environment, capture_output=True, text=True, check=False, timeout=120
    )


def test_each_planted_fault_is_found_and_nothing_before(audited: tuple[Path, str]) -> None:
    """Six faults, six lines; the clean record has no line that needs attention."""
    printed = audited[1]
    assert len(re.findall(r"^  found ", printed, re.M)) == 6
    assert "MISSED" not in printed
    assert "; 0 lines need attention." in printed


def test_the_reports_name_nobody(audited: tuple[Path, str]) -> None:
    """No name, file name or number of the documents is in either page."""
    for name in ("report.html", "report-clean.html"):
        page = (audited[0] / name).read_text(encoding="utf-8")
        assert not [one for one in NAMES if one in page]


def test_the_report_and_the_checks_exit_with_findings(audited: tuple[Path, str]) -> None:
    """A script learns from the exit status that something needs attention; the JSON says where."""
    folder = audited[0]
    done = run(
        folder, "audit", "report", "--out", str(folder / "again.html"), "--data", str(folder / "a.json"), "--json"
    )
    told = json.loads(done.stdout)
    assert done.returncode == 1, done.stderr
    assert told["findings"] > 0
    assert (folder / "again.html").stat().st_mode & 0o777 == 0o600
    assert json.loads((folder / "a.json").read_text())["findings"] == told["findings"]
    assert run(folder, "audit", "check", "egress", "vault", "retention").returncode == 1
    assert run(folder, "audit", "verify").returncode == 1


def test_a_report_of_a_time_before_anything_happened(audited: tuple[Path, str]) -> None:
    """The chapters are there and say that nothing happened; a time that ends before it begins is refused."""
    folder = audited[0]
    done = run(
        folder, "audit", "report", "--from", "2020-01-01", "--to", "2020-02-01", "--out", str(folder / "old.html")
    )
    assert "0 events" in done.stdout
    assert "Nothing left, and nothing tried to." in (folder / "old.html").read_text(encoding="utf-8")
    refused = run(folder, "audit", "report", "--from", "2020-02-01", "--to", "2020-01-01")
    assert refused.returncode == 2
    assert "before it begins" in refused.stderr
