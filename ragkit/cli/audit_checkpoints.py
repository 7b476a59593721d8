"""Audit: ``audit checkpoint``, ``audit anchor``, ``audit prove``, ``audit key show|rotate``."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ragkit.cli.audit_people import AsOption, principal_of
from ragkit.cli.output import emit, say, table
from ragkit.cli.progress import progress_bars
from ragkit.cli.session import JsonOption, WorkspaceOption, opened
from ragkit.cli.shapes import shaped
from ragkit.errors import ConfigError

if TYPE_CHECKING:
    from ragkit.compliance.anchoring import Anchored, Anchoring

WhyOption = Annotated[str, typer.Option("--purpose", help="Why; its keyed hash is recorded.", show_default=False)]

key_verbs = typer.Typer(no_args_is_help=True, help="Show and change the key that signs checkpoints.")


def add_to(app: typer.Typer) -> None:
    """Add the verbs of this module."""
    for verb in (checkpoint, anchor, prove):
        app.command()(verb)
    key_verbs.command()(show)
    key_verbs.command()(rotate)
    app.add_typer(key_verbs, name="key")


def checkpoint(
    accept: Annotated[
        bool,
        typer.Option(
            "--accept-log",
            help="Take the log as it is, though it does not continue what was signed or its key is gone: put the old "
            "checkpoints aside and begin anew under a new key. Needs --purpose.",
        ),
    ] = False,
    purpose: WhyOption = "",
    acting: AsOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Sign the event log as it is now, and print the signed note.

    That happens by itself, every 60 seconds or 1,000 events of a process and when it ends. A log that was cut, put back
    or written anew is not signed.
    """
    with opened(workspace) as here:
        done = (
            here.audit.accept_log(purpose=purpose, principal=principal_of(acting))
            if accept
            else here.audit.checkpoint(principal=principal_of(acting))
        )
    if as_json:
        emit("audit_checkpoint", asdict(done))
        return
    if done.aside:
        say(f"The old line of checkpoints was put aside as {done.aside}; the log is signed by a new key now.", err=True)
        say("Give the auditor the new verifier key: `ragkit audit key show`.", err=True)
    elif accept:
        say("The log continues what was signed: nothing had to be accepted.", err=True)
    say(done.note.rstrip("\n"))


def anchor(
    to: Annotated[
        list[str] | None, typer.Option("--to", help="Only this anchor; may be repeated.", show_default=False)
    ] = None,
    show_state: Annotated[
        bool, typer.Option("--show", help="Take nothing anywhere; show what is anchored where, and what is not.")
    ] = False,
    acting: AsOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Sign the log and take the checkpoint off this machine, to the anchors of ragkit.toml.

    Run it from a timer: what is not anchored could be written anew by whoever holds the signing key. Exit status 1: a
    place did not take it.
    """
    with opened(workspace) as here:
        if show_state:
            state = here.audit.anchored(principal=principal_of(acting))
            emit("audit_anchored", _anchored_json(state)) if as_json else _print_anchored(state)
            return
        done = here.audit.anchor(*(to or ()), principal=principal_of(acting))
    if as_json:
        emit("audit_anchor", {"size": done[0].size, "anchors": [_anchoring_json(one) for one in done]})
    else:
        rows = [(one.anchor, one.kind, one.code or "taken", f"{one.ms / 1000:.1f} s") for one in done]
        table(f"The checkpoint of {done[0].size:,} lines", ("anchor", "kind", "", "time"), rows)
    raise typer.Exit(1 if any(one.code for one in done) else 0)


def prove(
    seq: Annotated[int | None, typer.Argument(help="Number of an event.", show_default=False)] = None,
    size: Annotated[
        int | None,
        typer.Option("--from", help="Lines of an older checkpoint, instead of an event.", show_default=False),
    ] = None,
    acting: AsOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Prove that an event is in the log that was signed last; or that this log begins with an older one, unchanged.

    Save the JSON and check it with `ragkit audit verify --proof`, or without ragkit by `ragkit_verify.py --proof`. Of
    all events it shows the one that was asked for.
    """
    if (seq is None) == (size is None):
        raise ConfigError("a proof is of one thing", remedy="Give the number of an event, or `--from SIZE`.")
    with opened(workspace) as here, progress_bars() as progress:
        if seq is not None:
            proof = here.audit.prove(seq, principal=principal_of(acting), progress=progress)
        else:
            proof = here.audit.prove_growth(size or 0, principal=principal_of(acting), progress=progress)
    if as_json:
        emit(f"audit_prove_{proof['kind']}", proof)
    elif seq is not None:
        say(f"Event {seq} is line {proof['index'] + 1:,} of the {proof['size']:,} that were signed.")
        say("`--json` prints the proof; `ragkit_verify.py --proof FILE` checks it anywhere.")
    else:
        say(f"The log of {proof['size2']:,} lines begins with that of {proof['size1']:,}, unchanged.")
        say("`--json` prints the proof; `ragkit_verify.py --proof FILE` checks it anywhere.")


def show(acting: AsOption = None, workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """Print the verifier key: who has it can check every checkpoint, and sign none. Give it to the auditor early."""
    with opened(workspace) as here:
        state = here.audit.signing_key(principal=principal_of(acting))
    if as_json:
        changes = [shaped("audit_key_change", {"size": size, "verifier_key": key}) for size, key in state.changes]
        emit("audit_key_show", {**asdict(state), "changes": changes})
        return
    if state.verifier_key:
        say(state.verifier_key)
    else:
        say(state.problem, err=True)
    for size, key in state.changes:
        say(f"since line {size + 1:,}: {key}", err=True)
    raise typer.Exit(0 if state.verifier_key else 1)


def rotate(
    new_key_env: Annotated[
        str | None, typer.Option("--new-key-env", help="Variable with the new key.", show_default=False)
    ] = None,
    new_key_file: Annotated[
        Path | None, typer.Option("--new-key-file", help="File with the new key.", show_default=False)
    ] = None,
    destroy_old: Annotated[
        bool, typer.Option("--destroy-old", help="Write over the old key file; by default it stays beside the new one.")
    ] = False,
    acting: AsOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Change the key that signs checkpoints. One note names the new key and is signed by both.

    So whoever trusts the old key can go on to the new one by themselves. A key from a variable or command is yours to
    change: let RAGKIT_AUDIT_KEY_NEXT hold the new one, run this, then put it in RAGKIT_AUDIT_KEY.
    """
    new_key = _new_key(new_key_env, new_key_file)
    with opened(workspace) as here:
        done = here.audit.rotate_key(new_key=new_key, keep_old=not destroy_old, principal=principal_of(acting))
    if as_json:
        emit("audit_key_rotate", {"old": done.old, "new": done.new, "kept": done.kept is not None, "note": done.note})
        return
    say(f"old: {done.old}")
    say(f"new: {done.new}")
    if done.kept is not None:
        say("The old key file is kept beside the new one; move it off this machine.", err=True)


def _new_key(variable: str | None, path: Path | None) -> bytes | None:
    from ragkit.rootkey import read_key_file, read_key_variable

    if variable:
        return read_key_variable(variable, what="new key")
    return read_key_file(path, what="new key") if path else None


def _anchoring_json(one: Anchoring) -> dict[str, Any]:
    return shaped("audit_anchoring", {key: value for key, value in asdict(one).items() if key != "size"})


def _anchored_json(state: Anchored) -> dict[str, Any]:
    places = [
        shaped("audit_anchor_place", {**asdict(one), "at": one.at and one.at.isoformat()}) for one in state.places
    ]
    return {
        "lines": state.lines,
        "signed": state.signed,
        "anchored": state.anchored,
        "unanchored": state.unanchored,
        "places": places,
    }


def _print_anchored(state: Anchored) -> None:
    rows = [
        (one.anchor, one.size, one.at.isoformat(timespec="seconds") if one.at else "never", one.failures, one.code)
        for one in state.places
    ]
    if rows:
        table("Anchors", ("anchor", "lines", "since", "failures after", "why"), rows)
    say(f"{state.lines:,} lines, {state.signed:,} signed, {state.anchored:,} anchored.")
    if state.unanchored:
        say(f"{state.unanchored:,} rest on this machine and its signing key alone: `ragkit audit anchor`.")
