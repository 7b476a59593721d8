"""Questions with what a right answer says, one JSON object a line.

::

    {"id": "q1", "question": "How long is the warranty?", "facts": [["24 months", "two years"]],
     "evidence": ["terms.md"]}                                                        (on one line)
    {"id": "q2", "question": "Who founded the moon?", "answerable": false}

``facts``: each a list of accepted strings (or one string). ``answer`` or ``answers``: whole right answers, for F1 and
EM; without ``facts`` any one of them is the fact. ``evidence``: the source's own ids of the documents that hold the
answer; without facts and answers, citing them is what counts. ``history``: earlier questions, oldest first.
``cluster``: what the question shares with others, by default its first evidence. Errors hold line numbers only.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ragkit.errors import EvaluationError

_KEYS = frozenset({
    "id", "_id", "question", "text", "facts", "answer", "answers", "evidence", "answerable", "history", "cluster",
})  # fmt: skip
_SHAPE = 'Write one JSON object a line: {"id": "q1", "question": "...", "facts": [["..."]], "evidence": ["..."]}.'


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerItem:
    """One question and what is known of its right answer; ``repr`` shows none of it.

    Attributes:
        facts: Accepted strings a fact.
        references: Whole right answers.
        evidence: The source's own ids.
        answerable: Whether the documents hold the answer.
    """

    id: str
    question: str = field(repr=False)
    facts: tuple[tuple[str, ...], ...] = field(default=(), repr=False)
    references: tuple[str, ...] = field(default=(), repr=False)
    evidence: tuple[str, ...] = field(default=(), repr=False)
    answerable: bool = True
    history: tuple[str, ...] = field(default=(), repr=False)
    cluster: str = field(default="", repr=False)


def read_questions(path: Path, *, limit: int | None = None) -> list[AnswerItem]:
    """Read a file of questions.

    Raises:
        EvaluationError: The file cannot be read or holds none, or with the number of the first line that is wrong.
    """
    items: dict[str, AnswerItem] = {}
    for number, line in enumerate(_read(path).split("\n"), start=1):  # not splitlines: JSON may hold U+2028
        if not line.strip():
            continue
        item = _item(line, number)
        if item.id in items:
            raise _wrong(number, "repeats an id", "Give every question an id of its own.")
        items[item.id] = item
        if limit is not None and len(items) == limit:
            break
    if not items:
        raise EvaluationError("the questions file holds no question", remedy=_SHAPE)
    return list(items.values())


def fingerprint(path: Path) -> str:
    """A short hash of the file, so that a run is gone on with on the same questions only."""
    return hashlib.sha256(_read(path).encode()).hexdigest()[:16]


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise EvaluationError(
            f"the questions file cannot be read ({type(error).__name__})", remedy="Name a UTF-8 text file."
        ) from None


def _item(line: str, number: int) -> AnswerItem:
    try:
        row = json.loads(line)
    except ValueError:
        row = None
    if not isinstance(row, dict):
        raise _wrong(number, "is not a JSON object", _SHAPE)
    if unknown := len(row.keys() - _KEYS):
        raise _wrong(number, f"has {unknown} key(s) that are not known", f"The keys are: {', '.join(sorted(_KEYS))}.")
    name, question = row.get("id", row.get("_id")), row.get("question", row.get("text"))
    if not isinstance(name, str | int) or isinstance(name, bool) or not str(name).strip():
        raise _wrong(number, "has no id", _SHAPE)
    if not isinstance(question, str) or not question.strip():
        raise _wrong(number, "has no question", _SHAPE)
    answerable = row.get("answerable", True)
    if not isinstance(answerable, bool):
        raise _wrong(number, "says neither true nor false under `answerable`", "Write true or false.")
    references = (*_texts(row, "answers", number), *_texts(row, "answer", number))
    facts = _facts(row, number) or ((references,) if references else ())
    evidence = _texts(row, "evidence", number)
    if answerable and not facts and not evidence:
        raise _wrong(
            number,
            "does not say what a right answer is",
            "Give `facts`, `answer`, `answers` or `evidence`, or write `answerable: false`.",
        )
    cluster = row.get("cluster", evidence[0] if evidence else str(name))
    return AnswerItem(
        id=str(name),
        question=question,
        facts=facts if answerable else (),
        references=references if answerable else (),
        evidence=evidence if answerable else (),
        answerable=answerable,
        history=_texts(row, "history", number),
        cluster=str(cluster),
    )


def _texts(row: dict[str, Any], key: str, number: int) -> tuple[str, ...]:
    found = row.get(key)
    if found is None:
        return ()
    listed = [found] if isinstance(found, str) else found
    if not isinstance(listed, list) or not all(isinstance(one, str) and one.strip() for one in listed):
        raise _wrong(number, f"has something other than texts under `{key}`", _SHAPE)
    return tuple(dict.fromkeys(listed))


def _facts(row: dict[str, Any], number: int) -> tuple[tuple[str, ...], ...]:
    found = row.get("facts") or []
    if not isinstance(found, list):
        raise _wrong(number, "has no list under `facts`", 'Write "facts": [["accepted", "also accepted"], ["next"]].')
    return tuple(accepted for one in found if (accepted := _texts({"facts": one}, "facts", number)))


def _wrong(number: int, what: str, remedy: str) -> EvaluationError:
    return EvaluationError(f"line {number} of the questions file {what}", remedy=remedy)
