"""What may be told of a workspace's keys: where the root key comes from, which one it is, what its record keys open."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ragkit import crypto
from ragkit.handles import Handles

if TYPE_CHECKING:
    from ragkit.store.keysweep import KeyCounts


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectionKeyState:
    """Of one collection: which wrapping key it has, and its record keys by what they open."""

    generation: int
    counts: KeyCounts


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyState:
    """What may be told of a workspace's keys.

    Attributes:
        source: ``file``, ``env`` or ``command``.
        mark: Check value of the root key; it opens nothing.
        generation: Of the root key, from 1; 0 before the first sync.
        root_keys: How many root keys open the workspace: 2 while one is being changed.
        made_at: Since when the root key of now opens it, ISO 8601; empty before the first sync.
        public_key: Verifies receipts (Ed25519), hexadecimal.
        escrows: Kind and date of the escrows that were made, the oldest first.
        collections: By name.
    """

    source: str
    mark: str
    generation: int
    root_keys: int
    made_at: str
    public_key: str
    escrows: tuple[tuple[str, str], ...]
    collections: dict[str, CollectionKeyState]


def key_state(handles: Handles) -> KeyState:
    """Look the keys of a workspace over."""
    from ragkit.store.keysweep import count_keys
    from ragkit.store.rotation import admitted, escrows, wrapping_generation

    known = handles.known()
    database = next(iter(known.values())).store.database if known else None
    rows = admitted(database) if database else []
    mark = crypto.root_mark(handles.root_key)
    mine = next(((generation, made) for one, generation, made in rows if one == mark), (0, ""))
    return KeyState(
        source=handles.config.keys.source,
        mark=mark,
        generation=mine[0],
        root_keys=max(1, len(rows)),
        made_at=mine[1],
        public_key=crypto.signing_public_key(handles.secret("signing")).hex(),
        escrows=tuple(escrows(database)) if database else (),
        collections={
            name: CollectionKeyState(
                generation=wrapping_generation(part.store.database, part.collection.id),
                counts=count_keys(part.store.database, part.collection.id),
            )
            for name, part in known.items()
        },
    )
