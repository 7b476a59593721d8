"""Numbers a day, which hold nobody: they stay when the conversations that they counted are forgotten."""

from __future__ import annotations

import sqlite3
import time
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime

from ragkit.desk.file import DeskFile

_ADD = """
INSERT INTO tallies (day, name, number) VALUES (?, ?, max(0, ?))
ON CONFLICT (day, name) DO UPDATE SET number = max(0, number + excluded.number + ?)
"""


class Tallies:
    """Counters by day (UTC) and name.

    Args:
        file: Where.
    """

    def __init__(self, file: DeskFile) -> None:
        self._file = file

    def count(self, database: sqlite3.Connection, *names: str, by: int = 1, at: int | None = None) -> None:
        """Add to counters in an open transaction.

        Args:
            database: The transaction.
            names: Which.
            by: How much; may be below 0, and no counter falls below 0.
            at: When, in milliseconds since 1970; by default now.
        """
        when = day_of(round(time.time() * 1000) if at is None else at)
        database.executemany(_ADD, [(when, name, by, min(by, 0)) for name in names])

    def add_all(self, numbers: Mapping[str, int]) -> None:
        """Add to several counters, by name, in a transaction of their own."""
        with self._file.writing() as database:
            for name, by in numbers.items():
                self.count(database, name, by=by)

    def between(self, first: str, last: str) -> dict[str, Counter[str]]:
        """Return the counters of each day from ``first`` to ``last``, both ISO dates and included."""
        found: dict[str, Counter[str]] = {}
        if not self._file.exists:
            return found
        with self._file.reading() as database:
            rows = database.execute("SELECT day, name, number FROM tallies WHERE day BETWEEN ? AND ?", (first, last))
            for day, name, number in rows:
                found.setdefault(day, Counter())[name] += number
        return found


def day_of(at: int) -> str:
    """Return the day of a time in milliseconds since 1970, ISO 8601, UTC."""
    return datetime.fromtimestamp(at / 1000, UTC).date().isoformat()
