"""Audit: ``audit replay``, ``audit blast-radius``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ragkit.cli.audit_options import FromOption, ToOption, between
from ragkit.cli.audit_people import AsOption, principal_of
from ragkit.cli.output import emit, say, table
from ragkit.cli.progress import progress_bars
from ragkit.cli.session import CollectionOption, JsonOption, WorkspaceOption, opened
from ragkit.cli.shapes import shaped
from ragkit.errors import ConfigError

if TYPE_CHECKING:
    from ragkit.compliance.blast_uses import BlastRadius, Use
    from ragkit.compliance.replay_report import Replay

WhyOption = Annotated[str, typer.Option("--purpose", help="Why; its keyed hash is recorded.", show_default=False)]


def add_to(app: typer.Typer) -> None:
    """Add the verbs of this module."""
    app.command("replay")(replay)
    app.command("blast-radius")(blast_radius)


def replay(
    request: Annotated[str | None, typer.Argument(help="Id of a question; `ask --json` prints it.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Replay all answers of a time.")] = False,
    since: FromOption = None,
    until: ToOption = None,
    evidence: Annotated[
        bool, typer.Option("--evidence", help="Show what was compared, masked. For officers; needs a purpose.")
    ] = False,
    purpose: WhyOption = "",
    acting: AsOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make an answer again as of then, and tell byte by byte what is the same, and where not, why.

    Search, passages, prompt and request are made again from the event log, the evidence store and the history of the
    records; an extractive answer too, while a model would write another text. Nothing is sent, and no content is shown
    without `--evidence`.

    Exit status 0: the same; 1: something differs; 2: it cannot be replayed, since it was erased, is too old, or no
    evidence was kept.
    """
    if (request is None) != every or (every and evidence):
        raise ConfigError(
            "name one request, or all of a time", remedy="`ragkit audit replay ID`, or `--all --from … --to …`."
        )
    if request is not None:
        with opened(workspace) as here:
            found = here.audit.replay(request, evidence=evidence, purpose=purpose, principal=principal_of(acting))
        if as_json:
            emit("audit_replay", _replay_json(found))
        else:
            _print_replay(found)
        raise typer.Exit(found.exit_code)
    first, last = between(since, until)
    with opened(workspace) as here, progress_bars() as progress:
        replays = list(here.audit.replays(since=first, until=last, principal=principal_of(acting), progress=progress))
    if as_json:
        emit("audit_replays", _replays_json(replays))
    else:
        _print_replays(replays)
    raise typer.Exit(max((one.exit_code for one in replays), default=0))


def blast_radius(
    document: Annotated[str, typer.Argument(help="Opaque id of a document, or number of a chunk.")],
    version: Annotated[int | None, typer.Option(help="Only this version of the document.", show_default=False)] = None,
    since: FromOption = None,
    until: ToOption = None,
    source: Annotated[
        str | None,
        typer.Option(help="The document is named by this source's own id. For officers.", show_default=False),
    ] = None,
    purpose: WhyOption = "",
    collection: CollectionOption = None,
    acting: AsOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the answers that used a document: what to look at again when it was wrong, poisoned or unlawful.

    From the event log alone, so also for a document that is gone. Exit status 0: no answer used it; 1: some did.
    """
    first, last = between(since, until)
    with opened(workspace) as here:
        found = here.audit.blast_radius(
            document,
            version=version,
            since=first,
            until=last,
            source=source,
            collection=collection,
            purpose=purpose,
            principal=principal_of(acting),
        )
    if as_json:
        emit("audit_blast_radius", _radius_json(found))
    else:
        _print_radius(found)
    raise typer.Exit(1 if found.uses else 0)


def _radius_json(found: BlastRadius) -> dict[str, Any]:
    return {
        "doc": found.doc,
        "chunk": found.chunk or None,
        "version": found.version or None,
        "totals": found.totals,
        "destinations": found.destinations,
        "holes": dict(found.holes),
        "uses": [_use_json(use) for use in found.uses],
    }


def _use_json(use: Use) -> dict[str, Any]:
    left = [shaped("audit_departure", asdict(one)) for one in use.left]
    return shaped("audit_use", {**asdict(use), "by": use.by, "left": left})


def _print_radius(found: BlastRadius) -> None:
    if not found.uses:
        say("No search found it, as far as the log tells.")
    else:
        rows = [
            (use.ts[:19], use.request[:8], use.by, use.generator, use.ended, ", ".join(_places(use)), _reviewed(use))
            for use in found.uses
        ]
        table("Questions", ("when (UTC)", "request", "by", "generator", "ended", "left for", "reviewed"), rows)
        totals = found.totals
        say(
            f"\n{totals['questions']:,} questions of {totals['actors']:,} people found it, {totals['answers']:,} were "
            f"answered, {totals['cited']:,} answers cite it; prompts of {totals['left']:,} left or may have left. "
            f"{totals['unreviewed']:,} answers that may rest on it were reviewed by nobody."
        )
    if found.holes:
        say("The log says that something is missing from it: " + ", ".join(sorted(found.holes)) + ".")


def _places(use: Use) -> list[str]:
    return sorted({one.destination for one in use.left})


def _reviewed(use: Use) -> str:
    return use.reviews[-1] if use.reviews else "no" if use.answered else ""


def _replay_json(found: Replay) -> dict[str, Any]:
    contents = {
        name: shaped("audit_replay_content", {"then": _text(then), "now": _text(now)})
        for name, (then, now) in found.contents.items()
    }
    return {
        "request": found.request,
        "collection": found.collection,
        "asked": found.asked.isoformat(),
        "actor": found.actor,
        "generator": found.generator,
        "generation": found.generation,
        "whole": found.whole,
        "reason": found.reason,
        "causes": list(found.causes),
        "parts": [shaped("audit_replay_part", asdict(one)) for one in found.parts],
        "passages": [shaped("audit_replay_passage", asdict(one)) for one in found.passages],
        "changes": [shaped("audit_replay_change", asdict(one)) for one in found.changes],
        "contents": contents,
    }


def _replays_json(found: Sequence[Replay]) -> dict[str, Any]:
    whole = Counter(one.whole for one in found)
    return {
        "same": whole["same"],
        "differs": whole["differs"],
        "cannot": whole["cannot"],
        "causes": dict(Counter(cause for one in found for cause in one.causes)),
        "reasons": dict(Counter(one.reason for one in found if one.reason)),
        "replays": [shaped("audit_replayed", _replay_json(one)) for one in found],
    }


_WHOLE = {
    "same": "All that can be made again is the same.",
    "differs": "Something is not the same.",
    "cannot": "Not reproducible: some of what it was made of is gone.",
}


def _print_replay(found: Replay) -> None:
    from ragkit.compliance.replay_report import named, reasoned

    if found.reason:
        say(f"Not reproducible: {reasoned(found.reason)}.")
    else:
        erased = found.whole == "cannot" and "erased" in found.causes
        say("Not reproducible: some of what it was made of is erased." if erased else _WHOLE[found.whole])
        say()
        parts = [(one.name.replace("_", " "), one.verdict, one.bytes_then or "", one.then[:28]) for one in found.parts]
        table("Then and now", ("part", "verdict", "bytes", "then"), parts)
    passages = [
        (one.rank_then or "", one.rank_now or "", one.chunk, one.doc[:12], one.version, one.fate, one.text)
        for one in found.passages
    ]
    if passages:
        say()
        table("Passages", ("rank then", "now", "chunk", "document", "version", "is now", "text"), passages)
    for cause in found.causes:
        say(f"Cause: {named(cause)}.")
    if found.changes:
        say("Changed since: " + ", ".join(dict.fromkeys(one.what for one in found.changes)) + ".")
    for name, (then, now) in found.contents.items():
        say(f"\n--- {name}, then ---\n{_text(then)}")
        if then != now:
            say(f"\n--- {name}, now ---\n{_text(now)}")


def _print_replays(found: Sequence[Replay]) -> None:
    from ragkit.compliance.replay_report import named, reasoned

    whole = Counter(one.whole for one in found)
    say(f"{whole['same']:,} answers are the same, {whole['differs']:,} differ, {whole['cannot']:,} cannot be replayed.")
    for cause, count in Counter(cause for one in found for cause in one.causes).most_common():
        say(f"{count:,} times: {named(cause)}.")
    for reason, count in Counter(one.reason for one in found if one.reason).most_common():
        say(f"{count:,} times not reproducible: {reasoned(reason)}.")


def _text(content: bytes) -> str:
    return content.decode("utf-8", "replace")
