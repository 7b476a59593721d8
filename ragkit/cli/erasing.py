"""Privacy: ``subject erase|resume|receipt``: a person leaves, and gets it in writing."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ragkit.cli.output import emit, say, table
from ragkit.cli.progress import progress_bars
from ragkit.cli.session import CollectionOption, JsonOption, WorkspaceOption, opened
from ragkit.cli.shapes import shaped
from ragkit.cli.subjects import SubjectOption, TypeOption, ValueArgument, WhyOption, given, subject_verbs
from ragkit.errors import ConfigError, RagkitError

if TYPE_CHECKING:
    from ragkit.lifecycle.erase import ErasureReport

_LISTS = ("deleted", "redacted", "possible", "holds")
_TABLES = ("destroyed", "shared", "uncertain", "naming", "levels", "ms")


def add_to(app: typer.Typer) -> None:
    """Add the verbs of this module to ``subject``."""
    del app
    for verb in (erase, resume, receipt):
        subject_verbs.command()(verb)


def erase(
    value: ValueArgument,
    purpose: WhyOption = "",
    entity_type: TypeOption = None,
    subject: SubjectOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Tell what would go and stay; write nothing.")] = False,
    keep_documents: Annotated[
        bool, typer.Option("--keep-documents", help="Redact even documents that are about this person alone.")
    ] = False,
    delete_document: Annotated[
        list[str] | None,
        typer.Option("--delete-document", metavar="DOC", help="Delete this document as a whole too. Repeatable."),
    ] = None,
    also: Annotated[
        list[str] | None,
        typer.Option(
            "--also",
            metavar="VALUE",
            help="A further value of theirs, for texts where nothing was detected: a name, an e-mail address, or "
            "TYPE=value. Repeatable.",
        ),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    collection: CollectionOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Erase a person for good, and print the signed receipt (GDPR Art. 17). Nothing undoes this.

    Exit status 1: a level of the receipt is not reached, or (dry run) a legal hold is in the way.
    """
    asked = given(value)
    choices = {"purpose": purpose, "entity_type": entity_type, "subject": subject, "collection": collection}
    kept = {
        "keep_documents": keep_documents,
        "delete_documents": tuple(delete_document or ()),
        "also": tuple(also or ()),
    }
    with opened(workspace) as here, progress_bars() as progress:
        if dry_run or not yes:
            told = here.subjects.erase(asked, dry_run=True, **choices, **kept)  # type: ignore[arg-type]
            if dry_run:
                _show(told, as_json=as_json, dry_run=True)
                raise typer.Exit(told.exit_code)
            if not sys.stdin.isatty() or value == "-":
                raise ConfigError("nobody is there to be asked", remedy="Say `--yes`, after a look with `--dry-run`.")
            _print(told, dry_run=True)
            typer.confirm("Erase this person for good?", abort=True, err=True)
        done = here.subjects.erase(asked, progress=progress, **choices, **kept)  # type: ignore[arg-type]
    _show(done, as_json=as_json)
    raise typer.Exit(done.exit_code)


def resume(
    purpose: WhyOption = "go on with what was begun",
    collection: CollectionOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Finish the corrections and erasures that were interrupted, or whose receipt says a level was not reached."""
    with opened(workspace) as here, progress_bars() as progress:
        done = here.subjects.resume(purpose=purpose, collection=collection, progress=progress)
    if as_json:
        emit("erasures", {"erasures": [shaped("erasure", _payload(one)) for one in done]})
    else:
        for one in done:
            _print(one)
        if not done:
            say("Nothing was left to do.")
    raise typer.Exit(max((one.exit_code for one in done), default=0))


def receipt(
    request: Annotated[
        str, typer.Argument(metavar="REQUEST|FILE", help="Id of the request, or a file with the receipt.")
    ],
    verify: Annotated[bool, typer.Option("--verify", help="Check the signature, and say what was found.")] = False,
    key: Annotated[
        str, typer.Option("--key", help="Public key to check against; default: this workspace's.", show_default=False)
    ] = "",
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print the signed receipt of an erasure, or check one. Exit status 1: it does not verify."""
    with opened(workspace) as here:
        text = _read(Path(request)) if Path(request).is_file() else here.subjects.receipt(request)
        if not (verify or as_json):
            say(text)
            return
        verdict = here.subjects.check_receipt(text, public_key=key)
    if as_json:
        payload = {"ok": verdict.ok, "reason": verdict.reason, "key_id": verdict.key_id}
        emit("receipt", {**payload, "receipt": dict(verdict.receipt)})
    elif verdict.ok:
        levels = ", ".join(f"{name} {one['reached']}" for name, one in sorted(verdict.receipt["levels"].items()))
        say(f"Signed by {verdict.key_id}, and not changed since. {levels}.")
    else:
        say(f"Not valid: {verdict.reason}.")
    raise typer.Exit(0 if verdict.ok else 1)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        reason = "the receipt cannot be read"
    raise RagkitError(reason, remedy="Name a file that holds one receipt, as it was printed.")


def _payload(report: ErasureReport) -> dict[str, object]:
    found: dict[str, object] = {"request": report.request, "complete": report.complete, "receipt": report.receipt}
    found["past"] = report.past
    found |= {name: list(getattr(report, name)) for name in _LISTS}
    return found | {name: dict(getattr(report, name)) for name in _TABLES}


def _show(report: ErasureReport, *, as_json: bool, dry_run: bool = False) -> None:
    if as_json:
        emit("erasure", {**_payload(report)})
    else:
        _print(report, dry_run=dry_run)


def _print(report: ErasureReport, *, dry_run: bool = False) -> None:
    types = sorted({*report.destroyed, *report.shared, *report.uncertain})
    columns = (report.destroyed, report.shared, report.uncertain)
    title = "Would go (dry run; nothing was written)" if dry_run else f"Erased: request {report.request}"
    headings = ("type", "values that go", "stay: shared", "stay: perhaps theirs")
    table(title, headings, [(kind, *(column.get(kind, 0) for column in columns)) for kind in types])
    say(f"  {len(report.deleted):,} documents deleted, {len(report.redacted):,} redacted")
    if report.past:
        say(f"  {report.past:,} older versions kept for replay are destroyed")
    if report.possible:
        say(f"  {len(report.possible):,} more name somebody of that name, perhaps another, and stay as they are")
    if report.naming:
        say()
        table("Sources that still name the person", ("source", "documents"), sorted(report.naming.items()))
    for hold in report.holds:
        say(f"  a legal hold is in the way: {hold}")
    if report.levels:
        say()
        table("Levels reached", ("level", "reached"), sorted(report.levels.items()))
        say(f"Receipt: `ragkit subject receipt {report.request}`.")
        if not report.complete:
            say("Not all is proven: `ragkit subject resume` tries again.")
