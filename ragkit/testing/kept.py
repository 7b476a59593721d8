"""A light workspace with a key file, for tests of backups, retention and holds: real store, masks words, no models."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

from ragkit import crypto
from ragkit.config import Config, parse_config
from ragkit.errors import ItemError
from ragkit.lifecycle.holds import Holds
from ragkit.lifecycle.retention import Retention
from ragkit.lifecycle.retention_rules import SourceAge, rules_of
from ragkit.testing.light import ANA, ROOT_KEY, LightIngest
from ragkit.testing.word_masker import WordMasker
from ragkit.types import Document, MaskedDocument


class NotingMasker(WordMasker):
    """Masks words, and notes which documents hold them, as the real masker does."""

    def _document(self, document: Document) -> MaskedDocument | ItemError:
        from dataclasses import replace

        masked = super()._document(document)
        if not isinstance(masked, MaskedDocument):
            return masked
        whole = " ".join([document.text, document.title, document.name, *document.metadata.values()])
        found = frozenset(self.number(word) for word in self._words if word in whole)
        return replace(masked, mentions=found)

    def number(self, word: str) -> int:
        """The number of a word."""
        return crypto.key_number(crypto.keyed_hash(self._keys.values, "PERSON", word))

    # what retention asks of a vault; words have one spelling
    def items_of(self, token_ids: Collection[str]) -> Mapping[str, tuple[tuple[str, str], int]]:
        """Nothing but the numbers that are known."""
        del token_ids
        return {}

    def value_number(self, item: tuple[str, str]) -> int:
        """The number of a word."""
        return self.number(item[1])


class LightWorkspace(LightIngest):
    """A light ingest in the data directory of a workspace folder; ``rules`` are those of ``[[retention]]``."""

    def __init__(
        self, folder: Path, *, words: Iterable[str] = (), rules: Iterable[Mapping[str, Any]] = (), **options: Any
    ) -> None:
        self.folder = folder
        data = folder / ".ragkit"
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        toml = folder / "ragkit.toml"
        if not toml.exists():
            toml.write_text('[workspace]\nname = "light"\nowner = "local|ana"\n[collections.default]\naccess = []\n')
        self.config: Config = parse_config(
            {
                "workspace": {"name": "light", "owner": "local|ana"},
                "collections": {"default": {"access": [f"u:{ANA.subject}"]}},
                "retention": [{"collection": "default", **rule} for rule in rules],
            },
            folder=folder,
        )
        super().__init__(data, words=words, **options)
        self.masker: NotingMasker = NotingMasker(words, self.store.vault(), self.collection.keys)
        self.holds = Holds(self.database, self.collection)
        rules_here = rules_of(self.config.retention, "default")
        self.options["ageing"] = lambda source: SourceAge(rules_here, source)
        self.options["held"] = self.holds.held

    @property
    def root_key(self) -> bytes:
        """The one of all light workspaces."""
        return ROOT_KEY

    def retention(self, **options: Any) -> Retention:
        """The retention of the one collection."""
        rules = rules_of(self.config.retention, "default")
        return Retention(self.store, rules, vault=self.masker, holds=self.holds, recorder=self.recorder, **options)
