"""A second process that has the workspace open and asks: on demand, or without end while something else happens.

::

    with Asker(folder) as asker:
        texts = asker.ask("Who has ordered a tent?")        # record views of what is found
        asker.keep_asking(questions, marks)                 # until stop()
        told = asker.stop()                                 # one Asked a question
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from ragkit import open_workspace

_K = 20


@dataclass(frozen=True, slots=True)
class Asked:
    """One question of many: when it began, by the wall clock; how long it took; whether a mark was shown."""

    began: float
    seconds: float
    shown: bool
    failed: str = ""


class Asker:
    """The process, from outside."""

    def __init__(self, folder: Path) -> None:
        command = [sys.executable, "-m", "benchmarks.company.asker", str(folder)]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=os.environ, bufsize=1
        )
        self._read()

    def ask(self, question: str, *, k: int = _K) -> list[str]:
        """Search; the title, body and metadata of each hit, in the record view."""
        return list(self._tell(verb="ask", question=question, k=k)["texts"])

    def reveal(self, text: str) -> str:
        """Reveal there what a text holds."""
        return str(self._tell(verb="reveal", text=text)["text"])

    def keep_asking(self, questions: Sequence[str], marks: Sequence[str]) -> None:
        """Ask these in turn until :meth:`stop`, and note each time whether one of the marks is shown."""
        self._write(verb="keep", questions=list(questions), marks=list(marks))
        self._read()

    def stop(self) -> list[Asked]:
        """End :meth:`keep_asking`."""
        return [Asked(*one) for one in self._tell(verb="stop")["asked"]]

    def _tell(self, **what: Any) -> dict[str, Any]:
        self._write(**what)
        return self._read()

    def _write(self, **what: Any) -> None:
        assert self._process.stdin
        self._process.stdin.write(json.dumps(what) + "\n")
        self._process.stdin.flush()

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the asking process ended with {self._process.wait()}")
        told: dict[str, Any] = json.loads(line)
        return told

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _bad: BaseException | None, _tb: TracebackType | None
    ) -> None:
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait(60)


def main(folder: Path) -> None:
    """Answer the lines on standard input."""
    with open_workspace(folder) as workspace:
        workspace.search("Which parcels leave the warehouse?", k=1)
        _say(ready=True)
        for line in sys.stdin:
            told = json.loads(line)
            if told["verb"] == "ask":
                _say(texts=_texts(workspace, told["question"], told["k"]))
            elif told["verb"] == "reveal":
                _say(text=workspace.reveal(told["text"], purpose="benchmark"))
            elif told["verb"] == "keep":
                _say(asking=True)
                _say(asked=_keep(workspace, told["questions"], told["marks"]))


def _texts(workspace: Any, question: str, k: int = _K) -> list[str]:
    hits = workspace.search(question, k=k)
    return [
        "\n".join((hit.title, hit.chunk.record, hit.before, hit.after, hit.uri or "", *hit.metadata.values()))
        for hit in hits
    ]


def _keep(workspace: Any, questions: Sequence[str], marks: Sequence[str]) -> list[tuple[float, float, bool, str]]:
    asked = []
    for question in cycle(questions):
        if select.select([sys.stdin], [], [], 0)[0]:
            sys.stdin.readline()
            return asked
        began, started = time.time(), time.perf_counter()
        shown, failed = False, ""
        try:
            texts = _texts(workspace, question)
            shown = any(mark in text for text in texts for mark in marks)
        except Exception as bad:  # told, and counted as a failure
            failed = type(bad).__name__
        asked.append((began, time.perf_counter() - started, shown, failed))
    return asked


def _say(**what: Any) -> None:
    print(json.dumps(what), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
