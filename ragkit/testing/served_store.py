"""Record stores of tests on a PostgreSQL server instead of in files: a schema for each path that is opened.

::

    with served(url):
        open_database(tmp_path / "records.db", writable=True)    # on the server
    serve_from_environment()                                     # the same in a process that a test starts
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from ragkit.store import database
from ragkit.store.dialect_postgresql import PostgreSQL
from ragkit.store.dialect_sqlite import SqliteFile

VARIABLE = "RAGKIT_TEST_STORE_URL"
_Test = TypeVar("_Test", bound=Callable[..., object])


def server_of(url: str, file: Path) -> PostgreSQL:
    """Return the schema that stands for a file."""
    return PostgreSQL(url, schema="t" + hashlib.sha256(str(file.resolve()).encode()).hexdigest()[:24])


@contextmanager
def served(url: str) -> Iterator[None]:
    """Open every record store of this process, and of those it starts that ask, on a server."""
    before = os.environ.get(VARIABLE)
    os.environ[VARIABLE] = url
    serve_from_environment()
    try:
        yield
    finally:
        vars(database)["SqliteFile"] = SqliteFile
        os.environ.pop(VARIABLE)
        if before is not None:
            os.environ[VARIABLE] = before


def serve_from_environment() -> None:
    """Do what the process did that started this one; nothing where it opened files."""
    if url := os.environ.get(VARIABLE):
        vars(database)["SqliteFile"] = lambda file: server_of(url, file)


def only_sqlite(test: _Test) -> _Test:
    """Mark a test as one of what only a SQLite file has, such as its pragmas and its pages."""
    test.only_sqlite = True  # type: ignore[attr-defined]
    return test
