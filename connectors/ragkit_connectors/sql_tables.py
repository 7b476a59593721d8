"""The statements: a page of ids, the rows of some ids, in short read-only transactions.

Columns that become text are cast to text by the database, which knows its types best: an endless date or a number of a
thousand digits is then no error of the driver. Neither SQL nor a value is in any error or log.
"""

from __future__ import annotations

import logging
import os
import re
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from ragkit.errors import MissingDependency, SourceError
from ragkit.types import SourceItem
from ragkit_connectors.sql_ids import kind_of, to_text
from ragkit_connectors.sql_rows import Shape

if TYPE_CHECKING:
    from sqlalchemy import URL, ColumnElement, Connection, Engine, FromClause, Select

_LOGGED_AS = "ragkit-source"
# For the transaction only; with these a time is the same text at every pass.
_SETTINGS = (
    "SELECT set_config('statement_timeout', :timeout, true), "
    "set_config('TimeZone', 'UTC', true), set_config('DateStyle', 'ISO', true)"
)
_LIBPQ = frozenset({"postgresql", "postgresql+psycopg", "postgresql+psycopg2"})
# What libpq would take from the environment or the user's folder (PGPASSWORD, ~/.pgpass, PGHOSTADDR, PGOPTIONS).
_NOT_AMBIENT = {"password": "", "passfile": f"{os.devnull}/none", "hostaddr": "", "options": ""}
# What SQLAlchemy's text() takes for a parameter; a query of ours has none.
_PARAMETER = re.compile(r"(?<![:\w$\\]):(?=[\w$]+(?![:\w$]))")


@dataclass(frozen=True, slots=True)
class Head:
    """What a page tells of a row: ``size`` in bytes of text or file, ``updated`` as text."""

    id: Any = field(repr=False)
    updated: str | None
    access: Any = field(repr=False)
    size: int


class Rows:
    """The rows of a table or query, by id.

    Args:
        name: The source's name.
        url: SQLAlchemy's URL.
        shape: The columns.
        query: A SELECT, or
        table: a table's name.
        timeout_s: For one page.

    Each method raises :class:`ragkit.errors.SourceError` when the database cannot be read.
    """

    def __init__(
        self, name: str, url: str | URL, shape: Shape, *, query: str | None, table: str | None, timeout_s: float
    ) -> None:
        self._name = name
        self._url = url
        self._shape = shape
        self._query = query
        self._table = table
        self._timeout_s = timeout_s

    def page(self, after: object | None, limit: int) -> list[Head]:
        """Return the rows with the next larger ids, in order."""
        return self._listed(lambda heads: (heads if after is None else heads.where(self._id > after)).limit(limit))

    def named(self, ids: Sequence[object]) -> list[Head]:
        """Return the rows with these ids, in order."""
        return self._listed(lambda heads: heads.where(self._id.in_(ids)))

    def contents(self, ids: Sequence[object]) -> list[SourceItem]:
        """Return the items of these rows, in order; those that are gone are left out."""
        from sqlalchemy import Text, cast, null, select

        relation, shape = self._relation, self._shape
        columns = [
            self._id.label("rk_id"),
            (relation.c[shape.content] if shape.content else null()).label("rk_content"),
            self._updated().label("rk_updated"),
            (relation.c[shape.access] if shape.access else null()).label("rk_access"),
            *(cast(relation.c[name], Text).label(f"rk_{number}") for number, name in enumerate(shape.words)),
        ]
        with self._reading() as connection:
            found = connection.execute(select(*columns).where(self._id.in_(ids)).order_by(self._id)).all()
        items = {}
        for row in found:
            words = dict(zip(shape.words, row[4:]))
            items[to_text(row[0])] = shape.item(to_text(row[0]), words, row[1], row[2], row[3])
        return list(items.values())

    def lack_ids(self) -> bool:
        """Tell whether a row has no id."""
        from sqlalchemy import select

        with self._reading() as connection:
            return connection.execute(select(1).where(self._id.is_(None)).limit(1)).first() is not None

    def id_kind(self) -> str:
        """Return the type of the ids, by one of them."""
        from sqlalchemy import select

        with self._reading() as connection:
            return kind_of(connection.execute(select(self._id).where(self._id.is_not(None)).limit(1)).scalar())

    def count(self) -> int:
        """Return the number of rows."""
        from sqlalchemy import func, select

        with self._reading() as connection:
            return int(connection.execute(select(func.count()).select_from(self._relation)).scalar_one())

    def _heads(self) -> Select[Any]:
        from sqlalchemy import null, select

        relation, shape = self._relation, self._shape
        access = relation.c[shape.access] if shape.access else null()
        columns = self._id.label("rk_id"), self._updated().label("rk_updated"), access.label("rk_access"), self._size()
        return select(*columns).where(self._id.is_not(None)).order_by(self._id)

    def _listed(self, narrowed: Callable[[Select[Any]], Select[Any]]) -> list[Head]:
        with self._reading() as connection:
            rows = connection.execute(narrowed(self._heads()))
            return [Head(row[0], row[1], row[2], int(row[3] or 0)) for row in rows]

    @property
    def _id(self) -> ColumnElement[Any]:
        return self._relation.c[self._shape.id]

    def _updated(self) -> ColumnElement[Any]:
        from sqlalchemy import Text, cast, null

        return cast(self._relation.c[self._shape.updated], Text) if self._shape.updated else null()

    def _size(self) -> ColumnElement[Any]:
        """Bytes of all text and the file; PostgreSQL and SQLite tell them without reading large values."""
        from sqlalchemy import LargeBinary, Text, cast, func, literal

        relation, shape = self._relation, self._shape
        dialect = self._engine.dialect.name
        total: ColumnElement[Any] = literal(0)
        for name in dict.fromkeys([*shape.words, *filter(None, [shape.content])]):  # titles and metadata are read too
            value: ColumnElement[Any] = relation.c[name]
            if dialect == "sqlite":  # length() counts the bytes of a BLOB but the characters of a text
                length = func.length(cast(value, LargeBinary))
            else:
                length = func.octet_length(value if name == shape.content else cast(value, Text))
            total = total + func.coalesce(length, 0)
        return total.label("rk_size")

    @cached_property
    def _relation(self) -> FromClause:
        from sqlalchemy import column, table, text

        columns: list[Any] = [column(name) for name in self._shape.columns]
        if self._query is not None:
            query = _PARAMETER.sub(r"\\:", self._query.strip().rstrip(";"))
            return text(query).columns(*columns).subquery("rk_query")
        schema, _, name = (self._table or "").rpartition(".")
        return table(name, *columns, schema=schema or None)

    @cached_property
    def _engine(self) -> Engine:
        from sqlalchemy import NullPool, create_engine, make_url

        logging.getLogger(f"sqlalchemy.engine.Engine.{_LOGGED_AS}").setLevel(logging.WARNING)  # it logs rows at DEBUG
        url = make_url(self._url)
        options: dict[str, Any] = {}
        if url.get_backend_name() == "sqlite":
            options["creator"] = self._sqlite(url)
        elif url.drivername in _LIBPQ:
            options["connect_args"] = {name: value for name, value in _NOT_AMBIENT.items() if name not in url.query}
            if url.password is not None:
                del options["connect_args"]["password"]
        return create_engine(url, poolclass=NullPool, hide_parameters=True, logging_name=_LOGGED_AS, **options)

    def _sqlite(self, url: URL) -> Any:
        """Return what opens the file: for reading only, and so never a new one."""

        def connect() -> sqlite3.Connection:
            place = f"file:{quote(url.database or '')}?mode=ro"
            connection = sqlite3.connect(place, uri=True, timeout=self._timeout_s, check_same_thread=False)
            connection.text_factory = lambda raw: raw.decode(
                "utf-8", "replace"
            )  # a bad byte is no reason to end a pass
            until = time.monotonic() + self._timeout_s
            connection.set_progress_handler(lambda: time.monotonic() > until, 100_000)
            return connection

        return connect

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        """Open a transaction that may only read, and turn what goes wrong into a SourceError without SQL or values."""
        from sqlalchemy import text
        from sqlalchemy.exc import SQLAlchemyError

        try:
            with self._engine.connect() as connection:
                if connection.dialect.name == "postgresql":
                    connection.execution_options(postgresql_readonly=True)
                    connection.execute(text(_SETTINGS), {"timeout": str(int(self._timeout_s * 1000))})
                yield connection
        except ImportError as absent:
            raise MissingDependency(
                "the driver of a database is not installed",
                remedy="pip install 'ragkit[postgres]', or the driver that the URL of the source names",
            ) from absent
        except (SQLAlchemyError, ValueError, OverflowError) as failed:
            raise SourceError(
                f"the database of source {self._name!r} cannot be read ({_kind(failed)})",
                remedy="Check `url`, the table or query and the names of the columns, and that the user may read them.",
            ) from None


def _kind(failed: Exception) -> str:
    """The class of the error and the database's own code for it, such as ``OperationalError 57014``."""
    original = getattr(failed, "orig", None)
    code = getattr(original, "sqlstate", None) or getattr(original, "sqlite_errorname", None)
    return f"{type(failed).__name__} {code}" if code else type(failed).__name__
