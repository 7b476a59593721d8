"""The record store as one schema of a PostgreSQL database (from 13 on), by psycopg 3.

A read is ``REPEATABLE READ READ ONLY``: one snapshot. A write first takes an advisory lock that lasts to its end, so
writes of all processes follow each other as in SQLite. Without it chunk numbers, which a sequence gives before the
commit, would become visible in another order than they were given, and "everything after n" would miss some. A trigger
keeps the highest number in a row of a table, since a sequence shows what is not committed.

What is deleted stays in a table's file until it is written anew, and in the server's write-ahead log, its replicas and
its backups for as long as those are kept. The first is done here (:meth:`PostgreSQL.clear`); the rest is unreadable,
because the record keys are destroyed in the key file, which never leaves the machine of the root key.
"""

from __future__ import annotations

import hashlib
import re
import socket
import time
from typing import TYPE_CHECKING, Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError

from ragkit.errors import ConfigError, MissingDependency, StoreError
from ragkit.store.dialect_backend import BUSY_TIMEOUT_MS, Backend
from ragkit.store.dialect_failures import translated_errors

if TYPE_CHECKING:
    from ragkit.store.dialect_session import WriterSession

CONNECT_S = 5
STATEMENT_MS = 300_000
_IDLE_MS = 600_000
_SETTINGS = (
    f"SET lock_timeout = {BUSY_TIMEOUT_MS}; SET statement_timeout = {STATEMENT_MS}; "
    f"SET idle_in_transaction_session_timeout = {_IDLE_MS}; SET synchronous_commit = on; SET client_encoding = 'UTF8'; "
    "SET jit = off; "  # queries are short, and compiling one takes longer than running it
)
_CONNECT = {"connect_timeout": CONNECT_S, "application_name": "ragkit", "keepalives_idle": 30}
_READ = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
_WRITE = "BEGIN ISOLATION LEVEL READ COMMITTED"  # whatever the role prefers: one snapshot would be from before the lock
_COMPLETE = (
    "CREATE TABLE chunk_numbers (one integer PRIMARY KEY CHECK (one = 1), last bigint NOT NULL)",
    "INSERT INTO chunk_numbers VALUES (1, 0)",
    """CREATE FUNCTION note_chunk_numbers() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
    BEGIN
        UPDATE chunk_numbers SET last = greatest(last, (SELECT max(chunk_id) FROM fresh));
        RETURN NULL;
    END $$""",
    """CREATE TRIGGER note_chunk_numbers AFTER INSERT ON chunks REFERENCING NEW TABLE AS fresh
    FOR EACH STATEMENT EXECUTE FUNCTION note_chunk_numbers()""",
)
_LAST = text("SELECT last FROM chunk_numbers")
_TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = current_schema() ORDER BY tablename"
_SIZE = (
    "SELECT coalesce(sum(pg_total_relation_size(oid)), 0) FROM pg_class "
    "WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace"
)
_REACHED = (
    "SELECT current_setting('server_version'), coalesce((SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()), "
    "false), coalesce(inet_client_addr() <<= inet '127.0.0.0/8' OR inet_client_addr() = inet '::1', true)"
)
_INVALID = (
    "SELECT (SELECT count(*) FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid "
    "WHERE NOT indisvalid AND relnamespace = current_schema()::regnamespace), "
    "(SELECT count(*) FROM pg_constraint WHERE NOT convalidated AND connamespace = current_schema()::regnamespace)"
)
_SERIALS = (
    "SELECT table_name, column_name, pg_get_serial_sequence(quote_ident(table_name), column_name) "
    "FROM information_schema.columns WHERE table_schema = current_schema() AND starts_with(column_default, 'nextval(')"
)
_LOCKED, _LOOKS, _LOOK_S = "55P03", 20, 0.05
_OLDER = (  # a snapshot from before this transaction number would keep deleted rows in the table
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() "
    "AND age(backend_xmin) > age(%s::xid)"
)
_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")


class PostgreSQL(Backend):
    """A schema of a database. Opens nothing until asked.

    Args:
        url: As SQLAlchemy has it, ``postgresql://user:password@host/database``; never shown.
        schema: Its name: a letter, then letters, digits and ``_``.

    Attributes:
        writer: Held while this process is the workspace's writer.

    Raises:
        ConfigError: The URL is none, or of another database.
    """

    name = "postgresql"
    remote = True
    begins_whole = True

    def __init__(self, url: str, *, schema: str) -> None:
        self._url = _checked(url)
        if not _NAME.fullmatch(schema):
            raise ConfigError("the schema of the record store has no usable name", remedy="Use letters, digits and _.")
        self._schema = schema
        self._quoted = f'"{schema}"'  # it may be a word of SQL
        self._begin = f"{_WRITE}; SELECT pg_advisory_xact_lock({self.lock_number('write')})"
        self.writer: WriterSession | None = None

    def lock_number(self, purpose: str) -> int:
        """Return the signed 64-bit number of an advisory lock of this store."""
        digest = hashlib.sha256(f"ragkit/{purpose}/{self._schema}".encode()).digest()
        return int.from_bytes(digest[:8], "big", signed=True)

    def exists(self) -> bool:
        """Say whether the schema has the table that tells its version."""
        return bool(self._ask("SELECT to_regclass('migrations') IS NOT NULL"))

    def make(self) -> None:
        """Make the schema, unless somebody did for us."""
        if not self._ask(f"SELECT to_regnamespace('{self._quoted}') IS NOT NULL"):
            made = f"CREATE SCHEMA IF NOT EXISTS {self._quoted}"
            self._ask(f"{self._begin}; {made}; COMMIT")  # one process after another: two at once collide

    def alone(self, name: str) -> Any:
        """Return one connection of the driver's own, in no pool, under a name that others can read."""
        dialect = self._engine().dialect
        words, named = dialect.create_connect_args(self._url)
        connection: Any = dialect.connect(*words, **{**named, **_CONNECT, "application_name": name})
        self._configure(connection, writable=True)
        # From PostgreSQL 14 on an idle session may be ended; this one is meant to be idle.
        connection.execute("SELECT set_config(name, '0', false) FROM pg_settings WHERE name = 'idle_session_timeout'")
        return connection

    def writer_session(self, command: str) -> WriterSession:
        """Return the writer's lock of this store, not taken yet."""
        from ragkit.store.dialect_session import WriterSession

        return WriterSession(self, command)

    def complete(self, connection: Connection) -> None:
        """Make what keeps the highest chunk number."""
        for statement in _COMPLETE:
            connection.exec_driver_sql(statement)

    def last_chunk_id(self, connection: Connection) -> int:
        """Look where the trigger keeps it."""
        return int(connection.execute(_LAST).scalar_one())

    def set_last_chunk_id(self, connection: Connection, last: int) -> None:
        """Set every sequence, and what the trigger keeps."""
        for table, column, sequence in connection.exec_driver_sql(_SERIALS).all():
            highest = int(connection.exec_driver_sql(f"SELECT coalesce(max({column}), 0) FROM {table}").scalar_one())  # noqa: S608
            highest = max(highest, last) if table == "chunks" else highest
            setval = text("SELECT setval(CAST(:sequence AS regclass), :at, :used)")
            connection.execute(setval, {"sequence": sequence, "at": max(1, highest), "used": highest > 0})
        connection.execute(text("UPDATE chunk_numbers SET last = :last"), {"last": last})

    def size(self, connection: Connection) -> int:
        """Ask for tables with their indexes."""
        return int(connection.exec_driver_sql(_SIZE).scalar_one())

    def described(self, connection: Connection) -> str:
        """Name the server's version and how it is reached."""
        version, tls, here = connection.exec_driver_sql(_REACHED).one()
        if not tls and not here:
            raise StoreError(
                "the record store is reached over a network without TLS",
                remedy="Add `?sslmode=verify-full` to `url` of [store], and give the server a certificate.",
            )
        return f"PostgreSQL {version.split()[0]}, {'by TLS' if tls else 'on this machine'}"

    def flaws(self, connection: Connection) -> tuple[int, int]:
        """Count indexes and links that the server knows to be invalid; its pages it looks after itself."""
        indexes, links = connection.exec_driver_sql(_INVALID).one()
        return int(indexes), int(links)

    def clear(self, engine: Engine) -> bool:
        """Write the tables anew without what was deleted; readers wait. The server's log and copies keep it."""
        raw = engine.raw_connection()
        try:
            cursor = raw.cursor()
            mark = cursor.execute("SELECT pg_current_xact_id()::xid::text").fetchone()[0]
            for _ in range(_LOOKS):
                if not cursor.execute(_OLDER, (mark,)).fetchone()[0]:
                    _write_anew(cursor)
                    return True
                time.sleep(_LOOK_S)
        except Exception as held:
            if getattr(held, "sqlstate", None) != _LOCKED:
                raise
        finally:
            raw.close()
        return False

    def vacuum(self, engine: Engine) -> None:
        """Write every table anew."""
        raw = engine.raw_connection()
        try:
            _write_anew(raw.cursor())
        finally:
            raw.close()

    def require_writer(self) -> None:
        """Take the writer's lock again where the server lost it, as in a restart."""
        if self.writer is not None:
            self.writer.require()

    def engine(self, *, writable: bool) -> Engine:
        """Return an engine with a pool of connections to the schema."""
        engine = self._engine()

        @event.listens_for(engine, "connect")
        def configure(connection: Any, _record: Any) -> None:
            self._configure(connection, writable=writable)

        @event.listens_for(engine, "begin")
        def begin(connection: Connection) -> None:
            writing = connection.get_execution_options().get("ragkit_write", False)
            connection.exec_driver_sql(self._begin if writing else _READ)

        return engine

    def _engine(self) -> Engine:
        try:
            return create_engine(
                self._url,
                hide_parameters=True,
                use_native_hstore=False,
                pool_size=4,
                max_overflow=-1,
                connect_args=_CONNECT,
            )
        except ModuleNotFoundError:
            raise MissingDependency(
                "a record store on PostgreSQL needs psycopg", remedy="Run `pip install 'ragkit[postgres]'`."
            ) from None

    def _configure(self, connection: Any, *, writable: bool) -> None:
        connection.autocommit = True  # BEGIN is emitted here, as for SQLite; COMMIT by SQLAlchemy
        reading = "" if writable else "SET default_transaction_read_only = on; "
        connection.execute(f"{_SETTINGS}{reading}SET search_path TO {self._quoted}")

    def _ask(self, query: str) -> Any:
        """Run one statement of our own on a connection of its own."""
        with translated_errors():
            connection = self.alone("ragkit")
            try:
                cursor = connection.execute(query)
                return cursor.fetchone()[0] if cursor.description else None
            finally:
                connection.close()

    def __repr__(self) -> str:
        return "PostgreSQL(…)"


def _write_anew(cursor: Any) -> None:
    cursor.execute("SET statement_timeout = 0")
    try:
        for (table,) in cursor.execute(_TABLES).fetchall():
            cursor.execute(f"VACUUM (FULL, ANALYZE) {table}")
    finally:
        cursor.execute(f"SET statement_timeout = {STATEMENT_MS}")


def _checked(url: str) -> URL:
    try:
        found = make_url(url)
    except (ArgumentError, ValueError):
        found = None
    if found is None or found.drivername not in ("postgresql", "postgres", "postgresql+psycopg"):
        raise ConfigError(
            "`url` of [store] is not that of a PostgreSQL database",
            remedy="Write postgresql://user@host/database; without [store] the records are in a SQLite file.",
        )
    return found.set(drivername="postgresql+psycopg")


def this_host() -> str:
    """Return this machine's name, as far as a session's name has room for it."""
    return socket.gethostname()[:20]
