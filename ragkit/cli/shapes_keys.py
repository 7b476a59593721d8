"""The ``--json`` outputs of ``ragkit key``; ``ragkit.cli.shapes`` lists them with the others."""

from __future__ import annotations

from collections.abc import Mapping

from ragkit.cli.shape import Shape

KEYS: Mapping[str, Shape] = {
    "key_escrow": Shape(
        verb="key escrow --json",
        about="Where the root key was written down.",
        fields={"files": ("list of text", "the files written, as named")},
    ),
    "key_rotate": Shape(
        verb="key rotate --json",
        about="What a change of keys did.",
        fields={
            "scope": ("text", "`root` or `wrapping`"),
            "generation": ("int", "of the key that is new"),
            "finished": ("true or false", "false while the source of the root key must still be changed"),
            "record_keys": ("int", "wrapped again"),
            "seconds": ("number", "wall time"),
            "copy_problem": ("text", "why the copy of the key file was not made anew; empty when all is well"),
        },
    ),
    "key_show": Shape(
        verb="key show --json",
        about="What may be told of the keys.",
        fields={
            "source": ("text", "`file`, `env` or `command`"),
            "mark": ("text", "check value of the root key; it opens nothing"),
            "generation": ("int", "of the root key, from 1; 0 before the first sync"),
            "root_keys": ("int", "how many root keys open the workspace: 2 while one is being changed"),
            "made_at": ("text", "since when this root key opens it, ISO 8601; empty before the first sync"),
            "public_key": ("text", "Ed25519, hexadecimal; verifies receipts"),
            "escrows": ("list of object", "`kind` and `made_at` of each that was made, the oldest first"),
            "collections": (
                "object",
                "by name: `generation` of the wrapping key, counts of record keys, and rows whose key is destroyed",
            ),
        },
    ),
}
