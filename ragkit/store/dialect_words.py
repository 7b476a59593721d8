"""Types, inserts and statements that mean the same to SQLite and to PostgreSQL."""

from __future__ import annotations

import re
from typing import Any, Self

from sqlalchemy import BigInteger, Integer, LargeBinary, Table, Text, TextClause
from sqlalchemy.dialects.sqlite import dml
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler

Whole = BigInteger().with_variant(Integer(), "sqlite")
"""A whole number of 64 bits, as every ``INTEGER`` of SQLite is one; PostgreSQL's has 32."""
Words = Text().with_variant(Text(collation="C"), "postgresql")
"""Text in order of its bytes, as SQLite has it, whatever the language of the server."""
Bytes = LargeBinary

_LIST = re.compile(r"\b(numbers|texts)\((:\w+)\)")
_IN_THIS_ORDER = re.compile(r"\bCROSS JOIN (\w+) ON\b")
_POSTGRESQL = {
    "numbers": "(SELECT CAST(value AS bigint) AS value FROM json_array_elements_text(CAST({} AS json)))",
    "texts": "(SELECT value FROM json_array_elements_text(CAST({} AS json)))",
}


class _Nothing(dml.OnConflictDoNothing):
    inherit_cache = True
    constraint_target = None


class _Update(dml.OnConflictDoUpdate):
    inherit_cache = True
    constraint_target = None


class Insert(dml.Insert):
    """SQLite's insert, with what PostgreSQL's compiler asks for besides: a constraint's name, which is never given.

    PostgreSQL's own has all that both ask for, and takes 25 ms to import.
    """

    inherit_cache = True

    def on_conflict_do_nothing(self, *given: Any, **named: Any) -> Self:
        """Leave what is there."""
        return self.ext(_Nothing(*given, **named))

    def on_conflict_do_update(self, *given: Any, **named: Any) -> Self:
        """Change what is there."""
        return self.ext(_Update(*given, **named))


def insert(table: Table) -> Insert:
    """Return an insert that can say what to do where a row is there already."""
    return Insert(table)


class Worded(TextClause):
    """SQL that says ``numbers(:p)`` or ``texts(:p)`` for a table of one column, ``value``: the JSON list ``p``.

    ``CROSS JOIN … ON`` keeps SQLite's planner from another order than the one written
    (https://www.sqlite.org/optoverview.html, 8.2); PostgreSQL's has statistics, and no such words.
    """

    inherit_cache = True


@compiles(Worded)  # type: ignore[no-untyped-call, untyped-decorator, unused-ignore]
def _say(element: Worded, compiler: SQLCompiler, **given: Any) -> str:
    said = element._clone()
    if compiler.dialect.name == "postgresql":
        ordered = _IN_THIS_ORDER.sub(r"JOIN \1 ON", element.text)
        said.text = _LIST.sub(lambda found: _POSTGRESQL[found[1]].format(found[2]), ordered)
    else:
        said.text = _LIST.sub(r"json_each(\2)", element.text)
    spoken: str = compiler.visit_textclause(said, **given)  # type: ignore[no-untyped-call]
    return spoken
