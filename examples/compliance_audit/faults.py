"""The planted faults: each is what somebody might do, and the report must find it.

For two of them the event log is edited by hand, as somebody would who wants something not to have happened. The others
happen by neglect: a register cleaned up too early, a rule that nobody runs, a script that goes behind ragkit's door.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import ragkit
from ragkit import Principal
from ragkit.errors import RagkitError


@dataclass(frozen=True, slots=True)
class Fault:
    """One planted fault.

    Attributes:
        name: What it is.
        plant: Does it to the workspace in a folder.
        chapter: The chapter of the report that must find it.
        words: What the finding says, as a regular expression.
    """

    name: str
    plant: Callable[[Path], None]
    chapter: str
    words: str


def _edit(place: Path, pattern: str, replacement: str) -> None:
    """Change ragkit.toml."""
    file = place / "ragkit.toml"
    text, done = re.subn(pattern, replacement, file.read_text(encoding="utf-8"), flags=re.S)
    if not done:
        raise SystemExit("ragkit.toml is not as the example left it")
    file.write_text(text, encoding="utf-8")


def _segment(place: Path) -> Path:
    return sorted((place / ".ragkit" / "events").glob("0*.jsonl"))[0]


def unregistered_destination(place: Path) -> None:
    """Take the destination out of the register, though prompts went there."""
    _edit(place, r"\[generators\.summariser\].*?(?=\[audit\])", "")


def overdue_retention(place: Path) -> None:
    """Write a rule that nobody carries out: an old letter stays."""
    _edit(place, r"\Z", '\n[[retention]]\ncollection = "claims"\ndays = 730\n')


def residual_data(place: Path) -> None:
    """Sharpen the inbox's policy and do not mask again: the names in the note stay as they were stored."""
    _edit(place, r'policy = "lax"', 'policy = "strict-inbox"')


def reveal_without_purpose(place: Path) -> None:
    """Open the vault behind ragkit's door: ragkit itself gives nothing without a purpose."""
    with ragkit.open_workspace(place) as workspace:
        recorder = workspace._handles.recorder
        told = {"collection": "claims", "tokens": 4, "characters": 120, "entities": {"PERSON": 4}}
        recorder.record("pii.unmasked", actor=Principal("local|clerk"), data=told)


def edited_event(place: Path) -> None:
    """Let somebody else have asked: the actor of an answer is exchanged."""
    file = _segment(place)
    lines = file.read_bytes().split(b"\n")
    where = next(number for number, line in enumerate(lines) if b'"type":"answer.released"' in line)
    event = json.loads(lines[where])
    other = next(json.loads(line)["actor"]["id"] for line in lines if b'"type":"audit.' in line or b'"human.' in line)
    other = other[:-1] + ("b" if other.endswith("a") else "a")  # nobody's, not even that of who did ask
    lines[where] = lines[where].replace(event["actor"]["id"].encode(), other.encode())
    file.write_bytes(b"\n".join(lines))


def hole_in_sequence(place: Path) -> None:
    """Take a line out: a question was never asked."""
    file = _segment(place)
    lines = file.read_bytes().split(b"\n")
    where = max(number for number, line in enumerate(lines) if b'"type":"query.received"' in line)
    file.write_bytes(b"\n".join(lines[:where] + lines[where + 1 :]))


FAULTS = (
    Fault("a destination outside the register", unregistered_destination, "systems", "not in the register"),
    Fault("retention that is overdue", overdue_retention, "retention", "claims"),
    Fault("a document with residual personal data", residual_data, "checks", "residual"),
    Fault("a reveal without purpose", reveal_without_purpose, "reveals", "none"),
    Fault("an edited event", edited_event, "checkpoints", r"tree.*note \d+ of"),
    Fault("a hole in the sequence", hole_in_sequence, "checkpoints", r"^seq"),
)


def plant_all(place: Path) -> None:
    """Plant every fault; the log is edited last, when the workspace is closed."""
    for fault in FAULTS:
        try:
            fault.plant(place)
        except RagkitError as refused:
            raise SystemExit(f"{fault.name}: {refused}. {refused.remedy}") from None
