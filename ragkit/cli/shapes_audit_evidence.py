"""The ``--json`` output of ``audit evidence`` and ``audit forget``; ``ragkit.cli.shapes`` lists it with the others."""

from __future__ import annotations

from collections.abc import Mapping

from ragkit.cli.shape import Shape

AUDIT_EVIDENCE: Mapping[str, Shape] = {
    "audit_evidence": Shape(
        verb="audit evidence ID --purpose TEXT --json",
        about="What is kept of a request.",
        fields={
            "request": ("text", "its id"),
            "collection": ("text", "what was asked"),
            "matches": ("true or false", "every part is here and is what its event committed to"),
            "revealed": ("true or false", "whether values are shown in clear"),
            "parts": ("list of evidence_part", "in the order in which they were kept"),
            "missing": ("list of text", "roles of parts that events commit to and that are not here"),
            "documents": ("list of objects", "`doc_id` and `version` of every document whose text is in it"),
        },
    ),
    "evidence_part": Shape(
        about="One part of it.",
        fields={
            "role": ("text", "question, retrieved, prompt, request_body, response_body or answer"),
            "ref": ("text", "its id in the event"),
            "bytes": ("int", "its length"),
            "matches": (
                "true, false or null",
                "whether it is what the event committed to; null where no event tells of it",
            ),
            "event": ("int or null", "number of that event"),
            "at": ("text or null", "when that was, ISO 8601"),
            "content": ("any", "plain values where it is JSON, else text; masked unless `revealed`"),
        },
    ),
    "audit_forget": Shape(
        verb="audit forget --purpose TEXT --json",
        about="What was destroyed.",
        fields={
            "conversations": ("int", "dialogues of which nothing is left"),
            "turns": ("int", "questions"),
            "parts": ("int", "parts of these"),
            "emptied": ("true or false", "whether none of it is left in the file; else the verb ends with 1"),
        },
    ),
}
