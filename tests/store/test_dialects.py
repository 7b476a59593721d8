"""One room knows which database the record store is in."""

from __future__ import annotations

import re
import traceback
from pathlib import Path

import pytest
from sqlalchemy import BigInteger, Integer, create_mock_engine, select
from sqlalchemy.dialects import sqlite
from sqlalchemy.dialects.postgresql import psycopg

import ragkit.store
from ragkit.errors import ConfigError, StoreError
from ragkit.store.database import open_database
from ragkit.store.dialect_postgresql import PostgreSQL
from ragkit.store.dialect_words import Worded
from ragkit.store.schema import chunks, metadata
from ragkit.testing.served_store import only_sqlite

_OF_ONE = re.compile(
    r"sqlalchemy\.dialects|PRAGMA|json_each\(|sqlite_master|sqlite_sequence|sqlite_schema|rowid\b(?!=)|"
    r"[\"']VACUUM|psycopg|pg_[a-z]+|regclass|BEGIN IMMEDIATE|import sqlite3",
    re.IGNORECASE,
)
_OWN_FILE = {"keyfile.py", "key_schema.py", "recordkeys.py", "copies.py", "uploads.py"}
"""The key file is SQLite always."""


@only_sqlite
def test_nothing_outside_of_the_dialects_speaks_one() -> None:
    """Neither pragmas, catalogues nor a driver: but for the key file's modules and the frozen migrations."""
    store = Path(ragkit.store.__file__).parent
    for file in sorted(store.glob("*.py")):
        text = file.read_text(encoding="utf-8")
        if file.name == "migrations.py":
            text = text[: text.index("MIGRATIONS: tuple")]
        text = re.sub(r"sqlite_(where|autoincrement|with_rowid)=|postgresql_where=", "", text)
        own = file.name in _OWN_FILE or file.name.startswith("dialect_")
        found = set() if own else set(_OF_ONE.findall(text))
        assert not found, (file.name, found)


@only_sqlite
def test_every_number_has_64_bits_on_a_server() -> None:
    """A keyed hash is one, and so is a moment in microseconds; the type is that of SQLite's own there."""
    server, file = psycopg.dialect(), sqlite.dialect()
    for table in metadata.tables.values():
        for column in table.c:
            if isinstance(column.type, Integer):
                assert isinstance(column.type.dialect_impl(server), BigInteger), (table.name, column.name)
                assert str(column.type.compile(file)) == "INTEGER"


@only_sqlite
def test_a_list_in_a_statement_is_said_in_each_dialect() -> None:
    """``numbers(:p)`` and the order of joins."""
    said = Worded("SELECT 1 FROM numbers(:some) AS wanted CROSS JOIN chunks ON chunks.body_id = wanted.value")
    assert "json_each(?) AS wanted CROSS JOIN chunks ON" in str(said.compile(dialect=sqlite.dialect()))
    spoken = str(said.compile(dialect=psycopg.dialect()))
    assert "CAST(value AS bigint)" in spoken
    assert "CROSS" not in spoken
    assert "JOIN chunks ON" in spoken


@only_sqlite
def test_the_tables_of_a_server_are_those_of_the_file() -> None:
    """Each table and index is made there too, the index of what is left over for that alone."""
    made: list[str] = []
    engine = create_mock_engine(
        "postgresql+psycopg://", lambda one, *_: made.append(str(one.compile(dialect=engine.dialect)))
    )
    metadata.create_all(engine, checkfirst=False)
    text = "\n".join(made)
    assert text.count("CREATE TABLE") == len(metadata.tables)
    assert "WHERE state <> 'current'" in text
    assert "chunk_id BIGSERIAL" in text


@only_sqlite
@pytest.mark.parametrize("url", ["", "nonsense", "mysql://u@h/d", "sqlite:///x.db", "http://host/x"])
def test_another_database_is_refused(url: str) -> None:
    """With what to write instead."""
    with pytest.raises(ConfigError, match="PostgreSQL") as refused:
        PostgreSQL(url, schema="ragkit")
    assert "postgresql://" in refused.value.remedy


@only_sqlite
def test_a_server_that_is_not_there_is_told_without_its_name(tmp_path: Path) -> None:
    """Neither host, user, password nor database is in the error or what it came from."""
    server = PostgreSQL(f"postgresql://someuser:hidden1@/somebase?host={tmp_path}/nowhere", schema="someschema")
    with pytest.raises(StoreError) as lost:
        open_database(tmp_path / "records.db", writable=True, server=server)
    shown = "".join(traceback.format_exception(lost.value)) + repr(server) + lost.value.remedy
    for secret in ("someuser", "hidden1", "somebase", "someschema", "nowhere"):
        assert secret not in shown.replace("def test", "")
    assert "cannot be reached" in lost.value.remedy


@only_sqlite
def test_records_in_a_file_are_not_left_behind_unseen(tmp_path: Path) -> None:
    """A server that is named where there is a file: nothing is begun anew beside it."""
    open_database(tmp_path / "records.db", writable=True).close()
    server = PostgreSQL(f"postgresql://u@/d?host={tmp_path}", schema="s")
    with pytest.raises(StoreError, match="records in the file") as refused:
        open_database(tmp_path / "records.db", writable=True, server=server)
    assert "backup" in refused.value.remedy


def test_numbers_only_grow_and_what_is_undone_is_not_told(tmp_path: Path, light) -> None:
    """The highest chunk number is that of what is committed, and does not shrink with what is deleted."""
    light.sync({"a": "one\n\ntwo"})
    source = light.store.index_source()
    last = source.last_chunk_id()
    assert last >= 2
    rows = [row._asdict() for row in _rows(light)]
    with pytest.raises(ZeroDivisionError), light.database.write() as connection:  # noqa: PT012 - it must fail late
        connection.execute(chunks.delete())
        connection.execute(chunks.insert(), [{key: row[key] for key in row if key != "chunk_id"} for row in rows])
        raise ZeroDivisionError
    assert source.last_chunk_id() == last
    light.options["max_delete_share"] = 1.0
    light.sync({})
    assert source.last_chunk_id() == last
    light.sync({"b": "three"})
    assert source.last_chunk_id() > last


def _rows(light):
    with light.database.read() as connection:
        return connection.execute(select(chunks).order_by(chunks.c.chunk_id)).all()
