"""What a replay found: of each part whether it is the same, and where not, why. Without content."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

Verdict = Literal["same", "same-set", "differs", "not-run", "not-deterministic", "gone", "not-kept"]
"""``same``: byte by byte, or chunk by chunk in the same order. ``same-set``: the same chunks in another order.
``not-run``: could not be done again, for the causes given. ``not-deterministic``: a model may write another text each
time. ``gone``: what it is made of is destroyed, for the causes given; what is left is the same. ``not-kept``: there
never was such a part, or it was not kept."""

Whole = Literal["same", "differs", "cannot"]

Cause = Literal[
    "policy", "encoder", "chunker", "language", "index", "graph", "history", "moment", "documents", "access",
    "restricted", "prompt", "generator", "version", "evidence", "erased", "purged", "unknown",
]  # fmt: skip
"""Why something is not the same. ``policy``: masked under another policy or by another detector. ``encoder``: another
embedding model. ``chunker``: cut otherwise. ``language``: stemmed in another language. ``index``: the log does not tell
which generation answered, or how it was built. ``graph``: the graph of a large generation is approximate; here every
chunk is compared. ``history``: of a time before the window of history, or outside it since. ``moment``: documents
changed while it searched. ``documents``: changed or deleted since, and not kept. ``access``: who could see what is not
in the log. ``restricted``: a person in it is restricted now. ``prompt``: another template. ``generator``: another one,
another model or other parameters. ``version``: another ragkit. ``evidence``: what is kept is not what the log commits
to. ``erased``, ``purged``: destroyed with a person, or by age."""

_DESTROYED: frozenset[Cause] = frozenset({"erased", "purged"})

_NAMED = {
    "policy": "the masking policy or a detector is another one now",
    "encoder": "the embedding model is another one now",
    "chunker": "the chunker or its settings are others now",
    "language": "words are stemmed in another language now",
    "index": "the log does not tell how the generation that answered was built",
    "graph": "the graph of so large a generation is approximate; here every chunk was compared",
    "history": "the time is outside the window of history",
    "moment": "documents were being changed in the very moment of the search, which may have seen some of both",
    "documents": "documents were changed or deleted since and are not kept",
    "access": "the log does not tell what the asker could see",
    "restricted": "a person in it is restricted now",
    "prompt": "the prompt template is another one now",
    "generator": "the generator, its model or its parameters are others now",
    "version": "ragkit is another version now",
    "evidence": "what is kept is not what the log commits to: it was altered",
    "erased": "destroyed with the keys of a person or document",
    "purged": "destroyed by age or retention",
    "unknown": "nothing that is known has changed",
}


_REASONS = {
    "erasure": "erased, with a person who stood in it",
    "document": "erased, with a document that had to go",
    "request": "erased, at an officer's word",
    "age": "expired: its evidence was kept as long as it had to be",
    "missing": "no evidence was kept of it",
}


def reasoned(reason: str) -> str:
    """Return a reason in words."""
    return _REASONS.get(reason, reason)


def named(cause: str) -> str:
    """Return a cause in words."""
    return _NAMED.get(cause, cause)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One part of an answer, then and now.

    Attributes:
        name: ``evidence``, ``retrieval``, ``passages``, ``prompt``, ``request_body`` or ``answer``.
        verdict: Whether it is the same.
        causes: Where it is not, why.
        then: The commitment of the log to it, or how many chunks.
        now: The same, made from what was rebuilt.
        bytes_then: How long it was.
        bytes_now: How long the rebuilt one is.
    """

    name: str
    verdict: Verdict
    causes: tuple[Cause, ...] = ()
    then: str = ""
    now: str = ""
    bytes_then: int = 0
    bytes_now: int = 0

    @property
    def lacks(self) -> bool:
        """Whether this is a search that finds something else only because what it searched in is destroyed."""
        other = self.name == "retrieval" and self.verdict in ("same-set", "differs")
        return other and bool(self.causes) and _DESTROYED.issuperset(self.causes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """One chunk that was found then, or is found now as of then.

    Attributes:
        rank_then: Its place then, from 1; 0 for none.
        rank_now: Its place in the replay; 0 for none, or where none was run.
        score_then: Fused score in millionths.
        score_now: Likewise.
        fate: ``current``, ``past``, ``erased``, ``purged`` or ``unknown``: what became of this version.
        text: Whether its text is what it was: ``same``, ``differs``, ``gone``, ``not-kept``.
    """

    chunk: int
    doc: str
    version: int
    rank_then: int = 0
    rank_now: int = 0
    score_then: int = 0
    score_now: int = 0
    fate: str = "unknown"
    text: Verdict = "not-kept"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Something that is another one now, whether it made a difference or not.

    Attributes:
        what: ``policy``, ``encoder``, ``chunker``, ``language``, ``index``, ``prompt``, ``generator``, ``version``,
            ``config`` or ``documents``, ``access``, counted in chunks of the answer.
        then: Fingerprint, version or number.
        now: Likewise.
    """

    what: str
    then: str
    now: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """A replayed answer.

    Attributes:
        request: Its id.
        collection: Where it was asked.
        asked: When the search began.
        actor: Who asked, as a keyed hash.
        generator: Which answered; empty for a search.
        generation: Number of the generation that was searched, 0 for the record store.
        reason: Why it cannot be replayed: ``erasure``, ``document``, ``age``, ``request``, ``missing``; or empty.
        parts: In the order in which an answer comes to be.
        passages: Those found then, best first, then those found only now.
        changes: What is another one now.
        contents: Content by part, then and now, for officers who asked for it; else empty.
    """

    request: str
    collection: str
    asked: datetime
    actor: str
    generator: str
    generation: int
    reason: str = ""
    parts: tuple[Part, ...] = ()
    passages: tuple[Passage, ...] = ()
    changes: tuple[Change, ...] = ()
    contents: Mapping[str, tuple[bytes, bytes]] = field(default_factory=dict, repr=False)

    @property
    def whole(self) -> Whole:
        """``same``: all that can be made again is. ``cannot``: nothing differs, but what is needed is gone.

        A search whose words and vectors are in part destroyed ranks what is left by what is left: where it finds
        something else for that reason alone, it could not be made again.
        """
        worse = {"gone" if part.lacks else part.verdict for part in self.parts} - _WELL
        if self.reason or worse == {"gone"}:
            return "cannot"
        return "differs" if worse else "same"

    @property
    def exit_code(self) -> int:
        """0 same, 1 differs, 2 cannot be replayed: it, or something of what it was made from, is destroyed."""
        return ("same", "differs", "cannot").index(self.whole)

    def part(self, name: str) -> Part:
        """Return a part by its name. Raises ``KeyError``."""
        return {part.name: part for part in self.parts}[name]

    @property
    def causes(self) -> tuple[Cause, ...]:
        """All causes, each once."""
        return tuple(dict.fromkeys(cause for part in self.parts for cause in part.causes))

    @property
    def codes(self) -> dict[str, int]:
        """Verdicts and causes as counts, for the event."""
        found = [f"{part.name}.{part.verdict}" for part in self.parts]
        found += [f"cause.{cause}" for cause in self.causes]
        found += [f"reason.{self.reason}"] if self.reason else []
        return dict(Counter(found))


_WELL: frozenset[Verdict] = frozenset({"same", "not-deterministic", "not-kept"})


def together(causes: Iterable[Cause]) -> tuple[Cause, ...]:
    """Each cause once, in order."""
    return tuple(dict.fromkeys(causes))
