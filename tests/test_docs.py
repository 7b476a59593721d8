"""Documents that cannot rot: README's program and commands are run, its links lead somewhere."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ragkit.cli.main import app

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
PAGES = ["README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", "connectors/README.md"]


def blocks(language: str) -> list[str]:
    """The code blocks of README in one language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def plain(text: str) -> str:
    """Text with every token's random id replaced."""
    return re.sub(r"\[([A-Z_]+):[0-9A-Z]{10,}-[0-9A-Z]{2}\]", r"[\1:…]", text).strip()


def test_the_program_prints_what_the_readme_says(tmp_path: Path) -> None:
    """The first block runs as it stands, in twelve lines, and prints the block after it."""
    program, expected = blocks("python")[0], blocks("text")[0]
    assert len([line for line in program.splitlines() if line.strip()]) <= 12
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert plain(done.stdout) == plain(expected)


def test_the_commands_run(tmp_path: Path) -> None:
    """The shell block runs line by line in an empty folder with one document."""
    (tmp_path / "documents").mkdir()
    (tmp_path / "documents" / "w.md").write_text("# Warranty\n\nThe warranty on a tent lasts five years.\n")
    folder = tmp_path
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    for line in blocks("sh")[0].splitlines():
        words = shlex.split(line)
        if words[0] == "cd":
            folder = folder / words[1]
            continue
        done = subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
        if words[1] == "ask":
            assert "five years" in done.stdout


def test_the_generators_of_the_readme_are_accepted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The TOML block fits the file that `init` writes, and the block after it runs, but for what needs the server."""
    (tmp_path / "documents").mkdir()
    (tmp_path / "documents" / "w.md").write_text("# Warranty\n\nThe warranty on a tent lasts five years.\n")
    folder = tmp_path / "handbook"
    monkeypatch.setenv("ANTHROPIC_API_KEY", "not-a-key")

    def run(line: str) -> str:
        monkeypatch.chdir(folder if folder.exists() else tmp_path)
        done = CliRunner().invoke(app, shlex.split(line, comments=True)[1:])
        assert done.exit_code == 0, f"{line}\n{done.output}"
        return done.stdout

    run("ragkit init handbook --source documents")
    config = folder / "ragkit.toml"
    own = re.sub(r"^\[generator\]\nkind = .*\n", "", config.read_text(), flags=re.MULTILINE)
    config.write_text(own + blocks("toml")[0])
    run("ragkit config check")
    run("ragkit sync")
    explained, spent = (line for line in blocks("sh")[1].splitlines() if line.split()[1] in ("egress", "usage"))
    shown = run(explained)
    assert "may NOT be sent (data-class)" in shown  # a new workspace is confidential, and that provider is not
    assert "DPA-2026-17" in shown
    run(spent)


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    """Every relative link of a page names a file, and every anchor a heading."""
    folder = (ROOT / page).parent
    for target in re.findall(r"\]\(([^)\s]+)\)", (ROOT / page).read_text()):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        file = folder / name if name else ROOT / page
        assert file.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.*)$", file.read_text(), re.MULTILINE)
            assert anchor in {re.sub(r"[^\w\- ]", "", text).strip().lower().replace(" ", "-") for text in headings}
