"""Audit: ``audit report``: the auditor's report, one HTML file, and its figures as JSON."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from ragkit.cli.audit_options import FINDINGS, NOTHING_FOUND, between
from ragkit.cli.audit_people import AsOption, principal_of
from ragkit.cli.output import emit, private_file, say
from ragkit.cli.progress import progress_bars
from ragkit.cli.session import JsonOption, WorkspaceOption, opened

UNKNOWN = 2
_FROM = Annotated[
    str | None,
    typer.Option("--from", help="First day or time, ISO 8601 in UTC, or `#` and a number. Default: 30 days ago."),
]
_TO = Annotated[str | None, typer.Option("--to", help="Last day or time, or `#` and a number. Default: now.")]


def add_to(app: typer.Typer) -> None:
    """Add the verb of this module."""
    app.command()(report)


def report(
    since: _FROM = None,
    until: _TO = None,
    out: Annotated[Path | None, typer.Option(help="The HTML file, mode 0600. Default: audit-report-DAY.html.")] = None,
    data: Annotated[Path | None, typer.Option("--data", help="Also the figures as JSON, mode 0600.")] = None,
    acting: AsOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write the report: systems, data flow, masking, what left, reveals, erasures, retention, models, incidents, proof.

    The log is verified and the checks are run. Each line cites the events behind it; the annexes order them by law.
    Exit status: 0 nothing needs attention, 1 something does, 2 something could not be told.
    """
    import json

    from ragkit.compliance.telling import amount
    from ragkit.report.page import render

    first, last = between(since, until)
    with opened(workspace) as here, progress_bars() as progress:
        made = here.audit.report(since=first, until=last, principal=principal_of(acting), progress=progress)
    file = out or Path(f"audit-report-{datetime.now(UTC):%Y-%m-%d}.html")
    with private_file(file) as page:
        page.write(render(made).encode())
    if data is not None:
        with private_file(data) as plain:
            plain.write(json.dumps(made.to_json(), indent=1).encode())
    told = {
        "file": str(file), "since": made.since, "until": made.until, "events": made.events.count,
        "findings": made.findings, "unknown": made.unknown,
        "sections": {one.name: {"findings": one.findings, "unknown": one.unknown} for one in made.sections},
    }  # fmt: skip
    if as_json:
        emit("audit_report", told)
    else:
        say(f"{file}: {amount(made.events.count, 'event')}")
        say(f"Need attention: {amount(made.findings, 'line')}; could not be told: {made.unknown}.")
        for one in made.sections:
            if one.findings or one.unknown:
                say(f"  {one.title}: {one.findings}; could not be told: {one.unknown}")
    raise typer.Exit(FINDINGS if made.findings else UNKNOWN if made.unknown else NOTHING_FOUND)
