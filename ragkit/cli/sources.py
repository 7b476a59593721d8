"""Where the documents come from: ``sources list``, ``sources test``, ``sources add``, and ``diff``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ragkit.cli.output import emit, say, table
from ragkit.cli.progress import progress_bars
from ragkit.cli.session import CollectionOption, JsonOption, PurposeOption, WorkspaceOption, opened
from ragkit.cli.shapes import SHAPES, shaped
from ragkit.errors import ConfigError, SourceError

if TYPE_CHECKING:
    from ragkit.source_views import SourceDiff, Tested

PANEL = "Index"

sources_verbs = typer.Typer(no_args_is_help=True, help="List, test and add the places that documents come from.")

_LISTED = ("connector", "trust", "documents", "quarantined", "state")
_DIFFERING = ("added", "updated", "renamed", "access_changed", "deleted", "unchanged")


def add_to(app: typer.Typer) -> None:
    """Add the verbs of this module."""
    sources_verbs.command("list")(list_sources)
    sources_verbs.command("test")(try_sources)
    sources_verbs.command("add")(add)
    app.add_typer(sources_verbs, name="sources", rich_help_panel=PANEL)
    app.command(rich_help_panel=PANEL)(diff)


def list_sources(
    collection: CollectionOption = None, workspace: WorkspaceOption = None, as_json: JsonOption = False
) -> None:
    """List the sources, with what is held of each and when it was last synced. Reads nothing of them."""
    with opened(workspace) as here:
        found = here.sources.list(collection=collection)
    if as_json:
        emit("sources", {"sources": [shaped("source", asdict(one)) for one in found]})
        return
    if not found:
        say("There are no sources yet: `ragkit sources add` adds one.")
        return
    columns = ("source", "connector", "trust", "documents", "set aside", "state", "last sync", "every")
    rows = [
        (
            f"{one.collection}/{one.source}",
            *(getattr(one, key) for key in _LISTED),
            (one.last or "").replace("T", " ")[:16],
            one.every or "",
        )
        for one in found
    ]
    table("Sources", columns, rows)
    if any(one.state == "dropped" for one in found):
        say("\ndropped: ragkit.toml names it no more, and its documents still answer. `ragkit sync` tells what to do.")


def try_sources(
    source: Annotated[str | None, typer.Argument(help="Only sources of this name.", show_default=False)] = None,
    collection: CollectionOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Try whether the sources can be read. Takes nothing in, and shows no names of what is there.

    Exit status 0: all can; 1: one cannot be read; 2: one cannot be tried, such as for want of a package or a secret.
    """
    with opened(workspace) as here:
        found = here.sources.test(collection=collection, source=source)
    if as_json:
        emit("source_tests", {"sources": [_tested(one) for one in found]})
    else:
        for one in found:
            _say(one)
    raise typer.Exit(max((one.exit_code for one in found), default=0))


def add(
    connector: Annotated[str, typer.Argument(help="How it is read, such as `files`, `mailbox`, `sql`.")],
    name: Annotated[str, typer.Argument(help="Its name, new in its collection.")],
    option: Annotated[
        list[str] | None,
        typer.Option("--option", "-o", help="`key=value` for the connector, the value as in TOML; again for more."),
    ] = None,
    secret: Annotated[
        list[str] | None,
        typer.Option("--secret", help="`key=env:VARIABLE` or `key=file:PATH`; the secret itself is written nowhere."),
    ] = None,
    access: Annotated[
        list[str] | None, typer.Option("--access", help="Who may see what says nothing of it; again for more.")
    ] = None,
    trust: Annotated[
        str | None, typer.Option("--trust", help="`trusted`, `internal` or `external`.", show_default=False)
    ] = None,
    every: Annotated[
        str | None,
        typer.Option("--every", metavar="DURATION", help="How often `sync --scheduled` syncs it.", show_default=False),
    ] = None,
    no_test: Annotated[bool, typer.Option("--no-test", help="Add it untried.")] = False,
    collection: CollectionOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Add a source to `ragkit.toml`, tried first; the rest of the file stays as it is, comments too.

    A service that runs must be started again to see it. `ragkit sync` takes it in.
    """
    from ragkit.config import FILE_NAME, find_workspace, load_config, parse_config, read_toml
    from ragkit.config_adding import replace_file, with_source
    from ragkit.trying import check_options, try_source

    folder = find_workspace(workspace or Path())
    config, file = load_config(folder), folder / FILE_NAME
    names = list(config.collections)
    if collection is None and len(names) > 1:
        raise ConfigError("there are several collections", remedy=f"Name one with `--collection`: {', '.join(names)}.")
    into = collection or names[0]
    table_of = {"connector": connector, "name": name, **_options(option or []), **_secrets(secret or [])}
    table_of |= {key: value for key, value in (("access", access), ("trust", trust), ("every", every)) if value}
    before = file.read_bytes().decode()  # line ends as they are
    after = with_source(before, into, table_of)
    config = parse_config(read_toml(after), folder=folder)
    section = config.collections[into].sources[-1]
    check_options(config, section)
    tried = None if no_test else try_source(config, into, section)
    if tried is not None and tried.outcome != "ok":
        raise SourceError(
            f"it was not added: {tried.detail}", remedy=f"{tried.remedy} `--no-test` adds it all the same.".strip()
        )
    replace_file(file, before, after)
    if as_json:
        seen = tried.detail if tried else None
        emit("source_added", {"collection": into, "source": name, "connector": connector, "tested": seen})
        return
    say(f"{into}/{name} is added{f' ({tried.detail})' if tried else ', untried'}; `ragkit sync` takes it in.")


def diff(
    collection: CollectionOption = None,
    source: Annotated[str | None, typer.Option("--source", help="Only this source.", show_default=False)] = None,
    limit: Annotated[int, typer.Option("--limit", min=0, max=10_000, help="Items named of a source, at most.")] = 50,
    purpose: PurposeOption = "",
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Tell what a sync would do, by source. Parses, masks and stores nothing, and waits for no other writer.

    With `--purpose`, the entitled also see the sources' own names of the items.
    """
    with opened(workspace) as here, progress_bars() as progress:
        found = here.sources.diff(collection=collection, source=source, purpose=purpose, limit=limit, progress=progress)
    if as_json:
        emit("diff", {"sources": [_diff(one) for one in found]})
    else:
        _print_diff(found, named=bool(purpose))
    raise typer.Exit(2 if any(one.report.failed for one in found) else 0)


def _diff(one: SourceDiff) -> dict[str, Any]:
    fields = SHAPES["source_diff"].fields
    row = {key: getattr(one.report, key) for key in fields if key not in ("stopped", "differences")}
    differences = [shaped("difference", asdict(item)) for item in one.differences]
    return shaped("source_diff", {**row, "stopped": one.stopped, "differences": differences})


def _print_diff(found: Sequence[SourceDiff], *, named: bool) -> None:
    rows = [
        (f"{one.report.collection}/{one.report.source}", *(getattr(one.report, key) for key in _DIFFERING))
        for one in found
        if not one.report.failed
    ]
    columns = ("source", *(key.replace("_", " ") for key in _DIFFERING))
    table("A sync would do (nothing was stored)", columns, rows)
    for one in found:
        place = f"{one.report.collection}/{one.report.source}"
        if one.report.failed:
            say(f"failed: {place}: {one.report.message}", err=True)
            say(f"  try: {one.report.remedy}", err=True)
        if one.stopped:
            say(f"{place}: so much is gone that a sync would be stopped; `--allow-mass-delete` lets it pass once.")
        for item in one.differences if named else ():
            to = f" → {item.to}" if item.to else ""
            say(f"  {item.kind.replace('_', ' ')}: {place}: {item.name or item.doc_id}{to}")


def _tested(one: Tested) -> dict[str, Any]:
    return shaped("source_test", {**asdict(one), "seconds": round(one.seconds, 3)})


def _say(one: Tested) -> None:
    say(f"{'ok' if one.outcome == 'ok' else one.outcome:<10} {one.collection}/{one.source}: {one.detail}")
    if one.remedy:
        say(f"  try: {one.remedy}")


def _options(given: list[str]) -> dict[str, Any]:
    from ragkit.config_adding import read_value

    return {key: read_value(value) for key, value in _pairs(given, "--option key=value").items()}


def _secrets(given: list[str]) -> dict[str, dict[str, str]]:
    found = {}
    for key, written in _pairs(given, "--secret key=env:VARIABLE").items():
        kind, _, value = written.partition(":")
        if kind not in ("env", "file") or not value:
            raise ConfigError(
                f"the secret {key!r} does not say where it is",
                remedy=f"Write `--secret {key}=env:VARIABLE` or `--secret {key}=file:PATH`.",
            )
        found[key] = {kind: value}
    return found


def _pairs(given: list[str], form: str) -> dict[str, str]:
    if not all(one.partition("=")[0].strip() and "=" in one for one in given):
        raise ConfigError("an option needs a key and a value", remedy=f"Write `{form}`.")
    return {one.partition("=")[0].strip(): one.partition("=")[2] for one in given}
