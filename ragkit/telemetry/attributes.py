"""The gate that every attribute passes: a name of the list with a value of its shape, or nothing.

What does not pass is dropped and counted, never sent and never an error: telemetry must not stop an answer.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from threading import Lock
from typing import Any, Final

from ragkit import errors
from ragkit.telemetry.names import ALLOWED

Value = str | bool | int | float | tuple[str, ...]

_ERRORS: Final = frozenset(
    name for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, errors.RagkitError)
) | {"GeneratorExit", "KeyboardInterrupt", "_OTHER"}


def _matches(pattern: str) -> Callable[[Any], bool]:
    compiled = re.compile(pattern)
    return lambda value: isinstance(value, str) and compiled.fullmatch(value) is not None


_SHAPES: Mapping[str, Callable[[Any], bool]] = {
    "number": lambda value: type(value) in (int, float),
    "flag": lambda value: type(value) is bool,
    "name": _matches(r"[a-z0-9][a-z0-9._-]{0,62}"),
    "model": _matches(r"[A-Za-z0-9][A-Za-z0-9._:/@+-]{0,99}"),
    "id": _matches(r"[0-9a-f]{16,64}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"),
    "word": _matches(r"[a-z][a-z0-9]{0,23}([._-][a-z0-9]{1,23}){0,3}"),
    "currency": _matches(r"[A-Z]{3}"),
    "error": lambda value: value in _ERRORS,
}

_lock = Lock()
_dropped: dict[str, int] = {}


def permitted(attributes: Mapping[str, Any]) -> dict[str, Value]:
    """Return the attributes that may leave. ``None`` and empty texts are left out without being counted."""
    kept: dict[str, Value] = {}
    for name, value in attributes.items():
        if value is None or value == "":
            continue
        if _passes(name, value):
            kept[name] = value
        else:
            with _lock:
                _dropped["all"] = _dropped.get("all", 0) + 1
    return kept


def dropped() -> int:
    """Return how many attributes were dropped in this process because they did not pass."""
    return _dropped.get("all", 0)


def error_type(error: BaseException) -> str:
    """Return the class of an error as an attribute; ``_OTHER``, as the conventions say, for one not ragkit's."""
    name = type(error).__name__
    return name if name in _ERRORS else "_OTHER"


def _passes(name: str, value: Any) -> bool:
    shape = ALLOWED.get(name)
    if shape is None:
        return False
    if isinstance(shape, str):
        return _SHAPES[shape](value)
    values = value if isinstance(value, tuple) else (value,)
    return all(isinstance(one, str) and one in shape for one in values)
