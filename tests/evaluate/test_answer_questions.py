"""The questions file: what is read, what is refused, and that errors tell no content."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ragkit.errors import EvaluationError
from ragkit.evaluate.answer_questions import fingerprint, read_questions


def _write(path: Path, *rows: Any) -> Path:
    path.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows))
    return path


def test_every_form_is_read(tmp_path: Path) -> None:
    """Facts, one answer or several, evidence alone, none at all; the first evidence is the cluster."""
    file = _write(
        tmp_path / "q.jsonl",
        {"id": "a", "question": "x?", "facts": [["1", "one"], "two"], "evidence": ["d", "e"], "history": ["w?"]},
        {"_id": 7, "text": "y?", "answers": ["yes", "sure"]},
        "",
        {"id": "c", "question": "z?", "evidence": "d"},
        {"id": "d", "question": "u?", "answerable": False, "answer": None, "cluster": "k"},
    )
    a, b, c, d = read_questions(file)
    assert (a.facts, a.evidence, a.history, a.cluster) == ((("1", "one"), ("two",)), ("d", "e"), ("w?",), "d")
    assert (b.id, b.facts, b.references, b.cluster) == ("7", (("yes", "sure"),), ("yes", "sure"), "7")
    assert (c.facts, c.evidence, c.answerable) == ((), ("d",), True)
    assert (d.answerable, d.cluster) == (False, "k")
    assert len(read_questions(file, limit=2)) == 2
    assert "x?" not in repr(a)


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("secret words", "is not a JSON object"),
        ('["secret words"]', "is not a JSON object"),
        ({"question": "secret words", "answer": "x"}, "has no id"),
        ({"id": True, "question": "secret words", "answer": "x"}, "has no id"),
        ({"id": "b", "question": " ", "answer": "secret words"}, "has no question"),
        ({"id": "b", "question": "secret words"}, "does not say what a right answer is"),
        ({"id": "b", "question": "secret words", "answer": 5}, "other than texts under `answer`"),
        ({"id": "b", "question": "secret words", "facts": "x"}, "no list under `facts`"),
        ({"id": "b", "question": "secret words", "facts": [["x", 1]]}, "other than texts under `facts`"),
        ({"id": "b", "question": "secret words", "answer": "x", "answerable": "no"}, "neither true nor false"),
        ({"id": "b", "question": "x", "answer": "x", "secret words": 1}, "1 key(s) that are not known"),
        ({"id": "a", "question": "secret words", "answer": "x"}, "repeats an id"),
    ],
)
def test_a_bad_line_is_named_by_its_number(tmp_path: Path, row: Any, told: str) -> None:
    """The second line is named, with what to do, and never with its words."""
    file = _write(tmp_path / "q.jsonl", {"id": "a", "question": "q?", "answer": "x"}, row)
    with pytest.raises(EvaluationError) as refused:
        read_questions(file)
    assert str(refused.value).startswith("line 2 of the questions file")
    assert told in str(refused.value)
    assert refused.value.remedy
    assert "secret" not in str(refused.value) + refused.value.remedy


def test_no_questions_and_no_file_are_refused(tmp_path: Path) -> None:
    """An empty file, an absent one and one that is not text."""
    (tmp_path / "latin").write_bytes(b"\xff\xfe\xff")
    for name in (_write(tmp_path / "empty", ""), tmp_path / "absent", tmp_path / "latin"):
        with pytest.raises(EvaluationError):
            read_questions(name)


def test_the_fingerprint_is_of_the_content(tmp_path: Path) -> None:
    """Another question makes another run."""
    one, same, other = (
        fingerprint(_write(tmp_path / name, {"id": "a", "question": text, "answer": "x"}))
        for name, text in (("1", "q?"), ("2", "q?"), ("3", "r?"))
    )
    assert one == same != other
