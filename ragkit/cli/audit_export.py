"""Audit: ``audit export``: events for a SIEM or a spreadsheet."""

from __future__ import annotations

import sys
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from ragkit.cli.audit_options import FromOption, ToOption, between
from ragkit.cli.audit_people import AsOption, principal_of
from ragkit.cli.output import emit, say
from ragkit.cli.progress import progress_bars
from ragkit.cli.session import JsonOption, WorkspaceOption, opened
from ragkit.errors import RagkitError


class ExportFormat(StrEnum):
    """What is written."""

    OCSF = "ocsf"
    CSV = "csv"
    JSONL = "jsonl"


def add_to(app: typer.Typer) -> None:
    """Add the verb of this module."""
    app.command()(export)


def export(
    form: Annotated[ExportFormat, typer.Option("--format", help="OCSF for a SIEM, CSV, or the events as they are.")],
    since: FromOption = None,
    until: ToOption = None,
    out: Annotated[
        Path | None, typer.Option(help="File, mode 0600. Default: standard output.", show_default=False)
    ] = None,
    acting: AsOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write events for somebody else: OCSF 1.5 as JSON lines, CSV that no spreadsheet runs, or the lines of the log.

    Nobody is named in them: users and machines are keyed hashes.
    """
    first, last = between(since, until)
    if as_json and out is None:
        raise RagkitError("standard output takes the events themselves", remedy="Name a file with --out.")
    with opened(workspace) as here:
        if out is None:
            here.audit.export(form.value, sys.stdout.buffer, since=first, until=last, principal=principal_of(acting))
            return
        with progress_bars() as progress:
            done = here.audit.export(
                form.value, out, since=first, until=last, principal=principal_of(acting), progress=progress
            )
    if as_json:
        emit("audit_export", {"format": form.value, **asdict(done)})
    else:
        say(f"{done.events:,} events, {done.from_seq:,} to {done.to_seq:,}, {done.bytes:,} bytes.")
