"""The generator that needs no model keeps the contract of generators, with the real encoder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from ragkit.generate.extractive import ExtractiveGenerator
from ragkit.index.embedder import MiniLMEmbedder
from ragkit.testing.asking import question_about
from ragkit.testing.generator_contract import GeneratorContract
from ragkit.types import GenerationRequest


@pytest.fixture(scope="module")
def embedder() -> MiniLMEmbedder:
    """The real encoder."""
    return MiniLMEmbedder(threads=1)


class TestExtractive(GeneratorContract):
    """Sentences of the hits."""

    @pytest.fixture
    def make(self, embedder: MiniLMEmbedder) -> Callable[[], ExtractiveGenerator]:
        return lambda: ExtractiveGenerator(embedder)

    @pytest.fixture
    def asked(self, embedder: MiniLMEmbedder) -> GenerationRequest:
        """The default question, its hits scored by the encoder as retrieval would."""
        request = question_about()
        asked = embedder.embed_question(request.question.text.index)
        hits = []
        for hit in request.hits:
            cosine = float(embedder.embed_question(hit.chunk.embedded) @ asked)
            hits.append(replace(hit, dense=cosine, score=max(cosine, 0.0)))
        return replace(request, hits=tuple(hits))
