"""No socket is opened: under a network namespace with nothing in it, and under a hook that refuses every look-up."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ragkit.testing import sockets

ROOT = Path(__file__).parent.parent.parent
UNSHARE = shutil.which("unshare")
PROGRAMS = {
    "the quickstart": [str(ROOT / "examples" / "quickstart.py")],
    "detecting, measuring and masking again": [str(Path(__file__).with_name("masking_program.py"))],
    "models in process": [str(ROOT / "tests" / "backends" / "in_process_program.py")],
    "the demo": [str(ROOT / "examples" / "customer_care" / "demo.py")],
    "the main tests": [
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        str(Path(__file__).with_name("test_main_job.py")),
    ],
    "a person's requests, backups, keys and an attack": [
        "-m",
        "pytest",
        "-q",
        "-x",
        "-p",
        "no:cacheprovider",
        str(Path(__file__).with_name("test_subject_rights.py")),
        str(Path(__file__).with_name("test_keys.py")),
        str(ROOT / "tests" / "attack" / "test_run.py"),
    ],
}


def _without_network() -> list[str]:
    """The command that takes the network away; as an ordinary user through a user namespace."""
    assert UNSHARE, "util-linux is part of every Debian"
    for options in (["--net"], ["--user", "--map-root-user", "--net"]):
        if subprocess.run([UNSHARE, *options, "true"], capture_output=True, check=False).returncode == 0:
            return [UNSHARE, *options]
    pytest.fail("this machine allows no network namespace, so the claim cannot be tested")


LONGER = ("detecting, measuring and masking again", "a person's requests, backups, keys and an attack")
"""What `make test-all` runs; in process, the hook of every test refuses look-ups by the same code."""


@pytest.mark.parametrize(
    "program",
    [
        pytest.param(program, id=name, marks=[pytest.mark.slow] if name in LONGER else [])
        for name, program in PROGRAMS.items()
    ],
)
def test_it_runs_without_a_network_and_tries_none(program: list[str], tmp_path: Path) -> None:
    """In an empty network namespace it succeeds, and no process of it attempts a connect or a look-up."""
    environment = sockets.guarded_environment(tmp_path / "guard")
    done = subprocess.run(
        [*_without_network(), sys.executable, *program],
        cwd=ROOT,
        env={**environment, "HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path / "config")},
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert sockets.logged_attempts(tmp_path / "guard") == []
