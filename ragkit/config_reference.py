"""The configuration as text: the reference of all keys (``docs/configuration.md``) and the settings in force.

Both are generated from the models, so they cannot differ from what is read.
"""

from __future__ import annotations

import json
import re
import types
from collections.abc import Iterator, Mapping
from enum import Enum
from inspect import cleandoc, getdoc
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from ragkit.config import Config

_HEAD = """# Configuration

One file, `ragkit.toml`, in the workspace folder; `ragkit init` writes one with comments. Unknown keys are refused.
Relative paths count from the folder of `ragkit.toml`. A secret is never written here: write `{env = "VAR"}` or
`{file = "path"}` (a file of mode 0600). `ragkit config check` checks the file, `ragkit config show` prints every
setting in force. This page is generated: `ragkit config reference`.
"""

_SIMPLE = {str: "text", int: "whole number", float: "number", bool: "true or false", Path: "path"}


def configuration_reference() -> str:
    """Return ``docs/configuration.md``."""
    parts = [_HEAD]
    for path, model in _tables(Config, ""):
        parts.append(f"## `{path}`\n\n{_first_sentence(model)}\n")
        parts.append("| key | type | default | meaning |\n|---|---|---|---|")
        notes = _attribute_notes(model)
        for name, field in model.model_fields.items():
            if not _table_in(field.annotation):
                parts.append(_row(name, field, notes))
        parts.append("")
    return "\n".join(parts).rstrip() + "\n"


def settings_in_force(config: Config) -> list[tuple[str, str]]:
    """Return every setting as ``(dotted key, TOML value)``, defaults included; joined by ``=`` it is valid TOML.

    Secrets show as the name of their variable or file.
    """
    return list(_flatten("", config.model_dump(mode="json", exclude_none=True)))


def _tables(model: type[BaseModel], path: str) -> Iterator[tuple[str, type[BaseModel]]]:
    """Yield every table with the header a reader writes, in the order of the models."""
    if path:
        yield path, model
    inner = path.strip("[]")
    for name, field in model.model_fields.items():
        found = _table_in(field.annotation)
        if found is None:
            continue
        table, kind = found
        below = f"{inner}.{name}" if inner else name
        header = {"one": f"[{below}]", "named": f"[{below}.NAME]", "list": f"[[{below}]]"}[kind]
        yield from _tables(table, header)


def _table_in(annotation: Any) -> tuple[type[BaseModel], Literal["one", "named", "list"]] | None:
    """Return the model that ``annotation`` holds: one of it, a map of it by name, or a list of it."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation, "one"
    if not arguments:
        return None
    if origin in (Union, types.UnionType):
        return next((table for one in arguments if (table := _table_in(one))), None)
    last = arguments[-1] if origin in (dict, Mapping) else arguments[0]
    if not (isinstance(last, type) and issubclass(last, BaseModel)):
        return None
    return last, "named" if origin in (dict, Mapping) else "list"


def _row(name: str, field: FieldInfo, notes: Mapping[str, str]) -> str:
    default = "**required**" if field.is_required() else f"`{_toml(_default(field))}`"
    if not field.is_required() and _default(field) is None:
        default = ""
    meaning = (field.description or notes.get(name, "")).replace("|", "\\|")
    return f"| `{name}` | {_type_name(field.annotation)} | {default} | {meaning} |"


def _default(field: FieldInfo) -> Any:
    value = field.get_default(call_default_factory=True, validated_data={})
    return list(value) if isinstance(value, tuple) else value


def _type_name(annotation: Any) -> str:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return ", ".join(f"`{word}`" for word in arguments)
    if origin is Annotated:
        return _type_name(arguments[0])
    if origin in (Union, types.UnionType):
        return " or ".join(_type_name(arg) for arg in arguments if arg is not type(None))
    if origin in (tuple, list):
        return f"list of {_type_name(arguments[0])}"
    if origin in (dict, Mapping):
        return f"table of {_type_name(arguments[-1])}"
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return ", ".join(f"`{member.value}`" for member in annotation)
    return _SIMPLE.get(annotation, "text")


def _first_sentence(model: type[BaseModel]) -> str:
    paragraph = (getdoc(model) or "").split("\n\n")[0].replace("\n", " ")
    return paragraph.replace("``", "`")


def _attribute_notes(model: type[BaseModel]) -> dict[str, str]:
    """Read the ``Attributes:`` part of the docstrings, where a model and those it extends describe their fields."""
    notes: dict[str, str] = {}
    for part in reversed(model.__mro__):
        _, _, block = (cleandoc(part.__doc__ or "")).partition("Attributes:\n")
        found = re.findall(r"^ {4}(\w+): (.*(?:\n {8}.*)*)", block, flags=re.MULTILINE)
        notes |= {name: re.sub(r"\s+", " ", text).replace("``", "`") for name, text in found}
    return notes


def _flatten(prefix: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping) and prefix.count(".") < 6 and value:
        for key, inner in value.items():
            yield from _flatten(f"{prefix}.{_key(key)}" if prefix else _key(key), inner)
    else:
        yield prefix, _toml(value)


def _key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else json.dumps(key, ensure_ascii=False)


def _toml(value: Any) -> str:
    """Write a value as TOML; JSON's strings, numbers and booleans are TOML's."""
    if isinstance(value, BaseModel):
        value = value.model_dump(mode="json", exclude_none=True)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_key(key)} = {_toml(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_toml(inner) for inner in value) + "]"
    return json.dumps(value, ensure_ascii=False)
