"""How answers used a document: what a blast radius is made of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Ended = Literal["released", "refused", "abandoned", "unfinished", "search"]
"""How a question ended: its answer was given, was a refusal, was left in the middle, has no end in the log, or none was
asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Departure:
    """A prompt that left, or may have left, for a destination.

    Attributes:
        destination: As declared in ``ragkit.toml``; the generator's name where no gateway saw it.
        location: ``on-prem``, ``managed`` or ``remote``.
        bytes: Of the request, 0 where no gateway saw it.
        ts: When.
    """

    destination: str
    location: str
    bytes: int
    ts: str


@dataclass(slots=True, kw_only=True)
class Use:
    """One question whose search found the document.

    Attributes:
        request: Joins its events; empty for a search in bulk.
        ts: When the search was done, RFC 3339 in UTC.
        actor: Who asked, as a keyed hash.
        session: Of which dialogue; empty if none.
        collection: Where.
        ranks: Places of the document's chunks in the result, from 1.
        versions: Versions of it that were found.
        chunks: Numbers of the chunks that were found.
        prompted: Whether the prompt held one of them; ``None`` where the log does not say, as for a call that failed.
        cited: Whether the answer cites it.
        generator: Which answered; empty for a search.
        ended: How it ended.
        left: Where prompts of this question went, or may have gone.
        reviews: Verdicts of people who looked at the answer, oldest first.
    """

    request: str
    ts: str
    actor: str
    session: str
    collection: str
    ranks: tuple[int, ...]
    versions: tuple[int, ...]
    chunks: tuple[int, ...]
    prompted: bool | None = False
    cited: bool = False
    generator: str = ""
    ended: Ended = "search"
    left: list[Departure] = field(default_factory=list)
    reviews: list[str] = field(default_factory=list)

    @property
    def by(self) -> Literal["retrieved", "prompted", "cited"]:
        """The farthest that the document is known to have come."""
        return "cited" if self.cited else "prompted" if self.prompted else "retrieved"

    @property
    def answered(self) -> bool:
        """Whether text of an answer was given, a refusal apart."""
        return self.ended in ("released", "abandoned")


@dataclass(frozen=True, slots=True, kw_only=True)
class BlastRadius:
    """All uses of a document.

    Attributes:
        doc: Its opaque id; empty where a chunk was asked for and never found.
        chunk: The chunk that was asked for, 0 for the whole document.
        version: The version that was asked for, 0 for all.
        uses: Oldest first.
        holes: Events by which the log says that something is missing from it, by type.
    """

    doc: str
    chunk: int
    version: int
    uses: tuple[Use, ...]
    holes: Mapping[str, int] = field(default_factory=dict)

    @property
    def totals(self) -> dict[str, int]:
        """Counts of what was done with it.

        ``questions``; ``answers``, where text was given; ``prompted``, ``cited``, ``left``; ``actors``,
        ``destinations``; ``reviewed``; ``unreviewed``, which cite or may hold it and at which nobody looked.
        """
        answers = [use for use in self.uses if use.answered]
        exposed = [use for use in answers if use.cited or use.prompted is not False]
        return {
            "questions": len(self.uses),
            "answers": len(answers),
            "prompted": sum(use.prompted is True for use in self.uses),
            "cited": sum(use.cited for use in self.uses),
            "left": sum(bool(use.left) for use in self.uses),
            "actors": len({use.actor for use in self.uses}),
            "destinations": len(self.destinations),
            "reviewed": sum(bool(use.reviews) for use in self.uses),
            "unreviewed": sum(not use.reviews for use in exposed),
        }

    @property
    def destinations(self) -> dict[str, int]:
        """To how many of these questions' prompts each destination was named, by its name."""
        return dict(Counter(name for use in self.uses for name in {one.destination for one in use.left}))
