"""What every test stands on: no socket, no real key directory, one synced shop, an unexpected skip is a failure."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

EXPECTED_SKIPS = (
    "Chromium is absent",
    "RAGKIT_BENCH_DATA is absent",
    "RAGKIT_GLINER_PYTHON is absent",
    "PostgreSQL is absent",
    "a tmpfs cannot be mounted here",
    "dovecot is absent",
    "strace is absent",
    "strace may not trace here",
)
"""The only reasons for which a test may skip. Anything else skipped fails the run."""


pytest_plugins = ["ragkit.testing.sockets"]
"""Any connect or look-up in the internet families fails the test, also when a library swallowed the error."""


@pytest.fixture(scope="session", autouse=True)
def shared_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home for what is made for several tests: that is made before a test has one of its own."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(home))
        patch.setenv("XDG_CONFIG_HOME", str(home / ".config"))
        yield home


@pytest.fixture(scope="session", autouse=True)
def _warm_children() -> Iterator[None]:
    """Chroma is imported once for this worker, and not twice for every index that a test builds."""
    from ragkit.testing.warm_children import warm_children

    with warm_children():
        yield


@pytest.fixture(scope="session")
def synced_shop(tmp_path_factory: pytest.TempPathFactory, shared_home: Path) -> Path:
    """The shop of :mod:`ragkit.testing.service`, synced once for this worker; not to be written to, but copied.

    What it signed with, and last, stays as it was in ``config`` beside it: copies share a name, and sign on elsewhere.
    """
    from ragkit.testing.service import make_shop

    folder = tmp_path_factory.mktemp("synced")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CONFIG_HOME", str(folder / "config"))
        shop = make_shop(folder)
    for file in (folder / "config" / "ragkit").iterdir():
        shared = shared_home / ".config" / "ragkit" / file.name
        shared.parent.mkdir(parents=True, exist_ok=True)
        if not shared.exists():
            shutil.copy2(file, shared)
    return shop


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
