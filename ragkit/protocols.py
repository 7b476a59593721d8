"""The contracts between the parts: one verb each, on one page.

A part that needs heavy libraries or files takes plain values in its constructor and does the rest in ``load()``,
which may be called any number of times. A stage never imports another stage: what it needs of another, it is given as
one of these.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from ragkit.errors import ItemError
from ragkit.model_protocols import ChatModel as ChatModel
from ragkit.model_protocols import Door as Door
from ragkit.model_protocols import ReplyStream as ReplyStream
from ragkit.model_protocols import Scanner as Scanner
from ragkit.types import (
    Change,
    Chunk,
    Document,
    Evidence,
    Generation,
    GenerationRequest,
    Hit,
    Location,
    Masked,
    MaskedDocument,
    MaskedQuestion,
    Principal,
    RawQuestion,
    SourceItem,
    Span,
    VaultRow,
)

if TYPE_CHECKING:  # numpy alone is 80 modules; `import ragkit` stays under 150
    import numpy as np
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]
    """Row-wise unit vectors, shape (n, dimension), float32."""


@runtime_checkable
class Connector(Protocol):
    """Reads a source. Knows nothing of formats, masking or indexes.

    ``changes(None)`` starts from the beginning, ``changes(cursor)`` goes on after the checkpoint that carried the
    cursor. The stream ends with a checkpoint.

    Raises:
        SourceError: The source cannot be read at all. Never for one bad item: leave that to the parser.
    """

    def changes(self, cursor: str | None) -> Iterator[Change]: ...


@runtime_checkable
class Fetches(Protocol):
    """A connector that yields :class:`ragkit.types.Listed` also reads the items that are asked for.

    ``fetch`` yields them in any order; those that are gone by now are left out, those that cannot be read carry a
    ``problem``.

    Raises:
        SourceError: The source cannot be read at all.
    """

    def fetch(self, native_ids: Sequence[str]) -> Iterator[SourceItem]: ...


@runtime_checkable
class Permits(Protocol):
    """A connector whose permissions can be read without its items, as those that report changes only must.

    ``permissions`` yields the native id and the access tokens of every item, ``None`` for the collection's; one that it
    does not name may be seen by nobody.

    Raises:
        SourceError: The permissions cannot be read; nothing is changed by what came before.
    """

    def permissions(self) -> Iterator[tuple[str, frozenset[str] | None]]: ...


@runtime_checkable
class Probes(Protocol):
    """A connector that can tell whether its source is there without reading it, for ``ragkit sources test``.

    ``probe`` returns what it saw in a line for people, such as ``4 folders``: numbers and the source's own terms, no
    names of items.

    Raises:
        SourceError: The source cannot be read.
    """

    def probe(self) -> str: ...


class Parser(Protocol):
    """Turns bytes into a document, in a process of its own.

    Raises:
        ItemError: This item cannot be read; ``code`` says why.
    """

    def parse(self, item: SourceItem) -> Document: ...


class Detector(Protocol):
    """Finds personal data. Spans may overlap; the resolver decides.

    ``fingerprint`` changes whenever the output could.
    """

    @property
    def name(self) -> str: ...

    @property
    def fingerprint(self) -> str: ...

    def load(self) -> None: ...

    def detect(self, texts: Sequence[str]) -> list[list[Span]]: ...


class VaultTable(Protocol):
    """Where the vault of one collection keeps its rows: sealed values by keyed hash. Implemented by the record store.

    ``value_mac``, ``token`` and ``surrogate_mac`` are each unique in a collection by database constraint. ``insert``
    takes part in the caller's current write transaction. ``named`` finds at most ``limit`` rows by one of their
    ``names``; ``seen`` tells which of these numbers stand among the ``mentions`` of a document in one of these access
    classes, and ``classes_for`` in which a principal may read. ``epoch`` is another number when keys of values were
    destroyed, by any process: what was read before must be forgotten.
    ``denied`` gives the ids of the tokens that nobody is shown.
    """

    def epoch(self) -> int: ...

    def by_mac(self, macs: Collection[bytes]) -> dict[bytes, VaultRow]: ...

    def by_token(self, tokens: Collection[str]) -> dict[str, VaultRow]: ...

    def surrogates_taken(self, surrogate_macs: Collection[bytes]) -> set[bytes]: ...

    def named(self, name: int, limit: int) -> list[VaultRow]: ...

    def classes_for(self, principal: Principal) -> frozenset[int]: ...

    def seen(self, numbers: Collection[int], classes: Collection[int]) -> set[int]: ...

    def denied(self) -> frozenset[str]: ...

    def insert(self, rows: Sequence[VaultRow]) -> None: ...


class Masker(Protocol):
    """The only way from raw to masked, for one collection.

    ``mask`` may allocate tokens: they stay pending in memory until ``flush`` inserts them through the vault table,
    which the pipeline calls inside the transaction that stores the documents. ``mask_question`` inserts nothing, and
    recognises only values that stand in documents which the principal may read.

    Raises:
        SecretFound, ItemRefused: The policy refuses this document.
        MaskingError: Masking could not be done.
    """

    @property
    def policy(self) -> str: ...

    def load(self) -> None: ...

    def mask(self, documents: Sequence[Document]) -> list[MaskedDocument | ItemError]: ...

    def mask_question(self, question: RawQuestion, *, principal: Principal) -> MaskedQuestion: ...

    def flush(self) -> None: ...

    def discard(self) -> None: ...


class Chunker(Protocol):
    """Cuts a masked document by the length of its index view; masked spans are never cut."""

    @property
    def fingerprint(self) -> str: ...

    def load(self) -> None: ...

    def chunk(self, document: MaskedDocument) -> list[Chunk]: ...


class Embedder(Protocol):
    """Turns masked text into unit vectors.

    ``embed`` is for bulk and may load a heavy library; ``embed_question`` answers one short text fast.

    Raises:
        ChunkTooLong: A text has more word pieces than ``max_tokens``.
        ModelError: The weights are absent or not the pinned ones.
    """

    @property
    def fingerprint(self) -> str: ...

    @property
    def dimension(self) -> int: ...

    @property
    def max_tokens(self) -> int: ...

    def load(self) -> None: ...

    def count_tokens(self, texts: Sequence[Masked]) -> list[int]: ...

    def embed(self, texts: Sequence[Masked]) -> Vectors: ...

    def embed_question(self, text: Masked) -> NDArray[np.float32]: ...


class IndexRow(Protocol):
    """One chunk as the index reads it from the record store: ``vector`` is float32, ``text`` is ``Chunk.embedded``."""

    @property
    def chunk_id(self) -> int: ...

    @property
    def access_class(self) -> str: ...

    @property
    def vector(self) -> NDArray[np.float32]: ...

    @property
    def text(self) -> Masked: ...


class IndexSource(Protocol):
    """The record store, as the index sees it: live chunks of one collection, in order of ``chunk_id``.

    ``chunk_id`` only grows and is never used again, so "everything after n" is the delta of a generation built
    through n. ``policy`` is the fingerprint under which they were masked; empty where that is not known.
    """

    @property
    def policy(self) -> str: ...

    def last_chunk_id(self) -> int: ...

    def rows(self, *, after: int = 0, through: int | None = None, with_text: bool = True) -> Iterator[IndexRow]: ...

    def live(self, chunk_ids: Collection[int]) -> set[int]: ...

    def count_live(self) -> int: ...


class CandidateSearch(Protocol):
    """Rankers: ``(chunk_id, score)`` best first, from the given access classes only. No classes, no candidates.

    ``only`` narrows a search to these chunks. ``lexical_bound`` is the lexical score that no chunk can exceed for this
    text.
    ``generation`` is the number of the index that answers, 0 while exact search over the record store does; ``through``
    the last chunk number that it looked at.
    """

    @property
    def generation(self) -> int: ...

    @property
    def through(self) -> int: ...

    def search_dense(
        self, vector: NDArray[np.float32], k: int, classes: Collection[str], *, only: Collection[int] | None = None
    ) -> list[tuple[int, float]]: ...

    def search_lexical(
        self, text: Masked, k: int, classes: Collection[str], *, only: Collection[int] | None = None
    ) -> list[tuple[int, float]]: ...

    def lexical_bound(self, text: Masked) -> float: ...


class HitSource(Protocol):
    """The authoritative check: the record store joins candidates with document status, access list and filters.

    ``classes_for`` lists the access classes a principal may see. ``hits`` returns, keyed by chunk id, only chunks that
    are live, visible to the principal *by the access list itself* and match the filters; ranking fields keep their
    defaults.
    """

    def classes_for(self, principal: Principal) -> frozenset[str]: ...

    def hits(
        self, chunk_ids: Sequence[int], *, principal: Principal, filters: Mapping[str, str] | None = None
    ) -> dict[int, Hit]: ...

    def filtered_ids(self, filters: Mapping[str, str], *, principal: Principal) -> frozenset[int] | None: ...


class Retriever(Protocol):
    """Question in, re-checked hits out, best first. ``retrieve_many`` gives the same for each, embedded together.

    ``request`` joins the event with the others of the same question, ``session`` with those of the same dialogue.
    """

    def retrieve(
        self,
        question: MaskedQuestion,
        *,
        k: int,
        principal: Principal,
        filters: Mapping[str, str] | None = None,
        request: str | None = None,
        session: str = "",
    ) -> list[Hit]: ...

    def retrieve_many(
        self,
        questions: Sequence[MaskedQuestion],
        *,
        k: int,
        principal: Principal,
        filters: Mapping[str, str] | None = None,
        request: str | None = None,
    ) -> list[list[Hit]]: ...


@runtime_checkable
class Generator(Protocol):
    """Writes the answer from the hits. ``location`` decides what may be sent to it.

    ``stream`` yields the answer's text in pieces, record view, as soon as each may be shown, and last the
    :class:`Generation`; the pieces joined are its ``text``.

    Raises:
        GenerationError: The generator failed; the subclass says how.
        EgressRefused: Policy does not let the call leave; nothing was sent.
        BudgetExceeded: Nothing is left to spend.
    """

    @property
    def name(self) -> str: ...

    @property
    def location(self) -> Location: ...

    def load(self) -> None: ...

    def generate(self, request: GenerationRequest) -> Generation: ...

    def stream(self, request: GenerationRequest) -> Iterator[Masked | Generation]: ...


class Recorder(Protocol):
    """Takes events without content: ids, counts, types, versions, keyed hashes. See ``ragkit.audit.schema``.

    With ``evidence``, what the event was about goes to the evidence store, encrypted, and the event holds a commitment
    to it; a recorder without an evidence store drops it.

    Raises:
        AuditUnavailable: In ``required`` mode, when the event is not durable.
    """

    def record(
        self,
        kind: str,
        *,
        outcome: str = "ok",
        reason: str = "",
        request: str | None = None,
        actor: Principal | None = None,
        data: Mapping[str, Any] | None = None,
        session: str = "",
        evidence: Evidence | None = None,
    ) -> None: ...

    def flush(self) -> None: ...


Progress = Callable[[str, int, int | None], None]
"""Called with a stage name, items done and items in all (``None`` while unknown)."""
