"""Rows of a database as a source: a table, or what a query gives. One item a row.

::

    [[collections.support.sources]]
    connector = "sql"
    name = "tickets"
    url = { env = "CRM_URL" }                  # postgresql+psycopg://reader:…@db.example/crm
    table = "crm.tickets"                      # or query = "SELECT …"
    id_column = "id"
    title_column = "subject"
    text_columns = ["question", "answer"]
    updated_column = "changed_at"
    access_column = "teams"                    # sales,support
    access_prefix = "g:crm|"

Any database that SQLAlchemy has a dialect and an installed driver for; tested with PostgreSQL (psycopg) and SQLite.
Nothing is written: only SELECT is sent, in read-only transactions on PostgreSQL and on read-only connections to SQLite;
elsewhere give ragkit a user that may only read. A password stands in ``url``; ``PGPASSWORD`` and ``~/.pgpass`` are not
asked. Rows are read in pages by ascending id, each in a short transaction of its own, so that no long one holds up
the database; what is added behind the page that is being read comes with the next pass. A row without id, or several
with one id, become problems: which of them is meant would be chance.

With ``updated_column`` (a time or a revision that is another after every change) a pass reads ids, marks and access
lists, and the content only of rows whose mark is new. Two changes under one mark are one: a time in whole seconds may
miss the second. Without it, and for rows where it is NULL, a pass reads all content, which costs no more than that.

Deletions: an id that a complete pass does not meet is gone.

Permissions: with ``access_column`` each row carries its own: words parted by ``access_separator``, an array, or a list
as JSON, each with ``access_prefix`` before it. NULL, an empty list, and what makes no access token give nobody. Where
there is an ``updated_column`` a change of the list alone takes effect without reading the content. Without
``access_column``, ``access`` of the source holds.

Codes: ``too-large``, ``no-id`` (one item for all such rows), ``duplicate-id``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Literal

from ragkit.errors import ConfigError, SourceError
from ragkit.types import Change, Checkpoint, Listed, SourceItem, Upsert
from ragkit_connectors.pace import Pace
from ragkit_connectors.sql_ids import from_text, is_kept, kind_of, to_text
from ragkit_connectors.sql_rows import Shape
from ragkit_connectors.sql_tables import Head, Rows
from ragkit_connectors.texts import MIB, of_source

_BATCH_BYTES = 8 * MIB
_MOST_ROWS = 10_000
"""Of a page: PostgreSQL takes 65,535 values in a statement, SQLite 32,766."""
_NO_ID, _EMPTY_ID = "rows without an id", "a row with an empty id"


@dataclass(frozen=True, slots=True, kw_only=True)
class SqlConnector:
    """Reads rows.

    Args:
        name: The source's name in the configuration.
        url: SQLAlchemy's URL, by reference where it holds a password, or
        path: an SQLite file.
        query: A SELECT, or
        table: a table or view, ``name`` or ``schema.name``.
        id_column: Identity of a row: unique, never changed, and indexed. Number, text, UUID, time or bytes.
        text_columns: The text. Of several each gets its name as a heading.
        content_column: A file in the row instead of ``text_columns``, as bytes or text.
        title_column: The title.
        media_type: What the text is: ``text/markdown``, ``text/plain`` or ``text/html``.
        media_type_column: The media type of each row's file.
        name_column: The file name of each row's file.
        updated_column: Mark of the last change.
        access_column: Who may see the row.
        access_prefix: Stands before each word of it, such as ``g:crm|``; without, they are access tokens themselves.
        access_separator: Parts the words where the column is text.
        metadata_columns: Kept as metadata under their names.
        uri_column: Where a person finds the row, or
        uri_template: the same from columns: ``https://crm.example/tickets/{id}``.
        page_rows: Rows read together, 10,000 at the most; a checkpoint follows each page.
        max_bytes: A row with more in all columns that are read becomes an item with the problem ``too-large``.
        timeout_s: How long a page may take (PostgreSQL, SQLite).
        per_second: Pages a second at the most; 0 for no limit.
        access: Access tokens of every item; ``None`` takes the collection's.

    Raises:
        ConfigError: The options contradict each other.
    """

    name: str
    id_column: str
    url: str = field(default="", repr=False)
    path: str = field(default="", repr=False)
    query: str | None = field(default=None, repr=False)
    table: str | None = None
    text_columns: Sequence[str] = ()
    content_column: str | None = None
    title_column: str | None = None
    media_type: Literal["text/markdown", "text/plain", "text/html"] = "text/markdown"
    media_type_column: str | None = None
    name_column: str | None = None
    updated_column: str | None = None
    access_column: str | None = None
    access_prefix: str = ""
    access_separator: str = ","
    metadata_columns: Sequence[str] = ()
    uri_column: str | None = None
    uri_template: str | None = None
    page_rows: int = 500
    max_bytes: int = 50 * MIB
    timeout_s: float = 60.0
    per_second: float = 0.0
    access: Sequence[str] | None = None

    def __post_init__(self) -> None:
        if bool(self.url) == bool(self.path):
            raise self._contradiction("needs either `url` or `path`")
        if (self.query is None) == (self.table is None):
            raise self._contradiction("needs either `query` or `table`")
        if bool(self.text_columns) == (self.content_column is not None):
            raise self._contradiction("needs either `text_columns` or `content_column`")
        if isinstance(self.text_columns, str) or isinstance(self.metadata_columns, str):
            raise self._contradiction("has a single name where a list of columns belongs")
        if self.uri_column and self.uri_template:
            raise self._contradiction("has both `uri_column` and `uri_template`")
        if not 1 <= self.page_rows <= _MOST_ROWS or self.timeout_s <= 0:
            raise self._contradiction(f"has no room for a row or for more than {_MOST_ROWS}, or no time to read it")

    def changes(self, cursor: str | None) -> Iterator[Change]:
        """Name every row in order of the ids; ``cursor`` is the last id of a page.

        Raises:
            SourceError: The database cannot be read, or refuses the query.
        """
        rows, shape, pace = self._rows(), self._shape(), Pace(self.per_second)
        after = _after(cursor)
        if after is None and rows.lack_ids():
            yield Upsert(shape.problem(_NO_ID, "no-id", shape.readers(None)))
        while True:
            pace.wait()
            heads = rows.page(after, self.page_rows + 1)
            page, more = heads[: self.page_rows], len(heads) > self.page_rows
            self._require_kept(page)
            yield from self._named(rows, shape, page, heads)
            if not more:
                break
            after = page[-1].id
            yield Checkpoint(json.dumps([kind_of(after), to_text(after)]))
        yield Checkpoint(None, complete=True)

    def fetch(self, native_ids: Sequence[str]) -> Iterator[SourceItem]:
        """Read these rows, a few megabytes at a time; those that are gone are left out.

        Raises:
            SourceError: The database cannot be read.
        """
        rows, shape, pace = self._rows(), self._shape(), Pace(self.per_second)
        kind = rows.id_kind()
        ids = [found for text in native_ids if (found := from_text(kind, text)) is not None]
        for start in range(0, len(ids), self.page_rows):
            pace.wait()
            heads = rows.named(ids[start : start + self.page_rows])
            for change in self._read(rows, shape, heads, _twice(heads)):
                yield change.item

    def probe(self) -> str:
        """Count the rows, and look at the first in every column that is read: a misspelt one is told here.

        Raises:
            SourceError: The database cannot be read, or has not these columns.
        """
        rows = self._rows()
        self._require_kept(rows.page(None, 1))
        return f"{rows.count()} rows"

    def _require_kept(self, page: Sequence[Head]) -> None:
        if not all(is_kept(head.id) for head in page):
            raise SourceError(
                f"source {self.name!r} has an `id_column` of a type that ragkit cannot ask for again",
                remedy="Cast it to text in a `query` or a view.",
            )

    def _named(self, rows: Rows, shape: Shape, page: Sequence[Head], heads: Sequence[Head]) -> Iterator[Change]:
        """Name a page: listed where the mark tells enough, else read. ``heads`` has the row after the page too."""
        twice = _twice(heads)
        unread: list[Head] = []
        for head in page:
            if head.updated is not None and self._code(head, twice) in (None, "too-large"):
                yield Listed(to_text(head.id), head.updated, shape.readers(head.access))
            else:
                unread.append(head)
        yield from self._read(rows, shape, unread, twice)

    def _read(self, rows: Rows, shape: Shape, heads: Sequence[Head], twice: set[object]) -> Iterator[Upsert]:
        batch: list[Head] = []
        for head in _once(heads):
            if code := self._code(head, twice):
                native_id = to_text(head.id) or _EMPTY_ID
                version = head.updated if code == "too-large" else None  # else of one of several rows, by chance
                yield Upsert(shape.problem(native_id, code, shape.readers(head.access), version=version))
                continue
            if batch and sum(each.size for each in batch) + head.size > _BATCH_BYTES:
                yield from map(Upsert, rows.contents([each.id for each in batch]))
                batch = []
            batch.append(head)
        if batch:
            yield from map(Upsert, rows.contents([each.id for each in batch]))

    def _code(self, head: Head, twice: set[object]) -> str | None:
        if not to_text(head.id):
            return "no-id"
        return "duplicate-id" if head.id in twice else "too-large" if head.size > self.max_bytes else None

    def _rows(self) -> Rows:
        from sqlalchemy import URL

        url = self.url or URL.create("sqlite", database=self.path)
        return Rows(self.name, url, self._shape(), query=self.query, table=self.table, timeout_s=self.timeout_s)

    def _shape(self) -> Shape:
        return Shape(
            id=self.id_column,
            texts=tuple(self.text_columns),
            content=self.content_column,
            title=self.title_column,
            media_type=self.media_type,
            media_type_column=self.media_type_column,
            name_column=self.name_column,
            updated=self.updated_column,
            access=self.access_column,
            access_prefix=self.access_prefix,
            access_separator=self.access_separator,
            metadata=tuple(self.metadata_columns),
            uri_column=self.uri_column,
            uri_template=self.uri_template,
            max_bytes=self.max_bytes,
            default_access=of_source(self.access),
        )

    def _contradiction(self, what: str) -> ConfigError:
        return ConfigError(f"source {self.name!r} {what}", remedy="See the options in connectors/README.md.")


def _twice(heads: Sequence[Head]) -> set[object]:
    """The ids of several rows; these stand side by side."""
    return {one.id for one, other in pairwise(heads) if one.id == other.id}


def _once(heads: Sequence[Head]) -> Iterator[Head]:
    for position, head in enumerate(heads):
        if position == 0 or heads[position - 1].id != head.id:
            yield head


def _after(cursor: str | None) -> object | None:
    try:
        kind, text = json.loads(cursor or "null")
        return from_text(kind, text)
    except (ValueError, TypeError):
        return None
