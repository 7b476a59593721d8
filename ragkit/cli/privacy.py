"""Privacy: ``mask`` and ``reveal``, from standard input to standard output."""

from __future__ import annotations

from typing import Annotated

import typer

from ragkit.cli.output import emit, write_exactly
from ragkit.cli.session import CollectionOption, JsonOption, WorkspaceOption, opened, read_stdin, read_stdin_pieces
from ragkit.cli.shapes import shaped

PANEL = "Privacy"
_SPAN = ("start", "end", "entity_type", "score", "recognizer")


def add_to(app: typer.Typer) -> None:
    """Add the verbs of this module."""
    for verb in (mask, reveal):
        app.command(rich_help_panel=PANEL)(verb)


def mask(
    collection: CollectionOption = None,
    no_store: Annotated[
        bool, typer.Option("--no-store", help="Keep nothing: `reveal` cannot undo it, and nothing is locked.")
    ] = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Mask the text on standard input by a collection's policy; `reveal` undoes it.

    The values go to the vault, encrypted; the text itself is not stored.
    """
    text = read_stdin()
    with opened(workspace) as here:
        masked, spans = here.mask_text(text, collection=collection, store=not no_store)
    if as_json:
        found = [shaped("span", {key: getattr(span, key) for key in _SPAN}) for span in spans]
        emit("mask", {"masked": masked.record, "spans": found})
    else:
        write_exactly(masked.record)


def reveal(
    purpose: Annotated[str, typer.Option("--purpose", help="Why clear text is needed. Its keyed hash is recorded.")],
    collection: CollectionOption = None,
    workspace: WorkspaceOption = None,
) -> None:
    """Put the original values back into the masked text on standard input, if you are entitled to.

    Text is shown as it comes, so that this can stand behind a program that is still writing.
    """
    if not purpose.strip():
        raise typer.BadParameter("--purpose is empty")
    with opened(workspace) as here:
        for clear in here.reveal_stream(read_stdin_pieces(), purpose=purpose, collection=collection):
            write_exactly(clear)
