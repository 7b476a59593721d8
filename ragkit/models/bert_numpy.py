"""BERT's forward pass for a few short texts, on numpy alone: no torch, 0.1 s to load, some milliseconds a text.

The same as :mod:`.bert_torch`, in float32. Activations are kept as (features,
tokens), since ``weight @ x`` reads the stored weights in order and is the faster product when there are few tokens.
"""

from __future__ import annotations

import json
import mmap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from ragkit.errors import ModelError
from ragkit.models.weights import BertShape, ModelFiles

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ragkit.models.adapter import Deltas

    Array = NDArray[np.float32]


class NumpyBert:
    """A BERT encoder on numpy.

    Args:
        files: A model whose :attr:`ModelFiles.bert` is not ``None``.
        deltas: What an adapter adds to the weights.
    """

    def __init__(self, files: ModelFiles, *, deltas: Callable[[], Deltas] | None = None) -> None:
        self._files = files
        self._deltas = deltas
        self._weights: _Weights | None = None

    def load(self) -> None:
        """Map the weights into memory; the rows of the vocabulary are read as texts need them.

        Raises:
            ModelError: The file does not hold the tensors that its configuration promises.
        """
        if self._weights is None:
            assert self._files.bert is not None, "another architecture has no numpy forward"
            deltas = self._deltas() if self._deltas else {}
            self._weights = _read_weights(self._files.folder / "model.safetensors", self._files.bert, deltas)

    def encode(self, batch: Sequence[Sequence[int]], *, added: Array | None = None) -> tuple[Array, NDArray[np.bool_]]:
        """The last hidden states of a batch of similar lengths.

        Args:
            batch: Word piece ids of each text, special tokens included.
            added: Added to the embeddings, (len(batch), longest, hidden).

        Returns:
            States with the features first, (hidden, len(batch), longest), and which are real, (len(batch), longest).
        """
        self.load()
        assert self._weights is not None
        return _forward(self._weights, batch, added)


class _OneBlasThread:
    """While anyone is inside, the process's BLAS library uses one thread.

    Its threads wait for each other by spinning: with one other busy process on two cores a product of 0.3 ms took 10 ms
    (measured, OpenBLAS 0.3.31). Several batches run side by side on threads of our own instead.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._inside = 0
        self._controller: Any = None
        self._limit: Any = None

    def __enter__(self) -> None:
        with self._lock:
            if self._inside == 0:
                if self._controller is None:
                    from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

                    self._controller = ThreadpoolController()
                self._limit = self._controller.limit(limits=1, user_api="blas")
                self._limit.__enter__()
            self._inside += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside == 0:
                self._limit.__exit__(None, None, None)


ONE_BLAS_THREAD = _OneBlasThread()


@dataclass(frozen=True, slots=True)
class _LayerWeights:
    """One layer; biases and norms are columns, (features, 1)."""

    project: Array
    project_bias: Array
    attended: Array
    attended_bias: Array
    attended_norm: tuple[Array, Array]
    widen: Array
    widen_bias: Array
    narrow: Array
    narrow_bias: Array
    narrow_norm: tuple[Array, Array]


@dataclass(frozen=True, slots=True)
class _Weights:
    shape: BertShape
    words: Array
    places: Array
    first_norm: tuple[Array, Array]
    layers: tuple[_LayerWeights, ...]


def _forward(weights: _Weights, batch: Sequence[Sequence[int]], added: Array | None) -> tuple[Array, NDArray[np.bool_]]:
    import numpy as np

    longest = max(map(len, batch))
    ids = np.zeros((len(batch), longest), dtype=np.int64)
    kept = np.zeros((len(batch), longest), dtype=bool)
    for row, pieces in enumerate(batch):
        ids[row, : len(pieces)] = pieces
        kept[row, : len(pieces)] = True
    hidden = weights.words[ids] + weights.places[:longest]
    if added is not None:
        hidden += added
    hidden = hidden.reshape(ids.size, -1).T.copy()
    hidden = _normalise(hidden, weights.first_norm, weights.shape.epsilon)
    hide = None if kept.all() else np.where(kept, np.float32(0), np.float32(-np.inf))[:, None, None, :]
    for layer in weights.layers:
        hidden = _layer(hidden, layer, shape=weights.shape, texts=len(batch), hide=hide)
    return hidden.reshape(-1, len(batch), longest), kept


def _layer(hidden: Array, layer: _LayerWeights, *, shape: BertShape, texts: int, hide: Array | None) -> Array:
    """One encoder layer over (hidden, texts * length)."""
    import numpy as np

    size = shape.hidden // shape.heads
    joined = layer.project @ hidden
    joined += layer.project_bias
    # (3, heads, size, texts, length) -> (3, texts, heads, size, length)
    query, key, value = joined.reshape(3, shape.heads, size, texts, -1).transpose(0, 3, 1, 2, 4)
    scores = query.transpose(0, 1, 3, 2) @ key
    if hide is not None:
        scores += hide
    scores -= scores.max(axis=-1, keepdims=True)
    np.exp(scores, out=scores)
    scores /= scores.sum(axis=-1, keepdims=True)
    mixed = value @ scores.transpose(0, 1, 3, 2)
    attended = layer.attended @ mixed.transpose(1, 2, 0, 3).reshape(hidden.shape)
    attended += layer.attended_bias
    attended += hidden
    hidden = _normalise(attended, layer.attended_norm, shape.epsilon)
    wide = layer.widen @ hidden
    wide += layer.widen_bias
    narrow = layer.narrow @ _gelu(wide)
    narrow += layer.narrow_bias
    narrow += hidden
    return _normalise(narrow, layer.narrow_norm, shape.epsilon)


def _normalise(x: Array, norm: tuple[Array, Array], epsilon: float) -> Array:
    """Layer normalisation over the features, in place."""
    import numpy as np

    x -= x.mean(axis=0)
    variance = np.einsum("ft,ft->t", x, x) / np.float32(len(x))
    x *= 1.0 / np.sqrt(variance + np.float32(epsilon))
    x *= norm[0]
    x += norm[1]
    return x


_GELU_BLOCK = 1 << 14  # floats; the temporaries of a block stay in the first- and second-level cache


def _gelu(x: Array) -> Array:
    """Exact GELU, ``x * (1 + erf(x / sqrt 2)) / 2``, in place.

    erf by formula 7.1.26 of Abramowitz and Stegun, *Handbook of Mathematical Functions*: absolute error at most
    1.5e-7, in float32 arithmetic below 1e-6 (tested).
    """
    import numpy as np

    flat = x.reshape(-1)
    size, t, tail = (np.empty(min(_GELU_BLOCK, flat.size), dtype=np.float32) for _ in range(3))
    for at in range(0, flat.size, _GELU_BLOCK):
        block = flat[at : at + _GELU_BLOCK]
        _gelu_block(block, size[: block.size], t[: block.size], tail[: block.size])
    return x


def _gelu_block(x: Array, size: Array, t: Array, tail: Array) -> None:
    """``max(x, 0) - |x| * erfc(|x| / sqrt 2) / 2``, which is GELU on both sides of zero."""
    import numpy as np

    np.abs(x, out=size)
    np.multiply(size, np.float32(0.3275911 / 2**0.5), out=t)
    t += np.float32(1)
    np.reciprocal(t, out=t)
    np.multiply(t, np.float32(1.061405429 / 2), out=tail)
    for coefficient in (-1.453152027, 1.421413741, -0.284496736, 0.254829592):
        tail += np.float32(coefficient / 2)
        tail *= t
    tail *= size
    np.multiply(size, size, out=t)
    t *= np.float32(-0.5)
    np.exp(t, out=t)
    tail *= t
    np.maximum(x, np.float32(0), out=x)
    x -= tail


def _read_weights(path: Path, shape: BertShape, deltas: Deltas) -> _Weights:
    try:
        tensors = _map_tensors(path)
        for name, delta in deltas.items():
            tensors[name] = tensors[name] + delta
        layers = tuple(
            _layer_weights(tensors, f"encoder.layer.{number}.", shape=shape) for number in range(shape.layers)
        )
        types = tensors["embeddings.token_type_embeddings.weight"]
        return _Weights(
            shape=shape,
            words=tensors["embeddings.word_embeddings.weight"],
            places=tensors["embeddings.position_embeddings.weight"] + types[0],
            first_norm=_norm(tensors, "embeddings.LayerNorm"),
            layers=layers,
        )
    except (KeyError, ValueError, OSError) as error:
        raise ModelError("model.safetensors does not fit config.json", remedy="Run: ragkit models verify") from error


def _map_tensors(path: Path) -> dict[str, Array]:
    """Float32 views into the mapped file: 8 bytes of header length, the header in JSON, then the data.

    The safetensors library's own numpy loader copies all 90 MB (0.1 s); a question needs half of them.
    """
    import numpy as np

    with path.open("rb") as file:
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    start = 8 + int.from_bytes(mapped[:8], "little")
    header = json.loads(mapped[8:start])
    tensors = {}
    for name, entry in header.items():
        if name == "__metadata__" or not str(entry["dtype"]).startswith("F"):
            continue
        dtype = {"F32": np.float32, "F16": np.float16, "F64": np.float64}[entry["dtype"]]
        first, last = entry["data_offsets"]
        flat = np.frombuffer(
            mapped, dtype=dtype, count=(last - first) // np.dtype(dtype).itemsize, offset=start + first
        )
        tensors[name.removeprefix("bert.")] = flat.reshape(entry["shape"]).astype(np.float32, copy=False)
    return tensors


def _layer_weights(tensors: dict[str, Array], prefix: str, *, shape: BertShape) -> _LayerWeights:
    import numpy as np

    scale = np.float32((shape.hidden // shape.heads) ** -0.5)
    parts = [f"{prefix}attention.self.{part}" for part in ("query", "key", "value")]
    weight = np.concatenate([tensors[f"{part}.weight"] for part in parts])
    bias = np.concatenate([tensors[f"{part}.bias"] for part in parts])
    # The 1 / sqrt(head size) of attention goes into the query's rows once, instead of into every score.
    weight[: len(weight) // 3] *= scale
    bias[: len(bias) // 3] *= scale
    return _LayerWeights(
        project=weight,
        project_bias=bias[:, None],
        attended=tensors[f"{prefix}attention.output.dense.weight"],
        attended_bias=tensors[f"{prefix}attention.output.dense.bias"][:, None],
        attended_norm=_norm(tensors, f"{prefix}attention.output.LayerNorm"),
        widen=tensors[f"{prefix}intermediate.dense.weight"],
        widen_bias=tensors[f"{prefix}intermediate.dense.bias"][:, None],
        narrow=tensors[f"{prefix}output.dense.weight"],
        narrow_bias=tensors[f"{prefix}output.dense.bias"][:, None],
        narrow_norm=_norm(tensors, f"{prefix}output.LayerNorm"),
    )


def _norm(tensors: dict[str, Array], name: str) -> tuple[Array, Array]:
    return tensors[f"{name}.weight"][:, None], tensors[f"{name}.bias"][:, None]
