"""Importing and constructing a generator opens no socket and no file, whatever it will call later."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ragkit.registry import BUILT_IN
from ragkit.testing import sockets

PROGRAM = Path(__file__).with_name("generators_program.py")


def _without_network() -> list[str]:
    unshare = shutil.which("unshare")
    assert unshare, "util-linux is part of every Debian"
    for options in (["--net"], ["--user", "--map-root-user", "--net"]):
        if subprocess.run([unshare, *options, "true"], capture_output=True, check=False).returncode == 0:
            return [unshare, *options]
    pytest.fail("this machine allows no network namespace, so the claim cannot be tested")


def test_no_generator_opens_anything_before_it_is_asked(tmp_path: Path) -> None:
    """Every registered one, in an empty network namespace, with a server and a key that are nobody's."""
    environment = sockets.guarded_environment(tmp_path / "guard")
    (tmp_path / "here").mkdir()
    done = subprocess.run(
        [*_without_network(), sys.executable, str(PROGRAM)],
        cwd=tmp_path / "here",
        env={**environment, "HOME": str(tmp_path / "here")},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    told = json.loads(done.stdout.splitlines()[-1])
    assert set(told["generators"]) == {entry.name for entry in BUILT_IN if entry.kind == "generators"}
    assert {name: one["opened"] for name, one in told["generators"].items() if one["opened"]} == {}
    assert not any("sk-0000" in one["repr"] or "AKIA" in one["repr"] for one in told["generators"].values())
    assert told["folder"] == []
    assert sockets.logged_attempts(tmp_path / "guard") == []
