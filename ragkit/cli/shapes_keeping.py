"""The ``--json`` outputs of backups, retention and legal holds; ``ragkit.cli.shapes`` lists them with the others."""

from __future__ import annotations

from collections.abc import Mapping

from ragkit.cli.shape import Shape

KEEPING: Mapping[str, Shape] = {
    "backup": Shape(
        verb="backup --json",
        about="What was copied.",
        fields={
            "copy": ("text", "id of the backup"),
            "made_at": ("text", "ISO 8601"),
            "documents": ("int", "that answer from it"),
            "chunks": ("int", "stored in it"),
            "files": ("int", "the manifest not counted"),
            "bytes": ("int", "of these files"),
            "keys": ("text or null", "id of the copy of the key file made with it"),
            "keys_problem": ("text", "why none was made, or what is left of older ones; empty when all is well"),
            "elapsed": ("number", "seconds"),
        },
    ),
    "hold": Shape(
        verb="hold place --json, hold release --json",
        about="One legal hold.",
        fields={
            "hold": ("text", "its id"),
            "collection": ("text", "its name"),
            "scope": ("text", "`value`, `document`, `source` or `collection`"),
            "placed_at": ("text", "ISO 8601"),
            "released_at": ("text or null", "ISO 8601; null while it is in force"),
            "documents": ("int", "that it keeps now"),
            "reason": ("text", "as given"),
            "release_reason": ("text", "as given; empty while it is in force"),
        },
    ),
    "holds": Shape(
        verb="hold list --json",
        about="All legal holds, released ones too.",
        fields={"holds": ("list of hold", "the oldest first")},
    ),
    "restore": Shape(
        verb="restore --json",
        about="What came back from a backup.",
        fields={
            "copy": ("text", "id of the backup"),
            "made_at": ("text", "when it was made, ISO 8601"),
            "documents": ("int", "that answer now"),
            "dropped": ("int", "that answered in the backup and were erased, let go or replaced since"),
            "values": ("int", "vault values that are gone since"),
            "redacted": ("int", "documents in which somebody who was erased since is now redacted"),
            "originals_missing": ("int", "uploaded originals that have a key and that the backup does not have"),
            "waiting": ("list of text", "collections without an index, since their policy is another now"),
            "unsafe_keys": ("true or false", "an older key file was used: what was erased since may be back"),
            "resumed": ("true or false", "a restore that had been killed was finished"),
            "elapsed": ("number", "seconds"),
        },
    ),
    "retention": Shape(
        verb="retention run --json",
        about="What the retention rules let go of, or would.",
        fields={
            "dry_run": ("true or false", "nothing was deleted"),
            "documents": ("int", "let go of, over all rules"),
            "held": ("int", "too old, and kept by a legal hold"),
            "values": ("int", "vault values that stood in these documents only"),
            "keys": ("int", "record keys destroyed"),
            "pruned": ("int", "keys destroyed of what was replaced or deleted long ago"),
            "keys_problem": ("text", "why the copy of the key file could not be made anew; empty when all is well"),
            "rules": ("list of retention_rule", "in the order of `ragkit.toml`"),
            "elapsed": ("number", "seconds"),
        },
    ),
    "retention_rule": Shape(
        about="What one retention rule asks for.",
        fields={
            "rule": ("int", "its place in `ragkit.toml`, from 1"),
            "collection": ("text", "whose documents"),
            "source": ("text or null", "of which source; null for all"),
            "days": ("int", "older documents go"),
            "clock": ("text", "`modified`, `indexed` or `at`"),
            "documents": ("int", "too old, and not held"),
            "held": ("int", "too old, and kept by a legal hold"),
            "undated": ("int", "without a known date; they stay"),
            "oldest": ("text or null", "date of the oldest of `documents`, ISO 8601"),
            "newest": ("text or null", "date of the newest of them"),
        },
    ),
}
