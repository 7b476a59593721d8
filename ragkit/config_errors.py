"""Turns what pydantic found wrong with ``ragkit.toml`` into one error that tells the reader what to write.

Values never enter a message: they may be secrets. Only the path of the key and the rule it broke do.
"""

from __future__ import annotations

import types
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from ragkit.errors import ConfigError, UnknownKey

Loc = Sequence[str | int]

_SHOWN = 5


def explain(error: ValidationError, model: type[BaseModel]) -> ConfigError:
    """Return the error to raise for ``error``, found while reading a ``model``.

    An unknown key comes first, since a misspelt key often explains the rest.
    """
    details = error.errors(include_url=False, include_input=False)
    for detail in details:
        if detail["type"] == "extra_forbidden":
            return _unknown_key(detail["loc"], model)
    lines = [f"{key_path(detail['loc'])}: {_sentence(detail)}".removeprefix(": ") for detail in details[:_SHOWN]]
    if len(details) > _SHOWN:
        lines.append(f"and {len(details) - _SHOWN} more")
    remedy = next((str(d["ctx"]["remedy"]) for d in details if "remedy" in d.get("ctx", {})), "")
    return ConfigError("ragkit.toml is refused: " + "; ".join(lines), remedy=remedy or _plain_remedy(details[0]))


def key_path(loc: Loc) -> str:
    """Write a location the way TOML readers think of it: ``collections.care.sources[0].name``."""
    path = ""
    for part in loc:
        if isinstance(part, int):
            path += f"[{part}]"
        elif part != "[key]":
            path += f".{part}" if path else part
    return path


def nearest(word: str, known: Sequence[str]) -> str | None:
    """Return the known word most like ``word``, or nothing if none is."""
    close = get_close_matches(word.lower(), known, n=1, cutoff=0.6)
    return close[0] if close else None


def fields_at(model: type[BaseModel], loc: Loc) -> list[str]:
    """Return the keys allowed at ``loc``, by walking the model's annotations."""
    here: Any = model
    for part in loc:
        here = _step(here, part)
    found = _model_in(here)
    return [field.alias or name for name, field in found.model_fields.items()] if found else []


def _unknown_key(loc: Loc, model: type[BaseModel]) -> UnknownKey:
    known = fields_at(model, loc[:-1])
    guess = nearest(str(loc[-1]), known) or _elsewhere(str(loc[-1]), model)
    parent = key_path(loc[:-1]) if len(loc) > 1 else ""
    message = f"ragkit.toml has a key that nobody reads: {key_path(loc)}"
    if guess:
        right = guess if "." in guess or not parent else f"{parent}.{guess}"
        return UnknownKey(message, remedy=f"Did you mean `{right}`? Rename it.")
    return UnknownKey(message, remedy=f"Remove it. Keys known here: {', '.join(sorted(known)) or 'none'}.")


def _elsewhere(word: str, model: type[BaseModel]) -> str | None:
    """Find the same key in another section, as when ``threads`` stands outside ``[embedder]``."""
    for section, field in model.model_fields.items():
        inner = _model_in(field.annotation)
        if inner and word in inner.model_fields:
            return f"{section}.{word}"
    return None


def _step(annotation: Any, part: str | int) -> Any:
    found = _model_in(annotation)
    if found and isinstance(part, str) and part in found.model_fields:
        return found.model_fields[part].annotation
    if get_origin(annotation) in (Union, types.UnionType):
        return next((arg for arg in get_args(annotation) if get_origin(arg) or _model_in(arg)), None)
    arguments = get_args(annotation)
    if get_origin(annotation) in (dict, Mapping):
        return arguments[-1]
    return arguments[0] if arguments else None


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    if get_origin(annotation) in (Union, types.UnionType):
        return next((found for arg in get_args(annotation) if (found := _model_in(arg))), None)
    return None


def _sentence(detail: ErrorDetails) -> str:
    message = str(detail["msg"]).removeprefix("Value error, ").removeprefix("Assertion failed, ")
    if detail["type"] == "missing":
        return "is missing"
    return message[:1].lower() + message[1:]


def _plain_remedy(detail: ErrorDetails) -> str:
    if detail["type"] == "missing":
        return f"Write `{detail['loc'][-1]} = …` there; `ragkit config reference` tells what it means."
    return "Correct it; `ragkit config reference` lists every key with its type."
