"""Thumbs and reasons, by the id of the answer they are about; a comment is masked by whoever hands it in, and sealed.

::

    feedback.add(request_id=answer.request_id, subject="crm|ana", rating="down", reason="outdated", comment="…")
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Literal, get_args

from ragkit.crypto import opaque_id
from ragkit.desk.file import DeskFile
from ragkit.desk.keys import DeskKeys, forgotten, open_text
from ragkit.desk.tallies import Tallies
from ragkit.errors import ConfigError

Rating = Literal["up", "down"]
Reason = Literal["", "helpful", "clear", "wrong", "outdated", "incomplete", "unclear", "not-my-question", "other"]
REASONS: tuple[str, ...] = tuple(one for one in get_args(Reason) if one)
"""What somebody may choose beside a thumb; the word ``other`` has its comment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Feedback:
    """What somebody thought of an answer.

    Attributes:
        request_id: Of the answer.
        comment: In their own words, masked; empty where there is none or its key is destroyed.
        at: Milliseconds since 1970.
    """

    request_id: str
    rating: str
    reason: str = ""
    comment: str = field(default="", repr=False)
    at: int = 0


class FeedbackStore:
    """Feedback of one workspace.

    Args:
        file: Where.
        keys: Seal comments: of a conversation under its key, of any other answer under one of their own.
        tallies: Count them by day.
    """

    def __init__(self, file: DeskFile, keys: DeskKeys, tallies: Tallies) -> None:
        self._file = file
        self._keys = keys
        self._tallies = tallies

    def add(
        self,
        *,
        request_id: str,
        subject: str,
        rating: Rating,
        reason: str = "",
        comment: str = "",
        conversation: str = "",
        message: str = "",
    ) -> str:
        """Keep what somebody thought of an answer; of two from one principal the last counts. Returns its id.

        Args:
            request_id: Of the answer.
            subject: Who says so; kept as a keyed hash.
            rating: ``up`` or ``down``.
            reason: One of :data:`REASONS`, or none.
            comment: Masked text.
            conversation: The chat it belongs to, with which it is forgotten.
            message: The message there.

        Raises:
            ConfigError: No such rating or reason.
            KeyDestroyed: The conversation is forgotten.
        """
        if rating not in get_args(Rating) or (reason and reason not in REASONS):
            raise ConfigError("there is no such rating or reason", remedy=f"Take one of: {', '.join(REASONS)}.")
        owner = self._keys.owner(subject)
        number = opaque_id(owner, "feedback", request_id)
        place = conversation or f"f/{number}"
        sealed = None
        if comment:
            if not conversation:
                self._keys.make(place)
            sealed = self._keys.seal(place, f"feedback/{number}", comment)
        row = (number, place, conversation, message, request_id, owner, rating, reason, round(time.time() * 1000))
        with self._file.writing() as database:
            there = "SELECT 1 FROM conversations WHERE id = ?"
            if conversation and not database.execute(there, (conversation,)).fetchone():
                raise forgotten()
            before = database.execute("SELECT rating, reason, at FROM feedback WHERE id = ?", (number,)).fetchone()
            database.execute("INSERT OR REPLACE INTO feedback VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", (*row, sealed))
            if before is not None:
                self._tallies.count(database, *_names(before[0], before[1]), at=before[2], by=-1)
            self._tallies.count(database, *_names(rating, reason))
        return number

    def of_conversation(self, conversation: str) -> dict[str, Feedback]:
        """Return the feedback of a conversation, by message."""
        if not self._file.exists:
            return {}
        with self._file.reading() as database:
            rows = database.execute(
                "SELECT message, request, rating, reason, at FROM feedback WHERE conversation = ?", (conversation,)
            ).fetchall()
        return {row[0]: Feedback(request_id=row[1], rating=row[2], reason=row[3], at=row[4]) for row in rows}

    def comments(self, conversation: str) -> list[str]:
        """Return the comments of a conversation.

        Raises:
            KeyDestroyed: It is forgotten.
        """
        with self._file.reading() as database:
            rows = database.execute(
                "SELECT id, sealed FROM feedback WHERE conversation = ? AND sealed IS NOT NULL", (conversation,)
            ).fetchall()
        return [self._keys.open(conversation, f"feedback/{number}", sealed) for number, sealed in rows]

    def alone(self) -> list[tuple[str, int, str]]:
        """Return the comments that belong to no conversation: the place of each one's key, when it came, its text."""
        if not self._file.exists:
            return []
        with self._file.reading() as database:
            rows = database.execute(
                "SELECT id, place, at, sealed FROM feedback WHERE conversation = '' AND sealed IS NOT NULL ORDER BY at"
            ).fetchall()
        keys = self._keys.many({row[1] for row in rows})
        return [
            (place, at, open_text(keys[place], place, f"feedback/{number}", sealed))
            for number, place, at, sealed in rows
            if place in keys
        ]

    def since(self, at: int) -> list[Feedback]:
        """Return the feedback since a time, in milliseconds; comments that can be opened in it."""
        if not self._file.exists:
            return []
        with self._file.reading() as database:
            rows = database.execute(
                "SELECT id, place, request, rating, reason, at, sealed FROM feedback WHERE at >= ? ORDER BY at", (at,)
            ).fetchall()
        return [
            Feedback(
                request_id=request,
                rating=rating,
                reason=reason,
                at=when,
                comment=self._keys.open(place, f"feedback/{number}", sealed)
                if sealed is not None and self._keys.has(place)
                else "",
            )
            for number, place, request, rating, reason, when, sealed in rows
        ]


def _names(rating: str, reason: str) -> tuple[str, ...]:
    return (f"feedback.{rating}", *((f"reason.{reason}",) if reason else ()))
