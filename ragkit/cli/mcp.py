"""Serve: ``mcp``."""

from __future__ import annotations

import typer

from ragkit.cli.session import WorkspaceOption

PANEL = "Serve"


def add_to(app: typer.Typer) -> None:
    """Add the verb of this module."""
    app.command(rich_help_panel=PANEL)(mcp)


def mcp(workspace: WorkspaceOption = None) -> None:
    """Give a model's application the tools `search`, `ask` and `get_document` by the Model Context Protocol.

    Speaks over standard input and output, as applications that start their servers expect. Calls run as the workspace's
    owner, or as the key in RAGKIT_API_KEY. `ragkit serve` gives the same tools over HTTP at /mcp.
    """
    from pathlib import Path

    from ragkit.config import find_workspace, load_config
    from ragkit.serve.mcp_stdio import serve_stdio

    serve_stdio(load_config(find_workspace(workspace or Path())))
