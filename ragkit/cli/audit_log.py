"""Audit: ``audit log``, ``audit show``: the events, and the whole story of one id."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ragkit.cli.audit_options import FromOption, ToOption, between, plain
from ragkit.cli.audit_people import AsOption, principal_of
from ragkit.cli.output import emit, say
from ragkit.cli.session import JsonOption, WorkspaceOption, opened

if TYPE_CHECKING:
    from ragkit.compliance.question import QuestionStory
    from ragkit.compliance.story import ErasureStory, RunStory, Story


class Outcome(StrEnum):
    """How something went."""

    OK = "ok"
    DENIED = "denied"
    ERROR = "error"
    DEGRADED = "degraded"


_GONE = {
    "erasure": "destroyed: erased with a person who stood in it",
    "document": "destroyed: it held text of a document that had to go",
    "age": "destroyed at its age",
    "request": "destroyed by an officer",
    "missing": "not in the evidence store",
    "unreadable": "cannot be opened; `ragkit audit verify` says more",
}


def add_to(app: typer.Typer) -> None:
    """Add the verbs of this module."""
    app.command()(log)
    app.command()(show)


def log(
    types: Annotated[
        list[str] | None,
        typer.Option("--type", help="Only this type, or a family that ends in a dot; may be repeated."),
    ] = None,
    request: Annotated[str, typer.Option(help="Only of this request.", show_default=False)] = "",
    session: Annotated[str, typer.Option(help="Only of this dialogue.", show_default=False)] = "",
    actor: Annotated[str, typer.Option(help="Only of this actor: keyed hash, or name.", show_default=False)] = "",
    outcome: Annotated[Outcome | None, typer.Option(help="Only with this outcome.", show_default=False)] = None,
    document: Annotated[str, typer.Option("--doc", help="Only about this document.", show_default=False)] = "",
    since: FromOption = None,
    until: ToOption = None,
    limit: Annotated[int, typer.Option(min=0, help="Only so many, the newest; 0 for all.")] = 100,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with events as they are written.")] = False,
    acting: AsOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what happened: events, newest last. Reading the log is an event itself.

    With `--follow --json` an event is one line of JSON, without end.
    """
    from ragkit.audit.catalogue import CATALOGUE

    for wanted in types or ():
        if wanted not in CATALOGUE and not (wanted.endswith(".") and any(one.startswith(wanted) for one in CATALOGUE)):
            raise typer.BadParameter(
                "no event has this type, and no family this beginning; `ragkit audit log` shows types",
                param_hint="--type",
            )
    first, last = between(since, until)
    with opened(workspace) as here:
        names = here.audit.names
        found = here.audit.log(
            *(types or ()),
            principal=principal_of(acting),
            limit=limit or None,
            follow=follow,
            request=request,
            session=session,
            actor=actor and names.hashed(actor),
            outcome=outcome.value if outcome else "",
            doc=document,
            since=first,
            until=last,
        )
        if as_json and not follow:
            events = [dict(event) for event in found]
            actors = sorted({str(dict(event.get("actor") or {}).get("id", "")) for event in events})
            known = {one: name for one in actors if (name := names.principal(one))}
            emit("audit_log", {"events": events, "names": known})
            return
        from ragkit.compliance.telling import told

        none = True
        for event in found:
            none = False
            say(json.dumps(event, ensure_ascii=False, separators=(",", ":")) if as_json else told(event, names))
        if none and not as_json:
            say("No event fits.", err=True)


def show(
    wanted: Annotated[
        str,
        typer.Argument(
            metavar="ID",
            help="Request, dialogue, erasure, run, document or event, or 8 characters of it; or its number.",
        ),
    ],
    acting: AsOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the whole story of one id: who asked, what was found, what left and to whom, what came of it.

    Of an erasure: its steps, the levels it reached and the signed receipt, which lists what is out of reach.
    """
    with opened(workspace) as here:
        story = here.audit.show(wanted, principal=principal_of(acting))
        if as_json:
            emit("audit_show", plain(story))
        else:
            from ragkit.compliance.telling import told

            _print(story)
            for event in story.events:
                say(told(event, here.audit.names))


def _print(story: Story) -> None:
    say(f"{story.kind} {story.id}")
    for question in story.questions:
        _print_question(question)
    if story.erasure is not None:
        _print_erasure(story.erasure)
    if story.run is not None:
        _print_run(story.run)
    say()
    say("Events" + (f" (and {story.more:,} more)" if story.more else ""))


def _print_question(one: QuestionStory) -> None:
    tokens = f" with {', '.join(one.who.tokens)}" if one.who.tokens else ""
    say(f"\n{one.asked}: {one.who.shown} ({one.who.kind}) asked `{one.collection}`{tokens}")
    say(f"  masked in the question: {_listed(one.question.get('entities', {})) or 'nothing'}")
    if one.search:
        say(
            f"  searched generation {one.search.get('generation', 0)}: {one.search.get('candidates', 0)} candidates, "
            f"{one.search.get('dropped', 0)} dropped, {one.search.get('returned', 0)} returned"
        )
    placed = {chunk.doc for chunk in one.chunks if chunk.placed}
    cited = {chunk.doc for chunk in one.chunks if chunk.cited}
    for origin in one.documents:
        marks = [word for word, held in (("in the prompt", placed), ("cited", cited)) if origin.doc in held]
        by = f" by {origin.by.shown}" if origin.by else ""
        say(
            f"  {origin.doc} version {origin.version}: {origin.type or 'not in the log'} {origin.ts[:19]} from "
            f"{origin.source or '?'}{by} (event {origin.seq}); masked {_listed(origin.masked) or 'nothing'}"
            + (f"; {', '.join(marks)}" if marks else "")
        )
    for sign in one.guards:
        say(f"  guard {sign.guard}/{sign.code} ×{sign.count} in {sign.doc or 'the question'}")
    if one.route:
        tried = ", ".join(one.route.get("tried", []))
        say(f"  route: {one.route.get('route', '')} {one.route.get('reason', '')}; tried {tried or 'nothing'}")
    if one.fell_back:
        say(f"  another generator answered; the boundary is {one.boundary or 'unknown'}: {' → '.join(one.locations)}")
    for attempt in one.attempts:
        say(
            f"  {attempt.generator} ({attempt.location}) {attempt.model or attempt.asked} {attempt.outcome} "
            f"{attempt.reason} {_listed(attempt.parameters)} {_listed(attempt.tokens)}".rstrip()
        )
    for left in one.left:
        say(
            f"  left for {left.destination} ({left.provider}, {left.location} {left.region}) {left.ts}: "
            f"{left.bytes:,} bytes, {left.data_class}, {left.state} {left.reason} {left.status or ''}, {left.body}"
        )
    if not one.left:
        say("  nothing left this process")
    say(f"  {one.ended}: {_listed({key: value for key, value in one.answer.items() if key != 'refused'})}")
    say(f"  versions: {_listed(one.versions)}")
    for kept in one.evidence:
        gone = _GONE.get(kept.get("gone", ""), "")
        say(f"  evidence {kept['role']}: {kept['len']:,} bytes, {kept['ref']}{gone and f'; {gone}'}")
    for later in one.later:
        say(f"  later {later.ts}: {later.type} by {later.who.shown} {later.verdict}".rstrip())


def _print_erasure(one: ErasureStory) -> None:
    say(f"\n{one.asked}: {one.who.shown} asked for an erasure in `{one.collection}`")
    say(f"  {one.values} values, {one.documents} documents; keys destroyed: {_listed(one.keys) or 'none'}")
    for step in one.steps:
        say(f"  {step['ts']} {step.get('step', '')}: {_listed(step.get('counts', {}))}")
    say(f"  reached: {_listed(one.levels) or 'not looked at'}; complete: {_yes(one.complete)}")
    if one.receipt:
        say(f"\n{_indented(one.receipt)}")


def _print_run(one: RunStory) -> None:
    say(f"\n{one.started}: {one.who.shown} read `{one.source}` into `{one.collection}` ({one.connector or '?'})")
    say(f"  ended {one.finished or 'never, as far as the log tells'} {one.outcome} {one.reason}".rstrip())
    say(f"  documents: {_listed(one.documents) or 'none'}; masked: {_listed(one.masked) or 'nothing'}")


def _listed(counts: dict[str, Any]) -> str:
    return ", ".join(_figure(key, value) for key, value in counts.items())


def _figure(key: str, value: Any) -> str:
    """A figure in words: ``support_u`` of 806304 millionths is ``support 0.806304``."""
    if key.endswith("_u") and type(value) is int:
        return f"{key.removesuffix('_u')} {value / 1_000_000:.6g}"
    return f"{key} {value}"


def _indented(receipt: str) -> str:
    """A receipt, one fact a line. What is signed is the line as it is kept: ``ragkit subject receipt`` prints that."""
    try:
        return json.dumps(json.loads(receipt), indent=2, ensure_ascii=False)
    except ValueError:
        return receipt


def _yes(value: bool | None) -> str:
    return "no receipt" if value is None else "yes" if value else "no"
