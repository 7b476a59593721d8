"""Labelled files: what is read, what is refused, and that no error holds text."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ragkit.errors import EvaluationError
from ragkit.evaluate.labelled import check_labels, labelled, read_labelled, read_mapping, survey


def write(folder: Path, *lines: object) -> Path:
    """A file of JSON lines; texts are written as they are."""
    path = folder / "labelled.jsonl"
    path.write_text("".join((one if isinstance(one, str) else json.dumps(one)) + "\n" for one in lines), "utf-8")
    return path


def test_labels_become_types(tmp_path: Path) -> None:
    """Mapped, left out, or types already; ``entity_type`` may stand for ``label``; empty lines do not count."""
    path = write(
        tmp_path,
        {"text": "Ana in Zagreb\u2028today", "spans": [{"start": 0, "end": 3, "label": "PER", "entity_id": 7}]},
        "",
        {
            "text": "x at 5",
            "spans": [{"start": 0, "end": 1, "entity_type": "AGE"}, {"start": 2, "end": 4, "label": "O"}],
        },
    )
    first, second = read_labelled(path, {"PER": "PERSON", "O": None})
    [person] = first.gold
    assert (person.entity_type, person.entity, first.text[person.start : person.end]) == ("PERSON", "7", "Ana")
    assert [one.entity_type for one in second.gold] == ["AGE"]
    assert second.ignored == ((2, 4),)
    assert survey(path) == (2, {"PER": 1, "AGE": 1, "O": 1})
    assert survey(path, limit=1) == (1, {"PER": 1})


def test_what_need_not_be_masked_is_no_gold() -> None:
    """``NO_MASK`` is kept apart."""
    span = {"start": 0, "end": 3, "label": "PERSON", "identifier_type": "NO_MASK"}
    found = labelled({"text": "Ana", "spans": [span]})
    assert (found.gold, found.kept) == ((), ((0, 3),))


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("Secretword", "line 2 of the labelled file is not"),
        ('["Secretword"]', "line 2"),
        ({"text": "Secretword"}, "line 2"),
        ({"text": 5, "spans": []}, "line 2"),
        ({"text": "Secretword", "spans": ["Secretword"]}, "span 1 on line 2 of the labelled file is not"),
        ({"text": "Secretword", "spans": [{"start": 0, "end": 2}]}, "span 1 on line 2 of the labelled file lacks"),
        ({"text": "Secretword", "spans": [{"start": 0, "end": True, "label": "X"}]}, "lacks"),
        ({"text": "Secretword", "spans": [{"start": 0, "end": 11, "label": "X"}]}, "outside"),
        ({"text": "Secretword", "spans": [{"start": 3, "end": 3, "label": "X"}]}, "outside"),
        ("[" * 100_000, "line 2"),
    ],
)
def test_bad_lines_are_told_by_their_number(tmp_path: Path, line: object, told: str) -> None:
    """The number and what to do, never the text."""
    path = write(tmp_path, {"text": "fine", "spans": []}, line)
    with pytest.raises(EvaluationError, match=told) as caught:
        list(read_labelled(path))
    assert "Secretword" not in f"{caught.value} {caught.value.remedy}"
    assert caught.value.remedy


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    """Absent, or not UTF-8."""
    for content in (None, b"\xff\xfe"):
        path = tmp_path / "file"
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(EvaluationError, match="cannot be read"):
            list(read_labelled(path))


def test_mappings_are_json_or_toml(tmp_path: Path) -> None:
    """The same in both; ``null`` and the empty text leave a label out."""
    (tmp_path / "m.json").write_text('{"PER": "PERSON", "MISC": null}')
    (tmp_path / "m.toml").write_text('PER = "PERSON"\nMISC = ""\n')
    assert read_mapping(tmp_path / "m.json") == read_mapping(tmp_path / "m.toml") == {"PER": "PERSON", "MISC": None}
    for wrong in ("[1]", '{"PER": 5}', "not json"):
        (tmp_path / "m.json").write_text(wrong)
        with pytest.raises(EvaluationError, match="mapping file"):
            read_mapping(tmp_path / "m.json")


def test_labels_that_mean_nothing_are_listed() -> None:
    """All of them at once, and types of the mapping that there are not; types themselves need no mapping."""
    check_labels(["PERSON", "US_SSN", "PROJECT", "PER"], {"PER": "PERSON", "X": None}, known={"PROJECT"})
    with pytest.raises(EvaluationError, match="not mapped: LOC, PER"):
        check_labels(["PER", "PERSON", "LOC"], {})
    with pytest.raises(EvaluationError, match="that there are not: PERSONN"):
        check_labels([], {"PER": "PERSONN"})
    with pytest.raises(EvaluationError, match="cannot be shown"):
        check_labels(["a label\nwith a line"], {})
