"""JSON and lines of JSON: tables, key and value, headings; nothing lost, nothing too deep."""

from __future__ import annotations

import json

import pytest

from ragkit.errors import ItemError
from ragkit.index.chunker import SentenceChunker
from ragkit.types import Masked, MaskedDocument, MaskedText


def test_a_list_of_flat_records_is_a_table(parse) -> None:
    """The header names the fields, nested ones by their path; numbers stay as they are written."""
    content = (
        '[{"sku": "A1", "price": 12.50, "stock": true, "size": {"w": 1e2, "h": 007}},'
        ' {"sku": "B2", "price": 18, "size": {"w": 3, "h": 4}, "tags": ["x", "y"]}]'
    ).replace("007", "7")
    assert parse(content, "a.json").shown() == [
        (
            "table",
            (
                "| sku | price | stock | size.w | size.h | tags |\n| --- | --- | --- | --- | --- | --- |\n"
                "| A1 | 12.50 | true | 1e2 | 7 |  |\n| B2 | 18 |  | 3 | 4 | x, y |"
            ),
        )
    ]


def test_lines_are_records_like_those_of_a_list(parse) -> None:
    """A bad line is counted with its number; the others are read."""
    parsed = parse('{"a": "1", "b": "x"}\nno json\n\n{"a": "2", "b": "y"}\n', "a.jsonl")
    assert parsed.of("table") == ["| a | b |\n| --- | --- |\n| 1 | x |\n| 2 | y |"]
    assert parsed.notices["part-skipped"].where == (2,)
    assert parse('{"a": "1"}\n{"a": "2"}\n', "a.json").of("table") == ["| a |\n| --- |\n| 1 |\n| 2 |"]


def test_larger_parts_stand_under_their_keys(parse) -> None:
    """Plain fields first, then a heading for each part; both values of a key that is there twice are kept."""
    content = json.dumps(
        {
            "title": "Returns",
            "steps": [{"text": "word " * 80, "by": {"name": "Ana"}}, {"text": "more " * 80}],
            "contact": {"mail": "care@x.test", "phones": ["1", "2"]},
        }
    )
    parsed = parse(content[:-1] + ', "note": "one", "note": "two"}', "a.json")
    assert parsed.title == "Returns"
    assert parsed.shown() == [
        ("paragraph", "title: Returns\ncontact.mail: care@x.test\ncontact.phones: 1, 2\nnote: one\nnote: two"),
        ("heading", "steps"),
        ("paragraph", f"text: {('word ' * 80).strip()} \nby.name: Ana"),
        ("paragraph", f"text: {('more ' * 80).strip()}"),
    ]


def test_lists_of_words_and_numbers(parse) -> None:
    """Long lists of words are list items, rows of numbers a table."""
    words = [f"a sentence of some length, number {number}" for number in range(20)]
    assert parse(json.dumps(words), "a.json").of("list-item")[3] == "- a sentence of some length, number 3"
    points = [[number, number / 2] for number in range(200)]
    assert parse(json.dumps({"line": points}), "a.json").of("table")[0].endswith("| 199 | 99.5 |")


def test_every_word_is_kept(parse) -> None:
    """Records of any mixture of shapes lose no key and no value."""
    value = {
        "mixed": [1, "two", {"three": [4, {"five": "six"}]}, ["seven", ["eight"]], None, []],
        "deep": {"a": {"b": {"c": {"d": {"e": {"f": {"g": {"h": "nine"}}}}}}}},
        "many": [{f"k{number}": f"v{number}"} for number in range(60)],
    }
    text = parse(json.dumps(value), "a.json").text
    for word in ("1", "two", "4", "six", "seven", "eight", "nine", "k59", "v59"):
        assert word in text


def test_what_no_one_reads_is_left_out(parse) -> None:
    """A file within a string."""
    parsed = parse(json.dumps({"name": "logo", "data": "QUJD" * 1_000}), "a.json")
    assert parsed.text == "name: logo"
    assert parsed.notices["part-skipped"].count == 1


@pytest.mark.parametrize("content", ["[" * 100_000, '{"a":' * 100_000 + "1" + "}" * 100_000, "[" * 500 + "]" * 500])
def test_nesting_without_end_is_refused(parse, content: str) -> None:
    """More levels than Python's reader has stack for, and more than anyone could read."""
    with pytest.raises(ItemError) as caught:
        parse(content, "a.json")
    assert caught.value.code == "too-nested"


def test_what_is_no_json_is_read_as_text(parse) -> None:
    """Cut off, with comments, or something else altogether: the words are there to read."""
    for content in ('{"a": "some words"', '// settings\n{"a": "some words"}', "some words", '{"a": "some words",}'):
        parsed = parse(content, "a.json")
        assert "some words" in parsed.text
        assert "read-as-text" in parsed.notices


def test_numbers_of_any_length_are_read(parse) -> None:
    """Python would refuse to make a number of more than 4,300 digits."""
    assert parse("[" + "9" * 10_000 + "]", "a.json").text.endswith("9999")


def test_every_chunk_of_a_long_table_repeats_its_header(parse) -> None:
    """Records of JSON and rows of TSV alike."""
    records = [{"article": f"lamp {number}", "price": str(number)} for number in range(400)]
    rows = "article\tprice\n" + "".join(f"lamp {number}\t{number}\n" for number in range(400))
    for content, name in ((json.dumps(records), "a.json"), (rows, "a.tsv")):
        parsed = parse(content, name)
        text = MaskedText(Masked(parsed.text), Masked(parsed.text), ())
        title = MaskedText(Masked("t"), Masked("t"), ())
        document = MaskedDocument(
            text=text, blocks=parsed.blocks, title=title, name=title, media_type=parsed.media_type, policy="test"
        )
        chunks = SentenceChunker().chunk(document)
        assert len(chunks) > 5
        assert all("| article | price |" in chunk.context_record + chunk.record for chunk in chunks)
        assert all(any(f"| lamp {n} | {n} |" in chunk.record for chunk in chunks) for n in range(400))
