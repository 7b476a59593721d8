"""A collection as a place to measure answers in: masks, searches, and makes what is compared comparable.

Answers are masked, and what the questions file says of right answers is not. Without a purpose the latter is masked as
a question is, by the same vault, and nothing is shown to anybody; a value that the masker finds in the document and not
in the bare fact is then missed. With a purpose, for a principal whom the collection's ``reveal`` names, answers are
compared in clear, in memory, and each leaves its event.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ragkit.evaluate.answer_questions import AnswerItem
from ragkit.types import GenerationRequest, Principal, RawQuestion

if TYPE_CHECKING:
    from ragkit.protocols import Generator
    from ragkit.workspace import Workspace


class CollectionBench:
    """Implements :class:`ragkit.evaluate.answers.Bench` over a workspace.

    Args:
        workspace: Open, and synced.
        collection: By default the only one.
        principal: Who asks; by default the owner.
        k: How many chunks each generator is given.
        purpose: Why answers are revealed; without one they stay masked.

    Raises:
        AccessDenied: A purpose was given, and the principal may not reveal.
    """

    def __init__(
        self,
        workspace: Workspace,
        *,
        collection: str | None = None,
        principal: Principal | None = None,
        k: int = 8,
        purpose: str = "",
    ) -> None:
        self._workspace = workspace
        self._part = workspace._handles.reader(collection)
        self._collection = self._part.name
        self._principal = principal or workspace.config.workspace.principal
        self._k = k
        self._purpose = purpose
        self._names: dict[str, str] = {}
        if purpose:
            self.read("")  # refused now rather than after the first answer

    @property
    def collection(self) -> str:
        """Its name."""
        return self._collection

    def generator(self, name: str | None = None) -> Generator:
        """The generator of this name, or the collection's own.

        Raises:
            ConfigError: There is none of that name.
        """
        return self._part.answering.generator(name)

    def request(self, item: AnswerItem) -> GenerationRequest:
        """The question masked, and its hits."""
        asked = RawQuestion(item.question, item.history)
        return self._part.assistant.request(asked, principal=self._principal, k=self._k)

    def names(self, doc_ids: Sequence[str]) -> Mapping[str, str]:
        """The source's own ids."""
        new = [doc for doc in doc_ids if doc not in self._names]
        if new:
            found = self._workspace.unsafe_native_ids(new, collection=self._collection, principal=self._principal)
            self._names.update(found)
        return {doc: self._names[doc] for doc in doc_ids if doc in self._names}

    def read(self, text: str) -> str:
        """The text in clear where a purpose was given, else as it is."""
        if not self._purpose:
            return text
        return self._workspace.reveal(
            text, purpose=self._purpose, principal=self._principal, collection=self._collection
        )

    def accept(self, text: str) -> Sequence[str]:
        """How an accepted string may stand in what is read."""
        if self._purpose:
            return (text,)
        masked = self._part.masker.mask_question(RawQuestion(text), principal=self._principal)
        return tuple(dict.fromkeys((text, masked.text.record)))
