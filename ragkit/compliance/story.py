"""The whole story of one id: a question, a dialogue, an erasure, a pass over a source, a document, an event.

::

    story = story_of(EventLog(data / "events"), names, "0193…")
    story.questions[0].left          # what left for it, attempt by attempt
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from ragkit.compliance.background import Background
from ragkit.compliance.events import Event, EventLog, documents_of
from ragkit.compliance.finding_ids import named
from ragkit.compliance.naming import Names, Who
from ragkit.compliance.question import QuestionStory, question_story

Kind = Literal["question", "dialogue", "erasure", "run", "document", "event", "other"]

_MOST = 1_000
_SINCE = ("human.", "access.", "replay.", "incident.", "evidence.", "approval.")
_OF_QUESTION = ("query.", "retrieval.", "route.", "egress.", "generation.", "answer.", "guard.", "budget.")


@dataclass(slots=True, kw_only=True)
class ErasureStory:
    """An erasure, as the log tells it; the signed receipt, if there is one, says more.

    Attributes:
        request: Its id.
        who: Who asked for it.
        asked: When, RFC 3339 in UTC.
        collection: Where.
        purpose: Keyed hash of the purpose.
        values: Values that were to go.
        documents: Documents that were to go or be redacted.
        steps: Steps done, in order: ``step``, ``counts``, ``ms``, ``ts``, ``seq``.
        keys: Keys destroyed: count by scope.
        levels: ``l0`` to ``l3``, as last looked: ``true``, ``partly``, ``false``.
        complete: Whether a receipt says that it is complete; ``None`` while there is none.
        receipt: The signed receipt as text, with what is out of reach; ``None`` where none is kept.
    """

    request: str
    who: Who
    asked: str
    collection: str = ""
    purpose: str = ""
    values: int = 0
    documents: int = 0
    steps: tuple[dict[str, Any], ...] = ()
    keys: dict[str, int] = field(default_factory=dict)
    levels: dict[str, str] = field(default_factory=dict)
    complete: bool | None = None
    receipt: str | None = None


@dataclass(slots=True, kw_only=True)
class RunStory:
    """A pass over a source.

    Attributes:
        run: Its id.
        who: Who ran it.
        started: When, RFC 3339 in UTC.
        finished: When; empty if the log does not hold its end.
        outcome: ``ok``, ``error``, or empty.
        documents: Documents by what happened to them: ``added``, ``updated``, …
        masked: Spans masked, by type.
        numbers: What the end of the run says.
    """

    run: str
    who: Who
    started: str
    collection: str = ""
    source: str = ""
    connector: str = ""
    finished: str = ""
    outcome: str = ""
    reason: str = ""
    documents: dict[str, int] = field(default_factory=dict)
    masked: dict[str, int] = field(default_factory=dict)
    numbers: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """What the log holds of one id.

    Attributes:
        id: What was asked for, whole.
        kind: What it is.
        questions: Of a question one, of a dialogue all.
        erasure: Of an erasure.
        run: Of a pass over a source.
        events: Its events, oldest first, the first 1,000.
        more: How many further events there are.
    """

    id: str
    kind: Kind
    questions: tuple[QuestionStory, ...] = ()
    erasure: ErasureStory | None = None
    run: RunStory | None = None
    events: tuple[Event, ...] = ()
    more: int = 0


def story_of(log: EventLog, names: Names, wanted: str) -> Story:
    """Return the story of an id: of a request, dialogue, erasure, run or document; or the ``seq`` or id of an event.

    Raises:
        UnknownId: Nothing in the log has it, or more than one id begins so.
    """
    wanted, own = named(log, wanted)
    kind = _kind(own, wanted)
    if kind == "event" and own[0]["request"]:
        return story_of(log, names, str(own[0]["request"]))
    questions: tuple[QuestionStory, ...] = ()
    if kind in ("question", "dialogue"):
        requests = dict.fromkeys(str(one["request"]) for one in own if one["request"])
        groups = [own] if kind == "question" else [list(log.read(mentions=request)) for request in requests]
        questions = tuple(_questions(log, names, groups))
        own = sorted((one for group in groups for one in group), key=lambda one: int(one["seq"]))
    return Story(
        id=wanted,
        kind=kind,
        questions=questions,
        erasure=_erasure(own, names) if kind == "erasure" else None,
        run=_run(own, names) if kind == "run" else None,
        events=tuple(own[:_MOST]),
        more=max(0, len(own) - _MOST),
    )


def _kind(own: Sequence[Event], wanted: str) -> Kind:
    mine = [str(one["type"]) for one in own if one["request"] == wanted]
    if any(kind.startswith("erasure.") for kind in mine):
        return "erasure"
    if any(kind.startswith(_OF_QUESTION) for kind in mine):
        return "question"
    if any(wanted in (one.get("session"), one["data"].get("conversation")) for one in own):
        return "dialogue"
    if any(one["data"].get("run") == wanted for one in own):
        return "run"
    if any(wanted in documents_of(one) for one in own):
        return "document"
    return "event" if len(own) == 1 and wanted in (str(own[0]["seq"]), own[0]["id"]) else "other"


def _questions(log: EventLog, names: Names, groups: Sequence[Sequence[Event]]) -> list[QuestionStory]:
    documents = {doc for group in groups for one in group for doc in documents_of(one)}
    background = Background(log, names, documents=documents)
    tokens = _tokens(log, {str(dict(one.get("actor") or {}).get("groups", "")) for group in groups for one in group})
    stories = []
    for group in groups:
        request = next((str(one["request"]) for one in group if one["request"]), "")
        later = [one for one in group if str(one["type"]).startswith(_SINCE)]
        mine = [one for one in group if one["request"] == request and one not in later]
        held = {hashed for one in mine for hashed in tokens.get(str(dict(one.get("actor") or {}).get("groups")), ())}
        stories.append(question_story(mine, later, background, names, tokens=sorted(held)))
    return stories


def _tokens(log: EventLog, groups: set[str]) -> Mapping[str, set[str]]:
    """The hashes of the tokens behind these hashes of groups."""
    found: dict[str, set[str]] = {}
    for event in log.read("principal.seen") if groups - {""} else ():
        hashed = str(event["data"].get("groups", ""))
        if hashed in groups:
            found.setdefault(hashed, set()).update(event["data"].get("tokens", []))
    return found


def _erasure(own: Sequence[Event], names: Names) -> ErasureStory:
    asked = next((one for one in own if one["type"] == "erasure.requested"), own[0])
    data = asked["data"]
    story = ErasureStory(
        request=str(asked["request"]),
        who=names.who(asked),
        asked=str(asked["ts"]),
        collection=str(data.get("collection", "")),
        purpose=str(data.get("purpose", "")),
        values=int(data.get("values", 0)),
        documents=int(data.get("documents", 0)),
    )
    for event in own:
        kind, about = event["type"], event["data"]
        if kind == "erasure.step":
            step = {key: about[key] for key in ("step", "counts", "ms") if key in about}
            story.steps += ({**step, "ts": event["ts"], "seq": event["seq"]},)
        elif kind == "key.destroyed":
            scope = str(about.get("scope", ""))
            story.keys[scope] = story.keys.get(scope, 0) + int(about.get("keys", 1))
        elif kind == "erasure.verified":
            story.levels = {level: str(about[level]) for level in ("l0", "l1", "l2", "l3") if level in about}
        elif kind == "erasure.receipt":
            story.complete = bool(about.get("complete"))
    return story


def _run(own: Sequence[Event], names: Names) -> RunStory:
    started = next((one for one in own if one["type"] == "ingest.run.started"), own[0])
    about = started["data"]
    story = RunStory(
        run=str(about.get("run", "")),
        who=names.who(started),
        started=str(started["ts"]),
        collection=str(about.get("collection", "")),
        source=str(about.get("source", "")),
        connector=str(about.get("connector", "")),
    )
    for event in own:
        kind, data = str(event["type"]), event["data"]
        if kind.startswith("doc."):
            what = kind.removeprefix("doc.")
            story.documents[what] = story.documents.get(what, 0) + 1
        elif kind == "pii.masked":
            for name, count in data.get("entities", {}).items():
                story.masked[name] = story.masked.get(name, 0) + int(count)
        elif kind == "ingest.run.finished":
            story.finished, story.outcome, story.reason = (str(event[key]) for key in ("ts", "outcome", "reason"))
            story.numbers = {key: value for key, value in data.items() if type(value) is int}
    return story
