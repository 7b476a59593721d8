"""One answer made again, part by part: evidence, retrieval, passages, prompt, request, answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

from ragkit.audit.evidence_forms import read_questions
from ragkit.compliance.replay_causes import REMADE, Why
from ragkit.compliance.replay_changes import changes_since
from ragkit.compliance.replay_passages import blank, hits_of, moved_since, passages_of
from ragkit.compliance.replay_prompt import (
    answer_again,
    has_model,
    hits_then,
    request_then,
    rewrite,
    same_answer,
    template_now,
    texts_of,
)
from ragkit.compliance.replay_report import Cause, Change, Part, Passage, Replay, Verdict, together
from ragkit.compliance.replay_search import PastSearches, Searched
from ragkit.retrieve.dialogue import with_history

if TYPE_CHECKING:
    from ragkit.audit.evidence_forms import Asked
    from ragkit.build import OpenCollection
    from ragkit.compliance.replay_evidence import Kept
    from ragkit.compliance.replay_log import Recorded
    from ragkit.types import GenerationRequest, Hit

_GONE = frozenset({"erased", "purged", "unknown"})

_ANSWERING: tuple[Cause, ...] = ("encoder", "generator")
"""What an extractive answer depends on besides its passages."""


class AnswerReplay:
    """The replay of one answer.

    Args:
        found: What the log tells of it.
        part: Its collection, as it is now.
        kept: Its evidence.
        searches: Searches as of then.
        configs: The parts of each configuration there was: :func:`~ragkit.compliance.replay_changes.configs_of`.
        classes: What the asker could see; ``None`` where nothing tells.
        software: What stands in events now.
        contents: Keep what was compared in the result.
    """

    def __init__(
        self,
        found: Recorded,
        part: OpenCollection,
        kept: Kept,
        *,
        searches: PastSearches,
        configs: Mapping[str, Mapping[str, str]],
        classes: frozenset[str] | None,
        software: Mapping[str, str],
        contents: bool,
    ) -> None:
        self._found = found
        self._part = part
        self._evidence = kept
        self._searches = searches
        self._configs = configs
        self._classes = classes
        self._software = software
        self._keeps = contents
        self._contents: dict[str, tuple[bytes, bytes]] = {}
        self._changes: list[Change] = []

    def run(self) -> Replay:
        """Make it again, part by part."""
        found, evidence = self._found, self._evidence
        first = evidence.first("question")
        if first is None or evidence.first("retrieved") is None:
            altered = Part(name="evidence", verdict="differs", causes=("evidence",))
            return replace(blank(found), parts=(altered,))
        asked = read_questions(first)[0]
        changes = self._changes_since(asked)
        self._changes += changes
        searched = self._search(asked)
        there = hits_of(self._part, found)
        if searched.hits is not None:
            there |= {hit.chunk_id: hit for hit in searched.hits}
        texts = texts_of(evidence.first("retrieved") or b"[]")
        passages = tuple(passages_of(found, self._part, there, searched.hits or (), texts))
        parts = [self._evidence_part(), self._retrieval(searched, passages)]
        if texts or not found.found:
            parts.append(self._passage_part(passages))
        if found.ending or found.prompts:
            parts += self._told(asked, there, passages)
        changes += moved_since(self._part, passages)
        return replace(
            blank(found),
            parts=tuple(parts),
            passages=passages,
            changes=tuple(changes),
            contents=self._contents,
        )

    @cached_property
    def _why(self) -> Why:
        return Why.of(self._found, self._part, self._changes, software=self._software)

    # --- the parts -------------------------------------------------------------------------------------------------

    def _evidence_part(self) -> Part:
        evidence, committed = self._evidence, self._found.committed
        sound = not evidence.altered and not evidence.missing
        kept = sum(map(len, evidence.parts.values()))
        return Part(
            name="evidence",
            verdict="same" if sound else "differs",
            causes=() if sound else ("evidence",),
            then=f"{len(committed)} parts",
            now=f"{kept - evidence.altered} parts",
            bytes_then=sum(one.length for one in committed),
            bytes_now=sum(len(one) for some in evidence.parts.values() for one in some),
        )

    def _search(self, asked: Asked) -> Searched:
        classes = self._classes
        if classes is None:
            return Searched(hits=None, causes=("access",))
        question = with_history(asked.question, turns=len(asked.question.history))
        return self._searches.search(self._found, question, k=asked.k, classes=classes, filters=asked.filters)

    def _retrieval(self, searched: Searched, passages: Sequence[Passage]) -> Part:
        then = [one.chunk for one in self._found.found]
        made = Part(name="retrieval", verdict="same", then=f"{len(then)} chunks")
        if searched.hits is None:
            return replace(made, verdict="not-run", causes=searched.causes)
        now = [hit.chunk_id for hit in searched.hits]
        made = replace(made, now=f"{len(now)} chunks")
        if then == now:
            return made
        causes = [*searched.causes, *self._why.passages(passages)]
        if self._found.generation == 0 and "language" in self._why.changed:
            causes.append("language")
        causes = [one for one in causes if one != "documents" or not self._why.changed.intersection(REMADE)]
        gone = {one.chunk for one in passages if one.rank_then and one.fate in _GONE} - set(now)
        left = [chunk for chunk in then if chunk not in gone]
        verdict: Verdict = "same-set" if sorted(then) == sorted(now) else "differs"
        if "history" in causes or (gone and [chunk for chunk in now if chunk in left] == left):
            verdict = "gone"  # what is left is in the same order
        return replace(made, verdict=verdict, causes=together(causes) or (self._why.unexplained(),))

    def _passage_part(self, passages: Sequence[Passage]) -> Part:
        mine = [one for one in passages if one.rank_then]
        same = sum(one.text == "same" for one in mine)
        made = Part(name="passages", verdict="same", then=f"{len(mine)} passages", now=f"{same} the same")
        if same == len(mine):
            return made
        gone = all(one.text != "differs" for one in mine)
        causes = together(self._why.passages(mine)) or (self._why.unexplained(),)
        return replace(made, verdict="gone" if gone else "differs", causes=causes)

    def _told(self, asked: Asked, there: Mapping[int, Hit], passages: Sequence[Passage]) -> Iterator[Part]:
        """Prompt, request and answer, from the passages of then in their order of then."""
        found, evidence = self._found, self._evidence
        prompt, body = evidence.last("prompt"), evidence.last("request_body")
        hits = hits_then(there, evidence.first("retrieved") or b"[]")
        why = together(self._why.passages(passages)) or (self._why.unexplained(),)
        if hits is None:
            for name in ("prompt", "request_body", "answer"):
                if evidence.last(name) is not None:
                    yield self._part_of(name, "gone", why)
            return
        request = request_then(asked, hits, data_class=self._data_class(), request=found.request, prompt=prompt)
        if prompt is not None:
            generator = str(found.prompts[-1].get("generator", found.generator))
            again = rewrite(
                self._part.answering, generator, request, prompt, streamed=found.streamed, body=body is not None
            )
            causes = again.causes or self._why.prompt(again.template, passages)
            yield self._compared("prompt", prompt, again.prompt, causes)
            if body is not None:
                yield self._compared("request_body", body, again.body, causes)
        yield from self._answer(request, passages)

    def _answer(self, request: GenerationRequest, passages: Sequence[Passage]) -> Iterator[Part]:
        then = self._evidence.last("answer")
        if then is None:
            if self._found.ending:
                yield Part(name="answer", verdict="not-kept")
            return
        generator = self._found.generator
        if has_model(self._part.answering, generator):
            yield self._part_of("answer", "not-deterministic", ())
            return
        now = answer_again(self._part.answering, generator, request)
        if now is None:
            yield self._part_of("answer", "not-run", ("generator",))
            return
        if same_answer(then, now):
            now = then
        causes = self._why.passages(passages)
        causes += [cause for cause in _ANSWERING if cause in self._why.changed]
        yield self._compared("answer", then, now, together(causes) or (self._why.unexplained(),))

    def _compared(self, name: str, then: bytes, now: bytes | None, causes: Sequence[Cause]) -> Part:
        if now is None:
            return self._part_of(name, "not-run", causes)
        if self._keeps:
            self._contents[name] = (then, now)
        same = then == now
        made = self._part_of(name, "same" if same else "differs", () if same else causes)
        return replace(made, now=made.then if same else "", bytes_now=len(now))

    def _part_of(self, name: str, verdict: Verdict, causes: Sequence[Cause]) -> Part:
        then = self._evidence.last(name)
        length = len(then) if then is not None else 0
        mac = self._evidence.macs.get(name, "")
        return Part(name=name, verdict=verdict, causes=together(causes), then=mac, bytes_then=length)

    # --- why -------------------------------------------------------------------------------------------------------

    def _changes_since(self, asked: Asked) -> list[Change]:
        found, part = self._found, self._part
        changes = changes_since(
            found,
            part,
            self._configs,
            built=self._searches.built(found),
            policy=asked.question.policy,
            software=self._software,
        )
        for prompt in found.prompts[-1:]:
            then, now = str(prompt.get("prompt", "")), template_now(part.answering, str(prompt.get("generator", "")))
            if then != now:
                changes.append(Change(what="prompt", then=then, now=now))
        return changes

    def _data_class(self) -> str:
        told = self._found.answer.get("data_class") or self._part.section.data_class.value
        return str(told)
