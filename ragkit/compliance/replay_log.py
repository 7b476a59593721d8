"""What the event log tells of one answer: who asked, what was found, which index answered, under which versions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from ragkit.compliance.events import Event, EventLog, Moment, stamped
from ragkit.errors import NotReproducible, UnknownId

_AT_ONCE = 500
_ACTIVATED = "index.generation.activated"


@dataclass(frozen=True, slots=True)
class Found:
    """One chunk as the search returned it."""

    chunk: int
    doc: str
    version: int
    score_u: int


@dataclass(frozen=True, slots=True)
class Committed:
    """One entry of an event's ``payload``: what it commits to."""

    ref: str
    role: str
    length: int
    mac: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """One question and its answer, as the log has them.

    Attributes:
        request: Its id.
        seq: Number of the event ``retrieval.done``.
        ended: When the search was done.
        began: When it began, to the millisecond.
        actor: Who asked, as a keyed hash; ``groups``: all their access tokens, likewise.
        writer: The process that answered, with the life of its recorder.
        software: Versions and fingerprints: ``ragkit``, ``cfg``.
        search: The data of ``retrieval.done``.
        found: The chunks, best first.
        committed: What its events commit to, in order.
        prompts: The data of each ``prompt.written``, in order.
        generations: The data of each ``generation.done``, in order.
        answer: The data of ``answer.released``; empty where there is none.
        ending: The type of the event that ended it: ``answer.released``, ``answer.abandoned``, or empty.
    """

    request: str
    seq: int
    ended: datetime
    began: datetime
    actor: str
    groups: str
    writer: str
    software: Mapping[str, str]
    search: Mapping[str, Any]
    found: tuple[Found, ...]
    committed: tuple[Committed, ...] = ()
    prompts: tuple[Mapping[str, Any], ...] = ()
    generations: tuple[Mapping[str, Any], ...] = ()
    answer: Mapping[str, Any] = field(default_factory=dict)
    ending: str = ""

    @property
    def collection(self) -> str:
        """Where it was asked."""
        return str(self.search.get("collection", ""))

    @property
    def generation(self) -> int:
        """Number of the generation that was searched, 0 for the record store itself."""
        return int(self.search.get("generation", 0))

    @property
    def through(self) -> int | None:
        """The last chunk number that was looked at, where the log tells."""
        return self.search.get("through")

    @property
    def generator(self) -> str:
        """Which answered, or was asked last; empty for a search."""
        asked = [one.get("generator", "") for one in (*self.prompts, *self.generations)]
        return str(self.answer.get("generator") or (asked[-1] if asked else ""))

    @property
    def streamed(self) -> bool:
        """Whether the model was asked to write in pieces."""
        return bool(self.generations and self.generations[-1].get("streamed"))


def recorded(log: EventLog, request: str) -> Recorded:
    """Return what the log tells of a request.

    Raises:
        UnknownId: No event has this id.
        NotReproducible: It was no question, or its search failed.
    """
    events = list(log.read(request=request)) if request else []
    if not events:
        raise UnknownId(
            "the event log has no request of this id",
            remedy="`ragkit ask --json` prints it as `request_id`; `ragkit audit log` lists those there are.",
        )
    return joined(events)


def joined(events: Iterable[Event]) -> Recorded:
    """Put the events of one request together. Raises ``NotReproducible`` as :func:`recorded`."""
    events = list(events)
    search = next((event for event in events if event["type"] == "retrieval.done"), None)
    if search is None:
        raise NotReproducible(
            "this request searched nothing, so there is nothing to replay",
            remedy="Name the request of a question; `ragkit audit log --type retrieval.done` lists them.",
        )
    ended = stamped(search)
    last = [event for event in events if event["type"] in ("answer.released", "answer.abandoned")]
    released = [event["data"] for event in events if event["type"] == "answer.released"]
    actor = search["actor"]
    return Recorded(
        request=search["request"],
        seq=search["seq"],
        ended=ended,
        began=ended - timedelta(milliseconds=int(search["data"].get("ms", 0))),
        actor=str(actor.get("id", "")),
        groups=str(actor.get("groups", "")),
        writer=search["writer"],
        software=search["sw"],
        search=search["data"],
        found=tuple(
            Found(int(one["chunk"]), str(one["doc"]), int(one["version"]), int(one["score_u"]))
            for one in search["data"].get("chunks", ())
        ),
        committed=tuple(
            Committed(str(one["ref"]), str(one["role"]), int(one["len"]), str(one["mac"]))
            for event in events
            for one in event.get("payload", ())
        ),
        prompts=tuple(event["data"] for event in events if event["type"] == "prompt.written"),
        generations=tuple(event["data"] for event in events if event["type"] == "generation.done"),
        answer=released[-1] if released else {},
        ending=last[-1]["type"] if last else "",
    )


def answered(log: EventLog, *, since: Moment | None = None, until: Moment | None = None) -> Iterator[str]:
    """Yield the requests whose answer was released in a time, oldest first."""
    for event in log.read("answer.released", since=since, until=until):
        if event["request"]:
            yield event["request"]


def recorded_each(log: EventLog, requests: Iterable[str]) -> Iterator[Recorded]:
    """Yield what the log tells of each of many requests, reading it once for some hundreds of them."""
    for some in batched(requests, _AT_ONCE):
        events: dict[str, list[Event]] = {request: [] for request in some}
        for event in log.read("retrieval.done", "request.assembled", "prompt.written", "generation.done", "egress.",
                              "answer."):  # fmt: skip
            if event["request"] in events:
                events[event["request"]].append(event)
        yield from (joined(events[request]) for request in some)


def batched(requests: Iterable[str], size: int) -> Iterator[list[str]]:
    """Cut a row into lists of at most so many."""
    row = iter(requests)
    while some := list(islice(row, size)):
        yield some


@dataclass(frozen=True, slots=True)
class Search:
    """One search of a process: when it began, and what it had looked at; and the generation it was in."""

    seq: int
    began: datetime
    through: int | None
    generation: int
    writer: str


@dataclass(slots=True)
class IndexLog:
    """What the log tells of one collection's index: its generations, and every search in it, by process.

    ``upto`` is the number of the last event that was read.
    """

    collection: str
    upto: int = 0
    generations: list[tuple[int, datetime, Mapping[str, Any]]] = field(default_factory=list)
    searches: dict[str, list[Search]] = field(default_factory=dict)

    def read(self, log: EventLog, recorded: Recorded) -> None:
        """Read on, to the end of the log, unless the search was read already."""
        if recorded.seq <= self.upto:
            return
        for event in log.read("retrieval.done", _ACTIVATED, since=self.upto + 1):
            self.upto, data = int(event["seq"]), event["data"]
            if data.get("collection") != self.collection:
                continue
            if event["type"] == "retrieval.done":
                began = stamped(event) - timedelta(milliseconds=int(data.get("ms", 0)))
                generation, writer = int(data.get("generation", 0)), event["writer"]
                one = Search(event["seq"], began, data.get("through"), generation, writer)
                self.searches.setdefault(writer, []).append(one)
            else:
                self.generations.append((event["seq"], stamped(event), data))

    def built(self, number: int, *, before: int) -> tuple[datetime, Mapping[str, Any]] | None:
        """Return when a generation was activated, and the data of that event; ``None`` where the log does not say.

        The last of that number before an event; else the next, since a generation answers a moment before its event.
        """
        mine = [one for one in self.generations if int(one[2].get("generation", -1)) == number]
        earlier = [one for one in mine if one[0] < before]
        chosen = earlier[-1:] or mine[:1]
        return (chosen[0][1], chosen[0][2]) if chosen else None

    def run(self, recorded: Recorded) -> list[Search]:
        """Return the searches that one process made in the generation it had open, up to and with this one.

        A process opens a generation with its first search in it; what it had read of the delta before, it kept.
        """
        mine = [one for one in self.searches.get(recorded.writer, ()) if one.seq <= recorded.seq]
        start = len(mine)
        while start and mine[start - 1].generation == recorded.generation:
            start -= 1
        return mine[start:]
