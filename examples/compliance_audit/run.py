"""An audit, from a clean record to one with planted faults, and the reports of both.

::

    python examples/compliance_audit/run.py             # in a temporary folder; the reports are written to this one
    python examples/compliance_audit/run.py --keep DIR  # in a folder that stays, to look around in

Exit status: 0 when the clean record has none of the faults and the other report names each, 1 otherwise.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import faults
import history

import ragkit
from ragkit.report.model import Report
from ragkit.report.page import render


def report_of(place: Path, file: Path) -> Report:
    """Write the report of a workspace to a file."""
    with ragkit.open_workspace(place) as workspace:
        report = workspace.audit.report(principal=history.AUDITOR)
    file.write_text(render(report), encoding="utf-8")
    return report


def found_by(report: Report, fault: faults.Fault) -> list[str]:
    """Return the lines of the report that name a fault."""
    rows = [
        " · ".join(str(cell) for cell in row.cells if cell != "")
        for section in report.sections
        if section.name == fault.chapter
        for table in section.tables
        for row in table.rows
        if row.level == "finding"
    ]
    return [row for row in rows if re.search(fault.words, row)]


def run(folder: Path) -> bool:
    """Make the history, report it, plant the faults, report again; tell whether all is as it should be."""
    print("A year at the insurer's: documents, questions, a reveal, an erasure, a signed and anchored log …")
    place = history.live(folder)
    clean = report_of(place, folder / "report-clean.html")
    stray = [fault.name for fault in faults.FAULTS if found_by(clean, fault)]
    print(f"The report of the clean record: {folder / 'report-clean.html'}; {clean.findings} lines need attention.")
    print("Now six faults are planted …")
    faults.plant_all(place)
    report = report_of(place, folder / "report.html")
    missed = []
    for fault in faults.FAULTS:
        lines = found_by(report, fault)
        missed += [] if lines else [fault.name]
        print(f"  {'found ' if lines else 'MISSED'}  {fault.name}: {lines[0] if lines else ''}")
    print(f"The report that names them: {folder / 'report.html'}")
    if stray:
        print(f"Found though it was not there: {', '.join(stray)}")
    return not missed and not stray


def main() -> int:
    """Parse the command line and run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keep", type=Path, help="folder to work in; it must not be there yet")
    chosen = parser.parse_args()
    if chosen.keep is None:
        return 0 if run(Path(tempfile.mkdtemp(prefix="ragkit-audit-"))) else 1
    chosen.keep.mkdir(parents=True)
    return 0 if run(chosen.keep.resolve()) else 1


if __name__ == "__main__":
    raise SystemExit(main())
