"""Keys: ``key show|rotate|escrow|recover``. No key is ever printed."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ragkit.cli.output import emit, say, table
from ragkit.cli.session import CollectionOption, JsonOption, WorkspaceOption, opened
from ragkit.errors import ConfigError

if TYPE_CHECKING:
    from ragkit.keys import Rotation
    from ragkit.keystate import KeyState

PANEL = "Privacy"

key_verbs = typer.Typer(no_args_is_help=True, help="Show, change, keep and bring back the keys.")

PassphraseOption = Annotated[
    Path | None,
    typer.Option("--passphrase-file", help="A file of mode 0600 with the passphrase.", show_default=False),
]


def add_to(app: typer.Typer) -> None:
    """Add the verbs of this module."""
    for verb in (show, rotate, escrow, recover):
        key_verbs.command()(verb)
    app.add_typer(key_verbs, name="key", rich_help_panel=PANEL)


def show(workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """Tell where the root key comes from, which one it is, and what its record keys open. Shows no key."""
    with opened(workspace) as here:
        state = here.keys.show()
    if as_json:
        collections = {
            name: {"generation": one.generation, **asdict(one.counts)} for name, one in state.collections.items()
        }
        escrows = [{"kind": kind, "made_at": made} for kind, made in state.escrows]
        plain = {key: getattr(state, key) for key in _PLAIN}
        emit("key_show", {**plain, "escrows": escrows, "collections": collections})
    else:
        _print_state(state)


def rotate(
    wrapping: Annotated[
        bool, typer.Option("--wrapping", help="Only the keys that wrap record keys; the root key stays.")
    ] = False,
    finish: Annotated[
        bool, typer.Option("--finish", help="Retire the old root key, now that the source gives the new one.")
    ] = False,
    new_key_env: Annotated[
        str | None, typer.Option("--new-key-env", help="Variable with the new root key.", show_default=False)
    ] = None,
    new_key_file: Annotated[
        Path | None, typer.Option("--new-key-file", help="File with the new root key.", show_default=False)
    ] = None,
    keep_old: Annotated[
        Path | None,
        typer.Option("--keep-old", help="Keep the old root key here, for older key copies.", show_default=False),
    ] = None,
    collection: CollectionOption = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Change the root key, or the keys that wrap record keys. Nothing is masked, embedded or indexed again.

    A key file is exchanged, and the old key is gone unless `--keep-old` names a place for it. A root key from a
    variable or command is changed in two steps: give the new one here, change the source, then run it with `--finish`.
    Killed at any point, a key opens the workspace; run again, it goes on. Escrows of the old key open nothing new: make
    them again.
    """
    if wrapping + finish + bool(new_key_env or new_key_file) > 1 or (new_key_env and new_key_file):
        raise ConfigError("these options do not go together", remedy="Give one of them: `ragkit key rotate --help`.")
    with opened(workspace) as here:
        if wrapping:
            done = here.keys.rotate_wrapping(collection=collection)
        elif finish:
            done = here.keys.finish()
        else:
            if here.config.keys.source == "file" and keep_old is None:
                _confirm("The key file gets a new key, and the old one is not kept.", yes=yes)
            done = here.keys.rotate(new_key=_new_key(new_key_env, new_key_file), keep_old=keep_old)
        source = here.config.keys.source
    if as_json:
        emit("key_rotate", {**asdict(done), "seconds": round(done.seconds, 3)})
    else:
        _print_rotation(done, source)


def escrow(
    path: Annotated[Path, typer.Argument(help="The file to write; for shares, a folder.")],
    public_key: Annotated[
        Path | None,
        typer.Option("--public-key", help="For this officer's public key: PEM, X25519 or RSA.", show_default=False),
    ] = None,
    shares: Annotated[
        str | None, typer.Option("--shares", help="In shares, such as `2/3`: any 2 of 3 open it.", show_default=False)
    ] = None,
    passphrase_file: PassphraseOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write the root key down for the day it is lost: under a passphrase, for an officer's key, or in shares.

    Whoever opens an escrow and has the data directory can read everything. It is made again after the root key changed.
    """
    if sum(1 for one in (public_key, shares, passphrase_file) if one) > 1:
        raise ConfigError("an escrow is of one kind", remedy="Run it once for each kind.")
    with opened(workspace) as here:
        if public_key is not None:
            here.keys.escrow_to_officer(path, _bytes_of(public_key))
            files = [path]
        elif shares is not None:
            files = here.keys.escrow_in_shares(path, *_threshold(shares))
        else:
            here.keys.escrow_to_passphrase(path, _passphrase(passphrase_file, confirm=True))
            files = [path]
    if as_json:
        emit("key_escrow", {"files": [str(one) for one in files]})
        return
    for one in files:
        say(f"Escrow written: {one}")
    say("Keep it away from the data directory, and try `ragkit key recover` with it once.")


def recover(
    escrows: Annotated[list[Path], typer.Argument(help="The escrow; or as many shares as are needed.")],
    private_key: Annotated[
        Path | None, typer.Option("--private-key", help="The officer's private key, PEM.", show_default=False)
    ] = None,
    passphrase_file: PassphraseOption = None,
    to: Annotated[
        Path | None,
        typer.Option("--to", help="The key file to write. Default: the one [keys] names.", show_default=False),
    ] = None,
    workspace: WorkspaceOption = None,
) -> None:
    """Bring the root key back from its escrow, into a new file of mode 0600, if it opens this workspace."""
    from ragkit.config import find_workspace, load_config
    from ragkit.escrow import describe
    from ragkit.recovery import recover as bring_back

    texts = [_bytes_of(path).decode("utf-8", "replace") for path in escrows]
    alone = len(texts) == 1 and texts[0].lstrip().startswith("{")
    asked = alone and describe(texts[0]).kind == "passphrase"
    passphrase = _passphrase(passphrase_file, confirm=False) if asked or passphrase_file else None
    config = load_config(find_workspace(workspace or Path()))
    private_pem = _bytes_of(private_key) if private_key else None
    written = bring_back(config, texts, to=to, passphrase=passphrase, private_pem=private_pem)
    say(f"Root key written: {written}")
    if config.keys.source != "file":
        say(f'[keys] names a {config.keys.source}: let it give this key, or write `source = "file"` and its `path`.')


_PLAIN = ("source", "mark", "generation", "root_keys", "made_at", "public_key")


def _print_state(state: KeyState) -> None:
    rows: list[tuple[str, object]] = [
        ("source", state.source),
        ("fingerprint", state.mark),
        ("generation", state.generation),
        ("since", state.made_at),
        ("root keys that open it", state.root_keys),
        ("public key of receipts", state.public_key),
    ]
    table("Root key", ("", ""), [(name, str(value)) for name, value in rows])
    if state.root_keys > 1:
        say("A change of the root key is not finished: `ragkit key rotate --finish`.")
    if state.collections:
        say()
        headings = ("collection", "wrapping key", "documents", "values", "released", "destroyed, rows left")
        table("Record keys", headings, [
            (name, one.generation, one.counts.documents, one.counts.values, one.counts.released,
             one.counts.dead_documents + one.counts.dead_values)
            for name, one in state.collections.items()
        ])  # fmt: skip
    say()
    if state.escrows:
        table("Escrows made", ("kind", "date"), state.escrows)
    else:
        say("No escrow was made: without the root key, nothing can be read again. `ragkit key escrow` makes one.")


def _print_rotation(done: Rotation, source: str) -> None:
    if done.copy_problem:
        say(f"note: the copy of the key file still opens with the old keys: {done.copy_problem}", err=True)
    if done.scope == "wrapping":
        say(f"{done.record_keys:,} record keys wrapped again in {done.seconds:.1f} s.")
    elif done.finished:
        say(f"The root key is changed (generation {done.generation}); the old one opens nothing here any more.")
        say("Make its escrows again: `ragkit key escrow`. Restart processes that have the workspace open.")
    else:
        say(f"Both root keys open the workspace now. Let the {source} of [keys] give the new one,")
        say("restart processes that have the workspace open, then run `ragkit key rotate --finish`.")


def _new_key(variable: str | None, path: Path | None) -> bytes | None:
    from ragkit.rootkey import read_key_file, read_key_variable

    if variable:
        return read_key_variable(variable)
    return read_key_file(path) if path else None


def _threshold(shares: str) -> tuple[int, int]:
    needed, _, count = shares.partition("/")
    if not (needed.isdigit() and count.isdigit()):
        raise ConfigError("shares are written as `2/3`: any 2 of 3 open it", remedy="Write it so.")
    return int(needed), int(count)


def _passphrase(file: Path | None, *, confirm: bool) -> str:
    from ragkit.config_sections import SecretRef
    from ragkit.rootkey import read_secret

    if file is not None:
        return read_secret(SecretRef(file=file), folder=Path())
    if not sys.stdin.isatty():
        raise ConfigError("there is no terminal to ask for the passphrase", remedy="Give `--passphrase-file`.")
    return str(typer.prompt("Passphrase", hide_input=True, confirmation_prompt=confirm, err=True))


def _confirm(what: str, *, yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        raise ConfigError(what.removesuffix("."), remedy="Add `--yes` if that is meant, or `--keep-old FILE`.")
    typer.confirm(f"{what} Go on?", abort=True, err=True)


def _bytes_of(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as failed:
        raise ConfigError(
            f"a file cannot be read ({type(failed).__name__})", remedy="Check its name and mode."
        ) from None
