"""What a sync did: as JSON, as tables, as a line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ragkit.cli.output import say, table
from ragkit.cli.shapes import SHAPES, shaped

if TYPE_CHECKING:
    from ragkit.ingest.report import SyncReport

_COUNTS = ("added", "updated", "unchanged", "renamed", "access_changed", "deleted", "refused")


def as_object(report: SyncReport) -> dict[str, Any]:
    """Return the fields of the shape ``sync``."""
    found = {key: getattr(report, key) for key in SHAPES["sync"].fields}
    seconds = {stage: round(spent, 3) for stage, spent in report.seconds.items()}
    return {**found, "seconds": seconds, "elapsed": round(report.elapsed, 3), "sources": by_source(report)}


def by_source(report: SyncReport) -> list[dict[str, Any]]:
    """Return what was done at each source, as the shape ``sync_source``."""
    return [_of("sync_source", one) for one in report.sources]


def in_counts(report: SyncReport) -> dict[str, Any]:
    """Return the counts, as the shape ``sync_report``."""
    return _of("sync_report", report)


def _of(shape: str, report: SyncReport) -> dict[str, Any]:
    return shaped(shape, {key: getattr(report, key) for key in SHAPES[shape].fields})


def print_report(report: SyncReport) -> None:
    """Print a report for people; the sources that could not be read last, on standard error."""
    title = "Would do (dry run; nothing was stored)" if report.dry_run else "Done"
    rows = [(key.replace("_", " "), getattr(report, key)) for key in _COUNTS]
    rows += [(key, getattr(report, key)) for key in ("expired", "held") if getattr(report, key)]
    table(title, ("documents", ""), rows)
    if report.policy_changed and report.dry_run:
        say("\nThe masking policy or a detector changed: all is masked again. `ragkit remask --dry-run` tells more.")
    elif report.policy_changed:
        say("\nThe masking policy or a detector changed: all was masked again.")
    documents = report.added + report.updated
    rate = f", {documents / report.elapsed:,.1f} documents/s" if documents and report.elapsed else ""
    say(f"\n{report.chunks:,} chunks in {report.elapsed:,.1f} s{rate}")
    for label, counts in (("masked", report.masked), ("notices", report.notices)):
        if counts:
            say(f"{label}: " + ", ".join(f"{code} {count:,}" for code, count in sorted(counts.items())))
    if report.quarantined:
        say()
        table("Set aside; tried again when they change", ("code", "items"), sorted(report.quarantined.items()))
        say("`ragkit quarantine` lists them, with what to do.")
    say_failures(report)


def say_failures(report: SyncReport) -> None:
    """Name the sources that could not be read, and what to do, on standard error."""
    for one in report.sources or (report,):
        if one.failed:
            place = "/".join(filter(None, (one.collection, one.source)))
            say(f"failed: {place}: {one.message or one.failed}", err=True)
            if one.remedy:
                say(f"  try: {one.remedy}", err=True)


def in_a_line(report: SyncReport) -> str:
    """Return the counts that are not zero, in a line."""
    told = [f"{getattr(report, key):,} {key.replace('_', ' ')}" for key in _COUNTS if getattr(report, key)]
    return f"{', '.join(told) or 'nothing there'} in {report.elapsed:,.1f} s"
