"""A Hugging Face token-classification folder as a detector: BERT, RoBERTa, DeBERTa and their like, from safetensors.

::

    detector = HuggingFaceDetector("/models/deid-roberta")
    detector.load()
    detector.detect(["Seen by Dr Yalman."])

A text longer than the model reads goes through it in overlapping windows; where two windows disagree the higher
probability counts. A word's score for a type is the highest that any of its pieces gives to all labels of the type
together, so that a lower threshold finds more even where ``O`` is the likeliest label. Nothing is downloaded, no code
of the folder is run.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from functools import cached_property, partial
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Literal

from ragkit.detect.classifier import TokenClassifier, window_of
from ragkit.detect.cuts import Piece, cut, gather
from ragkit.detect.folders import digest, model_folder, read_json, refuse_pickles
from ragkit.detect.labels import Settings
from ragkit.detect.words import Scheme, Window, place, spans_of, windows
from ragkit.errors import MaskingError, ModelError
from ragkit.models.processor import multiplies_bf16
from ragkit.models.weights import go_offline
from ragkit.models.word_pieces import load_tokenizer
from ragkit.types import Span

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from tokenizers import Encoding, Tokenizer

_VERSION = 1
_PIECE = 20_000


class HuggingFaceDetector:
    """Implements :class:`ragkit.protocols.Detector`. Safe to call from several threads.

    Args:
        path: Folder with ``config.json``, ``tokenizer.json`` and the weights in safetensors format.
        labels: Entity type by the model's label, where it is not the usual one; an empty type drops the label.
        threshold: Least score in 0..1.
        entities: Types wanted; ``None`` for all.
        name: The findings' recognizer is ``learned:<name>``.
        threads: Processor threads; ``None`` takes every processor this process may use.
        batch_size: Windows of 32 pieces in one forward pass, or fewer longer ones. A pass is filled up to its full
            shape, since bf16 products depend on it: a text then has the same scores alone and in company. With 16
            (512 pieces) it is no slower than larger passes (measured on two cores with AMX).
        dtype: ``auto`` takes bf16 where the processor multiplies it in hardware, else fp32. Scores differ by a few
            thousandths between the two.

    Raises:
        ConfigError: A setting is out of form.
    """

    def __init__(
        self,
        path: str,
        *,
        labels: Mapping[str, str] | None = None,
        threshold: float = 0.5,
        entities: Collection[str] | None = None,
        name: str = "huggingface",
        threads: int | None = None,
        batch_size: int = 16,
        dtype: Literal["auto", "bf16", "fp32"] = "auto",
    ) -> None:
        self._path = path
        self._given: dict[str, Any] = {
            "labels": None if labels is None else dict(labels),
            "threshold": threshold,
            "entities": None if entities is None else sorted(entities),
            "name": name,
            "threads": threads,
            "batch_size": batch_size,
            "dtype": dtype,
        }
        self._settings = Settings(name, labels=labels, threshold=threshold, entities=entities)
        self._threads = threads or len(os.sched_getaffinity(0))
        self._batch_size = batch_size
        self._dtype = dtype
        self._lock = Lock()
        self._tokenizer: Tokenizer | None = None
        self._classifier: TokenClassifier | None = None
        self._scheme: Scheme | None = None
        self._most = 0

    def __reduce__(self) -> tuple[object, ...]:
        """Travel to a child process by value, unloaded."""
        return partial(type(self), self._path, **self._given), ()

    @property
    def name(self) -> str:
        """``learned:`` and the name."""
        return self._settings.recognizer

    @cached_property
    def fingerprint(self) -> str:
        """Changes with the model's files and the settings; not with threads or dtype, as for the encoder.

        Raises:
            ModelError: The model is absent.
        """
        files = digest(self._folder, suffixes={".json", ".safetensors", ".txt", ".model"})
        return self._settings.fingerprint("huggingface", files, version=_VERSION)

    def load(self) -> None:
        """Load tokenizer and weights (imports transformers, some seconds).

        Raises:
            ModelError: The folder is no token classifier, or a part of its weights is missing.
        """
        with self._lock:
            if self._classifier is not None:
                return
            go_offline()
            folder = self._folder
            config = read_json(folder, "config.json")
            labels = [str(label) for _, label in sorted((config.get("id2label") or {}).items(), key=_by_number)]
            if not labels:
                raise ModelError("the model's config.json names no labels", remedy="Use a token-classification model.")
            self._scheme = Scheme(labels, self._settings.types_of(labels))
            self._tokenizer = load_tokenizer(folder)
            self._most = window_of(config, read_json(folder, "tokenizer_config.json"))
            self._classifier = TokenClassifier(
                folder,
                config,
                most=self._most,
                threads=self._threads,
                batch_size=self._batch_size,
                bf16=self._dtype == "bf16" or (self._dtype == "auto" and multiplies_bf16()),
            )

    def detect(self, texts: Sequence[str]) -> list[list[Span]]:
        """Findings by text, in order.

        Raises:
            ModelError: As :meth:`load`.
            MaskingError: The model failed.
        """
        self.load()
        assert self._scheme is not None
        if not self._scheme.types:
            return [[] for _ in texts]
        pieces = list(cut(texts, limit=_PIECE))
        found: list[tuple[Piece, list[Span]]] = []
        for start in range(0, len(pieces), 256):  # bounds what is held: about 5 MB of text
            some = pieces[start : start + 256]
            try:
                found += zip(some, self._pieces(some))
            except Exception as bad:  # the libraries' messages may hold text
                raise MaskingError(
                    f"the token classifier failed ({type(bad).__name__})", remedy="Check the model with transformers."
                ) from None
        return gather(found, len(texts))

    def _pieces(self, pieces: Sequence[Piece]) -> list[list[Span]]:
        assert self._tokenizer is not None
        assert self._classifier is not None
        encodings = self._tokenizer.encode_batch([piece.text for piece in pieces])
        every = [
            window for row, encoding in enumerate(encodings) for window in windows(row, encoding, most=self._most - 1)
        ]
        mine: list[list[tuple[Window, NDArray[np.float32]]]] = [[] for _ in pieces]
        for window, score in zip(every, self._classifier.score(every)):
            mine[window.row].append((window, score))
        return [self._spans(*one) for one in zip((piece.text for piece in pieces), encodings, mine)]

    def _spans(self, text: str, encoding: Encoding, scored: Sequence[tuple[Window, NDArray[np.float32]]]) -> list[Span]:
        assert self._scheme is not None
        probabilities = place(len(encoding.ids), scored, classes=self._scheme.classes)
        return spans_of(
            text,
            encoding,
            probabilities,
            self._scheme,
            threshold=self._settings.threshold,
            recognizer=self._settings.recognizer,
        )

    @cached_property
    def _folder(self) -> Path:
        kind = "a Hugging Face token classifier with a fast tokenizer"
        folder = model_folder(self._path, holds=["config.json", "tokenizer.json"], kind=kind)
        refuse_pickles(folder)
        return folder

    def __repr__(self) -> str:
        return f"HuggingFaceDetector({self.name})"


def _by_number(entry: tuple[str, Any]) -> int:
    return int(entry[0])
