"""A source that tests can change, and connectors that read it in each manner a connector may.

::

    shelf = Shelf()
    shelf.put("a", "Ada wrote this.", access={"pub"})
    light.sync(shelf.listed())        # lists, and is asked for content
    shelf.remove("a")
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from ragkit.errors import SourceError
from ragkit.protocols import Connector
from ragkit.types import Change, Checkpoint, Delete, Listed, SourceItem, Upsert


@dataclass
class Shelf:
    """Items by native id, with a version mark each and a log of what happened.

    Attributes:
        fetched: Native ids whose content was asked for.
        before_fetch: Called with each id before its content is handed over; may change the shelf, or raise.
    """

    items: dict[str, SourceItem] = field(default_factory=dict)
    log: list[str] = field(default_factory=list)
    fetched: list[str] = field(default_factory=list)
    before_fetch: Callable[[str], None] = lambda _: None

    def put(self, native_id: str, text: str | bytes, access: frozenset[str] | set[str] | None = None) -> None:
        """Write an item: new, or a new version."""
        self.log.append(native_id)
        content = text if isinstance(text, bytes) else text.encode()
        self.items[native_id] = SourceItem(
            native_id=native_id,
            content=content,
            name="item",  # the same for all, so that an item that moved is the same but for its id
            media_type="text/plain",
            version=f"v{len(self.log)}",
            access=None if access is None else frozenset(access),
        )

    def remove(self, native_id: str) -> None:
        """Take an item away; nothing when it is not there."""
        if self.items.pop(native_id, None) is not None:
            self.log.append(native_id)

    def move(self, native_id: str, to: str) -> None:
        """Give an item another id; what was there is gone."""
        if native_id in self.items and native_id != to:
            self.items[to] = replace(self.items.pop(native_id), native_id=to)
            self.log += [native_id, to]

    def permit(self, native_id: str, access: frozenset[str] | None) -> None:
        """Change who may see an item. Its version stays, and so does the log: permissions are not content."""
        if native_id in self.items:
            self.items[native_id] = replace(self.items[native_id], access=access)

    def whole(self, *, every: int = 0) -> Connector:
        """Hands over everything at each pass."""
        return _Whole(self, every)

    def listed(self, *, every: int = 0) -> Connector:
        """Names everything at each pass, and is asked for content."""
        return _Listed(self, every)

    def remembering(self) -> Connector:
        """Knows from its cursor which versions it handed over in the last whole pass."""
        return _Remembering(self)

    def reporting(self) -> Connector:
        """Tells what happened since the cursor, deletions included, and permissions apart."""
        return _Reporting(self)


@dataclass(frozen=True)
class _Whole:
    shelf: Shelf
    every: int

    def changes(self, cursor: str | None) -> Iterator[Change]:
        for count, native_id in enumerate(sorted(self.shelf.items), start=1):
            if cursor is None or native_id > cursor:
                yield self._change(native_id)
                if self.every and count % self.every == 0:
                    yield Checkpoint(native_id)
        yield Checkpoint(None, complete=True)

    def _change(self, native_id: str) -> Change:
        return Upsert(self.shelf.items[native_id])


class _Fetching:
    shelf: Shelf

    def fetch(self, native_ids: Sequence[str]) -> Iterator[SourceItem]:
        for native_id in native_ids:
            self.shelf.before_fetch(native_id)
            if native_id in self.shelf.items:
                self.shelf.fetched.append(native_id)
                yield self.shelf.items[native_id]


@dataclass(frozen=True)
class _Listed(_Fetching, _Whole):
    def _change(self, native_id: str) -> Change:
        item = self.shelf.items[native_id]
        return Listed(native_id, item.version, item.access)


@dataclass(frozen=True)
class _Remembering(_Fetching):
    shelf: Shelf

    def changes(self, cursor: str | None) -> Iterator[Change]:
        known = dict(line.split("=") for line in (cursor or "").split("\n") if line)
        for native_id, item in sorted(self.shelf.items.items()):
            yield Listed(native_id, None, item.access) if known.get(native_id) == item.version else Upsert(item)
        yield Checkpoint("\n".join(f"{key}={item.version}" for key, item in self.shelf.items.items()), complete=True)


@dataclass(frozen=True)
class _Reporting:
    shelf: Shelf

    def changes(self, cursor: str | None) -> Iterator[Change]:
        since = int(cursor or 0)
        if since > len(self.shelf.log):
            raise SourceError("the cursor is of another log", remedy="Start over.")
        for position, native_id in enumerate(self.shelf.log[since:], start=since + 1):
            item = self.shelf.items.get(native_id)
            yield Delete(native_id) if item is None else Upsert(item)
            yield Checkpoint(str(position))
        yield Checkpoint(str(len(self.shelf.log)))

    def permissions(self) -> Iterator[tuple[str, frozenset[str]]]:
        for native_id, item in self.shelf.items.items():
            yield native_id, frozenset() if item.access is None else item.access
