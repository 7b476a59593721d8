"""Which copies were made of the record store and of the key file, and where the copy of the key file is.

A receipt lists them, since what is erased here is still in an older copy of the key file. There is one copy of the key
file at the most, and each erasure renews it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from sqlalchemy import delete, literal_column, select, update

from ragkit import crypto
from ragkit.errors import KeyMismatch
from ragkit.store.items import now
from ragkit.store.key_schema import copies, copy_places
from ragkit.store.workspacekeys import WorkspaceKeys

if TYPE_CHECKING:
    from ragkit.store.keyfile import KeyFile

Kind = Literal["records", "keys"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """One copy. ``place`` is known of the key file's copy only, and not after the root key was exchanged."""

    copy: str
    kind: str
    made_at: str
    place: Path | None = field(default=None, repr=False)


class Copies:
    """The list of copies, in the key file.

    Only backups write it, one at a time, each row in a transaction of its own: so it needs no write lock.

    Args:
        key_file: Where it is.
        root_key: Seals where a copy is.
    """

    def __init__(self, key_file: KeyFile, root_key: bytes) -> None:
        self._key_file = key_file
        self._key = WorkspaceKeys(key_file, root_key).derived("copies")

    def add(self, copy: str, kind: Kind, *, place: Path | None = None, made_at: str | None = None) -> None:
        """Enter a copy; of the key file, its place too."""
        with self._key_file.write() as connection:
            connection.execute(copies.insert(), {"copy": copy, "kind": kind, "made_at": made_at or now()})
            if place is not None:
                sealed = crypto.seal(self._key, str(place).encode("utf-8", "surrogateescape"), bound_to=f"copy/{copy}")
                connection.execute(copy_places.insert(), {"copy": copy, "sealed": sealed})

    def gone(self, copy: str) -> None:
        """Note that a copy is no more."""
        with self._key_file.write() as connection:
            connection.execute(update(copies).where(copies.c.copy == copy).values(gone_at=now()))
            connection.execute(delete(copy_places).where(copy_places.c.copy == copy))

    def knows(self, copy: str) -> bool:
        """Say whether this file was already there when the copy was made: then it is not older than the copy."""
        return bool(self._key_file.look("SELECT 1 FROM copies WHERE copy = ?", (copy,)))

    def living(self, kind: Kind) -> list[Copy]:
        """Return the copies that are not known to be gone, the newest last."""
        if not self._key_file.mark():
            return []
        query = (
            select(copies, copy_places.c.sealed)
            .outerjoin(copy_places, copy_places.c.copy == copies.c.copy)
            .where(copies.c.kind == kind, copies.c.gone_at.is_(None))
            .order_by(copies.c.made_at, literal_column("rowid"))  # of one second, the later last
        )
        with self._key_file.read() as connection:
            rows = connection.execute(query).all()
        return [
            Copy(copy=row.copy, kind=row.kind, made_at=row.made_at, place=self._opened(row.copy, row.sealed))
            for row in rows
        ]

    def _opened(self, copy: str, sealed: bytes | None) -> Path | None:
        if sealed is None:
            return None
        try:
            raw = crypto.unseal(self._key, sealed, bound_to=f"copy/{copy}")
        except KeyMismatch:
            return None
        return Path(raw.decode("utf-8", "surrogateescape"))
