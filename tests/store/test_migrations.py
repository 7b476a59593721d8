from __future__ import annotations

import re
from pathlib import Path

import pytest
from sqlalchemy import text

from ragkit.errors import StoreError
from ragkit.store import migrations
from ragkit.store.database import Database, open_database
from ragkit.store.dialect_sqlite import SqliteFile
from ragkit.store.migrations import FIRST_SERVED, MIGRATIONS, Migration, upgrade
from ragkit.store.schema import metadata
from ragkit.testing.served_store import only_sqlite


def shape(statement: str) -> str:
    """A definition without its white space and quotes."""
    return re.sub(r'[\s"]+', "", statement).lower()


def definitions(database: Database) -> dict[str, str]:
    """Every table and index by name."""
    query = "SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'"
    with database.read() as connection:
        if connection.dialect.name == "postgresql":
            query = (
                "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = current_schema() UNION ALL "
                "SELECT table_name, string_agg(column_name || data_type, ',') FROM information_schema.columns "
                "WHERE table_schema = current_schema() GROUP BY table_name"
            )
        return {name: shape(sql) for name, sql in connection.exec_driver_sql(query)}


def step(number: int, name: str, *statements: str) -> Migration:
    """A migration that says the same to both databases."""
    return Migration(number, name, statements, statements)


@only_sqlite
def test_migrations_arrive_at_the_schema(tmp_path: Path) -> None:
    """A file brought up by every migration has exactly the tables and indexes of schema.py."""
    migrated = open_database(tmp_path / "r.db", writable=True)
    direct = Database(SqliteFile(tmp_path / "direct.db"), writable=True)
    with direct.write() as connection:
        metadata.create_all(connection)
    assert definitions(migrated) == definitions(direct)


def test_numbers_are_in_order() -> None:
    """Migrations count from 1 without gaps."""
    assert [step.number for step in MIGRATIONS] == list(range(1, len(MIGRATIONS) + 1))


def test_each_has_statements_for_both() -> None:
    """A PostgreSQL store begins with the tables of its day, and needs every step after."""
    assert all(one.statements and bool(one.served) == (one.number > FIRST_SERVED) for one in MIGRATIONS)


def test_each_is_applied_once(tmp_path: Path) -> None:
    """A second opening applies nothing, and every step is written down."""
    database = open_database(tmp_path / "r.db", writable=True)
    assert upgrade(database) == []
    more = (*MIGRATIONS, step(len(MIGRATIONS) + 1, "one more", "CREATE TABLE more (a INTEGER)"))
    assert upgrade(database, steps=more) == [len(MIGRATIONS) + 1]
    assert upgrade(database, steps=more) == []
    with database.read() as connection:
        rows = connection.execute(text("SELECT number FROM migrations ORDER BY number")).scalars().all()
    assert rows == list(range(1, len(more) + 1))


def test_a_failing_step_leaves_nothing(tmp_path: Path) -> None:
    """A migration that breaks in its second statement undoes its first, and is tried again later."""
    database = open_database(tmp_path / "r.db", writable=True)
    number = len(MIGRATIONS) + 1
    broken = (step(number, "broken", "CREATE TABLE half (a INTEGER)", "CREATE TABLE nonsense ("),)
    with pytest.raises(StoreError):
        upgrade(database, steps=broken)
    assert "half" not in definitions(database)
    fixed = (step(number, "fixed", "CREATE TABLE half (a INTEGER)"),)
    assert upgrade(database, steps=fixed) == [number]


@pytest.mark.parametrize("writable", [True, False])
def test_a_newer_store_is_refused(tmp_path: Path, writable: bool) -> None:
    """A store made by a newer ragkit is not opened, with the reason, and not changed."""
    database = open_database(tmp_path / "r.db", writable=True)
    with database.write() as connection:
        connection.exec_driver_sql("INSERT INTO migrations VALUES (99, 'future', '')")
    before = definitions(database)
    with pytest.raises(StoreError, match="schema 99") as refused:
        open_database(tmp_path / "r.db", writable=writable)
    assert "Update ragkit" in refused.value.remedy
    assert definitions(database) == before


def test_an_older_store_needs_a_writer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader does not migrate: it says what to do."""
    open_database(tmp_path / "r.db", writable=True)
    later = (*MIGRATIONS, step(len(MIGRATIONS) + 1, "later", "CREATE TABLE later (a INTEGER)"))
    monkeypatch.setattr(migrations, "MIGRATIONS", later)
    with pytest.raises(StoreError, match="needs"):
        open_database(tmp_path / "r.db", writable=False)
    open_database(tmp_path / "r.db", writable=True)
    open_database(tmp_path / "r.db", writable=False)
