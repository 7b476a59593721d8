from __future__ import annotations

import os
import sqlite3
import stat
import threading
from pathlib import Path

import pytest
from sqlalchemy import select, text

from ragkit.errors import StoreCorrupt, StoreError
from ragkit.store.database import open_database
from ragkit.store.schema import collections
from ragkit.testing.served_store import only_sqlite


def a_row(name: str = "n") -> dict[str, object]:
    """A row of some table."""
    return {
        "id": name,
        "name": name,
        "wrapped_key": b"k",
        "data_class": "public",
        "policy": "",
        "encoder": "",
        "chunker": "",
        "created_at": "",
    }


@only_sqlite
def test_a_writer_is_durable_and_shreds(tmp_path: Path) -> None:
    """A writing connection runs in WAL mode, syncs fully, zeroes what it deletes and checks links."""
    database = open_database(tmp_path / "r.db", writable=True)
    with database.read() as connection:
        pragmas = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
            for name in ("journal_mode", "synchronous", "secure_delete", "foreign_keys", "temp_store")
        }
    assert pragmas == {
        "journal_mode": "wal",
        "synchronous": 2,
        "secure_delete": 1,
        "foreign_keys": 1,
        "temp_store": 2,
    }


@only_sqlite
def test_files_are_private(tmp_path: Path) -> None:
    """The file, its log, its shared memory and its key file can be read by their owner alone, whatever the umask."""
    before = os.umask(0)
    try:
        database = open_database(tmp_path / "r.db", writable=True)
        with database.write() as connection:
            connection.execute(collections.insert(), a_row())
    finally:
        os.umask(before)
    assert len(list(tmp_path.iterdir())) == 4  # with the key file
    assert {stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()} == {0o600}


@only_sqlite
def test_a_write_takes_the_lock_at_once(tmp_path: Path) -> None:
    """A write transaction begins IMMEDIATE: nobody else can write between its first read and its first write."""
    database = open_database(tmp_path / "r.db", writable=True)
    other = sqlite3.connect(tmp_path / "r.db", timeout=0, isolation_level=None)
    with database.write() as connection:
        connection.execute(select(collections)).all()
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("BEGIN IMMEDIATE")
    other.execute("BEGIN IMMEDIATE")
    other.close()


def test_a_failed_write_leaves_nothing(tmp_path: Path) -> None:
    """An exception rolls the whole transaction back, nested ones included."""
    database = open_database(tmp_path / "r.db", writable=True)
    with pytest.raises(ZeroDivisionError), database.write() as connection:  # noqa: PT012 - it must fail late
        connection.execute(collections.insert(), a_row("a"))
        with database.write() as same:
            assert same is connection
            same.execute(collections.insert(), a_row("b"))
        raise ZeroDivisionError
    with database.read() as connection:
        assert connection.execute(select(collections)).all() == []


def test_a_read_is_one_snapshot(tmp_path: Path) -> None:
    """Two queries of one read see the same state though another thread commits between them."""
    database = open_database(tmp_path / "r.db", writable=True)

    def write() -> None:
        with database.write() as connection:
            connection.execute(collections.insert(), a_row())

    with database.read() as connection:
        assert connection.execute(select(collections)).all() == []
        writer = threading.Thread(target=write)
        writer.start()
        writer.join()
        assert connection.execute(select(collections)).all() == []
    with database.read() as connection:
        assert len(connection.execute(select(collections)).all()) == 1


def test_nested_reads_share_a_snapshot(tmp_path: Path) -> None:
    """A read within a read sees the same state; a write within a read is a transaction of its own."""
    database = open_database(tmp_path / "r.db", writable=True)
    with database.read() as outer:
        assert outer.execute(select(collections)).all() == []
        with database.write() as connection:
            connection.execute(collections.insert(), a_row())
            with database.read() as same:
                assert same is connection
        with database.read() as inner:
            assert inner is outer
            assert inner.execute(select(collections)).all() == []
    with database.read() as connection:
        assert len(connection.execute(select(collections)).all()) == 1


def test_threads_write_in_turn(tmp_path: Path) -> None:
    """Writers in several threads wait for each other and lose nothing."""
    database = open_database(tmp_path / "r.db", writable=True)

    def write(name: str) -> None:
        for number in range(20):
            with database.write() as connection:
                connection.execute(collections.insert(), a_row(f"{name}{number}"))

    threads = [threading.Thread(target=write, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.read() as connection:
        assert len(connection.execute(select(collections.c.id)).all()) == 80


def test_reading_needs_a_store_and_cannot_write(tmp_path: Path) -> None:
    """Opened for reading, an absent store is an error and a present one refuses writes."""
    with pytest.raises(StoreError, match="no record store") as absent:
        open_database(tmp_path / "r.db", writable=False)
    assert "sync" in absent.value.remedy
    assert list(tmp_path.iterdir()) == []
    open_database(tmp_path / "r.db", writable=True)
    reader = open_database(tmp_path / "r.db", writable=False)
    with pytest.raises(StoreError, match="reading only"), reader.write():
        pass
    with pytest.raises(StoreError, match=r"(?i)readonly"), reader.read() as connection:
        connection.execute(collections.insert(), a_row())


@only_sqlite
def test_a_damaged_file_is_named_as_such(tmp_path: Path) -> None:
    """A file that is no database raises StoreCorrupt."""
    (tmp_path / "r.db").write_bytes(b"not a database at all, but long enough to be looked at" * 100)
    with pytest.raises(StoreCorrupt):
        open_database(tmp_path / "r.db", writable=True)


def test_errors_carry_no_content(tmp_path: Path) -> None:
    """An error shows neither SQL, parameters nor the path, printed with its chain."""
    import traceback

    database = open_database(tmp_path / "r.db", writable=True)
    secret = "Zeb" + "edee"
    statement = text("SELECT :v FROM " + "no_" + "such_table")
    with pytest.raises(StoreError) as caught, database.write() as connection:
        connection.execute(statement, {"v": secret})
    shown = "".join(traceback.format_exception(caught.value)) + repr(caught.value)
    assert secret not in shown
    assert "no_such_table" not in shown
    assert str(tmp_path) not in shown


@only_sqlite
def test_a_checkpoint_empties_the_log(tmp_path: Path) -> None:
    """After checkpoint_truncate the write-ahead log is empty; a reader in the way is reported."""
    database = open_database(tmp_path / "r.db", writable=True)
    with database.write() as connection:
        connection.execute(collections.insert(), a_row())
    assert (tmp_path / "r.db-wal").stat().st_size > 0
    assert database.checkpoint_truncate() is True
    assert (tmp_path / "r.db-wal").stat().st_size == 0
