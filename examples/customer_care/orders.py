"""The shop's order database, an SQLite file made from ``source/orders.sql``."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

SCRIPT = Path(__file__).resolve().parent / "source" / "orders.sql"
LATER = (
    "BRK-318204",
    "The next lot of the Harrier 45 rucksack in moss green arrives in week 51.",
    "2026-11-09T08:00:00",
)
"""What the desk notes down while the demo runs."""


def write_orders(shop: Path) -> None:
    """Make ``orders.db`` in the shop's folder anew."""
    file = shop / "orders.db"
    file.unlink(missing_ok=True)
    with closing(sqlite3.connect(file)) as database, database:
        database.executescript(SCRIPT.read_text(encoding="utf-8"))


def note(shop: Path, order: str, text: str, changed: str) -> None:
    """Change the note of an order."""
    with closing(sqlite3.connect(shop / "orders.db")) as database, database:
        database.execute("UPDATE orders SET note = ?, changed = ? WHERE number = ?", (text, changed, order))
