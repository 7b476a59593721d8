"""The encoder with the detector's adapter merged in, and its head: windows of words in, label probabilities out.

Two forward passes compute the same: one for bulk, one for a question, which need not load torch.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ragkit.detect.decode import LABELS
from ragkit.detect.features import CODES, FEATURES_VERSION, WIDTHS
from ragkit.errors import ModelError
from ragkit.models.adapter import read_deltas
from ragkit.models.bert_few import FewTextsBert
from ragkit.models.together import Together
from ragkit.models.weights import ModelFiles
from ragkit.models.word_pieces import batch_rows

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float32]

_CLS, _SEP = 101, 102
_BATCH_TOKENS = 256  # as ragkit.index.question_encoder
_TOGETHER = 16  # windows of several callers in one pass


@dataclass(frozen=True, slots=True, repr=False)
class Cut:
    """One window as the encoder reads it, special pieces left out: pieces, their codes, first piece of each word."""

    ids: list[int]
    codes: list[int]
    firsts: list[int]


@dataclass(frozen=True)
class DetectorFiles:
    """The detector's folder: ``adapter_model.safetensors`` (PEFT), ``head.safetensors``, ``detector.json``."""

    folder: Path

    @cached_property
    def described(self) -> Mapping[str, Any]:
        """``detector.json``: labels, thresholds, how it was trained.

        Raises:
            ModelError: It is absent, or made for other labels or features than this version's.
        """
        try:
            described: dict[str, Any] = json.loads((self.folder / "detector.json").read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise ModelError("the detector's description cannot be read", remedy="Reinstall ragkit.") from error
        if described["labels"] != list(LABELS) or described["features_version"] != FEATURES_VERSION:
            raise ModelError("the detector was trained for another version of ragkit", remedy="Reinstall ragkit.")
        return described

    def head(self) -> tuple[Array, Array, Array]:
        """Weight (labels, hidden) and bias (labels,) of the head, and one vector a code, (CODES, hidden)."""
        import numpy as np
        from safetensors import SafetensorError
        from safetensors.numpy import load_file

        try:
            tensors = {name: t.astype(np.float32) for name, t in load_file(self.folder / "head.safetensors").items()}
            codes = np.arange(CODES)
            seen = {"case": codes // 192, "gap": codes // 32 % 6, "lists": codes // 2 % 16, "accent": codes % 2}
            table = sum(tensors[f"features.{name}"][seen[name]] for name in WIDTHS)
            return tensors["head.weight"], tensors["head.bias"], np.asarray(table, dtype=np.float32)
        except (OSError, KeyError, SafetensorError) as error:
            raise ModelError("the detector's head cannot be read", remedy="Reinstall ragkit.") from error


class FewTagger:
    """For a question: on the command line in float32, without torch, 0.1 s to load."""

    def __init__(self, encoder: ModelFiles, files: DetectorFiles) -> None:
        self._weight, self._bias, self._table = files.head()
        self._bert = FewTextsBert(encoder, adapter=files.folder, precision="bf16")
        self._bert.load()
        self._together = Together(self._rows, most=_TOGETHER)

    def probabilities(self, batch: Sequence[Cut]) -> list[Array]:
        """For each window (words, labels), rows summing to one; windows of several threads are read together."""
        return list(self._together.do(batch))

    def _rows(self, cuts: Sequence[Cut]) -> list[Array]:
        found: dict[int, Array] = {}
        for rows in batch_rows([len(cut.ids) + 2 for cut in cuts], batch_tokens=_BATCH_TOKENS):
            found.update(zip(rows, self._pass([cuts[row] for row in rows]), strict=True))
        return [found[row] for row in range(len(cuts))]

    def _pass(self, cuts: Sequence[Cut]) -> list[Array]:
        import numpy as np

        longest = max(len(cut.ids) for cut in cuts) + 2
        codes = np.zeros((len(cuts), longest), dtype=np.int64)
        for row, cut in enumerate(cuts):
            codes[row, 1 : 1 + len(cut.codes)] = cut.codes
        hidden, _ = self._bert.encode([[_CLS, *cut.ids, _SEP] for cut in cuts], added=self._table[codes])
        words = (hidden[:, row, np.array(cut.firsts) + 1].T for row, cut in enumerate(cuts))
        return [_softmax(one @ self._weight.T + self._bias) for one in words]


class TorchTagger:
    """For bulk: bf16 where the processor multiplies it in hardware, else float32."""

    def __init__(self, encoder: ModelFiles, files: DetectorFiles, *, dtype: str) -> None:
        import torch

        from ragkit.models.bert_torch import PackedBert

        assert encoder.bert is not None
        weight, bias, table = files.head()
        self._weight, self._bias = torch.from_numpy(weight), torch.from_numpy(bias)
        self._table = torch.from_numpy(table).to(torch.bfloat16 if dtype == "bf16" else torch.float32)
        deltas = read_deltas(files.folder)
        weights = encoder.folder / "model.safetensors"
        self._bert = PackedBert(weights, shape=encoder.bert, dtype=dtype, deltas=deltas)
        self._torch = torch

    def probabilities(self, batch: Sequence[Cut]) -> list[Array]:
        """For each window (words, labels), rows summing to one. Windows should be of like length."""
        torch = self._torch

        def added(length: int) -> Any:
            codes = [[0, *cut.codes, *([0] * (length - 1 - len(cut.codes)))] for cut in batch]
            return torch.nn.functional.embedding(torch.tensor(codes), self._table)

        with torch.inference_mode():
            hidden, _ = self._bert.encode([[_CLS, *cut.ids, _SEP] for cut in batch], added=added)
            length = hidden.shape[1]
            places = [row * length + 1 + first for row, cut in enumerate(batch) for first in cut.firsts]
            words = hidden.reshape(-1, hidden.shape[2])[torch.tensor(places)].float()
            logits = torch.nn.functional.linear(words, self._weight, self._bias)
            scores = torch.softmax(logits, dim=1).numpy()
        found, at = [], 0
        for cut in batch:
            found.append(scores[at : at + len(cut.firsts)])
            at += len(cut.firsts)
        return found


def _softmax(logits: Array) -> Array:
    import numpy as np

    logits -= logits.max(axis=1, keepdims=True)
    np.exp(logits, out=logits)
    logits /= logits.sum(axis=1, keepdims=True)
    return logits
