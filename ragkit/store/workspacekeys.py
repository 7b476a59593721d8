"""The workspace key: a random key in the key file, wrapped by the root key, under which everything else is wrapped.

::

    root key (outside) ─▶ workspace key ─┬▶ collection keys
                                         ├▶ wrapping keys ─▶ record keys
                                         └▶ secrets that were derived from a root key of before, such as `events`

So a new root key means a new workspace key and a handful of rows, in one transaction of one file. While the source of
the root key is being changed, two root keys open the workspace: a row for each, as LUKS has key slots. A workspace of
before has no row: its root key wraps the collection keys itself, until it is first opened for writing.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy import Connection, select

from ragkit import crypto
from ragkit.errors import KeyMismatch
from ragkit.store.dialect_words import insert
from ragkit.store.key_schema import roots, secrets

if TYPE_CHECKING:
    from ragkit.store.keyfile import KeyFile

_ROOTS = "SELECT mark, wrapped FROM roots"
_SECRET = "SELECT wrapped FROM secrets WHERE name = ?"  # noqa: S105 - a query


class WorkspaceKeys:
    """What the root key opens in the key file.

    Args:
        key_file: Where it is kept; written only while the workspace's write lock is held.
        root_key: 32 bytes from outside.
    """

    __slots__ = ("_file", "_known", "_root")

    def __init__(self, key_file: KeyFile, root_key: bytes) -> None:
        self._file = key_file
        self._root = root_key
        self._known: tuple[int, bytes | None] | None = None

    def use_root_key(self, root_key: bytes) -> None:
        """Go on with another root key, which opens the same workspace."""
        self._root, self._known = root_key, None

    def key(self) -> bytes | None:
        """Return the workspace key; ``None`` when there is none yet.

        Raises:
            KeyMismatch: It was made with another root key, or the root key was changed meanwhile.
        """
        mark = self._file.mark()
        if self._known is None or self._known[0] != mark:
            rows = dict(self._file.look(_ROOTS)) if mark else {}
            self._known = (mark, open_workspace_key(self._root, rows) if rows else None)
        return self._known[1]

    def secret(self, name: str) -> bytes | None:
        """Return a kept secret; ``None`` when there is none of this name. Raises as :meth:`key`."""
        key = self.key()
        rows = self._file.look(_SECRET, (name,)) if key else []
        return crypto.unseal(key, rows[0][0], bound_to=f"secret/{name}") if key and rows else None

    def derived(self, purpose: str) -> bytes:
        """Return the root key's secret for a purpose: the same after the root key was changed."""
        return self.secret(purpose) or crypto.derive(self._root, purpose)

    def keep(self, name: str, value: bytes) -> None:
        """Keep a secret under the workspace key."""
        with self._file.write() as connection:
            put_secret(connection, self.inside(connection), name, value)

    def inside(self, connection: Connection) -> bytes:
        """Return the workspace key as a write transaction of the key file sees it, made if there is none."""
        rows = {row.mark: row.wrapped for row in connection.execute(select(roots))}
        if rows:
            return open_workspace_key(self._root, rows)
        key = crypto.new_key()
        connection.execute(roots.insert().values(**root_row(self._root, key, generation=1)))
        return key

    def __repr__(self) -> str:
        return "WorkspaceKeys(…)"

    def __reduce__(self) -> tuple[object, ...]:
        raise TypeError("keys are not pickled; open the workspace again where it is needed")


def open_workspace_key(root_key: bytes, rows: dict[str, bytes]) -> bytes:
    """Open the workspace key with a root key, given the rows by mark.

    Raises:
        KeyMismatch: None of them is this root key's.
    """
    mark = crypto.root_mark(root_key)
    if mark not in rows:
        raise KeyMismatch(
            "this root key does not open this workspace",
            remedy="Check [keys] in ragkit.toml. A process that was started before the root key was changed must be "
            "started again; a lost key comes back from its escrow with `ragkit key recover`.",
        )
    return crypto.unseal(root_key, rows[mark], bound_to=f"workspace-key/{mark}")


def root_row(root_key: bytes, key: bytes, *, generation: int) -> dict[str, object]:
    """Return the row by which a root key opens a workspace key."""
    mark = crypto.root_mark(root_key)
    wrapped = crypto.seal(root_key, key, bound_to=f"workspace-key/{mark}")
    return {"mark": mark, "wrapped": wrapped, "generation": generation, "made_at": moment()}


def put_secret(connection: Connection, key: bytes, name: str, value: bytes) -> None:
    """Write a secret, sealed by a workspace key."""
    sealed = crypto.seal(key, value, bound_to=f"secret/{name}")
    statement = insert(secrets).values(name=name, wrapped=sealed)
    connection.execute(statement.on_conflict_do_update(index_elements=[secrets.c.name], set_={"wrapped": sealed}))


def moment() -> str:
    """Return the present time, UTC, to the second, as ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="seconds")
