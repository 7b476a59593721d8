"""Generators: ``generators list|test``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from ragkit.cli.output import emit, say, table
from ragkit.cli.session import JsonOption, WorkspaceOption, opened
from ragkit.cli.shapes import shaped

if TYPE_CHECKING:
    from ragkit.backends.presets import Preset
    from ragkit.generator_listing import Listed
    from ragkit.generators import Tested

PANEL = "Ask"

_LISTED = ("name", "kind", "preset", "model", "destination", "location", "ceiling", "default", "problem")
_PRESET = ("name", "kind", "url", "location", "needs_key", "note", "source")


def add_to(app: typer.Typer) -> None:
    """Add ``generators`` with its verbs."""
    group = typer.Typer(no_args_is_help=True, help="What writes answers: which there are, and whether one works.")
    group.command("list")(show)
    group.command("test")(try_out)
    app.add_typer(group, name="generators", rich_help_panel=PANEL)


def show(workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """List the generators of the workspace, and the presets for the usual servers. Opens no connection."""
    from ragkit.backends.presets import CHECKED, PRESETS

    with opened(workspace) as here:
        found = here.generators.listed()
    presets = list(PRESETS.values())
    if as_json:
        generators = [shaped("generator", {key: getattr(one, key) for key in _LISTED}) for one in found]
        usual = [shaped("preset", {key: getattr(one, key) for key in _PRESET}) for one in presets]
        emit("generators_list", {"generators": generators, "presets": usual, "presets_checked": CHECKED})
    else:
        _print_list(found, presets, CHECKED)
    raise typer.Exit(1 if any(one.problem for one in found) else 0)


def try_out(
    name: Annotated[
        str | None,
        typer.Argument(help="The generator; by default the one that answers.", metavar="NAME", show_default=False),
    ] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Find out whether a generator works: its section, its server, its model, and one tiny call.

    The call has a fixed public text. It passes the gateway of the destination and leaves its events. What is wrong is
    told in a word: not reachable, TLS, no such model, key missing or wrong, context too small, slow.
    """
    with opened(workspace) as here:
        done = here.generators.test(name)
    if as_json:
        checks = [
            shaped("check", {"name": one.name, "ok": one.ok, "detail": one.detail, "remedy": one.remedy})
            for one in done.checks
        ]
        figures = {key: getattr(done, key) for key in _FIGURES}
        emit("generators_test", {**figures, "checks": checks})
    else:
        _print_test(done)
    raise typer.Exit(0 if done.ok else 1)


_FIGURES = (
    "name", "kind", "destination", "location", "ok", "code", "model", "context_tokens", "ttft_ms",
    "tokens_per_second", "input_tokens", "output_tokens",
)  # fmt: skip


def _print_list(found: Sequence[Listed], presets: Sequence[Preset], checked: str) -> None:
    rows = [
        ("*" if one.default else "", one.name, one.preset or one.kind, one.model, one.destination, one.location,
         one.ceiling)
        for one in found
    ]  # fmt: skip
    table("Generators", ("", "name", "kind", "model", "destination", "location", "up to"), rows)
    notes = {one.name: one.note for one in presets}
    for one in found:
        if said := one.problem or notes.get(one.preset):
            say(f"{one.name}: {said}")
    say()
    usual = [(one.name, one.url, one.location, "key" if one.needs_key else "") for one in presets]
    table(f"Presets, as of {checked}; --json tells more of each", ("preset", "url", "location", "needs"), usual)


def _print_test(done: Tested) -> None:
    where = done.destination or done.location
    say(f"{done.name} ({done.kind}; {where})")
    for one in done.checks:
        say(f"  {'ok' if one.ok else 'WRONG':6}{one.name:9}{one.detail}")
        if one.remedy:
            say(f"        try: {one.remedy}")
    if done.ttft_ms is not None:
        say(f"  model {done.model}, context {done.context_tokens:,} tokens")
