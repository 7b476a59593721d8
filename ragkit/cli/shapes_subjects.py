"""The JSON of ``ragkit subject``: what was found, what a person is given, what was corrected and restricted."""

from __future__ import annotations

from collections.abc import Mapping

from ragkit.cli.shape import Shape

_DOCUMENT = (
    "`doc_id`, `title`, `name`, `uri`, `metadata`, `source`, `media_type`, `version`, `indexed_at`, `version_at`, "
    "`source_dates`, `wholly`, and `passages`: `text`, `heading`, `above` (table header), `page`, `start`, `end`; "
    "other people's data as `[TYPE]`"
)
_RECIPIENTS = (
    "`destinations` outside this process that got passages of these documents, `readers` whose searches returned them, "
    "`revealers` who saw values of the collection in clear (the log does not say whose): each `who`, `count`, `first`, "
    "`last`; `log_whole`, `log_since`, `log_holes`; `none`: nobody, by a log that is whole"
)

SUBJECTS: Mapping[str, Shape] = {
    "subjects": Shape(
        verb="subject find --json",
        about="The people who have a value.",
        fields={"people": ("list of subject", "those of whom most is known first")},
    ),
    "subject": Shape(
        about="What is held of one person, in counts.",
        fields={
            "subject": ("text", "opaque id, for `--subject`"),
            "types": ("object", "values: count by entity type"),
            "shared": ("object", "of these, values that another person has too"),
            "uncertain": ("object", "of these, values that are likely theirs, and no more"),
            "sources": ("object", "documents: count by source"),
            "names": ("object", "the source's own id by document id; with `--native-ids`"),
            "documents": ("list of text", "ids of documents that certainly speak of them"),
            "wholly": ("list of text", "of these, documents about nobody else"),
            "possible": ("list of text", "documents that may speak of them or of another"),
            "past": ("int", "older versions kept for replay that hold a value of theirs alone"),
            "restricted": ("list of text", "ids of the restrictions on them"),
            "apart": ("list of object", "`type` and `value` that only this one of several people has, in clear"),
        },
    ),
    "subject_export": Shape(
        verb="subject export",
        about="Everything held of a person, for that person: theirs in clear, everybody else's hidden. In a file.",
        fields={
            "exported_at": ("text", "ISO 8601"),
            "collection": ("text", "where it is held"),
            "data_class": ("text", "how far the collection's content may travel"),
            "purpose": ("text or null", "why it is kept, as configured"),
            "subject": ("text", "opaque id of the person"),
            "restricted": ("list of text", "ids of the restrictions on them"),
            "categories": ("object", "values: count by category of personal data"),
            "values": (
                "list of object",
                "`type`, `category`, `value` in clear, `shared` (another has it too)",
            ),
            "uncertain": ("object", "values that are likely theirs and may be another's: count by type, not shown"),
            "documents": (
                "list of object",
                _DOCUMENT,
            ),
            "possible": ("list of text", "documents that may speak of them or of another; not shown"),
            "past": ("object", "older versions kept for replay, not shown: `versions`, and the `days` they are kept"),
            "sources": ("list of object", "`name`, `connector`, `documents`"),
            "retention": ("list of object", "rules as configured: `source`, `days`, `by`, `at`"),
            "evidence": (
                "object",
                "what is kept that a value of theirs stands in: `dialogues`, `questions`, `first`, `last`, `days`",
            ),
            "conversations": (
                "list of object",
                "chats, and comments on answers, that name them: `begun`, `messages` (`role`, `at`, `text`)",
            ),
            "recipients": (
                "object",
                _RECIPIENTS,
            ),
        },
    ),
    "correction": Shape(
        verb="subject correct --json",
        about="What correcting a value did.",
        fields={
            "request": ("text", "id of the correction"),
            "entity_type": ("text", "of the value"),
            "documents": ("list of text", "ids of the documents that were rewritten"),
            "chunks": ("int", "chunks in them"),
            "embedded": ("int", "of these, embedded again"),
            "shared": ("true or false", "another person has the old value too and keeps it"),
            "forgotten": ("true or false", "the old value is gone from the vault"),
            "sources": ("object", "sources that still hold the old value: count of documents"),
            "others": ("int", "further values of the type that the person has"),
        },
    ),
    "restriction": Shape(
        verb="subject restrict --json",
        about="What is shown to nobody now.",
        fields={
            "request": ("text", "id, for `subject lift`"),
            "since": ("text", "ISO 8601"),
            "tokens": ("int", "values denied everywhere"),
            "documents": ("int", "documents denied as a whole"),
            "places": ("int", "shared values denied in single documents"),
        },
    ),
}
