"""Counting events for the report."""

from __future__ import annotations

from typing import Any

from ragkit.report.tally import Tally


def event(seq: int, kind: str, **more: Any) -> dict[str, Any]:
    """Make an event."""
    base = {"seq": seq, "type": kind, "ts": f"2026-11-0{1 + seq // 10}T10:00:00.000000Z", "outcome": "ok", "data": {}}
    return base | {"reason": "", "request": "", "actor": {"id": "h:abcdefghij0123456789", "kind": "user"}} | more


def test_every_event_is_counted_by_type_and_day() -> None:
    """All are counted, with the first and last of each type."""
    tally = Tally().read(event(seq, "query.received") for seq in range(1, 25))
    assert tally.every.count == 24
    assert (tally.types["query.received"].first, tally.types["query.received"].last) == (1, 24)
    assert sum(day["query.received"] for day in tally.days.values()) == 24
    assert len(tally.types["query.received"].some) == 8


def test_families_and_types_are_cited_together() -> None:
    """``behind`` joins families and types without counting an event twice."""
    tally = Tally().read([event(1, "human.reviewed"), event(2, "human.handoff"), event(3, "checkpoint")])
    assert tally.behind("human.", "human.reviewed").count == 2
    assert str(tally.behind("human.", "checkpoint")) == "#1, #2, #3"


def test_what_did_not_end_well_is_grouped_by_reason() -> None:
    """Outcomes other than ok stand under their type and reason."""
    tally = Tally().read([event(1, "egress.blocked", outcome="denied", reason="leak", data={"destination": "cloud"})])
    assert tally.grouped("outcome")[0][0] == ("egress.blocked", "denied", "leak")


def test_rare_events_are_kept_whole_and_in_order() -> None:
    """Reveals and erasures are lines of their own."""
    tally = Tally().read([event(2, "pii.unmasked"), event(3, "erasure.requested"), event(4, "pii.unmasked")])
    assert [one["seq"] for one in tally.of("pii.unmasked", "erasure.requested")] == [2, 3, 4]
