"""Audit: ``audit egress``, ``access``, ``diff``, ``gaps``, ``retention``, ``guards``, ``oversight``."""

from __future__ import annotations

from collections import Counter
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, cast

import typer

from ragkit.cli.audit_options import FINDINGS, FromOption, ToOption, at_time, between, plain
from ragkit.cli.audit_people import AsOption, principal_of
from ragkit.cli.output import emit, say, table
from ragkit.cli.session import JsonOption, WorkspaceOption, opened

if TYPE_CHECKING:
    from ragkit.compliance.access import Plane, Reading, Sight
    from ragkit.compliance.diff import Diff
    from ragkit.compliance.retained import Retained


class OfPlane(StrEnum):
    """What can be looked at."""

    AUDIT = "audit"
    VAULT = "vault"
    EVIDENCE = "evidence"


def add_to(app: typer.Typer) -> None:
    """Add the verbs of this module."""
    for verb in (egress, access, diff, gaps, retention, guards, oversight):
        app.command()(verb)


def egress(
    since: FromOption = None,
    until: ToOption = None,
    provider: Annotated[str, typer.Option(help="Only what went to this provider.", show_default=False)] = "",
    destination: Annotated[str, typer.Option(help="Only what went to this destination.", show_default=False)] = "",
    data_class: Annotated[str, typer.Option(help="Only content of this class.", show_default=False)] = "",
    entity: Annotated[
        str,
        typer.Option(
            help="Only prompts whose question or documents hold this type of personal data, masked or not.",
            show_default=False,
        ),
    ] = "",
    request: Annotated[str, typer.Option(help="Only of this request.", show_default=False)] = "",
    acting: AsOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what left and to whom, by destination; what may have left; destinations that are in no register.

    Exit status 1: something may have left, left past the gateway, or went where today's ragkit.toml names nobody.
    """
    first, last = between(since, until)
    with opened(workspace) as here:
        found = here.audit.egress(
            principal=principal_of(acting),
            since=first,
            until=last,
            provider=provider,
            destination=destination,
            data_class=data_class,
            entity=entity,
            request=request,
        )
    if as_json:
        emit("audit_egress", plain(found))
    else:
        from ragkit.compliance.telling import amount

        fits = provider or destination or data_class or entity or request or first or last
        headings = ("destination", "provider", "where", "region", "contract", "sent", "failed", "may have left")
        rows = [
            (one.destination, one.provider, one.location, one.region, one.contract, one.intents, one.failed, one.open)
            for one in found.destinations
        ]
        if rows:
            table("What left", headings, rows)
        else:
            say("Nothing that fits left this process." if fits else "Nothing left this process.")
        for one in found.destinations:
            say(
                f"{one.destination}: {one.bytes:,} bytes of {amount(one.requests, 'question')}, "
                f"{_listed(one.data_classes)}; "
                f"blocked {one.blocked}, unsafe {one.unsafe}, probed {one.probed}; from {one.first[:19] or '-'} to "
                f"{one.last[:19] or '-'}; masked in it: {_listed(one.masked) or 'nothing'}"
            )
        for open_ in found.open:
            say(f"may have left: event {open_.seq}, {open_.ts}, {open_.destination}, {open_.bytes:,} bytes")
        if found.unregistered:
            say(f"not in today's ragkit.toml: {', '.join(found.unregistered)}")
    unsafe = any(one.unsafe for one in found.destinations)
    raise typer.Exit(FINDINGS if found.open or found.unregistered or unsafe else 0)


def access(
    document: Annotated[
        str, typer.Option("--doc", help="Who could see this document, and who did.", show_default=False)
    ] = "",
    at: Annotated[
        str | None,
        typer.Option(help="With --doc: when, or right after the event of `#` and a number. Default: now."),
    ] = None,
    of: Annotated[OfPlane | None, typer.Option(help="Only looks at this.", show_default=False)] = None,
    since: FromOption = None,
    until: ToOption = None,
    acting: AsOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show who looked at the log, the vault and the evidence; with --doc, who could see a document and who did."""
    first, last = between(since, until)
    when = at_time(at) if at else None
    with opened(workspace) as here:
        if document:
            sight = here.audit.sight(document, at=when, principal=principal_of(acting))
            if as_json:
                emit("audit_sight", plain(sight))
            else:
                _print_sight(sight)
            return
        found = here.audit.access(
            of=cast("Plane | None", of and of.value), since=first, until=last, principal=principal_of(acting)
        )
    if as_json:
        emit("audit_access", {"readings": [plain(one) for one in found]})
        return
    rows = [
        (one.ts[:19], one.seq, one.who.shown, one.of, one.type, one.verb, one.outcome, _why(one), _listed(one.counts))
        for one in found
    ]
    table("Who looked", ("when (UTC)", "event", "who", "at", "type", "verb", "outcome", "purpose", "how much"), rows)


def diff(
    earlier: Annotated[str, typer.Argument(metavar="A", help="Day or time, ISO 8601 in UTC, or `#` and a number.")],
    later: Annotated[str, typer.Argument(metavar="B", help="Likewise; a day is meant whole.")],
    acting: AsOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what changed between two dates in models, policies, connectors, permissions, keys and software."""
    with opened(workspace) as here:
        found = here.audit.diff(at_time(earlier), at_time(later, end=True), principal=principal_of(acting))
    if as_json:
        emit("audit_diff", plain(found))
    else:
        _print_diff(found)


def gaps(
    since: FromOption = None,
    until: ToOption = None,
    acting: AsOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what is missing or odd in the log, by what the log says itself. Exit status 1: something is.

    What nobody recorded cannot be seen, and what was changed afterwards is for `ragkit audit verify`.
    """
    first, last = between(since, until)
    with opened(workspace) as here:
        found = here.audit.gaps(since=first, until=last, principal=principal_of(acting))
    if as_json:
        kinds = dict(Counter(one.kind for one in found))
        emit("audit_gaps", {"gaps": [plain(one) for one in found], "kinds": kinds})
    else:
        from ragkit.compliance.gaps import ABOUT

        for one in found:
            counts = f" ({_listed(one.counts)})" if one.counts else ""
            say(f"{one.ts[:19]:<19} {one.seq:>7} {one.kind:<18} {ABOUT[one.kind]}{counts} {one.about}".rstrip())
        if not found:
            say("The log tells of nothing that is missing.")
        for kind, remedy in {one.kind: one.remedy for one in found}.items():
            say(f"{kind}: {remedy}")
    raise typer.Exit(FINDINGS if found else 0)


def retention(
    since: FromOption = None,
    until: ToOption = None,
    acting: AsOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what is past retention and still here, and what was purged by which rule. Exit status 1: something is here.

    Documents that a legal hold keeps are told apart and are no fault.
    """
    first, last = between(since, until)
    with opened(workspace) as here:
        found = here.audit.retained(since=first, until=last, principal=principal_of(acting))
    if as_json:
        emit("audit_retention", plain(found))
    else:
        _print_retained(found)
    raise typer.Exit(FINDINGS if any(one.documents for one in found.overdue) else 0)


def guards(
    since: FromOption = None,
    until: ToOption = None,
    session: Annotated[str, typer.Option(help="Only of this dialogue.", show_default=False)] = "",
    acting: AsOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the questions with signs of an injection, and what the guard did; what was kept from leaving."""
    first, last = between(since, until)
    with opened(workspace) as here:
        found = here.audit.guards(since=first, until=last, session=session, principal=principal_of(acting))
    if as_json:
        emit("audit_guards", plain(found))
        return
    for one in found.questions:
        say(
            f"{one.ts[:19]} {one.request or '(no request)'} {one.who.shown}: {_listed(one.signs)} in "
            f"{', '.join(one.documents) or 'the question'}; {_listed(one.outcomes)}; {one.ended}"
        )
    if not found.questions:
        say("No guard noticed anything.")
    if found.blocked:
        say(f"Kept from leaving: {_listed(found.blocked)}.")
    if found.refused:
        say(f"Refused by a budget: {found.refused}.")


def oversight(
    since: FromOption = None,
    until: ToOption = None,
    acting: AsOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show which answers people reviewed, corrected or took over, and how fast."""
    first, last = between(since, until)
    with opened(workspace) as here:
        found = here.audit.oversight(since=first, until=last, principal=principal_of(acting))
    if as_json:
        emit("audit_oversight", plain(found))
        return
    from ragkit.compliance.telling import amount

    verdicts = f": {_listed(found.verdicts)}" if found.verdicts else ""
    say(f"Reviewed: {found.reviewed:,} of {amount(found.answers, 'answer')}{verdicts}.")
    if found.median_ms >= 0:
        half, slowest = _time(found.median_ms), _time(found.slowest_ms)
        say(f"Half of the first reviews came within {half}, the slowest after {slowest}.")
    say(f"Handed to a person: {amount(found.handoffs, 'conversation')}.")
    say(f"Told that an AI answers: {amount(found.disclosures, 'time')}.")
    say(f"Incidents reported: {found.incidents:,}, of them open: {found.open_incidents:,}.")
    rows = [(one.ts[:19], one.of, one.who.shown, one.verdict, _time(one.after_ms)) for one in found.reviews]
    if rows:
        table("Reviews", ("when (UTC)", "of", "who", "verdict", "after"), rows)


def _print_sight(found: Sight) -> None:
    there = f"version {found.version} in `{found.collection}`" if found.there else "not to be found"
    say(f"{found.doc} at {found.at}: {there}")
    who = "everybody" if found.everybody else ", ".join(found.tokens) or "nobody, as far as the log says"
    say(f"access class {found.access_class or 'not in the log'}, since {found.since or 'unknown'}: {who}")
    rows = [
        (one.who.shown, one.could, ", ".join(one.who.tokens), one.seen[:19], one.shown, one.cited, one.last[:19])
        for one in found.viewers
    ]
    if rows:
        table("Who", ("who", "could", "by", "seen (UTC)", "shown", "cited", "last shown (UTC)"), rows)
    if found.missing:
        say(f"The log does not hold: {', '.join(found.missing)}.")


def _print_diff(found: Diff) -> None:
    rows = [(one.area, one.name, _cut(one.before), _cut(one.after), one.seq, one.ts[:19]) for one in found.changes]
    if rows:
        table("Changed", ("area", "what", "before", "after", "event", "when (UTC)"), rows)
    else:
        say("Nothing is otherwise.")
    deeds = [(one.area, one.type, one.detail, one.count, one.first, one.last) for one in found.deeds]
    if deeds:
        table("Done", ("area", "event", "of", "how often", "first", "last"), deeds)
    say(f"Documents: {_listed(found.documents) or 'none changed'}. The log begins {found.known_from or 'nowhere'}.")


def _print_retained(found: Retained) -> None:
    for one in found.overdue:
        of = f"{one.collection}/{one.source}" if one.source else one.collection
        say(
            f"rule {one.rule} ({of}, {one.days} days by {one.clock}): "
            f"{one.documents:,} still here, {one.held:,} held, {one.undated:,} undated, oldest {one.oldest or '-'}"
        )
    if not found.overdue:
        say(f"Nothing is past its time, by {found.satisfied} rules.")
    rows = [
        (one.ts[:19], one.type, one.collection, one.rule or "", one.cause, _listed(one.counts)) for one in found.purges
    ]
    if rows:
        table("Let go or kept", ("when (UTC)", "event", "collection", "rule", "cause", "what"), rows)
    say(f"Retention last ran {found.last_run}." if found.last_run else "Retention was never run.")
    if any(one.documents for one in found.overdue):
        say("Run `ragkit retention run`, every day; with `--dry-run` it shows first what would go.")


def _why(one: Reading) -> str:
    return one.purpose[:14] or ("" if one.of == "audit" or one.outcome != "ok" else "none")


def _listed(counts: object) -> str:
    return ", ".join(f"{key} {value:,}" for key, value in cast("dict[str, int]", counts).items())


def _cut(text: str) -> str:
    return text if len(text) <= 24 else f"{text[:20]}…"


def _time(ms: int) -> str:
    if ms < 0:
        return ""
    return f"{ms / 1000:.1f} s" if ms < 120_000 else f"{ms / 60_000:.0f} min"
