"""The rows of a run on the disk, for the owner alone: figures by question id, so that an interrupted run goes on.

The first line says which run it is: the questions, the collection, k and what answers were compared in. A last line
that was cut is left out and written again. An error stays one: asking again until it works would flatter a generator.
No question, answer or document is in it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from ragkit.errors import EvaluationError
from ragkit.evaluate.answer_judging import AnswerRow

_KIND = "eval-answers-1"


class RowFile:
    """A file of rows, mode 0600; use it as a context manager.

    Args:
        path: Where.
        run: What makes another run another: written in the first line, and compared with it.
        resume: Go on with the file that is there.

    Raises:
        EvaluationError: The file is there and ``resume`` is not asked for, it is of another run, or not such a file.
    """

    def __init__(self, path: Path, run: Mapping[str, Any], *, resume: bool = False) -> None:
        self._rows: dict[str, dict[str, AnswerRow]] = {}
        head = {"kind": _KIND, **run}
        whole = self._read(path, head, resume) if path.exists() and path.stat().st_size else 0
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        os.fchmod(handle, 0o600)
        os.ftruncate(handle, whole)
        os.lseek(handle, 0, os.SEEK_END)
        self._lines = os.fdopen(handle, "wb")
        if not whole:
            self._write([head])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._lines.close()

    def __len__(self) -> int:
        """How many questions have rows."""
        return len(self._rows)

    def rows(self, question: str) -> dict[str, AnswerRow]:
        """The rows of a question, by generator."""
        return dict(self._rows.get(question, {}))

    def add(self, rows: Sequence[AnswerRow]) -> None:
        """Keep rows; they are in the file when this returns."""
        for row in rows:
            self._rows.setdefault(row.question, {})[row.generator] = row
        self._write([row.as_json() for row in rows])

    def _write(self, lines: Sequence[Mapping[str, Any]]) -> None:
        self._lines.write(b"".join(json.dumps(line, allow_nan=False).encode() + b"\n" for line in lines))
        self._lines.flush()

    def _read(self, path: Path, head: Mapping[str, Any], resume: bool) -> int:
        """Take what is there; return the length of its whole lines."""
        if not resume:
            raise EvaluationError("the output file is there already", remedy="Add --resume, or name another file.")
        content = path.read_bytes()
        whole = content.rfind(b"\n") + 1
        try:
            first, *others = [json.loads(line) for line in content[:whole].decode().split("\n") if line]
        except ValueError:
            first, others = None, []
        if not isinstance(first, dict) or first.get("kind") != _KIND:
            raise EvaluationError(
                "the output file is not one of this command", remedy="Name another file, or remove this one."
            )
        if first != json.loads(json.dumps(head)):
            different = sorted(key for key in first.keys() | head.keys() if first.get(key) != head.get(key))
            raise EvaluationError(
                f"the output file is of another run ({', '.join(different)})",
                remedy="Resume with the same questions and options, or name another file.",
            )
        for one in others:
            row = AnswerRow.from_json(one)
            self._rows.setdefault(row.question, {})[row.generator] = row
        return whole
