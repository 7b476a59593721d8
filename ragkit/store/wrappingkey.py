"""The wrapping key of one collection: a random key in the key file, wrapped by the workspace key."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, select

from ragkit import crypto
from ragkit.store.key_schema import wrapping_keys
from ragkit.store.workspacekeys import WorkspaceKeys, moment

if TYPE_CHECKING:
    from ragkit.store.keyfile import KeyFile

_STATE = (
    "SELECT generation, wrapped, (SELECT number FROM changes WHERE kind = 'destroyed') "
    "FROM wrapping_keys WHERE collection_id = ?"
)


@dataclass(frozen=True, slots=True)
class State:
    """The wrapping key as the key file had it at one time.

    Attributes:
        mark: Of the key file (:meth:`ragkit.store.keyfile.KeyFile.mark`).
        generation: Of the wrapping key; 0 when there is none yet.
        destroyed: How many times record keys were destroyed.
    """

    mark: int
    generation: int
    destroyed: int
    key: bytes = field(default=b"", repr=False)


class WrappingKey:
    """Reads the wrapping key again when the key file changed, and only then.

    Args:
        key_file: Where it is kept.
        workspace: Opens it.
        collection_id: Whose it is.
    """

    __slots__ = ("_collection", "_file", "_known", "_workspace")

    def __init__(self, key_file: KeyFile, workspace: WorkspaceKeys, collection_id: str) -> None:
        self._file = key_file
        self._workspace = workspace
        self._collection = collection_id
        self._known: State | None = None

    def current(self) -> State:
        """Return the key as it is committed now.

        Raises:
            KeyMismatch: It was wrapped by another workspace key.
        """
        mark, known = self._file.mark(), self._known
        if known is not None and known.mark == mark:
            return known
        rows = self._file.look(_STATE, (self._collection,)) if mark else []
        state = State(mark, 0, 0)
        for generation, wrapped, destroyed in rows:
            if known is not None and known.generation == generation:
                key = known.key
            else:
                key = open_wrapping_key(self._workspace.key() or b"", wrapped, self._collection, generation)
            state = State(mark, generation, destroyed or 0, key)
        self._known = state
        return state

    def forget(self) -> None:
        """Read it anew at the next look."""
        self._known = None

    def inside(self, connection: Connection) -> bytes:
        """Return the key as a write transaction of the key file sees it, made if there is none."""
        mine = wrapping_keys.c.collection_id == self._collection
        above = self._workspace.inside(connection)
        row = connection.execute(select(wrapping_keys).where(mine)).one_or_none()
        if row is not None:
            return open_wrapping_key(above, row.wrapped, self._collection, row.generation)
        key = crypto.new_key()
        connection.execute(wrapping_keys.insert().values(**wrapping_row(above, key, self._collection, 1)))
        return key

    def __repr__(self) -> str:
        return "WrappingKey(…)"

    def __reduce__(self) -> tuple[object, ...]:
        raise TypeError("keys are not pickled; open the collection again where it is needed")


def wrapping_row(workspace_key: bytes, key: bytes, collection_id: str, generation: int) -> dict[str, Any]:
    """Return the row of a wrapping key."""
    wrapped = crypto.seal(workspace_key, key, bound_to=f"wrapping/{collection_id}/{generation}")
    return {"collection_id": collection_id, "generation": generation, "wrapped": wrapped, "made_at": moment()}


def open_wrapping_key(workspace_key: bytes, wrapped: bytes, collection_id: str, generation: int) -> bytes:
    """Open a wrapping key.

    Raises:
        KeyMismatch: It was wrapped by another workspace key.
    """
    return crypto.unseal(workspace_key, wrapped, bound_to=f"wrapping/{collection_id}/{generation}")
