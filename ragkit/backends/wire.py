"""JSON to and from model servers: written as it will be scanned, read with nothing taken on trust."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, NoReturn

from ragkit.errors import ConfigError, GeneratorGarbled

_LONE = re.compile("[\ud800-\udfff]")
_MODEL_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@+-]{0,99}")
_KEY = re.compile(r"[!-~]{1,4096}")


def encode(body: Mapping[str, Any]) -> bytes:
    """Return a request's body; text stays text, so that the gateway scans what will be read at the other end."""
    return json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode("utf-8", "replace")


def decode(raw: bytes | str) -> dict[str, Any]:
    """Return the JSON object of a reply.

    Raises:
        GeneratorGarbled: It is none: not JSON, not an object, or with NaN in it.
    """
    try:
        found = json.loads(raw, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):  # JSONDecodeError, UnicodeDecodeError and endless numbers are ValueErrors
        found = None
    if not isinstance(found, dict):
        raise garbled("the reply is not a JSON object")
    return found


def _refuse_constant(_: str) -> NoReturn:
    raise ValueError


def garbled(message: str, *, code: str = "garbled") -> GeneratorGarbled:
    """Return the error for a reply that is not what its API promises."""
    return GeneratorGarbled(
        message, code=code, remedy="Check that the URL is the API's root, and look into the server's own log."
    )


def entry(found: Any, *path: str | int) -> Any:
    """Return what stands at a path of keys and positions, ``None`` where anything on the way is something else."""
    for step in path:
        if isinstance(step, str):
            found = found.get(step) if isinstance(found, dict) else None
        else:
            found = found[step] if isinstance(found, list) and len(found) > step else None
    return found


def whole_number(found: Any) -> int | None:
    """Return a count as a server gives it, ``None`` for anything else."""
    return found if isinstance(found, int) and not isinstance(found, bool) and 0 <= found < 10**12 else None


def model_name(found: Any, *, otherwise: str) -> str:
    """Return a model's name as a server gives it: of a path the last part; ``unnamed`` for what is no plain name.

    Events keep it, so it must not be able to hold text.
    """
    if not found:
        return otherwise
    name = found.rpartition("/")[2] if isinstance(found, str) and found.startswith("/") else found
    return name if isinstance(name, str) and _MODEL_NAME.fullmatch(name) else "unnamed"


def without_halves(text: str) -> str:
    """Return ``text`` with lone surrogates and NUL replaced, which neither UTF-8 nor databases take."""
    return _LONE.sub("\ufffd", text).replace("\x00", "\ufffd")


def checked_key(key: str | None) -> str | None:
    """Return a key as it fits into a header.

    Raises:
        ConfigError: It has blanks, line ends or letters that no key has.
    """
    if key is None:
        return None
    if not _KEY.fullmatch(key.strip()):
        raise ConfigError("a key is not one line of printable ASCII", remedy="Check the secret's variable or file.")
    return key.strip()
