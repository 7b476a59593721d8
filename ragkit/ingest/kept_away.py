"""What of a source stays away because a person was erased: documents that were theirs, file names that name them."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from ragkit.errors import ItemError, ItemRefused
from ragkit.types import MaskedDocument

if TYPE_CHECKING:
    from ragkit.connect.actions import Entry
    from ragkit.ingest.settings import Stages
    from ragkit.store.items import SourceEntry


class KeptAway:
    """The erasures of a collection, as one run sees them; they do not change while it holds the write lock.

    A document that was deleted with the person it is about is set aside under the code ``erased`` for as long as its
    source still has it. It comes in again when its content is another one that no longer names the person.
    """

    def __init__(self, stages: Stages) -> None:
        self._stages = stages

    @cached_property
    def _numbers(self) -> dict[int, frozenset[str]]:
        return self._stages.store.rulings().away()

    def judged(self, entry: Entry, outcome: MaskedDocument | ItemError) -> MaskedDocument | ItemError:
        """Refuse a document that is to stay away."""
        if isinstance(outcome, ItemError) or not (requests := self._requests(entry)):
            return outcome
        if entry.same_content or not requests.isdisjoint(outcome.erased):
            return ItemRefused("the document was deleted with the person it is about", code="erased")
        return outcome

    def keeps_name(self, entry: SourceEntry) -> bool:
        """Whether the source's own id of an item may be kept, sealed as it is: not where it names an erased person."""
        rulings = getattr(self._stages.masker, "rulings", None)
        return not self._requests(entry) and not (rulings is not None and rulings.names_erased(entry.native_id))

    def _requests(self, entry: Entry | SourceEntry) -> frozenset[str]:
        if not self._numbers:
            return frozenset()
        return self._numbers.get(self._stages.store.rulings().document_number(entry.doc_id), frozenset())
