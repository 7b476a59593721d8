"""Serve: ``serve``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from ragkit.cli.output import emit, say
from ragkit.cli.session import JsonOption, WorkspaceOption

if TYPE_CHECKING:
    from ragkit.config import Config
    from ragkit.serve.running import Service

PANEL = "Serve"


def add_to(app: typer.Typer) -> None:
    """Add the verbs of this module."""
    app.command(rich_help_panel=PANEL)(serve)


def serve(
    workspace: WorkspaceOption = None,
    host: Annotated[
        str | None, typer.Option(help="Address to listen on, instead of [serve] `host`.", show_default=False)
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(
            min=0, max=65_535, help="Port, instead of [serve] `port`; 0 takes a free one.", show_default=False
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Answer over HTTP: OpenAI's API, ragkit's own, and the chatbot.

    Runs until it is told to stop (Ctrl-C, SIGTERM): requests that run may finish within `stop_seconds`; a second signal
    ends it at once. Its log goes to standard error, one JSON object a line, and holds no content. While it runs it is
    the one writer of the workspace: other verbs that write go through it.
    """
    from pathlib import Path

    from ragkit.config import find_workspace, load_config
    from ragkit.models.bert_few import stay
    from ragkit.serve.running import open_service

    stay()
    config = _overridden(load_config(find_workspace(workspace or Path())), host, port)
    with open_service(config) as service, service.log.takes_over(whole_process=True):
        about = _about(service, config)
        service.run(started=lambda: emit("serving", about) if as_json else _print(about))


def _overridden(config: Config, host: str | None, port: int | None) -> Config:
    """The configuration with what the command line says instead; the same rules hold for it."""
    from pydantic import ValidationError

    from ragkit.config_errors import explain
    from ragkit.config_serve import ServeSection

    said = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
    if not said:
        return config
    try:
        section = ServeSection.model_validate({**config.serve.model_dump(exclude_unset=True), **said})
    except ValidationError as refused:
        raise explain(refused, ServeSection) from None
    return config.model_copy(update={"serve": section})


def _about(service: Service, config: Config) -> dict[str, Any]:
    return {
        "url": service.url,
        "workspace": config.workspace.name,
        "tenants": [tenant.name for tenant in service.tenants],
        "authentication": config.serve.authentication,
        "keys": _keys(service),
        "issuers": sorted(config.serve.oidc),
        "pages": ["/chat", "/agent", "/operator"] if any(one.config.chat for one in service.tenants) else [],
        "description": "/openapi.json",
    }


def _keys(service: Service) -> int | None:
    """How many API keys are valid; ``None`` where whoever starts the service may not know, or none was ever made."""
    import time

    from ragkit.errors import RagkitError

    try:
        return sum(key.alive(time.time()) for key in service.tenants.first.workspace.api_keys.list())
    except RagkitError:
        return None


def _print(about: dict[str, Any]) -> None:
    url = about["url"]
    say(f"ragkit serves {', '.join(about['tenants'])} at {url}")
    if about["authentication"] == "unsafe_none":
        say('  callers: anybody on this machine, as the owner (`authentication = "unsafe_none"`)')
        say("warning: whoever reaches this address acts as the owner of the workspace.", err=True)
    else:
        say(f"  callers: {_callers(about)}")
    if about["pages"]:
        say(f"  pages:   {'  '.join(url + page for page in about['pages'])}")
    else:
        say("  pages:   none; a table [chat] in ragkit.toml adds the chatbot, the agents' inbox and the figures")
    say(f"  API:     {url}{about['description']}; OpenAI's clients take {url}/v1")
    say("  stop:    Ctrl-C")


def _callers(about: dict[str, Any]) -> str:
    kinds = []
    if about["keys"]:
        kinds.append(f"{about['keys']} API key{'s' if about['keys'] > 1 else ''}")
    if about["issuers"]:
        kinds.append(f"tokens of {', '.join(about['issuers'])}")
    return " and ".join(kinds) if kinds else "nobody yet: make a key with `ragkit keys create`"
