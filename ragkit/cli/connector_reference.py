"""``docs/connectors.md``: what each connector says of itself, and its options."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterator
from importlib import import_module
from typing import Any

from ragkit.registry import BUILT_IN, Entry

_HEAD = """# Connectors

What a source of a collection can be, one `[[collections.NAME.sources]]` each. Besides the options below every source
takes those of [configuration.md](configuration.md#collectionsnamesources): `access`, `trust`, `every` and the like.
`ragkit sources add` writes a source, and `ragkit sources test` tries it. Secrets are references: `{env = "VAR"}` or
`{file = "path"}`. How to write one of your own: [connectors/README.md](../connectors/README.md). This page is
generated: `make docs`.
"""
_ROLE = re.compile(r":(?:mod|class|func|meth|data):`~?([^`]+)`")
_GIVEN = frozenset({"name", "access", "kept", "allow"})


def connector_reference() -> str:
    """Return ``docs/connectors.md``."""
    rows = [entry for entry in BUILT_IN if entry.kind == "connectors"]
    return _HEAD + "".join(f"\n{page}" for page in map(_page, sorted(rows, key=lambda entry: entry.name)))


def _page(entry: Entry) -> str:
    module_name, _, name = entry.target.partition(":")
    module = import_module(module_name)
    parts = [f"## {entry.name}\n"]
    if entry.extra:
        parts.append(f"Needs `pip install 'ragkit[{entry.extra}]'`{_WHEN.get(entry.name, '')}.\n")
    parts.append(_markdown(inspect.cleandoc(module.__doc__ or "")))
    connector = getattr(module, name)
    if table := list(_options(connector)):
        parts += ["", "| option | default | what it is |", "|---|---|---|", *table]
    return "\n".join(parts) + "\n"


_WHEN = {"mailbox": " for IMAP", "sql": " for PostgreSQL"}


def _options(connector: Any) -> Iterator[str]:
    notes = _arguments(inspect.cleandoc(connector.__doc__ or ""))
    for one in inspect.signature(connector).parameters.values():
        if one.name in _GIVEN or one.kind is one.VAR_KEYWORD:
            continue
        shown = "**needed**" if one.default is one.empty else _toml(one.default)
        yield f"| `{one.name}` | {shown} | {notes.get(one.name, '').replace('|', chr(92) + '|')} |"


def _arguments(docstring: str) -> dict[str, str]:
    """The texts under ``Args:``, by name."""
    found: dict[str, str] = {}
    _, _, section = docstring.partition("Args:\n")
    section = re.split(r"\n\S", section, maxsplit=1)[0]
    for match in re.finditer(r"^ {4}(\w+): (.*(?:\n {8,}.*)*)", section, re.M):
        found[match[1]] = " ".join(_inline(match[2]).split())
    return found


def _markdown(text: str) -> str:
    """A docstring's paragraphs, with its literal blocks as TOML."""
    out: list[str] = []
    for paragraph in re.split(r"\n{2,}", text):
        if paragraph.strip() == "::":
            continue
        if all(line.startswith("    ") for line in paragraph.split("\n")):
            out.append("```toml\n" + inspect.cleandoc(paragraph) + "\n```")
        else:
            out.append(_inline(paragraph))
    return "\n\n".join(out)


def _inline(text: str) -> str:
    return _ROLE.sub(r"`\1`", text).replace("``", "`")


def _toml(value: Any) -> str:
    """A default as it would be written; nothing where there is none."""
    if value in (None, "", ()):
        return ""
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"`{json.dumps(list(value) if isinstance(value, tuple | frozenset) else value)}`"
