"""One more source in ``ragkit.toml``, with everything else in the file as it was, comments and order too.

::

    added = with_source(text, "shop", {"connector": "files", "name": "docs", "path": "docs"})
"""

from __future__ import annotations

import json
import os
import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ragkit.errors import ConfigError

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_HEADER = re.compile(r"\s*\[")
_ASIDE = re.compile(r"\s*(#.*)?")
_NAMED = "Write it by hand: a table `[[collections.{name}.sources]]` at the end of ragkit.toml."


def with_source(text: str, collection: str, source: Mapping[str, Any]) -> str:
    """Return the text of a ``ragkit.toml`` with one more source of a collection.

    It comes behind what the collection has; where that cannot be told, at the end of the file. The result is read
    again, and says what the text said and the source, and nothing else.

    Args:
        text: The file as it is, valid TOML.
        collection: A collection that it has.
        source: The keys of the new source: text, numbers, truth values, lists and flat tables of these.

    Raises:
        ConfigError: The file is written in a way to which nothing can be added.
    """
    wanted = tomllib.loads(text)
    held = wanted.get("collections", {}).get(collection)
    if not isinstance(held, dict):
        raise ConfigError("there is no such collection", remedy="Add it to ragkit.toml first.")
    held["sources"] = [*held.get("sources", []), dict(source)]
    table = "".join(f"{_key(key)} = {toml_value(value)}\n" for key, value in source.items())
    table = f"[[collections.{_key(collection)}.sources]]\n{table}"
    lines = text.splitlines(keepends=True)
    for place in (_behind(lines, collection), len(lines)):
        before, after = "".join(lines[:place]).rstrip("\n"), "".join(lines[place:]).lstrip("\n")
        made = f"{before}\n\n{table}" + (f"\n{after}" if after else "")
        try:
            if tomllib.loads(made) == wanted:
                return made
        except tomllib.TOMLDecodeError:
            continue
    raise ConfigError("nothing can be added to the sources as they are written", remedy=_NAMED.format(name=collection))


def toml_value(value: object) -> str:
    """Return a value as TOML 1.0 writes it on one line.

    Raises:
        TypeError: It is none that can be.
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, str):  # JSON's escapes are TOML's, but for DEL, which JSON leaves as it is
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007F")
    if isinstance(value, Mapping):
        inner = ", ".join(f"{_key(key)} = {toml_value(one)}" for key, one in value.items())
        return f"{{{inner}}}"
    if isinstance(value, Sequence):
        return f"[{', '.join(map(toml_value, value))}]"
    raise TypeError(type(value).__name__)


def read_value(written: str) -> Any:
    """Return what an option's value on the command line means: as in TOML where it is TOML, else the text itself."""
    try:
        found = tomllib.loads(f"value = {written}")
    except tomllib.TOMLDecodeError:
        return written
    value = found.get("value")
    return value if len(found) == 1 and isinstance(value, bool | int | float | str | list | dict) else written


def replace_file(path: Path, old: str, new: str) -> None:
    """Put a text in the place of a file, whole or not at all, with the mode and the owner that it has.

    Raises:
        ConfigError: The file is another than ``old`` meanwhile, or cannot be written.
    """
    real = path.resolve()
    beside = real.with_name(f".{real.name}.{os.getpid()}")
    try:
        if real.read_bytes() != old.encode():
            raise ConfigError(f"{real.name} was changed meanwhile", remedy="Run this again.")
        content, was = new.encode(), real.stat()
        handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "wb") as out:
            if (was.st_uid, was.st_gid) != (
                os.geteuid(),
                os.getegid(),
            ):  # an operator's change stays the service's file
                os.fchown(handle, was.st_uid, was.st_gid)
            os.fchmod(handle, was.st_mode & 0o777)
            out.write(content)
            out.flush()
            os.fsync(out.fileno())
        beside.replace(real)
    except UnicodeEncodeError:
        raise ConfigError("a value is not UTF-8", remedy="Give it in UTF-8.") from None
    except OSError as failed:
        beside.unlink(missing_ok=True)
        raise ConfigError(
            f"{real.name} cannot be written ({type(failed).__name__})", remedy="Check its folder's permissions."
        ) from None


def _behind(lines: Sequence[str], collection: str) -> int:
    """Return the number of the line behind the last table of a collection, comments of the next one not counted."""
    mine = re.compile(rf"\s*\[+\s*collections\s*\.\s*[\"']?{re.escape(collection)}[\"']?\s*[.\]]")
    last = max((number for number, line in enumerate(lines) if mine.match(line)), default=len(lines) - 1)
    end = next((number for number in range(last + 1, len(lines)) if _HEADER.match(lines[number])), len(lines))
    while end < len(lines) and end > last + 1 and _ASIDE.fullmatch(lines[end - 1].rstrip("\n")):
        end -= 1
    return end


def _key(key: str) -> str:
    return key if _BARE.fullmatch(key) else toml_value(key)
