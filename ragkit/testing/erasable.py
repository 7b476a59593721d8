r"""A light ingest from which people can be erased, for tests of what has to be gone and to stay so.

::

    light = ErasableIngest(tmp_path, {"Ada Byron": "PERSON", "ada@mail.example": "EMAIL_ADDRESS"})
    light.sync({"a.txt": "Name: Ada Byron\nE-mail: ada@mail.example"})
    report = light.erase("Ada Byron")
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ragkit.audit.evidence import EvidenceStore
from ragkit.desk.store import DeskStore
from ragkit.index.generations import FoldReport
from ragkit.lifecycle.erase import Erasure, ErasureReport
from ragkit.lifecycle.erase_steps import Ground
from ragkit.lifecycle.people import People, Person
from ragkit.mask.masker import CollectionMasker
from ragkit.mask.rulings import Rulings
from ragkit.store.valuekeys import ValueKeys
from ragkit.testing.light import ANA, ROOT_KEY
from ragkit.testing.named import NamedIngest

if TYPE_CHECKING:
    from ragkit.index.collection import CollectionIndex
    from ragkit.types import Hit

_NOTHING = FoldReport(number=1, previous=0, chunks=0, built_through=0, seconds=0.0, size=0)


class NoIndex:
    """An index that keeps nothing, for tests of everything else; folds are counted."""

    def __init__(self) -> None:
        self.generations = self
        self.folds = 0
        self.fingerprints = self
        self.policy = self.encoder = self.chunker = self.language = "none"

    def fold(self) -> FoldReport:
        """Count."""
        self.folds += 1
        return _NOTHING


class ErasableIngest(NamedIngest):
    """:class:`NamedIngest` with rulings, and what an erasure works on.

    Args:
        index: The collection's index; by default one that keeps nothing.
    """

    def __init__(self, folder: Path, terms: Mapping[str, str], *, index: Any = None, **options: Any) -> None:
        super().__init__(folder, terms, **options)
        self.folder = folder
        self.index = index or NoIndex()
        rules, keys = self.masker.rules, self.collection.keys
        self.rulings = Rulings(keys, self.vault, self.store.rulings())
        self.masker = CollectionMasker(rules, [self.detector], self.vault, collection="default", rulings=self.rulings)

    @cached_property
    def evidence(self) -> EvidenceStore:
        """What answers were made of; nothing, until a test keeps something."""
        people = ValueKeys(self.database, self.collection)
        return EvidenceStore(self.folder / "evidence.db", secret=ROOT_KEY, people=lambda _: people)

    @cached_property
    def desk(self) -> DeskStore:
        """What a chatbot keeps; nothing, until a test begins a conversation."""
        return DeskStore(self.folder, secret=ROOT_KEY)

    @cached_property
    def ground(self) -> Ground:
        """What an erasure works on."""

        def index() -> CollectionIndex:
            found: Any = self.index
            return found  # type: ignore[no-any-return]

        return Ground(
            store=self.store,
            vault=self.vault,
            embedder=self.embedder,
            recorder=self.recorder,
            index=index,
            search=self.search,
            data_folder=self.folder,
            evidence=self.evidence,
            desk=self.desk,
        )

    @property
    def erasure(self) -> Erasure:
        """The erasures of this collection."""
        return Erasure(self.ground, key=ROOT_KEY)

    def find(self, value: str) -> list[Person]:
        """The people who have a value."""
        return People(self.store, self.vault).find(value)

    def erase(self, value: str, **choices: Any) -> ErasureReport:
        """Erase the person who has a value."""
        erasure = self.erasure
        return erasure.run(erasure.begin(self.find(value)[0], purpose="", **choices))

    def search(self, question: str) -> list[Hit]:
        """Every chunk that Ana may see, whatever the question."""
        del question
        return self.hits(ANA)

    def shown(self) -> str:
        """All that anybody is shown, revealed, headers too."""
        texts = [
            text
            for hit in self.hits()
            for text in (hit.title, hit.uri or "", *hit.metadata.values(), hit.chunk.record, hit.chunk.context_index)
        ]
        return self.vault.reveal("\n".join(texts))[0]
