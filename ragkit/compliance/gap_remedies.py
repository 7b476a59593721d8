"""What to do about a gap, and one line for many that are alike."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ragkit.compliance.gaps import Gap, Kind

_VERIFY = "Run `ragkit audit verify --checkpoint FILE` with a checkpoint that is kept elsewhere"
_CLOCK = "Look into the machine's time service; go by the numbers of events, not by their times."

REMEDIES: Mapping[Kind, str] = {
    "clock-jump": _CLOCK,
    "clock-backwards": _CLOCK,
    "hole": f"{_VERIFY}: it tells whether signed lines were removed. Compare with a copy or a sink.",
    "repeated": f"{_VERIFY}: lines may have been copied in or a copy of the log put back.",
    "torn-line": f"{_VERIFY}: it tells whether a signed line was changed.",
    "recovered": "Nothing; find out why the process was killed.",
    "reopened": f"{_VERIFY}. Keep log rotation and clean-up away from `.ragkit/events`.",
    "dropped": 'Make room on the disk. With `[audit] mode = "required"` nothing is done that is not recorded.',
    "resumed": "Make room on the disk, and watch it.",
    "overlap": "Let one machine write to a workspace; the lock of a shared disk may not hold.",
    "unclosed": "If it is not running any more, find out why it was killed; see at a firewall what it sent.",
    "no-checkpoint": "Run `ragkit audit checkpoint`, and anchor it; lines behind the last one are not signed.",
    "checkpoint-refused": f"{_VERIFY}: it names the line. Put the log back from a copy; until then nothing is signed.",
    "checkpoint-failed": "See that the signing key is there and the disk writable; then `ragkit audit checkpoint`.",
    "sink-failed": "See that the sink is reachable; `ragkit audit export` brings what it did not take.",
    "anchor-failed": "See that the place is reachable; then run `ragkit audit anchor` again.",
    "unlogged-egress": "Find what called past ragkit's gateway in that process; a firewall shows where it went.",
    "open-egress": "Count it as left. `ragkit audit show` with its request tells what it was.",
    "open-run": "Run `ragkit sync` again; it goes on where it ended.",
    "open-answer": "Count it as given. `ragkit audit show` with its request tells how far it came.",
    "open-erasure": "Run `ragkit subject resume`; it finishes what was interrupted.",
}
_AGAIN = frozenset(("checkpoint-refused", "checkpoint-failed", "sink-failed", "anchor-failed", "resumed"))
"""Kinds that are noted anew by every process until their cause is gone."""


def told_once(gaps: Iterable[Gap]) -> list[Gap]:
    """Return gaps in their order, each with its remedy; those noted anew become one, at the first of them.

    ``counts`` of such a one are those of the first, with how many ``times`` it was noted and ``last``, the number of
    the newest event.
    """
    told: list[Gap] = []
    places: dict[tuple[str, str], int] = {}
    for gap in gaps:
        of = gap.kind, gap.about
        if gap.kind in _AGAIN and of in places:
            first = told[places[of]]
            counts = {**first.counts, "times": first.counts.get("times", 1) + 1, "last": gap.seq}
            told[places[of]] = replace(first, counts=counts)
        else:
            places[of] = len(told)
            told.append(replace(gap, remedy=REMEDIES[gap.kind]))
    return told
