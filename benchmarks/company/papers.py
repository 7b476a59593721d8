"""The papers of an invented company: files of one person, letters, mails, tables, minutes, policies, charts.

Each maker writes what it says of somebody through :meth:`Sheet.of`, which keeps the truth; so no value stands in a
paper that the truth does not know.
"""

from __future__ import annotations

import csv
import io
import json
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from email.message import EmailMessage
from html import escape

from benchmarks.company import words
from benchmarks.company.people import COMPANY, MAILBOXES, SWITCHBOARD, Person


@dataclass(frozen=True, slots=True)
class Document:
    """One paper.

    Attributes:
        path: Relative to the folder ``files``; of a JSON line, ``records.jsonl#`` and its id.
        content: Its bytes; of a JSON line, the line.
        truth: Values as written, by the id of whose they are.
        wholly: Who it is about, where it is about one person alone. A policy that names one employee is not.
    """

    path: str
    content: bytes
    truth: Mapping[str, tuple[str, ...]]
    wholly: str | None = None

    def __repr__(self) -> str:
        return f"Document({len(self.content)} bytes)"


@dataclass(slots=True)
class Sheet:
    """A paper in the making. ``of`` returns the value and remembers whose it is."""

    dice: random.Random
    truth: dict[str, list[str]] = field(default_factory=dict)

    def of(self, person: Person, value: str) -> str:
        """Note that ``value`` of ``person`` stands here."""
        held = self.truth.setdefault(person.id, [])
        if value not in held:
            held.append(value)
        return value

    def filler(self, count: int) -> str:
        """Sentences about nobody."""
        return " ".join(words.sentence(self.dice) for _ in range(count))

    def done(self, path: str, content: str | bytes, wholly: Person | None = None) -> Document:
        """Close the sheet."""
        raw = content if isinstance(content, bytes) else content.encode()
        truth = {key: tuple(held) for key, held in self.truth.items()}
        return Document(path, raw, truth, wholly.id if wholly else None)


def staff_file(sheet: Sheet, number: int, person: Person) -> Document:
    """All that the company keeps of an employee: Markdown, HTML or plain text; one in three under the name."""
    rows = [
        ("Name", sheet.of(person, person.full)),
        ("Employee ID", sheet.of(person, person.number)),
        ("Date of birth", sheet.of(person, person.born.isoformat())),
        ("Address", sheet.of(person, person.address)),
        ("Phone", sheet.of(person, person.phone)),
        ("E-mail", sheet.of(person, person.email)),
        ("IBAN", sheet.of(person, person.iban)),
        ("Department", person.department),
        ("Role", person.role),
        ("Joined", person.joined.isoformat()),
    ]
    review = (
        f"{person.title} {sheet.of(person, person.family)} works as {person.role.lower()} in {person.department}. "
        f"{sheet.filler(2)} {words.review(sheet.dice)}"
    )
    form = sheet.dice.choice(("md", "html", "txt"))
    place = f"hr/{sheet.of(person, person.sorted)} {number}" if sheet.dice.random() < 0.34 else f"hr/file-{number}"
    if form == "md":
        table = "\n".join(f"| {label} | {value} |" for label, value in rows)
        text = f"# Personnel file\n\n| Field | Entry |\n|---|---|\n{table}\n\n## Review\n\n{review}\n"
    elif form == "html":
        cells = "".join(f"<tr><th>{label}</th><td>{escape(value, quote=False)}</td></tr>" for label, value in rows)
        head = "<html><head><title>Personnel file</title></head>"
        text = f"{head}<body><table>{cells}</table><p>{review}</p></body></html>"
    else:
        text = "Personnel file\n\n" + "\n".join(f"{label}: {value}" for label, value in rows) + f"\n\n{review}\n"
    return sheet.done(f"{place}.{form}", text, person)


def account_sheet(sheet: Sheet, number: int, person: Person) -> Document:
    """What is kept of one customer."""
    text = (
        f"# Account sheet\n\nCustomer: {sheet.of(person, person.full)}\n\n"
        f"Customer number: {sheet.of(person, person.number)}\n\n"
        f"Address: {sheet.of(person, person.address)}\n\n"
        f"Phone: {sheet.of(person, person.home_phone)}\n\nE-mail: {sheet.of(person, person.email)}\n\n"
        f"Date of birth: {sheet.of(person, person.born_long)}\n\n## Remarks\n\n"
        f"{person.title} {sheet.of(person, person.family)} {words.remark(sheet.dice)} {sheet.filler(2)}\n"
    )
    return sheet.done(f"accounts/account-{number}.md", text, person)


def invoice(sheet: Sheet, number: int, person: Person) -> Document:
    """An invoice to one customer, in HTML."""
    lines, total = words.positions(sheet.dice)
    cells = "".join(f"<tr><td>{name}</td><td>{price:.2f}</td></tr>" for name, price in lines)
    text = (
        f"<html><head><title>Invoice {20_000 + number}</title></head><body><h1>Invoice</h1>"
        f"<p>Bill to: {sheet.of(person, person.full)}<br>Address: {sheet.of(person, person.address)}<br>"
        f"Customer number: {sheet.of(person, person.number)}</p>"
        f"<table><tr><th>Article</th><th>Price</th></tr>{cells}</table>"
        f"<p>Total {total:.2f} EUR, taken from IBAN {sheet.of(person, person.iban)}. "
        f"Questions? {SWITCHBOARD} or {MAILBOXES[2]}.</p></body></html>"
    )
    return sheet.done(f"invoices/{number}.html", text, person)


def name_change(sheet: Sheet, number: int, person: Person) -> Document:
    """A note that somebody has another name now."""
    text = (
        f"Change of name\n\n{sheet.of(person, person.old_full)} has married and is now called "
        f"{sheet.of(person, person.full)}. The address {sheet.of(person, person.former_email or person.email)} is "
        f"replaced by {sheet.of(person, person.email)}. Reference number {sheet.of(person, person.number)} stays.\n\n"
        f"{sheet.filler(1)}\n"
    )
    return sheet.done(f"changes/{number}.txt", text, person)


def old_letter(sheet: Sheet, number: int, person: Person, clerk: Person) -> Document:
    """A letter from before the change of name."""
    text = (
        f"{COMPANY}\n\nTo: {sheet.of(person, person.old_full)}\n"
        f"E-mail: {sheet.of(person, person.former_email or person.email)}\n\n"
        f"Dear {person.title} {sheet.of(person, person.former or person.family)},\n\n{sheet.filler(3)}\n\n"
        f"Kind regards,\n{sheet.of(clerk, clerk.full)}\n"
    )
    return sheet.done(f"letters/old-{number}.txt", text)


def letter(sheet: Sheet, number: int, person: Person, clerk: Person) -> Document:
    """A letter to a customer, signed by an employee; one in ten in German."""
    if sheet.dice.random() < 0.1:
        text = (
            f"{sheet.of(person, person.full)}\n{sheet.of(person, person.address)}\n\n"
            f"Sehr geehrte Frau {sheet.of(person, person.family)},\n\n{words.german(sheet.dice)}\n\n"
            f"Ihre Kundennummer: {sheet.of(person, person.number)}\n\nMit freundlichen Grüßen\n\n"
            f"{sheet.of(clerk, clerk.full)}\n"
        )
    else:
        text = (
            f"{sheet.of(person, person.full)}\n{sheet.of(person, person.address)}\n\n"
            f"Dear {person.title} {sheet.of(person, person.family)},\n\n{words.opening(sheet.dice)} {sheet.filler(2)} "
            f"We shall ring you on {sheet.of(person, person.phone)}.\n\nKind regards,\n{sheet.of(clerk, clerk.full)}\n"
            f"{clerk.role}, {clerk.department}\n{sheet.of(clerk, clerk.email)}\nSwitchboard {SWITCHBOARD}\n"
        )
    return sheet.done(f"letters/{number}.txt", text)


def ticket(sheet: Sheet, number: int, person: Person, clerk: Person, other: Person) -> Document:
    """A ticket of the service desk, with short forms of names."""
    text = (
        f"Ticket T-{70_000 + number}\n\nCustomer: {sheet.of(person, person.full)}\n"
        f"Customer number: {sheet.of(person, person.number)}\nPhone: {sheet.of(person, person.phone)}\n"
        f"Agent: {sheet.of(clerk, clerk.full)}\n\n{person.title} {sheet.of(person, person.family)} "
        f"{words.remark(sheet.dice)} {sheet.filler(2)} {sheet.of(clerk, clerk.given)} asked "
        f"{sheet.of(other, other.full)} of {other.department} to look at it.\n"
    )
    return sheet.done(f"tickets/{number}.txt", text)


def mail(sheet: Sheet, number: int, sender: Person, to: Person, about: Person) -> Document:
    """A message between two people about a third."""
    message = EmailMessage()
    message["From"] = f'"{sheet.of(sender, sender.full)}" <{sheet.of(sender, sender.email)}>'
    message["To"] = f'"{sheet.of(to, to.full)}" <{sheet.of(to, to.email)}>'
    message["Cc"] = MAILBOXES[number % len(MAILBOXES)]
    message["Subject"] = words.subject(sheet.dice)
    message["Date"] = f"{1 + number % 28:02} Mar 2025 09:{number % 60:02}:00 +0000"
    message.set_content(
        f"Hello {sheet.of(to, to.given)},\n\n{sheet.filler(2)} Please look at the case of "
        f"{sheet.of(about, about.full)} ({sheet.of(about, about.number)}), who can be reached on "
        f"{sheet.of(about, about.phone)}.\n\nBest,\n{sheet.of(sender, sender.given)}\n\n-- \n"
        f"{sheet.of(sender, sender.full)} | {sender.role} | {SWITCHBOARD}\n"
    )
    return sheet.done(f"mails/{number}.eml", message.as_bytes())


def contract(sheet: Sheet, number: int, person: Person, manager: Person) -> Document:
    """A contract of employment, signed by two; one in four as DOCX."""
    paragraphs = [
        f"Contract of employment with {sheet.of(person, person.full)}, born on {sheet.of(person, person.born_long)}.",
        f"The employee lives at {sheet.of(person, person.address)}. {COMPANY} is told of any other address.",
        f"Work begins on {person.joined.isoformat()} as {person.role.lower()} in {person.department}.",
        sheet.filler(2),
        f"The salary is paid to IBAN {sheet.of(person, person.iban)}.",
        f"Signed: {sheet.of(person, person.full)}",
        f"Signed for the company: {sheet.of(manager, manager.full)}, {manager.role}",
    ]
    if sheet.dice.random() < 0.25:
        from docx import Document as Docx

        paper, out = Docx(), io.BytesIO()
        for paragraph in paragraphs:
            paper.add_paragraph(paragraph)
        paper.save(out)
        return sheet.done(f"contracts/{number}.docx", out.getvalue())
    return sheet.done(f"contracts/{number}.txt", "\n\n".join(paragraphs) + "\n")


def household(sheet: Sheet, number: int, members: Sequence[Person]) -> Document:
    """A note on several people of one address and one telephone, some of one name."""
    lines = [f"The household at {members[0].address}, telephone {members[0].home_phone}, has these customers:", ""]
    for one in members:
        sheet.of(one, one.address)
        sheet.of(one, one.home_phone)
        lines.append(f"- {sheet.of(one, one.full)}, born {sheet.of(one, one.born_long)}, customer number "
                     f"{sheet.of(one, one.number)}, e-mail {sheet.of(one, one.email)}")  # fmt: skip
    return sheet.done(f"households/{number}.md", "# Household\n\n" + "\n".join(lines) + f"\n\n{sheet.filler(1)}\n")


def table(sheet: Sheet, number: int, people: Sequence[Person]) -> Document:
    """A table of customers, a row each."""
    out = io.StringIO()
    rows = csv.writer(out)
    rows.writerow(["Customer number", "Name", "E-mail", "Phone", "City", "Segment"])
    for one in people:
        cells = (one.number, one.sorted if number % 3 == 0 else one.full, one.email, one.home_phone)
        rows.writerow([*(sheet.of(one, cell) for cell in cells), one.city, words.segment(sheet.dice)])
    return sheet.done(f"tables/customers-{number}.csv", out.getvalue())


def minutes(sheet: Sheet, number: int, people: Sequence[Person]) -> Document:
    """Notes of a meeting, with full names, then short ones."""
    present = ", ".join(sheet.of(one, one.full) for one in people)
    points = "\n".join(
        f"- {sheet.of(one, sheet.dice.choice((one.given, one.full, one.initialled)))} {words.task(sheet.dice)}"
        for one in people
    )
    text = f"# Meeting of {people[0].department}\n\nPresent: {present}\n\n{sheet.filler(3)}\n\n## Tasks\n\n{points}\n"
    return sheet.done(f"minutes/{number}.md", text)


def policy(sheet: Sheet, number: int, person: Person) -> Document:
    """A rule of the house that names one employee to turn to. It is not about that person."""
    name, body = words.policy(sheet.dice)
    text = (
        f"# {name}\n\n{body}\n\n{sheet.filler(4)}\n\n## Contact\n\nQuestions go to "
        f"{sheet.of(person, person.full)} ({sheet.of(person, person.email)}) or to the switchboard, {SWITCHBOARD}.\n"
    )
    return sheet.done(f"policies/{number}.md", text)


def chart(sheet: Sheet, number: int, people: Sequence[Person]) -> Document:
    """Who works in a department."""
    rows = "\n".join(f"| {sheet.of(one, one.full)} | {one.role} | {sheet.of(one, one.email)} |" for one in people)
    text = f"# {people[0].department}: who does what\n\n| Name | Role | E-mail |\n|---|---|---|\n{rows}\n"
    return sheet.done(f"charts/{number}.md", text)


def call_note(sheet: Sheet, number: int, person: Person, clerk: Person) -> Document:
    """A line of the customer system: JSON with metadata."""
    row = {
        "id": f"call-{number}",
        "title": f"Call of {sheet.of(person, person.full)}",
        "text": f"{sheet.of(person, person.full)} called. {words.opening(sheet.dice)} {sheet.filler(1)} "
        f"Call back on {sheet.of(person, person.phone)} or write to {sheet.of(person, person.email)}.\n\n"
        f"Taken by {sheet.of(clerk, clerk.initialled)}",
        "meta": {"agent": sheet.of(clerk, clerk.full), "segment": words.segment(sheet.dice)},
    }
    return sheet.done(f"records.jsonl#call-{number}", json.dumps(row, ensure_ascii=False))


ALONE: tuple[tuple[Callable[[Sheet, int, Person], Document], float], ...] = ((account_sheet, 0.35), (invoice, 0.38))
"""Papers of one customer, and how many of each there are for a customer."""
