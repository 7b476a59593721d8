"""Answers and passages as JSON: masked, or in clear by one recorded reveal."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from ragkit.auth.callers import Caller
from ragkit.backends.estimate import estimate_tokens
from ragkit.generate.citing import MARK, cited, mark, without_marks
from ragkit.generate.sentences import sentences
from ragkit.types import Answer, Citation, Hit
from ragkit.workspace import Workspace

_SEPARATOR = "\x1e"
_MARKER = re.compile(r"\[(\d{1,4})\]")

CITATION: dict[str, Any] = {
    "marker": 1,
    "document": "6fa3c1d2e4b5a697",
    "version": 1,
    "title": "Warranty",
    "heading": "Warranty > Tents",
    "page": 2,
    "uri": "handbook/warranty.pdf",
    "start": 24,
    "end": 79,
    "quote": "The warranty on every tent lasts five years from purchase.",
}


class CitationBody(BaseModel):
    """Where a statement comes from."""

    model_config = ConfigDict(title="Citation", json_schema_extra={"examples": [CITATION]})

    marker: int = Field(description="The number in the answer: `[1]`.")
    document: str = Field(description="Id of the document.")
    version: int = Field(description="Version of the document, from 1.")
    title: str = Field(description="Its title.")
    heading: str = Field(description="The headings above, outermost first; may be empty.")
    page: int | None = Field(description="Page, where the format has pages.")
    uri: str | None = Field(description="Where a person finds it at the source.")
    start: int = Field(description="Where the quote begins, in characters of the document's text.")
    end: int = Field(description="Where it ends.")
    quote: str = Field(description="The words cited.")


class SentenceBody(BaseModel):
    """A sentence of an answer, with the numbers of its citations."""

    model_config = ConfigDict(title="Sentence")

    text: str = Field(description="Without markers.")
    citations: list[int] = Field(description="Markers of what it is taken from.")


class UsageBody(BaseModel):
    """Tokens of the generator."""

    model_config = ConfigDict(title="AnswerUsage")

    input_tokens: int
    output_tokens: int
    estimated: bool = Field(description="Whether ragkit estimated them, since nobody counted.")


class AnswerBody(BaseModel):
    """An answer with its citations."""

    model_config = ConfigDict(title="Answer")

    text: str = Field(description="The answer with `[1]` markers; a refusal says so in words.")
    sentences: list[SentenceBody] = Field(description="The answer by sentences.")
    citations: list[CitationBody] = Field(description="One a marker.")
    refused: bool = Field(description="Whether the documents do not answer the question.")
    reason: str = Field(description="Why it was refused, a word; empty for an answer.")
    support: float = Field(description="0..1: how well the passages support the answer, by the generator's estimate.")
    collection: str
    request_id: str = Field(description="Of this answer: what `/v1/feedback` and the audit log know it by.")
    conversation: str | None = Field(None, description="Id of the dialogue, if it belongs to one.")
    ambiguous: dict[str, int] = Field(
        description="Mentions in the question that fit several values, by entity type: ask back."
    )
    generator: str = Field(description="Who answered, by the name in the service's configuration.")
    location: Literal["in-process", "on-prem", "managed", "remote"] = Field(description="Where that runs.")
    usage: UsageBody
    revealed: bool = Field(False, description="Whether masked values are shown in clear.")


class HitBody(BaseModel):
    """A passage that was found."""

    model_config = ConfigDict(title="Hit")

    document: str = Field(description="Id of the document.")
    version: int = Field(description="Version of the document, from 1.")
    title: str = Field(description="Its title.")
    heading: str = Field(description="The headings above, outermost first; may be empty.")
    page: int | None = Field(description="Page, where the format has pages.")
    uri: str | None = Field(description="Where a person finds it at the source.")
    source: str = Field(description="Name of the source it comes from.")
    trust: str = Field(description="How far that is trusted: `trusted`, `internal` or `external`.")
    start: int = Field(description="Where the passage begins, in characters of the document's text.")
    end: int = Field(description="Where it ends.")
    text: str = Field(description="The passage, masked; a piece of a table with its header.")
    score: float = Field(description="0..1; compares passages of this result only.")

    @classmethod
    def of(cls, hit: Hit) -> HitBody:
        """Return a hit as JSON."""
        chunk = hit.chunk
        return cls(
            document=hit.doc_id,
            version=hit.version,
            title=hit.title,
            heading=chunk.heading,
            page=chunk.page,
            uri=hit.uri,
            source=hit.provenance.source,
            trust=hit.provenance.trust.value,
            start=chunk.source_start,
            end=chunk.source_end,
            text=f"{chunk.context_record}\n{chunk.record}" if chunk.context_record else chunk.record,
            score=round(min(max(hit.score, 0.0), 1.0), 6),
        )


def sentences_of(text: str, markers: Sequence[int]) -> list[SentenceBody]:
    """Return the sentences of an answer with the markers of each."""
    known = set(markers)

    def marked(found: re.Match[str]) -> str:
        number = int(found[1])
        return mark(number) if number in known else found[0]

    parts = sentences(_MARKER.sub(marked, MARK.sub("", text)))
    made = [SentenceBody(text=without_marks(part).strip(), citations=cited(part)) for part in parts]
    kept: list[SentenceBody] = []
    for one in made:
        if one.text:
            kept.append(one)
        elif kept and one.citations:  # markers that stand by themselves belong to what is before them
            kept[-1].citations = list(dict.fromkeys([*kept[-1].citations, *one.citations]))
    return kept


def usage_of(answer: Answer) -> UsageBody:
    """Return the tokens of an answer: as the server counted them, else an estimate of what was asked and said."""
    usage = answer.account.usage
    if usage.input or usage.output:
        return UsageBody(input_tokens=usage.input, output_tokens=usage.output, estimated=usage.estimated)
    return UsageBody(
        input_tokens=estimate_tokens(answer.question.record),
        output_tokens=estimate_tokens(answer.text),
        estimated=True,
    )


def answer_body(answer: Answer, *, conversation: str | None = None) -> AnswerBody:
    """Return an answer as JSON, masked."""
    return AnswerBody(
        text=answer.text,
        sentences=sentences_of(answer.text, [one.marker for one in answer.citations]),
        citations=[_citation(one) for one in answer.citations],
        refused=answer.refused,
        reason=answer.reason,
        support=round(min(max(answer.support, 0.0), 1.0), 6),
        collection=answer.collection,
        request_id=answer.request_id,
        conversation=conversation,
        ambiguous=dict(answer.ambiguous),
        generator=answer.account.backend or "extractive",
        location=answer.account.location.value,
        usage=usage_of(answer),
    )


def reveal_answer(workspace: Workspace, caller: Caller, body: AnswerBody, *, purpose: str) -> AnswerBody:
    """Return an answer in clear, by one recorded reveal.

    Raises:
        AccessDenied: The collection's ``reveal`` does not name the caller.
        ApprovalNeeded: A second officer has to approve it first.
        AuditUnavailable: It could not be recorded, so nothing is shown.
    """
    places: list[tuple[Any, str]] = [(body, "text"), *((one, "text") for one in body.sentences)]
    places += [(one, name) for one in body.citations for name in ("title", "heading", "quote", "uri")]
    places = [(one, name) for one, name in places if getattr(one, name)]
    masked = [getattr(one, name) for one, name in places]

    def reveal(text: str) -> str:
        return workspace.reveal(text, purpose=purpose, principal=caller.principal, collection=body.collection)

    clear = reveal(_SEPARATOR.join(masked)).split(_SEPARATOR)
    if len(clear) != len(masked):  # a value holds the separator itself
        clear = [reveal(text) for text in masked]
    for (one, name), text in zip(places, clear, strict=True):
        setattr(one, name, text)
    body.revealed = True
    return body


def _citation(one: Citation) -> CitationBody:
    return CitationBody(
        marker=one.marker,
        document=one.doc_id,
        version=one.version,
        title=one.title,
        heading=one.heading,
        page=one.page,
        uri=one.uri,
        start=one.start,
        end=one.end,
        quote=one.quote,
    )
