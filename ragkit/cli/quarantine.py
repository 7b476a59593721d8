"""What was set aside: ``quarantine list``, ``quarantine show``, ``quarantine retry``."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from ragkit.cli.output import emit, say, table
from ragkit.cli.progress import progress_bars
from ragkit.cli.session import CollectionOption, JsonOption, PurposeOption, WorkspaceOption, opened
from ragkit.cli.shapes import shaped
from ragkit.cli.sync_reports import in_counts, say_failures
from ragkit.errors import ConfigError

PANEL = "Index"

quarantine_verbs = typer.Typer(help="Items that could not be read: list them, look at one, try them again.")

SourceOption = Annotated[str | None, typer.Option("--source", help="Only of this source.", show_default=False)]
CodeOption = Annotated[str | None, typer.Option("--code", help="Only those set aside for this.", show_default=False)]


def add_to(app: typer.Typer) -> None:
    """Add the verbs of this module. ``quarantine`` alone is ``quarantine list``, with the same options."""
    quarantine_verbs.callback(invoke_without_command=True)(_alone)
    quarantine_verbs.command("list")(list_quarantined)
    quarantine_verbs.command("show")(show)
    quarantine_verbs.command("retry")(retry)
    app.add_typer(quarantine_verbs, name="quarantine", rich_help_panel=PANEL)


def _alone(
    context: typer.Context,
    collection: CollectionOption = None,
    source: SourceOption = None,
    code: CodeOption = None,
    purpose: PurposeOption = "",
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    if context.invoked_subcommand is None:
        list_quarantined(collection, source, code, purpose, workspace, as_json)
    elif collection or source or code or purpose or as_json or _named(context):
        raise ConfigError("the options come behind the verb", remedy="Write `ragkit quarantine list --json`.")


def _named(context: typer.Context) -> bool:
    """Whether the workspace was named on the command line, and not by its environment variable."""
    source = context.get_parameter_source("workspace")
    return source is not None and source.name == "COMMANDLINE"


def list_quarantined(
    collection: CollectionOption = None,
    source: SourceOption = None,
    code: CodeOption = None,
    purpose: PurposeOption = "",
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the items that were set aside; `ragkit quarantine` alone does, too.

    With `--purpose`, the entitled also see the source's own names of them.
    """
    from ragkit.parse.problems import problem

    with opened(workspace) as here:
        every = here.quarantined(collection=collection, purpose=purpose)
    found = [item for item in every if source in (None, item.source) and code in (None, item.code)]
    if as_json:
        rows = [{**asdict(item), "remedy": problem(item.code).remedy} for item in found]
        emit("quarantine", {"items": [shaped("quarantined", row) for row in rows]})
        return
    shown = [(item.source, item.code, item.native_id or item.doc_id, problem(item.code).remedy) for item in found]
    table(f"{len(found):,} set aside", ("source", "code", "item", "what to do"), shown)


def show(
    document: Annotated[str, typer.Argument(help="Its opaque id, as `quarantine list --json` tells it.")],
    collection: CollectionOption = None,
    purpose: PurposeOption = "",
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show an item that was set aside: why, since when, what to do, and whether an older version of it answers.

    With `--purpose`, the entitled also see the source's own name of it.
    """
    from ragkit.parse.problems import problem

    with opened(workspace) as here:
        (one,) = here.sources.set_aside([document], collection=collection)
        called = here.sources.name(document, collection=one.collection, purpose=purpose) if purpose else None
    why = problem(one.code)
    row = {"source": one.source, "doc_id": one.doc_id, "code": one.code, "native_id": called, "remedy": why.remedy}
    more = {key: getattr(one, key) for key in ("collection", "attempts", "first", "last", "answers")}
    if as_json:
        emit("quarantine_item", {**row, **more, "message": str(why)})
        return
    say(f"{called or one.doc_id}  ({one.collection}/{one.source})")
    say(f"  {one.code}: {why}")
    say(f"  tried {one.attempts} times, first {one.first}, last {one.last}")
    say("  an older version of it answers" if one.answers else "  nothing of it answers")
    say(f"  what to do: {why.remedy}")


def retry(
    documents: Annotated[
        list[str] | None, typer.Argument(help="Their opaque ids; by default all.", show_default=False)
    ] = None,
    code: CodeOption = None,
    source: SourceOption = None,
    collection: CollectionOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Try items again that were set aside: these, or all of a code or of a source. Their sources are synced.

    Exit status 0: none of them is set aside any more; 1: some are; 2: a source could not be read.
    """
    with opened(workspace) as here, progress_bars() as progress:
        done = here.sources.retry(
            tuple(documents or ()), collection=collection, source=source, code=code, progress=progress
        )
    if as_json:
        items = [shaped("retried", asdict(one)) for one in done.items]
        emit("quarantine_retried", {"items": items, "report": in_counts(done.report), "exit_code": done.exit_code})
    elif not done.items:
        say("Nothing is set aside here.")
    else:
        rows = [(f"{one.collection}/{one.source}", one.doc_id, one.before, one.status, one.code) for one in done.items]
        table(f"{len(rows):,} tried again", ("source", "item", "was", "is", "code"), rows)
    say_failures(done.report)
    raise typer.Exit(done.exit_code)
