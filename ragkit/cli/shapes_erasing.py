"""The JSON of ``ragkit subject erase|resume|receipt``."""

from __future__ import annotations

from collections.abc import Mapping

from ragkit.cli.shape import Shape

ERASING: Mapping[str, Shape] = {
    "erasure": Shape(
        verb="subject erase --json",
        about="What was erased of a person or, with `--dry-run`, would be. No content.",
        fields={
            "request": ("text", "id of the request; empty for a dry run"),
            "complete": ("true or false", "L0, L1 and L2 are reached"),
            "deleted": ("list of text", "ids of documents deleted as a whole"),
            "redacted": ("list of text", "ids of documents in which the person is redacted"),
            "possible": ("list of text", "ids of documents that perhaps name them, perhaps another, and stay"),
            "past": ("int", "versions kept for replay that go with the person"),
            "destroyed": ("object", "values that nobody else has, which go: count by entity type"),
            "shared": ("object", "values that stay, because a living person has them too"),
            "uncertain": ("object", "values that may be theirs, and stay"),
            "naming": ("object", "documents that still name the person at the source: count by source"),
            "holds": ("list of text", "ids of legal holds in the way; of a dry run"),
            "levels": ("object", "`true`, `false` or `partly` by level, `L0` to `L3`"),
            "receipt": ("text", "the signed receipt: canonical JSON"),
            "ms": ("object", "time by step"),
        },
    ),
    "erasures": Shape(
        verb="subject resume --json",
        about="The erasures that were finished.",
        fields={"erasures": ("list of erasure", "the oldest first")},
    ),
    "receipt": Shape(
        verb="subject receipt --json",
        about="A receipt, checked.",
        fields={
            "ok": ("true or false", "the signature fits the text and the key"),
            "reason": ("text", "why not: `malformed`, `altered`, `other-key`; empty when it does"),
            "key_id": ("text", "id of the key that signed"),
            "receipt": ("object", "the facts"),
        },
    ),
}
