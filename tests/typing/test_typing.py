"""The type checker is a privacy check."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent


def test_unmasked_text_does_not_type_check() -> None:
    """The checker refuses exactly the lines of ``must_not_check.py`` that are marked."""
    source = HERE / "must_not_check.py"
    expected = {n for n, line in enumerate(source.read_text().splitlines(), 1) if line.endswith("# refused")}
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--no-error-summary", str(source)],
        cwd=HERE.parent.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    refused = {int(n) for n in re.findall(r"must_not_check\.py:(\d+): error", done.stdout)}
    assert refused == expected, done.stdout
    assert len(expected) >= 7
