"""Forward passes in one child process, which has torch and its own interpreter's lock.

What is sent are word pieces of questions and what comes back are states, over pipes between the two processes; nothing
is written. The child ends with its parent, however that ends, and leaves Ctrl-C to it.
"""

from __future__ import annotations

import multiprocessing
import os
import resource
import signal
import threading
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import cache
from multiprocessing.connection import wait
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from ragkit.models.weights import BertShape

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ragkit.models.bert_torch import PackedBert

    Array = NDArray[np.float32]

Precision = Literal["bf16", "fp32"]


class ChildGone(Exception):
    """The process ended before it gave an answer."""


class _Model(NamedTuple):
    weights: Path
    shape: BertShape
    adapter: Path | None
    precision: Precision


class ChildBert:
    """A BERT encoder in the child; all of a process share one.

    Args:
        weights: Path of ``model.safetensors``.
        shape: Sizes of the encoder.
        adapter: Folder of an adapter to merge into the weights.
        precision: ``bf16`` only where the processor multiplies it in hardware, else ``fp32``.
    """

    def __init__(self, weights: Path, *, shape: BertShape, adapter: Path | None, precision: Precision) -> None:
        self._model = _Model(weights, shape, adapter, precision)

    def encode(self, batch: Sequence[Sequence[int]], added: Array | None) -> tuple[Array, NDArray[np.bool_]]:
        """As :meth:`ragkit.models.bert_few.FewTextsBert.encode`.

        Raises:
            ChildGone: The process ended; the next call starts another.
        """
        return _CHILD.run(self._model, batch, added)


class _Child:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pool: ProcessPoolExecutor | None = None

    def run(self, *arguments: Any) -> tuple[Array, NDArray[np.bool_]]:
        with self._lock:
            pool = self._pool = self._pool or ProcessPoolExecutor(
                1, mp_context=multiprocessing.get_context("spawn"), initializer=_begin
            )
        try:
            answer = pool.submit(_encode, *arguments)
        except (OSError, RuntimeError) as gone:  # no process can be had, or this one ends; BrokenProcessPool is one too
            raise self._lost(pool) from gone
        try:
            found: tuple[Array, NDArray[np.bool_]] = answer.result()
        except BrokenProcessPool as gone:
            raise self._lost(pool) from gone
        return found

    def _lost(self, pool: ProcessPoolExecutor) -> ChildGone:
        with self._lock:
            if self._pool is pool:
                self._pool = None
        return ChildGone()

    def forget(self) -> None:
        """A process that was forked has no child of its own."""
        self._lock, self._pool = threading.Lock(), None


_CHILD = _Child()
os.register_at_fork(after_in_child=_CHILD.forget)


# --- in the child -----------------------------------------------------------------------------------------------------


def _begin() -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # it has questions in memory, before they are masked
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    import torch

    torch.set_num_threads(1)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    wait([parent.sentinel])
    os._exit(0)


@cache
def _loaded(model: _Model) -> PackedBert:
    from ragkit.models.adapter import read_deltas
    from ragkit.models.bert_torch import PackedBert
    from ragkit.models.processor import multiplies_bf16

    dtype = "bf16" if model.precision == "bf16" and multiplies_bf16() else "fp32"
    deltas = None if model.adapter is None else read_deltas(model.adapter)
    return PackedBert(model.weights, shape=model.shape, dtype=dtype, deltas=deltas)


def _encode(model: _Model, batch: Sequence[Sequence[int]], added: Array | None) -> tuple[Array, NDArray[np.bool_]]:
    import numpy as np
    import torch

    def padded(length: int) -> torch.Tensor:
        assert added is not None
        wide = torch.from_numpy(added)
        return torch.nn.functional.pad(wide, (0, 0, 0, length - wide.shape[1]))

    with torch.inference_mode():
        hidden, kept = _loaded(model).encode(batch, added=None if added is None else padded)
        return np.ascontiguousarray(hidden.float().numpy().transpose(2, 0, 1)), kept.numpy()
