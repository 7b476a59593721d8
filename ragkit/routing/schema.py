"""The tables and statements of ``usage.db``."""

from __future__ import annotations

VERSION = 1

TABLES = f"""
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS askers (
    id INTEGER PRIMARY KEY,
    mac BLOB NOT NULL UNIQUE,
    subject BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS holds (
    asker INTEGER NOT NULL REFERENCES askers (id),
    token BLOB NOT NULL,
    PRIMARY KEY (token, asker)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS usage (
    day TEXT NOT NULL,
    generator TEXT NOT NULL,
    model TEXT NOT NULL,
    collection TEXT NOT NULL,
    asker INTEGER NOT NULL REFERENCES askers (id),
    currency TEXT NOT NULL,
    calls INTEGER NOT NULL,
    input INTEGER NOT NULL,
    output INTEGER NOT NULL,
    cached_input INTEGER NOT NULL,
    reasoning INTEGER NOT NULL,
    estimated INTEGER NOT NULL,
    cost_micro INTEGER NOT NULL,
    unpriced INTEGER NOT NULL,
    ms INTEGER NOT NULL,
    PRIMARY KEY (day, generator, model, collection, asker, currency)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS reservations (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    owner TEXT NOT NULL,
    made INTEGER NOT NULL,
    day TEXT NOT NULL,
    generator TEXT NOT NULL,
    collection TEXT NOT NULL,
    asker INTEGER NOT NULL REFERENCES askers (id),
    tokens INTEGER NOT NULL,
    cost_micro INTEGER
);
PRAGMA user_version = {VERSION};
COMMIT;
"""

RESERVE = """
INSERT INTO reservations (owner, made, day, generator, collection, asker, tokens, cost_micro)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
"""

RELEASE = "DELETE FROM reservations WHERE id = ?"

OWNERS = "SELECT owner, MIN(made) FROM reservations GROUP BY owner"

BOOK = """
INSERT INTO usage (
    day, generator, model, collection, asker, currency,
    calls, input, output, cached_input, reasoning, estimated, cost_micro, unpriced, ms
)
VALUES (?, ?, ?, ?, ?, ?, 1, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET
    calls = calls + 1,
    input = input + excluded.input,
    output = output + excluded.output,
    cached_input = cached_input + excluded.cached_input,
    reasoning = reasoning + excluded.reasoning,
    estimated = estimated + excluded.estimated,
    cost_micro = cost_micro + excluded.cost_micro,
    unpriced = unpriced + excluded.unpriced,
    ms = ms + excluded.ms
"""

_WHERE = """
WHERE day >= ?
    AND (? IS NULL OR generator = ?)
    AND (? IS NULL OR collection = ?)
    AND (? IS NULL OR asker IN (SELECT asker FROM holds WHERE token = ?))
"""

SPENT = (
    "SELECT IFNULL(SUM(input + output), 0), IFNULL(SUM(CASE WHEN currency = ? THEN cost_micro ELSE 0 END), 0) "
    "FROM usage" + _WHERE
)

HELD = "SELECT IFNULL(SUM(tokens), 0), IFNULL(SUM(cost_micro), 0) FROM reservations" + _WHERE  # noqa: S608

ROW_KEYS = (
    "day", "generator", "model", "collection", "subject", "currency", "calls", "input", "output", "cached_input",
    "reasoning", "estimated", "cost_micro", "unpriced", "ms",
)  # fmt: skip

ROWS = (
    "SELECT " + ", ".join(ROW_KEYS) + " FROM usage JOIN askers ON askers.id = usage.asker "  # noqa: S608
    "WHERE day >= ? AND day <= ? ORDER BY day, generator, model, collection, usage.asker"
)
