"""The desk of one workspace: its conversations, tickets, feedback and counters, and how they are forgotten.

::

    desk = DeskStore(data_folder, secret=handles.secret("desk"))
    one = desk.conversations.begin(collection="care", subject="chat|…", disclosure="1")
    desk.forget([one.id])                       # its key is destroyed first, then its rows go

The two files have mode 0600 and are no part of a backup: a conversation is kept for a time, and a copy of it would be
kept for another.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ragkit.desk.conversations import Conversations
from ragkit.desk.feedback import FeedbackStore
from ragkit.desk.file import DeskFile
from ragkit.desk.keys import DeskKeys
from ragkit.desk.schema import DESK
from ragkit.desk.tallies import Tallies, day_of
from ragkit.desk.tickets import SqliteTickets
from ragkit.errors import KeyDestroyed

_MS_A_DAY = 86_400_000
_TALLY_DAYS = 400


@dataclass(frozen=True, slots=True)
class Held:
    """All words that are kept of a conversation, or a comment on an answer of none, for who looks for a person in them.

    Attributes:
        conversation: Its id; of a comment, the place of its key.
        begun: When it began or came, milliseconds since 1970.
        comment: It is a comment on an answer that belongs to no conversation.
        texts: Masked texts: messages, titles, quotations, summaries, comments.
        raw: What the customer typed, as far as it is kept.
    """

    conversation: str
    begun: int
    texts: tuple[str, ...] = field(repr=False)
    raw: tuple[str, ...] = field(repr=False)
    comment: bool = False


class DeskStore:
    """What the desk keeps. Opens nothing until it is used; safe to use from several threads and processes.

    Args:
        folder: The data directory.
        secret: 32 bytes that stay the same for the workspace.
    """

    def __init__(self, folder: Path, *, secret: bytes) -> None:
        self._file = DeskFile(folder / "desk.db", tables=DESK, journal="WAL")
        self._keys = DeskKeys(folder / "desk.keys.db", secret=secret)
        self.tallies = Tallies(self._file)
        self.conversations = Conversations(self._file, self._keys, self.tallies)
        self.tickets = SqliteTickets(self._file, self._keys)
        self.feedback = FeedbackStore(self._file, self._keys, self.tallies)
        self._idle: set[str] = set()

    @property
    def exists(self) -> bool:
        """Whether anything was ever kept."""
        return self._file.exists

    def forget(self, conversations: Iterable[str]) -> int:
        """Forget conversations with their tickets and feedback: keys first, then rows, then what the log has of them.

        Comments that belong to none are forgotten by the places of their keys.

        Returns:
            How many there were.
        """
        every = list(conversations)
        if not every or not self.exists:
            return 0
        gone = self._keys.destroy(every)
        with self._file.writing() as database:
            for one in every:
                _delete(database, one)
        self._file.empty_log()
        return gone

    def old(self, *, days: int, now: int) -> list[str]:
        """Return the conversations that nobody touched for so many days before ``now``, in milliseconds."""
        return [one.id for one in self.conversations.list(before=now - days * _MS_A_DAY)]

    def sweep(self, *, days: int, now: int) -> None:
        """Let go of old feedback and counters, and of what a kill left: rows without a key, keys without a row."""
        if not self.exists:
            return
        with self._file.reading() as database:
            single = database.execute(
                "SELECT id, place FROM feedback WHERE at < ? AND conversation = ''", (now - days * _MS_A_DAY,)
            ).fetchall()
        self._keys.destroy([place for _, place in single])
        with self._file.writing() as database:
            database.executemany("DELETE FROM feedback WHERE id = ?", [(number,) for number, _ in single])
            database.execute("DELETE FROM tallies WHERE day < ?", (day_of(now - _TALLY_DAYS * _MS_A_DAY),))
        self._finish()

    def held(self, collection: str) -> Iterator[Held]:
        """Yield all words that are kept of each conversation of a collection, and comments on answers of none.

        Such a comment comes with every collection: it may name anybody.
        """
        for one in self.conversations.list(collection=collection):
            try:
                texts = [text for entry in self.conversations.entries(one.id) for text in _strings(entry.content)]
                raw = list(self.conversations.raw(one.id).values())
                for ticket in self.tickets.of(one.id):
                    texts += [ticket.summary.why, *ticket.summary.asked, *_strings(list(ticket.summary.tried))]
                    raw += [ticket.contact] if ticket.contact else []
                texts += self.feedback.comments(one.id)
            except KeyDestroyed:  # forgotten since it was listed
                continue
            yield Held(one.id, one.begun, tuple(texts), tuple(raw))
        for place, at, text in self.feedback.alone():
            yield Held(place, at, (text,), (), comment=True)

    def counts(self) -> dict[str, int]:
        """Return how much is kept: ``conversations``, ``messages``, ``tickets``, ``feedback``."""
        names = ("conversations", "messages", "tickets", "feedback")
        if not self.exists:
            return dict.fromkeys(names, 0)
        with self._file.reading() as database:
            return {name: int(database.execute(f"SELECT count(*) FROM {name}").fetchone()[0]) for name in names}  # noqa: S608 (names are ours)

    def empty_log(self) -> bool:
        """Leave nothing of what was deleted in the write-ahead log; false while a reader is in the way."""
        return self._file.empty_log()

    def write_anew(self) -> None:
        """Rewrite both files, so that no page keeps what stood there before."""
        self._file.write_anew()
        self._keys.write_anew()

    def close(self) -> None:
        """Close the files; they open again when needed."""
        self._file.close()
        self._keys.close()

    def _finish(self) -> None:
        places = self._keys.places()
        with self._file.writing() as database:
            rows = {number for (number,) in database.execute("SELECT id FROM conversations")}
            for one in rows - places:
                _delete(database, one)
            kept = rows | {place for (place,) in database.execute("SELECT place FROM feedback")}
        idle = places - kept  # a key is made before its row: only one that was idle the last time too is nobody's
        self._keys.destroy(idle & self._idle)
        self._idle = idle

    def __repr__(self) -> str:
        return "DeskStore()"


def _delete(database: sqlite3.Connection, conversation: str) -> None:
    database.execute("DELETE FROM feedback WHERE id = ? AND conversation = ''", (conversation.removeprefix("f/"),))
    for table in ("messages", "tickets", "feedback"):
        database.execute(f"DELETE FROM {table} WHERE conversation = ?", (conversation,))  # noqa: S608 (names are ours)
    database.execute("DELETE FROM conversations WHERE id = ?", (conversation,))


def _strings(value: object) -> Iterator[str]:
    """Every text within plain values."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _strings(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _strings(inner)
