"""The tables of ``desk.db`` and ``desk.keys.db``. What is not an id, a time, a kind or a count is sealed."""

from __future__ import annotations

VERSION = 1

DESK = f"""
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS conversations (
    id TEXT PRIMARY KEY,
    collection TEXT NOT NULL,
    owner BLOB NOT NULL,
    status TEXT NOT NULL,
    disclosure TEXT NOT NULL,
    begun INTEGER NOT NULL,
    changed INTEGER NOT NULL,
    closed INTEGER,
    refusals INTEGER NOT NULL DEFAULT 0,
    asked_back INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS conversations_changed ON conversations (changed);
CREATE TABLE IF NOT EXISTS messages (
    id TEXT PRIMARY KEY,
    conversation TEXT NOT NULL REFERENCES conversations (id),
    seq INTEGER NOT NULL,
    role TEXT NOT NULL,
    kind TEXT NOT NULL,
    at INTEGER NOT NULL,
    request TEXT NOT NULL DEFAULT '',
    ms INTEGER,
    sealed BLOB NOT NULL,
    raw BLOB,
    UNIQUE (conversation, seq)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS messages_at ON messages (at);
CREATE TABLE IF NOT EXISTS tickets (
    id TEXT PRIMARY KEY,
    conversation TEXT NOT NULL,
    status TEXT NOT NULL,
    topic TEXT NOT NULL,
    created INTEGER NOT NULL,
    taken INTEGER,
    replied INTEGER,
    closed INTEGER,
    outcome TEXT NOT NULL DEFAULT '',
    sealed BLOB NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS tickets_conversation ON tickets (conversation);
CREATE INDEX IF NOT EXISTS tickets_status ON tickets (status, created);
CREATE TABLE IF NOT EXISTS feedback (
    id TEXT PRIMARY KEY,
    place TEXT NOT NULL,
    conversation TEXT NOT NULL,
    message TEXT NOT NULL,
    request TEXT NOT NULL,
    owner BLOB NOT NULL,
    rating TEXT NOT NULL,
    reason TEXT NOT NULL,
    at INTEGER NOT NULL,
    sealed BLOB,
    UNIQUE (request, owner)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS feedback_at ON feedback (at);
CREATE INDEX IF NOT EXISTS feedback_conversation ON feedback (conversation);
CREATE TABLE IF NOT EXISTS tallies (
    day TEXT NOT NULL,
    name TEXT NOT NULL,
    number INTEGER NOT NULL,
    PRIMARY KEY (day, name)
) WITHOUT ROWID;
PRAGMA user_version = {VERSION};
COMMIT;
"""
"""Times are milliseconds since 1970. ``owner`` is a keyed hash of whose it is; ``place`` names the key of a sealed
text: the conversation's, or one of its own for feedback from elsewhere. ``tallies`` hold numbers a day and outlive what
they counted."""

KEYS = f"""
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS desk_keys (
    place TEXT PRIMARY KEY,
    wrapped BLOB NOT NULL
) WITHOUT ROWID;
PRAGMA user_version = {VERSION};
COMMIT;
"""
