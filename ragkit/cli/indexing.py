"""Index: ``sync``, ``rebuild``, ``status``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, is_dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ragkit.cli.output import console, emit, say, table
from ragkit.cli.session import CollectionOption, JsonOption, WorkspaceOption, opened
from ragkit.cli.shapes import shaped

if TYPE_CHECKING:
    from ragkit.protocols import Progress

PANEL = "Index"
_COUNTS = ("added", "updated", "unchanged", "access_changed", "deleted")
_SHOWN_ITEMS = 20


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
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Bring the index in step with the sources.

    Exit status 0: all is well; 1: some items were set aside; 2: failed. Can be interrupted and started again.
    """
    with opened(workspace) as here, _progress() as progress:
        report = here.sync(
            collection=collection,
            source=source,
            dry_run=dry_run,
            retry_quarantined=retry_quarantined,
            progress=progress,
        )
    items = [shaped("quarantined", _quarantined(item)) for item in report.quarantined_items]
    counts = {key: getattr(report, key) for key in _COUNTS}
    if as_json:
        emit(
            "sync",
            {
                **counts,
                "dry_run": dry_run,
                "quarantined": dict(report.quarantined),
                "quarantined_items": items,
                "chunks": report.chunks,
                "notices": dict(report.notices),
                "seconds": round(report.seconds, 3),
                "exit_code": report.exit_code,
            },
        )
    else:
        _print_report(counts, report, items, dry_run=dry_run)
    raise typer.Exit(report.exit_code)


def rebuild(collection: CollectionOption = None, workspace: WorkspaceOption = None) -> None:
    """Build the index again from the record store, without masking or embedding again."""
    with opened(workspace) as here:
        here.rebuild(collection=collection)
    say("The index is rebuilt.")


def status(workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """Show what the workspace holds."""
    with opened(workspace) as here:
        found = here.status()
    if as_json:
        emit("status", {"status": found})
    else:
        _print_status(found)


@contextmanager
def _progress() -> Iterator[Progress | None]:
    """Show a bar a stage with rate and time left, on a terminal's standard error; elsewhere nothing."""
    screen = console(err=True)
    if not screen.is_terminal:
        yield None
        return
    from rich.progress import BarColumn, Progress, ProgressColumn, Task, TaskID, TextColumn, TimeRemainingColumn
    from rich.text import Text

    class Rate(ProgressColumn):
        """Items a second."""

        def render(self, task: Task) -> Text:
            speed = task.finished_speed or task.speed
            return Text(f"{speed:,.1f}/s" if speed else "")

    stages: dict[str, TaskID] = {}
    done_of = "{task.completed:,.0f}/{task.total}"
    columns = (
        TextColumn("{task.description:<10}", markup=False),
        BarColumn(),
        TextColumn(done_of),
        Rate(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=screen, transient=True) as bars:

        def advance(stage: str, done: int, total: int | None) -> None:
            if stage not in stages:
                stages[stage] = bars.add_task(stage, total=total)
            bars.update(stages[stage], completed=done, total=total)

        yield advance


def _quarantined(item: Any) -> dict[str, Any]:
    if is_dataclass(item) and not isinstance(item, type):
        return asdict(item)
    doc_id, code, remedy = item
    return {"doc_id": doc_id, "code": code, "remedy": remedy}


def _print_report(counts: Mapping[str, int], report: Any, items: list[dict[str, Any]], *, dry_run: bool) -> None:
    title = "Would do (dry run; nothing was stored)" if dry_run else "Done"
    aside = sum(report.quarantined.values())
    rows = [(key.replace("_", " "), count) for key, count in counts.items()]
    table(title, ("documents", ""), [*rows, ("set aside", aside)])
    documents = counts["added"] + counts["updated"]
    rate = f", {documents / report.seconds:,.1f} documents/s" if documents and report.seconds else ""
    say(f"\n{report.chunks:,} chunks in {report.seconds:,.1f} s{rate}")
    if report.notices:
        say("\nnotices: " + ", ".join(f"{code} {count:,}" for code, count in sorted(dict(report.notices).items())))
    if items:
        say()
        shown = [(item["code"], item["doc_id"], item["remedy"]) for item in items[:_SHOWN_ITEMS]]
        table("Set aside; each is tried again when it changes", ("code", "document", "what to do"), shown)
        if len(items) > _SHOWN_ITEMS:
            say(f"and {len(items) - _SHOWN_ITEMS:,} more; `ragkit sync --json` lists all")


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
