"""Exports: stable columns, no formulas, the lines byte by byte as they are."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from ragkit.audit.recorder import EventRecorder
from ragkit.compliance.events import EventLog
from ragkit.compliance.exporting import COLUMNS, Format, escaped, export
from ragkit.types import Principal


@pytest.fixture
def log(tmp_path: Path) -> EventLog:
    """A log that the recorder wrote."""
    events = EventRecorder(tmp_path / "events", mode="required", software={"ragkit": "0.1.0"}, actor_key=bytes(32))
    events.record("auth.ok", actor=Principal("local|ana"), data={"via": "local"})
    events.record("egress.blocked", outcome="denied", reason="data-class", data={"destination": "far", "bytes": 12})
    events.close()
    return EventLog(tmp_path / "events")


def exported(log: EventLog, form: Format, **asked: int) -> bytes:
    """The bytes of an export."""
    out = io.BytesIO()
    done = export(log, form, out, **asked)  # type: ignore[arg-type]
    assert done.bytes == len(out.getvalue())
    return out.getvalue()


def test_lines_are_those_of_the_log(log: EventLog) -> None:
    """A verifier reads them as the log itself."""
    whole = b"".join(path.read_bytes() for path in sorted(log.directory.glob("*.jsonl")))
    assert exported(log, "jsonl") == whole


def test_a_part_is_exported(log: EventLog) -> None:
    """From one number to another, and told so."""
    out = io.BytesIO()
    done = export(log, "jsonl", out, since=2, until=3)
    assert (done.events, done.from_seq, done.to_seq) == (2, 2, 3)


def test_csv_has_its_columns(log: EventLog) -> None:
    """A row an event; the data as JSON."""
    rows = list(csv.DictReader(io.StringIO(exported(log, "csv").decode(), newline="")))
    assert tuple(rows[0]) == COLUMNS
    assert [row["type"] for row in rows] == ["log.opened", "auth.ok", "egress.blocked", "log.closed"]
    assert rows[2]["destination"] == "far"
    assert json.loads(rows[2]["data"]) == {"bytes": 12, "destination": "far"}
    assert rows[1]["actor_kind"] == "user"


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_no_cell_is_a_formula(cell: str) -> None:
    """A spreadsheet that is opened by an auditor runs nothing (CWE-1236)."""
    assert escaped(cell) == "'" + cell
    assert escaped("plain") == "plain"


def test_ocsf_is_a_line_an_event(log: EventLog) -> None:
    """In the order of the log."""
    lines = [json.loads(line) for line in exported(log, "ocsf").splitlines()]
    assert [one["metadata"]["sequence"] for one in lines] == [1, 2, 3, 4]
    assert [one["class_uid"] for one in lines] == [1008, 3002, 6003, 1008]


def test_an_empty_log_gives_a_heading_only(tmp_path: Path) -> None:
    """Nothing is no error."""
    log = EventLog(tmp_path / "none")
    assert exported(log, "csv").decode().strip() == ",".join(COLUMNS)
    assert exported(log, "ocsf") == b""
