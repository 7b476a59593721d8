"""Kill -9 at every crash point of masking again, then mask again: as if nothing had been, and nothing old shown."""

from __future__ import annotations

import multiprocessing
import re
import signal
from collections.abc import Mapping
from pathlib import Path

import pytest

import ragkit
from ragkit import crashpoints
from ragkit.ingest.settings import IngestLimits
from ragkit.lifecycle.differences import Differences
from ragkit.lifecycle.remask import remask
from ragkit.pipeline import Ingestor
from ragkit.store.records import check
from ragkit.store.schema import bodies, chunks, documents, versions
from ragkit.testing.light import LightIngest
from ragkit.testing.stages import ListConnector

SOURCE = {
    **{f"short{n}": f"Ada wrote {n}.\n\nGrace read {n}." for n in range(12)},
    **{f"plain{n}": f"nobody {n}" for n in range(4)},
    "large": "\n\n".join(f"Grace and Ada, paragraph {number}" for number in range(280)),
    "refused": "Ada has AKIA0000",
}
REACHED = re.compile(r'\breach\("(sync\.\w+)"\)')
NOT_HERE = {
    "sync.in_access",
    "sync.in_seen",
    "sync.before_fetch",
    "sync.before_delete",
    "sync.in_delete",
    "sync.after_delete",
}
POINTS = sorted(
    name
    for file in Path(ragkit.__file__).parent.rglob("*.py")
    if file.name != "crashpoints.py"  # its docstring has an example
    for name in set(REACHED.findall(file.read_text())) - NOT_HERE
)


def store(folder: Path, policy: str) -> LightIngest:
    """Under the first policy Ada is masked, under the second Grace is too."""
    words = {"words-1": ["Ada"], "words-2": ["Ada", "Grace"]}[policy]
    return LightIngest(folder, words=words, policy=policy, limits=IngestLimits(mask_documents=4, slab_chunks=64))


def mask_again(folder: Path, point: str = "", times: int = 1) -> None:
    """Mask everything again; die at a point if one is named."""
    if point:
        crashpoints._armed[point] = times
    light = store(folder, "words-2")
    light.store.sweep()
    watch = Differences(encoder=light.embedder.fingerprint)
    parts = (light.store, light.parser, light.masker, light.chunker, light.embedder, light.recorder)
    names = ("store", "parser", "masker", "chunker", "embedder", "recorder")
    ingestor = Ingestor(**dict(zip(names, parts)), watch=watch, **light.options)
    remask(
        "default",
        {"list": lambda: ingestor.sync(ListConnector(SOURCE, every=4), "list")},
        watch=watch,
        store=light.store,
        masker=light.masker,
        embedder=light.embedder,
        recorder=light.recorder,
        dry_run=False,
    )
    light.database.close()


def state(light: LightIngest) -> dict[str, object]:
    """What two runs must agree on."""
    with light.database.read() as connection:
        count = {t.name: len(connection.execute(t.select()).all()) for t in (documents, versions, bodies, chunks)}
    held = {name: [re.sub(r":\w+\]", "]", text) for text in texts] for name, texts in light.texts().items()}
    return {"texts": held, "rows": count, "quarantined": light.store.inventory().quarantined}


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store under the first policy, to be copied."""
    folder = tmp_path_factory.mktemp("begun")
    light = store(folder, "words-1")
    light.sync(ListConnector(SOURCE, every=4))
    light.database.close()
    return folder


def copied(begun: Path, folder: Path) -> Path:
    """A store of one's own."""
    for file in begun.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    return folder


@pytest.fixture(scope="module")
def uninterrupted(begun: Path, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, object]:
    """The state after masking again without a crash."""
    folder = copied(begun, tmp_path_factory.mktemp("whole"))
    mask_again(folder)
    return state(store(folder, "words-2"))


@pytest.mark.parametrize("times", [1, pytest.param(3, marks=pytest.mark.slow)])
@pytest.mark.parametrize("point", POINTS)
def test_a_crash_loses_nothing_and_shows_nothing_old(
    point: str, times: int, begun: Path, tmp_path: Path, uninterrupted: Mapping[str, object]
) -> None:
    """After the kill all is still there, and an index of the policy in force would hold nothing of another."""
    copied(begun, tmp_path)
    process = multiprocessing.get_context("fork").Process(target=mask_again, args=(tmp_path, point, times))
    process.start()
    process.join(60)
    died = process.exitcode == -signal.SIGKILL
    assert died or (process.exitcode == 0 and times > 1), "the point was never reached"
    left = store(tmp_path, "words-2")
    check(left.database)
    texts = left.texts()
    assert texts.keys() == SOURCE.keys() - {"refused"}, "a document was lost"
    assert len(texts["large"]) == 280
    in_force = list(left.store.index_source(in_force=True).rows())
    if left.store.policy_in_force() == "words-2":
        assert not any("Grace" in row.text for row in in_force)
        waiting = sum(left.store.waiting("words-2").values())
        shown = {row.chunk_id for row in in_force}
        assert len(shown) == left.store.index_source(in_force=True).count_live()
        assert waiting >= sum(any("Grace" in text for text in one) for one in texts.values())
    left.database.close()
    mask_again(tmp_path)
    left = store(tmp_path, "words-2")
    assert state(left) == uninterrupted
    assert left.store.waiting("words-2") == {}
    check(left.database)
