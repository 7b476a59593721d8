"""Index: ``remask``: what a change of policy or detectors changes, and doing it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

import typer

from ragkit.cli.indexing import PANEL
from ragkit.cli.output import emit, say, table
from ragkit.cli.progress import progress_bars
from ragkit.cli.session import CollectionOption, JsonOption, WorkspaceOption, opened
from ragkit.cli.shapes import SHAPES

if TYPE_CHECKING:
    from ragkit.lifecycle.remask import RemaskReport


def add_to(app: typer.Typer) -> None:
    """Add the verb of this module."""
    app.command(rich_help_panel=PANEL)(remask)


def remask(
    collection: CollectionOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Tell what would change; store nothing.")] = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Mask everything again, from the sources, after a change of policy or detectors.

    Until then `ask` and `search` refuse. Exit status 0: all is well; 1: documents were set aside, or wait for a source
    that cannot be read; 2: failed. Can be interrupted and started again: it goes on where it was.
    """
    with opened(workspace) as here, progress_bars() as progress:
        report = here.remask(collection=collection, dry_run=dry_run, progress=progress)
    if as_json:
        found = {key: getattr(report, key) for key in SHAPES["remask"].fields}
        estimated = None if report.estimated is None else round(report.estimated, 1)
        emit("remask", {**found, "estimated": estimated, "elapsed": round(report.elapsed, 3)})
    else:
        _print_report(report)
    raise typer.Exit(report.exit_code)


def _print_report(report: RemaskReport) -> None:
    would = report.dry_run
    title = "Would do (dry run; nothing was stored)" if would else "Done"
    rows = [("masked again", report.documents), ("changed", report.changed), ("embedded again", report.embedded)]
    table(title, ("documents", ""), rows)
    types = sorted({*report.before, *report.after, *report.newly_masked, *report.newly_unmasked})
    if types:
        say()
        columns = (report.before, report.after, report.newly_masked, report.newly_unmasked)
        headings = ("type", "spans before", "spans after", "values newly masked", "values no longer masked")
        table("Masked", headings, [(kind, *(column.get(kind, 0) for column in columns)) for kind in types])
    _print_problems(report)
    if report.estimated is not None:
        say(f"\n{report.chunks:,} chunks to embed; about {report.estimated:,.0f} s in all.")
    else:
        say(f"\n{report.chunks:,} chunks embedded, in {report.elapsed:,.1f} s.")


def _print_problems(report: RemaskReport) -> None:
    if report.refused:
        say()
        table("Set aside", ("code", "documents"), sorted(report.refused.items()))
    if report.unreachable:
        say()
        table("Sources that cannot be read", ("source", "error"), sorted(report.unreachable.items()))
    if report.hidden:
        say()
        table("Wait to be masked again, and are not found until then", ("source", "documents"), _sorted(report.hidden))
        say("Nothing of them is lost: `ragkit remask` again when the source can be read.")


def _sorted(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    return sorted(counts.items())
