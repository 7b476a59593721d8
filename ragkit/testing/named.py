"""A light ingest over the real masker and vault, which finds exactly the values that it is told of.

::

    light = NamedIngest(tmp_path, {"Ada Byron": "PERSON", "ada@mail.example": "EMAIL_ADDRESS"})
    light.sync({"a.txt": "Ada Byron wrote this."})
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ragkit.mask.masker import CollectionMasker
from ragkit.mask.vault import Vault
from ragkit.policy import Policy
from ragkit.testing.light import LightIngest
from ragkit.testing.stages import PlainParser
from ragkit.types import Block, BlockKind, Document, SourceItem, Span


class TermDetector:
    """Finds fixed terms, longest first, wherever they stand."""

    name = "terms"
    fingerprint = "terms-1"

    def __init__(self, terms: Mapping[str, str]) -> None:
        self.terms = dict(terms)

    def load(self) -> None:
        """Nothing to load."""

    def detect(self, texts: Sequence[str]) -> list[list[Span]]:
        """Spans of the terms, in order, one beside the other."""
        if not self.terms:
            return [[] for _ in texts]
        pattern = re.compile("|".join(re.escape(term) for term in sorted(self.terms, key=len, reverse=True)))
        return [
            [Span(*found.span(), self.terms[found[0]], 1.0, "terms") for found in pattern.finditer(text)]
            for text in texts
        ]


class TableParser(PlainParser):
    """Knows tables: a paragraph that begins with a bar, its first two lines being the header."""

    def parse(self, item: SourceItem) -> Document:
        """Decode an item."""
        document = super().parse(item)
        return replace(document, blocks=tuple(self._block(document.text, block) for block in document.blocks))

    def _block(self, text: str, block: Block) -> Block:
        if text[block.start] != "|":
            return block
        second = text.index("\n", block.start)
        return replace(block, kind=BlockKind.TABLE, header_end=text.index("\n", second + 1) + 1)


class NamedIngest(LightIngest):
    """:class:`LightIngest` with the real masker.

    Args:
        terms: Entity type by value.
        operator: What the policy does with each type.
    """

    def __init__(
        self, folder: Path, terms: Mapping[str, str], *, operator: str = "token", writable: bool = True, **options: Any
    ) -> None:
        super().__init__(folder, writable=writable, **options)
        self.parser = TableParser()
        entities = dict.fromkeys(terms.values(), operator) or {"PERSON": operator}
        policy = Policy.model_validate({"entities": entities, "propagate_names": False, "secrets": "unsafe_keep"})
        self.detector = TermDetector(terms)
        self.vault = Vault(self.collection.keys, self.store.vault(), "default")
        self.masker: Any = CollectionMasker(policy, [self.detector], self.vault, collection="default")

    def token(self, entity_type: str, value: str) -> str:
        """The token that stands for a value."""
        return self.vault.lookup_many([(entity_type, value)], exact=True)[entity_type, value][0]
