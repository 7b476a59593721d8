"""What a source said that is looked up together."""

from __future__ import annotations

from collections.abc import Iterator

from ragkit.connect.actions import Entry
from ragkit.types import Listed, SourceItem

BATCH_ITEMS = 256
BATCH_BYTES = 8 * 2**20


class Batch:
    """Items that are looked up together, bounded in number and bytes. Of items with one id the last stays."""

    def __init__(self) -> None:
        self.items: dict[str, tuple[Entry, SourceItem]] = {}
        self.listed: dict[str, Listed] = {}
        self._bytes = 0

    @property
    def full(self) -> bool:
        return len(self.items) >= BATCH_ITEMS or self._bytes >= BATCH_BYTES or len(self.listed) >= BATCH_ITEMS

    def add(self, entry: Entry, item: SourceItem) -> None:
        self.items.pop(entry.doc_id, None)
        self.items[entry.doc_id] = (entry, item)
        self._bytes += len(item.content)

    def add_listed(self, doc_id: str, listed: Listed) -> None:
        self.listed[doc_id] = listed

    def take(self) -> Iterator[tuple[str, tuple[Entry, SourceItem]]]:
        """Empty the batch, letting go of each item as it is handed on."""
        self._bytes = 0
        while self.items:
            doc_id = next(iter(self.items))
            yield doc_id, self.items.pop(doc_id)

    def take_listed(self) -> dict[str, Listed]:
        """Empty the list of what was only named."""
        listed, self.listed = self.listed, {}
        return listed
