"""Detectors, keys and documents shared by the tests of masking."""

from __future__ import annotations

import pytest

from ragkit.crypto import CollectionKeys
from ragkit.mask.build import build_masker
from ragkit.mask.presidio import PresidioDetector
from ragkit.mask.rules import RulesDetector
from ragkit.mask.vault import Vault
from ragkit.policy import Policy
from ragkit.testing.fakes import MemoryVaultTable
from ragkit.types import Document


@pytest.fixture(scope="session")
def presidio():
    """All recognizers of the default countries, loaded once."""
    detector = PresidioDetector(countries=("us", "uk", "de", "es", "it"))
    detector.load()
    return detector


@pytest.fixture(scope="session")
def rules():
    """Every rule, dates and money included."""
    detector = RulesDetector()
    detector.load()
    return detector


@pytest.fixture
def find(rules):
    """Find with the rules: ``find(text, "PERSON")`` gives the texts found."""

    def found(text: str, entity_type: str) -> list[str]:
        spans = rules.detect([text])[0]
        return sorted({text[span.start : span.end] for span in spans if span.entity_type == entity_type})

    return found


@pytest.fixture
def keys():
    """Keys of a collection."""
    return CollectionKeys(bytes(range(32)))


@pytest.fixture
def vault(keys):
    """An empty vault in memory."""
    return Vault(keys, MemoryVaultTable(), "support")


@pytest.fixture
def masker(keys):
    """The default policy over an empty vault."""
    return build_masker(Policy.default(), keys, MemoryVaultTable(), "support")


@pytest.fixture
def document():
    """Make a document from its text: ``document("…", name="…")``."""

    def make(text: str, *, title: str = "A title", name: str = "a.txt", **more: object) -> Document:
        return Document(text=text, blocks=(), title=title, name=name, media_type="text/plain", **more)

    return make
