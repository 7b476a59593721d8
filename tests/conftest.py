"""What every test stands on: no socket, no real key directory, a skip that nobody expected is a failure."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

EXPECTED_SKIPS = (
    "Chromium is absent",
    "RAGKIT_BENCH_DATA is absent",
    "RAGKIT_GLINER_PYTHON is absent",
    "a tmpfs cannot be mounted here",
    "strace is absent",
    "strace may not trace here",
)
"""The only reasons for which a test may skip. Anything else skipped fails the run."""


pytest_plugins = ["ragkit.testing.sockets"]
"""Any connect or look-up in the internet families fails the test, also when a library swallowed the error."""


@pytest.fixture(autouse=True)
def private_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Point the key directory and the home folder at a fresh folder, so that no test touches the user's own."""
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / ".config"))
    for name in [name for name in os.environ if name.startswith("RAGKIT_") and name != "RAGKIT_BENCH_DATA"]:
        monkeypatch.delenv(name)
    return home


@pytest.fixture
def loopback() -> Iterator[None]:
    """Let this test reach servers that it started on this machine."""
    from ragkit.testing import sockets  # a plugin; pytest loads it after this file

    with sockets.loopback():
        yield


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """Turn an unexpected skip into a failure."""
    report = yield
    if report.skipped and not hasattr(report, "wasxfail"):
        reason = str(report.longrepr[2]) if isinstance(report.longrepr, tuple) else str(report.longrepr)
        if not any(expected in reason for expected in EXPECTED_SKIPS):
            report.outcome = "failed"
            report.longrepr = f"unexpected skip: {reason}"
    return report
