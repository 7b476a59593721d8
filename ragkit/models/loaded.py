"""Which models this process has loaded, and the hashes of their weights, for the event log.

::

    note_loaded("generator", model="local", weights=[folder / "model.safetensors"])

Weights are hashed in a thread of their own, since a model of gigabytes takes seconds and its first answer does, too.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock, Thread


@dataclass(frozen=True, slots=True)
class Loaded:
    """A model that was loaded.

    Attributes:
        part: ``embedder``, ``detector``, ``entailment`` or ``generator``.
        model: Its name; ``local`` for a folder, whose path may be private.
        hash: ``sha256:`` of its weights, or of what stands for them; may still be under way.
        dimension: Of an embedder; 0 otherwise.
    """

    part: str
    model: str
    hash: Future[str] = field(repr=False)
    dimension: int = 0


_lock = Lock()
_loaded: dict[tuple[str, ...], Loaded] = {}
_all: list[Loaded] = []


def loaded() -> Sequence[Loaded]:
    """Return every model loaded so far, oldest first; the list only grows."""
    return _all


def note_loaded(part: str, *, model: str, digest: str = "", weights: Sequence[Path] = (), dimension: int = 0) -> None:
    """Note that a model was loaded; the same one counts once.

    Args:
        part: What it is for.
        model: Its name.
        digest: SHA-256 in hexadecimal, where it is known; any other fingerprint is hashed.
        weights: Files to hash otherwise; one file has its own hash, several that of their hashes.
        dimension: Of an embedder.
    """
    key = (part, model, digest, *(_identity(path) for path in weights))
    with _lock:
        if key in _loaded:
            return
        made: Future[str] = Future()
        _loaded[key] = one = Loaded(part, model, made, dimension)
        _all.append(one)
    if not weights:
        whole = len(digest) == 64 and set(digest) <= set("0123456789abcdef")
        made.set_result("sha256:" + (digest if whole else hashlib.sha256(digest.encode()).hexdigest()))
        return
    Thread(target=_hash, args=(made, list(weights)), name="ragkit-hash-model", daemon=True).start()


def _identity(path: Path) -> str:
    found = path.stat()
    return f"{path}|{found.st_ino}|{found.st_size}|{found.st_mtime_ns}"


def _hash(made: Future[str], weights: Sequence[Path]) -> None:
    try:
        hashes = []
        for path in sorted(weights):
            with path.open("rb") as file:
                hashes.append(hashlib.file_digest(file, "sha256").hexdigest())
        whole = hashes[0] if len(hashes) == 1 else hashlib.sha256("".join(hashes).encode()).hexdigest()
        made.set_result(f"sha256:{whole}")
    except OSError as failed:
        made.set_exception(failed)


def _forget() -> None:
    """A forked child has the models, but no thread that hashes: what is not done is left out there."""
    global _lock
    _lock = Lock()
    _all[:] = [one for one in _all if one.hash.done()]


os.register_at_fork(after_in_child=_forget)
