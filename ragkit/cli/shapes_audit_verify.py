"""The ``--json`` output of ``audit verify`` and ``audit check``; ``ragkit.cli.shapes`` lists it with the others."""

from __future__ import annotations

from collections.abc import Mapping

from ragkit.cli.shape import Shape

AUDIT_VERIFY: Mapping[str, Shape] = {
    "audit_verify": Shape(
        verb="audit verify --json",
        about="Whether the log is what was signed.",
        fields={
            "status": ("int", "0 all is well, 1 something was found, 2 it could not be checked; the exit status"),
            "origin": ("text", "name of the log"),
            "segments": ("int", "files of the log"),
            "lines": ("int", "whole lines"),
            "events": ("int", "of them, events"),
            "torn": ("int", "of them, lines that a killed process tore and a later one told of"),
            "seq": ("int", "number of the last event"),
            "notes": ("int", "checkpoints in the log's folder"),
            "signed": ("int", "lines under the newest checkpoint that fits"),
            "unsigned": ("int", "lines after it"),
            "anchored": ("int", "lines under the newest checkpoint from elsewhere that fits"),
            "unanchored": ("int", "lines after it: they rest on the folder and its key alone"),
            "counts": ("object", "findings and notices by code; of one code at most 20 are listed"),
            "findings": ("list of audit_finding", "in the order in which they were found"),
            "unchecked": ("list of text", "what could not be checked, and why"),
            "proven": ("list of text", "what the proofs show"),
            "keys": ("list of text", "verifier keys that were trusted"),
            "lost": ("int or null", "requests whose evidence is gone unexplained; null where none is kept"),
            "ms": ("int", "milliseconds"),
        },
    ),
    "audit_finding": Shape(
        about="Something that was found in the log.",
        fields={
            "level": ("text", "finding, which counts against the log, or notice"),
            "code": ("text", "what; docs/audit-verify.md explains each"),
            "message": ("text", "one sentence"),
            "segment": ("int", "number of the file; 0 for none"),
            "line": ("int", "line in it, from 1; 0 for none"),
            "seq": ("int", "number of the last event read before; 0 for none"),
        },
    ),
    "audit_check": Shape(
        verb="audit check --json",
        about="What the checks found.",
        fields={
            "status": ("int", "0 clean, 1 something was found, 2 something could not be checked; the exit status"),
            "results": ("list of audit_check_result", "in the order of the checks"),
        },
    ),
    "audit_check_result": Shape(
        about="One thing that was looked at. No text, no names.",
        fields={
            "name": ("text", "the check: log, anchors, gaps, egress, vault, retention, drift, permissions, residual"),
            "level": ("text", "ok, notice, finding or unchecked"),
            "code": ("text", "what was found, as a short word; the check's name where all is well"),
            "detail": ("text", "one sentence"),
            "remedy": ("text", "what to do about it; may be empty"),
            "collection": ("text", "of which collection; empty for the whole workspace"),
            "seqs": ("list of int", "numbers of the events behind it, at most 100"),
            "counts": ("object", "figures by name; those that end in _u are in millionths"),
        },
    ),
    "audit_permissions": Shape(
        verb="audit review-permissions --json",
        about="Who may do what, as it is configured.",
        fields={"lists": ("list of audit_permission", "by collection, then the roles")},
    ),
    "audit_permission": Shape(
        about="One list of who may do something.",
        fields={
            "where": ("text", "a collection, or `roles`"),
            "list": ("text", "access, reveal, officers, access of a source, or a role"),
            "tokens": ("list of text or null", "access tokens; null is the owner's, an empty list is nobody's"),
        },
    ),
    "audit_verifier": Shape(
        verb="audit verify --out-verifier FILE --json",
        about="The stand-alone verifier, written to a file.",
        fields={"written": ("text", "the file")},
    ),
}
