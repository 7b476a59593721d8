"""What connectors do alike with text, names of files and sizes."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence

MIB = 1024 * 1024
OPEN_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
"""How a file of a source is opened: for reading, following no link, and not waiting for a pipe."""

_NUMBERED = re.compile(r"#\d+$")


def of_source(access: Sequence[str] | None) -> frozenset[str] | None:
    """The option ``access`` as an item has it: ``None`` takes the collection's."""
    return None if access is None else frozenset(access)


def clean(value: object) -> str:
    """A text as it can be stored and sent, without lone surrogates; empty for what is none."""
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else ""


def readable(name: str) -> str:
    """A file's name as text that can be encoded: bytes that are not UTF-8 become hexadecimal escapes."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def html_page(body: str) -> bytes:
    """A page around what a service tells as HTML."""
    page = f'<!doctype html><html><head><meta charset="utf-8"></head><body>{body}</body></html>'
    return page.encode("utf-8", "replace")


def numbered(identity: str, number: int) -> str:
    """Tell several of one identity apart, and from whatever else there is: ``a#2`` itself is ``a#2#1``."""
    return identity if number == 1 and not _NUMBERED.search(identity) else f"{identity}#{number}"
