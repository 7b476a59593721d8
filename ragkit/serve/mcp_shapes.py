"""What the tools of the Model Context Protocol return. Everything in it is masked, in the record view."""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, Field

from ragkit.documents.views import DocumentView, PassagePage
from ragkit.types import Answer, Citation, Hit


class Passage(BaseModel):
    """A passage that was found."""

    document: str = Field(description="Id of its document; `get_document` takes it.")
    title: str = Field(description="Title of the document.")
    heading: str = Field(description="The headings above it, outermost first; may be empty.")
    page: int | None = Field(description="Page, where the format has pages.")
    text: str = Field(description="The passage, masked.")
    score: float = Field(description="Between 0 and 1; compares passages of this result only.")

    @classmethod
    def of(cls, hit: Hit) -> Self:
        """Return a hit as a passage; a piece of a table with its header."""
        chunk = hit.chunk
        text = f"{chunk.context_record}\n{chunk.record}" if chunk.context_record else chunk.record
        return cls(
            document=hit.doc_id, title=hit.title, heading=chunk.heading, page=chunk.page, text=text, score=hit.score
        )


class Found(BaseModel):
    """What a search found."""

    passages: list[Passage] = Field(description="Best first.")


class Source(BaseModel):
    """Where a statement of an answer comes from."""

    marker: int = Field(description="The number in the answer: `[1]`.")
    document: str = Field(description="Id of the document; `get_document` takes it.")
    title: str = Field(description="Its title.")
    heading: str = Field(description="The headings above, outermost first; may be empty.")
    page: int | None = Field(description="Page, where the format has pages.")
    quote: str = Field(description="The sentence cited, masked.")

    @classmethod
    def of(cls, cited: Citation) -> Self:
        """Return a citation."""
        return cls(
            marker=cited.marker,
            document=cited.doc_id,
            title=cited.title,
            heading=cited.heading,
            page=cited.page,
            quote=cited.quote,
        )


class Answered(BaseModel):
    """An answer, or a refusal."""

    answered: bool = Field(description="False: the documents do not answer it, and `text` says so.")
    text: str = Field(description="The answer with markers, masked; or the refusal.")
    reason: str = Field(description="Why it was refused, a stable word; empty for an answer.")
    sources: list[Source] = Field(description="One a marker; none for a refusal.")
    support: float = Field(description="Between 0 and 1: how well the passages support it.")
    request: str = Field(description="Id of this question in the service's event log.")

    @classmethod
    def of(cls, answer: Answer) -> Self:
        """Return an answer."""
        return cls(
            answered=not answer.refused,
            text=answer.text,
            reason=answer.reason,
            sources=[Source.of(cited) for cited in answer.citations],
            support=answer.support,
            request=answer.request_id,
        )


class DocumentPassage(BaseModel):
    """A stretch of a document."""

    heading: str = Field(description="The headings above it, outermost first; may be empty.")
    page: int | None = Field(description="Page, where the format has pages.")
    text: str = Field(description="Its text, masked.")


class DocumentText(BaseModel):
    """A document, or a part of it."""

    document: str = Field(description="Its id.")
    title: str = Field(description="Its title.")
    collection: str = Field(description="Where it is.")
    version: int = Field(description="Rises when the document changes; 0 while it waits to be taken in.")
    changed: str = Field(description="When this version was made, ISO 8601, UTC.")
    passages: list[DocumentPassage] = Field(description="In order; neighbours may overlap by a sentence.")
    cursor: str = Field(description="Goes on after them; empty at the end.")

    @classmethod
    def of(cls, view: DocumentView, page: PassagePage) -> Self:
        """Return a document with some of its passages."""
        return cls(
            document=view.doc_id,
            title=view.title,
            collection=view.collection,
            version=view.version,
            changed=view.changed_at,
            passages=[DocumentPassage(heading=one.heading, page=one.page, text=one.text) for one in page.passages],
            cursor=page.cursor,
        )
