"""What ``/v1/documents`` takes and gives: the shapes of its requests and replies."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from ragkit.documents.views import DocumentView, Original, Passage, Status


class DocumentBody(BaseModel):
    """A document, masked."""

    model_config = ConfigDict(title="Document")

    id: str = Field(description="Opaque; as `document` in hits and citations.")
    collection: str
    source: str = Field(description="Name of its source.")
    connector: str = Field(description="What reads the source; `uploads` for what was handed in here.")
    title: str = Field(description="Masked; empty while it waits.")
    media_type: str = Field(description="As the bytes say.")
    version: int = Field(description="Of what answers; counts up with each change.")
    passages: int = Field(description="How many it has.")
    indexed_at: str = Field(description="When this content was first taken in, ISO 8601.")
    changed_at: str = Field(description="When the version that answers was made.")
    metadata: dict[str, str] = Field(description="Masked.")
    original: Original = Field(
        description="`kept` here, encrypted; `destroyed` with a person whom it named; or `elsewhere`, at its source."
    )
    status: Status = Field(description="`waiting` until it is indexed.")

    @classmethod
    def of(cls, view: DocumentView) -> DocumentBody:
        """Return the body for a document."""
        return cls(
            id=view.doc_id,
            collection=view.collection,
            source=view.source,
            connector=view.connector,
            title=str(view.title),
            media_type=view.media_type,
            version=view.version,
            passages=view.chunks,
            indexed_at=view.indexed_at,
            changed_at=view.changed_at,
            metadata={key: str(value) for key, value in view.metadata.items()},
            original=view.original,
            status=view.status,
        )


class DocumentsBody(BaseModel):
    """Some documents."""

    model_config = ConfigDict(title="Documents")

    documents: list[DocumentBody] = Field(description="In the order of their ids; only those the caller may see.")
    cursor: str | None = Field(description="Give it to get the next page; null at the end.")


class PassageBody(BaseModel):
    """A stretch of a document, masked."""

    model_config = ConfigDict(title="Passage")

    passage: int = Field(description="Its number, as in hits and citations; another when the document changes.")
    place: int = Field(description="Its place in the document, from 0.")
    heading: str
    text: str
    page: int | None

    @classmethod
    def of(cls, one: Passage) -> PassageBody:
        """Return the body for a passage."""
        return cls(passage=one.passage, place=one.place, heading=str(one.heading), text=str(one.text), page=one.page)


class PassagesBody(BaseModel):
    """Some passages of a document, in order."""

    model_config = ConfigDict(title="Passages")

    passages: list[PassageBody]
    cursor: str | None = Field(description="Give it to get the next page; null at the end.")


class UploadedBody(BaseModel):
    """A document that was handed in and is indexed."""

    model_config = ConfigDict(title="Uploaded")

    id: str
    collection: str
    source: str
    version: int
    passages: int


FORM: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "A form with the part `file`; `collection` and `source` stand before it. All fields may stand "
        "as one JSON object in the part `document`. Or the document itself as the body, with its Content-Type.",
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {
                        "collection": {"type": "string", "description": "Where to; by default the only one."},
                        "source": {"type": "string"},
                        "name": {"type": "string", "description": "By default the file's name."},
                        "title": {"type": "string"},
                        "access": {"type": "array", "items": {"type": "string"}},
                        "metadata": {"type": "object", "additionalProperties": {"type": "string"}},
                        "external_id": {"type": "string"},
                        "wait": {"type": "boolean", "default": True},
                        "document": {"$ref": "#/components/schemas/DocumentFields"},
                        "file": {"type": "string", "format": "binary"},
                    },
                },
                "encoding": {
                    "metadata": {"contentType": "application/json"},
                    "document": {"contentType": "application/json"},
                },
            },
            "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
        },
    }
}
"""The body of ``POST /v1/documents``, for the API description: FastAPI does not read it."""
