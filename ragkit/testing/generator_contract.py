"""Contract suites for who writes answers: a generator, and a chat model behind one. Override ``make``.

::

    class TestMyModel(ChatModelContract):
        @pytest.fixture
        def make(self):
            return lambda: MyModel(path="…")

Beside :mod:`ragkit.testing.contracts`, which has the suites for connectors and detectors.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import ClassVar

from ragkit.errors import MissingDependency
from ragkit.protocols import Generator
from ragkit.testing.asking import question_about, watched, without_content
from ragkit.testing.chat_model_contract import ChatModelContract as ChatModelContract
from ragkit.types import Generation, GenerationRequest, Location

try:
    import pytest
except ImportError as error:
    raise MissingDependency("the contract suites run under pytest", remedy="pip install pytest") from error


class GeneratorContract:
    """What every generator must do. Override ``make``, and ``asked`` where it needs other hits.

    Set ``deterministic`` to False where the same question may be answered in other words, and ``answers`` to False
    where it may refuse the default question.
    """

    deterministic: ClassVar[bool] = True
    answers: ClassVar[bool] = True

    @pytest.fixture
    def make(self) -> Callable[[], Generator]:
        """Return what makes a new generator, not loaded. Override it."""
        pytest.fail("override the `make` fixture of GeneratorContract")

    @pytest.fixture
    def asked(self) -> GenerationRequest:
        """Return a request with at least two hits."""
        return question_about()

    @pytest.fixture
    def generator(self, make: Callable[[], Generator]) -> Generator:
        """Return a loaded one."""
        made = make()
        made.load()
        return made

    def test_construction_opens_nothing(self, make: Callable[[], Generator]) -> None:
        """No socket and no file before ``load``; name and location are known."""
        with watched() as seen:
            made = make()
            assert made.name
            assert made.location in Location
        assert isinstance(made, Generator)
        assert not seen

    def test_loading_again_changes_nothing(self, generator: Generator, asked: GenerationRequest) -> None:
        """``load`` may be called any number of times."""
        generator.load()
        generator.load()
        assert generator.generate(asked).text

    def test_it_answers_or_says_why_not(self, generator: Generator, asked: GenerationRequest) -> None:
        """An answer has text; a refusal has a reason and no citations."""
        generation = generator.generate(asked)
        assert isinstance(generation, Generation)
        assert generation.text.strip()
        assert 0 <= generation.support <= 1
        assert generation.refused is bool(generation.reason)
        assert not (generation.refused and generation.citations)
        assert not (self.answers and generation.refused)

    def test_it_cites_only_what_it_was_given(self, generator: Generator, asked: GenerationRequest) -> None:
        """Each citation is of a supplied chunk, within it, and its marker stands in the text."""
        generation = generator.generate(asked)
        given = {(hit.chunk_id, hit.doc_id, hit.version): hit.chunk for hit in asked.hits}
        assert [cited.marker for cited in generation.citations] == list(range(1, len(generation.citations) + 1))
        for cited in generation.citations:
            chunk = given[cited.chunk_id, cited.doc_id, cited.version]
            assert chunk.source_start <= cited.start < cited.end <= chunk.source_end
            assert f"[{cited.marker}]" in generation.text

    def test_a_stream_is_the_text_in_pieces(self, generator: Generator, asked: GenerationRequest) -> None:
        """Its pieces joined are the text of the generation that comes last, and of ``generate``."""
        *pieces, last = generator.stream(asked)
        assert isinstance(last, Generation)
        assert all(isinstance(piece, str) for piece in pieces)
        assert "".join(piece for piece in pieces if isinstance(piece, str)) == last.text
        if self.deterministic:
            alone = generator.generate(asked)
            assert (last.text, last.citations, last.refused) == (alone.text, alone.citations, alone.refused)

    def test_it_refuses_without_hits(self, generator: Generator, asked: GenerationRequest) -> None:
        """Nothing retrieved, nothing claimed."""
        *pieces, last = generator.stream(replace(asked, hits=()))
        for generation in (generator.generate(replace(asked, hits=())), last):
            assert isinstance(generation, Generation)
            assert generation.refused
            assert generation.reason
            assert not generation.citations
        assert isinstance(last, Generation)
        assert "".join(str(piece) for piece in pieces) == last.text

    def test_a_stream_may_be_left(self, generator: Generator, asked: GenerationRequest) -> None:
        """A stream closed before its end, or before its beginning, does not disturb the next question."""
        stream = generator.stream(asked)
        next(stream)
        for one in (stream, generator.stream(asked)):
            one.close()  # type: ignore[attr-defined]
        assert generator.generate(asked).text.strip()

    def test_it_shows_no_content(self, generator: Generator, asked: GenerationRequest) -> None:
        """Neither its repr nor its pickle holds question or sources, after it answered."""
        generator.generate(asked)
        without_content(generator, (asked.question.text.record, *(hit.chunk.record for hit in asked.hits)))

    def test_threads_may_share_it(self, generator: Generator, asked: GenerationRequest) -> None:
        """Four questions at once are answered as one alone."""
        with ThreadPoolExecutor(4) as pool:
            texts = list(pool.map(lambda _: generator.generate(asked).text, range(4)))
        assert all(text.strip() for text in texts)
        if self.deterministic:
            assert len(set(texts)) == 1
