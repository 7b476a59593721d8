"""What the size of a sealed header tells."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import func, select

from ragkit.store.schema import versions
from ragkit.testing.light import LightIngest


def test_the_length_of_a_header_does_not_tell_that_of_a_file_name(tmp_path: Path) -> None:
    """File names are often people's; short and long ones are sealed in one length, and open as they were."""
    light = LightIngest(tmp_path, words=["Ada"])
    names = ["li.txt", "maximiliane-oberberger-hohenstein.txt", "galip.yalman.personnel-file.txt"]
    light.sync(dict.fromkeys(names, "Ada wrote this."))
    assert sorted(light.texts()) == sorted(names)
    assert sorted(hit.title for hit in light.hits()) == sorted(names)
    with light.database.read() as connection:
        lengths = select(func.count(func.length(versions.c.sealed_header).distinct()))
        assert connection.execute(lengths).scalar_one() == 1
