from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ragkit.crypto import key_number
from ragkit.store.key_schema import record_keys
from ragkit.store.recordkeys import document_place, name_place
from ragkit.store.schema import items, vault, versions
from ragkit.testing.light import LightIngest
from ragkit.testing.postgres import ABSENT, PostgresServer, postgres
from ragkit.testing.served_store import served


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run every test here on SQLite, and in `make test-all` on a real PostgreSQL too."""
    if "store" in metafunc.fixturenames and not getattr(metafunc.function, "only_sqlite", False):
        server = pytest.param("postgresql", marks=[pytest.mark.slow, pytest.mark.skipif(bool(ABSENT), reason=ABSENT)])
        metafunc.parametrize("store", ["sqlite", server], indirect=True)


@pytest.fixture(scope="session")
def server() -> Iterator[PostgresServer]:
    """One server for all tests; each path that a test opens is a schema of it."""
    with postgres() as made:
        yield made


@pytest.fixture(autouse=True)
def store(request: pytest.FixtureRequest) -> Iterator[str]:
    """What the record stores of a test are on."""
    name = getattr(request, "param", "sqlite")
    if name == "sqlite":
        yield name
        return
    with served(request.getfixturevalue("server").url):
        yield name


@pytest.fixture
def light(tmp_path: Path) -> Iterator[LightIngest]:
    """A fresh record store with light stages; Ada and Grace are people."""
    made = LightIngest(tmp_path, words=["Ada", "Grace"])
    yield made
    made.database.close()


@pytest.fixture
def make_old() -> Callable[[LightIngest], None]:
    """Brings a store to the form of before there were record keys."""
    return _make_old


def _make_old(light: LightIngest) -> None:
    """Bring a store to the form of before: keys wrapped once, no key file rows."""
    records = light.collection.records
    with light.database.write() as connection:
        for table, column in ((versions, versions.c.version_id), (vault, vault.c.vault_id)):
            for row in connection.execute(table.select()).all():
                found = getattr(row, "value_mac", None)
                place = f"v/{key_number(found)}" if found else document_place(row.doc_id, row.number)
                inner = records.unwrap(place, row.wrapped_key)
                number = getattr(row, column.name)
                connection.execute(table.update().where(column == number).values(wrapped_key=inner))
        for row in connection.execute(items.select()).all():
            inner = records.unwrap(name_place(row.doc_id), row.sealed_native_id)
            connection.execute(items.update().where(items.c.item_id == row.item_id).values(sealed_native_id=inner))
        connection.exec_driver_sql("UPDATE collections SET key_form = 0")
    with light.database.key_file.write() as connection:
        connection.execute(record_keys.delete())
