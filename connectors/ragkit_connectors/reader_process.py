"""A process of its own for a llama-index reader, so that nothing it prints or logs is heard and its memory is its own.

Request and documents go through pipes as JSON, one line each; what the reader writes to its output goes nowhere. A
document waits in the pipe until it is asked for.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import IO, Any

from ragkit.errors import ConfigError, MissingDependency, RagkitError

_CHILD = "from ragkit_connectors.reader_process import main; main()"
_ERRORS: Mapping[str, type[RagkitError]] = {"ConfigError": ConfigError, "MissingDependency": MissingDependency}


class ReaderFailed(Exception):
    """The reader raised, or its process ended. The message is the name of a class, or ``exit``."""


def read(
    reader: str, *, allow: Sequence[str], arguments: Mapping[str, Any], load: Mapping[str, Any] | None
) -> Iterator[Mapping[str, Any]]:
    """Yield ``text``, ``metadata`` and ``id`` of each document that a reader gives; with ``load`` absent only make it.

    Raises:
        ConfigError: ``reader`` is no class of a distribution that is allowed, or an argument is none that JSON knows.
        MissingDependency: A package that it needs is not installed.
        ReaderFailed: Anything else.
    """
    try:
        request = json.dumps({"reader": reader, "allow": list(allow), "arguments": dict(arguments), "load": load})
    except (TypeError, ValueError):
        raise ConfigError(
            "an argument of a reader is neither text, number, list nor table", remedy="Write dates as text."
        ) from None
    process = subprocess.Popen(  # noqa: S603 - this interpreter
        [sys.executable, "-c", _CHILD],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**_inherited(), "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        with suppress(BrokenPipeError):
            process.stdin.write(request.encode() + b"\n")
            process.stdin.flush()
        while True:
            answer = json.loads(process.stdout.readline() or b'{"error": "exit"}')
            if "error" in answer:
                kind = _ERRORS.get(answer["error"])
                raise kind(answer["message"], remedy=answer["remedy"]) if kind else ReaderFailed(answer["error"])
            if "end" in answer:
                return
            yield answer
    finally:
        process.kill()
        with suppress(BrokenPipeError):  # what was not taken
            process.stdin.close()
        process.stdout.close()
        process.wait()


def main() -> None:
    """Answer the one request on standard input; the work of the child."""
    with os.fdopen(os.dup(1), "wb") as answers:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        try:
            for document in _documents(json.loads(sys.stdin.readline())):
                _say(answers, document)
            _say(answers, {"end": True})
        except (ConfigError, MissingDependency) as refused:
            _say(answers, {"error": type(refused).__name__, "message": str(refused), "remedy": refused.remedy})
        except Exception as failed:  # foreign code may raise anything, with anything in its words
            _say(answers, {"error": type(failed).__name__})


def _documents(request: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    from ragkit.foreign_classes import foreign_class

    found: Any = foreign_class(request["reader"], allow=request["allow"])
    reader = found(**request["arguments"])
    if request["load"] is None:
        return
    # A reader brings load_data, lazy_load_data or both; the one that it did not bring calls the other.
    brought = next(kind for kind in found.__mro__ if "load_data" in vars(kind))
    lazy = brought.__module__ == "llama_index.core.readers.base"
    for document in reader.lazy_load_data(**request["load"]) if lazy else reader.load_data(**request["load"]):
        text = getattr(document, "text", None)
        yield {
            "text": text if isinstance(text, str) else str(document.get_content()),
            "metadata": _flat(getattr(document, "metadata", None)),
            "id": str(getattr(document, "id_", "") or ""),
        }


def _flat(metadata: Any) -> dict[str, str]:
    """What is text or a number; the rest cannot be filtered on."""
    if not isinstance(metadata, Mapping):
        return {}
    return {str(key): _word(value) for key, value in metadata.items() if isinstance(value, str | int | float)}


def _word(value: str | float) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _say(answers: IO[bytes], answer: Mapping[str, Any]) -> None:
    answers.write(json.dumps(answer).encode() + b"\n")
    answers.flush()


def _inherited() -> dict[str, str]:
    """The environment without ragkit's own variables: foreign code has no use for the root key."""
    return {name: value for name, value in os.environ.items() if not name.startswith("RAGKIT_")}
