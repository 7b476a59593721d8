"""Index: ``sync``, ``rebuild``, ``status``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Annotated, Any

import typer

from ragkit.cli.output import emit, say, table
from ragkit.cli.progress import progress_bars
from ragkit.cli.scheduled import Plan, run_schedule
from ragkit.cli.session import CollectionOption, JsonOption, WorkspaceOption, opened
from ragkit.cli.sync_reports import as_object, print_report, say_failures
from ragkit.errors import ConfigError

PANEL = "Index"


def add_to(app: typer.Typer) -> None:
    """Add the verbs of this module."""
    for verb in (sync, rebuild, status):
        app.command(rich_help_panel=PANEL)(verb)


def sync(
    collection: CollectionOption = None,
    source: Annotated[str | None, typer.Option(help="Only this source.", show_default=False)] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Tell what would be done; store nothing.")] = False,
    retry_quarantined: Annotated[
        bool, typer.Option("--retry-quarantined", help="Try items that were set aside again, changed or not.")
    ] = False,
    allow_mass_delete: Annotated[
        bool,
        typer.Option(
            "--allow-mass-delete", help="Delete what is gone at a source even where it is more than `max_delete_share`."
        ),
    ] = False,
    permissions: Annotated[
        bool, typer.Option("--permissions", help="Read again who may see what, and nothing else.")
    ] = False,
    jobs: Annotated[
        int,
        typer.Option("--jobs", min=0, max=8, help="Sources that are read side by side; 0 takes `[sync] parallel`."),
    ] = 0,
    every: Annotated[
        str | None,
        typer.Option(
            "--every", metavar="DURATION", show_default=False,
            help="Go on until stopped: sync every `30s`, `15m`, `2h` or `1d`; a source with its own `every` by that.",
        ),
    ] = None,
    permissions_every: Annotated[
        str | None,
        typer.Option(
            "--permissions-every", metavar="DURATION", show_default=False,
            help="Go on, and read again who may see what so often; a source with its own `permissions_every` by that.",
        ),
    ] = None,
    scheduled: Annotated[
        bool, typer.Option("--scheduled", help="Go on: sync sources that have `every` in ragkit.toml, by that.")
    ] = False,
    watch: Annotated[
        bool, typer.Option("--watch", help="Go on: sync a source on this machine when its files change.")
    ] = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:  # fmt: skip
    """Bring the index in step with the sources.

    Several sources are read side by side; one that cannot be read does not stop the others. Exit status 0: all is
    well; 1: some items were set aside; 2: failed. Can be interrupted and started again.

    With `--every`, `--permissions-every`, `--scheduled` or `--watch` it goes on until Ctrl-C or SIGTERM, prints a line
    for each run, and goes past what fails; its exit status is then the worst of the sources' last runs.
    """
    plan = Plan(every=every, permissions_every=permissions_every, scheduled=scheduled, watch=watch)
    if plan.goes_on and (dry_run or retry_quarantined or allow_mass_delete or permissions):
        raise ConfigError(
            "what is done once does not go with a schedule",
            remedy="Leave out --dry-run, --retry-quarantined, --allow-mass-delete and --permissions, or the schedule.",
        )
    with opened(workspace) as here:
        if plan.goes_on:
            again = partial(here.sync, jobs=jobs)
            raise typer.Exit(run_schedule(here, plan, again, collection=collection, source=source, as_json=as_json))
        with _told_when_stopped(kept=not dry_run), progress_bars() as progress:
            report = here.sync(
                collection=collection,
                source=source,
                dry_run=dry_run,
                retry_quarantined=retry_quarantined,
                allow_mass_delete=allow_mass_delete,
                permissions=permissions,
                jobs=jobs,
                progress=progress,
            )
    if as_json:
        emit("sync", as_object(report))
        say_failures(report)
    else:
        print_report(report)
    raise typer.Exit(report.exit_code)


@contextmanager
def _told_when_stopped(*, kept: bool) -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        say("Stopped. What is done is kept; the same command goes on from there." if kept else "Stopped.", err=True)
        raise


def rebuild(collection: CollectionOption = None, workspace: WorkspaceOption = None) -> None:
    """Build the index again from the record store, without masking or embedding again."""
    with opened(workspace) as here, progress_bars() as progress:
        here.rebuild(collection=collection, progress=progress)
    say("The index is rebuilt.")


def status(workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """Show what the workspace holds."""
    with opened(workspace) as here:
        found = here.status()
    if as_json:
        emit("status", found)
    else:
        _print_status(found)


def _print_status(found: Mapping[str, Any]) -> None:
    """Print scalars as lines and each map of maps as a table with one column an entry."""
    for key, value in found.items():
        label = key.replace("_", " ")
        if isinstance(value, Mapping) and value and all(isinstance(one, Mapping) for one in value.values()):
            inner = list(dict.fromkeys(name for one in value.values() for name in one))
            rows = [(name.replace("_", " "), *(_brief(one.get(name)) for one in value.values())) for name in inner]
            say()
            table(label, ("", *map(str, value)), rows)
        else:
            say(f"{label}: {_brief(value)}")


def _brief(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_brief(inner)}" for key, inner in value.items()) or "none"
    if isinstance(value, list | tuple | set | frozenset):
        return ", ".join(_brief(inner) for inner in value) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,}" if isinstance(value, int) else "none" if value is None else str(value)
