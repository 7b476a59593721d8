"""The way of a model's text to the reader, piece by piece.

Reasoning is left out, aliases become record tokens, markup is made safe, citation markers become marks, a refusal is
held back, tokens that were never handed out lose their form, sentences are cut and judged, and what is shown gets its
markers. Each stage holds back only what it cannot tell yet, so any cut of the text gives the same answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Literal, Protocol

from ragkit.completions import Finish
from ragkit.generate.aliases import AliasBook, AliasStream, DisarmStream
from ragkit.generate.checking import SupportChecker
from ragkit.generate.citing import MarkerStream, Renumbering
from ragkit.generate.packing import Source
from ragkit.generate.pieces import WHOLE
from ragkit.generate.refusing import RefusalGate
from ragkit.generate.sanitise import SanitiseStream
from ragkit.generate.sentences import SentenceStream
from ragkit.generate.thinking import ThinkingStream
from ragkit.types import Checks, Citation, Masked

UNSUPPORTED = " [unsupported]"
"""Put after a sentence that its sources do not support, where the policy is to mark."""

CUT_OFF = " …"
"""Put after an answer that was cut off in the middle of its only sentence."""


class Stage(Protocol):
    """One stage: what goes in is given back, changed, as soon as it can be told."""

    def feed(self, piece: str) -> str: ...

    def flush(self) -> str: ...


class AnswerStream:
    """Turns the text of one answer into what may be shown.

    Args:
        sources: As they were packed.
        book: The aliases of the conversation.
        checker: Judges the sentences.
        unsupported: What happens to a sentence that its sources do not support.
    """

    def __init__(
        self,
        sources: Sequence[Source],
        book: AliasBook,
        checker: SupportChecker,
        *,
        unsupported: Literal["keep", "mark", "remove"],
    ) -> None:
        self._sources = sources
        self._book = book
        self._checker = checker
        self._policy = unsupported
        self._thinking = ThinkingStream()
        self._sanitised = SanitiseStream(self._stands_in_sources)
        self._markers = MarkerStream(len(sources))
        self._gate = RefusalGate()
        self._stages: tuple[Stage, ...] = (
            AliasStream(book),
            self._sanitised,
            self._markers,
            self._gate,
            DisarmStream(book),
        )
        self._sentences = SentenceStream()
        self._numbers = Renumbering()
        self._raw: list[str] = []
        self._last = ""  # the last character shown
        self._blank = ""  # blank space that is shown when something follows
        self._removed = False  # whether the last sentence was
        self._judged = self._supported = self._figures = 0

    def __repr__(self) -> str:
        return f"AnswerStream({self._policy}, {self._judged} sentences judged)"

    def feed(self, piece: str) -> str:
        """Return all that can be shown by now, record view."""
        return self._read(self._thinking.feed(piece))

    def finish(self, finish: Finish) -> str:
        """Return the rest, as no more comes. Of a text that the token limit cut, a half sentence is left out."""
        shown = [self._read(self._thinking.flush())]
        for number, stage in enumerate(self._stages):
            shown.append(self._go_on(stage.flush(), number + 1))
        shown += self._end(cut=finish == "length")
        return "".join(shown)

    @property
    def empty(self) -> bool:
        """Whether the model wrote nothing that is meant for a reader."""
        return not any(piece.strip() for piece in self._raw)

    @property
    def reason(self) -> str:
        """Why this is a refusal; empty if it is none. To be asked at the end."""
        if self._gate.refused or (self._gate.sentinel and not self._last):
            return "model"
        return "unsupported" if self._removed and not self._last else ""

    @property
    def supported_share(self) -> float:
        """Share in 0..1 of the sentences that are supported, of those that state something."""
        return self._supported / self._judged if self._judged else float(bool(self._numbers.sources))

    def checks(self) -> Checks:
        """Return what was found wrong. To be asked at the end."""
        return Checks(
            invented_citations=self._markers.invented,
            unsupported_sentences=self._judged - self._supported,
            unsupported_numbers=self._figures,
            sanitised=self._sanitised.removed,
            unknown_tokens=self._book.count_unknown("".join(self._raw)),
        )

    def citations(self) -> tuple[Citation, ...]:
        """Return one citation for each marker that was shown. To be asked at the end."""
        return tuple(self._cite(source, marker) for marker, source in enumerate(self._numbers.sources, start=1))

    # --- the stages --------------------------------------------------------------------------------------------

    def _read(self, text: str) -> str:
        if text:
            self._raw.append(text)
        return self._go_on(text, 0)

    def _go_on(self, text: str, first: int) -> str:
        for stage in self._stages[first:]:
            if not text:
                return ""
            text = stage.feed(text)
        found = self._sentences.feed(text) if text else []
        if self._policy == "keep":
            for sentence in found:
                self._judge(sentence)
            return self._show(text)
        return "".join(self._told(sentence) for sentence in found)

    def _end(self, *, cut: bool) -> list[str]:
        if self._policy == "keep":
            for sentence in self._sentences.flush():
                self._judge(sentence)
            return [self._show(CUT_OFF)] if cut and self._last else []
        whole = self._sentences
        rest = whole.flush(whole=cut)
        shown = [self._told(sentence) for sentence in rest]
        if cut and not self._last and not self._removed and whole.half.strip():
            shown += [self._told(whole.half), self._show(CUT_OFF)]
        return shown

    # --- sentences ---------------------------------------------------------------------------------------------

    def _told(self, sentence: str) -> str:
        if not sentence.strip():
            return ""
        if self._judge(sentence):
            return self._show(sentence)
        if self._policy == "mark":
            return self._show(sentence) + self._show(UNSUPPORTED)
        self._removed = True
        return ""

    def _judge(self, sentence: str) -> bool:
        if not sentence.strip():
            return True
        verdict = self._checker.judge(sentence)
        self._judged += verdict.judged
        self._supported += verdict.judged and verdict.supported
        self._figures += self._checker.unsupported_figures(sentence)
        return verdict.supported

    def _show(self, text: str) -> str:
        """Write what is shown: numbered, without blank space at the ends, and nothing joined to a link or a word."""
        text = self._blank + self._numbers.show(text)
        bare = text.rstrip()
        self._blank = text[len(bare) :]
        if not self._last:
            bare = bare.lstrip()
        if not bare:
            return ""
        joined = self._last + bare[0]
        if joined in ("](", "![") or (self._removed and self._last and not bare[0].isspace()):
            bare = " " + bare
        self._last, self._removed = bare[-1], False
        return bare

    # --- citations ---------------------------------------------------------------------------------------------

    def _cite(self, number: int, marker: int) -> Citation:
        """The passage that says best what was cited; further ones of the same chunk where they stand close by."""
        source = self._sources[number - 1]
        found = self._checker.stated_in(number)
        hit = found[0].hit if found and found[0].hit else source.hits[0]
        start, end = (found[0].piece.start, found[0].piece.end) if found else (0, len(hit.chunk.record))
        for other in found[1:]:
            first, last = min(start, other.piece.start), max(end, other.piece.end)
            if other.hit is hit and last - first <= WHOLE:
                start, end = first, last
        place = hit.chunk.source_range(start, end)
        return Citation(
            marker=marker,
            doc_id=hit.doc_id,
            version=hit.version,
            chunk_id=hit.chunk_id,
            title=hit.title,
            start=place[0],
            end=place[1],
            quote=Masked(hit.chunk.record[start:end]),
            uri=hit.uri,
            source=hit.provenance.source,
            page=hit.chunk.page,
            heading=hit.chunk.heading_at(start),
        )

    @cached_property
    def _supplied(self) -> str:
        return "\n".join(one.text for one in self._sources)

    def _stands_in_sources(self, address: str) -> bool:
        return address in self._supplied
