from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ragkit.testing.light import LightIngest


@pytest.fixture
def light(tmp_path: Path) -> Iterator[LightIngest]:
    """A fresh record store with light stages; Ada and Grace are people."""
    made = LightIngest(tmp_path, words=["Ada", "Grace"])
    yield made
    made.database.close()
