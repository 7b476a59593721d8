"""Under :mod:`ragkit_connectors.rest`: one call, repeated while there is hope, at the source's pace."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from math import isnan
from typing import NoReturn, TypeVar

from ragkit.errors import SourceError
from ragkit.net import HttpClient
from ragkit.net_replies import Incoming
from ragkit.net_sockets import NetFailure
from ragkit_connectors.pace import Pace

_TRIES = 4
_WAITS = 8
_CALL_S = 120.0
_UNREACHED = frozenset({"dns", "connect", "connect-timeout"})  # no server was there to keep a log
_FOR_GOOD = frozenset({"tls", "proxy", "host", "encoding", "too-large"})
"""Failures of the network that trying again does not mend."""

Read = TypeVar("Read")


class Broken(SourceError):
    """The server fails at this call however often it is made; at others it may not.

    ``problem`` is the code for an item that the call was about: ``unreadable``, or ``too-large`` for the reply.
    """

    problem: str = "unreadable"


class Calls:
    """How a source is called.

    Args:
        source: Its name, for errors.
        secrets: Which options hold the credentials, for errors.
        pace: Of every call.
        max_wait_s: Longest wait that the server may ask for.
    """

    backoff_s = 0.5

    def __init__(self, source: str, secrets: str, pace: Pace, max_wait_s: float) -> None:
        self._source = source
        self._secrets = secrets
        self._pace = pace
        self._max_wait = max_wait_s

    def ask(
        self,
        client: HttpClient,
        target: str,
        headers: Mapping[str, str],
        read: Callable[[bytes], Read],
        limit: int,
        pace: Pace | None = None,
    ) -> tuple[int, str, Read | None]:
        """Status, the header ``Location``, and what ``read`` makes of the body of a 200.

        Raises:
            NetFailure: The network failed for good.
            SourceError: 401 to our credentials, or every try failed.
            Broken: Every try failed, the last in the server.
        """
        tries, waits, word = 0, 0, ""
        while tries < _TRIES and waits < _WAITS:
            for one in (pace, self._pace):
                if one is not None:
                    one.wait()
            try:
                with client.open("GET", target, headers=headers, body=b"", seconds=_CALL_S) as reply:
                    status = reply.status
                    if status == 200:
                        return status, "", read(_body(reply, limit))
                    location, after = reply.headers.get("location", ""), reply.headers.get("retry-after", "")
            except NetFailure as failed:
                if failed.word in _FOR_GOOD:
                    raise
                word = failed.word
            except (ValueError, RecursionError):
                word = "no JSON"
            else:
                word = f"HTTP {status}"
                if status == 401 and "Authorization" in headers:
                    self._signed_out()
                if status not in (429, 408) and status < 500:
                    return status, location, None
                asked = _retry_after(after)
                if asked is not None:
                    waits += 1
                    self._hold(asked)
                    continue
            tries += 1
            self._pace.hold(random.uniform(0, self.backoff_s * 2**tries) if tries < _TRIES else 0)
        raise (Broken if word.startswith("HTTP 5") else SourceError)(
            f"source {self._source!r} does not answer as it should ({word})",
            remedy="Check host and port in `url` of this source, and that its server runs."
            if word in _UNREACHED
            else "Sync again; see the server's log.",
        )

    def _hold(self, seconds: float) -> None:
        if seconds > self._max_wait:
            raise SourceError(
                f"source {self._source!r} asks to be left alone for longer than {self._max_wait:.0f} s",
                remedy="Sync later, or lower `per_second` of the source.",
            )
        self._pace.hold(seconds)

    def _signed_out(self) -> NoReturn:
        raise SourceError(
            f"source {self._source!r} does not accept the credentials (HTTP 401)",
            remedy=f"Check {self._secrets} of this source in ragkit.toml: expired, revoked, or of another server.",
        )


def _body(reply: Incoming, limit: int) -> bytes:
    pieces, total = [], 0
    for piece in reply.pieces():
        total += len(piece)
        if total > limit:
            raise NetFailure("too-large")
        pieces.append(piece)
    return b"".join(pieces)


def _retry_after(value: str) -> float | None:
    """Seconds to wait by a header ``Retry-After``, in seconds or as a date; ``None`` when it says neither."""
    try:
        seconds = float(value)
    except ValueError:
        try:
            due = parsedate_to_datetime(value)
        except (ValueError, TypeError):
            return None
        seconds = ((due if due.tzinfo else due.replace(tzinfo=UTC)) - datetime.now(UTC)).total_seconds()
    return max(seconds, 0.0) if not isnan(seconds) else None
