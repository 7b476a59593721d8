"""The command line: ``ragkit``. Each group of verbs is a module; heavy libraries load inside the verbs.

Exit status: 0 done; 1 done, but something needs attention (items set aside, a failed check); 2 refused or failed, the
reason and a remedy on standard error; 130 interrupted.
"""

from __future__ import annotations

import os
import traceback
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

import ragkit
from ragkit.cli import (
    api_keys,
    asking,
    attacking,
    audit,
    documents,
    egress,
    erasing,
    generators,
    indexing,
    keeping,
    keys,
    mcp,
    measuring,
    policies,
    privacy,
    quarantine,
    remasking,
    serving,
    setup,
    sources,
    subjects,
    usage,
)
from ragkit.cli.output import say
from ragkit.errors import RagkitError


class VerbGroup(TyperGroup):
    """Turns errors into a message and an exit status. A foreign error's text may hold content and is not shown."""

    def invoke(self, ctx: Any) -> Any:
        """Run the verb."""
        try:
            return super().invoke(ctx)
        except RagkitError as refused:
            say(f"error: {refused}", err=True)
            if refused.remedy:
                say(f"  try: {refused.remedy}", err=True)
            raise typer.Exit(2) from None
        except (typer.Exit, typer.Abort, typer.TyperException, BrokenPipeError):
            raise
        except Exception as fault:
            if os.environ.get("RAGKIT_DEBUG"):
                raise
            say(f"error: {type(fault).__name__} in {_where(fault)}", err=True)
            say("  try: Report this. RAGKIT_DEBUG=1 shows the trace, which may hold document text.", err=True)
            raise typer.Exit(2) from None


def _where(fault: BaseException) -> str:
    last = traceback.extract_tb(fault.__traceback__)[-1]
    return f"{os.path.basename(last.filename)}:{last.lineno}"  # noqa: PTH119 - a trace's file name, not a path to open


app = typer.Typer(
    cls=VerbGroup,
    name="ragkit",
    help="Answers from private documents, without giving the documents away.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"ragkit {ragkit.__version__}")
        raise typer.Exit


@app.callback()
def _root(
    _: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Answers from private documents, without giving the documents away."""


_ASKING = (asking, egress, generators)
_SUBJECTS = (subjects, erasing)
_INDEX = (indexing, sources, quarantine, documents)
for _verbs in (
    setup,
    *_INDEX,
    remasking,
    *_ASKING,
    privacy,
    *_SUBJECTS,
    policies,
    keeping,
    keys,
    measuring,
    usage,
    serving,
    api_keys,
    mcp,
    audit,
    attacking,
):
    _verbs.add_to(app)


def run() -> None:
    """Run the command line; the console script ``ragkit``."""
    app(prog_name="ragkit")
