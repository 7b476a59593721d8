"""Set up: ``init``, ``config check|show|reference``, ``doctor``, ``models verify``."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ragkit.cli.output import emit, say, table
from ragkit.cli.session import JsonOption, WorkspaceOption, opened
from ragkit.cli.shapes import shaped
from ragkit.errors import ConfigError, RagkitError

if TYPE_CHECKING:
    from ragkit.config import Config

PANEL = "Set up"

config_verbs = typer.Typer(no_args_is_help=True, help="Check and show the configuration.")
models_verbs = typer.Typer(no_args_is_help=True, help="Look after model files.")


class TemplateName(StrEnum):
    """What ``init`` can write."""

    FILES = "files"
    JSONL = "jsonl"


def add_to(app: typer.Typer) -> None:
    """Add the verbs of this module."""
    app.command(rich_help_panel=PANEL)(init)
    config_verbs.command("check")(config_check)
    config_verbs.command("show")(config_show)
    config_verbs.command("reference")(config_reference)
    app.add_typer(config_verbs, name="config", rich_help_panel=PANEL)
    app.command(rich_help_panel=PANEL)(doctor)
    models_verbs.command("verify")(models_verify)
    app.add_typer(models_verbs, name="models", rich_help_panel=PANEL)


def init(
    path: Annotated[Path, typer.Argument(help="The workspace folder; made if absent.")] = Path(),
    template: Annotated[TemplateName, typer.Option(help="Where documents come from.")] = TemplateName.FILES,
    source: Annotated[
        Path | None,
        typer.Option(
            help="Folder (files) or file (jsonl) to read. Default: `documents` in the workspace.", show_default=False
        ),
    ] = None,
) -> None:
    """Make a workspace: a commented ragkit.toml, a key file outside it, and a private data folder."""
    from ragkit.create import create_workspace

    made = create_workspace(path, source=source, template=template.value)
    say(f"Workspace made: {made.config}")
    say(f"Root key made: {made.key}")
    say("Keep a copy of the key elsewhere: without it, nothing can be read again.")
    say("Next: `ragkit sync`, then `ragkit ask`.")


def config_check(workspace: WorkspaceOption = None) -> None:
    """Check ragkit.toml, the root key, and the options of every source and detector. Loads no model."""
    from ragkit.rootkey import load_root_key

    config = _load(workspace)
    load_root_key(config)
    count = _check_sources(config)
    unread = [name for name, one in config.collections.items() if not one.access]
    say(f"ragkit.toml is fine: {len(config.collections)} collections, {count} sources.")
    for name in unread:
        say(f"note: nobody may see collection `{name}`: its access is empty", err=True)


def config_show(workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """Print every setting in force, defaults included. Secrets show as the name of their variable or file."""
    from ragkit.config_reference import settings_in_force

    config = _load(workspace)
    if as_json:
        emit("config", {"settings": config.model_dump(mode="json", exclude_none=True)})
        return
    for key, value in settings_in_force(config):
        say(f"{key} = {value}")


def config_reference() -> None:
    """Print every key with its type, default and meaning, as Markdown."""
    from ragkit.config_reference import configuration_reference

    say(configuration_reference().rstrip())


def doctor(workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """Examine every part and tell what to do about what is wrong. Exit status 1 if something is."""
    _report("doctor", _examine(workspace), as_json=as_json)


def models_verify(workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """Compare the model files with the hashes ragkit was measured with. Works without a workspace, too."""
    from ragkit.config_sections import BUNDLED_MODEL
    from ragkit.models.weights import DEFAULT_MODEL, verify_models

    try:
        config = _load(workspace)
        wanted = config.embedder.model
        model = DEFAULT_MODEL if wanted == BUNDLED_MODEL else str(config.resolve(wanted))
    except ConfigError:
        if workspace is not None:
            raise
        model = DEFAULT_MODEL
    _report("models", [_check(found) for found in verify_models([model])], as_json=as_json)


def _examine(workspace: Path | None) -> list[dict[str, Any]]:
    """Run the checks; a workspace that does not open is itself the finding."""
    try:
        with opened(workspace) as here:
            return [_check(check) for check in here.doctor()]
    except RagkitError as refused:
        return [{"name": "workspace", "ok": False, "detail": str(refused), "remedy": refused.remedy}]


def _check(check: Any) -> dict[str, Any]:
    return {"name": check.name, "ok": check.ok, "detail": check.detail, "remedy": check.remedy}


def _report(shape: str, checks: list[dict[str, Any]], *, as_json: bool) -> None:
    fine = bool(checks) and all(check["ok"] for check in checks)
    if as_json:
        emit(shape, {"ok": fine, "checks": [shaped("check", check) for check in checks]})
    else:
        rows = [("ok" if check["ok"] else "WRONG", check["name"], check["detail"], check["remedy"]) for check in checks]
        table("Checks", ("", "part", "found", "what to do"), rows)
    raise typer.Exit(0 if fine else 1)


def _load(workspace: Path | None) -> Config:
    from ragkit.config import find_workspace, load_config

    return load_config(find_workspace(workspace or Path()))


def _check_sources(config: Config) -> int:
    """Check that every part named exists, may run, and takes the options written; return how many sources there are."""
    from ragkit.build import SUPPLIED
    from ragkit.detect.build import check_detector
    from ragkit.generator_names import check_generator, named_generators
    from ragkit.registry import Registry

    registry = Registry(allow=config.plugins.allow)
    sources = [source for collection in config.collections.values() for source in collection.sources]
    for source in sources:
        registry.check_options("connectors", source.connector, source.options, supplied=SUPPLIED)
    for detector in config.detectors.values():
        check_detector(detector, registry)
    for named in named_generators(config).values():
        check_generator(registry, named)
    files = {"prices.file": config.prices.file, "answers.nli": config.answers.nli}
    files |= {f"destinations.{name}.ca_file": one.ca_file for name, one in config.destinations.items()}
    for key, path in files.items():
        if path is not None and not config.resolve(path).exists():
            raise ConfigError(f"{key} names what is not there", remedy="Correct the path, or leave the key out.")
    return len(sources)
