"""Privacy: ``subject find|export|correct|restrict|lift``: people's requests about their data, for officers."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ragkit.cli.output import emit, say, table
from ragkit.cli.progress import progress_bars
from ragkit.cli.session import CollectionOption, JsonOption, WorkspaceOption, opened, read_stdin
from ragkit.cli.shapes import shaped
from ragkit.errors import ConfigError, RagkitError

if TYPE_CHECKING:
    from ragkit.lifecycle.subject import Found

PANEL = "Privacy"

_LISTED = 20

subject_verbs = typer.Typer(
    no_args_is_help=True, help="Find, export, correct, restrict and erase what is held of a person, if you may."
)

ValueArgument = Annotated[
    str,
    typer.Argument(metavar="VALUE", help="Any value of the person; `-` reads it from standard input, off the history."),
]
TypeOption = Annotated[
    str | None, typer.Option("--type", help="Its entity type, such as PERSON; default: whatever it is held as.")
]
SubjectOption = Annotated[
    str | None, typer.Option("--subject", help="Which of several people, by the id that `subject find` shows.")
]
WhyOption = Annotated[str, typer.Option("--purpose", help="Why; its keyed hash is recorded. Needed.")]
ReasonOption = Annotated[str, typer.Option("--reason", help="The person's reason, kept sealed while it is in force.")]


def add_to(app: typer.Typer) -> None:
    """Add the verbs of this module."""
    for verb in (find, export, correct, restrict, lift):
        subject_verbs.command()(verb)
    app.add_typer(subject_verbs, name="subject", rich_help_panel=PANEL)


def given(value: str) -> str:
    """Return a value from the command line, or from standard input where it is ``-``."""
    text = read_stdin().strip() if value == "-" else value.strip()
    if not text:
        raise ConfigError("no value was given", remedy="Give one, or `-` and the value on standard input.")
    return text


def find(
    value: ValueArgument,
    purpose: WhyOption = "",
    entity_type: TypeOption = None,
    native_ids: Annotated[bool, typer.Option("--native-ids", help="Show the sources' own ids of documents.")] = False,
    collection: CollectionOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Find the people who have a value, and count what is held of each.

    Several people of one name are listed with values that only one of them has. Exit status 1: nobody has it.
    """
    asked = given(value)
    with opened(workspace) as here:
        found = here.subjects.find(
            asked, purpose=purpose, entity_type=entity_type, native_ids=native_ids, collection=collection
        )
    if as_json:
        emit("subjects", {"people": [shaped("subject", _line(one)) for one in found]})
    else:
        for one in found:
            _print_found(one)
        if not found:
            say("Nobody here has this value.")
    raise typer.Exit(0 if found else 1)


def export(
    value: ValueArgument,
    to: Annotated[Path, typer.Option("--to", help="New file for the export, mode 0600; never overwritten.")],
    purpose: WhyOption = "",
    entity_type: TypeOption = None,
    subject: SubjectOption = None,
    collection: CollectionOption = None,
    workspace: WorkspaceOption = None,
) -> None:
    """Write everything held of a person to a JSON file, for that person (GDPR Art. 15, 20).

    Theirs is in clear, everybody else's hidden. The file's shape is in docs/json.md.
    """
    asked = given(value)
    _require_new(to)
    with opened(workspace) as here, progress_bars() as progress:
        held = here.subjects.export(
            asked, purpose=purpose, entity_type=entity_type, subject=subject, collection=collection, progress=progress
        )
    text = json.dumps(shaped("subject_export", held), ensure_ascii=False, indent=2)
    _write_new(to, text.encode("utf-8", "backslashreplace") + b"\n")
    passages = sum(len(one["passages"]) for one in held["documents"])
    say(f"{len(held['values']):,} values, {passages:,} passages of {len(held['documents']):,} documents written.")
    if held["possible"]:
        say(f"{len(held['possible']):,} more documents may speak of this person or of another; they are listed by id.")
    if held["past"]["versions"]:
        say(f"{held['past']['versions']:,} older versions, kept for replay, hold values of theirs; they are not shown.")
    if not held["recipients"]["log_whole"]:
        say("The event log does not reach back to the first document: the list of recipients may have gaps.")


def correct(
    value: ValueArgument,
    to: Annotated[str, typer.Option("--to", help="What is right; `-` reads it from standard input.")],
    purpose: WhyOption = "",
    entity_type: TypeOption = None,
    subject: SubjectOption = None,
    collection: CollectionOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Correct a person's value everywhere, now and in what is read later (GDPR Art. 16).

    With `-` for both, standard input holds the old value on its first line and the new one on the second.
    Sources are not changed; those that still have the old value are named.
    """
    old, new = _two(value, to)
    with opened(workspace) as here, progress_bars() as progress:
        done = here.subjects.correct(
            old,
            new,
            purpose=purpose,
            entity_type=entity_type,
            subject=subject,
            collection=collection,
            progress=progress,
        )
    if as_json:
        emit(
            "correction",
            {
                "request": done.request,
                "entity_type": done.entity_type,
                "documents": list(done.documents),
                "chunks": done.chunks,
                "embedded": done.embedded,
                "shared": done.shared,
                "forgotten": done.forgotten,
                "sources": dict(done.sources),
                "others": done.others,
            },
        )
        return
    say(f"Corrected in {len(done.documents):,} documents; {done.embedded:,} of {done.chunks:,} chunks embedded again.")
    if done.shared:
        say("Another person has the old value too and keeps it.")
    if done.sources:
        say("Sources that still hold the old value; what is read from them later is corrected too:")
        table("", ("source", "documents"), sorted(done.sources.items()))
    if done.others:
        say(f"{done.others:,} more values of this type are held of the person: look with `ragkit subject find`.")


def restrict(
    value: ValueArgument,
    reason: ReasonOption,
    purpose: WhyOption = "",
    entity_type: TypeOption = None,
    subject: SubjectOption = None,
    collection: CollectionOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show a person's data to nobody from now on, until that is lifted (GDPR Art. 18)."""
    asked = given(value)
    with opened(workspace) as here:
        done = here.subjects.restrict(
            asked, reason=reason, purpose=purpose, entity_type=entity_type, subject=subject, collection=collection
        )
    if as_json:
        fields = ("request", "since", "tokens", "documents", "places")
        emit("restriction", {name: getattr(done, name) for name in fields})
        return
    say(f"Restricted: {done.tokens:,} values, {done.documents:,} whole documents, {done.places:,} shared values.")
    say(f"Lift it with `ragkit subject lift {done.request}`.")


def lift(
    request: Annotated[str, typer.Argument(metavar="REQUEST", help="Id of the restriction.")],
    reason: Annotated[str, typer.Option("--reason", help="Why; its keyed hash is recorded.")],
    purpose: WhyOption = "",
    collection: CollectionOption = None,
    workspace: WorkspaceOption = None,
) -> None:
    """Lift a restriction."""
    with opened(workspace) as here:
        here.subjects.lift(request, reason=reason, purpose=purpose, collection=collection)
    say("Lifted.")


def _two(value: str, to: str) -> tuple[str, str]:
    if value == "-" and to == "-":
        lines = [line.strip() for line in read_stdin().splitlines() if line.strip()]
        if len(lines) != 2:
            raise ConfigError("standard input must hold two lines", remedy="Write the old value, then the new one.")
        return lines[0], lines[1]
    return given(value), given(to)


def _line(one: Found) -> dict[str, object]:
    names = ("subject", "types", "shared", "uncertain", "sources", "names", "past")
    lists = ("documents", "wholly", "possible", "restricted")
    apart = [{"type": kind, "value": value} for kind, value in one.apart]
    held: dict[str, object] = {name: getattr(one, name) for name in names}
    return held | {name: list(getattr(one, name)) for name in lists} | {"apart": apart, "names": dict(one.names)}


def _print_found(one: Found) -> None:
    rows = [
        (kind, count, one.shared.get(kind, 0), one.uncertain.get(kind, 0)) for kind, count in sorted(one.types.items())
    ]
    table(f"Person {one.subject}", ("type", "values", "shared", "likely only"), rows)
    for kind, value in one.apart:
        say(f"  only this one: {kind} {value}")
    say(f"  {len(one.documents):,} documents, {len(one.wholly):,} of them about nobody else")
    for doc_id in one.documents[:_LISTED]:
        say(f"  {doc_id}" + (f"  {one.names[doc_id]}" if doc_id in one.names else ""))
    if len(one.documents) > _LISTED:
        say(f"  … and {len(one.documents) - _LISTED:,} more; `--json` lists all")
    if one.possible:
        say(f"  {len(one.possible):,} more that may speak of this person or of another")
    if one.past:
        say(f"  {one.past:,} older versions kept for replay")
    for request in one.restricted:
        say(f"  restricted: {request}")
    say()


def _require_new(path: Path) -> None:
    if path.exists() or path.is_symlink():
        raise RagkitError("the file is there already", remedy="Name a new one; an export never overwrites.")
    if not path.parent.is_dir():
        raise RagkitError("the folder of the file is not there", remedy="Make it first.")


def _write_new(path: Path, content: bytes) -> None:
    """Write a file that only its owner may read; it must not be there."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as refused:
        code = refused.errno
    else:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        return
    raise RagkitError(f"the file cannot be written ({os.strerror(code or 0)})", remedy="Name a new file elsewhere.")
