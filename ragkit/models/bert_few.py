"""BERT for a few short texts: in this process by numpy, or, where many threads ask, in a process beside it by torch.

::

    stay()                                    # first thing in a service
    hidden, kept = FewTextsBert(files).encode([[101, 2129, 102]])

Numpy is there in 0.1 s and takes some ten milliseconds for a question, which is what a command wants. In a process of
many threads the same pass took three to four times as long as its work: each of its two hundred steps gives up the
interpreter's lock and waits for it again. So a service has it done elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from ragkit.models.adapter import read_deltas
from ragkit.models.bert_child import ChildBert, ChildGone
from ragkit.models.bert_numpy import ONE_BLAS_THREAD, NumpyBert
from ragkit.models.weights import ModelFiles

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ragkit.models.bert_child import Precision

    Array = NDArray[np.float32]

_staying = False


def stay() -> None:
    """Say that this process answers for long, and many: models that are loaded from now on do so beside it."""
    global _staying
    _staying = True


class FewTextsBert:
    """A BERT encoder for some hundred word pieces at a time. Safe to call from several threads.

    Args:
        files: A model whose :attr:`ModelFiles.bert` is not ``None``.
        adapter: Folder of an adapter to merge into the weights.
        precision: Beside the process: ``bf16`` where the processor multiplies it in hardware. Numpy is always fp32.
    """

    def __init__(self, files: ModelFiles, *, adapter: Path | None = None, precision: Precision = "fp32") -> None:
        assert files.bert is not None, "another architecture has no forward pass of ours"
        self._lock = Lock()
        self._here = NumpyBert(files, deltas=None if adapter is None else lambda: read_deltas(adapter))
        weights = files.folder / "model.safetensors"
        self._beside = ChildBert(weights, shape=files.bert, adapter=adapter, precision=precision) if _staying else None

    def load(self) -> None:
        """Read the weights.

        Raises:
            ModelError: The file does not hold the tensors that its configuration promises.
        """
        with self._lock:
            self._here.load()  # the file is mapped, so that what is not read costs nothing

    def encode(self, batch: Sequence[Sequence[int]], *, added: Array | None = None) -> tuple[Array, NDArray[np.bool_]]:
        """The last hidden states of a batch of similar lengths.

        Args:
            batch: Word piece ids of each text, special tokens included.
            added: Added to the embeddings, (len(batch), longest, hidden).

        Returns:
            States with the features first, (hidden, len(batch), length), and which are real, (len(batch), length);
            the length is that of the longest text or more.
        """
        self.load()
        if self._beside is not None:
            try:
                return self._beside.encode(batch, added)
            except ChildGone:  # killed, perhaps for memory: the next pass starts another
                pass
        with ONE_BLAS_THREAD:
            return self._here.encode(batch, added=added)
