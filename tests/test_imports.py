"""The import budget: what is cheap stays cheap, counted in modules and seconds of processor time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ragkit.config_template import render_template

HEAVY = {
    "torch",
    "transformers",
    "spacy",
    "presidio_analyzer",
    "llama_index",
    "chromadb",
    "sentence_transformers",
    "numpy",
    "sqlalchemy",
}

_PROBE = """
import json, resource, sys
def spent():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
before = set(sys.modules)
{body}
print(json.dumps({{"modules": sorted(set(sys.modules) - before), "cpu": spent()}}), file=sys.stderr)
"""
_RUN = """
sys.argv = ["ragkit", *{arguments!r}]
from ragkit.cli.main import run
try:
    run()
except SystemExit as ended:
    assert not ended.code, ended.code
"""


def probe(body: str, *, folder: Path) -> tuple[list[str], float]:
    """Run ``body`` in fresh interpreters; return the modules imported and the least processor seconds of three."""
    runs = []
    for _ in range(3):
        done = subprocess.run(
            [sys.executable, "-c", _PROBE.format(body=body)],
            cwd=folder,
            capture_output=True,
            text=True,
            env=dict(os.environ),
            check=False,
        )
        assert done.returncode == 0, done.stderr
        runs.append(json.loads(done.stderr.splitlines()[-1]))
    return runs[0]["modules"], min(run["cpu"] for run in runs)


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a configuration and a root key in the environment."""
    text = render_template("files", name="care", workspace_id="abc", owner="local|ana", path="documents")
    (tmp_path / "ragkit.toml").write_text(text.replace('source = "file"', 'source = "env"', 1))
    monkeypatch.setenv("RAGKIT_ROOT_KEY", "00" * 32)
    return tmp_path


def heavy(modules: list[str]) -> set[str]:
    """Return the heavy libraries among these modules."""
    return {name.partition(".")[0] for name in modules} & HEAVY


def test_importing_ragkit_is_cheap(tmp_path: Path) -> None:
    """`import ragkit` costs under 150 modules and 0.1 s of processor time, interpreter included, and nothing heavy."""
    modules, cpu = probe("import ragkit", folder=tmp_path)
    assert not heavy(modules)
    assert len(modules) < 150, modules
    assert cpu < 0.1


def test_help_is_cheap(tmp_path: Path) -> None:
    """`ragkit --help` takes under 0.3 s of processor time, and loads neither a heavy library nor pydantic."""
    modules, cpu = probe(_RUN.format(arguments=["--help"]), folder=tmp_path)
    assert not heavy(modules)
    assert "pydantic" not in modules
    assert cpu < 0.3


@pytest.mark.parametrize("verb", [["config", "check"], ["config", "show"], ["config", "reference"]])
def test_the_configuration_is_checked_without_anything_heavy(workspace: Path, verb: list[str]) -> None:
    """Validation reads the file, the key and the connector's signature; no model, store or index is imported."""
    modules, cpu = probe(_RUN.format(arguments=verb), folder=workspace)
    assert heavy(modules) <= {"numpy"}  # the generator's signature
    assert cpu < 1.0
