"""Conversations and their messages in ``desk.db``, each text sealed under its conversation's key.

What the customer typed is kept masked. Their own words beside it are kept only while a ticket is open for the
conversation, or was: an agent who is entitled needs the telephone number that stands in them, and a mask of a value
that the vault does not hold leads nowhere.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ragkit.desk.file import DeskFile
from ragkit.desk.keys import DeskKeys, forgotten, open_text
from ragkit.desk.records import Dialogue, Entry, Kind, Role, Status
from ragkit.desk.tallies import Tallies

_DIALOGUE = """
SELECT id, collection, owner, status, disclosure, begun, changed, closed, refusals, asked_back FROM conversations
"""
_ENTRY = "SELECT id, seq, role, kind, at, request, ms, sealed FROM messages"


class Conversations:
    """Conversations of one workspace. Safe to use from several threads and processes.

    Args:
        file: Where.
        keys: Seal them.
        tallies: Count them by day.
    """

    def __init__(self, file: DeskFile, keys: DeskKeys, tallies: Tallies) -> None:
        self._file = file
        self._keys = keys
        self._tallies = tallies

    def begin(self, *, collection: str, subject: str, disclosure: str) -> Dialogue:
        """Begin a conversation of a principal, who was told by this text that an AI answers."""
        number, now = secrets.token_hex(16), now_ms()
        self._keys.make(number)
        owner = self._keys.owner(subject)
        with self._file.writing() as database:
            row = (number, collection, owner, "assistant", disclosure, now, now)
            database.execute(
                "INSERT INTO conversations (id, collection, owner, status, disclosure, begun, changed) "
                "VALUES (?, ?, ?, ?, ?, ?, ?)",
                row,
            )
            self._tallies.count(database, "conversations")
        return Dialogue(
            id=number,
            collection=collection,
            owner=owner,
            status="assistant",
            disclosure=disclosure,
            begun=now,
            changed=now,
        )

    def find(self, number: str) -> Dialogue | None:
        """Return a conversation, if it is there and not forgotten."""
        if not self._file.exists:
            return None
        with self._file.reading() as database:
            row = database.execute(f"{_DIALOGUE} WHERE id = ?", (number,)).fetchone()
        return _dialogue(row) if row and self._keys.has(number) else None

    def owned(self, number: str, subject: str) -> Dialogue | None:
        """Return a conversation of this principal; somebody else's is as if it were not there."""
        found = self.find(number)
        return found if found is not None and found.owner == self._keys.owner(subject) else None

    def there(self, numbers: Collection[str]) -> set[str]:
        """Return which of these conversations are there and not forgotten."""
        return set(self._keys.many(numbers))

    def count_messages(self, number: str) -> int:
        """Return how many messages a conversation has."""
        with self._file.reading() as database:
            return int(
                database.execute("SELECT count(*) FROM messages WHERE conversation = ?", (number,)).fetchone()[0]
            )

    def add(
        self,
        number: str,
        *,
        role: Role,
        kind: Kind,
        content: Mapping[str, Any],
        request: str = "",
        ms: int | None = None,
        raw: str | None = None,
        count: Mapping[str, int] | None = None,
    ) -> Entry:
        """Add a message to a conversation.

        Args:
            number: Whose.
            role: Who says it.
            kind: What it is.
            content: Its text, masked, and what belongs to it.
            request: Of the question.
            ms: How long an answer took.
            raw: What the customer typed, where it is to be kept.
            count: Counters of the day to add to, by name.

        Raises:
            KeyDestroyed: The conversation is forgotten.
        """
        made, now = secrets.token_hex(16), now_ms()
        sealed = self._keys.seal(number, f"message/{made}", content)
        own = self._keys.seal(number, f"raw/{made}", raw) if raw is not None else None
        with self._file.writing() as database:
            if not database.execute("UPDATE conversations SET changed = ? WHERE id = ?", (now, number)).rowcount:
                raise forgotten()  # between the look at its key and now
            last = database.execute("SELECT max(seq) FROM messages WHERE conversation = ?", (number,)).fetchone()[0]
            seq = (last or 0) + 1
            database.execute(
                "INSERT INTO messages VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (made, number, seq, role, kind, now, request, ms, sealed, own),
            )
            for name, by in (count or {}).items():
                self._tallies.count(database, name, by=by)
        return Entry(id=made, seq=seq, role=role, kind=kind, at=now, request=request, ms=ms, content=content)

    def entries(self, number: str, *, after: int = 0) -> Sequence[Entry]:
        """Return the messages of a conversation after a position, in order.

        Raises:
            KeyDestroyed: It is forgotten.
        """
        with self._file.reading() as database:
            rows = database.execute(
                f"{_ENTRY} WHERE conversation = ? AND seq > ? ORDER BY seq", (number, after)
            ).fetchall()
        key = self._keys.key(number)
        return [self._entry(number, row, key) for row in rows]

    def entry(self, number: str, message: str) -> Entry | None:
        """Return one message of a conversation."""
        with self._file.reading() as database:
            row = database.execute(f"{_ENTRY} WHERE conversation = ? AND id = ?", (number, message)).fetchone()
        return self._entry(number, row, self._keys.key(number)) if row else None

    def put_raw(self, number: str, words: Mapping[str, str]) -> None:
        """Keep what a customer typed, by message, since a person is to take the conversation."""
        sealed = [(self._keys.seal(number, f"raw/{one}", text), one, number) for one, text in words.items()]
        with self._file.writing() as database:
            database.executemany("UPDATE messages SET raw = ? WHERE id = ? AND conversation = ?", sealed)

    def raw(self, number: str, *, role: Role | None = None) -> dict[str, str]:
        """Return what was typed, by message, as far as it is kept: by customer and agent, or by one of them.

        Customers are given what an agent wrote to them; what they typed is shown by ``reveal`` alone.

        Raises:
            KeyDestroyed: The conversation is forgotten.
        """
        with self._file.reading() as database:
            rows = database.execute(
                "SELECT id, raw FROM messages WHERE conversation = ? AND raw IS NOT NULL AND (? IS NULL OR role = ?) "
                "ORDER BY seq",
                (number, role, role),
            ).fetchall()
        key = self._keys.key(number)
        return {one: open_text(key, number, f"raw/{one}", sealed) for one, sealed in rows}

    def note(
        self,
        number: str,
        *,
        status: Status | None = None,
        refusals: int | None = None,
        asked_back: bool | None = None,
    ) -> None:
        """Change what is known of the state of a conversation."""
        changes: dict[str, Any] = {"status": status, "refusals": refusals, "asked_back": asked_back}
        changes = {name: value for name, value in changes.items() if value is not None}
        if status is not None:
            changes["closed"] = now_ms() if status == "closed" else None
        listed = ", ".join(f"{name} = ?" for name in changes)
        with self._file.writing() as database:
            database.execute(f"UPDATE conversations SET {listed} WHERE id = ?", (*changes.values(), number))  # noqa: S608 (names are ours)

    def list(self, *, collection: str | None = None, before: int | None = None) -> Sequence[Dialogue]:
        """Return conversations, oldest first: of a collection, and not touched since a time."""
        if not self._file.exists:
            return []
        with self._file.reading() as database:
            rows = database.execute(
                f"{_DIALOGUE} WHERE (? IS NULL OR collection = ?) AND (? IS NULL OR changed < ?) ORDER BY begun",
                (collection, collection, before, before),
            ).fetchall()
        return [_dialogue(row) for row in rows]

    def spoken(self, since: int) -> Sequence[tuple[str, Entry]]:
        """Return all messages since a time with their conversations, oldest first."""
        if not self._file.exists:
            return []
        with self._file.reading() as database:
            rows = database.execute(
                "SELECT conversation, id, seq, role, kind, at, request, ms, sealed FROM messages WHERE at >= ? "
                "ORDER BY at, seq",
                (since,),
            ).fetchall()
        keys = self._keys.many({row[0] for row in rows})
        return [(row[0], self._entry(row[0], row[1:], keys[row[0]])) for row in rows if row[0] in keys]

    @staticmethod
    def _entry(number: str, row: tuple[Any, ...], key: bytes) -> Entry:
        made, seq, role, kind, at, request, ms, sealed = row
        content = json.loads(open_text(key, number, f"message/{made}", sealed))
        return Entry(id=made, seq=seq, role=role, kind=kind, at=at, request=request, ms=ms, content=content)


def _dialogue(row: tuple[Any, ...]) -> Dialogue:
    names = "id collection owner status disclosure begun changed closed refusals asked_back".split()  # noqa: SIM905
    made = Dialogue(**dict(zip(names, row)))
    return replace(made, asked_back=bool(made.asked_back))


def now_ms() -> int:
    """Return milliseconds since 1970."""
    return round(time.time() * 1000)
