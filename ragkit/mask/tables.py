"""Columns of Markdown tables whose header says what they hold: a column "Customer" holds names in every row."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ragkit.mask.name_shapes import looks_like_name
from ragkit.types import Span

_DIVIDER = re.compile(r"^[ \t]*\|?[ \t]*:?-{2,}:?[ \t]*(?:\|[ \t]*:?-{2,}:?[ \t]*)*\|?[ \t]*$", re.MULTILINE)
_NAME_HEADER = re.compile(
    r"(?:full name|customer(?: name)?|client(?: name)?|contact(?: person| name)?|employee(?: name)?|patient(?: name)?|"
    r"first ?name|last ?name|surname|family name|given name|person|recipient|sender|author|assignee|reporter|"
    r"account holder|"
    r"kunde|kundin|kundenname|ansprechpartner(?:in)?|mitarbeiter(?:in)?|vorname|nachname|nom|prénom|cliente|"
    r"nombre|apellidos?|"
    r"cognome|nome|klant|naam|voornaam|achternaam|namn|imię|nazwisko)",
    re.IGNORECASE,
)
_N = r"[ _](?:id|no\.?|number)"
_NUMBER_HEADERS = (
    (re.compile(rf"(?:customer|client|member|patient|employee){_N}|kunden(?:nr\.?|nummer)", re.IGNORECASE),
     "CUSTOMER_NUMBER"),
    (re.compile(rf"(?:order|invoice|booking){_N}|(?:bestell|rechnungs|auftrags)(?:nr\.?|nummer)", re.IGNORECASE),
     "ORDER_NUMBER"),
    (re.compile(r"(?:account|acct)[ _](?:id|no\.?|number)|konto(?:nr\.?|nummer)", re.IGNORECASE), "ACCOUNT_NUMBER"),
    (re.compile(r"ticket(?:[ _](?:id|no\.?|number))?", re.IGNORECASE), "TICKET_NUMBER"),
    (re.compile(r"date of birth|birth ?date|dob|geburtsdatum|fecha de nacimiento|date de naissance", re.IGNORECASE),
     "DATE_OF_BIRTH"),
    (re.compile(r"(?:street )?address|anschrift|adresse|dirección|indirizzo|adres", re.IGNORECASE), "ADDRESS"),
)  # fmt: skip


def find_in_tables(text: str) -> Iterator[Span]:
    """Cells under headers that name a person, a number of theirs, a birth date or an address."""
    if "|" not in text:
        return
    for divider in _DIVIDER.finditer(text):
        if "|" not in divider[0] and "|" not in text[max(0, divider.start() - 200) : divider.start()]:
            continue
        header_start = text.rfind("\n", 0, max(0, divider.start() - 1)) + 1
        headers = [
            text[a:b].strip(" \t*_") for a, b in _cells(text, header_start, max(header_start, divider.start() - 1))
        ]
        columns = {i: kind for i, header in enumerate(headers) if (kind := _kind(header)) is not None}
        if columns:
            yield from _column_cells(text, divider.end() + 1, columns)


def _kind(header: str) -> str | None:
    if _NAME_HEADER.fullmatch(header):
        return "PERSON"
    return next((entity_type for pattern, entity_type in _NUMBER_HEADERS if pattern.fullmatch(header)), None)


def _column_cells(text: str, position: int, columns: dict[int, str]) -> Iterator[Span]:
    while position < len(text):
        end = text.find("\n", position)
        end = len(text) if end < 0 else end
        if "|" not in text[position:end]:
            return
        for number, (start, stop) in enumerate(_cells(text, position, end)):
            kind = columns.get(number)
            if kind is not None and _fits(kind, text[start:stop]):
                yield Span(start, stop, kind, 0.75, "rules:table")
        position = end + 1


def _fits(kind: str, value: str) -> bool:
    if kind == "PERSON":
        return looks_like_name(value)
    if kind == "ADDRESS":
        return any(c.isdigit() for c in value) and any(c.isalpha() for c in value)
    return sum(char.isdigit() for char in value) >= 2 and len(value) <= 40


def _cells(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Trimmed ranges of the cells of one row, leading and trailing bar left out."""
    row = text[start:end]
    position = start + (len(row) - len(row.lstrip()))
    if text[position : position + 1] == "|":
        position += 1
    for cell in re.finditer(r"(?:[^|\\\n]|\\.)*(?:\||$)", text[position:end]):
        first, last = position + cell.start(), position + cell.end()
        if text[last - 1 : last] == "|":
            last -= 1
        elif first >= last:
            return
        while first < last and text[first].isspace():
            first += 1
        while last > first and text[last - 1].isspace():
            last -= 1
        yield first, last
