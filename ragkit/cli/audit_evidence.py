"""Audit: ``audit evidence``, ``audit forget``: what an answer was made of, for privacy officers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ragkit.cli.audit_people import AsOption, principal_of
from ragkit.cli.output import emit, say
from ragkit.cli.session import CollectionOption, JsonOption, PurposeOption, WorkspaceOption, opened
from ragkit.cli.shapes import shaped

if TYPE_CHECKING:
    from ragkit.compliance.evidence import ShownEvidence, ShownPart

_WIDEST = 2_000


def add_to(app: typer.Typer) -> None:
    """Add the verbs of this module."""
    app.command()(evidence)
    app.command()(forget)


def evidence(
    request: Annotated[str, typer.Argument(metavar="ID", help="Request id of an answer: `ragkit audit log`.")],
    purpose: PurposeOption = "",
    reveal: Annotated[bool, typer.Option("--reveal", help="Show values in clear, if you may.")] = False,
    whole: Annotated[bool, typer.Option("--whole", help="Print long parts to their end.")] = False,
    collection: CollectionOption = None,
    acting: AsOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what was asked, found, told to a model, sent and answered, masked; and whether it is what was recorded.

    For the collection's officers. That it was shown is recorded first.
    """
    with opened(workspace) as here:
        shown = here.audit.evidence(
            request, purpose=purpose, reveal=reveal, collection=collection, principal=principal_of(acting)
        )
        if as_json:
            emit("audit_evidence", _json(shown))
            return
        say(f"request {shown.request} in `{shown.collection}`" + ("" if shown.revealed else ", masked"))
        for part in shown.parts:
            say(f"\n{part.role}: {len(part.content):,} bytes, {_verdict(part)}")
            text = _readable(part)
            cut = text if whole or len(text) <= _WIDEST else f"{text[:_WIDEST]} … (--whole for all)"
            say("\n".join(f"  {line}" for line in cut.splitlines()))
        for role in shown.missing:
            say(f"\n{role}: committed to by an event, and not here")
        if not shown.matches:
            raise typer.Exit(1)


def forget(
    request: Annotated[str, typer.Option("--request", help="One request.", show_default=False)] = "",
    dialogue: Annotated[str, typer.Option("--dialogue", help="All of a dialogue.", show_default=False)] = "",
    asker: Annotated[
        str, typer.Option("--asker", help="All that a principal asked: their subject.", show_default=False)
    ] = "",
    purpose: PurposeOption = "",
    acting: AsOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Destroy evidence with its keys: of one request, one dialogue, or one asker. The log stays whole and says so."""
    with opened(workspace) as here:
        gone = here.audit.forget(
            purpose=purpose, request=request, conversation=dialogue, asker=asker, principal=principal_of(acting)
        )
        if as_json:
            emit("audit_forget", {**gone.counts(), "emptied": gone.emptied})
        else:
            say(f"{gone.turns} question(s) of {gone.conversations} dialogue(s): {gone.parts} part(s) destroyed")
        if not gone.emptied:
            say(
                "A reader of evidence.db is in the way: what was destroyed may stand in its log until the next sync.",
                err=True,
            )
            raise typer.Exit(1)


def _verdict(part: ShownPart) -> str:
    if part.matches is None:
        return "no event tells of it"
    told = "as recorded" if part.matches else "NOT as recorded"
    return f"{told} in event {part.event} ({part.kind})"


def _readable(part: ShownPart) -> str:
    """JSON with one value a line, other text as it is."""
    value = part.value()
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=1)


def _json(shown: ShownEvidence) -> dict[str, Any]:
    return {
        "request": shown.request,
        "collection": shown.collection,
        "matches": shown.matches,
        "revealed": shown.revealed,
        "parts": [shaped("evidence_part", _part(part)) for part in shown.parts],
        "missing": list(shown.missing),
        "documents": [{"doc_id": doc_id, "version": version} for doc_id, version in shown.documents],
    }


def _part(part: ShownPart) -> dict[str, Any]:
    return {
        "role": part.role,
        "ref": part.ref,
        "bytes": len(part.content),
        "matches": part.matches,
        "event": part.event or None,
        "at": part.at.isoformat() if part.at else None,
        "content": part.value(),
    }
