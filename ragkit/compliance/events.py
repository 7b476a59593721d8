"""Reading the event log fast: by type, request, session, actor, outcome, document and time.

::

    log = EventLog(data / "events")
    for event in log.read("egress.", since=moment("2026-11-01"), until=moment("2026-11-30", end=True)):
        print(event["seq"], event["data"]["destination"])

A line is parsed only after its bytes were looked at for what is wanted: a million events are passed through in seconds.
Events are the plain dictionaries of ``docs/audit-format.md``.
"""

from __future__ import annotations

import json
import re
import time
from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypedDict, Unpack

from ragkit.audit.segments import segment_paths
from ragkit.errors import ConfigError

Event = Mapping[str, Any]
"""One event of the log, as it was written."""

Moment = datetime | int
"""A time, or the number (``seq``) of an event."""

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_QUOTE = '"'
_TEXTS = ("type", "ts", "request", "outcome")
_TS, _SEQ = b'"ts":"', b'"seq":'
_STAMP = len("2026-11-22T10:00:00.123456")
_LOOK_BACK = 100  # lines that fit by their bytes and yet do not are torn ones; nobody tears a hundred in a row


def moment(text: str, *, end: bool = False) -> datetime:
    """Return the time that ``text`` names, in UTC: ``2026-11-01``, ``2026-11-01T10:00`` or with an offset.

    Args:
        text: ISO 8601; without an offset it is UTC.
        end: A day means its end, which is the first moment of the next one, rather than its beginning.

    Raises:
        ConfigError: It is no such time.
    """
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        raise ConfigError(
            "a time is not written as ISO 8601",
            remedy="Write 2026-11-01 or 2026-11-01T10:00, taken as UTC, or '#120' for the event of this number.",
        ) from None
    found = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    return found + timedelta(days=1) if end and _DAY.fullmatch(text.strip()) else found


def stamped(event: Event) -> datetime:
    """Return when ``event`` was written, in UTC."""
    return datetime.fromisoformat(str(event["ts"]))


class Asked(TypedDict, total=False):
    """What events are asked for; everything given has to hold.

    Attributes:
        request: Of this request.
        session: Of this dialogue: by the event's ``session``, or ``data.conversation`` of what left.
        actor: Of this actor, as the event names it (a keyed hash).
        outcome: ``ok``, ``denied``, ``error`` or ``degraded``.
        doc: About this document, or whose chunks or citations name it.
        mentions: In which this id stands anywhere as a text.
        since: First time, or first ``seq``.
        until: The time before which it was written, or the last ``seq``.
    """

    request: str
    session: str
    actor: str
    outcome: str
    doc: str
    mentions: str
    since: Moment | None
    until: Moment | None


@dataclass(frozen=True, slots=True)
class Line:
    """One complete line of the log.

    Attributes:
        segment: Number of its file.
        length: Its length in bytes, without the line feed.
        event: The event, or ``None`` for a torn line.
    """

    segment: int
    length: int
    event: Event | None = field(repr=False)


class EventLog:
    """The event log of a workspace, for reading. A log that does not exist is empty.

    Args:
        directory: Where the segments are: ``.ragkit/events``.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def __repr__(self) -> str:
        return "EventLog()"

    def read(self, *kinds: str, **asked: Unpack[Asked]) -> Iterator[Event]:
        """Yield the events that fit everything given, oldest first. Torn lines are passed over.

        Args:
            kinds: Types, or families that end in a dot (``"doc."``); none for all.
            **asked: As :class:`Asked`.
        """
        wanted = _Wanted(kinds, **asked)
        for path in segment_paths(self.directory):
            with path.open("rb") as lines:
                yield from _fitting(lines, wanted)

    def follow(self, *kinds: str, pause: float = 0.5, **asked: Unpack[Asked]) -> Iterator[Event]:
        """Yield events as they are written, from now on and without end, those that fit as for :meth:`read`.

        Args:
            kinds: As for :meth:`read`.
            pause: Seconds between two looks.
            **asked: As :class:`Asked`.
        """
        wanted = _Wanted(kinds, **asked)
        read = {path.name: path.stat().st_size for path in segment_paths(self.directory)}
        while True:
            for path in segment_paths(self.directory):
                with path.open("rb") as lines:
                    lines.seek(read.get(path.name, 0))
                    whole = lines.read().rpartition(b"\n")[0]
                if whole:
                    read[path.name] = read.get(path.name, 0) + len(whole) + 1
                    yield from _fitting((line + b"\n" for line in whole.split(b"\n")), wanted)
            time.sleep(pause)

    def lines(self) -> Iterator[Line]:
        """Yield every complete line, torn ones included, oldest first."""
        for path in segment_paths(self.directory):
            with path.open("rb") as lines:
                for line in lines:
                    if line.endswith(b"\n"):
                        yield Line(int(path.stem), len(line) - 1, _parsed(line))

    def last(self, *kinds: str, before: Moment | None = None) -> Event | None:
        """Return the newest event of these types (of any, if none is given); ``None`` if there is none.

        Args:
            kinds: As for :meth:`read`.
            before: Only those before this time, or with at most this ``seq``.
        """
        wanted = _Wanted(kinds, until=before)
        for path in reversed(segment_paths(self.directory)):
            with path.open("rb") as lines:
                newest = deque((line for line in lines if wanted.may(line)), maxlen=_LOOK_BACK)
            for line in reversed(newest):
                event = _parsed(line)
                if event is not None and wanted.is_met(event):
                    return event
        return None

    def between(self, since: Moment | None, until: Moment | None) -> Iterator[Event]:
        """Yield all events of a time; as ``read(since=…, until=…)``."""
        return self.read(since=since, until=until)


class _Wanted:
    """What is looked for; tells from a line's bytes whether it may fit, and from the event whether it does."""

    def __init__(self, kinds: Collection[str] = (), **asked: Unpack[Asked]) -> None:
        request, session = asked.get("request", ""), asked.get("session", "")
        actor, outcome = asked.get("actor", ""), asked.get("outcome", "")
        doc, mentions = asked.get("doc", ""), asked.get("mentions", "")
        self._kinds = tuple(kinds)
        self._whole = frozenset(kind for kind in kinds if not kind.endswith("."))
        self._families = tuple(kind for kind in kinds if kind.endswith("."))
        self._request, self._session, self._actor, self._outcome, self._doc = request, session, actor, outcome, doc
        marks = [f'"{key}":"{value}"' for key, value in (("request", request), ("outcome", outcome)) if value]
        marks += [f'"{value}"' for value in (session, actor, doc, mentions) if value]
        self._marks = tuple(mark.encode() for mark in marks)
        self._types = tuple(f'"type":"{kind}{"" if kind.endswith(".") else _QUOTE}'.encode() for kind in kinds)
        self._from_ts, self._from_seq = _bounds(asked.get("since"))
        self._to_ts, self._to_seq = _bounds(asked.get("until"))

    def may(self, line: bytes) -> bool:
        """Tell whether a line may fit. A torn line may not, nor one that is still being written."""
        if not line.endswith(b"}\n"):
            return False
        for mark in self._marks:
            if mark not in line:
                return False
        if self._types and not any(kind in line for kind in self._types):
            return False
        if self._from_ts or self._to_ts:
            at = line.rfind(_TS) + len(_TS)
            stamp = line[at : at + _STAMP]
            if (self._from_ts and stamp < self._from_ts) or (self._to_ts and stamp >= self._to_ts):
                return False
        if self._from_seq is not None or self._to_seq is not None:
            at = line.rfind(_SEQ) + len(_SEQ)
            digits = line[at : line.find(b",", at)]
            seq = int(digits) if digits.isdigit() else 0
            if (self._from_seq or 0) > seq or (self._to_seq is not None and seq > self._to_seq):
                return False
        return True

    def is_met(self, event: Event) -> bool:
        """Tell whether an event whose line may fit does."""
        kind = str(event.get("type", ""))
        if self._kinds and kind not in self._whole and not kind.startswith(self._families or ("\n",)):
            return False
        if self._request and event.get("request") != self._request:
            return False
        if self._outcome and event.get("outcome") != self._outcome:
            return False
        if self._actor and dict(event.get("actor", {})).get("id") != self._actor:
            return False
        if self._session and self._session not in (event.get("session"), event["data"].get("conversation")):
            return False
        return not self._doc or self._doc in documents_of(event)


def _fitting(lines: Iterable[bytes], wanted: _Wanted) -> Iterator[Event]:
    for line in lines:
        if wanted.may(line):
            event = _parsed(line)
            if event is not None and wanted.is_met(event):
                yield event


def documents_of(event: Event) -> set[str]:
    """Return the ids of the documents that an event is about, or whose chunks it lists."""
    data = event["data"]
    listed = [one["doc"] for key in ("chunks", "cited") for one in _records(data.get(key)) if "doc" in one]
    return {str(doc) for doc in (data.get("doc"), *listed) if doc is not None}


def is_until(until: Moment | None, *, seq: int, ts: str) -> bool:
    """Tell whether an event with this number and time is within the end ``until`` of a reading."""
    before, last = _bounds(until)
    return (not before or ts.encode() < before) and (last is None or seq <= last)


def _records(value: Any) -> list[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []


def _bounds(at: Moment | None) -> tuple[bytes, int | None]:
    """Return a bound as the bytes of a time stamp, or as a ``seq``."""
    if at is None or isinstance(at, int):
        return b"", at
    if at.tzinfo is None:
        at = at.replace(tzinfo=UTC)
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f").encode(), None


def _parsed(line: bytes) -> Event | None:
    """Return the event of a line, ``None`` where there is none, as in a torn line, or where a hand left half of one."""
    try:
        event = json.loads(line)
    except (ValueError, RecursionError):
        return None
    whole = (
        isinstance(event, dict)
        and isinstance(event.get("data"), dict)
        and type(event.get("seq")) is int
        and all(type(event.get(key)) is str for key in _TEXTS)
    )
    return event if whole else None
