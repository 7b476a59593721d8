"""What stands behind an id as somebody types it: whole, its first characters as ``ragkit audit log`` prints, a number.

::

    found, events = named(EventLog(data / "events"), "#94f8b55a")
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from ragkit.audit.fields import is_id
from ragkit.audit.segments import segment_paths
from ragkit.compliance.events import Event, EventLog, Moment, stamped
from ragkit.errors import UnknownId

_FEWEST = 8  # characters of an id, as `ragkit audit log` cuts it
_BEGINNING = re.compile(r"[0-9a-z-]+")
_DIGITS = 16  # the number of an event has fewer


def named(log: EventLog, wanted: str) -> tuple[str, list[Event]]:
    """Return the whole id behind what somebody typed, and the events it stands in, oldest first; at least one.

    Args:
        log: The event log.
        wanted: An id or its first characters, 8 at least, with or without ``#``; or the number (``seq``) of an event.

    Raises:
        UnknownId: Nothing in the log has it, several ids begin so, or the number is missing from the log.
    """
    wanted = wanted.strip().removeprefix("#")
    number = wanted.isascii() and wanted.isdigit() and len(wanted) < _DIGITS
    found = list(log.read(since=int(wanted), until=int(wanted))) if number else _mentioning(log, wanted)
    if not found and (whole := whole_id(log, wanted)) != wanted:
        return whole, _mentioning(log, whole)
    if not found:
        if number and 0 < int(wanted) < _newest(log):
            raise UnknownId(
                "the log has no event of this number, though it goes on: the number is missing",
                remedy="`ragkit audit gaps` shows what is missing, `ragkit audit verify` whether it was removed.",
            )
        raise UnknownId("nothing in the log has this id", remedy="Take an id from `ragkit audit log --json`.")
    return wanted, found


def whole_id(log: EventLog, beginning: str) -> str:
    """Return the one id of the log that begins so; ``beginning`` itself, where none does or it is too short.

    Raises:
        UnknownId: Several begin so.
    """
    beginning = beginning.strip().removeprefix("#")
    if len(beginning) < _FEWEST or not _BEGINNING.fullmatch(beginning):
        return beginning
    found = _beginning(log, beginning)
    if beginning in found or not found:
        return beginning
    if len(found) > 1:
        raise UnknownId(
            f"{len(found):,} ids of the log begin so",
            remedy="Write more of its characters; `ragkit audit log --json` has it whole.",
        )
    return found.pop()


def time_of(log: EventLog, at: Moment, *, end: bool = False) -> datetime:
    """Return a time, and of the number (``seq``) of an event when that was written.

    Args:
        log: The event log.
        at: The time or number.
        end: The first moment after that event, so that it is within what ends there.

    Raises:
        UnknownId: The log has no event of this number, nor one before it if it is the end, or after it if not.
    """
    if isinstance(at, datetime):
        return at
    event = log.last(before=at) if end else next(log.read(since=at), None)
    if event is None:
        raise UnknownId("the log has no event of this number", remedy="`ragkit audit log` shows the numbers there are.")
    return stamped(event) + timedelta(microseconds=end)


def _beginning(log: EventLog, beginning: str) -> set[str]:
    """The ids that begin so, looked for in the bytes of the lines."""
    mark = f'"{beginning}'.encode()
    pattern = re.compile(b'"(' + re.escape(beginning.encode()) + b'[0-9a-z-]*)"')
    found: set[str] = set()
    for path in segment_paths(log.directory):
        with path.open("rb") as lines:
            for line in lines:
                if mark in line:
                    found.update(one.decode() for one in pattern.findall(line))
    return {one for one in found if is_id(one)}


def _mentioning(log: EventLog, wanted: str) -> list[Event]:
    return list(log.read(mentions=wanted)) if is_id(wanted) else []


def _newest(log: EventLog) -> int:
    newest = log.last()
    return int(newest["seq"]) if newest else 0
