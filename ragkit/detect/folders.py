"""A model's folder on this machine: found without importing a model library, and hashed. Nothing is downloaded."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

from ragkit.errors import ModelError

_PASSING = frozenset({"__pycache__", ".git", ".cache"})


def model_folder(path: str, *, holds: Collection[str], kind: str) -> Path:
    """The folder, if it holds what a model of its kind has.

    Args:
        path: As configured; ``~`` is the home folder.
        holds: Names of files that must be there.
        kind: What the folder should be, for the message.

    Raises:
        ModelError: It does not. The message names no path, since paths may be private.
    """
    folder = Path(path).expanduser()
    missing = [name for name in holds if not (folder / name).is_file()]
    if missing:
        what = "there is no such folder" if not folder.is_dir() else f"the folder has no {', '.join(missing)}"
        raise ModelError(
            f"a detector's model is absent: {what}",
            remedy=f"Give `path` the local folder of {kind}. ragkit downloads nothing.",
        )
    return folder


def refuse_pickles(folder: Path) -> None:
    """Refuse a folder without ``.safetensors``: other formats of weights can run code when they are read.

    Raises:
        ModelError: There is none.
    """
    if not any(folder.glob("*.safetensors")):
        raise ModelError(
            "the model's weights are not in safetensors format",
            remedy="Save it again with `save_pretrained(folder, safe_serialization=True)`.",
        )


def digest(folder: Path, *, suffixes: Collection[str] = ()) -> str:
    """SHA-256 over names and contents of the folder's files; 0.5 s a gigabyte.

    Args:
        folder: The folder.
        suffixes: Only files that end so; none for all.
    """
    total = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder)
        if _PASSING.intersection(relative.parts) or not path.is_file():
            continue
        if suffixes and path.suffix not in suffixes:
            continue
        with path.open("rb") as file:
            content = hashlib.file_digest(file, "sha256").hexdigest()
        total.update(f"{relative.as_posix()}\0{content}\n".encode("utf-8", "surrogateescape"))
    return total.hexdigest()


def read_json(folder: Path, name: str) -> dict[str, Any]:
    """A JSON object of the folder; empty when the file is absent.

    Raises:
        ModelError: It cannot be read.
    """
    try:
        found = json.loads((folder / name).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError):
        found = None
    if not isinstance(found, dict):
        raise ModelError(f"a detector's {name} cannot be read", remedy="Copy the model folder again.")
    return found
