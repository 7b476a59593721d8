"""When to try again, and how long to wait: full jitter, and what ``Retry-After`` asks for.

Full jitter: M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015. ``Retry-After``: RFC 9110,
section 10.2.3.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime

FIRST_SECONDS = 0.5
LONGEST_SECONDS = 8.0
LOST = frozenset({"dns", "connect", "connect-timeout", "reset", "idle", "cut"})
"""Failures of the network after which the same bytes may be sent again."""
DOWN = LOST | {"tls", "proxy", "deadline"}
"""Failures in which no reply came: the server counts as not reachable."""


def is_passing(status: int) -> bool:
    """Whether a status means "not now": 408, 429 and all of 5xx."""
    return status in (408, 429) or status >= 500


def backoff(attempt: int, chance: float) -> float:
    """Seconds to wait after a failed attempt, from 1; ``chance`` is drawn evenly from 0..1."""
    return chance * min(LONGEST_SECONDS, FIRST_SECONDS * 2.0 ** min(attempt - 1, 10))


def asked_wait(headers: Mapping[str, str], now: float) -> float:
    """Seconds that the server asks to wait, 0 if it asks for nothing that can be read.

    Args:
        headers: Of the reply, lower-cased.
        now: Seconds since the epoch, for a date.
    """
    milliseconds = headers.get("retry-after-ms", "").strip()
    if milliseconds.isascii() and milliseconds.isdigit():
        return float(milliseconds[:15]) / 1000
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.replace(".", "", 1).isdigit():
        return float(text[:15])
    try:
        moment = parsedate_to_datetime(text)
    except (TypeError, ValueError, OverflowError):
        return 0.0
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, moment.timestamp() - now)
