"""The records that travel between the stages, in the order in which data flows.

Three types hold unmasked text: :class:`SourceItem`, :class:`Document` and :class:`RawQuestion`. They exist only on
the way to the masker; their ``repr`` shows no content. Everything after takes :class:`MaskedDocument`,
:class:`MaskedQuestion`, :class:`Chunk` and :class:`Hit`, whose text is :data:`Masked`. A stage that accepts a raw
type where a masked one is due does not pass mypy; ``tests/typing`` holds code that must not.

Offsets are in characters (Python string indices), half-open, never bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from ragkit.completions import Account as Account
from ragkit.completions import Checks as Checks
from ragkit.completions import Completion as Completion
from ragkit.completions import Conversation as Conversation
from ragkit.completions import Message as Message
from ragkit.completions import ModelCall as ModelCall
from ragkit.completions import Reply as Reply
from ragkit.completions import TokenUsage as TokenUsage
from ragkit.completions import Turn as Turn
from ragkit.evidence import Evidence as Evidence
from ragkit.items import UNKNOWN as UNKNOWN
from ragkit.items import Change as Change
from ragkit.items import Checkpoint as Checkpoint
from ragkit.items import Delete as Delete
from ragkit.items import Listed as Listed
from ragkit.items import Provenance as Provenance
from ragkit.items import SourceItem as SourceItem
from ragkit.items import Trust as Trust
from ragkit.items import Unlisted as Unlisted
from ragkit.items import Upsert as Upsert
from ragkit.principals import DataClass as DataClass
from ragkit.principals import Location as Location
from ragkit.principals import Principal as Principal
from ragkit.spans import NOTHING
from ragkit.spans import Findings as Findings
from ragkit.spans import Masked as Masked
from ragkit.spans import MaskedSpan as MaskedSpan
from ragkit.spans import MaskedText as MaskedText
from ragkit.spans import Reading as Reading
from ragkit.spans import RulingRow as RulingRow
from ragkit.spans import Span as Span
from ragkit.spans import VaultRow as VaultRow

# --- what a parser makes ---------------------------------------------------------------------------------------


class BlockKind(StrEnum):
    """What a stretch of a document is."""

    HEADING = "heading"
    PARAGRAPH = "paragraph"
    LIST_ITEM = "list-item"
    TABLE = "table"
    CODE = "code"


@dataclass(frozen=True, slots=True)
class Block:
    """A stretch ``text[start:end]`` of a parsed document. Blocks are in order and do not overlap.

    Attributes:
        level: Heading level from 1; 0 for other kinds.
        page: Page number from 1, ``None`` where the format has none. For a spreadsheet, the sheet's position.
        header_end: For a table, the offset where its header rows end; every piece of a split table repeats
            ``text[start:header_end]``. Equal to ``start`` for a table without a header; 0 for other kinds.
    """

    kind: BlockKind
    start: int
    end: int
    level: int = 0
    page: int | None = None
    header_end: int = 0


@dataclass(frozen=True, slots=True)
class Notice:
    """Something a reader of the sync summary should know about one document, without content.

    ``code`` is one of ``no-text-layer`` (a page that is only an image), ``hidden-text`` (removed),
    ``encoding-guessed``, ``truncated``, ``part-skipped``, ``read-as-text`` (its format could not be), ``no-text``,
    ``bad-text-layer`` (garbled), ``ocr`` (read by OCR), ``ocr-unsure``, ``ocr-left`` (not reached); ``count`` how
    often; ``where`` pages or parts from 1.
    """

    code: str
    count: int = 1
    where: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A parsed item. Raw: goes to the masker and nowhere else.

    Attributes:
        text: The whole text, blocks separated by blank lines, tables as Markdown. Citations point into it.
        blocks: Structure over ``text``.
        title: Best title found, never empty; the file name when nothing better is there.
    """

    text: str
    blocks: tuple[Block, ...]
    title: str
    name: str
    media_type: str
    uri: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    notices: tuple[Notice, ...] = ()

    def __repr__(self) -> str:
        return f"Document({len(self.text)} characters, {len(self.blocks)} blocks, {self.media_type})"


# --- masking ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class MaskedDocument:
    """A document after masking: text, title, name, URI and metadata alike.

    Attributes:
        blocks: As parsed; their offsets are in the *source* text, mapped with ``text.to``.
        policy: Fingerprint of the policy and detectors that masked it.
        counts: How many spans of each entity type were masked, over all parts.
        mentions: Numbers of the vault's keyed hashes of the values in it, so that a question recognises only what its
            asker may read.
        people: For each person of whom several values stand together here (a row, a form, a signature, a name beside an
            e-mail address), the numbers of those values. A value may belong to several people.
        erased: The requests of erased people who are redacted in it.
        findings: How it was found.
    """

    text: MaskedText
    blocks: tuple[Block, ...]
    title: MaskedText
    name: MaskedText
    media_type: str
    policy: str
    uri: MaskedText | None = None
    metadata: Mapping[str, MaskedText] = field(default_factory=dict)
    notices: tuple[Notice, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    mentions: frozenset[int] = frozenset()
    people: tuple[frozenset[int], ...] = ()
    erased: frozenset[str] = frozenset()
    findings: Findings = field(default_factory=Findings)


@dataclass(frozen=True, slots=True)
class RawQuestion:
    """A question as typed. Raw: goes to the masker and nowhere else. ``history`` holds earlier turns, oldest first."""

    text: str
    history: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"RawQuestion({len(self.text)} characters)"


@dataclass(frozen=True, slots=True)
class MaskedQuestion:
    """A question after masking by the same vault as the collection; nothing was inserted into the vault.

    Attributes:
        readings: Other ways to read the text, for the search: ``will`` as a name, each who ``G. Yalman`` may be.
        ambiguous: How many mentions of each entity type fit several values that the asker may read about.
        findings: How the personal data in it was found.
    """

    text: MaskedText
    collection: str
    policy: str
    history: tuple[MaskedText, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    readings: tuple[Reading, ...] = ()
    ambiguous: Mapping[str, int] = field(default_factory=dict)
    findings: Findings = field(default_factory=Findings)


# --- indexing and retrieval ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """A piece of a masked document that fits the encoder's window.

    Attributes:
        ordinal: Position in its document, from 0.
        record: Body in the record view; what a reader sees.
        index: Body in the index view.
        source_start: Where the body begins in the parsed source text.
        source_end: Where it ends.
        context_index: Title, headings or table header put before the body for the rankers, index view; may be empty.
        context_record: Table header rows to show above a piece of a split table, record view; mostly empty.
        heading: The headings above, outermost first, joined by ``" > "``, record view; may be empty. Where the body
            begins with headings, they are among them.
        headings: For each heading in the body, where it begins in ``record`` and the headings from there on, in order.
        page: Page of the first character, where the format has pages.
        spans: Masked spans of the body. All offsets count from the start of the body in their view.
    """

    ordinal: int
    record: Masked
    index: Masked
    source_start: int
    source_end: int
    context_index: Masked = NOTHING
    context_record: Masked = NOTHING
    heading: Masked = NOTHING
    headings: tuple[tuple[int, Masked], ...] = ()
    page: int | None = None
    spans: tuple[MaskedSpan, ...] = ()

    def heading_at(self, position: int) -> Masked:
        """The headings above ``record[position]``: a chunk may hold several short sections."""
        return next((path for start, path in reversed(self.headings) if start <= position), self.heading)

    @property
    def embedded(self) -> Masked:
        """What is embedded and lexically indexed."""
        return Masked(f"{self.context_index}\n{self.index}") if self.context_index else self.index

    def source_range(self, start: int, end: int) -> tuple[int, int]:
        """Map ``record[start:end]`` to a character range of the parsed source text."""
        body = MaskedText(self.record, self.index, self.spans)
        first = body.to("source", start, came_from="record")
        last = body.to("source", end, came_from="record", end=True)
        return self.source_start + first, self.source_start + last


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A retrieved chunk that this principal may see, re-checked in the record store.

    Attributes:
        chunk_id: The record store's number for the chunk.
        doc_id: Opaque document id.
        version: Version of the document, from 1.
        score: Fused score in 0..1, comparable within one result only.
        dense: Cosine similarity, ``None`` when the dense ranker did not return it.
        lexical: BM25 score, ``None`` likewise.
        title: Document title, record view.
        uri: Where a person finds it at the source, record view.
        before: Record view of the chunk before, for the prompt; may be empty.
        after: Record view of the chunk after.
        provenance: Which source it comes from, and how far that is trusted.
    """

    chunk_id: int
    doc_id: str
    version: int
    chunk: Chunk
    score: float
    title: Masked
    uri: Masked | None = None
    dense: float | None = None
    lexical: float | None = None
    before: Masked = NOTHING
    after: Masked = NOTHING
    metadata: Mapping[str, Masked] = field(default_factory=dict)
    provenance: Provenance = UNKNOWN


# --- answering -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Citation:
    """Where a statement comes from. ``start`` and ``end`` are characters of the parsed source text.

    ``marker`` is the number in the answer, from 1; ``quote`` the cited sentence in the record view,
    ``source`` the name of the source it comes from.
    """

    marker: int
    doc_id: str
    version: int
    chunk_id: int
    title: Masked
    start: int
    end: int
    quote: Masked
    uri: Masked | None = None
    page: int | None = None
    heading: Masked = NOTHING
    source: str = ""


@dataclass(frozen=True, slots=True)
class GenerationRequest:
    """What a generator is given: the masked question, the hits, best first, and their most sensitive data class.

    ``conversation`` holds earlier turns and aliases; ``principal`` is whose budget it is, never sent.
    """

    question: MaskedQuestion
    hits: tuple[Hit, ...]
    data_class: DataClass
    conversation: Conversation = field(default_factory=Conversation)
    request_id: str = ""
    principal: Principal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Generation:
    """What a generator returns. A refusal has no citations, and a ``reason``: ``no-hits``, ``weak-support`` or another.

    ``checks`` and ``account`` are those of generators with a model behind them.
    """

    text: Masked
    citations: tuple[Citation, ...] = ()
    refused: bool = False
    reason: str = ""
    support: float = 0.0
    checks: Checks = field(default_factory=Checks)
    account: Account = field(default_factory=Account)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The answer to a question, masked until revealed to somebody entitled.

    Attributes:
        text: Record view, with ``[1]`` markers.
        citations: One a marker.
        refused: True when support was too weak; ``text`` then says so.
        support: 0..1, how well the hits support the answer; the generator's own estimate.
        hits: What was retrieved, best first.
        request_id: Joins the events of this question in the recorder.
        ambiguous: How many mentions in the question fit several values, by entity type.
    """

    text: Masked
    citations: tuple[Citation, ...]
    refused: bool
    reason: str
    support: float
    hits: tuple[Hit, ...]
    question: MaskedText
    collection: str
    request_id: str
    timings_ms: Mapping[str, float] = field(default_factory=dict)
    ambiguous: Mapping[str, int] = field(default_factory=dict)
    checks: Checks = field(default_factory=Checks)
    account: Account = field(default_factory=Account)
