"""What the verbs share: the options that occur in many of them, and opening the workspace."""

from __future__ import annotations

import sys
from codecs import getincrementaldecoder
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from ragkit.errors import RagkitError

if TYPE_CHECKING:
    from ragkit.workspace import Workspace

_PIECE = 65_536

WorkspaceOption = Annotated[
    Path | None,
    typer.Option(
        "--workspace",
        "-w",
        envvar="RAGKIT_WORKSPACE",
        help="Workspace folder. Default: the nearest folder with a ragkit.toml, from here upwards.",
        show_default=False,
    ),
]
CollectionOption = Annotated[
    str | None, typer.Option("--collection", "-c", help="Only this collection.", show_default=False)
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON; its shape is in docs/json.md.")]
PurposeOption = Annotated[
    str, typer.Option("--purpose", help="Why clear text is needed. Its keyed hash is recorded.", show_default=False)
]


@contextmanager
def opened(workspace: Path | None) -> Iterator[Workspace]:
    """Open the workspace for one verb and close it after; what writes goes through the service where one runs.

    Imports the library only now.
    """
    import ragkit
    from ragkit.control.routed import routed

    with ragkit.open_workspace(workspace or Path()) as there:
        here = routed(there, say=lambda text: typer.echo(text, err=True))
        yield here
        if here.begun:
            typer.echo(f"{here.begun} request(s) were begun and not finished: `ragkit subject resume`.", err=True)


def read_stdin() -> str:
    """Return standard input as text, line ends kept so that offsets are those of the bytes.

    Raises:
        RagkitError: It is not UTF-8.
    """
    return "".join(read_stdin_pieces())


def read_stdin_pieces() -> Iterator[str]:
    """Yield standard input as text, as it comes; never half a character.

    Raises:
        RagkitError: It is not UTF-8; what came before was yielded.
    """
    decoder, taken = getincrementaldecoder("utf-8")(), 0
    source = cast("BufferedReader", sys.stdin.buffer)
    while True:
        raw = source.read1(_PIECE)  # what is there, without waiting for more
        waiting = len(decoder.getstate()[0])
        try:
            piece = decoder.decode(raw, final=not raw)
        except UnicodeDecodeError as found:
            place = taken - waiting + found.start
            break
        if piece:
            yield piece
        if not raw:
            return
        taken += len(raw)
    raise RagkitError(
        f"standard input is not UTF-8 (byte {place})", remedy="Convert it first, such as with `iconv -t UTF-8`."
    )
