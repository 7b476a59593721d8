"""Chroma's graph: found as exact search finds, whatever the share of rows a principal may see."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from ragkit.errors import IndexUnhealthy
from ragkit.index.chroma import ChromaIndex

ROWS = 6_000
SHARES = {"half": 0.5, "some": 0.45, "few": 0.045, "rare": 0.005}


@pytest.fixture(scope="module")
def generation(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A generation's dense part: clustered vectors, classes from half of the rows down to one in 200."""
    folder = tmp_path_factory.mktemp("generation")
    rng = np.random.default_rng(7)
    centres = rng.standard_normal((60, 32))
    vectors = centres[rng.integers(0, 60, ROWS)] + 0.7 * rng.standard_normal((ROWS, 32))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    vectors.astype(np.float32).tofile(folder / "vectors.f32")
    rows = np.zeros(ROWS, dtype=[("id", "<i8"), ("code", "<i4")])
    rows["id"] = 10 + 3 * np.arange(ROWS)
    rows["code"] = rng.choice(4, ROWS, p=list(SHARES.values()))
    np.save(folder / "rows.npy", rows)
    (folder / "classes.json").write_text(json.dumps(list(SHARES)))
    subprocess.run([sys.executable, "-m", "ragkit.index.chroma", str(folder)], check=True)
    return folder


@pytest.mark.parametrize("few", [100, 1_000, 10_000])
@pytest.mark.parametrize("allowed", [set(SHARES), {"half"}, {"half", "rare"}, {"few"}, {"rare"}, {"few", "rare"}])
def test_what_is_visible_is_found(
    generation: Path, allowed: set[str], few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Recall@10 against exact search over the visible rows is .99 or more, and nothing else is ever returned.

    So by the graph with candidates to spare and by comparing the permitted rows, wherever the line between them is.
    """
    monkeypatch.setattr("ragkit.index.chroma._FEW_ROWS", few)
    index = ChromaIndex(generation)
    index.load()
    index.load()
    rows = np.load(generation / "rows.npy")
    vectors: NDArray[np.float32] = np.fromfile(generation / "vectors.f32", dtype=np.float32).reshape(ROWS, 32)
    visible = np.isin(rows["code"], [code for code, name in enumerate(SHARES) if name in allowed])
    found = 0
    for place in range(0, ROWS, 120):
        scores = np.where(visible, vectors @ vectors[place], -2)
        hits = [chunk for chunk, _ in index.search(vectors[place], 10, allowed)]
        assert set(hits) <= set(rows["id"][visible].tolist())
        found += len(set(hits) & set(rows["id"][np.argsort(-scores)[:10]].tolist()))
    assert found / (10 * len(range(0, ROWS, 120))) >= 0.99
    assert index.search(vectors[0], 10, {"nobody"}) == []
    assert index.count() == ROWS
    index.close()
    index.close()


def test_asking_for_everything_gives_every_visible_row(generation: Path) -> None:
    """A depth beyond the graph's reach is answered exactly."""
    index = ChromaIndex(generation)
    index.load()
    vector = np.ones(32, np.float32) / np.sqrt(np.float32(32))
    assert len(index.search(vector, 1 << 24)) == ROWS
    assert len(index.search(vector, 1 << 24, {"rare"})) == int((np.load(generation / "rows.npy")["code"] == 3).sum())
    index.close()


def test_a_directory_that_is_none_is_unhealthy(tmp_path: Path) -> None:
    """Opening what is not there is an error of ours, with a remedy."""
    with pytest.raises(IndexUnhealthy) as raised:
        ChromaIndex(tmp_path).load()
    assert raised.value.remedy
