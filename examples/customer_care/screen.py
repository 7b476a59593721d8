"""How the demo looks on a terminal. Everything shown comes from the workspace; nothing is known beforehand."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

from rich.columns import Columns
from rich.console import Console
from rich.markup import escape
from rich.panel import Panel
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from ragkit.ingest.report import SyncReport
    from ragkit.types import Answer, Citation
    from ragkit.workspace import Workspace

console = Console(highlight=False)
TOKEN = re.compile(r"\[[A-Z][A-Z0-9_]*:[A-Z0-9]+-[A-Z0-9]+\]")
_CITED = 3


def scene(number: int, title: str) -> None:
    """Open a scene."""
    console.print()
    console.rule(f"[bold]{number}  {title}", align="left", style="dim")


def colour(masked: str) -> Text:
    """Show masked text with its tokens set off, their ids shortened."""
    text = Text()
    position = 0
    for token in TOKEN.finditer(masked):
        text.append(masked[position : token.start()])
        kind, _, identity = token[0][1:-1].partition(":")
        text.append(f"[{kind}:{identity[:4]}…]", style="bold magenta")
        position = token.end()
    text.append(masked[position:])
    return text


# --- syncing ---------------------------------------------------------------------------------------------------------


def first_sync(workspace: Workspace) -> None:
    """Index everything, with a bar for each stage, and say what was found and masked."""
    columns = (TextColumn("{task.description:>8}"), BarColumn(40), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bars:
        stages: dict[str, TaskID] = {}

        def advance(stage: str, done: int, total: int | None) -> None:
            if stage not in stages:
                stages[stage] = bars.add_task(stage, total=total)
            bars.update(stages[stage], completed=done, total=total)

        report = workspace.sync(progress=advance)
    _print_report(report)
    masked = ", ".join(f"{count:,} {kind}" for kind, count in sorted(report.masked.items(), key=lambda one: -one[1]))
    console.print(f"[bold]{sum(report.masked.values()):,}[/] values masked: [dim]{masked}")


def second_sync(workspace: Workspace, what: str) -> None:
    """Index again and show that only what changed was touched."""
    console.print(f"\n[bold]At the source: {what}.[/] Syncing again:")
    _print_report(workspace.sync())


def _print_report(report: SyncReport) -> None:
    parts = [f"[bold]{count}[/] {name}" for name, count in _counts(report) if count]
    console.print(f"{', '.join(parts)}; {report.chunks:,} chunks written in {report.elapsed:.1f} s")
    for code, count in report.quarantined.items():
        console.print(f"[yellow]set aside: {count} ({code})")


def _counts(report: SyncReport) -> list[tuple[str, int]]:
    names = ("added", "updated", "renamed", "unchanged", "deleted")
    return [(name, getattr(report, name)) for name in names]


# --- masking, asking, revealing --------------------------------------------------------------------------------------


def before_and_after(workspace: Workspace, text: str) -> None:
    """Show a note of a telephone call as it was written and as ragkit keeps it, side by side."""
    masked, spans = workspace.mask_text(text, store=False)
    left = Text(text)
    for span in spans:
        left.stylize("bold red", span.start, span.end)
    table = Table(expand=True, show_lines=False)
    table.add_column("as it was written", ratio=1)
    table.add_column("as ragkit keeps, shows and sends it", ratio=1)
    right = colour(masked.record)
    lines = list(zip(left.split("\n"), right.split("\n")))
    aligned = text.count("\n") == masked.record.count("\n")  # a masked address may have swallowed line ends
    for before, after in lines if aligned else [(left, right)]:
        table.add_row(before, after)
    console.print(table)
    example = next((line for line in masked.index.splitlines() if line.startswith("Caller: ")), "")
    console.print(f"[dim]For searching, each value has an invented stand-in: “{escape(example)}” is what is indexed.")


def known_limit(workspace: Workspace, letter: str, name: str) -> None:
    """Say so when a name without any sign around it was not found."""
    masked, _ = workspace.mask_text(letter, store=False)
    if name in masked.record:
        sentence = next(line for line in masked.record.splitlines() if name in line).partition(". ")[0]
        console.print(
            f"[yellow]Known limit:[/] a first name in free prose is not found by rules: “{escape(sentence)}.”"
        )
        console.print("[dim]SECURITY.md says which names are found, and what to do where that is not enough.")


def ask(workspace: Workspace, question: str, *, kind: str) -> Answer:
    """Ask, and show the answer with where each sentence comes from."""
    answer = workspace.ask(question)
    body = Text()
    if answer.question.spans:
        body.append_text(Text("searched as: ", style="dim")).append_text(colour(answer.question.record)).append("\n")
    body.append_text(Text(answer.text, style="yellow") if answer.refused else colour(answer.text))
    for cited in answer.citations[:_CITED]:
        body.append(f"\n[{cited.marker}] ", style="cyan").append_text(colour(cited.title))
        if below := _below_title(cited):
            body.append(" > ", style="dim").append_text(colour(below))
        body.append(f"  {_place(cited)}", style="dim")
    frame = Panel(body, title=f"[bold]{escape(question)}", title_align="left", border_style="dim")
    frame.subtitle, frame.subtitle_align = f"[dim]{kind}", "right"
    console.print(frame)
    return answer


def _below_title(cited: Citation) -> str:
    """The headings above the sentence, without the document's own title."""
    headings = cited.heading.split(" > ")
    return " > ".join(headings[1:] if headings[0].lower() in cited.title.lower() else headings)


def _place(cited: Citation) -> str:
    """Where in the document: page or sheet, and the characters of its text."""
    kind = "sheet" if (cited.uri or "").endswith(".xlsx") else "page"
    page = f"{kind} {cited.page}, " if cited.page else ""
    return f"{page}characters {cited.start} to {cited.end}"


def reveal(workspace: Workspace, answer: Answer, *, purpose: str) -> None:
    """Put the values back, for the local user whom the configuration entitles, and say what is recorded."""
    clear = workspace.reveal(answer.text, purpose=purpose)
    console.print(
        Panel(Text(clear, style="green"), title=f"purpose: {purpose}", title_align="left", border_style="green")
    )
    console.print("[dim]The configuration lets the local user reveal; by default nobody may. The use is on record.")


def erase(workspace: Workspace, customer: str, *, purpose: str) -> None:
    """Erase a customer and show what the signed receipt states."""
    report = workspace.subjects.erase(customer, purpose=purpose)
    values = ", ".join(f"{kind} {count}" for kind, count in sorted(report.destroyed.items()))
    console.print(f"Erased {customer}: [dim]{values}")
    console.print(f"{len(report.deleted)} documents deleted, {len(report.redacted)} redacted and embedded again")
    meaning = {
        "L0": "hidden from questions",
        "L1": "absent from every row",
        "L2": "absent from the bytes of every file",
        "L3": "keys destroyed, so that copies are unreadable",
    }
    checked = workspace.subjects.check_receipt(report.receipt)
    states = Table(title="the receipt" + (", signature checked" if checked.ok else ""), title_justify="left")
    for heading in ("level", "means", "reached"):
        states.add_column(heading)
    for level, means in meaning.items():
        states.add_row(level, means, report.levels[level])
    console.print(states)
    naming = ", ".join(f"{source} ({count})" for source, count in report.naming.items())
    console.print(
        f"[dim]Your own files still name her: {naming}. ragkit leaves them as they are, and never takes her in again."
    )


# --- what is on the disk, what left --------------------------------------------------------------------------------


def disk(shop: Path) -> None:
    """Scan every byte of the data folder for the customers: names, addresses, numbers, and the secret project."""
    from ragkit.testing.bytescan import ByteScanner
    from ragkit.testing.canaries import Canary

    wanted = personal_values(shop / "documents")
    data = shop / ".ragkit"
    files = [path for path in data.rglob("*") if path.is_file()]
    findings = ByteScanner([Canary(kind, value, (value,), "") for kind, value in wanted]).scan_tree(data)
    kinds = sorted({kind for kind, _ in wanted})
    tiles = [f"[bold]{sum(1 for one, _ in wanted if one == kind)}[/] {kind}" for kind in kinds]
    console.print(f"{len(files)} files, {sum(path.stat().st_size for path in files) / 1e6:.1f} MB. Looked for:")
    console.print(Columns(tiles, padding=(0, 3)))
    leaked = {wanted[one.canary][0] for one in findings} | in_term_index(data, wanted)
    verdict = f"[bold red]found in clear: {', '.join(sorted(leaked))}" if leaked else "[bold green]found in clear: none"
    console.print(f"{verdict}[/] [dim](as UTF-8, UTF-16, JSON, percent, hex and base64; names also in the term index)")
    if leaked:
        raise SystemExit(1)


def in_term_index(data: Path, wanted: list[tuple[str, str]]) -> set[str]:
    """Return the kinds of values whose words all stand in the term index, which packs words so that no scan sees them.

    Numbers are left out: their groups of digits stand by chance among the invented ones.
    """
    from ragkit.index.lexical import LexicalIndex

    kinds: set[str] = set()
    for folder in data.glob("index/*/*/lexical"):
        index = LexicalIndex.open(folder, language="en", classes=())
        for kind, value in wanted:
            named = kind in {"customers", "e-mail addresses", "secret projects"}
            if named and all(index.frequencies(index.terms(value)).values()):
                kinds.add(kind)
    return kinds


def personal_values(documents: Path) -> list[tuple[str, str]]:
    """Return what the shop's documents say of customers, as (kind, value), each value eight characters or longer."""
    with (documents / "tickets" / "tickets-2026-q3.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    lines = (documents / "tickets" / "tickets-2026-october.jsonl").read_text(encoding="utf-8").splitlines()
    texts = [path.read_text(encoding="utf-8") for path in documents.glob("*/*") if path.suffix in {".txt", ".eml"}]
    texts += [json.loads(line)["text"] for line in lines]
    everything = "\n".join([*texts, *("\n".join(row.values()) for row in rows)])
    named = re.findall(r"^(?:Customer|Caller): (?:Mr|Mrs|Ms|Mme|Dr) (.+)$", everything, flags=re.MULTILINE)
    named += [row["customer"].partition(" ")[2] for row in rows]
    found = {
        *(("customers", name) for name in named),
        *(("surnames", name.rpartition(" ")[2]) for name in named),
        *(("e-mail addresses", value) for value in re.findall(r"[\w.-]+@example\.(?:com|org|net)", everything)),
        *(("customer numbers", value) for value in re.findall(r"KC-\d{2}-\d{5}", everything)),
        *(
            ("telephone numbers", value)
            for value in re.findall(r"\b0(?:113|131|161|20|808) \d{3,4} \d{4}\b", everything)
        ),
        *(("card numbers", value) for value in re.findall(r"\b4\d{3} \d{4} \d{4} \d{4}\b", everything)),
        *(("bank accounts", value) for value in re.findall(r"IBAN: (\w.+)", everything)),
        ("secret projects", "Nightjar"),
    }
    return sorted((kind, value) for kind, value in found if len(value) >= 8)


def sockets_opened(attempts: list[str]) -> None:
    """Say that nothing left, or what tried to."""
    if attempts:
        console.print(f"[bold red]{len(attempts)} attempts: {', '.join(sorted(set(attempts)))}")
        raise SystemExit(1)
    console.print("[bold green]nothing:[/] no socket was opened and no name looked up, here or in any child process")


def chatbot(address: str) -> None:
    """Say where the pages of the service are."""
    console.print(f"\n[bold]{address}/chat[/]      the customer's page")
    console.print(f"{address}/agent     the inbox of the people who take over")
    console.print(f"{address}/operator  what was asked, what was not answered, what it cost")
    console.print("[dim]Control and C ends it.")


def farewell(seconds: float, folder: Path | None) -> None:
    """Say where to look next."""
    console.print(f"\n[dim]{seconds:.0f} seconds.", end=" ")
    if folder is None:
        console.print("[dim]The folder is gone. Run again with --keep DIR to look around in it.")
    else:
        console.print(f"[dim]Try it: XDG_CONFIG_HOME={folder}/config ragkit ask -w {folder}/shop")
    console.print("\n[bold]Now talk to it yourself:[/] make chat")
    console.print("[dim]opens the shop's chatbot on this machine, at http://127.0.0.1:8321/chat")
