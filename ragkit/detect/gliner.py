"""A GLiNER folder as a detector, run by a process in an environment of its own.

::

    detector = GlinerDetector("/models/gliner-pii", python="/opt/gliner/bin/python")
    detector.load()                                   # starts the process: no socket, ends with this one
    detector.detect(["Seen by Dr Yalman."])

GLiNER finds what its labels ask for, so ``labels`` are the questions: ``{"person" = "PERSON"}``. The package pins a
``transformers`` older than ragkit's (gliner 0.2.29: below 5.17), hence the other environment:
``python -m venv /opt/gliner && /opt/gliner/bin/pip install gliner``. Texts go through pipes and are never written.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from functools import cached_property, partial
from pathlib import Path
from threading import Lock
from typing import Any

from ragkit.detect.cuts import Piece, cut, gather
from ragkit.detect.folders import digest, model_folder, refuse_pickles
from ragkit.detect.foreign import ForeignProcess
from ragkit.detect.labels import Settings
from ragkit.errors import MaskingError, ModelError
from ragkit.types import Span

_VERSION = 1
_WORKER = Path(__file__).with_name("gliner_worker.py")
_PIECE = 8_000
_AT_ONCE = 64

QUESTIONS: Mapping[str, str] = {
    "person": "PERSON",
    "location": "LOCATION",
    "address": "ADDRESS",
    "organization": "ORGANIZATION",
    "nationality": "NRP",
    "job title": "TITLE",
    "date": "DATE_TIME",
    "date of birth": "DATE_OF_BIRTH",
    "age": "AGE",
    "email address": "EMAIL_ADDRESS",
    "phone number": "PHONE_NUMBER",
    "account number": "ACCOUNT_NUMBER",
    "identity number": "NATIONAL_ID",
    "medical record number": "MEDICAL_RECORD_NUMBER",
}
"""What is asked when the section names no labels, as far as the policy wants the types."""


class GlinerDetector:
    """Implements :class:`ragkit.protocols.Detector`. Calls from several threads take turns.

    Args:
        path: Folder that ``GLiNER.save_pretrained`` wrote, tokenizer included, with weights in safetensors format.
        python: The interpreter of an environment in which ``gliner`` is installed.
        labels: Entity type by what GLiNER is asked for; ``None`` asks :data:`QUESTIONS`.
        threshold: Least score in 0..1.
        entities: Types wanted; ``None`` for all. What nobody wants is not asked for.
        name: The findings' recognizer is ``learned:<name>``.
        threads: Processor threads; ``None`` takes every processor this process may use.
        batch_size: Windows that the model takes together.

    Raises:
        ConfigError: A setting is out of form.
    """

    def __init__(
        self,
        path: str,
        *,
        python: str,
        labels: Mapping[str, str] | None = None,
        threshold: float = 0.5,
        entities: Collection[str] | None = None,
        name: str = "gliner",
        threads: int | None = None,
        batch_size: int = 8,
    ) -> None:
        self._path = path
        self._given: dict[str, Any] = {
            "labels": None if labels is None else dict(labels),
            "threshold": threshold,
            "entities": None if entities is None else sorted(entities),
            "name": name,
            "threads": threads,
            "batch_size": batch_size,
            "python": python,
        }
        self._python = python
        asked = dict(QUESTIONS if labels is None else labels)
        self._settings = Settings(name, labels=asked, threshold=threshold, entities=entities)
        self._questions = {label: kind for label in asked if (kind := self._settings.type_of(label)) is not None}
        self._threads = threads or len(os.sched_getaffinity(0))
        self._batch_size = batch_size
        self._lock = Lock()
        self._process: ForeignProcess | None = None

    def __reduce__(self) -> tuple[object, ...]:
        """Travel to a child process by value, unloaded."""
        return partial(type(self), self._path, **self._given), ()

    @property
    def name(self) -> str:
        """``learned:`` and the name."""
        return self._settings.recognizer

    @cached_property
    def fingerprint(self) -> str:
        """Changes with the model's files, the settings and the worker; not with the environment's packages.

        Raises:
            ModelError: The model is absent.
        """
        files = digest(self._folder, suffixes={".json", ".safetensors", ".txt", ".model", ".spm"})
        return self._settings.fingerprint("gliner", files, version=_VERSION, asked=list(self._questions))

    def load(self) -> None:
        """Start the process and load the model in it.

        Raises:
            ModelError: The model or the environment is absent, or GLiNER cannot load the one in the other.
        """
        with self._lock:
            self._started()

    def detect(self, texts: Sequence[str]) -> list[list[Span]]:
        """Findings by text, in order. A process that died is started again, once.

        Raises:
            ModelError: As :meth:`load`.
            MaskingError: The model failed.
        """
        if not self._questions:
            return [[] for _ in texts]
        pieces = list(cut(texts, limit=_PIECE))
        found: list[tuple[Piece, list[Span]]] = []
        for start in range(0, len(pieces), _AT_ONCE):
            some = pieces[start : start + _AT_ONCE]
            with self._lock:
                answer = self._ask([piece.text for piece in some])
            found += zip(some, self._checked(answer, some))
        return gather(found, len(texts))

    def close(self) -> None:
        """End the process; a later call starts another."""
        with self._lock:
            self._stop()

    def _ask(self, texts: Sequence[str]) -> dict[str, Any]:
        request = {
            "texts": texts,
            "threshold": self._settings.threshold,
            "batch": self._batch_size,
        }
        for _ in (1, 2):
            try:
                return self._started().ask(request)
            except (OSError, EOFError, ValueError):
                continue
        raise _failed("its process ended twice")

    def _checked(self, answer: Mapping[str, Any], pieces: Sequence[Piece]) -> list[list[Span]]:
        """The spans of an answer. It comes from code that is not ours, so every number is looked at."""
        kinds = list(self._questions.values())
        try:
            if "failed" in answer:
                raise _failed(_word(answer["failed"]))
            if len(answer["found"]) != len(pieces):
                raise ValueError
            return [
                [self._span(one, kinds, len(piece.text)) for one in rows]
                for piece, rows in zip(pieces, answer["found"])
            ]
        except (KeyError, TypeError, ValueError, IndexError):
            self.close()
            raise _failed("its answer is out of form") from None

    def _span(self, row: Sequence[Any], kinds: Sequence[str], length: int) -> Span:
        start, end, label, score = row
        if not all(type(number) is int for number in (start, end, label)) or not 0 <= start < end <= length:
            raise ValueError
        if label < 0 or not 0.0 <= float(score) <= 1.0:
            raise ValueError
        return Span(start, end, kinds[label], round(float(score), 2), self._settings.recognizer)

    def _started(self) -> ForeignProcess:
        if self._process is not None and self._process.alive:
            return self._process
        self._stop()
        folder = self._folder
        request = {"load": str(folder), "threads": self._threads, "labels": list(self._questions)}
        python = Path(self._python).expanduser()
        if not os.access(python, os.X_OK) or python.is_dir():
            raise ModelError("the interpreter of the GLiNER environment is not there", remedy=_INSTALL)
        try:
            process = ForeignProcess(python, _WORKER)
            answer = process.ask(request)
        except (OSError, EOFError, ValueError):
            raise ModelError("the GLiNER process ended at its start", remedy=_INSTALL) from None
        if type(answer.get("ready")) is not int:
            process.stop()
            why = _word(answer.get("failed"))
            raise ModelError(f"GLiNER cannot load the configured folder ({why})", remedy=_INSTALL)
        self._process = process
        return process

    def _stop(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.stop()

    @cached_property
    def _folder(self) -> Path:
        kind = "a GLiNER model, as its `save_pretrained` writes it"
        folder = model_folder(self._path, holds=["gliner_config.json", "tokenizer_config.json"], kind=kind)
        refuse_pickles(folder)
        return folder.absolute()

    def __del__(self) -> None:
        if getattr(self, "_process", None) is not None:
            self._stop()

    def __repr__(self) -> str:
        return f"GlinerDetector({self.name})"


_INSTALL = (
    "Make an environment for it, `python -m venv DIR && DIR/bin/pip install gliner`, name its DIR/bin/python under "
    "`python`, and give a folder written by `GLiNER.save_pretrained`."
)


def _word(told: object) -> str:
    """The name of an exception, or nothing that could be text."""
    return told if isinstance(told, str) and told.isidentifier() and len(told) <= 60 else "unknown"


def _failed(why: str) -> MaskingError:
    return MaskingError(f"GLiNER failed ({why})", remedy="Try the model with GLiNER alone, in its own environment.")
