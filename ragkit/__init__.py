r"""ragkit answers questions from private documents without giving the documents away.

::

    from ragkit import create_workspace, open_workspace

    create_workspace("handbook", source="documents")   # once; `ragkit init` does the same
    with open_workspace("handbook") as workspace:
        workspace.sync()
        answer = workspace.ask("How long is the warranty?")
        print(answer.text, *answer.citations, sep="\n")

Importing this module is cheap (no numpy, no torch): heavy libraries load when a workspace first needs them.
"""

from __future__ import annotations

from os import PathLike
from typing import TYPE_CHECKING

from ragkit.errors import RagkitError
from ragkit.types import (
    Answer,
    Block,
    Checkpoint,
    Chunk,
    Citation,
    Delete,
    Document,
    Generation,
    GenerationRequest,
    Hit,
    Masked,
    Principal,
    SourceItem,
    Span,
    Upsert,
)

if TYPE_CHECKING:
    from ragkit.create import NewWorkspace, Template
    from ragkit.workspace import Workspace

__version__ = "0.1.0"

__all__ = [
    "Answer",
    "Block",
    "Checkpoint",
    "Chunk",
    "Citation",
    "Delete",
    "Document",
    "Generation",
    "GenerationRequest",
    "Hit",
    "Masked",
    "Principal",
    "RagkitError",
    "SourceItem",
    "Span",
    "Upsert",
    "create_workspace",
    "open_workspace",
]


def create_workspace(
    path: str | PathLike[str], *, source: str | PathLike[str] | None = None, template: Template = "files"
) -> NewWorkspace:
    """Make a workspace in a folder: configuration, root key, data directory. See :mod:`ragkit.create`.

    Raises:
        ConfigError: There is one already, or the key file cannot be written.
    """
    from ragkit.create import create_workspace

    return create_workspace(path, source=source, template=template)


def open_workspace(path: str | PathLike[str] = ".") -> Workspace:
    """Open the workspace in this folder, or in the nearest folder above that has a ``ragkit.toml``.

    Opens files and reads the root key; loads no model. Close it, or use it as a context manager.

    Raises:
        ConfigError: No ``ragkit.toml`` is there, or it is refused.
        KeyMismatch: The root key is not the one this workspace was made with.
    """
    from ragkit.workspace import Workspace

    return Workspace.open(path)
