"""The SQL connector, on SQLite and on a real PostgreSQL."""

from __future__ import annotations

import json
import logging
import sqlite3
import tracemalloc
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from ragkit.connect.patience import Patience
from ragkit.errors import ConfigError, MissingDependency, SourceError
from ragkit.testing.contracts import ConnectorContract, items_of, named_in, read_whole
from ragkit.testing.postgres import ABSENT, PostgresServer, postgres
from ragkit.types import Checkpoint, Listed, Upsert
from ragkit_connectors.sql import SqlConnector

TICKETS = """
CREATE TABLE tickets (id INTEGER PRIMARY KEY, subject TEXT, question TEXT, answer TEXT, changed TIMESTAMP, teams TEXT)
"""


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    """One server for the module; each test has a database of its own."""
    if ABSENT:
        pytest.skip(ABSENT)
    with postgres() as running:
        yield running


@pytest.fixture
def lite(tmp_path: Path) -> str:
    """Return the URL of an empty SQLite database."""
    return _lite(tmp_path)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest) -> str:
    """Return the URL of an empty database of either kind."""
    if request.param == "sqlite":
        return str(request.getfixturevalue("lite"))
    running: PostgresServer = request.getfixturevalue("server")
    return running.database()


def _lite(folder: Path) -> str:
    with closing(sqlite3.connect(folder / "crm.db")) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
    return f"sqlite:///{folder / 'crm.db'}"


def run(url: str, *statements: str, **values: Any) -> None:
    """Write to a database, as its application would."""
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(sa.text(statement), values)


def ticket(number: int, *, changed: str | None = "2026-01-01 10:00:00", teams: str | None = "sales") -> str:
    """Return the statement that adds a ticket."""
    quoted = [f"'{value}'" if value is not None else "NULL" for value in (changed, teams)]
    return f"INSERT INTO tickets VALUES ({number}, 'T{number}', 'Q {number}', 'A {number}', {', '.join(quoted)})"


def tickets(url: str, count: int) -> None:
    """Make the table with so many rows."""
    run(url, TICKETS, *[ticket(number) for number in range(1, count + 1)])


def source(url: str, **options: Any) -> SqlConnector:
    """Return a connector over the tickets."""
    given = {"id_column": "id", "table": "tickets", "text_columns": ["question"], "title_column": "subject"}
    given |= {"page_rows": 2} | options
    if "query" in options:
        del given["table"]
    return SqlConnector(name="crm", url=url, **{name: value for name, value in given.items() if value is not None})


def marked(url: str, **options: Any) -> SqlConnector:
    """Return one that lists by mark, with permissions."""
    return source(url, updated_column="changed", access_column="teams", access_prefix="g:crm|", **options)


def listed(connector: SqlConnector) -> dict[str, Listed]:
    """Return what a pass lists, by id."""
    return {one.native_id: one for one in connector.changes(None) if isinstance(one, Listed)}


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def filled(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the URL of a database of either kind that the contract suites read."""
    if request.param == "sqlite":
        url = _lite(tmp_path_factory.mktemp("filled"))
    else:
        url = request.getfixturevalue("server").database()
    tickets(url, 5)
    run(url, ticket(6, changed=None), ticket(7, teams=None))
    run(url, "CREATE TABLE t (k TEXT, body TEXT)", "INSERT INTO t VALUES (NULL, 'a'), ('', 'b'), ('Zoë', 'c')")
    run(url, "INSERT INTO t VALUES ('a''b', 'd'), ('a', 'e'), ('B', 'f'), ('twice', 'g'), ('twice', 'h')")
    return url


class TestReadingContract(ConnectorContract):
    @pytest.fixture
    def connector(self, filled: str) -> SqlConnector:
        return source(filled, page_rows=4)

    @pytest.fixture
    def unreadable(self, tmp_path: Path) -> SqlConnector:
        return source(f"sqlite:///{tmp_path / 'absent.db'}")


class TestListingContract(ConnectorContract):
    @pytest.fixture
    def connector(self, filled: str) -> SqlConnector:
        return marked(filled, per_second=1000, page_rows=4)

    @pytest.fixture
    def unreadable(self, filled: str) -> SqlConnector:
        return marked(filled, table="absent")


class TestIdsOfTextInAQueryContract(ConnectorContract):
    @pytest.fixture
    def connector(self, filled: str) -> SqlConnector:
        query = "SELECT k AS ident, body, '12:30 :x' AS title FROM t WHERE body < 'i:j' OR body LIKE 'z%';"
        return source(filled, query=query, id_column="ident", text_columns=["body"], title_column="title", page_rows=4)


def test_a_row_is_an_item(url: str) -> None:
    """Several columns are headed, the rest is what the options say."""
    tickets(url, 1)
    run(url, "UPDATE tickets SET changed = '2026-02-03 04:05:06.789'")
    (item,) = read_whole(
        marked(
            url,
            text_columns=["question", "answer"],
            metadata_columns=["subject", "changed"],
            uri_template="https://crm.example/{id}?s={subject}",
        )
    )
    assert item.content == b"## Question\n\nQ 1\n\n## Answer\n\nA 1"
    assert (item.native_id, item.name, item.title, item.media_type) == ("1", "1", "T1", "text/markdown")
    assert item.uri == "https://crm.example/1?s=T1"
    assert item.metadata["subject"] == "T1"
    assert item.metadata["changed"].startswith("2026-02-03 04:05:06.789")
    assert item.modified is not None
    assert item.modified.isoformat() == "2026-02-03T04:05:06.789000+00:00"
    assert item.access == {"g:crm|sales"}


@pytest.mark.parametrize(
    ("media_type", "content"),
    [
        ("text/plain", b"Question\n\nQ 1\n\nAnswer\n\nA 1"),
        ("text/html", b"<h2>Question</h2>\n<div>Q 1</div>\n\n<h2>Answer</h2>\n<div>A 1</div>"),
    ],
)
def test_text_is_headed_in_its_own_form(lite: str, media_type: Any, content: bytes) -> None:
    """As the media type of the columns says."""
    tickets(lite, 1)
    (item,) = read_whole(source(lite, text_columns=["question", "answer"], media_type=media_type))
    assert (item.content, item.media_type) == (content, media_type)


def test_a_file_in_a_row_is_an_item_of_its_own_type(url: str) -> None:
    """Bytes stay bytes; NULL is empty; a type that is none is left for the parser to find."""
    kind = "BLOB" if url.startswith("sqlite") else "BYTEA"
    run(url, f"CREATE TABLE f (id INTEGER PRIMARY KEY, data {kind}, kind TEXT, file TEXT)")
    add = "INSERT INTO f VALUES (:id, :data, :kind, :file)"
    run(url, add, id=1, data=b"%PDF-\x00\xff", kind="application/pdf", file="a.pdf")
    run(url, add, id=2, data=None, kind="odd", file=None)
    run(url, add, id=3, data=b"x" * 2000, kind=None, file=None)
    pdf, empty, large = read_whole(
        source(
            url, table="f", text_columns=None, title_column=None, content_column="data", media_type_column="kind",
            name_column="file", max_bytes=1000,
        )
    )  # fmt: skip
    assert (pdf.content, pdf.media_type, pdf.name) == (b"%PDF-\x00\xff", "application/pdf", "a.pdf")
    assert (empty.content, empty.media_type, empty.name, empty.problem) == (b"", None, "2", None)
    assert (large.content, large.problem) == (b"", "too-large")


def test_values_that_drivers_refuse_are_text(server: PostgresServer) -> None:
    """An endless date, a huge number, JSON, an array: what the database makes of them."""
    url = server.database()
    run(url, "CREATE TABLE t (id BIGINT, at TIMESTAMPTZ, n NUMERIC, j JSONB, a TEXT[], b BOOLEAN)")
    run(
        url,
        "INSERT INTO t VALUES (1, 'infinity', 1e200, '{\"k\": [1]}', ARRAY['x'], true), (2, '-4000-01-01', 1)".replace(
            "(2, '-4000-01-01', 1)", "(2, '4000-01-01 BC', 1, NULL, NULL, NULL)"
        ),
    )
    first, second = read_whole(
        source(
            url, table="t", text_columns=["j"], title_column="n", updated_column="at", metadata_columns=["a", "b", "at"]
        )
    )
    assert (first.content, first.metadata) == (b'{"k": [1]}', {"a": "{x}", "b": "true", "at": "infinity"})
    assert first.title == "1" + "0" * 200
    assert (first.version, first.modified) == ("infinity", None)
    assert (second.version, second.modified, second.metadata["at"][:4]) == ("4000-01-01 00:00:00+00 BC", None, "4000")


@pytest.mark.parametrize(
    ("kind", "values", "names"),
    [
        ("BIGINT", [-5, 2, 10, 9_000_000_000], None),
        ("NUMERIC(6,2)", ["1.50", "2.00", "10.25"], None),
        ("UUID", [f"0000000{n}-0000-4000-8000-00000000000{n}" for n in range(4)], None),
        ("TEXT", ["10", "9", "ä", "b' OR '1'='1"], None),
        ("VARCHAR(10)", ["a", "B", "c%s", "d:e"], None),
        ("DATE", ["2026-01-01", "2026-01-02", "2026-01-03"], None),
        ("BYTEA", ["\\x00ff", "\\x01", "\\x02"], ["00ff", "01", "02"]),
    ],
)
def test_ids_of_every_type_page_and_are_fetched(
    server: PostgresServer, kind: str, values: list[Any], names: list[str] | None
) -> None:
    """Each id comes once over the pages, and by itself when it is asked for."""
    url = server.database()
    run(url, f"CREATE TABLE t (id {kind} PRIMARY KEY, body TEXT, at INT)")
    for value in values:
        run(url, f"INSERT INTO t VALUES (CAST(:value AS {kind}), 'x', 1)", value=str(value))
    connector = source(url, table="t", text_columns=["body"], title_column=None, updated_column="at", page_rows=1)
    found = named_in(connector.changes(None))
    assert sorted(found) == sorted(names or [str(value) for value in values])
    assert [item.native_id for name in found for item in connector.fetch([name])] == found
    assert list(connector.fetch(["surely none", "", "' OR 1=1 --"])) == []


def test_rows_change_between_pages(url: str) -> None:
    """What is behind comes next time, what is ahead comes now, nothing twice, and no other row is lost."""
    tickets(url, 6)
    stream = source(url).changes(None)
    seen = [next(stream) for _ in range(3)]
    assert isinstance(seen[-1], Checkpoint)
    run(url, "DELETE FROM tickets WHERE id IN (1, 4)", ticket(0), ticket(9), "UPDATE tickets SET question = 'N'")
    assert named_in([*seen, *stream]) == ["1", "2", "3", "5", "6", "9"]
    assert named_in(source(url).changes(None)) == ["0", "2", "3", "5", "6", "9"]


def test_marks_tell_what_changed(url: str) -> None:
    """Equal marks of many rows are no hindrance; only the changed row has another; NULL is read in full."""
    tickets(url, 5)
    connector = marked(url)
    before = listed(connector)
    assert len({one.version for one in before.values()}) == 1
    run(url, "UPDATE tickets SET question = 'new', changed = '2026-01-01 10:00:01' WHERE id = 3")
    run(url, "UPDATE tickets SET changed = NULL WHERE id = 5")
    after = listed(connector)
    assert [name for name, one in after.items() if one.version != before[name].version] == ["3"]
    (unmarked,) = items_of(connector.changes(None))
    assert (unmarked.native_id, unmarked.content, unmarked.version) == ("5", b"Q 5", None)


def test_a_change_of_permissions_needs_no_new_mark(url: str) -> None:
    """The listing carries the list of now; deletions are ids that are not named."""
    tickets(url, 3)
    connector = marked(url)
    assert {one.access for one in listed(connector).values()} == {frozenset({"g:crm|sales"})}
    run(url, "UPDATE tickets SET teams = 'hr, legal ' WHERE id = 1", "UPDATE tickets SET teams = NULL WHERE id = 2")
    run(url, "DELETE FROM tickets WHERE id = 3")
    assert {name: one.access for name, one in listed(connector).items()} == {
        "1": {"g:crm|hr", "g:crm|legal"},
        "2": frozenset(),
    }


@pytest.mark.parametrize(
    ("value", "prefix", "access"),
    [
        ("a,b", "g:crm|", {"g:crm|a", "g:crm|b"}),
        ('["a", "b c"]', "g:crm|", {"g:crm|a", "g:crm|b c"}),
        ('["a"', "g:crm|", set()),
        ("[" * 100_000, "g:crm|", set()),
        ("[1, null]", "g:crm|", set()),
        ("", "g:crm|", set()),
        (" , ,", "g:crm|", set()),
        ("pub", "g:crm|", {"g:crm|pub"}),
        ("x|pub", "g:crm|", set()),
        ("pub,u:idp|ana", "", {"pub", "u:idp|ana"}),
        ("everybody", "", set()),
    ],
)
def test_what_is_no_access_list_is_nobody(lite: str, value: str, prefix: str, access: set[str]) -> None:
    """Never the collection's, and never more than the row says."""
    tickets(lite, 1)
    run(lite, "UPDATE tickets SET teams = :value", value=value)
    (item,) = read_whole(source(lite, access_column="teams", access_prefix=prefix, access=["pub"]))
    assert item.access == access


def test_access_lists_may_be_arrays(server: PostgresServer) -> None:
    """Of text, or JSON; a number in its place is nobody."""
    url = server.database()
    run(url, "CREATE TABLE t (id INT, a TEXT[], j JSONB, n INT)")
    run(url, "INSERT INTO t VALUES (1, ARRAY['x', 'y', NULL], '[\"x\"]', 7), (2, '{}', '{\"x\": 1}', NULL)")

    def access(column: str) -> list[frozenset[str] | None]:
        options = {"access_column": column, "access_prefix": "g:c|", "title_column": None}
        return [item.access for item in read_whole(source(url, table="t", text_columns=["n"], **options))]

    assert access("a") == [{"g:c|x", "g:c|y"}, frozenset()]
    assert access("j") == [{"g:c|x"}, frozenset()]
    assert access("n") == [frozenset(), frozenset()]


def test_rows_without_an_id_or_with_one_of_several_are_problems(url: str) -> None:
    """One item for all without; one for each id that is not unique, wherever a page ends."""
    run(url, "CREATE TABLE t (id INTEGER, body TEXT)")
    run(
        url, "INSERT INTO t VALUES (NULL, 'a'), (NULL, 'b'), (1, 'c'), (2, 'd'), (2, 'e'), (3, 'f'), (4, 'g'), (4, 'h')"
    )
    for rows in (1, 2, 3, 4, 5, 100):
        found = items_of(source(url, table="t", text_columns=["body"], title_column=None, page_rows=rows).changes(None))
        assert sorted((item.native_id, item.problem) for item in found) == sorted([
            ("rows without an id", "no-id"), ("1", None), ("2", "duplicate-id"), ("3", None), ("4", "duplicate-id"),
        ])  # fmt: skip


def test_nothing_comes_from_the_surroundings(server: PostgresServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """No password, host or setting out of the environment, whatever libpq would take there."""
    url = server.database()
    tickets(url, 1)
    for name, value in {
        "PGPASSWORD": "ambient",
        "PGPASSFILE": "/nowhere",
        "PGOPTIONS": "-c search_path=nowhere",
    }.items():
        monkeypatch.setenv(name, value)
    assert len(read_whole(source(url))) == 1
    with source(url)._rows()._engine.connect() as connection:
        libpq = connection.connection.dbapi_connection.info
        assert libpq.password == ""
        assert libpq.options == ""
    given = sa.make_url(url).set(password="given").update_query_dict({"options": "-c search_path=public"})
    with source(given.render_as_string(hide_password=False))._rows()._engine.connect() as connection:
        assert connection.connection.dbapi_connection.info.password == "given"


def test_an_id_that_cannot_be_asked_for_is_an_error(server: PostgresServer) -> None:
    """Listed and never read, its rows would be lost without a word."""
    url = server.database()
    run(url, "CREATE TABLE t (id INET, body TEXT, changed TEXT)", "INSERT INTO t VALUES ('10.0.0.1', 'x', '1')")
    with pytest.raises(SourceError, match="id_column") as caught:
        list(source(url, table="t", text_columns=["body"], title_column=None, updated_column="changed").changes(None))
    assert "10.0" not in str(caught.value)


def test_all_columns_that_are_read_count(lite: str) -> None:
    """A title or metadata without end is not read, and a number in the place of a file is its digits."""
    run(lite, "CREATE TABLE t (id INTEGER, body, note TEXT)", "INSERT INTO t VALUES (1, 9, 'n'), (2, 9, 'n')")
    run(lite, "UPDATE t SET note = replace(hex(zeroblob(600)), '0', 'x') WHERE id = 2")
    odd = source(
        lite,
        table="t",
        text_columns=(),
        content_column="body",
        title_column=None,
        metadata_columns=["note"],
        max_bytes=900,
    )
    found = {item.native_id: item for item in read_whole(odd)}
    assert found["1"].content == b"9"
    assert (found["2"].problem, found["2"].metadata) == ("too-large", {})


def test_it_cannot_write(url: str, tmp_path: Path) -> None:
    """Not by a statement in place of a query, and not by a function in it; no file is made where none is."""
    tickets(url, 2)
    for query in ("DELETE FROM tickets", "SELECT 1 AS id, 'x' AS question; DELETE FROM tickets"):
        with pytest.raises(SourceError):
            list(source(url, query=query, title_column=None).changes(None))
    if not url.startswith("sqlite"):
        run(url, "CREATE SEQUENCE counter")
        run(url, "CREATE FUNCTION wipe() RETURNS INT LANGUAGE sql AS 'DELETE FROM tickets; SELECT 1'")
        for call in ("nextval('counter')", "wipe()"):
            with pytest.raises(SourceError, match="25006"):
                list(source(url, query=f"SELECT {call} AS id, 'x' AS question", title_column=None).changes(None))
    assert len(named_in(source(url).changes(None))) == 2
    with pytest.raises(SourceError):
        list(source(f"sqlite:///{tmp_path / 'new.db'}").changes(None))
    assert not (tmp_path / "new.db").exists()


def test_a_page_that_takes_too_long_is_ended(url: str) -> None:
    """By the database, with its own code."""
    slow = {
        "sqlite": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i AS id, 'x' AS question "
        "FROM n WHERE i < 0",
        "postgresql": "SELECT 1 AS id, pg_sleep(30)::text AS question",
    }
    query = slow[url.partition(":")[0].partition("+")[0]]
    with pytest.raises(SourceError, match=r"57014|INTERRUPT"):
        list(source(url, query=query, title_column=None, timeout_s=0.3).changes(None))


def test_errors_and_logs_hold_neither_sql_nor_rows(url: str, caplog: pytest.LogCaptureFixture) -> None:
    """Nor the URL, also where SQLAlchemy logs at DEBUG."""
    tickets(url, 2)
    run(url, "UPDATE tickets SET question = 'Zanzibar'")
    with caplog.at_level(logging.DEBUG):
        assert len(read_whole(marked(url))) == 2
        with pytest.raises(SourceError) as caught:
            list(source(url, query="SELECT secretcolumn FROM tickets WHERE 'Zanzibar' = 'x'").changes(None))
    said = f"{caplog.text} {caught.value} {caught.value.remedy} {source(url)!r}"
    for word in ("Zanzibar", "secretcolumn", "crm.db", "host="):
        assert word not in said
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("url", ["nonsense", "nodialect://x/y", "sqlite://", "sqlite:////absent/x.db"])
def test_a_url_that_leads_nowhere_is_a_source_error(url: str) -> None:
    """It says what to look at, and not the URL."""
    with pytest.raises(SourceError) as caught:
        list(source(url).changes(None))
    assert caught.value.remedy
    assert url not in str(caught.value)


def test_a_driver_that_is_absent_is_said() -> None:
    """With what to install."""
    with pytest.raises(MissingDependency) as caught:
        list(source("oracle+oracledb://u@h/x").changes(None))
    assert "pip install" in caught.value.remedy


def test_the_server_restarts_in_a_pass(server: PostgresServer) -> None:
    """An error while it is away; from the last checkpoint on, every row comes."""
    url = server.database()
    tickets(url, 9)
    connector = marked(url)
    stream = connector.changes(None)
    seen = [next(stream) for _ in range(3)]
    server.stop()
    try:
        with pytest.raises(SourceError):
            list(stream)
    finally:
        server.start()
    assert isinstance(seen[-1], Checkpoint)
    after = list(connector.changes(seen[-1].cursor))
    assert named_in(seen) + named_in(after) == [str(n) for n in range(1, 10)]


def test_the_engine_goes_on_after_a_restart(server: PostgresServer) -> None:
    """No row is lost or named twice but those since the last checkpoint."""
    url = server.database()
    tickets(url, 30)
    named = []

    def sleep(_: float) -> None:
        server.start()

    for change in Patience(4, sleep).changes(marked(url, page_rows=3), None):
        if isinstance(change, Listed):
            named.append(change.native_id)
            if len(named) in (8, 20):
                server.stop()
    assert list(dict.fromkeys(named)) == [str(n) for n in range(1, 31)]
    assert len(named) <= 30 + 2 * 3


def test_memory_is_flat_in_rows_and_sizes(lite: str) -> None:
    """Twenty files of 2 MiB in one page are not read together."""
    run(lite, "CREATE TABLE f (id INTEGER PRIMARY KEY, data BLOB)")
    run(lite, *["INSERT INTO f (data) VALUES (randomblob(2097152))"] * 20)
    connector = source(lite, table="f", text_columns=None, title_column=None, content_column="data", page_rows=100)
    tracemalloc.start()
    assert sum(isinstance(change, Upsert) for change in connector.changes(None)) == 20
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 30 * 2**20


def test_text_that_is_not_utf8_passes(lite: str, tmp_path: Path) -> None:
    """SQLite stores any bytes as text; one such row does not end the pass."""
    tickets(lite, 2)
    run(lite, "UPDATE tickets SET question = CAST(X'ff41' AS TEXT) WHERE id = 1")
    assert [item.content.decode() for item in read_whole(source(lite))] == ["\ufffdA", "Q 2"]


def test_names_are_quoted(url: str) -> None:
    """Key words, capitals and quotes in names are names."""
    run(url, 'CREATE TABLE "Order" ("select" INTEGER, "Te""xt" TEXT, "a b" TEXT)')
    run(url, """INSERT INTO "Order" VALUES (1, 'one', 'pub')""")
    options = {"id_column": "select", "text_columns": ['Te"xt'], "title_column": None, "access_column": "a b"}
    (item,) = read_whole(source(url, table="Order", **options))
    assert (item.content, item.access) == (b"one", {"pub"})


def test_a_schema_may_be_named(server: PostgresServer) -> None:
    """With a dot before the table."""
    url = server.database()
    run(url, "CREATE SCHEMA crm", "CREATE TABLE crm.t (id UUID, body TEXT)")
    run(url, "INSERT INTO crm.t VALUES (:id, 'x')", id=UUID(int=7))
    (item,) = read_whole(source(url, table="crm.t", text_columns=["body"], title_column=None))
    assert item.native_id == str(UUID(int=7))


def test_a_cursor_of_another_kind_starts_over(lite: str) -> None:
    """Whatever was stored, nothing is skipped."""
    tickets(lite, 3)
    for cursor in ("nonsense", "[]", json.dumps(["int", "x"]), json.dumps(["list", "1"]), json.dumps([1, 2])):
        assert len(named_in(source(lite).changes(cursor))) == 3


@pytest.mark.parametrize(
    "options",
    [
        {"table": "t", "query": "SELECT 1"},
        {"table": None},
        {"text_columns": None},
        {"text_columns": "body"},
        {"content_column": "data"},
        {"uri_column": "a", "uri_template": "b"},
        {"page_rows": 0},
        {"timeout_s": 0},
    ],
)
def test_options_that_contradict_each_other_are_refused(options: dict[str, Any]) -> None:
    """Before anything is opened."""
    given: dict[str, Any] = {"table": "t", "text_columns": ["body"]} | options
    with pytest.raises(ConfigError) as caught:
        SqlConnector(name="crm", url="sqlite://", id_column="id", **{k: v for k, v in given.items() if v is not None})
    assert caught.value.remedy


def test_a_file_of_sqlite_is_named_by_its_path(tmp_path: Path) -> None:
    """A path stands for the URL of the file; both, or neither, is refused."""
    file = tmp_path / "shop #1?.db"
    with closing(sqlite3.connect(file)) as database, database:
        database.execute("CREATE TABLE notes (id INTEGER PRIMARY KEY, body TEXT)")
        database.executemany("INSERT INTO notes VALUES (?, ?)", [(number, f"note {number}") for number in range(3)])
    more = {"name": "notes", "table": "notes", "id_column": "id", "text_columns": ("body",)}
    found = read_whole(SqlConnector(path=str(file), **more))
    assert [item.native_id for item in found] == ["0", "1", "2"]
    for wrong in ({}, {"path": str(file), "url": f"sqlite:///{file}"}):
        with pytest.raises(ConfigError, match="either `url` or `path`"):
            SqlConnector(**more, **wrong)


@pytest.mark.parametrize(
    "misspelt",
    [
        {"id_column": "idd"},
        {"title_column": "subjekt"},
        {"text_columns": ["question", "Answer Text"]},
        {"updated_column": "chnaged"},
        {"access_column": "taems"},
        {"metadata_columns": ["nope"]},
    ],
    ids=lambda options: next(iter(options)),
)
def test_a_misspelt_column_is_told_by_a_test_of_the_source(url: str, misspelt: dict[str, Any]) -> None:
    """And not by the first sync, when the source is in the configuration already; in an empty table too."""
    tickets(url, 0)
    assert source(url).probe() == "0 rows"
    with pytest.raises(SourceError, match="cannot be read"):
        source(url, **misspelt).probe()
    run(url, ticket(1))
    assert marked(url).probe() == "1 rows"
    with pytest.raises(SourceError, match="cannot be read"):
        source(url, **misspelt).probe()


@pytest.mark.parametrize("url", ["nodriver://reader:secret@db.example.com/crm", "no url", "sqlite:////nowhere/crm.db"])
def test_a_database_that_cannot_be_opened_is_an_error_wherever_it_is_met_first(url: str) -> None:
    """Without the address, which may hold a password."""
    connector = source(url)
    for ask in (connector.probe, lambda: list(connector.changes(None)), lambda: list(connector.fetch(["1"]))):
        with pytest.raises(SourceError) as caught:
            ask()
        assert caught.value.remedy
        assert "secret" not in f"{caught.value}{caught.value.remedy}"
