"""What a report is made of: sections of figures, tables and charts, each line with the events behind it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Level = Literal["ok", "finding", "unknown", ""]
"""How a line stands: as it should, needs attention, could not be told, or is only told."""

SHOWN = 8
"""How many of a line's events are named one by one."""


@dataclass(slots=True)
class Cited:
    """The events behind a line: how many, the first and the last, and some in between.

    Attributes:
        count: How many events.
        first, last: Their lowest and highest ``seq``; 0 without an event.
        some: Up to :data:`SHOWN` of them.
    """

    count: int = 0
    first: int = 0
    last: int = 0
    some: list[int] = field(default_factory=list)

    def add(self, event: Mapping[str, Any]) -> None:
        """Count one more."""
        seq = int(event.get("seq", 0))
        self.count += 1
        self.first = min(self.first or seq, seq)
        self.last = max(self.last, seq)
        if len(self.some) < SHOWN:
            self.some.append(seq)

    def __add__(self, other: Cited) -> Cited:
        both = sorted({*self.some, *other.some})
        first = min(one for one in (self.first, other.first) if one) if self.first or other.first else 0
        return Cited(self.count + other.count, first, max(self.last, other.last), both[:SHOWN])

    def __str__(self) -> str:
        if not self.count:
            return ""
        named = ", ".join(f"#{seq}" for seq in self.some)
        return named if self.count <= len(self.some) else f"{named} … #{self.last} ({self.count:,} events)"


def cited(events: Iterable[Mapping[str, Any]]) -> Cited:
    """Cite these events."""
    found = Cited()
    for event in events:
        found.add(event)
    return found


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a table: its cells, how it stands, and the events behind it."""

    cells: tuple[str | int, ...]
    events: Cited = field(default_factory=Cited)
    level: Level = ""


_ALONE = ("yes", "no", "none")  # words that say nothing without their heading


@dataclass(frozen=True, slots=True)
class Table:
    """Lines under headings."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    empty: str = "None in this time."

    def in_words(self, row: Row) -> str:
        """Return one of the lines where the headings are not beside it: figures and yes or no with theirs."""
        told = (
            f"{column} {cell:,}" if not isinstance(cell, str) else f"{column}: {cell}" if cell in _ALONE else cell
            for column, cell in zip(self.columns, row.cells, strict=True)
            if cell != ""
        )
        return f"{self.title}: {' · '.join(told)}"


@dataclass(frozen=True, slots=True)
class Chart:
    """Figures to be drawn: bars by label, one value each or several stacked.

    Attributes:
        series: Names of the values.
        points: A label with one value a series.
        kind: ``columns`` over time, ``bars`` by kind.
    """

    title: str
    kind: Literal["columns", "bars"]
    series: tuple[str, ...]
    points: tuple[tuple[str, tuple[int, ...]], ...]


@dataclass(frozen=True, slots=True)
class Box:
    """A station of the flow of data."""

    title: str
    lines: tuple[str, ...] = ()
    level: Level = ""


@dataclass(frozen=True, slots=True)
class Flow:
    """The flow of data: columns of stations, from left to right."""

    title: str
    columns: tuple[tuple[Box, ...], ...]


@dataclass(frozen=True, slots=True)
class Section:
    """One chapter.

    Attributes:
        name: Short and stable, for the JSON and the page's anchors.
        about: What it shows, in a sentence or two.
        notes: What has to be known to read it.
    """

    name: str
    title: str
    about: str
    tables: tuple[Table, ...] = ()
    charts: tuple[Chart, ...] = ()
    flows: tuple[Flow, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def findings(self) -> int:
        """How many lines need attention."""
        return self._level("finding")

    @property
    def unknown(self) -> int:
        """How many lines could not be told."""
        return self._level("unknown")

    def _level(self, level: Level) -> int:
        return sum(row.level == level for table in self.tables for row in table.rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The whole report, plain values only.

    Attributes:
        workspace: Its name.
        origin: The log's name.
        since, until: The time it covers, RFC 3339 in UTC; ``until`` is not included.
        written_at: When it was made.
        software: ragkit's version.
        events: All events of that time.
        sections: The chapters.
        annexes: The tables by law.
        cannot_show: What the record cannot show.
        evidence: The events cited one by one: ``seq``, ``ts``, ``type``, ``outcome`` and the leaf hash of the line.
    """

    workspace: str
    origin: str
    since: str
    until: str
    written_at: str
    software: str
    events: Cited
    sections: tuple[Section, ...]
    annexes: tuple[Section, ...]
    cannot_show: tuple[str, ...]
    evidence: tuple[Mapping[str, str | int], ...] = ()

    @property
    def findings(self) -> int:
        """How many lines need attention."""
        return sum(section.findings for section in self.sections)

    @property
    def unknown(self) -> int:
        """How many lines could not be told."""
        return sum(section.unknown for section in self.sections)

    def to_json(self) -> dict[str, Any]:
        """Return the report as plain values."""
        return {**asdict(self), "findings": self.findings, "unknown": self.unknown}

    def cited_numbers(self) -> set[int]:
        """Return every ``seq`` that a line names."""
        rows = (row for section in (*self.sections, *self.annexes) for table in section.tables for row in table.rows)
        return {seq for row in rows for seq in row.events.some}


def counted(counts: Mapping[str, int], *, most: int = 12) -> str:
    """Write counts by kind, the largest first: ``PERSON 12, LOCATION 3``."""
    ordered: Sequence[tuple[str, int]] = sorted(counts.items(), key=lambda one: (-one[1], one[0]))
    text = ", ".join(f"{kind} {number:,}" for kind, number in ordered[:most])
    return text + (f" and {len(ordered) - most} more" if len(ordered) > most else "")
