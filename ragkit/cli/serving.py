"""Serve: ``serve``."""

from __future__ import annotations

import typer

from ragkit.cli.session import WorkspaceOption

PANEL = "Serve"


def add_to(app: typer.Typer) -> None:
    """Add the verbs of this module."""
    app.command(rich_help_panel=PANEL)(serve)


def serve(workspace: WorkspaceOption = None) -> None:
    """Answer over HTTP: OpenAI's API, ragkit's own, and the chatbot."""
    from pathlib import Path

    import uvicorn

    from ragkit.config import find_workspace, load_config
    from ragkit.serve.app import create_app
    from ragkit.serve.tenants import open_tenants
    from ragkit.serve.writer import one_writer

    config = load_config(find_workspace(workspace or Path()))
    with open_tenants(config) as tenants, one_writer(tenants):
        uvicorn.run(create_app(tenants), host=config.serve.host, port=config.serve.port, server_header=False)
