"""A local model of textual entailment: does a passage say what a sentence says?

Any folder with a sequence classifier that has an ``entailment`` label works (MNLI and its kind, or two classes as for
factual consistency). Only safetensors are read and no code from the folder is run. The only module of this room that
touches torch and transformers.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ragkit.errors import ModelError
from ragkit.models.loaded import note_loaded

_LABELS = ("entailment", "entailed", "supported", "consistent", "factual")
_MAX_TOKENS = 512
_BATCH = 16


class NliModel:
    """Scores whether premises entail a hypothesis.

    Args:
        folder: With ``config.json``, ``model.safetensors`` and a tokenizer.
        threads: For torch; ``None`` leaves its default.
    """

    def __init__(self, folder: str | Path, *, threads: int | None = None) -> None:
        self._folder = Path(folder)
        self._threads = threads
        self._model: Any = None
        self._tokenizer: Any = None
        self._label = 0
        self._max_tokens = _MAX_TOKENS

    def __repr__(self) -> str:
        return "NliModel()"

    def load(self) -> None:
        """Read the model. May be called any number of times.

        Raises:
            ModelError: The folder has no such model, or no label for entailment.
        """
        if self._model is not None:
            return
        if not (self._folder / "config.json").is_file() or not any(self._folder.glob("*.safetensors")):
            raise ModelError(
                "the folder of the entailment model has no config.json or no safetensors",
                remedy="Set [answers] nli to the folder of a downloaded sequence classifier, or take the line out.",
            )
        import torch
        from transformers import AutoModelForSequenceClassification, AutoTokenizer

        if self._threads:
            torch.set_num_threads(self._threads)
        options = {"local_files_only": True, "trust_remote_code": False}
        try:
            tokenizer = AutoTokenizer.from_pretrained(str(self._folder), **options)
            model = AutoModelForSequenceClassification.from_pretrained(
                str(self._folder), use_safetensors=True, **options
            )
        except (OSError, ValueError, KeyError, RuntimeError) as failed:
            raise ModelError(
                f"the entailment model cannot be loaded ({type(failed).__name__})",
                remedy="Use a folder that transformers loads as a sequence classifier without code of its own.",
            ) from None
        self._label = _entailment_label(model.config.id2label)
        positions = getattr(model.config, "max_position_embeddings", _MAX_TOKENS) or _MAX_TOKENS
        self._max_tokens = max(16, min(_MAX_TOKENS, positions - 2))
        note_loaded("entailment", model="local", weights=list(self._folder.glob("*.safetensors")))
        self._tokenizer, self._model = tokenizer, model.eval()

    def entails(self, premises: Sequence[str], hypothesis: str) -> float:
        """Return the highest probability in 0..1 that one of the premises entails the hypothesis; 0 without any.

        A premise beyond the model's window is cut at its end: give passages, not documents.
        """
        self.load()
        import torch

        best = 0.0
        for at in range(0, len(premises), _BATCH):
            batch = list(premises[at : at + _BATCH])
            inputs = self._tokenizer(
                batch,
                [hypothesis] * len(batch),
                truncation="longest_first",
                max_length=self._max_tokens,
                padding=True,
                return_tensors="pt",
            )
            with torch.inference_mode():
                shares = self._model(**inputs).logits.softmax(dim=-1)[:, self._label]
            best = max(best, float(shares.max()))
        return best


def _entailment_label(labels: dict[int, str]) -> int:
    """The class that means "the premise says so".

    Raises:
        ModelError: None is named so.
    """
    for number, name in labels.items():
        if name.lower().replace("_", "-") in _LABELS:
            return int(number)
    raise ModelError(
        "the entailment model names no class `entailment`",
        remedy="Use a classifier whose config.json names its classes in `id2label`, one of them `entailment`.",
    )
