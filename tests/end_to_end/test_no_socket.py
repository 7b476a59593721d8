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


def _without_network() -> list[str]:
    """The command that takes the network away; as an ordinary user through a user namespace."""
    assert UNSHARE, "util-linux is part of every Debian"
    for options in (["--net"], ["--user", "--map-root-user", "--net"]):
        if subprocess.run([UNSHARE, *options, "true"], capture_output=True, check=False).returncode == 0:
            return [UNSHARE, *options]
    pytest.fail("this machine allows no network namespace, so the claim cannot be tested")


def test_the_quickstart_runs_without_a_network_and_tries_none(tmp_path: Path) -> None:
    """Index, ask, cite: in an empty network namespace, with not one connect or look-up attempted in any process."""
    environment = sockets.guarded_environment(tmp_path / "guard")
    done = subprocess.run(
        [*_without_network(), sys.executable, str(ROOT / "examples" / "quickstart.py")],
        cwd=tmp_path,
        env={**environment, "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "[1]" in done.stdout
    assert sockets.logged_attempts(tmp_path / "guard") == []
