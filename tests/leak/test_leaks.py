"""Planted personal data is nowhere in what ragkit stores, says or leaves behind."""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path

import pytest

from ragkit.testing.canaries import Canary, make_canaries
from ragkit.testing.leaks import VIEWS, World, exercise, lexical_terms, run_commands, scan
from ragkit.testing.planting import PLACES, Planting, plant

COUNT = 18 * 7  # every entity type in every place


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> tuple[World, list[Canary], Planting]:
    """A workspace that has synced, answered, failed and been pickled, with everything it said."""
    world = World(tmp_path_factory.mktemp("world"))
    world.make()
    canaries = make_canaries(COUNT, seed=42)
    planting = plant(canaries, world.sources)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in world.environment().items():
            patch.setenv(name, value)
        patch.setattr(tempfile, "tempdir", None)
        exercise(world, planting, asked=4)
        run_commands(world, planting)
    return world, canaries, planting


def test_no_planted_value_is_found_anywhere(lived: tuple[World, list[Canary], Planting]) -> None:
    """No byte form of any canary is in the store, the index, the events, logs, errors, reprs, pickles or output."""
    world, canaries, planting = lived
    findings = scan(world, canaries)
    where = Counter((planting.places[one.canary], one.entity_type, Path(one.where).name) for one in findings)
    assert not findings, where


def test_no_planted_value_is_a_term_of_the_lexical_index(lived: tuple[World, list[Canary], Planting]) -> None:
    """The term dictionary is compressed, so it is asked rather than scanned."""
    world, canaries, planting = lived
    found = lexical_terms(world, canaries)
    assert not found, [(planting.places[one], canaries[one].entity_type) for one in found]


def test_the_scan_would_see_a_leak(lived: tuple[World, list[Canary], Planting], tmp_path: Path) -> None:
    """The same scan over the documents themselves finds the canaries of every place but the questions."""
    world, canaries, planting = lived
    copy = World(tmp_path)
    copy.make()
    world.sources.rename(copy.said / "sources")
    try:
        seen = {planting.places[finding.canary] for finding in scan(copy, canaries)}
    finally:
        (copy.said / "sources").rename(world.sources)
    assert seen >= set(PLACES) - {"question"}


def test_everything_was_exercised(lived: tuple[World, list[Canary], Planting]) -> None:
    """The run has views of masked chunks, errors, pickles, a log and output, so that there was something to scan."""
    world, _, _ = lived
    assert "[PERSON:" in (world.said / VIEWS).read_text(encoding="utf-8")
    errors = [path.read_text() for path in world.said.glob("error-*.txt")]
    assert errors
    assert not any("did not fail" in error for error in errors)
    assert (world.said / "pickles.bin").stat().st_size > 1000
    assert all(path.stat().st_size > 20 for path in world.said.glob("command-*.txt"))
