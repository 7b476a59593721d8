"""The bodies of the chat and of the desk: what a page sends and reads."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from ragkit.desk.feedback import Feedback, Reason
from ragkit.desk.records import Entry, Kind, Role, Status

CLOSED = ConfigDict(extra="forbid")
MESSAGE: dict[str, Any] = {
    "id": "5f0c1f7e8b9a4d2c8e7f6a5b4c3d2e1f",
    "seq": 2,
    "role": "assistant",
    "at": "2026-11-22T10:15:30+00:00",
    "kind": "answer",
    "text": "The warranty on every tent lasts five years from purchase. [1]",
    "sentences": [{"text": "The warranty on every tent lasts five years from purchase.", "sources": [1]}],
    "sources": [{"marker": 1, "passage": "2-1", "title": "Warranty", "heading": "Warranty > Tents", "page": None}],
    "quick_replies": [],
    "feedback": None,
}


class Sentence(BaseModel):
    """A sentence of an answer and the markers of its sources; joined, the texts are the answer without markers."""

    text: str
    sources: list[int] = []


class Source(BaseModel):
    """Where a statement comes from."""

    marker: int
    passage: str = Field(description="For `GET …/passages/{passage}`.")
    title: str
    heading: str = ""
    page: int | None = None


class Thumb(BaseModel):
    """What the customer thinks of an answer."""

    rating: str
    reason: str = ""


class MessageBody(BaseModel):
    """A message of a conversation; its text is masked."""

    model_config = ConfigDict(title="ChatMessage", json_schema_extra={"examples": [MESSAGE]})

    id: str
    seq: int = Field(description="Position in the conversation, from 1.")
    role: Role
    at: str = Field(description="When, ISO 8601.")
    kind: Kind
    text: str
    sentences: list[Sentence] = []
    sources: list[Source] = []
    quick_replies: list[str] = []
    feedback: Thumb | None = None


class ConversationBody(BaseModel):
    """A conversation as its customer reads it."""

    model_config = ConfigDict(title="ChatConversation")

    id: str
    status: Status = Field(description="Who answers next.")
    messages: list[MessageBody] = []


class DisclosureBody(BaseModel):
    """What a visitor is shown before the first answer."""

    text: str
    version: str


class GeneratorBody(BaseModel):
    """Who writes the answers, and where it runs."""

    name: str
    location: str


class VisitBody(BaseModel):
    """What the page needs to begin."""

    model_config = ConfigDict(title="ChatVisit")

    title: str
    disclosure: DisclosureBody
    quick_replies: list[str]
    generator: GeneratorBody
    feedback_reasons: list[str]


class NothingBody(BaseModel):
    """An empty object."""

    model_config = CLOSED | ConfigDict(title="Nothing", json_schema_extra={"examples": [{}]})


class BeginBody(BaseModel):
    """Begin a conversation."""

    model_config = CLOSED | ConfigDict(title="ChatBegin", json_schema_extra={"examples": [{"disclosure": "1"}]})

    disclosure: str = Field(max_length=40, description="Version of the disclosure that was shown.")


class TextBody(BaseModel):
    """What somebody typed."""

    model_config = CLOSED | ConfigDict(
        title="ChatText", json_schema_extra={"examples": [{"text": "How long is the warranty on a tent?"}]}
    )

    text: str


class ThumbBody(BaseModel):
    """What the customer thinks of an answer."""

    model_config = CLOSED | ConfigDict(
        title="ChatFeedback", json_schema_extra={"examples": [{"rating": "down", "reason": "outdated"}]}
    )

    rating: Literal["up", "down"]
    reason: Reason = ""
    comment: str = ""


class ContactBody(BaseModel):
    """How a customer wants to be reached."""

    model_config = CLOSED | ConfigDict(title="ChatHandoff", json_schema_extra={"examples": [{}]})

    contact: str = Field("", description="A telephone number or an address; shown to entitled agents alone.")


class PassageBody(BaseModel):
    """A cited passage; `text[start:end]` is what is quoted, or nothing where that cannot be told any more."""

    model_config = ConfigDict(title="ChatPassage")

    title: str
    heading: str
    page: int | None
    before: str
    text: str
    after: str
    start: int
    end: int


class PreviewBody(BaseModel):
    """A message as the model would be given it, and where that is."""

    model_config = ConfigDict(title="ChatPreview")

    text: str
    entities: dict[str, int]
    leaves: bool = Field(description="Whether anything of it may leave the machine.")
    generator: str
    location: str
    destination: str = Field(description="Host that it would be sent to; empty in process.")


def message_body(entry: Entry, *, thumb: Feedback | None = None, text: str | None = None) -> MessageBody:
    """Return a message for a page.

    Args:
        entry: As it is kept.
        thumb: Feedback on it.
        text: In place of its masked text: an agent's words for the customer they were written to.
    """
    content = entry.content
    sources = [{**one, "passage": f"{entry.seq}-{one['passage']}"} for one in content.get("sources", ())]
    return MessageBody(
        id=entry.id,
        seq=entry.seq,
        role=entry.role,
        at=iso(entry.at),
        kind=entry.kind,
        text=entry.text if text is None else text,
        sentences=[Sentence(**one) for one in content.get("sentences", ())],
        sources=[Source(**one) for one in sources],
        quick_replies=list(content.get("quick_replies", ())),
        feedback=Thumb(rating=thumb.rating, reason=thumb.reason) if thumb else None,
    )


def iso(at: int) -> str:
    """Return a time in milliseconds since 1970 as ISO 8601."""
    return datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="seconds")
