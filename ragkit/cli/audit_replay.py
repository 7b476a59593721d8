"""Audit: ``audit replay``, ``audit blast-radius``."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ragkit.cli.output import emit, say, table
from ragkit.cli.session import CollectionOption, JsonOption, WorkspaceOption, opened
from ragkit.cli.shapes import shaped

if TYPE_CHECKING:
    from ragkit.compliance.blast_radius import BlastRadius, Use

WhyOption = Annotated[str, typer.Option("--purpose", help="Why; its keyed hash is recorded.", show_default=False)]


def add_to(app: typer.Typer) -> None:
    """Add the verbs of this module."""
    app.command("blast-radius")(blast_radius)


def blast_radius(
    document: Annotated[str, typer.Argument(help="Opaque id of a document, or number of a chunk.")],
    version: Annotated[int | None, typer.Option(help="Only this version of the document.", show_default=False)] = None,
    since: Annotated[
        str | None, typer.Option("--from", help="Only searches from this time on, ISO 8601.", show_default=False)
    ] = None,
    until: Annotated[
        str | None, typer.Option("--to", help="Only searches up to this day or time.", show_default=False)
    ] = None,
    source: Annotated[
        str | None,
        typer.Option(help="The document is named by this source's own id. For officers.", show_default=False),
    ] = None,
    purpose: WhyOption = "",
    collection: CollectionOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the answers that used a document: what to look at again when it was wrong, poisoned or unlawful.

    From the event log alone, so also for a document that is gone. Exit status 0: no answer used it; 1: some did.
    """
    from ragkit.compliance.events import moment

    first, last = (moment(since) if since else None), (moment(until, end=True) if until else None)
    with opened(workspace) as here:
        found = here.audit.blast_radius(
            document,
            version=version,
            since=first,
            until=last,
            source=source,
            collection=collection,
            purpose=purpose,
        )
    if as_json:
        emit("audit_blast_radius", _radius_json(found))
    else:
        _print_radius(found)
    raise typer.Exit(1 if found.uses else 0)


def _radius_json(found: BlastRadius) -> dict[str, Any]:
    return {
        "doc": found.doc,
        "chunk": found.chunk or None,
        "version": found.version or None,
        "totals": found.totals,
        "destinations": found.destinations,
        "holes": dict(found.holes),
        "uses": [_use_json(use) for use in found.uses],
    }


def _use_json(use: Use) -> dict[str, Any]:
    left = [shaped("audit_departure", asdict(one)) for one in use.left]
    return shaped("audit_use", {**asdict(use), "by": use.by, "left": left})


def _print_radius(found: BlastRadius) -> None:
    if not found.uses:
        say("No search found it, as far as the log tells.")
    else:
        rows = [
            (use.ts[:19], use.request[:8], use.by, use.generator, use.ended, ", ".join(_places(use)), _reviewed(use))
            for use in found.uses
        ]
        table("Questions", ("when (UTC)", "request", "by", "generator", "ended", "left for", "reviewed"), rows)
        totals = found.totals
        say(
            f"\n{totals['questions']:,} questions of {totals['actors']:,} people found it, {totals['answers']:,} were "
            f"answered, {totals['cited']:,} answers cite it; prompts of {totals['left']:,} left or may have left. "
            f"{totals['unreviewed']:,} answers that may rest on it were reviewed by nobody."
        )
    if found.holes:
        say("The log says that something is missing from it: " + ", ".join(sorted(found.holes)) + ".")


def _places(use: Use) -> list[str]:
    return sorted({one.destination for one in use.left})


def _reviewed(use: Use) -> str:
    return use.reviews[-1] if use.reviews else "no" if use.answered else ""
