"""Browsers: a session begun with an API key, and visitors of the chatbot.

A session is kept here, in memory, under the hash of a random cookie; a restart ends all of them. It holds no rights of
its own: each request asks for its key again, so that it dies with the key. A visitor's cookie is kept nowhere: it says
an opaque id and an end, under a keyed hash of the tenant's own secret, so that nobody can use up memory by opening the
page, and a restart loses no conversation.
"""

from __future__ import annotations

import hmac
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from threading import Lock

from ragkit import crypto

SESSION_COOKIE = "ragkit_session"
VISITOR_COOKIE = "ragkit_visitor"
VISITORS = "chat|"
"""How the subject of every visitor begins, and of nobody else."""

SESSION_SECONDS = 12 * 3600
"""Longest life of a session."""
IDLE_SECONDS = 2 * 3600
"""A session that was not used for so long ends."""
VISITOR_SECONDS = 24 * 3600
"""Longest life of a visitor's cookie; opening the page again renews it."""

_MOST = 10_000
_MOST_OF_ONE = 50
_TOKEN_CHARACTERS = 43
_COOKIE_CHARACTERS = 300


@dataclass(frozen=True, slots=True)
class Session:
    """A browser that logged in.

    Attributes:
        tenant: Whose key it was.
        credential: Id of the key; its rights and its end are the session's.
        begun: Unix time, as is ``used``.
    """

    tenant: str
    credential: str
    begun: float
    used: float


class Sessions:
    """The sessions of one process; safe to use from several threads.

    Args:
        clock: Gives the Unix time.
    """

    def __init__(self, *, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._lock = Lock()
        self._kept: OrderedDict[bytes, Session] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def begin(self, tenant: str, credential: str) -> str:
        """Begin a session and return its cookie's value, 43 characters of 32 random bytes.

        One key has at most 50 sessions, all together are at most 10,000; the one that was quiet longest ends.
        """
        value, now = secrets.token_urlsafe(32), self._clock()
        with self._lock:
            mine = [place for place, one in self._kept.items() if (one.tenant, one.credential) == (tenant, credential)]
            for place in mine[: max(0, len(mine) - _MOST_OF_ONE + 1)]:
                del self._kept[place]
            while len(self._kept) >= _MOST:
                self._kept.popitem(last=False)
            self._kept[_place(value)] = Session(tenant, credential, now, now)
        return value

    def find(self, value: str) -> Session | None:
        """Return the session of a cookie, and note that it was used; ``None`` when it is over or never was."""
        if len(value) != _TOKEN_CHARACTERS:
            return None
        place, now = _place(value), self._clock()
        with self._lock:
            kept = self._kept.pop(place, None)
            if kept is None or now - kept.begun > SESSION_SECONDS or now - kept.used > IDLE_SECONDS:
                return None
            self._kept[place] = Session(kept.tenant, kept.credential, kept.begun, now)
            return self._kept[place]

    def end(self, value: str) -> None:
        """End the session of a cookie, if there is one."""
        with self._lock:
            self._kept.pop(_place(value), None)

    def end_of(self, tenant: str, credential: str) -> None:
        """End all sessions of a key."""
        with self._lock:
            for place in [p for p, one in self._kept.items() if (one.tenant, one.credential) == (tenant, credential)]:
                del self._kept[place]


class Visitors:
    """Makes and reads the cookies of one tenant's visitors.

    Args:
        tenant: Its name; it is part of what is hashed.
        secret: 32 bytes of the tenant's own.
        clock: Gives the Unix time.
    """

    def __init__(self, tenant: str, secret: bytes, *, clock: Callable[[], float] = time.time) -> None:
        self._tenant = tenant
        self._key = crypto.derive(secret, "visitors")
        self._clock = clock

    def make(self, visitor: str | None = None) -> tuple[str, str]:
        """Return a visitor's id and cookie: of a new one, or the same one's renewed."""
        visitor = visitor or secrets.token_hex(16)
        ends = int(self._clock()) + VISITOR_SECONDS
        return visitor, f"{visitor}.{ends}.{self._mark(visitor, ends)}"

    def read(self, cookie: str) -> str | None:
        """Return the id of the visitor whose cookie this is; ``None`` when it is over or was not made here."""
        visitor, _, rest = cookie.partition(".")
        ends, _, mark = rest.partition(".")
        if len(cookie) > _COOKIE_CHARACTERS or not (cookie.isascii() and ends.isdigit()):
            return None
        good = hmac.compare_digest(mark.encode(), self._mark(visitor, int(ends)).encode())
        return visitor if good and int(ends) > self._clock() else None

    def _mark(self, visitor: str, ends: int) -> str:
        return crypto.opaque_id(self._key, "visitor", self._tenant, visitor, str(ends))

    def __repr__(self) -> str:
        return f"Visitors({self._tenant!r})"


def _place(value: str) -> bytes:
    return sha256(value.encode("utf-8", "surrogatepass")).digest()
