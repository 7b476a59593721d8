"""Index: ``sync``, ``rebuild``, ``status``, ``quarantine``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ragkit.cli.output import emit, say, table
from ragkit.cli.progress import progress_bars
from ragkit.cli.session import CollectionOption, JsonOption, PurposeOption, WorkspaceOption, opened
from ragkit.cli.shapes import SHAPES, shaped

if TYPE_CHECKING:
    from ragkit.ingest.report import SyncReport

PANEL = "Index"
_COUNTS = ("added", "updated", "unchanged", "access_changed", "deleted", "refused")


def add_to(app: typer.Typer) -> None:
    """Add the verbs of this module."""
    for verb in (sync, rebuild, status, quarantine):
        app.command(rich_help_panel=PANEL)(verb)


def sync(
    collection: CollectionOption = None,
    source: Annotated[str | None, typer.Option(help="Only this source.", show_default=False)] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Tell what would be done; store nothing.")] = False,
    retry_quarantined: Annotated[
        bool, typer.Option("--retry-quarantined", help="Try items that were set aside again, changed or not.")
    ] = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Bring the index in step with the sources.

    Exit status 0: all is well; 1: some items were set aside; 2: failed. Can be interrupted and started again.
    """
    with opened(workspace) as here, progress_bars() as progress:
        report = here.sync(
            collection=collection,
            source=source,
            dry_run=dry_run,
            retry_quarantined=retry_quarantined,
            progress=progress,
        )
    if as_json:
        found = {key: getattr(report, key) for key in SHAPES["sync"].fields}
        seconds = {stage: round(spent, 3) for stage, spent in report.seconds.items()}
        emit("sync", {**found, "seconds": seconds, "elapsed": round(report.elapsed, 3)})
    else:
        _print_report(report)
    raise typer.Exit(report.exit_code)


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


def quarantine(
    collection: CollectionOption = None,
    purpose: PurposeOption = "",
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the items that were set aside. With `--purpose`, the entitled also see the source's own names of them."""
    from ragkit.connect.problems import problem

    with opened(workspace) as here:
        found = here.quarantined(collection=collection, purpose=purpose)
    if as_json:
        rows = [{**asdict(item), "remedy": problem(item.code).remedy} for item in found]
        emit("quarantine", {"items": [shaped("quarantined", row) for row in rows]})
        return
    shown = [(item.source, item.code, item.native_id or item.doc_id, problem(item.code).remedy) for item in found]
    table(f"{len(found):,} set aside", ("source", "code", "item", "what to do"), shown)


def _print_report(report: SyncReport) -> None:
    title = "Would do (dry run; nothing was stored)" if report.dry_run else "Done"
    rows = [(key.replace("_", " "), getattr(report, key)) for key in _COUNTS]
    rows += [(key, getattr(report, key)) for key in ("expired", "held") if getattr(report, key)]
    table(title, ("documents", ""), rows)
    if report.policy_changed and report.dry_run:
        say("\nThe masking policy or a detector changed: all is masked again. `ragkit remask --dry-run` tells more.")
    elif report.policy_changed:
        say("\nThe masking policy or a detector changed: all was masked again.")
    documents = report.added + report.updated
    rate = f", {documents / report.elapsed:,.1f} documents/s" if documents and report.elapsed else ""
    say(f"\n{report.chunks:,} chunks in {report.elapsed:,.1f} s{rate}")
    for label, counts in (("masked", report.masked), ("notices", report.notices)):
        if counts:
            say(f"{label}: " + ", ".join(f"{code} {count:,}" for code, count in sorted(counts.items())))
    if report.quarantined:
        say()
        table("Set aside; tried again when they change", ("code", "items"), sorted(report.quarantined.items()))
        say("`ragkit quarantine` lists them, with what to do.")


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
