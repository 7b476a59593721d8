"""The generated pages: ``docs/cli.md``, ``docs/json.md``, ``docs/configuration.md``, ``docs/connectors.md``.

::

    python -m ragkit.cli.reference docs

Written from the program itself; a test compares them with what is in the repository.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Any

from typer.main import get_command

from ragkit.cli.main import app
from ragkit.cli.shapes import SHAPES, Fields

_CLI_HEAD = """# Command line

| exit status | meaning |
|---|---|
| 0 | done |
| 1 | done, but something needs attention: items set aside, a failed check |
| 2 | refused or failed; the reason and a remedy are on standard error |
| 130 | interrupted |

| environment variable | meaning |
|---|---|
| `RAGKIT_WORKSPACE` | the workspace folder, instead of `--workspace` |
| `RAGKIT_ROOT_KEY` | the root key, with `source = "env"` under `[keys]` |
| `RAGKIT_DEBUG` | `1` shows the trace of an unexpected error, which may hold document text |

What a command prints is masked, except by `reveal` and `ask --reveal`. This page is generated: `make docs`.
"""

_JSON_HEAD = """# JSON output

Every `--json` prints one object whose `"ragkit"` key names its shape and version. A new key is added without notice;
a key that changes or goes raises the version. Text is masked unless said otherwise; offsets are in characters,
half-open. This page is generated: `make docs`.
"""


def cli_reference() -> str:
    """Return ``docs/cli.md``."""
    return _CLI_HEAD + "".join(_verb(path, command) for path, command in _verbs("ragkit", get_command(app)))


def json_reference() -> str:
    """Return ``docs/json.md``: the printed objects first, then those inside them."""
    outer = [_shape(name) for name, shape in SHAPES.items() if shape.verb]
    inner = [_shape(name) for name, shape in SHAPES.items() if not shape.verb]
    return "\n".join([_JSON_HEAD, *outer, "## Objects inside\n", *inner]).rstrip() + "\n"


def pages() -> dict[str, str]:
    """Return every generated page by its file name."""
    from ragkit.cli.connector_reference import connector_reference
    from ragkit.config_reference import configuration_reference

    return {
        "cli.md": cli_reference(),
        "configuration.md": configuration_reference(),
        "connectors.md": connector_reference(),
        "json.md": json_reference(),
    }


def _verbs(path: str, command: Any) -> Iterator[tuple[str, Any]]:
    inner = getattr(command, "commands", None)
    if inner is None:
        yield path, command
        return
    for name in inner:
        yield from _verbs(f"{path} {name}", inner[name])


def _verb(path: str, command: Any) -> str:
    usage = [path]
    rows = []
    for parameter in command.params:
        name, takes = _parameter(parameter)
        if parameter.param_type_name == "argument":
            usage.append(name if parameter.required else f"[{name}]")
        elif parameter.required:
            usage.append(f"{name} {takes}")
        written = _cell(f"{name} {takes}".strip())
        rows.append(f"| `{written}` | {_default(parameter)} | {_cell(parameter.help or '')} |")
    text = f"\n## `{path}`\n\n{(command.help or '').strip()}\n\n```\n{' '.join(usage)} [options]\n```\n"
    return text + ("\n| option | default | meaning |\n|---|---|---|\n" + "\n".join(rows) + "\n" if rows else "")


def _parameter(parameter: Any) -> tuple[str, str]:
    """Return how a parameter is written and what it takes."""
    if parameter.param_type_name == "argument":
        return parameter.name.upper(), ""
    name = ", ".join(sorted(parameter.opts, key=len, reverse=True))
    if parameter.is_flag:
        return name, ""
    annotation = parameter.type_descriptor.annotation
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return name, "|".join(str(member.value) for member in annotation)
    return name, str(parameter.metavar or parameter.name.upper())


def _default(parameter: Any) -> str:
    if parameter.required:
        return "**required**"
    value = parameter.default
    value = getattr(value, "value", value)
    return "" if value in (None, False, "", ()) or callable(value) else f"`{value}`"


def _shape(name: str) -> str:
    shape = SHAPES[name]
    title = f"## `{shape.verb}`" if shape.verb else f"### {name}"
    head: Fields = {"ragkit": ("text", f"`{name}/{shape.version}`")} if shape.verb else {}
    rows = [f"| `{key}` | {kind} | {_cell(meaning)} |" for key, (kind, meaning) in {**head, **shape.fields}.items()]
    return "\n".join([f"{title}\n", shape.about, "", "| key | type | meaning |", "|---|---|---|", *rows, ""])


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


if __name__ == "__main__":
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "docs")
    folder.mkdir(exist_ok=True)
    for page, content in pages().items():
        (folder / page).write_text(content, encoding="utf-8")
