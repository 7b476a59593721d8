"""The shape of the house, held by tests."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

import ragkit

ROOT = Path(__file__).parent.parent
PACKAGES = (ROOT / "ragkit", ROOT / "connectors" / "ragkit_connectors")
ALONE = ROOT / "ragkit" / "assets" / "ragkit_verify.py"
"""The stand-alone verifier: one file, because an auditor carries it away; no module of ragkit is like that."""
MODULES = sorted(path for package in PACKAGES for path in package.rglob("*.py") if path != ALONE)


def test_imports_follow_the_contracts() -> None:
    """Every import-linter contract of pyproject.toml is kept."""
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-logo"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": "connectors"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_modules_are_small_rooms(module: Path) -> None:
    """No module is over 400 lines, deeper than two folders, or named after nothing."""
    package = next(package for package in PACKAGES if module.is_relative_to(package))
    assert len(module.read_text().splitlines()) <= 400
    assert len(module.relative_to(package).parts) <= 2
    assert not {"utils", "base", "helpers", "common", "manager"} & {module.stem}


def test_most_modules_are_under_250_lines() -> None:
    """At most one module in ten is longer than 250 lines."""
    long = [path.name for path in MODULES if len(path.read_text().splitlines()) > 250]
    assert len(long) <= len(MODULES) // 10, long


@pytest.mark.parametrize(
    "module", [path for path in MODULES if path.name == "__init__.py"], ids=lambda path: path.parent.name
)
def test_packages_hold_a_docstring_only(module: Path) -> None:
    """A package's ``__init__`` imports nothing, except the public face of ragkit itself."""
    body = ast.parse(module.read_text()).body
    if module.parent.name == "ragkit":
        return
    assert len(body) == 1
    assert isinstance(body[0], ast.Expr)


def test_exports_are_what_is_public() -> None:
    """``ragkit.__all__`` is sorted, resolves, and stays between 15 and 20 names."""
    assert ragkit.__all__ == sorted(ragkit.__all__)
    assert 15 <= len(ragkit.__all__) <= 20
    assert all(hasattr(ragkit, name) for name in ragkit.__all__)
