"""The owner's side: the collection in clear, for the scorer and for the unmasked baseline, and the provider's prompts.

Everything here needs the root key and the collection's ``reveal``; every clear text read is in the audit log.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ragkit.attack.loot import Loot
from ragkit.attack.people import KnownPerson, Terms
from ragkit.attack.postings import Postings
from ragkit.attack.prompts import Prompt
from ragkit.errors import ChunkTooLong, EvaluationError
from ragkit.types import Masked, RawQuestion

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ragkit.build import OpenCollection
    from ragkit.protocols import Embedder, Progress
    from ragkit.workspace import Workspace

_CHUNK, _DOCUMENT = "\x1e", "\x1d"  # ASCII's own separators; they stand in no parsed text
_EMBEDDED_AT_ONCE = 256
_QUESTIONS = ("What did we last agree with {}?", "Which documents do we hold about {}?")
_HITS = 3


@dataclass(frozen=True, slots=True)
class ClearDocument:
    """One document with its values put back: everything beside the text, and the text of each chunk."""

    header: str = field(repr=False)
    chunks: tuple[str, ...] = field(repr=False)

    @property
    def text(self) -> str:
        """All of it."""
        return "\n".join((self.header, *self.chunks))


def read_clear(
    workspace: Workspace,
    part: OpenCollection,
    doc_ids: Sequence[str],
    *,
    purpose: str,
    progress: Progress | None = None,
) -> list[ClearDocument]:
    """Read documents in clear, in this order. Whatever was redacted or made coarser stays so.

    Raises:
        AccessDenied: The principal may not see masked values, or gave no purpose.
        AuditUnavailable: The access could not be recorded.
    """
    masked = _masked(part, doc_ids, progress)
    pieces = workspace.reveal_stream(masked, purpose=purpose, collection=part.name)
    found = []
    for text in _split(pieces):
        header, *chunks = text.split(_CHUNK)
        found.append(ClearDocument(header, tuple(chunks)))
    if len(found) != len(doc_ids):
        raise EvaluationError("the documents changed while they were read", remedy="Run it again after the sync.")
    return found


def _masked(part: OpenCollection, doc_ids: Sequence[str], progress: Progress | None) -> Iterator[str]:
    for number, doc_id in enumerate(doc_ids, start=1):
        stored = part.store.stored(doc_id)
        pieces: list[str] = []
        if stored is not None:
            header = stored.header
            values = [value[0] for value in (header.title, header.name, header.uri, *header.metadata.values()) if value]
            pieces = ["\n".join(values), *("\n".join(filter(None, (c.heading, c.record))) for c in stored.chunks)]
        clean = (piece.replace(_CHUNK, " ").replace(_DOCUMENT, " ") for piece in pieces)
        yield _CHUNK.join(clean) + _DOCUMENT
        if progress is not None:
            progress("read", number, len(doc_ids))


def _split(pieces: Iterator[str]) -> Iterator[str]:
    waiting = ""
    for piece in pieces:
        waiting += piece
        if _DOCUMENT in piece:
            *whole, waiting = waiting.split(_DOCUMENT)
            yield from whole


# --- the same collection, unmasked ------------------------------------------------------------------------------------


def unmasked_loot(
    documents: Sequence[ClearDocument],
    doc_ids: Sequence[str],
    embedder: Embedder,
    terms: Terms,
    *,
    language: str,
    progress: Progress | None = None,
) -> Loot:
    """What a thief would have of the same documents without masking: made in memory, written nowhere."""
    import numpy as np

    owners = [place for place, one in enumerate(documents) for _ in one.chunks]
    texts = [chunk for one in documents for chunk in one.chunks]
    vectors = []
    for at in range(0, len(texts), _EMBEDDED_AT_ONCE):
        vectors.append(_embed(embedder, texts[at : at + _EMBEDDED_AT_ONCE]))
        if progress is not None:
            progress("embed", min(at + _EMBEDDED_AT_ONCE, len(texts)), len(texts))
    found = ((term, place) for place, one in enumerate(documents) for term in set(terms(one.text)))
    return Loot(
        documents=tuple(doc_ids),
        chunk_documents=np.array(owners, dtype=np.int32),
        vectors=np.concatenate(vectors) if vectors else np.zeros((0, embedder.dimension), dtype=np.float32),
        terms=Postings(found, documents=len(documents)),
        numbers=Postings((), documents=len(documents)),
        values={},
        groups=(),
        language=language,
    )


def _embed(embedder: Embedder, texts: Sequence[str]) -> NDArray[np.float32]:
    """Embed; a chunk that is longer in clear than the encoder's window is cut by halves until it fits."""
    import numpy as np

    whole = [Masked(text or " ") for text in texts]
    try:
        return np.asarray(embedder.embed(whole), dtype=np.float32)
    except ChunkTooLong:
        if len(texts) > 1:
            half = len(texts) // 2
            return np.concatenate([_embed(embedder, texts[:half]), _embed(embedder, texts[half:])])
        return _embed(embedder, [texts[0][: max(1, len(texts[0]) * 3 // 4)]])


# --- a provider's prompts ---------------------------------------------------------------------------------------------


def provider_prompts(
    workspace: Workspace, part: OpenCollection, people: Mapping[int, KnownPerson]
) -> tuple[list[Prompt], list[Prompt], dict[str, str]]:
    """Two conversations about each of these people, as the record view would go to a provider.

    Returns:
        The questions alone, the questions with the first three hits each, and who each conversation is about.
    """
    alone, whole, about = [], [], {}
    principal = workspace.config.workspace.principal
    part.masker.load()
    for turn, template in enumerate(_QUESTIONS):
        asked = [template.format(person.name) for person in people.values()]
        found = workspace.search_many(asked, k=_HITS, collection=part.name)
        for number, question, hits in zip(people, asked, found, strict=True):
            masked = part.masker.mask_question(RawQuestion(question), principal=principal).text.record
            name = f"{turn}-{number}"
            alone.append(Prompt(name, masked))
            whole.append(Prompt(name, "\n\n".join([masked, *(f"{hit.title}\n{hit.chunk.record}" for hit in hits)])))
            about[name] = str(number)
    return alone, whole, about
