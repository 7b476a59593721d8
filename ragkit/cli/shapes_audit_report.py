"""The ``--json`` output of ``audit report``; ``ragkit.cli.shapes`` lists it with the others."""

from __future__ import annotations

from collections.abc import Mapping

from ragkit.cli.shape import Shape

AUDIT_REPORT: Mapping[str, Shape] = {
    "audit_report": Shape(
        verb="audit report --json",
        about="What a report says in short; `--data FILE` writes all of it.",
        fields={
            "file": ("text", "the page"),
            "since": ("text", "first moment, in UTC"),
            "until": ("text", "the moment before which events count"),
            "events": ("int", "events in this time"),
            "findings": ("int", "lines that need attention"),
            "unknown": ("int", "lines that could not be told"),
            "sections": ("object", "by chapter: `findings` and `unknown`"),
        },
    ),
}
