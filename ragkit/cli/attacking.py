"""Attack your own workspace: ``attack``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ragkit.cli.output import emit, say, table
from ragkit.cli.progress import progress_bars
from ragkit.cli.session import CollectionOption, JsonOption, PurposeOption, WorkspaceOption, opened
from ragkit.cli.shapes import shaped

if TYPE_CHECKING:
    from ragkit.attack.report import AttackReport
    from ragkit.attack.truth import Outcome

PANEL = "Measure"


def add_to(app: typer.Typer) -> None:
    """Add the verb of this module."""
    app.command("attack", rich_help_panel=PANEL)(attack)


def attack(
    people: Annotated[
        Path | None,
        typer.Option(
            help="The attacker's list, CSV or JSON lines: `name` and any of email, city, role, employer, birthdate, …",
            show_default=False,
        ),
    ] = None,
    folder: Annotated[
        Path | None,
        typer.Option(
            help="Only list what stands in clear in this data directory (mostly `.ragkit`); no key is needed.",
            show_default=False,
        ),
    ] = None,
    attacks: Annotated[
        str,
        typer.Option(help="Which, separated by commas; `provider` links conversations by what a model would be sent."),
    ] = "vectors,words,linkage,frequency,cooccurrence,sizes,numbers,together,provider",
    known: Annotated[
        int, typer.Option(min=0, help="So many people of the list the attacker knows with a document of theirs.")
    ] = 10,
    baseline: Annotated[
        bool, typer.Option(help="Attack the same documents unmasked too, in memory; the slow part.")
    ] = True,
    seed: Annotated[int, typer.Option(help="Of every lot that is drawn.")] = 0,
    purpose: PurposeOption = "",
    collection: CollectionOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Try what a thief of the data directory would try, without keys, and say how often it works.

    The thief runs in a process of its own that gets no key. Scoring needs the root key, the collection's `reveal` and a
    purpose. Nothing is sent anywhere, nothing is written but the event.
    """
    if folder is not None:
        _inventory(folder, as_json=as_json)
        return
    if people is None:
        raise typer.BadParameter("name the attacker's list with --people, or a data directory with --folder")
    from ragkit.attack.run import attack_workspace

    with progress_bars() as progress, opened(workspace) as here:
        report = attack_workspace(
            here,
            people,
            purpose=purpose,
            attacks=[name.strip() for name in attacks.split(",") if name.strip()],
            collection=collection,
            known=known,
            baseline=baseline,
            seed=seed,
            progress=progress,
        )
    if as_json:
        emit("attack", _shaped(report.as_json()))
        return
    _print(report)


def _inventory(folder: Path, *, as_json: bool) -> None:
    from ragkit.attack.inventory import inventory

    found = inventory(folder)
    if as_json:
        emit("attack_inventory", {"findings": [shaped("attack_finding", one.as_json()) for one in found]})
        return
    table("In clear, without a key", ("where", "count", "what it tells"), [(f.where, f.count, f.tells) for f in found])


def _shaped(shown: dict[str, Any]) -> dict[str, Any]:
    outcomes = {
        side: {
            name: shaped("attack_outcome", {**one, **{key: shaped("attack_share", one[key]) for key in _SHARES}})
            for name, one in shown[side].items()
        }
        for side in ("masked", "unmasked")
    }
    provider = {
        view: [shaped("attack_linking", {**one, "linked": shaped("attack_share", one["linked"])}) for one in found]
        for view, found in shown["provider"].items()
    }
    return {**shown, **outcomes, "provider": provider}


_SHARES = ("first", "top", "named", "precision")


def _print(report: AttackReport) -> None:
    rows = [_row(name, one, report.unmasked.get(name)) for name, one in report.masked.items()]
    columns = ("attack", "right file first", "in the first 1 %", "by chance", "unmasked")
    table(f"{report.documents:,} documents, policy {report.policy}", columns, rows)
    say()
    for line in report.lines():
        say(line)


def _row(name: str, one: Outcome, clear: Outcome | None) -> tuple[str, ...]:
    from ragkit.attack.report import of_hundred

    chance = f"{one.first_chance * 100:.2g}, {one.top_chance * 100:.2g}"
    bare = f"{clear.first.value * 100:.0f}" if clear is not None and clear.targets else ""
    first, top = (of_hundred(share).replace(" of 100", "") for share in (one.first, one.top))
    return name, first, top, chance, bare
