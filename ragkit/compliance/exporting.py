"""Events for somebody else: as OCSF for a SIEM, as CSV for a spreadsheet, as the JSON lines they are.

::

    with open("events.csv", "wb") as out:
        done = export(EventLog(data / "events"), "csv", out, since=moment("2026-11-01"))

Written as they are read, one line an event.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO, Literal

from ragkit.audit.schema import canonical
from ragkit.compliance.events import Event, EventLog, Moment
from ragkit.compliance.ocsf import to_ocsf
from ragkit.protocols import Progress

Format = Literal["ocsf", "csv", "jsonl"]

COLUMNS = (
    "ts", "seq", "id", "type", "outcome", "reason", "actor_kind", "actor", "auth", "groups", "request", "session",
    "collection", "destination", "doc", "data", "payload", "ragkit", "cfg", "log", "tenant", "writer", "boot", "trace",
    "span",
)  # fmt: skip
"""Of the CSV. New ones come at the end; none is renamed or taken away."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_EVERY = 5_000


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written.

    Attributes:
        events: How many.
        from_seq: Number of the first, 0 for none.
        to_seq: Number of the last.
        bytes: Size.
    """

    events: int
    from_seq: int
    to_seq: int
    bytes: int


def export(
    log: EventLog,
    form: Format,
    out: BinaryIO,
    *,
    since: Moment | None = None,
    until: Moment | None = None,
    progress: Progress | None = None,
) -> Exported:
    """Write the events of a time.

    Args:
        log: The event log; read once.
        form: ``ocsf`` (JSON lines), ``csv`` (with a heading) or ``jsonl`` (canonical, byte by byte as they are).
        out: Takes the bytes.
        since: First time, or first ``seq``.
        until: The time before which they were written, or the last ``seq``.
        progress: Called with ``"export"``.
    """
    written = events = first = last = 0
    for line in _head(form):
        written += out.write(line)
    of = _LINES[form]
    for event in log.read(since=since, until=until):
        written += out.write(of(event))
        events, last = events + 1, int(event["seq"])
        first = first or last
        if progress is not None and events % _EVERY == 0:
            progress("export", events, None)
    if progress is not None:
        progress("export", events, events)
    return Exported(events, first, last, written)


def _head(form: Format) -> Iterator[bytes]:
    if form == "csv":
        yield _row(COLUMNS)


def _as_csv(event: Event) -> bytes:
    actor, software, data = dict(event.get("actor") or {}), dict(event.get("sw") or {}), event["data"]
    special = {
        "actor": actor.get("id", ""),
        "actor_kind": actor.get("kind", ""),
        "auth": actor.get("auth", ""),
        "groups": actor.get("groups", ""),
        "collection": data.get("collection", ""),
        "destination": data.get("destination", ""),
        "doc": data.get("doc", ""),
        "data": canonical(data).decode(),
        "payload": canonical(event["payload"]).decode() if event.get("payload") else "",
        "ragkit": software.get("ragkit", ""),
        "cfg": software.get("cfg", ""),
    }
    return _row([special[name] if name in special else event.get(name, "") for name in COLUMNS])


def _row(cells: Any) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerow([escaped(str(cell)) for cell in cells])
    return text.getvalue().encode()


def escaped(cell: str) -> str:
    """Return a cell that no spreadsheet takes for a formula: an apostrophe stands before what could be one."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def _as_ocsf(event: Event) -> bytes:
    return json.dumps(to_ocsf(event), ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _as_lines(event: Event) -> bytes:
    return canonical(event) + b"\n"


_LINES: dict[Format, Callable[[Event], bytes]] = {"ocsf": _as_ocsf, "csv": _as_csv, "jsonl": _as_lines}
