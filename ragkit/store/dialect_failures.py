"""What a driver's error means to whoever runs ragkit: never with SQL, parameters, paths, hosts or users."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError

from ragkit.errors import StoreCorrupt, StoreError

_SQLITE = {
    "SQLITE_BUSY": "Another process keeps the store locked; wait for it, or look with `ragkit status`.",
    "SQLITE_FULL": "The disk is full. Free some space and run the command again; nothing was lost.",
    "SQLITE_READONLY": "The data directory cannot be written. Check its owner and mode.",
    "SQLITE_CANTOPEN": "The data directory cannot be opened. Check that it exists, and its owner and mode.",
}
_GONE = (
    "The server was restarted, cannot be reached or refuses the user. What was not committed is undone: check the "
    "server and `[store]`, then run the command again; it goes on from there."
)
_SQLSTATE = {  # https://www.postgresql.org/docs/current/errcodes-appendix.html
    "55P03": "Another process keeps the store locked; wait for it, or look with `ragkit status`.",
    "57014": "The server took too long. Look at its load and locks, then run the command again; nothing was lost.",
    "53100": "The server's disk is full. Free some space and run the command again; nothing was lost.",
    "53300": "The server has no connection left. Raise its `max_connections`, or run fewer processes.",
    "42501": "The server's user may not do this. It needs to own the schema, or the right to make one.",
    "25006": "The store was opened for reading only, or the server is a standby. Name the primary in `[store]`.",
    "25P03": "A transaction waited too long and was undone. Run the command again; nothing was lost.",
    "3D000": "The server has no such database. Make one, then run the command again.",
    "57P": _GONE,
    "08": _GONE,
}
_DAMAGED = ("XX001", "XX002")


@contextmanager
def translated_errors() -> Iterator[None]:
    """Turn driver errors into the store's own, without the chain that has more.

    Raises:
        StoreError: With the error's name and what to do.
        StoreCorrupt: What is stored is damaged.
    """
    try:
        yield
    except Exception as bad:
        found = _translated(bad)
        if found is None:
            raise
        raise found from None


def _translated(bad: Exception) -> StoreError | None:
    origin = bad.orig if isinstance(bad, DBAPIError) else bad
    if isinstance(origin, sqlite3.Error):
        return _of_sqlite(str(getattr(origin, "sqlite_errorname", "") or type(origin).__name__))
    if isinstance(bad, DBAPIError) or type(origin).__module__.partition(".")[0] == "psycopg":
        unreached = "08" if type(origin).__name__ in ("OperationalError", "InterfaceError") else ""
        return _of_server(type(origin).__name__, str(getattr(origin, "sqlstate", None) or unreached), bad)
    return None


def _of_sqlite(name: str) -> StoreError:
    if name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
        return StoreCorrupt(
            f"the record store is damaged ({name})", remedy="Restore a backup, or delete it and sync again."
        )
    remedy = next((text for code, text in _SQLITE.items() if name.startswith(code)), "Run `ragkit doctor`.")
    return StoreError(f"the record store could not be used ({name})", remedy=remedy)


def _of_server(name: str, state: str, bad: Exception) -> StoreError:
    if state in _DAMAGED:
        return StoreCorrupt(f"the record store is damaged ({name})", remedy="Restore a backup of the server or of it.")
    lost = isinstance(bad, DBAPIError) and bad.connection_invalidated
    remedy = next((text for code, text in _SQLSTATE.items() if state.startswith(code)), "Run `ragkit doctor`.")
    return StoreError(f"the record store could not be used ({name})", remedy=_GONE if lost else remedy)
