"""What people write by hand, as generators: the top chunk is the answer, always or where its cosine is high."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ragkit.types import Citation, Generation, GenerationRequest, Hit, Location, Masked


def top_cosine(hits: Sequence[Hit]) -> float:
    """The highest cosine of the hits; 0 where the dense ranker gave none."""
    return max((hit.dense for hit in hits if hit.dense is not None), default=0.0)


class TopChunk:
    """Answers with the first chunk as it is; refuses where the best cosine is below ``threshold``.

    Its estimate of support is that cosine.
    """

    location = Location.IN_PROCESS

    def __init__(self, name: str, threshold: float = 0.0) -> None:
        self.name = name
        self.threshold = threshold

    def load(self) -> None:
        """Nothing to load."""

    def generate(self, request: GenerationRequest) -> Generation:
        """The chunk and its citation, or a refusal."""
        support = top_cosine(request.hits)
        if not request.hits or support < self.threshold:
            return Generation(text=Masked("I do not know."), refused=True, reason="threshold", support=support)
        hit = request.hits[0]
        citation = Citation(
            marker=1,
            doc_id=hit.doc_id,
            version=hit.version,
            chunk_id=hit.chunk_id,
            title=hit.title,
            start=hit.chunk.source_start,
            end=hit.chunk.source_end,
            quote=hit.chunk.record,
        )
        return Generation(text=Masked(f"{hit.chunk.record} [1]"), citations=(citation,), support=support)

    def stream(self, request: GenerationRequest) -> Iterator[Masked | Generation]:
        """All at once."""
        generation = self.generate(request)
        yield generation.text
        yield generation


def best_threshold(scores: Sequence[float], answerable: Sequence[bool]) -> float:
    """The cosine at which refusing below it has the best refusal F1 (mean of F1 of refusing and of answering)."""
    best, chosen = -1.0, 0.0
    can, cannot = sum(answerable), len(answerable) - sum(answerable)
    for threshold in sorted({0.0, *scores}):
        refused = [score < threshold for score in scores]
        right = sum(no and not able for no, able in zip(refused, answerable))
        kept = sum(not no and able for no, able in zip(refused, answerable))
        said, silent = refused.count(False), refused.count(True)
        f1 = (right / max(silent + cannot, 1)) + (kept / max(said + can, 1))  # twice each, halved
        if f1 > best:
            best, chosen = f1, threshold
    return chosen
