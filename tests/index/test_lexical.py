"""BM25 by tantivy: any text is a question, every script has words, several indexes rank as one."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ragkit.errors import ConfigError, IndexUnhealthy
from ragkit.index.lexical import LexicalIndex, gather_statistics, search_lexical

TEXTS = [
    (1, "a", "The return of a lamp costs five crowns."),
    (2, "a", "Größere Straßen in Deutschland und Äpfel"),
    (3, "b", "Цена возврата товара и столицы"),
    (4, "b", "İstanbul'da ışık fiyatları"),
    (5, "c", "東京タワーの高さ"),
    (6, "c", "Lamps AND tables OR chairs NOT beds"),
    (7, "c", "cafe\u0301 menu"),
]


def make(language: str = "en") -> LexicalIndex:
    """An index in memory over the texts."""
    index = LexicalIndex.create(None, language=language)
    index.add(TEXTS)
    return index


@pytest.mark.parametrize(
    ("language", "question", "chunk"),
    [
        ("en", "lamps returned", 1),
        ("none", "crowns", 1),
        ("de", "größere strasse", 2),
        ("de", "Straße", 2),
        ("ru", "возврат столица", 3),
        ("en", "возврата", 3),
        ("tr", "ISTANBUL", 4),
        ("none", "istanbul IŞIK", 4),
        ("en", "東京", 5),
        ("en", "café", 7),
        ("en", "CAFÉ", 7),
    ],
)
def test_words_of_every_script_are_found(language: str, question: str, chunk: int) -> None:
    """Case, accents, composition and inflection do not hide a word; CJK text is found without blanks."""
    assert search_lexical([make(language)], question, 3)[0][0] == chunk


@pytest.mark.parametrize(
    "question",
    ["AND", "lamp AND", "text:lamp", '"unbalanced', "(((", "lamp^9999", "[a TO z]", "*", "~", "\\", "+ - !", "", "\0"],
)
def test_question_is_never_query_syntax(question: str) -> None:
    """Operators, quotes and field names are words or nothing; none raises, none reaches the access field."""
    found = search_lexical([make()], question, 10, {"a"})
    assert {chunk for chunk, _ in found} <= {1, 2}


def test_upper_case_operators_are_plain_words() -> None:
    """``AND`` finds the text that says "and", and NOT excludes nothing."""
    assert search_lexical([make()], "tables NOT lamps", 10)[0][0] == 6
    assert 6 in [chunk for chunk, _ in search_lexical([make()], "NOT", 10)]
    assert search_lexical([make()], "access:c", 10) == []


@given(st.text(max_size=200))
@settings(max_examples=200, deadline=None)
def test_any_text_can_be_asked(text: str) -> None:
    """No text makes the search fail, and no score exceeds the bound."""
    index = SHARED
    statistics = gather_statistics([index], text)
    assert all(0 < score <= statistics.bound + 1e-6 for _, score in search_lexical([index], text, 10))
    assert 0 <= statistics.known <= 1


SHARED = make()


def test_only_the_allowed_classes_and_chunks_are_found() -> None:
    """Access classes and an explicit list of chunks both narrow the search; no class finds nothing."""
    index = make()
    assert {chunk for chunk, _ in search_lexical([index], "lamp", 10, {"a", "b", "c"})} == {1, 6}
    assert {chunk for chunk, _ in search_lexical([index], "lamp", 10, {"c"})} == {6}
    assert {chunk for chunk, _ in search_lexical([index], "lamp", 10, {"a", "c"}, only={1, 2})} == {1}
    assert search_lexical([index], "lamp", 10, set()) == []


def test_two_indexes_rank_as_one() -> None:
    """Split in two, the same chunks come in the same order, with the frequencies of both counted together."""
    whole = make()
    first, second = LexicalIndex.create(None, language="en"), LexicalIndex.create(None, language="en")
    first.add(TEXTS[:4])
    second.add(TEXTS[4:])
    for question in ("lamp crowns tables", "the return and chairs", "menu price lamp"):
        one, two = search_lexical([whole], question, 10), search_lexical([first, second], question, 10)
        assert [chunk for chunk, _ in one] == [chunk for chunk, _ in two]
        assert [score for _, score in two] == pytest.approx([score for _, score in one], rel=0.3)
        assert gather_statistics([whole], question) == gather_statistics([first, second], question)


def test_removed_chunks_are_gone() -> None:
    """A removed chunk is neither found nor counted."""
    index = make()
    index.remove([1, 4])
    assert len(index) == len(TEXTS) - 2
    assert {chunk for chunk, _ in search_lexical([index], "lamp", 10)} == {6}


def test_index_on_disk_is_read_back(tmp_path: Path) -> None:
    """What was written is found after opening; a folder without an index is unhealthy, not a crash."""
    LexicalIndex.create(tmp_path, language="de").add(TEXTS)
    again = LexicalIndex.open(tmp_path, language="de", classes={"a", "b", "c"})
    assert search_lexical([again], "Straße", 3, {"a"})[0][0] == 2
    assert search_lexical([again], "Straße", 3, {"b"}) == []
    (tmp_path / "empty").mkdir()
    with pytest.raises(IndexUnhealthy):
        LexicalIndex.open(tmp_path / "empty", language="de", classes=())


def test_long_question_is_searched_by_its_rarest_words() -> None:
    """A question of a thousand words is cut to some, and those that occur come first."""
    question = " ".join(f"word{number}" for number in range(1_000)) + " lamp"
    assert {chunk for chunk, _ in search_lexical([make()], question, 3)} == {1, 6}


def test_language_without_a_stemmer_is_refused() -> None:
    """The error names the languages there are."""
    with pytest.raises(ConfigError) as raised:
        LexicalIndex.create(None, language="xx")
    assert "none" in raised.value.remedy
