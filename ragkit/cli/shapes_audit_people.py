"""The ``--json`` output of ``audit approvals``, ``review`` and ``incident``; ``ragkit.cli.shapes`` lists it."""

from __future__ import annotations

from collections.abc import Mapping

from ragkit.cli.shape import Shape

AUDIT_PEOPLE: Mapping[str, Shape] = {
    "audit_approvals": Shape(
        verb="audit approvals list --json",
        about="What was asked for under `two_person` within the time that an approval holds.",
        fields={"approvals": ("list of audit_approval", "the oldest first")},
    ),
    "audit_grant": Shape(
        verb="audit approvals grant --json",
        about="What was approved.",
        fields={"approval": ("audit_approval", "as it stands now")},
    ),
    "audit_approval": Shape(
        about="One approval.",
        fields={
            "approval": ("text", "its id"),
            "verb": ("text", "reveal, evidence or erase"),
            "collection": ("text", "where"),
            "target": ("text", "keyed hash of what it is for"),
            "state": ("text", "requested, granted, used or expired"),
            "asked_by": ("text", "who asked, as a keyed hash"),
            "granted_by": ("text", "who granted it, likewise; empty before"),
            "since": ("text", "when it came to this, ISO 8601"),
        },
    ),
    "audit_reviewed": Shape(
        verb="audit review --json",
        about="A person looked at an answer.",
        fields={
            "request": ("text", "of the answer"),
            "verdict": ("text", "right, wrong, corrected or withdrawn"),
            "ms": ("int", "milliseconds after the answer was given"),
        },
    ),
    "audit_incident": Shape(
        verb="audit incident report --json",
        about="An incident was reported or closed.",
        fields={"incident": ("text", "its id"), "open": ("true or false", "whether it still is")},
    ),
}
