"""The story of one question, from its events: asked, found, sent, answered, shown, reviewed.

A question's events are those of its request; what was done about it later names it in ``data.of``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ragkit.compliance.background import Background, Model, Origin
from ragkit.compliance.events import Event
from ragkit.compliance.exits import Exit, exits
from ragkit.compliance.naming import Names, Who

_WIDER = ("in-process", "on-prem", "managed", "remote")


@dataclass(slots=True, kw_only=True)
class UsedChunk:
    """A chunk that a search returned.

    Attributes:
        placed: Whether a prompt held it; ``None`` where the log does not say.
        cited: Whether the answer cites it.
    """

    chunk: int
    doc: str
    version: int
    rank: int
    score_u: int
    placed: bool | None = None
    cited: bool = False


@dataclass(slots=True, kw_only=True)
class Attempt:
    """One generator that was asked, with what it was asked with.

    Attributes:
        seq: Number of the event.
        model: As the server reports it; ``asked`` is what was asked for.
        prompt: Version and hash of the prompt's template.
        parameters: ``temperature_u``, ``max_tokens``, ``seed``, as far as the log says.
        tokens: Counts in and out.
        checks: What was found wrong with the text: count by kind.
    """

    seq: int
    generator: str = ""
    location: str = ""
    destination: str = ""
    model: str = ""
    asked: str = ""
    prompt: str = ""
    outcome: str = "ok"
    reason: str = ""
    finish: str = ""
    parameters: dict[str, int] = field(default_factory=dict)
    tokens: dict[str, int] = field(default_factory=dict)
    checks: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class Sign:
    """A sign that a guard noticed in what was retrieved or written."""

    seq: int
    guard: str
    code: str
    count: int
    doc: str
    reason: str


@dataclass(slots=True, kw_only=True)
class Shown:
    """Something that was done about a question later: a review, a handing over, a look at its evidence, a replay."""

    seq: int
    ts: str
    type: str
    who: Who
    verdict: str = ""
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class QuestionStory:
    """Everything the log holds of one question.

    Attributes:
        request: Its id.
        session: Its dialogue; empty if none.
        who: Who asked, with the access tokens they were recorded with.
        asked: When, RFC 3339 in UTC.
        collection: What was asked.
        question: ``characters``, ``history``, and what was masked: ``entities``, ``by``, ``kept``.
        versions: ``ragkit``, ``cfg``, ``policy``, ``prompt``, ``encoder``, ``chunker``, ``manifest``, ``config``
            (number of the event), as far as known.
        models: Models that had been loaded by then.
        search: ``generation``, ``exact``, ``k``, ``candidates``, ``dropped`` (by access), ``returned``, ``classes``.
        chunks: What the search returned, best first.
        documents: Where they came from.
        guards: What guards noticed.
        route: ``route``, ``generator``, ``reason``, ``tried``, ``rule``.
        attempts: Generators that were asked, in order.
        fell_back: Whether another than the first answered.
        locations: Where prompts of it were answered or sent, in order.
        boundary: ``same``, ``wider`` or ``narrower`` than that of the first attempt; empty if nobody was asked.
        left: What left, attempt by attempt.
        ended: ``released``, ``refused``, ``abandoned``, ``denied``, ``failed``, ``unfinished`` or ``search``.
        answer: ``generator``, ``location``, ``characters``, ``support_u``, ``citations``, ``refused``.
        evidence: What was kept of it: ``role``, ``ref``, ``len``, ``mac`` and ``seq`` of the event; ``gone`` says why
            it cannot be shown any more (``erasure``, ``document``, ``age``, ``request`` of an officer, ``missing``,
            ``unreadable``), and is empty where it can.
        later: What was done about it since.
    """

    request: str
    session: str = ""
    who: Who
    asked: str
    collection: str = ""
    question: dict[str, Any] = field(default_factory=dict)
    versions: dict[str, Any] = field(default_factory=dict)
    models: tuple[Model, ...] = ()
    search: dict[str, Any] = field(default_factory=dict)
    chunks: tuple[UsedChunk, ...] = ()
    documents: tuple[Origin, ...] = ()
    guards: tuple[Sign, ...] = ()
    route: dict[str, Any] = field(default_factory=dict)
    attempts: tuple[Attempt, ...] = ()
    fell_back: bool = False
    locations: tuple[str, ...] = ()
    boundary: str = ""
    left: tuple[Exit, ...] = ()
    ended: str = "unfinished"
    answer: dict[str, Any] = field(default_factory=dict)
    evidence: tuple[dict[str, Any], ...] = ()
    later: tuple[Shown, ...] = ()


def question_story(
    own: Sequence[Event], later: Sequence[Event], background: Background, names: Names, *, tokens: Sequence[str] = ()
) -> QuestionStory:
    """Put the story of one question together.

    Args:
        own: The events of its request, oldest first; at least one.
        later: Events that name it in ``data.of``.
        background: Of its documents.
        names: Names behind hashes.
        tokens: Hashes of the access tokens that who asked was recorded with.
    """
    of = _by_type(own)
    asked = next((one for one in own if one["type"] == "query.received"), own[0])
    actor = next((one for one in own if dict(one.get("actor") or {}).get("id") not in ("", "system", None)), asked)
    left = tuple(sorted(exits(own), key=lambda one: one.seq))
    story = QuestionStory(
        request=str(asked["request"]),
        session=next((str(one["session"]) for one in own if one.get("session")), left[0].session if left else ""),
        who=names.who(actor, tokens),
        asked=str(asked["ts"]),
        collection=next((str(one["data"]["collection"]) for one in own if "collection" in one["data"]), ""),
        question=_some(of.get("query.received"), "characters history entities by kept lowest_u"),
        left=left,
        guards=tuple(_sign(one) for one in own if one["type"] == "guard.triggered"),
        attempts=tuple(_attempt(one) for one in own if one["type"] == "generation.done"),
        route=_some(of.get("route.chosen"), "route generator location rule tried need_u"),
        answer=_some(
            of.get("answer.released"), "generator location data_class characters support_u citations hits refused code"
        ),
        evidence=tuple({**one, "seq": int(event["seq"])} for event in own for one in event.get("payload", [])),
        later=tuple(_shown(one, names) for one in later),
        ended=_ended(of),
    )
    if "route.chosen" in of:
        story.route["reason"] = str(of["route.chosen"]["reason"])
    _found(story, own, of, background)
    _versions(story, asked, background)
    _boundary(story)
    return story


def _by_type(own: Sequence[Event]) -> Mapping[str, Event]:
    """The newest event of each type."""
    return {str(one["type"]): one for one in own}


def _some(event: Event | None, keys: str) -> dict[str, Any]:
    """Those of ``keys`` that the event's data has."""
    return {key: event["data"][key] for key in keys.split() if key in event["data"]} if event else {}


def _found(story: QuestionStory, own: Sequence[Event], of: Mapping[str, Event], background: Background) -> None:
    found = of.get("retrieval.done")
    if found is None:
        return
    story.search = _some(found, "generation exact k candidates dropped returned classes filter_keys ms")
    prompts = [one["data"]["placed"] for one in own if "placed" in one["data"]]
    placed = {int(chunk) for listed in prompts for chunk in listed}
    released = of.get("answer.released")
    cited = {int(one["chunk"]) for one in (released["data"].get("cited", []) if released else ())}
    story.chunks = tuple(
        UsedChunk(
            chunk=int(one["chunk"]),
            doc=str(one["doc"]),
            version=int(one["version"]),
            rank=int(one["rank"]),
            score_u=int(one["score_u"]),
            placed=int(one["chunk"]) in placed if prompts else None,
            cited=int(one["chunk"]) in cited,
        )
        for one in found["data"].get("chunks", [])
    )
    versions = dict.fromkeys((one.doc, one.version) for one in story.chunks)
    story.documents = tuple(background.origin(doc, version) for doc, version in versions)


def _versions(story: QuestionStory, asked: Event, background: Background) -> None:
    prompts = [one.prompt for one in story.left if one.prompt] + [one.prompt for one in story.attempts if one.prompt]
    config = background.config(int(asked["seq"]))
    made = background.generation(story.collection, int(story.search.get("generation", 0)))
    story.versions = {
        **{str(key): str(value) for key, value in dict(asked.get("sw") or {}).items()},
        **{key: made[key] for key in ("encoder", "chunker", "manifest") if key in made},
        **({"policy": str(asked["data"]["policy"])} if "policy" in asked["data"] else {}),
        **({"prompt": prompts[-1]} if prompts else {}),
        **({"config": config} if config else {}),
    }
    story.models = background.models(int(asked["seq"]))


def _boundary(story: QuestionStory) -> None:
    tried = [(one.generator, one.location) for one in story.attempts if one.location]
    sent = [one.location for one in story.left if one.state != "blocked" and not one.probe]
    story.locations = tuple(dict.fromkeys([place for _, place in tried] + sent))
    listed = story.route.get("tried", [])
    story.fell_back = len(listed) > 1 or len({name for name, _ in tried}) > 1 or story.route.get("route") == "fallback"
    known = [_WIDER.index(place) for _, place in tried if place in _WIDER]
    if known:
        story.boundary = (
            "wider" if max(known[1:], default=known[0]) > known[0] else "narrower" if known[-1] < known[0] else "same"
        )


def _attempt(event: Event) -> Attempt:
    data = event["data"]
    texts = ("generator", "location", "destination", "model", "asked", "prompt", "finish")
    return Attempt(
        seq=int(event["seq"]),
        outcome=str(event["outcome"]),
        reason=str(event["reason"]),
        **{name: str(data.get(name, "")) for name in texts},
        parameters=_some(event, "temperature_u max_tokens seed"),
        tokens=_some(event, "input output cached_input reasoning"),
        checks=_some(event, "invented_citations unsupported_sentences unsupported_numbers sanitised unknown_tokens"),
    )


def _sign(event: Event) -> Sign:
    data = event["data"]
    return Sign(
        seq=int(event["seq"]),
        guard=str(data.get("guard", "")),
        code=str(data.get("code", "")),
        count=int(data.get("count", 0)),
        doc=str(data.get("doc", "")),
        reason=str(event["reason"]),
    )


def _shown(event: Event, names: Names) -> Shown:
    data = event["data"]
    return Shown(
        seq=int(event["seq"]),
        ts=str(event["ts"]),
        type=str(event["type"]),
        who=names.who(event),
        verdict=str(data.get("verdict", "")),
        facts={key: value for key, value in data.items() if key not in ("of", "verdict")},
    )


def _ended(of: Mapping[str, Event]) -> str:
    released = of.get("answer.released")
    if released is not None:
        return "refused" if released["data"].get("refused") else "released"
    if "answer.abandoned" in of:
        return "abandoned"
    if "egress.blocked" in of:
        return "denied"
    for kind in ("route.chosen", "generation.done"):
        if kind in of and of[kind]["outcome"] != "ok":
            return "denied" if of[kind]["outcome"] == "denied" else "failed"
    asked_for_answer = {"route.chosen", "generation.done", "answer.begun", "egress.intent"} & of.keys()
    return "unfinished" if asked_for_answer else "search"
