"""Destroying evidence: at its age, with a person, with a document, or at an officer's word.

A turn's key goes with its rows, a conversation's with its last turn, an asker's with the last turn of theirs. What
stays of a turn is its request's opaque id and the cause, so that a replay can say why it cannot.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from ragkit import crypto
from ragkit.audit import evidence_schema as sql
from ragkit.audit.evidence_keys import turn_place, wrap_with
from ragkit.audit.evidence_reading import ReadingStore, TurnFacts
from ragkit.errors import EvidenceGone, KeyMismatch


@dataclass(frozen=True, slots=True)
class Destroyed:
    """How much was destroyed.

    Attributes:
        conversations: Those that had no other turn.
        turns: Questions with all that belongs to them.
        parts: Their parts.
        emptied: Whether the write-ahead log was emptied after, so that nothing is left; a reader may be in the way.
    """

    conversations: int = 0
    turns: int = 0
    parts: int = 0
    emptied: bool = False

    def counts(self) -> dict[str, int]:
        """As the data of the event ``evidence.destroyed``."""
        return {"conversations": self.conversations, "turns": self.turns, "parts": self.parts}


@dataclass(frozen=True, slots=True)
class Held:
    """What is kept about somebody, in counts; times are seconds since 1970, 0 without any."""

    conversations: int = 0
    turns: int = 0
    oldest: int = 0
    newest: int = 0


class DestroyingStore(ReadingStore):
    """Lets evidence go."""

    def older_than(self, moment: float, collection: str) -> list[TurnFacts]:
        """Return the turns of a collection that were begun before a moment, in seconds since 1970."""
        if not self._file.exists:
            return []
        with self._file.reading() as database:
            return [TurnFacts.read(row) for row in database.execute(sql.OLDER, (int(moment), collection))]

    def facts(self, requests: Iterable[str]) -> list[TurnFacts]:
        """Return whom and what these turns are about; those that are not kept are left out."""
        if not self._file.exists:
            return []
        with self._file.reading() as database:
            rows = [database.execute(sql.FACTS_OF, (one,)).fetchone() for one in requests]
        return [TurnFacts.read(row) for row in rows if row is not None]

    def asked_by(self, subject: str) -> list[str]:
        """Return the requests of a principal."""
        return self._listed(sql.ASKED_BY, self._subject_mac(subject))

    def of_conversation(self, name: str) -> list[str]:
        """Return the requests of a conversation."""
        return self._listed(sql.TURNS_OF, name)

    def _listed(self, query: str, asked: bytes | str) -> list[str]:
        if not self._file.exists:
            return []
        with self._file.reading() as database:
            return [one for (one,) in database.execute(query, (asked,))]

    def held(self, requests: Iterable[str]) -> Held:
        """Count conversations and turns of these requests."""
        if not self._file.exists:
            return Held()
        conversations, times = set[int](), list[int]()
        with self._file.reading() as database:
            for request in requests:
                found = database.execute(sql.WHEN, (request,)).fetchone()
                if found is not None:
                    conversations.add(found[0])
                    times.append(found[1])
        return Held(len(conversations), len(times), min(times, default=0), max(times, default=0))

    def destroy(self, requests: Iterable[str], *, cause: str) -> Destroyed:
        """Destroy the evidence of these requests, with its keys. Those without any are passed over.

        Args:
            requests: Which.
            cause: ``age``, ``erasure``, ``document`` or ``request``; a replay says it.

        Raises:
            OSError: The file cannot be written.
        """
        wanted = list(requests)
        if not wanted or not self._file.exists:
            return Destroyed()
        turns = parts = 0
        conversations, subjects = set[int](), set[int | None]()
        with self._file.writing() as database:
            for request in wanted:
                found = database.execute(sql.TURN_OF, (request,)).fetchone()
                if found is not None:
                    row, conversation, subject = found
                    turns += 1
                    parts += _delete(database, row, request, cause)
                    conversations.add(conversation)
                    subjects.add(subject)
            ended = drop_empty(database, conversations, subjects)
        return Destroyed(ended, turns, parts)

    def forget_principal(self, subject: str) -> Destroyed:
        """Destroy the key of who asked, and with it all that they ever asked; other askers' evidence stays."""
        return self.destroy(self.asked_by(subject), cause="request")

    def forget_conversation(self, name: str) -> Destroyed:
        """Destroy a conversation's key and all its turns."""
        return self.destroy(self.of_conversation(name), cause="request")

    def rebind(self, collection: str, numbers: Collection[int], number: int) -> int:
        """Put one value's key in the place of others', whose keys are about to be destroyed though nobody is erased.

        A corrected value leaves that way. Copies of the file from before become unreadable.

        Returns:
            How many turns were wrapped anew.
        """
        mine = self.requests(collection, numbers=numbers)
        fresh = self._people(collection).keys([number]) if mine else {}
        if number not in fresh:
            return 0
        done = 0
        with self._file.writing() as database:
            for request in mine:
                try:
                    opened = self._opened(database, request)
                except (EvidenceGone, KeyMismatch):  # one that was altered cannot be read anyway
                    continue
                kept = opened.numbers - set(numbers) | {number}
                outer = wrap_with(opened.conversation, opened.subject, self._people(collection).keys(kept))
                wrapped = crypto.seal(outer, opened.key, bound_to=turn_place(request))
                database.execute(sql.REWRAPPED, (wrapped, sql.numbers_as_bytes(kept), opened.row))
                done += 1
        return done

    def traces(self, requests: Iterable[str]) -> list[bytes]:
        """Return the wrapped keys of turns, by which it can be seen afterwards that their rows are gone."""
        if not self._file.exists:
            return []
        with self._file.reading() as database:
            found = [database.execute(sql.WRAPPED, (one,)).fetchone() for one in requests]
        return [row[0] for row in found if row is not None]

    def empty_log(self) -> bool:
        """Leave nothing of what was deleted in the write-ahead log; false while a reader is in the way."""
        return self._file.checkpoint() if self._file.exists else True

    def write_anew(self) -> None:
        """Rewrite the file, so that no page keeps what stood there before."""
        if self._file.exists:
            self._file.vacuum()

    def counts(self) -> Mapping[str, int]:
        """Return how much is kept: ``conversations``, ``turns``, ``parts`` and ``bytes`` of the file."""
        if not self._file.exists:
            return {"conversations": 0, "turns": 0, "parts": 0, "bytes": 0}
        with self._file.reading() as database:
            found = {name: int(database.execute(query).fetchone()[0]) for name, query in sql.COUNTS.items()}
        return found | {"bytes": self._file.path.stat().st_size}


def drop_empty(database: sqlite3.Connection, conversations: Iterable[int], subjects: Iterable[int | None]) -> int:
    """Delete those of these conversations and askers that have no turn, with their keys; count the conversations."""
    ended = sum(database.execute(sql.DROP_CONVERSATION, (one,)).rowcount for one in conversations)
    for one in subjects:
        database.execute(sql.DROP_SUBJECT, (one,))
    return ended


def _delete(database: sqlite3.Connection, row: int, request: str, cause: str) -> int:
    """Delete a turn's rows. Returns how many parts it had."""
    parts = database.execute("DELETE FROM parts WHERE turn = ?", (row,)).rowcount
    database.execute("DELETE FROM turns WHERE id = ?", (row,))
    database.execute(sql.NEW_GONE, (request, cause))
    return parts
