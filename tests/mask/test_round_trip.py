"""``reveal(mask(x)) == x`` for whatever text there is, whole and in pieces, in every field."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ragkit.crypto import CollectionKeys
from ragkit.errors import ItemError
from ragkit.mask.build import build_masker
from ragkit.mask.reveal import RevealStream
from ragkit.policy import Policy
from ragkit.testing.fakes import MemoryVaultTable
from ragkit.types import Document, Principal, RawQuestion

MASKER = build_masker(
    Policy(
        profile="strict",
        entities={"DATE_TIME": "shift", "DATE_OF_BIRTH": {"operator": "shift", "days": 20}},
        detectors=(),
        secrets="mask",
    ),
    CollectionKeys(bytes(range(32))),
    MemoryVaultTable(),
    "trip",
)
OLD = MASKER.vault.allocate("PERSON", "Planted Person")[0]

values = st.sampled_from([
    "Mr Galip Yalman", "Dr. Ana Ortega's", "MS YALMAN", "galip.yalman@example.org", "+44 20 7946 0018", "3 May 1998",
    "29 February 2024", "28.02.84", "10:30 am", "born on 12 March 1985", "4111 1111 1111 1111", "203.0.113.77",
    "DE89370400440532013000", "customer number KD-4711", "Lindenstraße 5, 10115 Berlin", "aged 47", "€ 1,200.50",
    "https://example.org/u/galip", OLD, OLD[:-3], OLD[5:], f"[{OLD}]", "[PERSON:", "[DATE_TIME~2024]", "[PERSON]",
    "password: hunter2hunter2", "\ud83d", "\x00", "é", "e\u0301",
])  # fmt: skip
texts = st.lists(
    st.one_of(values, st.text(max_size=10), st.sampled_from([" ", "\n", ", ", ": ", "\t", " and "])), max_size=12
).map("".join)


@pytest.fixture(scope="module", autouse=True)
def _loaded() -> None:
    MASKER.load()


@settings(deadline=None, max_examples=60)
@given(texts, texts, st.integers(1, 9))
def test_what_was_masked_comes_back(text: str, title: str, size: int) -> None:
    """Text, title and metadata, by ``reveal`` and as a stream; a token in the text is text, and reveals nobody."""
    document = Document(
        text=text, blocks=(), title=title, name="a.txt", media_type="text/plain", metadata={"author": title}
    )
    (masked,) = MASKER.mask([document])
    assert not isinstance(masked, ItemError)
    MASKER.flush()
    for view, source in ((masked.text, text), (masked.title, title), (masked.metadata["author"], title)):
        assert MASKER.vault.reveal(view.record)[0] == source
        stream = RevealStream(MASKER.vault.reveal)
        pieces = [view.record[at : at + size] for at in range(0, len(view.record), size)]
        assert "".join([*map(stream.feed, pieces), stream.flush()]) == source
        assert OLD not in view.record
        assert "Planted Person" not in MASKER.vault.reveal(view.record)[0].replace(source, "")


@settings(deadline=None, max_examples=40)
@given(texts)
def test_a_single_text_comes_back_and_a_question_is_never_an_error(text: str) -> None:
    """``mask_text`` likewise; as a question, any text is masked and nothing kept."""
    _, masked = MASKER.mask_text(text, store=True)
    MASKER.flush()
    assert MASKER.vault.reveal(masked.record)[0] == text
    MASKER.mask_question(RawQuestion(text), principal=Principal("local|ana"))
    assert MASKER.vault.pending == 0
