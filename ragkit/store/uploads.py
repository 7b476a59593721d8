"""Which uploaded original lies in which file, under which key, and what became of it: rows of the key file.

A row and the key of its file are written in one transaction, and that is when an upload is there: a file without a row
is nothing (:mod:`ragkit.store.originals`). They go in one transaction too. The key file has them because they must
outlive a restore of the record store: what was deleted stays deleted.

The key file is written here without the workspace's write lock, so that an upload is durable, and one that is taken
back is unreadable, also while a long sync runs. SQLite orders the transactions.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from sqlalchemy import Connection, delete, func, select, update

from ragkit.crashpoints import reach
from ragkit.store.key_schema import record_keys, uploads
from ragkit.store.recordkeys import upload_place

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ragkit.store.catalog import Collection
    from ragkit.store.keyfile import KeyFile

State = Literal["new", "kept", "destroyed", "gone"]

_THERE = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'uploads'"
_COLUMNS = "upload, file, doc_id, source, seq, state, code"
_NEWEST = (
    f"SELECT {_COLUMNS} FROM uploads AS one WHERE collection_id = :collection AND {{}} AND seq = "  # noqa: S608
    "(SELECT max(seq) FROM uploads WHERE collection_id = one.collection_id AND upload = one.upload) ORDER BY seq"
)


@dataclass(frozen=True, slots=True)
class UploadRow:
    """The newest original of one upload.

    Attributes:
        upload: The item's own id at its source; opaque.
        file: Name of the file; empty once the original is gone.
        seq: Grows with each change of any upload of the collection.
        state: ``new`` until a sync has taken it in, then ``kept``; ``destroyed`` where the original went and what is
            indexed stays; ``gone`` for a document that is to go.
        code: Why the last original that was handed in was refused; empty when it was not.
    """

    upload: str
    file: str
    doc_id: str
    source: str
    seq: int
    state: State
    code: str = ""


def every_file(key_file: KeyFile) -> set[tuple[str, str]]:
    """Return the originals of all collections that have a row: collection's id and name of the file. Needs no key."""
    if not key_file.look(_THERE):
        return set()
    return {(row[0], row[1]) for row in key_file.look("SELECT collection_id, file FROM uploads WHERE file <> ''")}


class UploadRows:
    """The uploads of one collection.

    Args:
        key_file: Open for writing, unless only looked at.
        collection: Whose.
    """

    def __init__(self, key_file: KeyFile, collection: Collection) -> None:
        self._key_file = key_file
        self._collection = collection
        self._mine = uploads.c.collection_id == collection.id

    # --- looking ---------------------------------------------------------------------------------------------------

    def changed(self, source: str, *, after: int = 0) -> list[UploadRow]:
        """Return the newest row of each upload of a source that changed after this number, oldest change first."""
        return self._look("source = :source AND seq > :after", source=source, after=after)

    def of(self, doc_id: str) -> UploadRow | None:
        """Return the newest row of a document; ``None`` when it was not uploaded."""
        return next(iter(self._look("doc_id = :doc", doc=doc_id)), None)

    def waiting(self, source: str) -> list[UploadRow]:
        """Return those of a source that no sync has taken in yet."""
        return self._look("source = :source AND state = 'new'", source=source)

    def every(self) -> list[UploadRow]:
        """Return the newest row of each upload."""
        return self._look("1")

    def files(self) -> set[str]:
        """Return the names of all files that are somebody's original, replaced ones too while they may be needed."""
        if not self._key_file.look(_THERE):
            return set()
        query = "SELECT file FROM uploads WHERE collection_id = ? AND file <> ''"
        return {row[0] for row in self._key_file.look(query, (self._collection.id,))}

    def last(self) -> int:
        """Return the number of the last change; 0 for none."""
        if not self._key_file.look(_THERE):
            return 0
        query = "SELECT coalesce(max(seq), 0) FROM uploads WHERE collection_id = ?"
        return int(self._key_file.look(query, (self._collection.id,))[0][0])

    def key(self, file: str) -> bytes | None:
        """Return the key that seals a file; ``None`` when it is destroyed."""
        return self._collection.records.keys([upload_place(file)]).get(upload_place(file))

    # --- writing ---------------------------------------------------------------------------------------------------

    def add(
        self, *, source: str, upload: str, doc_id: str, file: str, key: bytes, require: Callable[[], None] | None = None
    ) -> None:
        """Enter an original whose file is durable; from now on it is there. One of before stays until it is settled.

        ``require`` raises where this may not be; nobody writes in between.
        """
        with self._key_file.write() as connection:
            if require is not None:
                require()
            seq = self._next(connection)
            connection.execute(delete(uploads).where(self._mine, uploads.c.upload == upload, uploads.c.file == ""))
            self._collection.records.put(connection, upload_place(file), key)
            self._insert(connection, UploadRow(upload, file, doc_id, source, seq, "new"))
            reach("upload.in_row")

    def keep(self, row: UploadRow) -> list[str]:
        """Note that an original was taken in; those that it replaces go. Returns the names of their files."""
        with self._key_file.write() as connection:
            change = update(uploads).where(self._mine, uploads.c.upload == row.upload, uploads.c.file == row.file)
            connection.execute(change.values(state="kept"))
            return self.drop_older(row)

    def drop_older(self, row: UploadRow) -> list[str]:
        """Destroy the originals that this one is to replace. Returns the names of their files."""
        with self._key_file.write() as connection:
            older = [file for file in self._files_of(connection, row.upload) if file != row.file]
            return self._destroy(connection, row.upload, older)

    def refuse(self, row: UploadRow, code: str = "") -> list[str]:
        """Let go of an original that was not taken in; the one of before, if there is one, counts again.

        ``code`` says why; whoever handed it in may ask after another sync was quicker.
        """
        with self._key_file.write() as connection:
            seq = self._next(connection)
            gone = self._destroy(connection, row.upload, [row.file])
            mine = (self._mine, uploads.c.upload == row.upload)
            before = select(func.max(uploads.c.seq)).where(*mine).scalar_subquery()
            change = update(uploads).where(*mine, uploads.c.seq == before).values(seq=seq, code=code)
            if not connection.execute(change).rowcount:
                self._insert(connection, replace(row, file="", seq=seq, state="gone", code=code))
            return gone

    def remove(self, row: UploadRow, *, indexed: bool = False) -> list[str]:
        """Destroy the keys of all originals of an upload. Returns the names of the files.

        Args:
            row: Which upload.
            indexed: What is indexed of it stays; otherwise the next sync deletes the document.
        """
        with self._key_file.write() as connection:
            seq = self._next(connection)
            gone = self._destroy(connection, row.upload, self._files_of(connection, row.upload))
            connection.execute(delete(uploads).where(self._mine, uploads.c.upload == row.upload))
            self._insert(connection, replace(row, file="", seq=seq, state="destroyed" if indexed else "gone", code=""))
            return gone

    # --- inside ----------------------------------------------------------------------------------------------------

    def _look(self, condition: str, **given: object) -> list[UploadRow]:
        if not self._key_file.look(_THERE):  # the key file is of before there were uploads
            return []
        names, values = [], []
        text = _NEWEST.format(condition)
        for name, value in {"collection": self._collection.id, **given}.items():
            names.append(name)
            values.append(value)
        for place, name in enumerate(names, start=1):
            text = text.replace(f":{name}", f"?{place}")
        return [UploadRow(*row) for row in self._key_file.look(text, values)]

    def _insert(self, connection: Connection, row: UploadRow) -> None:
        values = {"upload": row.upload, "file": row.file, "doc_id": row.doc_id, "source": row.source}
        mine = {"collection_id": self._collection.id, "seq": row.seq, "state": row.state, "code": row.code}
        connection.execute(uploads.insert(), {**values, **mine})

    def _next(self, connection: Connection) -> int:
        """The number of a change; asked before rows go, so that none is ever given twice."""
        last = select(func.coalesce(func.max(uploads.c.seq), 0)).where(self._mine)
        return int(connection.execute(last).scalar_one()) + 1

    def _files_of(self, connection: Connection, upload: str) -> list[str]:
        query = select(uploads.c.file).where(self._mine, uploads.c.upload == upload, uploads.c.file != "")
        return list(connection.execute(query).scalars())

    def _destroy(self, connection: Connection, upload: str, files: Iterable[str]) -> list[str]:
        """Delete rows and keys of files; nobody remembers these keys, so no process need be told."""
        gone = list(files)
        theirs = [upload_place(file) for file in gone]
        keys = record_keys.c.collection_id == self._collection.id
        connection.execute(delete(record_keys).where(keys, record_keys.c.place.in_(theirs)))
        connection.execute(delete(uploads).where(self._mine, uploads.c.upload == upload, uploads.c.file.in_(gone)))
        return gone
