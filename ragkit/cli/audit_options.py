"""What the verbs of ``audit`` share: times on the command line, and their answers as documented JSON objects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ragkit.cli.shapes import shaped

if TYPE_CHECKING:
    from ragkit.compliance.events import Moment

FromOption = Annotated[
    str | None,
    typer.Option("--from", help="From this day or time on, ISO 8601 in UTC, or `#` and a number.", show_default=False),
]
ToOption = Annotated[
    str | None, typer.Option("--to", help="Up to this day or time, or `#` and a number.", show_default=False)
]
NOTHING_FOUND, FINDINGS = 0, 1
"""Exit status of verbs that look for faults."""

_SHAPES = {
    "Attempt": "audit_attempt",
    "Change": "audit_change",
    "Deed": "audit_deed",
    "DestinationUse": "audit_destination",
    "ErasureStory": "audit_erasure",
    "Exit": "audit_exit",
    "Gap": "audit_gap",
    "Guarded": "audit_guarded",
    "Model": "audit_model",
    "Origin": "audit_origin",
    "Overdue": "audit_overdue",
    "Purge": "audit_purge",
    "QuestionStory": "audit_question",
    "Reading": "audit_reading",
    "Review": "audit_review",
    "RunStory": "audit_run",
    "Shown": "audit_later",
    "Sign": "audit_sign",
    "UsedChunk": "audit_used_chunk",
    "Viewer": "audit_viewer",
    "Who": "audit_who",
}


def between(since: str | None, until: str | None) -> tuple[Moment | None, Moment | None]:
    """Return the two ends of a time on the command line; a day as the second end is meant whole.

    Raises:
        ConfigError: One is neither a time nor a number.
    """
    return _end(since, end=False), _end(until, end=True)


def at_time(text: str, *, end: bool = False) -> Moment:
    """Return a time, or after ``#`` the number of an event. Raises ``ConfigError``."""
    from ragkit.compliance.events import moment

    number = text.strip().removeprefix("#")
    if text.strip().startswith("#") and number.isdecimal():
        return int(number)
    return moment(text, end=end)


def plain(value: Any) -> Any:
    """Return a dataclass as the JSON object of its documented shape, and what is in it likewise."""
    if is_dataclass(value) and not isinstance(value, type):
        held = {one.name: plain(getattr(value, one.name)) for one in fields(value)}
        name = _SHAPES.get(type(value).__name__)
        return shaped(name, held) if name else held
    if isinstance(value, Mapping):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    return value


def _end(text: str | None, *, end: bool) -> Moment | None:
    return None if text is None else at_time(text, end=end)
