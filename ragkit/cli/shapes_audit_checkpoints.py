"""The ``--json`` output of ``audit checkpoint``, ``anchor``, ``prove`` and ``key``; ``ragkit.cli.shapes`` lists it."""

from __future__ import annotations

from collections.abc import Mapping

from ragkit.cli.shape import Shape

AUDIT_CHECKPOINTS: Mapping[str, Shape] = {
    "audit_checkpoint": Shape(
        verb="audit checkpoint --json",
        about="The newest checkpoint.",
        fields={
            "origin": ("text", "the log's name"),
            "size": ("int", "lines that are signed"),
            "root": ("text", "of the tree over them, base64"),
            "note": ("text", "the signed note, to be taken elsewhere"),
            "aside": ("text", "name under which `--accept-log` put the old checkpoints aside; empty if it did not"),
        },
    ),
    "audit_anchor": Shape(
        verb="audit anchor --json",
        about="What became of a checkpoint at each place.",
        fields={
            "size": ("int", "lines of the log in the checkpoint"),
            "anchors": ("list of audit_anchoring", "in the order of ragkit.toml"),
        },
    ),
    "audit_anchoring": Shape(
        about="One place.",
        fields={
            "anchor": ("text", "its name"),
            "kind": ("text", "file, syslog or command"),
            "code": ("text", "empty when it was taken; otherwise why not: timeout, unreachable, exit-1, …"),
            "ms": ("int", "milliseconds it took"),
        },
    ),
    "audit_anchored": Shape(
        verb="audit anchor --show --json",
        about="Which part of the log somebody else can vouch for.",
        fields={
            "lines": ("int", "of the log"),
            "signed": ("int", "of the newest checkpoint"),
            "anchored": ("int", "of the largest checkpoint that was taken anywhere"),
            "unanchored": ("int", "lines that rest on this machine and its signing key alone"),
            "places": ("list of audit_anchor_place", "in order of names"),
        },
    ),
    "audit_anchor_place": Shape(
        about="What is known of one place.",
        fields={
            "anchor": ("text", "its name"),
            "configured": ("true or false", "whether ragkit.toml still names it"),
            "size": ("int", "lines of the largest checkpoint that was taken there"),
            "at": ("text or null", "when, ISO 8601 in UTC"),
            "failures": ("int", "attempts that failed since"),
            "code": ("text", "why the last of them failed"),
        },
    ),
    "audit_prove_inclusion": Shape(
        verb="audit prove SEQ --json",
        about="The proof that an event is in the log that was signed last.",
        fields={
            "kind": ("text", "inclusion"),
            "index": ("int", "place of the line, from 0"),
            "size": ("int", "lines of the log"),
            "leaf_line": ("text", "the line, without its line feed"),
            "proof": ("list of text", "hashes in base64, in the order of RFC 6962"),
            "note": ("text", "the checkpoint"),
        },
    ),
    "audit_prove_consistency": Shape(
        verb="audit prove --from SIZE --json",
        about="The proof that the log that was signed last begins with an older one.",
        fields={
            "kind": ("text", "consistency"),
            "size1": ("int", "lines of the older checkpoint"),
            "size2": ("int", "lines of the newest one"),
            "proof": ("list of text", "hashes in base64, in the order of RFC 6962"),
            "note1": ("text", "the older checkpoint"),
            "note2": ("text", "the newest one"),
        },
    ),
    "audit_key_show": Shape(
        verb="audit key show --json",
        about="The key that signs checkpoints, by its public half.",
        fields={
            "source": ("text", "file, env or command"),
            "verifier_key": ("text", "C2SP verifier key, `name+id+base64`; empty if there is no key"),
            "problem": ("text", "why there is none"),
            "changes": ("list of audit_key_change", "since the line of checkpoints began, oldest first"),
        },
    ),
    "audit_key_change": Shape(
        about="A change of keys.",
        fields={
            "size": ("int", "lines of the checkpoint that both keys signed"),
            "verifier_key": ("text", "the key that signed from then on"),
        },
    ),
    "audit_key_rotate": Shape(
        verb="audit key rotate --json",
        about="A change of the key that signs checkpoints.",
        fields={
            "old": ("text", "verifier key before"),
            "new": ("text", "verifier key from the next checkpoint on"),
            "kept": ("true or false", "whether the old key file is kept beside the new one"),
            "note": ("text", "the checkpoint that both signed"),
        },
    ),
}
