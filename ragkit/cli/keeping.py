"""Keep: ``backup``, ``restore``, ``retention run``, ``hold place``, ``hold list``, ``hold release``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ragkit.cli.output import emit, say, table
from ragkit.cli.progress import progress_bars
from ragkit.cli.session import CollectionOption, JsonOption, WorkspaceOption, opened, read_stdin
from ragkit.cli.shapes import SHAPES, shaped
from ragkit.errors import ConfigError

if TYPE_CHECKING:
    from ragkit.keeping import HoldReport
    from ragkit.lifecycle.retention import RetentionReport, RuleReport

PANEL = "Keep"

retention_verbs = typer.Typer(no_args_is_help=True, help="Let go of documents that are older than their rule allows.")
hold_verbs = typer.Typer(no_args_is_help=True, help="Legal holds: what they name is not deleted, whoever asks for it.")

KeysOption = Annotated[
    Path | None,
    typer.Option("--keys", help="The copy of the key file. Default: `keys` under [backup].", show_default=False),
]
ReasonOption = Annotated[str, typer.Option("--reason", help="Why. It is sealed; officers see it.")]
YesOption = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


def add_to(app: typer.Typer) -> None:
    """Add the verbs of this module."""
    app.command(rich_help_panel=PANEL)(backup)
    app.command(rich_help_panel=PANEL)(restore)
    retention_verbs.callback()(_retention)
    retention_verbs.command("run")(retention_run)
    app.add_typer(retention_verbs, name="retention", rich_help_panel=PANEL)
    hold_verbs.command("place")(hold_place)
    hold_verbs.command("list")(hold_list)
    hold_verbs.command("release")(hold_release)
    app.add_typer(hold_verbs, name="hold", rich_help_panel=PANEL)


def _retention() -> None:
    """Let go of documents that are older than their rule allows."""


def backup(
    to: Annotated[Path, typer.Argument(help="A new folder; nothing is overwritten.")],
    keys: KeysOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Copy records, uploaded documents, configuration and event log to a new folder, while questions are answered.

    A sync may go on meanwhile. The index is not copied: it is built again from the records. The root key is never
    copied. The key file is, with `--keys`, to one place that is made anew each time: keep it on another device, away
    from the backups, and let nothing archive it, since an older one brings erased people back. Keep no backup longer
    than `keep_days`. Make one daily, after the sync: `ragkit sync && ragkit backup /mnt/backups/$(date +%F)`.

    Exit status 0: done; 1: the copy of the key file was not made, or an older one could not be reached; 2: failed.
    """
    with opened(workspace) as here, progress_bars() as progress:
        made = here.keeping.backup(to, keys=keys, progress=progress)
    wanted = keys is not None or here.config.backup.keys is not None or made.keys is not None
    if as_json:
        found = {key: getattr(made, key) for key in SHAPES["backup"].fields}
        copied = made.keys.copy if made.keys else None
        emit("backup", {**found, "keys": copied, "elapsed": round(made.elapsed, 3)})
    else:
        say(f"Backed up {made.documents:,} documents in {made.chunks:,} chunks, {made.bytes / 2**20:,.1f} MiB.")
        if made.keys:
            say("The copy of the key file is as of now.")
        if made.keys_problem:
            say(made.keys_problem)
    raise typer.Exit(1 if made.keys_problem and wanted else 0)


def restore(
    source: Annotated[Path, typer.Argument(metavar="FROM", help="The folder that `backup` made.")],
    to: Annotated[
        Path | None,
        typer.Option("--to", help="Workspace folder; made if absent. Default: the one here.", show_default=False),
    ] = None,
    keys: KeysOption = None,
    unsafe_old_keys: Annotated[
        bool,
        typer.Option("--unsafe-old-keys", help="Take keys older than the newest: what was erased since may come back."),
    ] = False,
    yes: YesOption = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put a backup in the place of the records, or make a workspace of it elsewhere.

    Everything is checked before anything is touched: the root key, the manifest, each file, the key file. What was
    erased or let go of since the backup stays gone. The old records are kept until the restored ones are proven.
    Can be interrupted and started again.

    Exit status 0: all is well; 1: a collection waits for `ragkit remask`, uploaded originals are missing, or unsafe
    keys were used; 2: refused.
    """
    from ragkit.restoring import restore_workspace

    folder = to or workspace
    if not yes and _has_records(folder):
        _confirm("This replaces the records of the workspace by those of the backup.")
    with progress_bars() as progress:
        done = restore_workspace(source, to=folder, keys=keys, unsafe_old_keys=unsafe_old_keys, progress=progress)
    if as_json:
        found = {key: getattr(done, key) for key in SHAPES["restore"].fields}
        emit("restore", {**found, "waiting": list(done.waiting), "elapsed": round(done.elapsed, 3)})
    else:
        rows = [(key, getattr(done, key)) for key in ("documents", "dropped", "values", "redacted")]
        table(f"Restored the backup of {done.made_at}", ("", ""), rows)
        if done.dropped:
            say("What was dropped has no key any more; `ragkit sync` reads again what its source still has.")
        if done.waiting:
            say(f"Their policy is another now, so run `ragkit remask`: {', '.join(done.waiting)}.")
        if done.originals_missing:
            say(f"{done.originals_missing:,} uploaded originals are not in the backup. Hand them in again.")
        if done.unsafe_keys:
            say("Older keys were used: what was erased since may be back. Erase it again.")
        say("Processes that were asking meanwhile must be started again.")
    raise typer.Exit(1 if done.waiting or done.unsafe_keys or done.originals_missing else 0)


def retention_run(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Tell what would go; delete nothing.")] = False,
    purpose: Annotated[str, typer.Option("--purpose", help="Why. Its keyed hash is recorded.")] = "retention",
    yes: YesOption = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Delete documents older than the rules in ragkit.toml allow, with their keys and the values only they held.

    What a legal hold keeps stays, and is counted. What went stays away while it is unchanged at its source. Run it
    daily. Keys of what was replaced or deleted more than `keep_days` ago are destroyed too.

    Exit status 0: all is well; 1: the copy of the key file could not be made anew; 2: refused or failed.
    """
    with opened(workspace) as here, progress_bars() as progress:
        if not dry_run and not yes and (due := sum(rule.documents for rule in here.keeping.due())):
            _confirm(f"This deletes {due:,} documents for good.")
        done = here.keeping.retain(purpose=purpose, dry_run=dry_run, progress=progress)
    if as_json:
        found = {key: getattr(done, key) for key in SHAPES["retention"].fields}
        rules = [shaped("retention_rule", _rule(one)) for one in done.rules]
        emit("retention", {**found, "rules": rules, "elapsed": round(done.elapsed, 3)})
    else:
        _print_retention(done)
    raise typer.Exit(1 if done.keys_problem else 0)


def hold_place(
    value: Annotated[
        str | None,
        typer.Argument(help="A value of a person; `-` reads it from standard input.", show_default=False),
    ] = None,
    document: Annotated[str | None, typer.Option(help="A document id.", show_default=False)] = None,
    source: Annotated[str | None, typer.Option(help="A source of the collection.", show_default=False)] = None,
    whole: Annotated[bool, typer.Option("--whole", help="Everything in the collection.")] = False,
    reason: ReasonOption = "",
    collection: CollectionOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Keep a person's values, a document, a source or a collection from being deleted by anything, until released."""
    _require_reason(reason)
    named = read_stdin().strip() if value == "-" else value
    with opened(workspace) as here:
        hold = here.keeping.place_hold(
            reason=reason, value=named, document=document, source=source, whole=whole, collection=collection
        )
    _print_hold(hold, as_json=as_json)


def hold_list(
    collection: CollectionOption = None, workspace: WorkspaceOption = None, as_json: JsonOption = False
) -> None:
    """List legal holds with their reasons, released ones too."""
    with opened(workspace) as here:
        found = here.keeping.holds(collection=collection)
    if as_json:
        emit("holds", {"holds": [shaped_hold(one) for one in found]})
        return
    rows = [
        (one.hold, one.collection, one.scope, one.placed_at, one.released_at or "in force", one.documents, one.reason)
        for one in found
    ]
    table("Legal holds", ("hold", "collection", "on", "placed", "released", "documents", "reason"), rows)


def hold_release(
    hold: Annotated[str, typer.Argument(help="Its id, as `hold list` shows it.")],
    reason: ReasonOption = "",
    collection: CollectionOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """End a legal hold. What is gone at its source goes with the next sync, unless another hold keeps it."""
    _require_reason(reason)
    with opened(workspace) as here:
        released = here.keeping.release_hold(hold, reason=reason, collection=collection)
    _print_hold(released, as_json=as_json)


def shaped_hold(hold: HoldReport) -> dict[str, Any]:
    """Return a hold as an object inside another."""
    return {key: getattr(hold, key) for key in SHAPES["hold"].fields}


def _print_hold(hold: HoldReport, *, as_json: bool) -> None:
    if as_json:
        emit("hold", shaped_hold(hold))
    elif hold.released_at:
        say(f"Hold {hold.hold} is released.")
    else:
        say(f"Hold {hold.hold} keeps {hold.documents:,} documents.")


def _print_retention(done: RetentionReport) -> None:
    title = "Would go (dry run; nothing was deleted)" if done.dry_run else "Gone"
    columns = ("rule", "collection", "source", "days", "by", "documents", "held", "undated", "oldest", "newest")
    rows = [tuple(_rule(one).values()) for one in done.rules]
    table(title, columns, [tuple("" if cell is None else cell for cell in row) for row in rows])
    if not done.dry_run:
        say(f"{done.values:,} values only they held; {done.keys:,} keys destroyed, {done.pruned:,} more that were old.")
    if done.keys_problem:
        say(done.keys_problem)


def _rule(one: RuleReport) -> dict[str, Any]:
    rule = one.rule
    return {
        "rule": rule.number,
        "collection": one.collection,
        "source": rule.source,
        "days": rule.days,
        "clock": rule.clock,
        "documents": one.documents,
        "held": one.held,
        "undated": one.undated,
        "oldest": one.oldest,
        "newest": one.newest,
    }


def _has_records(folder: Path | None) -> bool:
    from ragkit.config import DATA_FOLDER, find_workspace, load_config
    from ragkit.store.place import RECORDS, has_records

    place = folder or find_workspace()
    if (place / DATA_FOLDER / RECORDS).exists():
        return True
    try:
        return has_records(load_config(place))
    except ConfigError:  # a new workspace, or one that `restore` has more to say of
        return False


def _require_reason(reason: str) -> None:
    if not reason.strip():
        raise typer.BadParameter("--reason is empty")


def _confirm(what: str) -> None:
    """Ask on a terminal; without one, refuse."""
    if not sys.stdin.isatty():
        raise ConfigError(what.removesuffix("."), remedy="Add `--yes` if that is meant.")
    typer.confirm(f"{what} Go on?", abort=True)
