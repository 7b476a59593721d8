"""What the sync engine reads and what it says: the memory of a source, and the actions that bring a store in step."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from ragkit.types import SourceItem


class KnownItem(Protocol):
    """What the store remembers of an item.

    ``status`` is ``active``, ``quarantined``, ``absent``, ``expired`` (kept out by retention) or ``held`` (gone at the
    source, and a hold keeps it). ``indexed_at`` is when its content was first taken in.
    """

    @property
    def content_mac(self) -> bytes | None: ...

    @property
    def access_mac(self) -> bytes | None: ...

    @property
    def fingerprint(self) -> str: ...

    @property
    def status(self) -> str: ...

    @property
    def version(self) -> int: ...

    @property
    def indexed_at(self) -> str | None: ...

    @property
    def dates(self) -> Mapping[str, str]: ...

    @property
    def version_mac(self) -> bytes | None: ...


class SyncState(Protocol):
    """The memory of one source of one collection. Implemented by the record store.

    ``begin`` gives the pass to go on with: its number, the cursor, ``None`` to list from the beginning, and whether it
    was interrupted and goes on. A new pass begins when the last was completed, never reached a checkpoint, or ran under
    another fingerprint; with ``anew`` it begins, and from the beginning, in any case. ``rests_at`` is the cursor that
    the last pass left if it was whole, else ``None``. ``unseen`` gives the ids of present items that the pass has not
    met, and ``known`` of all; ``present`` counts all. ``moved`` tells where items went: to those that came since with
    the same bytes. ``alike`` finds present items by their bytes. ``native_ids`` gives the source's own ids of those
    items for which they are kept.
    """

    def begin(self, fingerprint: str, *, anew: bool = False) -> tuple[int, str | None, bool]: ...

    def rests_at(self) -> str | None: ...

    def lookup(self, doc_ids: Collection[str]) -> Mapping[str, KnownItem]: ...

    def present(self) -> int: ...

    def count_unseen(self, pass_number: int) -> int: ...

    def unseen(self, pass_number: int) -> Iterator[list[str]]: ...

    def known(self) -> Iterator[list[str]]: ...

    def alike(self, body_mac: bytes) -> str | None: ...

    def moved(self, doc_ids: Collection[str], pass_number: int) -> Mapping[str, str]: ...

    def native_ids(self, doc_ids: Collection[str]) -> Mapping[str, str]: ...


class Ageing(Protocol):
    """What retention says of the items of one source.

    ``keys`` are the metadata keys whose values are dates that count. ``is_over`` tells from an item's dates, and from
    when this content was first taken in if it ever was, whether it is too old to be here.
    """

    @property
    def keys(self) -> Collection[str]: ...

    def is_over(self, dates: Mapping[str, str], indexed_at: str | None) -> bool: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One source item by identity and fingerprints, without its content.

    Attributes:
        native_id: Raw; the store seals it.
        access: Effective access tokens; empty means nobody.
        fingerprint: Policy, chunker and encoder under which the item is being treated.
        software: The same with the version of the parsers, under which a quarantine stands.
        last_version: The last version number the document had, 0 for none.
        present: Whether the store has the item, in order or quarantined.
        answering: Whether it has it in order.
        same_content: Whether it has it with this content; then something else is why the item is treated.
        version_mac: Of the source's version mark; ``None`` where it has none.
        body_mac: Of the bytes alone; ``None`` until the item is to be treated.
        alike: A document with the same bytes, which this one may be a copy or a move of; empty for none.
        dates: What retention counts from: ``modified`` and the metadata keys of its rules, ISO 8601.
    """

    doc_id: str
    native_id: str
    content_mac: bytes
    access: frozenset[str]
    access_mac: bytes
    fingerprint: str
    software: str
    pass_number: int
    last_version: int = 0
    present: bool = False
    answering: bool = False
    same_content: bool = False
    dates: Mapping[str, str] = field(default_factory=dict, repr=False)
    version_mac: bytes | None = None
    body_mac: bytes | None = None
    alike: str = ""

    def __repr__(self) -> str:
        return f"Entry({self.doc_id})"


@dataclass(frozen=True, slots=True)
class Seen:
    """The pass has met these items, and they are as before; ``dates`` and ``versions`` have what changed of them."""

    doc_ids: tuple[str, ...]
    pass_number: int
    dates: Mapping[str, Mapping[str, str]] = field(default_factory=dict, repr=False)
    versions: Mapping[str, bytes] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class KeptOut:
    """The pass has met these items, and retention keeps them out."""

    doc_ids: tuple[str, ...]
    pass_number: int


@dataclass(frozen=True, slots=True)
class AccessChange:
    """Who may see the item changed; its content did not. ``met``: the pass has met the item."""

    entry: Entry
    met: bool = True


@dataclass(frozen=True, slots=True)
class Change:
    """The item is new, changed, or was treated under another policy or encoder."""

    entry: Entry
    item: SourceItem


@dataclass(frozen=True, slots=True)
class Removal:
    """The items are gone from the source; ``moved`` tells which of them are there under another identity."""

    doc_ids: tuple[str, ...]
    moved: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Mark:
    """Store this cursor once everything before it is committed; ``complete`` ends the pass."""

    cursor: str | None
    complete: bool

    def __repr__(self) -> str:
        return f"Mark(complete={self.complete})"


@dataclass(frozen=True, slots=True)
class Drain:
    """Commit everything before this, then go on."""


Action = Seen | KeptOut | AccessChange | Change | Removal | Mark | Drain
