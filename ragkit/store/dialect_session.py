"""One writer a workspace on all machines: an advisory lock of the server, held by a session of its own.

The server lets go of it when the session ends, by whatever death. After a restart of the server it is taken again
before the next write, unless somebody else has it by then.
"""

from __future__ import annotations

import os
import select
import weakref
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ragkit.store.dialect_failures import translated_errors
from ragkit.store.dialect_postgresql import this_host
from ragkit.store.lock import busy

if TYPE_CHECKING:
    from ragkit.store.dialect_postgresql import PostgreSQL

_HOLDER = (
    "SELECT application_name FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE locktype = 'advisory' AND granted "
    "AND objsubid = 1 AND (classid::bigint << 32) | objid::bigint = %s "
    "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)


class WriterSession:
    """Holds the writer's lock of one store on its server.

    Args:
        server: Where.
        command: What the owner is doing, shown to whoever finds it taken. A verb, never arguments.
    """

    def __init__(self, server: PostgreSQL, command: str) -> None:
        self._server = server
        self._command = command
        self._connection: Any = None

    def acquire(self) -> None:
        """Take the lock at once, or fail at once.

        Raises:
            WriterBusy: Another process has it; the message names process, host, command and start.
            StoreError: The server cannot be reached.
        """
        started = datetime.now(UTC).isoformat(timespec="seconds")
        with translated_errors():
            connection = self._server.alone(f"{os.getpid()}|{this_host()}|{self._command[:20]}|{started[:19]}")
            try:
                number = self._server.lock_number("writer")
                taken = connection.execute("SELECT pg_try_advisory_lock(%s)", (number,)).fetchone()[0]
                holder = None if taken else connection.execute(_HOLDER, (number,)).fetchone()
            except BaseException:
                connection.close()
                raise
        if not taken:
            connection.close()
            raise busy(_owner(holder))
        self._connection = connection
        self._server.writer = self
        _held.add(self)

    def require(self) -> None:
        """Make sure the session is alive, which costs no round trip; take the lock again where it is not.

        Raises:
            WriterBusy: Another process was quicker.
            StoreError: The server cannot be reached.
        """
        if self._connection is None or _ended(self._connection):
            self._let_go()
            self.acquire()

    def release(self) -> None:
        """Let go. Does nothing when the lock is not held."""
        if self._server.writer is self:
            self._server.writer = None
        self._let_go()

    def _let_go(self) -> None:
        connection, self._connection = self._connection, None
        _held.discard(self)
        if connection is not None:
            connection.close()

    def leave_to_parent(self) -> None:
        """In a forked child: let go of the socket without a word on it, so that it lives as long as the parent."""
        if self._connection is None:
            return
        _inherited.append(self._connection)
        nothing = os.open(os.devnull, os.O_RDWR)
        os.dup2(nothing, self._connection.fileno(), inheritable=False)
        os.close(nothing)
        self._connection = None
        self._server.writer = None


_held: weakref.WeakSet[WriterSession] = weakref.WeakSet()
_inherited: list[Any] = []


def _leave_all_to_parent() -> None:
    for one in list(_held):
        one.leave_to_parent()
    _held.clear()


os.register_at_fork(after_in_child=_leave_all_to_parent)


def _ended(connection: Any) -> bool:
    """Whether the server ended the session: then its socket has something to read, and the rest is silence."""
    if connection.closed:
        return True
    looked = select.poll()
    looked.register(connection.fileno(), select.POLLIN)
    if not looked.poll(0):
        return False
    try:
        connection.execute("SELECT 1")
    except Exception:
        return True
    return False


def _owner(row: Any) -> str:
    parts = str(row[0]).split("|") if row else []
    if len(parts) != 4:
        return "a process that is just starting or stopping"
    process, host, command, started = parts
    return f"process {process} on {host} ({command}, since {started})"
