"""The tables and statements of ``evidence.db``, and its opening."""

from __future__ import annotations

import json
import os
import sqlite3
import struct
import threading
from collections.abc import Collection, Iterable
from contextlib import suppress
from pathlib import Path

VERSION = 1
BUSY_TIMEOUT_MS = 10_000

TABLES = f"""
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS subjects (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    mac BLOB NOT NULL UNIQUE,
    wrapped BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS conversations (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    collection TEXT NOT NULL,
    wrapped BLOB NOT NULL,
    UNIQUE (name, collection)
);
CREATE TABLE IF NOT EXISTS turns (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    request TEXT NOT NULL UNIQUE,
    conversation INTEGER NOT NULL REFERENCES conversations (id),
    subject INTEGER REFERENCES subjects (id),
    made INTEGER NOT NULL,
    parties BLOB NOT NULL,
    documents TEXT NOT NULL,
    wrapped BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS turns_conversation ON turns (conversation);
CREATE INDEX IF NOT EXISTS turns_subject ON turns (subject);
CREATE INDEX IF NOT EXISTS turns_made ON turns (made);
CREATE TABLE IF NOT EXISTS parts (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    turn INTEGER NOT NULL REFERENCES turns (id),
    ref TEXT NOT NULL,
    role TEXT NOT NULL,
    sealed BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS parts_turn ON parts (turn);
CREATE TABLE IF NOT EXISTS gone (
    request TEXT PRIMARY KEY,
    cause TEXT NOT NULL
) WITHOUT ROWID;
PRAGMA user_version = {VERSION};
COMMIT;
"""
"""``parties`` are the numbers of vault values, as in ``v/<number>`` of the key file, 8 bytes each, and ``documents`` a
JSON list of ids and versions. They have no index: each answer would write a page for every person in it, and they are
looked through only where somebody is erased. ``gone`` tells later why a request has no evidence any more."""

SUBJECT = "SELECT id, wrapped FROM subjects WHERE mac = ?"
NEW_SUBJECT = "INSERT INTO subjects (mac, wrapped) VALUES (?, ?)"
CONVERSATION = "SELECT id, wrapped FROM conversations WHERE name = ? AND collection = ?"
NEW_CONVERSATION = "INSERT INTO conversations (name, collection, wrapped) VALUES (?, ?, ?)"
EARLIER = "SELECT parties FROM turns WHERE conversation = ?"
TURN = "SELECT id FROM turns WHERE request = ?"
NEW_TURN = """
INSERT INTO turns (request, conversation, subject, made, parties, documents, wrapped) VALUES (?, ?, ?, ?, ?, ?, ?)
"""
REWRAPPED = "UPDATE turns SET wrapped = ?, parties = ? WHERE id = ?"
QUOTED = "UPDATE turns SET documents = ? WHERE id = ?"
NEW_PART = "INSERT INTO parts (turn, ref, role, sealed) VALUES (?, ?, ?, ?)"
GONE = "SELECT cause FROM gone WHERE request = ?"
NEW_GONE = "INSERT OR IGNORE INTO gone (request, cause) VALUES (?, ?)"
WHOLE_TURN = """
SELECT turns.id, turns.wrapped, parties, documents, collection, name, conversations.wrapped, mac, subjects.wrapped
FROM turns JOIN conversations ON conversations.id = conversation LEFT JOIN subjects ON subjects.id = subject
WHERE request = ?
"""
PARTS = "SELECT ref, role, sealed FROM parts WHERE turn = ? ORDER BY id"

REQUESTS = """
SELECT request FROM turns JOIN conversations ON conversations.id = conversation WHERE collection = ? ORDER BY turns.id
"""
FACTS = """
SELECT request, parties, documents FROM turns JOIN conversations ON conversations.id = conversation
WHERE collection = ? ORDER BY turns.id
"""
FACTS_OF = "SELECT request, parties, documents FROM turns WHERE request = ?"
OLDER = """
SELECT request, parties, documents FROM turns JOIN conversations ON conversations.id = conversation
WHERE made < ? AND collection = ? ORDER BY turns.id
"""
WHEN = "SELECT conversation, made FROM turns WHERE request = ?"
WRAPPED = "SELECT wrapped FROM turns WHERE request = ?"
ASKED_BY = "SELECT request FROM turns JOIN subjects ON subjects.id = subject WHERE mac = ?"
TURNS_OF = "SELECT request FROM turns JOIN conversations ON conversations.id = conversation WHERE name = ?"
TURN_OF = "SELECT id, conversation, subject FROM turns WHERE request = ?"
DROP_CONVERSATION = """
DELETE FROM conversations
WHERE id = ? AND NOT EXISTS (SELECT 1 FROM turns WHERE turns.conversation = conversations.id)
"""
DROP_SUBJECT = (
    "DELETE FROM subjects WHERE id = ? AND NOT EXISTS (SELECT 1 FROM turns WHERE turns.subject = subjects.id)"
)
COUNTS = {
    "conversations": "SELECT COUNT(*) FROM conversations",
    "turns": "SELECT COUNT(*) FROM turns",
    "parts": "SELECT COUNT(*) FROM parts",
}


def numbers_as_bytes(numbers: Collection[int]) -> bytes:
    """Return numbers as the column ``parties`` has them."""
    return struct.pack(f"<{len(numbers)}q", *sorted(numbers))


def numbers_from_bytes(packed: bytes) -> frozenset[int]:
    """Undo :func:`numbers_as_bytes`."""
    return frozenset(struct.unpack(f"<{len(packed) // 8}q", packed))


def numbers_in(database: sqlite3.Connection, conversation: int) -> set[int]:
    """Return the numbers of all who stand in a conversation, by its row."""
    found = database.execute(EARLIER, (conversation,))
    return {number for (parties,) in found for number in numbers_from_bytes(parties)}


def documents_as_text(documents: Iterable[tuple[str, int]]) -> str:
    """Return document versions as the column ``documents`` has them."""
    return json.dumps(sorted(documents), separators=(",", ":"))


def documents_from_text(text: str) -> set[tuple[str, int]]:
    """Undo :func:`documents_as_text`."""
    return {(doc_id, version) for doc_id, version in json.loads(text)}


_making = threading.Lock()  # nobody connects between the making of the file and the closing of its handle


def open_evidence(path: Path) -> sqlite3.Connection:
    """Open the file, 0600, and make its tables. SQLite gives its two companions the same mode.

    A file that is there is not opened and closed beside SQLite: closing it would drop the locks that another thread's
    connection holds on it (sqlite.org, "How To Corrupt", 2.2).

    Raises:
        OSError: It is a link, of a newer ragkit, or cannot be made.
        sqlite3.Error: It cannot be read or written.
    """
    made = False
    with _making, suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600))
        made = True
    if path.is_symlink():
        raise OSError(40, "evidence.db is a link")
    database = sqlite3.connect(path, timeout=BUSY_TIMEOUT_MS / 1000, isolation_level=None, check_same_thread=False)
    try:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("PRAGMA synchronous=NORMAL")
        database.execute("PRAGMA secure_delete=ON")
        database.execute("PRAGMA foreign_keys=ON")
        version = database.execute("PRAGMA user_version").fetchone()[0]
        if version > VERSION:
            raise OSError(95, "evidence.db is of a newer ragkit")
        if version < VERSION:
            database.executescript(TABLES)
    except BaseException:
        database.close()
        raise
    if made:
        sync_folder(path.parent)  # its name must survive a power cut, not only its bytes
    return database


def sync_folder(folder: Path) -> None:
    """Force a folder's names to the disk."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
