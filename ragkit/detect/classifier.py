"""A token classifier of ``transformers`` at work: loaded from safetensors, run in passes of a fixed shape."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ragkit.detect.words import Window
from ragkit.errors import ModelError
from ragkit.models.processor import single_threaded_pool

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_LONGEST = 512
"""Word pieces in a window at most: attention is quadratic, and the models' training texts were no longer."""
_SHORTEST = 32
"""Windows are padded to a multiple of so many pieces, and always by one: without a gap the kernel is another."""
_SHIFTED = frozenset({"roberta", "xlm-roberta", "camembert", "xlm-roberta-xl", "longformer", "mpnet", "data2vec-text"})
"""Architectures whose positions begin after the padding id, so that two fewer can be used."""


class TokenClassifier:
    """Gives class probabilities for windows of word pieces. Safe to call from several threads.

    A pass always has the shape of ``batch_size`` windows of 32 pieces, or fewer longer ones, filled up where need be:
    a window's result then does not depend on what stands beside it.

    Args:
        folder: With ``config.json`` and the weights.
        config: That file's content.
        most: Word pieces in a window, special ones included.
        threads: Passes that run side by side, on one processor each.
        batch_size: Windows of 32 pieces in a pass.
        bf16: Of weights and activations; else float32.

    Raises:
        ModelError: The folder cannot be loaded, or a part of its weights is missing.
    """

    def __init__(
        self, folder: Path, config: Mapping[str, Any], *, most: int, threads: int, batch_size: int, bf16: bool
    ) -> None:
        self._model = _load_model(folder, bf16=bf16)
        self._padding = int(config.get("pad_token_id") or 0)
        self._most = most
        self._pieces = batch_size * _SHORTEST
        self._pool = single_threaded_pool(threads, name="ragkit-detect")

    def score(self, windows: Sequence[Window]) -> list[NDArray[np.float32]]:
        """Class probabilities of each window's own pieces, shape (pieces, classes). Windows are under ``most`` long."""
        groups: dict[int, list[int]] = {}
        for number, window in enumerate(windows):
            length = min((len(window.ids) // _SHORTEST + 1) * _SHORTEST, self._most)
            groups.setdefault(length, []).append(number)
        batches = [
            (length, group[start : start + self._rows(length)])
            for length, group in sorted(groups.items(), reverse=True)
            for start in range(0, len(group), self._rows(length))
        ]
        scores: dict[int, NDArray[np.float32]] = {}
        done = self._pool.map(lambda batch: self._forward([windows[n] for n in batch[1]], batch[0]), batches)
        for (_, numbers), results in zip(batches, done):
            scores.update(zip(numbers, results))
        return [scores[number] for number in range(len(windows))]

    def _rows(self, length: int) -> int:
        return max(1, self._pieces // length)

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


def window_of(config: Mapping[str, Any], tokenizer: Mapping[str, Any]) -> int:
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
