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
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property, partial
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Literal

from ragkit.detect.cuts import Piece, cut, gather
from ragkit.detect.folders import digest, model_folder, read_json, refuse_pickles
from ragkit.detect.labels import Settings
from ragkit.detect.words import Scheme, Window, place, spans_of, windows
from ragkit.errors import MaskingError, ModelError
from ragkit.models.processor import multiplies_bf16, single_threaded_pool
from ragkit.models.weights import go_offline
from ragkit.models.word_pieces import load_tokenizer
from ragkit.types import Span

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from tokenizers import Encoding, Tokenizer

_VERSION = 1
_LONGEST = 512
"""Word pieces in a window at most: attention is quadratic, and the models' training texts were no longer."""
_SHORTEST = 32
"""Windows are padded to a multiple of so many pieces, and always by one: without a gap the kernel is another."""
_PIECE = 20_000
_SHIFTED = frozenset({"roberta", "xlm-roberta", "camembert", "xlm-roberta-xl", "longformer", "mpnet", "data2vec-text"})
"""Architectures whose positions begin after the padding id, so that two fewer can be used."""


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
        self._model: Any = None
        self._pool: ThreadPoolExecutor | None = None
        self._scheme: Scheme | None = None
        self._most = 0
        self._padding = 0

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
            if self._pool is not None:
                return
            go_offline()
            folder = self._folder
            config = read_json(folder, "config.json")
            labels = [str(label) for _, label in sorted((config.get("id2label") or {}).items(), key=_by_number)]
            if not labels:
                raise ModelError("the model's config.json names no labels", remedy="Use a token-classification model.")
            self._scheme = Scheme(labels, self._settings.types_of(labels))
            self._tokenizer = load_tokenizer(folder)
            self._most = _window(config, read_json(folder, "tokenizer_config.json"))
            self._padding = int(config.get("pad_token_id") or 0)
            self._model = _load_model(
                folder, bf16=self._dtype == "bf16" or (self._dtype == "auto" and multiplies_bf16())
            )
            self._pool = single_threaded_pool(self._threads, name="ragkit-detect")

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
        assert self._scheme is not None
        encodings = self._tokenizer.encode_batch([piece.text for piece in pieces])
        every = [
            window for row, encoding in enumerate(encodings) for window in windows(row, encoding, most=self._most - 1)
        ]
        scores = self._score(every)
        results: list[list[Span]] = []
        for row, (piece, encoding) in enumerate(zip(pieces, encodings)):
            mine = [(window, score) for window, score in zip(every, scores) if window.row == row]
            results.append(self._spans(piece.text, encoding, mine))
        return results

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

    def _score(self, every: Sequence[Window]) -> list[NDArray[np.float32]]:
        """Class probabilities of each window's own pieces, shape (pieces, classes)."""
        assert self._pool is not None
        groups: dict[int, list[int]] = {}
        for number, window in enumerate(every):
            length = min((len(window.ids) // _SHORTEST + 1) * _SHORTEST, self._most)
            groups.setdefault(length, []).append(number)
        batches = [
            (length, group[start : start + self._rows(length)])
            for length, group in sorted(groups.items(), reverse=True)
            for start in range(0, len(group), self._rows(length))
        ]
        scores: dict[int, NDArray[np.float32]] = {}
        done = self._pool.map(lambda batch: self._forward([every[n] for n in batch[1]], batch[0]), batches)
        for (_, numbers), results in zip(batches, done):
            scores.update(zip(numbers, results))
        return [scores[number] for number in range(len(every))]

    def _rows(self, length: int) -> int:
        return max(1, self._batch_size * _SHORTEST // length)

    def _forward(self, batch: Sequence[Window], length: int) -> list[NDArray[np.float32]]:
        import torch

        ids = torch.full((self._rows(length), length), self._padding, dtype=torch.long)
        mask = torch.zeros((self._rows(length), length), dtype=torch.long)
        mask[:, 0] = 1  # also in rows that only fill up: attention to nothing at all is not a number
        for row, window in enumerate(batch):
            ids[row, : len(window.ids)] = torch.tensor(window.ids)
            mask[row, : len(window.ids)] = 1
        with torch.inference_mode():
            logits = self._model(input_ids=ids, attention_mask=mask).logits
            likely = torch.softmax(logits.float(), dim=-1).numpy()
        return [likely[row, window.before : window.before + window.length] for row, window in enumerate(batch)]

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


def _window(config: Mapping[str, Any], tokenizer: Mapping[str, Any]) -> int:
    """Word pieces that the model reads at once, special ones included."""
    limits = [_LONGEST]
    if positions := config.get("max_position_embeddings"):
        limits.append(int(positions) - (2 if config.get("model_type") in _SHIFTED else 0))
    if stated := tokenizer.get("model_max_length"):
        limits.append(int(min(float(stated), 1e6)))
    return max(8, min(limit for limit in limits if limit > 0))


def _load_model(folder: Path, *, bf16: bool) -> Any:
    import torch
    from transformers import AutoModelForTokenClassification
    from transformers.utils import logging

    logging.disable_progress_bar()  # a bar for reading weights would stand in the middle of ours
    try:
        model, notes = AutoModelForTokenClassification.from_pretrained(
            str(folder),
            local_files_only=True,
            trust_remote_code=False,
            use_safetensors=True,
            output_loading_info=True,
            dtype=torch.bfloat16 if bf16 else torch.float32,
        )
    except Exception as bad:  # transformers raises bare kinds, with paths in the message
        raise ModelError(
            f"transformers cannot load the configured folder ({type(bad).__name__})",
            remedy="Use a token-classification model in safetensors format that needs no code of its own.",
        ) from None
    if missing := len(notes["missing_keys"]) + len(notes["mismatched_keys"]):
        raise ModelError(
            f"{missing} weights of the token classifier are missing, and would be random",
            remedy="Use a model that was trained for token classification, saved whole.",
        )
    return model.eval()
