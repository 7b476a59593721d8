"""Causal language models of ``transformers``: loaded safely and whole, put on a device, sampled from a seed."""

from __future__ import annotations

from pathlib import Path
from threading import Lock
from typing import Any

from ragkit.errors import ModelError
from ragkit.models.processor import multiplies_bf16

_SAMPLING = Lock()
"""torch has one source of randomness for the whole process: two sampled answers take turns, so that seeds hold."""


def load_tokenizer(folder: Path) -> Any:
    """The folder's tokenizer.

    Raises:
        ModelError: It cannot be loaded without running code of the folder.
    """
    from transformers import AutoTokenizer

    try:
        return AutoTokenizer.from_pretrained(str(folder), local_files_only=True, trust_remote_code=False)
    except Exception as bad:  # transformers raises bare kinds, with paths in the message
        raise ModelError(
            f"transformers cannot load the model's tokenizer ({type(bad).__name__})",
            remedy="Use a folder with a tokenizer.json that needs no code of its own.",
        ) from None


def load_model(folder: Path, *, dtype: str, device: str) -> Any:
    """The folder's model on its device, ready to generate.

    Raises:
        ModelError: It cannot be loaded without running code of the folder, or not whole.
    """
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM
    from transformers.utils import logging

    logging.disable_progress_bar()  # a bar for reading weights would stand in the middle of ours
    safe = {"local_files_only": True, "trust_remote_code": False}
    place = _device(device)
    try:
        config = AutoConfig.from_pretrained(str(folder), **safe)
        model, notes = AutoModelForCausalLM.from_pretrained(
            str(folder),
            config=config,
            use_safetensors=True,
            output_loading_info=True,
            dtype=_dtype(dtype, config.dtype, on_processor=place == "cpu"),
            **safe,
        )
        model = model.to(torch.device(place)).eval()
    except Exception as bad:  # likewise
        raise ModelError(
            f"transformers cannot load the configured folder ({type(bad).__name__})",
            remedy="Use a causal language model in safetensors format, without code of its own, that fits the device.",
        ) from None
    if missing := len(notes["missing_keys"]) + len(notes["mismatched_keys"]):
        raise ModelError(
            f"{missing} weights of the language model are missing, and would be random",
            remedy="Copy the model folder again, whole.",
        )
    return model


def _device(wanted: str) -> str:
    import torch

    if wanted != "auto":
        return wanted
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def _dtype(wanted: str, stored: Any, *, on_processor: bool) -> Any:
    import torch

    if wanted != "auto":
        return {"bf16": torch.bfloat16, "fp16": torch.float16, "fp32": torch.float32}[wanted]
    if not on_processor:
        return "auto"
    halves = stored in (torch.bfloat16, torch.float16)
    return torch.bfloat16 if halves and multiplies_bf16() else torch.float32


def settle(model: Any, tokenizer: Any) -> tuple[frozenset[int], dict[str, Any]]:
    """Take the folder's sampling settings out of the way of greedy answers; return the end tokens and the settings."""
    config = model.generation_config
    sampling = {name: getattr(config, name, None) for name in ("top_k", "top_p", "min_p")}
    for name in ("temperature", *sampling):
        setattr(config, name, None)
    config.do_sample = False
    config.max_length = None
    named = [config.eos_token_id, tokenizer.eos_token_id]
    ends = {int(end) for one in named if one is not None for end in (one if isinstance(one, list) else [one])}
    return frozenset(ends), {name: value for name, value in sampling.items() if value is not None}


class Randomness:
    """While inside, torch's randomness starts from a seed; afterwards it goes on as if nothing had been."""

    def __init__(self, seed: int | None, *, sampled: bool) -> None:
        self._seed = seed
        self._sampled = sampled
        self._kept: Any = None

    def __enter__(self) -> None:
        if not self._sampled:
            return
        import torch

        _SAMPLING.acquire()
        if self._seed is not None:
            self._kept = torch.random.fork_rng()
            self._kept.__enter__()
            torch.manual_seed(self._seed)

    def __exit__(self, *_: object) -> None:
        if self._kept is not None:
            self._kept.__exit__(None, None, None)
        if self._sampled:
            _SAMPLING.release()
