"""What only a server has: other machines, lost connections, restarts, several processes that write at once."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import func, select, text

from ragkit.errors import StoreError, WriterBusy
from ragkit.store import dialect_postgresql as postgresql
from ragkit.store.database import Database, open_database
from ragkit.store.dialect_postgresql import PostgreSQL
from ragkit.store.lock import WriterLock
from ragkit.store.records import check
from ragkit.store.schema import collections, documents, metadata, migrations, versions
from ragkit.testing.light import LightIngest
from ragkit.testing.postgres import ABSENT, PostgresServer, postgres
from ragkit.testing.served_store import only_sqlite, serve_from_environment, served, server_of

pytestmark = [pytest.mark.slow, pytest.mark.skipif(bool(ABSENT), reason=ABSENT)]


@pytest.fixture
def on_server(server: PostgresServer) -> Iterator[str]:
    """Every record store that is opened is on the server."""
    with served(server.url):
        yield server.url


def ask(url: str, query: str, *values: object) -> list[tuple[object, ...]]:
    """Ask the server beside ragkit."""
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        cursor = connection.execute(query, values)
        return cursor.fetchall() if cursor.description else []


def a_row(name: str) -> dict[str, object]:
    """A row of some table."""
    return {"id": name, "name": name, "wrapped_key": b"k", "data_class": "public", "policy": "", "encoder": "",
            "chunker": "", "created_at": ""}  # fmt: skip


def count(database: Database) -> int:
    """How many of these rows there are."""
    with database.read() as connection:
        return connection.execute(select(func.count()).select_from(collections)).scalar_one()


# --- several processes ---------------------------------------------------------------------------------------------


def _sync_in_turn(folder: str, name: str, collection: str, start: object) -> None:
    """One worker: a source of its own, three times, each time changed."""
    serve_from_environment()
    light = LightIngest(Path(folder), words=["Ada"], name=collection, max_delete_share=1.0)
    start.wait()  # type: ignore[attr-defined]
    for turn in range(3):
        texts = {f"{name}-{number}": f"turn {turn} of {name} by Ada\n\nsecond {number}" for number in range(25 - turn)}
        light.sync(texts, name)


@only_sqlite
def test_workers_lose_and_repeat_nothing(tmp_path: Path, on_server: str) -> None:
    """Three processes write one collection and one writes another; "everything after n" misses nothing meanwhile."""
    first = LightIngest(tmp_path, words=["Ada"])
    first.sync({"seed": "Ada was here"})  # the value that all mention is in the vault
    LightIngest(tmp_path, words=["Ada"], name="other").sync({"seed": "Ada was here"})
    context = multiprocessing.get_context("spawn")
    start = context.Event()
    jobs = [("one", "default"), ("two", "default"), ("three", "default"), ("four", "other")]
    workers = [context.Process(target=_sync_in_turn, args=(str(tmp_path), *job, start)) for job in jobs]
    for worker in workers:
        worker.start()
    reader = LightIngest(tmp_path, words=["Ada"], writable=False).store.index_source()
    follower = {row.chunk_id for row in reader.rows(with_text=False)}
    after = reader.last_chunk_id()
    start.set()
    rounds = 0
    while any(worker.is_alive() for worker in workers):
        through = reader.last_chunk_id()
        follower |= {row.chunk_id for row in reader.rows(after=after, through=through, with_text=False)}
        after, rounds = through, rounds + 1
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0] * 4
    through = reader.last_chunk_id()
    follower |= {row.chunk_id for row in reader.rows(after=after, through=through, with_text=False)}
    there = [row.chunk_id for row in reader.rows(with_text=False)]
    assert rounds > 5
    assert set(there) <= follower, "a number that became visible late would be missing for ever"
    assert len(there) == len(set(there)) == 2 * 3 * 23 + 1
    texts = first.texts()
    assert len(texts) == 3 * 23 + 1
    assert all(some[0].startswith("turn 2 of") for name, some in texts.items() if name != "seed")
    check(first.database)
    with first.database.read() as connection:
        numbers = connection.execute(select(versions.c.number).join(documents)).scalars().all()
    assert sorted(numbers) == [1] * 2 + [3] * (4 * 23)


def _open_new(folder: str, start: object) -> None:
    serve_from_environment()
    start.wait()  # type: ignore[attr-defined]
    LightIngest(Path(folder), words=["Ada"]).database.close()


@only_sqlite
def test_processes_that_open_a_new_store_at_once_make_one(tmp_path: Path, on_server: str) -> None:
    """One schema, each migration noted once, one collection."""
    context = multiprocessing.get_context("spawn")
    start = context.Event()
    openers = [context.Process(target=_open_new, args=(str(tmp_path), start)) for _ in range(4)]
    for opener in openers:
        opener.start()
    start.set()
    for opener in openers:
        opener.join()
    assert [opener.exitcode for opener in openers] == [0] * 4
    light = LightIngest(tmp_path, writable=False)
    with light.database.read() as connection:
        noted = connection.execute(select(func.count()).select_from(migrations)).scalar_one()
        assert connection.execute(select(func.max(migrations.c.number))).scalar_one() == noted
    assert count(light.database) == 1


@only_sqlite
def test_a_reader_waits_for_nobody(tmp_path: Path, on_server: str) -> None:
    """While one writes, another write waits, and a read is answered at once with what was there before."""
    one = open_database(tmp_path / "records.db", writable=True)
    two = open_database(tmp_path / "records.db", writable=True)
    done: list[float] = []

    def write() -> None:
        with two.write() as connection:
            connection.execute(collections.insert(), a_row("two"))
        done.append(time.monotonic())

    with one.write() as connection:
        connection.execute(collections.insert(), a_row("one"))
        thread = threading.Thread(target=write)
        thread.start()
        time.sleep(0.3)
        began = time.monotonic()
        with two.read() as other:
            assert other.execute(select(collections)).all() == []
        assert time.monotonic() - began < 0.25
        assert not done
    thread.join()
    assert count(one) == 2


@only_sqlite
def test_a_write_that_waited_sees_what_it_waited_for(tmp_path: Path, on_server: str) -> None:
    """Also where the role or the database prefers transactions that are one snapshot, taken before the wait."""
    one = open_database(tmp_path / "records.db", writable=True)
    strict = (
        on_server + ("&" if "?" in on_server else "?") + "options=-c%20default_transaction_isolation%3Dserializable"
    )
    two = Database(server_of(strict, tmp_path / "records.db"), writable=True)
    with two.read() as connection:
        asked = connection.execute(text("SELECT setting FROM pg_settings WHERE name = 'default_transaction_isolation'"))
        assert asked.scalar_one() == "serializable"
    seen: list[int] = []

    def write() -> None:
        with two.write():
            seen.append(count(two))

    with one.write() as connection:
        thread = threading.Thread(target=write)
        thread.start()
        time.sleep(0.3)
        connection.execute(collections.insert(), a_row("one"))
    thread.join()
    assert seen == [1]


@only_sqlite
def test_a_schema_may_be_called_like_a_word_of_sql(tmp_path: Path, server: PostgresServer) -> None:
    """Such as ``order``."""
    here = PostgreSQL(server.url, schema="order")
    database = open_database(tmp_path / "records.db", writable=True, server=here)
    assert here.exists()
    assert count(database) == 0
    database.close()


@only_sqlite
def test_a_lock_that_is_kept_too_long_is_named(tmp_path: Path, on_server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a remedy, and the transaction under way goes on."""
    one = open_database(tmp_path / "records.db", writable=True)
    monkeypatch.setattr(postgresql, "_SETTINGS", postgresql._SETTINGS.replace("= 10000", "= 200"))
    two = open_database(tmp_path / "records.db", writable=False)
    two.close()
    impatient = Database(server_of(on_server, tmp_path / "records.db"), writable=True)
    with one.write() as connection:
        connection.execute(collections.insert(), a_row("one"))
        with pytest.raises(StoreError, match="LockNotAvailable") as busy, impatient.write():
            pass
        assert "keeps the store locked" in busy.value.remedy
    assert count(one) == 1
    with impatient.write() as connection:
        connection.execute(collections.insert(), a_row("two"))


# --- lost connections ----------------------------------------------------------------------------------------------


@only_sqlite
def test_a_connection_lost_in_a_transaction_is_told_and_the_next_call_works(tmp_path: Path, on_server: str) -> None:
    """Nothing of the transaction is there, and there is a remedy."""
    database = open_database(tmp_path / "records.db", writable=True)
    with pytest.raises(StoreError) as lost, database.write() as connection:  # noqa: PT012 - it must fail late
        connection.execute(collections.insert(), a_row("lost"))
        process = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
        ask(on_server, "SELECT pg_terminate_backend(%s)", process)
        connection.execute(collections.insert(), a_row("more"))
    assert "run the command again" in lost.value.remedy
    assert count(database) == 0
    with database.write() as connection:
        connection.execute(collections.insert(), a_row("after"))
    assert count(database) == 1


@only_sqlite
def test_an_idle_connection_that_was_closed_is_no_error(tmp_path: Path, on_server: str) -> None:
    """What the pool holds is replaced when a transaction begins, for reading and for writing."""
    database = open_database(tmp_path / "records.db", writable=True)
    others = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname IS NOT NULL"
    )
    ask(on_server, others)
    assert count(database) == 0
    ask(on_server, others)
    with database.write() as connection:
        connection.execute(collections.insert(), a_row("one"))
    assert count(database) == 1


@only_sqlite
def test_deleting_for_good_waits_for_older_readers(tmp_path: Path, on_server: str) -> None:
    """A snapshot of before would keep the rows in the table: then it is said that they are there still."""
    database = open_database(tmp_path / "records.db", writable=True)
    other = open_database(tmp_path / "records.db", writable=False)
    with database.write() as connection:
        connection.execute(collections.insert(), a_row("one"))
    with other.read() as connection:
        assert len(connection.execute(select(collections)).all()) == 1
        with database.write() as writing:
            writing.execute(collections.delete())
        assert database.checkpoint_truncate() is False
    assert database.checkpoint_truncate() is True
    database.vacuum()
    assert count(database) == 0


# --- one writer ----------------------------------------------------------------------------------------------------


def _hold(lock: str, url: str, file: str, ready: object) -> None:
    WriterLock(lock, command="sync", server=server_of(url, Path(file))).acquire()
    ready.set()  # type: ignore[attr-defined]
    time.sleep(60)


@pytest.fixture
def elsewhere(tmp_path: Path, server: PostgresServer) -> Iterator[Callable[[], int]]:
    """Starts a writer of the same store on another machine, as it were: with a lock file of its own."""
    context = multiprocessing.get_context("spawn")
    started = []

    def start() -> int:
        ready = context.Event()
        there = str(tmp_path / "elsewhere")
        process = context.Process(target=_hold, args=(there, server.url, str(tmp_path / "records.db"), ready))
        process.start()
        started.append(process)
        assert ready.wait(30)
        assert process.pid is not None
        return process.pid

    yield start
    for process in started:
        process.kill()
        process.join()


@only_sqlite
def test_another_machine_is_refused_within_a_second(
    tmp_path: Path, server: PostgresServer, elsewhere: Callable[[], int]
) -> None:
    """The owner is named; a stranger's store is not concerned; death releases."""
    owner = elsewhere()
    mine = WriterLock(tmp_path / "here", command="sync", server=server_of(server.url, tmp_path / "records.db"))
    began = time.monotonic()
    with pytest.raises(WriterBusy) as busy:
        mine.acquire()
    assert time.monotonic() - began < 1
    assert f"process {owner} on" in str(busy.value)
    assert "(sync, since" in str(busy.value)
    assert not mine.held
    with WriterLock(tmp_path / "here", server=server_of(server.url, tmp_path / "others.db")) as other:
        assert other.held
    os.kill(owner, signal.SIGKILL)
    end = time.monotonic() + 5
    while not mine.held:
        try:
            mine.acquire()
        except WriterBusy:
            assert time.monotonic() < end, "the dead keep the lock"
            time.sleep(0.02)
    mine.release()


@only_sqlite
def test_a_forked_child_keeps_no_lock_of_the_server(tmp_path: Path, server: PostgresServer) -> None:
    """It outlives its parent's hold, says nothing on the parent's session, and dies without ending it."""
    place = server_of(server.url, tmp_path / "records.db")
    lock = WriterLock(tmp_path / "here", server=place)
    context = multiprocessing.get_context("fork")
    with lock:
        brief = context.Process(target=time.sleep, args=(0,))
        brief.start()
        brief.join()
        place.require_writer()
        with pytest.raises(WriterBusy):
            WriterLock(tmp_path / "there", server=server_of(server.url, tmp_path / "records.db")).acquire()
        long = context.Process(target=time.sleep, args=(30,))
        long.start()
    try:
        with WriterLock(tmp_path / "there", server=server_of(server.url, tmp_path / "records.db")) as other:
            assert other.held
    finally:
        long.kill()
        long.join()


@pytest.fixture
def own_server() -> Iterator[PostgresServer]:
    """A server that a test may stop."""
    with postgres(durable=True) as made:
        yield made


@only_sqlite
def test_after_a_restart_the_writer_is_the_writer_again(tmp_path: Path, own_server: PostgresServer) -> None:
    """Killed and started again: the lock is taken before the next write; who was slower may not write."""
    place = PostgreSQL(own_server.url, schema="shop")
    database = open_database(tmp_path / "records.db", writable=True, server=place)
    lock = WriterLock(tmp_path / "here", command="sync", server=place)
    lock.acquire()
    with database.write() as connection:
        connection.execute(collections.insert(), a_row("before"))
    own_server.stop(crash=True)
    with pytest.raises(StoreError) as down, database.write():
        pass
    assert "server" in down.value.remedy
    own_server.start()
    with database.write() as connection:
        connection.execute(collections.insert(), a_row("after"))
    assert count(database) == 2
    with pytest.raises(WriterBusy):
        WriterLock(tmp_path / "there", server=PostgreSQL(own_server.url, schema="shop")).acquire()
    own_server.stop(crash=True)
    own_server.start()
    quicker = WriterLock(tmp_path / "there", command="sync", server=PostgreSQL(own_server.url, schema="shop"))
    quicker.acquire()
    with pytest.raises(WriterBusy), database.write():
        pass
    assert count(database) == 2
    quicker.release()
    lock.release()


@only_sqlite
def test_a_user_who_may_only_read_is_told(tmp_path: Path, own_server: PostgresServer) -> None:
    """The server's refusal has a remedy; a schema that was made for the user will do."""
    ask(own_server.url, "CREATE ROLE clerk LOGIN")
    url = own_server.url.replace("ragkit@", "clerk@")
    with pytest.raises(StoreError, match="InsufficientPrivilege") as refused:
        open_database(tmp_path / "records.db", writable=True, server=PostgreSQL(url, schema="shop"))
    assert "schema" in refused.value.remedy
    ask(own_server.url, "CREATE SCHEMA shop AUTHORIZATION clerk")
    database = open_database(tmp_path / "records.db", writable=True, server=PostgreSQL(url, schema="shop"))
    with database.read() as connection:
        there = set(connection.exec_driver_sql("SELECT tablename FROM pg_tables WHERE schemaname = 'shop'").scalars())
    assert there == {*metadata.tables, "chunk_numbers"}
