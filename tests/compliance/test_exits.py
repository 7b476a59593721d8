"""What left, attempt by attempt: intents joined with their ends, also where they cross."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ragkit.audit.schema import canonical
from ragkit.compliance.egress import egress
from ragkit.compliance.events import EventLog, moment
from ragkit.compliance.exits import exits


def event(seq: int, kind: str, *, request: str = "q1", day: int = 1, writer: str = "w", **data: Any) -> dict[str, Any]:
    """An event of egress."""
    outcome = "error" if kind == "egress.failed" else "ok"
    return {
        "seq": seq, "type": kind, "ts": f"2026-11-{day:02d}T10:00:00.000000Z", "request": request, "data": data,
        "outcome": outcome, "reason": "", "actor": {"id": "system"}, "session": "", "writer": writer, "id": "0" * 32,
    }  # fmt: skip


def test_retries_are_attempts_of_their_own() -> None:
    """By the number of the attempt, also when the ends come in another order."""
    log = [
        event(1, "egress.intent", destination="far", attempt=1, bytes=10),
        event(2, "egress.intent", destination="far", attempt=2, bytes=10),
        event(3, "egress.done", destination="far", attempts=2, status=200, bytes=5),
        event(4, "egress.failed", destination="far", attempts=1, status=500, bytes=0),
    ]
    found = {one.attempt: (one.state, one.status, one.ended) for one in exits(log)}
    assert found == {1: ("failed", 500, 4), 2: ("done", 200, 3)}


def test_requests_destinations_and_processes_are_not_mixed_up() -> None:
    """An end belongs to the intent of its own request, destination and process."""
    log = [
        event(1, "egress.intent", destination="far", attempt=1),
        event(2, "egress.intent", destination="near", attempt=1),
        event(3, "egress.intent", request="q2", destination="far", attempt=1),
        event(4, "egress.intent", writer="v", destination="far", attempt=1),
        event(5, "egress.done", request="q2", destination="far", attempts=1),
        event(6, "egress.done", destination="near", attempts=1),
    ]
    assert [(one.seq, one.state) for one in exits(log)] == [(3, "done"), (2, "done"), (1, "open"), (4, "open")]


def test_what_was_blocked_or_left_past_the_gateway_has_no_end_to_wait_for() -> None:
    """A probe has one, and no prompt in it."""
    log = [
        event(1, "egress.blocked", destination="far", bytes=7),
        event(2, "egress.unsafe", generator="plugin", location="remote", data_class="internal"),
        event(3, "egress.probed", request="", destination="far"),
        event(4, "egress.done", request="", destination="far", status=200),
        event(5, "egress.done", destination="far"),
    ]
    found = [(one.state, one.destination, one.probe) for one in exits(log)]
    assert found == [("blocked", "far", False), ("unsafe", "plugin", False), ("probed", "far", True)]


def test_an_end_after_the_time_asked_for_still_counts(tmp_path: Path) -> None:
    """What left in time and was answered later did not get lost."""
    sent = {"destination": "far", "provider": "acme", "data_class": "internal", "bytes": 10, "attempt": 1}
    lines = [
        event(1, "egress.intent", **sent),
        event(2, "egress.done", day=2, destination="far", attempts=1, bytes=4),
        event(3, "egress.intent", day=2, request="q2", **sent),
        event(4, "egress.unsafe", day=2, request="q3", generator="plugin", location="remote", data_class="public"),
    ]
    (tmp_path / "00000001.jsonl").write_bytes(b"".join(canonical(line) + b"\n" for line in lines))
    log = EventLog(tmp_path)
    first = egress(log, until=moment("2026-11-01", end=True))
    (far,) = first.destinations
    assert (far.intents, far.done, far.open, far.bytes, far.received) == (1, 1, 0, 10, 4)
    assert first.open == ()
    both = egress(log, registered={"far"})
    assert [one.destination for one in both.destinations] == ["far", "plugin"]
    assert [one.seq for one in both.open] == [3]
    assert both.unregistered == ("plugin",)
    (far, plugin) = both.destinations
    assert (far.intents, far.open, plugin.unsafe, plugin.intents) == (2, 1, 1, 0)
    assert plugin.data_classes == {"public": 1}
    assert [one.destination for one in egress(log, data_class="public").destinations] == ["plugin"]
