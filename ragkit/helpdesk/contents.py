"""What is kept of a message, and what a summary takes from them: an answer becomes sentences with their sources."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from ragkit.desk.records import Entry, Summary
from ragkit.generate.sentences import sentences
from ragkit.types import Answer, Conversation, Masked, MaskedQuestion, MaskedText, Turn

_MARKER = re.compile(r"[ \t]*\[(\d{1,3})\]")
_BEHIND = re.compile(r"(?:[ \t]*\[\d{1,3}\])+")
_END = re.compile(r"[.!?…:。！？][\"'”’»」』)*_]*(?:[ \t]*\[\d{1,3}\])+(?=\s+[^\sa-zà-öø-ÿ]|[^\s\W])")
"""Markers behind a full stop end a sentence, also where the rules of sentences see none: "£4.95. [1] Up to 30 kg"."""
_ANSWER_SHOWN = 300


def question_content(masked: MaskedQuestion) -> dict[str, Any]:
    """What is kept of a customer's message: both masked views, so that a later question can refer to it."""
    return {"text": str(masked.text.record), "index": str(masked.text.index)}


def answer_content(answer: Answer) -> dict[str, Any]:
    """What is kept of an answer: its sentences, each with its markers, its sources, and where each passage is."""
    cited = {
        str(one.marker): {
            "chunk": one.chunk_id,
            "doc": one.doc_id,
            "version": one.version,
            "quote": str(one.quote),
        }
        for one in answer.citations
    }
    sources = [
        {
            "marker": one.marker,
            "passage": str(one.marker),
            "title": str(one.title),
            "heading": str(one.heading),
            "page": one.page,
        }
        for one in answer.citations
    ]
    return {"text": str(answer.text), "sentences": split(str(answer.text)), "sources": sources, "cited": cited}


def split(text: str) -> list[dict[str, Any]]:
    """Cut an answer into sentences, each with the markers that stand in it or right behind it, taken out of its text.

    Joined, the texts are the answer without its markers. A short value in front ("Five years. The warranty …") is part
    of what is quoted after it, and has its sources.
    """
    made: list[dict[str, Any]] = []
    for sentence in _sentences(text):
        behind = _BEHIND.match(sentence)
        if behind is not None and made:
            _add(made[-1], behind[0])
            sentence = sentence[behind.end() :]
        bare = _MARKER.sub("", sentence)
        if bare.strip() or not made:
            made.append({"text": bare, "sources": []})
        else:
            made[-1]["text"] += bare
        _add(made[-1], sentence)
    if len(made) > 1 and not made[0]["sources"]:
        made[0]["sources"] = list(made[1]["sources"])
    return made


def _sentences(text: str) -> Iterator[str]:
    begin = 0
    for end in _END.finditer(text):
        yield from sentences(text[begin : end.end()])
        begin = end.end()
    yield from sentences(text[begin:])


def _add(sentence: dict[str, Any], text: str) -> None:
    markers = [int(one) for one in _MARKER.findall(text)]
    sentence["sources"] = list(dict.fromkeys([*sentence["sources"], *markers]))


def documents_of(entry: Entry) -> frozenset[str]:
    """Return the ids of the documents that an answer quotes."""
    return frozenset(str(one["doc"]) for one in entry.content.get("cited", {}).values())


def rebuilt(number: str, entries: Iterable[Entry]) -> Conversation:
    """Return a conversation as retrieval needs it, from what is kept of it: after a restart nothing is lost."""
    made, asked = Conversation(id=number), None
    for one in entries:
        if one.role == "customer":
            asked = MaskedText(Masked(one.text), Masked(str(one.content.get("index", one.text))))
        elif one.kind in ("answer", "refusal") and asked is not None:
            made.add(Turn(asked, Masked(one.text), one.kind == "refusal"))
            asked = None
    return made


def summary_of(why: str, entries: Sequence[Entry]) -> Summary:
    """Summarise a conversation for the person who takes it: its own words, in order, nothing made up."""
    asked = tuple(one.text for one in entries if one.role == "customer")
    tried: list[dict[str, Any]] = []
    question = ""
    for one in entries:
        if one.role == "customer":
            question = one.text
        elif one.kind in ("answer", "refusal", "clarify"):
            titles = list(dict.fromkeys(str(source["title"]) for source in one.content.get("sources", ())))
            bare = "".join(part["text"] for part in one.content.get("sentences", ())) or one.text
            tried.append({"question": question, "answer": _cut(bare), "kind": one.kind, "titles": titles})
    return Summary(why=why, asked=asked, tried=tuple(tried))


def _cut(text: str) -> str:
    return text if len(text) <= _ANSWER_SHOWN else text[:_ANSWER_SHOWN].rsplit(" ", 1)[0] + " …"
