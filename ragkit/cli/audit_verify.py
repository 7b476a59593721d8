"""Audit: ``audit verify``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ragkit.cli.audit_people import AsOption, principal_of
from ragkit.cli.output import emit, say
from ragkit.cli.progress import progress_bars
from ragkit.cli.session import JsonOption, WorkspaceOption, opened
from ragkit.cli.shapes import shaped

if TYPE_CHECKING:
    from ragkit.compliance.verifying import Verified


def add_to(app: typer.Typer) -> None:
    """Add the verb of this module."""
    app.command("verify")(verify)


def verify(
    checkpoint: Annotated[
        list[Path] | None,
        typer.Option(help="File with checkpoints that were kept elsewhere; may be repeated.", show_default=False),
    ] = None,
    key: Annotated[
        list[str] | None,
        typer.Option(help="Trusted verifier key, NAME+ID+KEY. Default: the workspace's own.", show_default=False),
    ] = None,
    proof: Annotated[
        list[Path] | None, typer.Option(help="File with a proof to check; may be repeated.", show_default=False)
    ] = None,
    out_verifier: Annotated[
        Path | None,
        typer.Option(
            help="Write the stand-alone verifier to this new file, for the auditor, and do nothing else.",
            show_default=False,
        ),
    ] = None,
    acting: AsOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Verify that no event was altered, removed, inserted or moved since it was signed.

    The same is done without ragkit by the file that --out-verifier writes. Whoever holds the signing key can write the
    log anew: only a checkpoint that was kept elsewhere (--checkpoint) shows that. Exit status: 0 all is well,
    1 something was found, 2 it could not be checked.
    """
    if out_verifier is not None:
        from ragkit.compliance.verifying import copy_verifier

        copy_verifier(out_verifier)
        if as_json:
            emit("audit_verifier", {"written": str(out_verifier)})
        else:
            say(f"Written: {out_verifier}. It needs Python 3.9 or newer and the package `cryptography`.")
        return
    with opened(workspace) as here, progress_bars() as progress:
        found = here.audit.verify(
            checkpoints=checkpoint or (),
            keys=key or (),
            proofs=proof or (),
            principal=principal_of(acting),
            progress=progress,
        )
    if as_json:
        emit("audit_verify", _as_json(found))
    else:
        from ragkit.compliance.verifying import in_words

        say(in_words(found))
    raise typer.Exit(found.status)


def _as_json(found: Verified) -> dict[str, Any]:
    report = found.report
    names = ("status", "origin", "segments", "lines", "events", "torn", "seq", "notes", "signed", "unsigned")
    return {
        **{name: report[name] for name in (*names, "anchored", "unanchored", "counts", "unchecked", "proven")},
        "findings": [shaped("audit_finding", one) for one in report["findings"]],
        "keys": list(found.keys),
        "lost": found.lost,
        "ms": found.ms,
    }
