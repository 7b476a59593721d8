"""Audit: ``audit check``, ``audit review-permissions``."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from ragkit.cli.audit_people import AsOption, principal_of
from ragkit.cli.output import emit, say, table
from ragkit.cli.progress import progress_bars
from ragkit.cli.session import JsonOption, WorkspaceOption, opened
from ragkit.cli.shapes import shaped

_MARKS = {"ok": "ok", "notice": "note", "finding": "FOUND", "unchecked": "not checked"}


def add_to(app: typer.Typer) -> None:
    """Add the verbs of this module."""
    app.command("check")(check)
    app.command("review-permissions")(review_permissions)


def check(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            help="log, anchors, gaps, egress, vault, retention, drift, permissions, residual. Default: all.",
            show_default=False,
        ),
    ] = None,
    sample: Annotated[int, typer.Option(min=1, help="Passages that `residual` draws of each collection.")] = 200,
    review_days: Annotated[
        int, typer.Option(min=1, help="After how many days permissions are to be looked at again.")
    ] = 90,
    acting: AsOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check the record, what left, what was shown, what is kept, who may do what, and what stands in the store.

    No text is shown, only ids and counts. Exit status: 0 clean, 1 something was found, 2 something could not be
    checked.
    """
    from ragkit.compliance.checks import exit_code
    from ragkit.compliance.telling import amount

    with opened(workspace) as here, progress_bars() as progress:
        found = here.audit.check(
            *(names or ()),
            sample=sample,
            review_days=review_days,
            principal=principal_of(acting),
            progress=progress,
        )
    status = exit_code(found)
    if as_json:
        results = [
            shaped("audit_check_result", {**asdict(one), "seqs": list(one.seqs), "counts": dict(one.counts)})
            for one in found
        ]
        emit("audit_check", {"status": status, "results": results})
    else:
        rows = [(_MARKS[one.level], one.name, one.collection, one.detail, one.remedy) for one in found]
        table("Checks", ("", "check", "collection", "what", "what to do"), rows)
        told = sum(one.level == "finding" for one in found)
        say(f"\n{amount(told, 'finding')}. The events behind each are listed by --json; `ragkit audit log` shows them.")
    raise typer.Exit(status)


def review_permissions(acting: AsOption = None, workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """Show who may do what as it is configured, and record that you looked at it."""
    with opened(workspace) as here:
        found = here.audit.review_permissions(principal=principal_of(acting))
    rows = [(where, key, tokens) for where, lists in found.items() for key, tokens in lists.items()]
    if as_json:
        listed = [
            shaped("audit_permission", {"where": where, "list": key, "tokens": None if who is None else list(who)})
            for where, key, who in rows
        ]
        emit("audit_permissions", {"lists": listed})
        return
    shown = [(where, key, "the owner" if who is None else ", ".join(who) or "nobody") for where, key, who in rows]
    table("Who may do what", ("where", "list", "who"), shown)
    say("\nRecorded that you looked at it.")
