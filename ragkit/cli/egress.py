"""What leaves: ``egress explain``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from ragkit.cli.asking import FilterOption, GeneratorOption, read_filters
from ragkit.cli.output import emit, say
from ragkit.cli.session import CollectionOption, JsonOption, WorkspaceOption, opened, read_stdin
from ragkit.cli.shapes import shaped

if TYPE_CHECKING:
    from ragkit.egress.verdicts import Destination
    from ragkit.explaining import Explanation

PANEL = "Ask"

_FACTS = ("host", "provider", "region", "contract", "retention", "ceiling")


def add_to(app: typer.Typer) -> None:
    """Add ``egress`` with its verb."""
    group = typer.Typer(no_args_is_help=True, help="What would leave this machine, for whom and why it may.")
    group.callback()(_nothing)  # or a single verb would take the group's place
    group.command()(explain)
    app.add_typer(group, name="egress", rich_help_panel=PANEL)


def _nothing() -> None:
    """What would leave this machine, for whom and why it may."""


def explain(
    question: Annotated[str, typer.Argument(help="The question; `-` reads it from standard input.")],
    collection: CollectionOption = None,
    k: Annotated[int, typer.Option(min=1, max=100, help="How many chunks to read.")] = 8,
    filters: FilterOption = None,
    generator: GeneratorOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show exactly what a question would send, to whom and why it may. Sends nothing."""
    asked = read_stdin().strip() if question == "-" else question
    with opened(workspace) as here:
        found = here.egress.explain(
            asked, collection=collection, k=k, filters=read_filters(filters), generator=generator
        )
    if as_json:
        emit("egress_explain", {"generators": [_fields(one) for one in found]})
        return
    for one in found:
        _print(one)


def _print(one: Explanation) -> None:
    model = f", model {one.model}" if one.model else ""
    say(f"{one.generator} ({one.kind}{model}; {one.location.value})")
    if one.destination is None:
        verdict = "nothing leaves this process" if one.reason == "in-process" else _verdict(one)
        say(f"  {verdict}; the content is {one.data_class.value}")
    else:
        shown = ", ".join(f"{name} {value}" for name, value in _facts(one.destination).items() if value)
        say(f"  to {one.destination.name}: {shown}")
        say(f"  {_verdict(one)}; the content is {one.data_class.value}")
    if one.body:
        say(f"  POST …{one.path}, {len(one.body.encode()):,} bytes, headers: {', '.join(one.headers)}")
        say(one.body)
    else:
        for message in one.messages:
            say(f"  --- {message.role}")
            say(message.content)


def _facts(destination: Destination | None) -> dict[str, str | None]:
    declared = {name: getattr(destination, name, None) for name in _FACTS}
    return {name: str(value) if value else None for name, value in declared.items()}


def _verdict(one: Explanation) -> str:
    if one.allowed:
        return "may be sent"
    found = ", ".join(f"{count} {kind}" for kind, count in sorted(one.findings.items()))
    return f"may NOT be sent ({one.reason}{': ' + found if found else ''})"


def _fields(one: Explanation) -> dict[str, Any]:
    destination = one.destination
    return shaped(
        "egress_generator",
        {
            "generator": one.generator,
            "kind": one.kind,
            "model": one.model,
            "location": one.location.value,
            "destination": destination.name if destination else None,
            **{
                name: str(getattr(destination, name)) if destination and getattr(destination, name) else None
                for name in _FACTS
            },
            "data_class": one.data_class.value,
            "allowed": one.allowed,
            "reason": one.reason,
            "findings": one.findings,
            "prompt": one.prompt,
            "messages": [{"role": message.role, "content": message.content} for message in one.messages],
            "path": one.path or None,
            "headers": list(one.headers),
            "body": one.body or None,
        },
    )
