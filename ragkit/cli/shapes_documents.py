"""The ``--json`` output of ``documents``; ``ragkit.cli.shapes`` lists it with the others."""

from __future__ import annotations

from collections.abc import Mapping

from ragkit.cli.shape import Shape

DOCUMENTS: Mapping[str, Shape] = {
    "documents": Shape(
        verb="documents list --json",
        about="Some documents that the caller may see, masked.",
        fields={
            "documents": ("list of document", "in the order of their ids"),
            "cursor": ("text or null", "for `--cursor`; null at the end"),
        },
    ),
    "document_shown": Shape(
        verb="documents show --json",
        about="A document and some of its passages, masked.",
        fields={
            "document": ("document", "what is known of it"),
            "passages": ("list of passage", "in their order"),
            "cursor": ("text or null", "for `--cursor`; null at the end"),
        },
    ),
    "document_added": Shape(
        verb="documents add --json",
        about="A document that was handed in.",
        fields={
            "doc_id": ("text", "its opaque id; the same again for the same `--external-id`"),
            "status": ("text", "`indexed`, or `waiting` for the next sync while somebody else writes"),
            "version": ("int", "of what answers; 0 while it waits"),
            "chunks": ("int", "passages; 0 while it waits"),
        },
    ),
    "document_deleted": Shape(
        verb="documents delete --json",
        about="A document that was deleted: nobody finds it any more, and nothing opens its original.",
        fields={
            "doc_id": ("text", "its opaque id"),
            "finished": ("true or false", "false where its rows go with the next sync only"),
        },
    ),
    "document": Shape(
        about="A document, masked.",
        fields={
            "doc_id": ("text", "opaque id"),
            "collection": ("text", "where it is"),
            "source": ("text", "name of its source"),
            "connector": ("text", "what reads the source; `uploads` for what was handed in"),
            "title": ("text", "masked; empty while it waits"),
            "media_type": ("text", "as the bytes say"),
            "version": ("int", "of what answers; counts up with each change"),
            "chunks": ("int", "passages"),
            "indexed_at": ("text", "when this content was first taken in, ISO 8601"),
            "changed_at": ("text", "when the version that answers was made, ISO 8601"),
            "metadata": ("object", "masked metadata"),
            "original": ("text", "`kept` here encrypted, `destroyed` with a person it named, or `elsewhere`"),
            "status": ("text", "`indexed` or `waiting`"),
        },
    ),
    "passage": Shape(
        about="A stretch of a document, masked.",
        fields={
            "chunk_id": ("int", "its number, as in hits and citations"),
            "place": ("int", "its place in the document, from 0"),
            "heading": ("text", "masked headings above"),
            "text": ("text", "masked text"),
            "page": ("int or null", "page, from 1"),
        },
    ),
}
