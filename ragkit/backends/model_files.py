"""A language model's files on this machine, looked at before any library opens them. Nothing is downloaded."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ragkit.errors import ModelError

_NO_DOWNLOAD = "ragkit downloads nothing."
_CONTEXTS = ("max_position_embeddings", "n_positions", "max_seq_len", "max_sequence_length", "seq_length", "n_ctx")


def model_folder(path: str) -> Path:
    """The folder of a causal language model in safetensors format.

    Raises:
        ModelError: It is none; or its weights are pickles, which can run code when they are read; or an adapter, whose
            base would be looked for elsewhere.
    """
    folder = Path(path).expanduser()
    if not folder.is_dir() or not (folder / "config.json").is_file():
        what = "there is no such folder" if not folder.is_dir() else "the folder has no config.json"
        raise ModelError(
            f"a generator's model is absent: {what}",
            remedy=f"Give `path` the local folder of a causal language model. {_NO_DOWNLOAD}",
        )
    if (folder / "adapter_config.json").exists():
        raise ModelError("the folder holds an adapter", remedy="Merge it into its model and save that.")
    if not any(folder.glob("*.safetensors")):
        raise ModelError(
            "the model's weights are not in safetensors format",
            remedy="Save it again with `save_pretrained(folder, safe_serialization=True)`.",
        )
    return folder


def read_config(folder: Path) -> dict[str, Any]:
    """The folder's ``config.json``.

    Raises:
        ModelError: It cannot be read.
    """
    try:
        found = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        found = None
    if not isinstance(found, dict):
        raise ModelError("a generator's config.json cannot be read", remedy="Copy the model folder again.")
    return found


def context_of(config: dict[str, Any]) -> int:
    """How many tokens a model reads and writes together, by its configuration.

    Raises:
        ModelError: It does not say.
    """
    inner = config.get("text_config")
    for part in (config, inner if isinstance(inner, dict) else {}):
        for name in _CONTEXTS:
            if isinstance(part.get(name), int) and part[name] > 0:
                return int(part[name])
    raise ModelError("the model's config.json names no context length", remedy="Write `context_tokens = …`.")
