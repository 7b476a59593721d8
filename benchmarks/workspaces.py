"""Makes ragkit workspaces for measurements: a folder, a configuration, a key in the environment."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Mapping
from pathlib import Path

from ragkit import open_workspace
from ragkit.workspace import Workspace

KEY_VARIABLE = "RAGKIT_ROOT_KEY"

_HEAD = """\
[workspace]
name = "bench"
owner = "local|bench"
language = "en"

[keys]
source = "env"
variable = "RAGKIT_ROOT_KEY"

[policies.unmasked]
unsafe_mask_nothing = true
entities = {{}}
{extra}
"""
_COLLECTION = """
[collections.{name}]
data_class = "internal"
access = ["u:local|bench"]
reveal = ["u:local|bench"]
language = {language}
{policy}
[[collections.{name}.sources]]
connector = {connector}
name = "docs"
path = {path}
"""


def make_workspace(
    folder: Path,
    sources: Mapping[str, Path],
    *,
    masking: bool = True,
    languages: Mapping[str, str] | None = None,
    policy: str = "",
    extra: str = "",
) -> Path:
    """Write a workspace with one collection a source, and put its key into this process's environment.

    Args:
        folder: Where to write it.
        sources: Path by collection name: a folder of files, or a JSON-lines file.
        masking: The default policy, or none at all.
        languages: Language by collection name, two letters; English where none is given.
        policy: Name of a policy given in ``extra``.
        extra: More of ``ragkit.toml``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    chosen = policy or ("" if masking else "unmasked")
    text = _HEAD.format(extra=extra)
    for name, path in sources.items():
        text += _COLLECTION.format(
            name=name,
            language=json.dumps((languages or {}).get(name, "en")),
            policy=f'policy = "{chosen}"\n' if chosen else "",
            connector=json.dumps("files" if path.is_dir() else "jsonl"),
            path=json.dumps(str(path.resolve())),
        )
    (folder / "ragkit.toml").write_text(text)
    os.environ.setdefault(KEY_VARIABLE, base64.b64encode(os.urandom(32)).decode())
    return folder


def synced(folder: Path) -> Workspace:
    """Open a workspace and bring it in step with its sources."""
    workspace = open_workspace(folder)
    workspace.sync()
    return workspace
