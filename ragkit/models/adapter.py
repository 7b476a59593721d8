"""Reads a LoRA adapter in PEFT's format and adds it to an encoder's weights, without the ``peft`` package.

An adapted weight is ``W + (alpha / r) B A`` (Hu et al. 2021, https://arxiv.org/abs/2106.09685). The sum is taken
once, at load; afterwards the adapted encoder costs what the plain one costs.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ragkit.errors import ModelError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float32]
    Deltas = Mapping[str, Array]
    """By name of the weight, such as ``encoder.layer.0.output.dense.weight``: what is added to it, same shape."""

_PREFIX = "base_model.model."


def read_deltas(folder: Path) -> Deltas:
    """What an adapter adds to each weight.

    Raises:
        ModelError: The files are absent, malformed, or not a plain LoRA adapter.
    """
    import numpy as np
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        config = json.loads((folder / "adapter_config.json").read_text(encoding="utf-8"))
        tensors = load_file(folder / "adapter_model.safetensors")
        if config["peft_type"] != "LORA" or config.get("use_dora") or config.get("use_rslora"):
            raise ModelError("the adapter is not a plain LoRA adapter", remedy="Train it with benchmarks/detector.")
        scale = np.float32(config["lora_alpha"] / config["r"])
        deltas = {}
        for name, down in tensors.items():
            if not name.endswith(".lora_A.weight"):
                continue
            module = name.removesuffix(".lora_A.weight")
            up = tensors[f"{module}.lora_B.weight"]
            merged = scale * (up.astype(np.float32) @ down.astype(np.float32))
            deltas[f"{module.removeprefix(_PREFIX)}.weight"] = merged
    except (OSError, ValueError, KeyError, SafetensorError) as error:
        raise ModelError("the detector's adapter cannot be read", remedy="Reinstall ragkit.") from error
    return deltas
