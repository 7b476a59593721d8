"""Printing: masked text to the terminal without its control characters, JSON in its documented shape, tables.

Nothing from a document goes through rich markup (``[PERSON:…]`` would be taken for a style) or reaches a terminal with
escape sequences in it (they can rewrite what was shown before; OWASP LLM05, improper output handling).
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import typer

from ragkit.cli.shapes import shaped
from ragkit.errors import ConfigError

if TYPE_CHECKING:
    from rich.console import Console

_CONTROL = {code: "\N{REPLACEMENT CHARACTER}" for code in (*range(32), *range(127, 160)) if code not in (9, 10)}
_BIDI = dict.fromkeys((0x061C, *range(0x200E, 0x2010), *range(0x202A, 0x202F), *range(0x2066, 0x206A)))
_UNSAFE = {**_CONTROL, **_BIDI}
_UNBROKEN = 10_000


def harmless(text: str) -> str:
    """Return ``text`` without control characters other than tab and line feed, and without direction overrides."""
    return text.translate(_UNSAFE)


def say(text: str = "", *, err: bool = False) -> None:
    """Print text that may come from a document."""
    typer.echo(harmless(text).encode("utf-8", "backslashreplace"), err=err)


def write_exactly(text: str) -> None:
    """Print text unchanged for a pipe or file, harmless for a terminal, without a line end of ours."""
    shown = harmless(text) if sys.stdout.isatty() else text
    typer.echo(shown.encode("utf-8", "backslashreplace"), nl=False)


def emit(name: str, payload: Mapping[str, Any]) -> None:
    """Print the JSON object of this shape. A lone surrogate becomes its JSON escape."""
    text = json.dumps(shaped(name, payload), ensure_ascii=False, indent=2)
    typer.echo(text.encode("utf-8", "backslashreplace"))


def json_line(name: str, payload: Mapping[str, Any]) -> bytes:
    """Return the JSON object of this shape as one line."""
    text = json.dumps(shaped(name, payload), ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "backslashreplace") + b"\n"


def private_file(path: Path) -> BinaryIO:
    """Open a file for writing that only its owner may read, also if it was there already.

    Raises:
        ConfigError: It cannot be opened.
    """
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    except OSError as failed:
        raise ConfigError(
            f"the file cannot be written ({type(failed).__name__})", remedy="Name a file in a folder that is writable."
        ) from None
    os.fchmod(handle, 0o600)
    return os.fdopen(handle, "wb")


def console(*, err: bool = False) -> Console:
    """Return a rich console without markup or highlighting. Where nobody looks, no line is broken."""
    from rich.console import Console

    made = Console(stderr=err, markup=False, highlight=False, emoji=False)
    if not made.is_terminal and "COLUMNS" not in os.environ:
        made.width = _UNBROKEN
    return made


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a small table; numbers to the right, cells harmless."""
    from rich.table import Table
    from rich.text import Text

    body = [[*row] for row in rows]
    drawn = Table(box=None, pad_edge=False)
    for place, column in enumerate(columns):
        numeric = bool(body) and all(isinstance(row[place], int | float) for row in body)
        drawn.add_column(Text(column), justify="right" if numeric else "left", overflow="fold")
    for row in body:
        drawn.add_row(*(Text(harmless(_cell(value))) for value in row))
    console().print(Text(title, style="bold"))  # not the table's own, which is broken at the table's width
    console().print(drawn)


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.3f}"
    if isinstance(value, int):
        return f"{value:,}"
    return "" if value is None else str(value)
