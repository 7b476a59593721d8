"""The wheel, not the checkout: built, installed in a second environment, and run there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel without isolation, as the build backend is a development dependency."""
    out = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(ROOT)],
        check=True,
        capture_output=True,
    )
    return next(out.glob("ragkit-*.whl"))


@pytest.fixture(scope="module")
def second(tmp_path_factory: pytest.TempPathFactory, wheel: Path) -> Path:
    """A second environment: ragkit from the wheel, its dependencies borrowed from the first by a path file.

    A ``.pth`` in a folder that was itself added by a ``.pth`` is not read, so the first environment's editable
    ragkit stays out of sight.
    """
    folder = tmp_path_factory.mktemp("second")
    venv.create(folder, with_pip=False)
    site = Path(sysconfig.get_path("purelib", vars={"base": str(folder), "platbase": str(folder)}))
    (site / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    python = folder / "bin" / "python"
    subprocess.run(
        [sys.executable, "-m", "pip", "--python", str(python), "install", "-q", "--no-deps", "--no-index", str(wheel)],
        check=True,
        capture_output=True,
    )
    return folder / "bin"


def run(command: list[str | Path], cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run in the second environment, far from the checkout."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False)


def test_wheel_holds_the_two_packages_only(wheel: Path) -> None:
    """Nothing but ``ragkit`` and ``ragkit_connectors`` is installed, and the assets travel with them."""
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0] for name in names if ".dist-info" not in name} == {"ragkit", "ragkit_connectors"}
    assert any(name.startswith("ragkit/assets/pools/") for name in names)
    assert "ragkit/py.typed" in names


def test_wheel_answers_a_question(second: Path, tmp_path: Path) -> None:
    """From ``ragkit init`` to a cited answer, by the installed command alone."""
    documents = tmp_path / "documents"
    documents.mkdir()
    (documents / "warranty.md").write_text("# Warranty\n\nThe warranty on every tent lasts five years from purchase.\n")
    (documents / "returns.md").write_text("# Returns\n\nUnused goods can be returned within thirty days.\n")
    for command in (["init", "shop", "--source", str(documents)], ["--help"]):
        done = run([second / "ragkit", *command], tmp_path)
        assert done.returncode == 0, done.stderr
    synced = run([second / "ragkit", "sync", "--json"], tmp_path / "shop")
    assert synced.returncode == 0, synced.stderr
    assert json.loads(synced.stdout)["added"] == 2
    asked = run([second / "ragkit", "ask", "How long is the warranty on a tent?", "--json"], tmp_path / "shop")
    assert asked.returncode == 0, asked.stderr
    answer = json.loads(asked.stdout)
    assert "five years" in answer["text"]
    assert len(answer["citations"]) >= 1


def test_wheel_leaves_no_stray_package(second: Path, tmp_path: Path) -> None:
    """There is no importable ``connectors``, ``tests`` or ``examples`` after installation."""
    code = (
        "import importlib.util as u, ragkit\n"
        "print([n for n in ('connectors', 'tests', 'examples') if u.find_spec(n)], ragkit.__file__)"
    )
    done = run([second / "python", "-c", code], tmp_path)
    assert done.stdout.startswith("[] "), done.stdout + done.stderr
    assert str(ROOT) not in done.stdout
