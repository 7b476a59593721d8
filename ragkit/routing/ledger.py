"""What was spent, and what is reserved: ``usage.db`` in the data folder, written by any number of processes.

::

    ledger = UsageLedger(data_folder / "usage.db", key=handles.secret("usage"))
    held = ledger.reserve(what, tokens=3_512, cost_micro=900, limits=limits)   # or a Limit that has no room
    ledger.settle(held, spent)                                                 # or ledger.release(held)

One ``BEGIN IMMEDIATE`` transaction looks whether a reservation fits and makes it, so that no two processes take the
same tokens. A row of usage is a day, generator, model, collection and asker; there is no content, no time of day and no
name: principals and access tokens are keyed hashes. The file has mode 0600. A power cut can lose the last calls, a
killed process cannot (WAL, ``synchronous=NORMAL``).
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from ragkit.crypto import keyed_hash
from ragkit.errors import StoreError
from ragkit.routing import schema
from ragkit.routing.accounts import NOBODY, Held, Limit, Spender, Spent, Standing, own_token
from ragkit.routing.owner import Owner
from ragkit.types import Principal

BUSY_TIMEOUT_MS = 10_000
LONGEST_CALL_SECONDS = 2 * 3600
"""A reservation of a process that cannot be looked at (another host or container) ends after this."""


def utc_now() -> datetime:
    """Return the time, in UTC."""
    return datetime.now(UTC)


class UsageLedger:
    """The file. Safe to share between threads and after a fork.

    Args:
        path: Made when something is first written.
        key: 32 bytes; hashes principals.
        clock: Gives the time in UTC. When it goes back, nothing that was spent is forgotten: a period counts what is
            booked on its first day and later, also what lies in the future.
    """

    def __init__(self, path: Path, *, key: bytes, clock: Callable[[], datetime] = utc_now) -> None:
        self._path = path
        self._key = key
        self._clock = clock
        self._local = threading.local()
        self._owner = Owner.of_this_process()

    @property
    def exists(self) -> bool:
        """Whether anything was ever written."""
        return self._path.exists()

    def today(self) -> date:
        """Return the day in UTC."""
        return self._clock().astimezone(UTC).date()

    def hash_token(self, token: str) -> bytes:
        """Return what stands for an access token in the file: 16 bytes of a keyed hash."""
        return keyed_hash(self._key, "usage-token", token)[:16]

    def standing(self, limits: Sequence[Limit]) -> list[Standing]:
        """Return what is spent and reserved of each limit, those of dead processes left out."""
        if not self.exists:
            return [Standing(limit=limit, tokens=0, cost_micro=0) for limit in limits]
        with self._transaction() as database:
            self._bury(database)
            return [_standing(database, limit) for limit in limits]

    def reserve(
        self, spender: Spender, *, tokens: int, cost_micro: int | None, limits: Sequence[Limit]
    ) -> Held | Standing:
        """Set this much aside if it fits every limit, or return the first limit that it does not fit.

        Raises:
            StoreError: The file cannot be written; nothing may be spent.
        """
        day = self.today()
        with self._transaction() as database:
            self._bury(database)
            for limit in limits:
                standing = _standing(database, limit)
                if not standing.takes(tokens, cost_micro):
                    return standing
            asker = self._asker(database, spender.principal)
            made = int(self._clock().timestamp())
            row = (
                str(self._owner),
                made,
                day.isoformat(),
                spender.generator,
                spender.collection,
                asker,
                tokens,
                cost_micro,
            )
            done = database.execute(schema.RESERVE, row)
            return Held(int(done.lastrowid or 0), spender, day)

    def settle(self, held: Held, spent: Spent) -> None:
        """Book what was really spent in place of the reservation.

        Raises:
            StoreError: The file cannot be written.
        """
        with self._transaction() as database:
            database.execute(schema.RELEASE, (held.id,))
            self._book(database, held.spender, held.day, spent)

    def release(self, held: Held) -> None:
        """Give back what was reserved: nothing was spent."""
        with self._transaction() as database:
            database.execute(schema.RELEASE, (held.id,))

    def book(self, spender: Spender, spent: Spent) -> None:
        """Book a call that needed no reservation."""
        day = self.today()
        with self._transaction() as database:
            self._book(database, spender, day, spent)

    def rows(self, *, since: date | None = None, until: date | None = None) -> list[dict[str, Any]]:
        """Return the usage of the days ``since`` to ``until``, both included."""
        if not self.exists:
            return []
        span = ((since or date.min).isoformat(), (until or date.max).isoformat())
        with self._transaction() as database:
            found = database.execute(schema.ROWS, span)
            return [dict(zip(schema.ROW_KEYS, row)) for row in found]

    def close(self) -> None:
        """Close this thread's connection; it opens again when needed."""
        database = getattr(self._local, "database", None)
        if database is not None and self._local.pid == os.getpid():
            database.close()
        self._local.database = None

    def __repr__(self) -> str:
        return "UsageLedger()"

    def __reduce__(self) -> tuple[object, ...]:
        raise TypeError("the ledger holds a key and is not pickled")

    # --- within a transaction ----------------------------------------------------------------------------------

    def _asker(self, database: sqlite3.Connection, principal: Principal | None) -> int:
        """The number of a principal with these very tokens: who changes groups is another asker from then on."""
        tokens = sorted(principal.tokens) if principal else [NOBODY]
        mac = keyed_hash(self._key, "usage-asker", *tokens)[:16]
        subject = self.hash_token(own_token(principal))
        known = database.execute("SELECT id FROM askers WHERE mac = ?", (mac,)).fetchone()
        if known:
            return int(known[0])
        asker = database.execute("INSERT INTO askers (mac, subject) VALUES (?, ?)", (mac, subject)).lastrowid or 0
        database.executemany("INSERT INTO holds VALUES (?, ?)", [(asker, self.hash_token(one)) for one in tokens])
        return asker

    def _book(self, database: sqlite3.Connection, spender: Spender, day: date, spent: Spent) -> None:
        used = spent.usage
        where = (day.isoformat(), spender.generator, spent.model, spender.collection)
        counts = (
            used.input,
            used.output,
            used.cached_input,
            used.reasoning,
            int(used.estimated),
            spent.cost_micro or 0,
        )
        row = (*where, self._asker(database, spender.principal), spent.currency, *counts)
        database.execute(schema.BOOK, (*row, int(spent.cost_micro is None), spent.ms))

    def _bury(self, database: sqlite3.Connection) -> None:
        """Give back what processes reserved that are no more."""
        now = int(self._clock().timestamp())
        for owner, oldest in database.execute(schema.OWNERS).fetchall():
            dead = Owner.parse(owner).is_dead()
            if dead or (dead is None and now - oldest > LONGEST_CALL_SECONDS):
                database.execute(
                    "DELETE FROM reservations WHERE owner = ? AND (? OR made <= ?)", (owner, bool(dead), oldest)
                )

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        try:
            database = self._connection()
            database.execute("BEGIN IMMEDIATE")
            try:
                yield database
            except BaseException:
                database.execute("ROLLBACK")
                raise
            database.execute("COMMIT")
        except (sqlite3.Error, OSError) as failed:
            raise StoreError(
                f"what was spent cannot be read or written ({type(failed).__name__})",
                remedy="Look at the disk and the permissions of usage.db in the data folder.",
            ) from None

    def _connection(self) -> sqlite3.Connection:
        if getattr(self._local, "database", None) is None or self._local.pid != os.getpid():
            self._owner = Owner.of_this_process()
            self._local.database = _open(self._path)
            self._local.pid = os.getpid()
        return self._local.database  # type: ignore[no-any-return]


_making = threading.Lock()  # nobody connects between the making of the file and the closing of its handle


def _open(path: Path) -> sqlite3.Connection:
    """Open the file, 0600, and make its tables. SQLite gives its two companions the same mode.

    A file that is there is not opened and closed beside SQLite: closing it would drop the locks that another thread's
    connection holds on it, and processes would overwrite each other (sqlite.org, "How To Corrupt", 2.2).
    """
    with _making, suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600))
    if path.is_symlink():
        raise StoreError("usage.db is a link", remedy="Put the file itself in the data directory.")
    database = sqlite3.connect(path, timeout=BUSY_TIMEOUT_MS / 1000, isolation_level=None, check_same_thread=False)
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("PRAGMA synchronous=NORMAL")
    database.execute("PRAGMA secure_delete=ON")
    version = database.execute("PRAGMA user_version").fetchone()[0]
    if version > schema.VERSION:
        database.close()
        raise StoreError("usage.db is of a newer ragkit", remedy="Use the newer version.")
    if version < schema.VERSION:
        database.executescript(schema.TABLES)
    return database


def _standing(database: sqlite3.Connection, limit: Limit) -> Standing:
    since = limit.since.isoformat()
    where = (since, limit.generator, limit.generator, limit.collection, limit.collection, limit.holder, limit.holder)
    spent = database.execute(schema.SPENT, (limit.currency, *where)).fetchone()
    held = database.execute(schema.HELD, where).fetchone()
    return Standing(limit=limit, tokens=spent[0] + held[0], cost_micro=spent[1] + held[1])
