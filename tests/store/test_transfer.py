"""A whole store in another place: the same rows, and counting goes on where it was."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import select

from ragkit.store.database import Database
from ragkit.store.dialect_sqlite import SqliteFile
from ragkit.store.records import check
from ragkit.store.schema import metadata
from ragkit.store.transfer import copy_records, copy_to_file, row_bytes
from ragkit.testing.light import LightIngest


def rows(database: Database) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table."""
    with database.read() as connection:
        return {
            table.name: [tuple(row) for row in connection.execute(select(table).order_by(*table.primary_key.columns))]
            for table in metadata.sorted_tables
        }


def test_all_rows_go_there_and_back(tmp_path: Path, light: LightIngest) -> None:
    """Into a file, and from that file over what was changed since; numbers go on after the highest ever given."""
    light.sync({"a": "Ada wrote\n\ntwo", "b": "three", "c": "Grace"})
    light.options["max_delete_share"] = 1.0
    light.sync({"a": "Ada wrote\n\ntwo", "b": "changed"})
    before, last = rows(light.database), light.store.index_source().last_chunk_id()
    (tmp_path / "copy.db").touch(mode=0o600)
    done: list[tuple[int, int]] = []
    copy_to_file(light.database, tmp_path / "copy.db", advance=lambda *some: done.append(some))
    assert done[-1] == (sum(map(len, before.values())),) * 2
    assert sorted(file.name for file in tmp_path.glob("copy.db*")) == ["copy.db"]
    copy = Database(SqliteFile(tmp_path / "copy.db"), writable=True)
    assert rows(copy) == before
    check(copy)
    light.sync({"d": "another by Ada"})
    assert rows(light.database) != before
    copy_records(copy, light.database)
    assert rows(light.database) == before
    check(light.database)
    source = light.store.index_source()
    assert source.last_chunk_id() == last
    light.sync({"a": "Ada wrote\n\ntwo", "b": "changed", "e": "new"})
    assert source.last_chunk_id() > last
    assert sorted(light.texts()) == ["a", "b", "e"]


def test_the_bytes_of_rows_are_all_there(light: LightIngest) -> None:
    """Vectors and sealed texts, by table, whatever the number of rows."""
    light.sync({f"d{number}": f"Ada {number}\n\nmore" for number in range(600)})
    held: dict[str, bytes] = {}
    for table, some in row_bytes(light.database):
        held[table] = held.get(table, b"") + some
    for row in rows(light.database)["bodies"]:
        assert all(value in held["bodies"] for value in row if isinstance(value, bytes))
