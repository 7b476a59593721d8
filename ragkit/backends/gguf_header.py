"""The head of a GGUF file: what it is and how much it reads, known before any library opens it.

Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import IO, Any

from ragkit.errors import ModelError

_MAGIC = b"GGUF"
_VERSIONS = (2, 3)
_NUMBERS = {0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?", 10: "<Q", 11: "<q", 12: "<d"}
_STRING, _ARRAY = 8, 9
_LONGEST = 64 * 2**20
"""Bytes of one string at most; a damaged length would ask for all memory."""


def context_of_gguf(path: str) -> int:
    """How many tokens the model of a GGUF file was trained to read and write together.

    Raises:
        ModelError: There is no such file, or it is no language model in GGUF format, version 2 or 3, little-endian.
    """
    try:
        with Path(path).expanduser().open("rb") as file:
            return _context(file)
    except OSError:
        raise ModelError(
            "a generator's model is absent: there is no such file, or it cannot be read",
            remedy="Give `path` a local GGUF file. ragkit downloads nothing.",
        ) from None
    except (ValueError, EOFError, struct.error):
        raise ModelError(
            "the configured file is no GGUF language model", remedy="Download or convert the file again."
        ) from None


def _context(file: IO[bytes]) -> int:
    if _exactly(file, 4) != _MAGIC or _number(file, 4) not in _VERSIONS or not _number(file, 10):
        raise ValueError
    architecture = ""
    for _ in range(_number(file, 10)):
        key = _string(file)
        value = _value(file, _number(file, 4))
        if key == "general.architecture":
            architecture = str(value)
        elif architecture and key == f"{architecture}.context_length" and isinstance(value, int) and value > 0:
            return value
    raise ValueError


def _value(file: IO[bytes], kind: int) -> Any:
    """One value; of an array nothing, it is passed over."""
    if kind == _STRING:
        return _string(file)
    if kind != _ARRAY:
        return _number(file, kind)
    inner = _number(file, 4)
    count = _number(file, 10)
    if inner in _NUMBERS:
        file.seek(count * struct.calcsize(_NUMBERS[inner]), 1)
    else:
        for _ in range(count):
            _value(file, inner)
    return None


def _number(file: IO[bytes], kind: int) -> Any:
    if kind not in _NUMBERS:
        raise ValueError
    form = _NUMBERS[kind]
    return struct.unpack(form, _exactly(file, struct.calcsize(form)))[0]


def _string(file: IO[bytes]) -> str:
    length = _number(file, 10)
    if length > _LONGEST:
        raise ValueError
    return _exactly(file, length).decode("utf-8", "replace")


def _exactly(file: IO[bytes], count: int) -> bytes:
    data = file.read(count)
    if len(data) < count:
        raise EOFError
    return data
