"""BERT's forward pass for bulk work, on PyTorch, written for throughput on processors.

Computes what ``transformers.BertModel`` computes (Devlin et al. 2019), for :meth:`PackedBert.embed` with mean pooling
(checked against sentence-transformers in ``tests/index/test_embedder.py``). The differences that matter for speed:

- the three attention projections are one matrix product;
- weights are laid out once for oneDNN, and the residual is added inside the product (the operators that
  TorchInductor emits when it freezes a model; no compiler is needed to call them);
- sequence lengths are padded to a multiple of 16: the attention kernel takes twice the time for an odd length;
- each call uses one thread, so that several batches run side by side and no thread waits for another at every operator.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ragkit.models.weights import BertShape

if TYPE_CHECKING:
    from torch import Tensor

    from ragkit.models.adapter import Deltas

_LENGTH_MULTIPLE = 16


class PackedBert:
    """The loaded encoder.

    Args:
        weights: Path of ``model.safetensors``.
        shape: Sizes of the encoder.
        dtype: ``bf16`` or ``fp32`` for weights and activations; pooling is always float32.
        deltas: What an adapter adds to the weights.
    """

    def __init__(self, weights: Path, *, shape: BertShape, dtype: str, deltas: Deltas | None = None) -> None:
        import torch
        from safetensors.torch import load_file

        self._torch = torch
        self._shape = shape
        self._dtype = torch.bfloat16 if dtype == "bf16" else torch.float32
        tensors = {name.removeprefix("bert."): tensor for name, tensor in load_file(str(weights)).items()}
        for name, delta in (deltas or {}).items():
            tensors[name] = tensors[name] + torch.from_numpy(delta)
        places = (
            tensors["embeddings.position_embeddings.weight"] + tensors["embeddings.token_type_embeddings.weight"][0]
        )
        self._words = tensors["embeddings.word_embeddings.weight"].to(self._dtype)
        self._places = places.to(self._dtype)
        self._first_norm = self._norm(tensors, "embeddings.LayerNorm")
        self._layers = [self._layer(tensors, f"encoder.layer.{number}.") for number in range(shape.layers)]

    def embed(self, batch: Sequence[Sequence[int]]) -> Tensor:
        """Embed sequences of similar length.

        Args:
            batch: Word piece ids of each text, special tokens included.

        Returns:
            Unit vectors, shape (len(batch), hidden), float32.
        """
        torch, functional = self._torch, self._torch.nn.functional
        with torch.inference_mode():
            hidden, kept = self.encode(batch)
            weights = kept.to(torch.float32)
            weights /= weights.sum(1, keepdim=True)
            pooled = torch.bmm(weights[:, None, :], hidden.float())[:, 0]
            vectors: Tensor = functional.normalize(pooled, dim=1)
            return vectors

    def encode(
        self, batch: Sequence[Sequence[int]], *, added: Callable[[int], Tensor] | None = None
    ) -> tuple[Tensor, Tensor]:
        """The last hidden states, to be called within ``torch.inference_mode``.

        Args:
            batch: Word piece ids of each text, special tokens included.
            added: For the padded length, what is added to the embeddings: (len(batch), length, hidden).

        Returns:
            States, (len(batch), length, hidden), and which of them are of real pieces, (len(batch), length).
        """
        torch, functional = self._torch, self._torch.nn.functional
        ids, kept = self._pad(batch)
        count, length = ids.shape
        hidden = functional.embedding(ids, self._words).add_(self._places[:length])
        if added is not None:
            hidden += added(length)
        hidden = self._first_norm(hidden).view(count * length, self._shape.hidden)
        mask = None
        if not bool(kept.all()):
            mask = torch.zeros(count, 1, 1, length, dtype=self._dtype)
            mask.masked_fill_(~kept[:, None, None, :], float("-inf"))
        for layer in self._layers:
            hidden = layer(hidden, count, mask)
        return hidden.view(count, length, -1), kept

    def _pad(self, batch: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
        """Ids and a mask of the real ones, both (texts, length)."""
        torch = self._torch
        longest = max(map(len, batch))
        length = min(-(-longest // _LENGTH_MULTIPLE) * _LENGTH_MULTIPLE, len(self._places))
        ids = torch.tensor([[*ids, *([0] * (length - len(ids)))] for ids in batch])
        kept = torch.arange(length)[None, :] < torch.tensor([len(ids) for ids in batch])[:, None]
        return ids, kept

    def _layer(self, tensors: dict[str, Tensor], prefix: str) -> _Layer:
        torch = self._torch
        names = [f"{prefix}attention.self.{part}" for part in ("query", "key", "value")]
        joined = [torch.cat([tensors[f"{name}.{kind}"] for name in names]) for kind in ("weight", "bias")]
        return _Layer(
            torch=torch,
            heads=self._shape.heads,
            project=_Linear(torch, joined[0], joined[1], self._dtype),
            attended=self._linear(tensors, f"{prefix}attention.output.dense"),
            attended_norm=self._norm(tensors, f"{prefix}attention.output.LayerNorm"),
            widen=self._linear(tensors, f"{prefix}intermediate.dense"),
            narrow=self._linear(tensors, f"{prefix}output.dense"),
            narrow_norm=self._norm(tensors, f"{prefix}output.LayerNorm"),
        )

    def _linear(self, tensors: dict[str, Tensor], name: str) -> _Linear:
        return _Linear(self._torch, tensors[f"{name}.weight"], tensors[f"{name}.bias"], self._dtype)

    def _norm(self, tensors: dict[str, Tensor], name: str) -> _Norm:
        scale, shift = (tensors[f"{name}.{kind}"].to(self._dtype) for kind in ("weight", "bias"))
        return _Norm(self._torch, scale, shift, self._shape.epsilon)


@dataclass(frozen=True, slots=True)
class _Norm:
    """Layer normalisation; the kernel accumulates in float32 whatever the dtype."""

    torch: Any
    scale: Tensor
    shift: Tensor
    epsilon: float

    def __call__(self, x: Tensor) -> Tensor:
        normed: Tensor = self.torch.nn.functional.layer_norm(x, self.scale.shape, self.scale, self.shift, self.epsilon)
        return normed


class _Linear:
    """``x @ weight.T + bias``, optionally plus a residual, with the weight laid out for oneDNN where torch can."""

    def __init__(self, torch: Any, weight: Tensor, bias: Tensor, dtype: Any) -> None:
        self._torch = torch
        self._weight, self._bias = weight.to(dtype).contiguous(), bias.to(dtype)
        self._packed: Tensor | None = None
        try:
            self._packed = torch.ops.mkldnn._reorder_linear_weight(self._weight, None)
            probe = torch.zeros(2, weight.shape[1], dtype=dtype)
            self._packed_call(probe, torch.zeros(2, weight.shape[0], dtype=dtype))
        except (AttributeError, RuntimeError, NotImplementedError):
            self._packed = None  # a build of torch without oneDNN; the plain operator gives the same result

    def __call__(self, x: Tensor, residual: Tensor | None = None) -> Tensor:
        if self._packed is not None:
            return self._packed_call(x, residual)
        y: Tensor = self._torch.nn.functional.linear(x, self._weight, self._bias)
        return y if residual is None else y.add_(residual)

    def _packed_call(self, x: Tensor, residual: Tensor | None) -> Tensor:
        operator = self._torch.ops.mkldnn._linear_pointwise
        if residual is None:
            y: Tensor = operator(x, self._packed, self._bias, "none", [], "")
            return y
        added: Tensor = operator.binary(x, residual, self._packed, self._bias, "add")
        return added


@dataclass(frozen=True, slots=True)
class _Layer:
    """One encoder layer over (texts * length, hidden)."""

    torch: Any
    heads: int
    project: _Linear
    attended: _Linear
    attended_norm: _Norm
    widen: _Linear
    narrow: _Linear
    narrow_norm: _Norm

    def __call__(self, hidden: Tensor, texts: int, mask: Tensor | None) -> Tensor:
        rows, width = hidden.shape
        length = rows // texts
        parts = self.project(hidden).view(texts, length, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        attend = self.torch.nn.functional.scaled_dot_product_attention
        mixed = attend(parts[0], parts[1], parts[2], attn_mask=mask).transpose(1, 2).reshape(rows, width)
        hidden = self.attended_norm(self.attended(mixed, hidden))
        wide = self.torch.ops.aten.gelu_(self.widen(hidden))
        return self.narrow_norm(self.narrow(wide, hidden))
