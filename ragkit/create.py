"""Make a workspace: a commented ``ragkit.toml``, a root key outside it, and a private data directory."""

from __future__ import annotations

import getpass
import re
import secrets
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Literal

from ragkit.config import DATA_FOLDER, FILE_NAME, load_config
from ragkit.config_template import render_template
from ragkit.errors import ConfigError, RagkitError
from ragkit.rootkey import create_key_file, key_path

Template = Literal["files", "jsonl"]


@dataclass(frozen=True, slots=True)
class NewWorkspace:
    """Where the configuration and the root key of a new workspace are."""

    config: Path
    key: Path


def create_workspace(
    path: str | PathLike[str], *, source: str | PathLike[str] | None = None, template: Template = "files"
) -> NewWorkspace:
    """Make a workspace in a folder, owned by the local user, who may read and, if the line is uncommented, reveal.

    Args:
        path: The workspace folder; made if absent.
        source: Folder (``files``) or file (``jsonl``) to read; by default ``documents`` in the workspace.
        template: Where documents come from.

    Raises:
        ConfigError: A ``ragkit.toml`` is there already, or the key file cannot be written.
    """
    folder = Path(path).expanduser().absolute()
    file = folder / FILE_NAME
    if file.exists():
        raise ConfigError(
            f"{FILE_NAME} is there already and is not overwritten", remedy="Edit it, or choose another folder."
        )
    folder.mkdir(parents=True, exist_ok=True)
    text = render_template(
        template,
        name=_slug(folder.name),
        workspace_id=secrets.token_hex(8),
        owner=f"local|{_user()}",
        path=_source_path(folder, source, template),
    )
    file.write_text(text, encoding="utf-8")
    try:
        key = key_path(load_config(file))
        create_key_file(key)
    except RagkitError:
        file.unlink()  # half a workspace would refuse the next attempt
        raise
    (folder / DATA_FOLDER).mkdir(mode=0o700, exist_ok=True)
    (folder / DATA_FOLDER).chmod(0o700)
    return NewWorkspace(file, key)


def _source_path(folder: Path, source: str | PathLike[str] | None, template: Template) -> str:
    """Return the source as written in the file: relative inside the workspace, else absolute."""
    if source is None:
        default = folder / ("documents" if template == "files" else "documents.jsonl")
        if template == "files":
            default.mkdir(exist_ok=True)
        return default.name
    wanted = Path(source).expanduser().absolute()
    return str(wanted.relative_to(folder)) if wanted.is_relative_to(folder) else str(wanted)


def _user() -> str:
    """Return the local user's name, fit for an access token."""
    try:
        found = getpass.getuser()
    except (OSError, KeyError):
        found = ""
    return re.sub(r"[|\x00-\x1f]", "", found).strip() or "owner"


def _slug(name: str) -> str:
    slug = re.sub(r"[^a-z0-9_-]+", "-", name.lower()).strip("-_")
    return slug[:63] or "workspace"
