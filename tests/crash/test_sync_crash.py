"""Kill -9 at every named crash point of a sync, then sync again: nothing lost, nothing twice, nothing left behind."""

from __future__ import annotations

import multiprocessing
import os
import re
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

import ragkit
from ragkit import crashpoints
from ragkit.store.records import check
from ragkit.store.schema import bodies, chunks, documents, vault, versions
from ragkit.testing.light import ANA, BEN, LightIngest
from ragkit.testing.stages import ListConnector, text_item
from ragkit.types import SourceItem

PACKAGE = Path(ragkit.__file__).parent
POINTS = sorted(
    name
    for file in PACKAGE.rglob("*.py")
    if file.name != "crashpoints.py"  # its docstring has an example
    for name in set(re.findall(r'\breach\("(sync\.\w+)"\)', file.read_text()))
)
WORDS = ["Ada", "Grace", "Alan"]


def large(mark: str) -> str:
    """A document of more chunks than are deleted in one transaction."""
    return "\n\n".join(f"{mark} of Ada, paragraph {number}" for number in range(280))


BEFORE: dict[str, str | SourceItem] = {
    **{f"stays{n}": f"stays {n}, says Ada" for n in range(6)},
    **{f"goes{n}": f"goes {n}" for n in range(3)},
    **{f"changes{n}": f"old text {n} of Grace\n\nsecond" for n in range(6)},
    "large": large("old"),
    "large that goes": large("gone"),
    "handed over": "for another",
    "breaks": "still readable",
}
AFTER: dict[str, str | SourceItem] = {
    **{f"stays{n}": f"stays {n}, says Ada" for n in range(6)},
    **{f"changes{n}": f"new text {n} of Alan\n\nsecond\n\nthird" for n in range(6)},
    **{f"comes{n}": f"new {n} by Alan" for n in range(6)},
    "large": large("new"),
    "handed over": text_item("handed over", "for another", access=frozenset({f"u:{BEN.subject}"})),
    "breaks": SourceItem(native_id="breaks", content=b"\xff\xfe\xff", name="breaks"),
    "secret": "AKIA0000",
    "equal one": "the same words",
    "equal two": "the same words",
}


def ingest(folder: Path) -> LightIngest:
    """Small slabs and batches, so that every point is reached several times."""
    from ragkit.ingest.settings import IngestLimits

    limits = IngestLimits(mask_documents=4, slab_chunks=64)
    return LightIngest(folder, words=WORDS, limits=limits)


def state(light: LightIngest) -> dict[str, object]:
    """Everything that two runs must agree on: texts, permissions, versions, counts, quarantine, vault."""
    hits = [*light.hits(ANA), *light.hits(BEN)]
    names = light.store.native_ids(sorted({hit.doc_id for hit in hits}))
    with light.database.read() as connection:
        count = {
            table.name: len(connection.execute(table.select()).all()) for table in (documents, versions, bodies, chunks)
        }
        states = {row.state for row in connection.execute(versions.select())}
        surrogates = {row.entity_type for row in connection.execute(vault.select())}
    # Tokens hang on the collection's random key; what they stand for does not.
    blind = [
        (names[hit.doc_id], hit.version, hit.chunk.ordinal, re.sub(r"\[PERSON:\w+\]", "[PERSON]", hit.chunk.record))
        for hit in hits
    ]
    return {
        "hits": sorted(blind),
        "ben": sorted(light.texts(BEN)),
        "rows": count,
        "states": states,
        "quarantined": light.store.inventory().quarantined,
        "vault": (light.store.vault().count(), surrogates),
    }


def first_sync(folder: Path) -> None:
    """Fill a store."""
    light = ingest(folder)
    light.sync(ListConnector(BEFORE, every=4))
    light.database.close()


def second_sync(folder: Path, point: str = "", times: int = 1) -> None:
    """Bring it in step with a source that changed in every way; die at a point if one is named."""
    if point:
        crashpoints._armed[point] = times
    ingest(folder).sync(ListConnector(AFTER, every=4, listed=True))


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, object]:
    """The state after the same two syncs without a crash."""
    folder = tmp_path_factory.mktemp("whole")
    first_sync(folder)
    second_sync(folder)
    return state(ingest(folder))


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store after the first sync, to be copied."""
    folder = tmp_path_factory.mktemp("begun")
    first_sync(folder)
    return folder


def killed(folder: Path, point: str, times: int) -> bool:
    """Run the second sync in a process of its own that dies at the point; false when it got through."""
    process = multiprocessing.get_context("fork").Process(target=second_sync, args=(folder, point, times))
    process.start()
    process.join(60)
    assert process.exitcode in (0, -signal.SIGKILL)
    return process.exitcode == -signal.SIGKILL


def test_there_are_enough_points() -> None:
    """A sync has at least twelve named crash points."""
    assert len(POINTS) >= 12


@pytest.mark.parametrize("times", [1, pytest.param(3, marks=pytest.mark.slow)])
@pytest.mark.parametrize("point", POINTS)
def test_a_crash_loses_and_repeats_nothing(
    point: str, times: int, begun: Path, tmp_path: Path, uninterrupted: Mapping[str, object]
) -> None:
    """After the kill each document answers whole, old or new; after the next sync all is as if nothing had been."""
    (tmp_path / "records.db").write_bytes(b"")
    for file in begun.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    died = killed(tmp_path, point, times)
    assert died or times > 1, "the point was never reached"
    left = ingest(tmp_path)
    check(left.database)
    texts = left.texts(ANA) | left.texts(BEN)
    for name in [f"stays{n}" for n in range(6)] + [f"changes{n}" for n in range(6)]:
        assert len(texts[name]) in (1, 2, 3), "a document was lost"
    for n in range(6):
        assert [text.split()[0] for text in texts[f"changes{n}"]] in (["old", "second"], ["new", "second", "third"])
    assert len(texts["large"]) == 280
    assert len({text.split()[0] for text in texts["large"]}) == 1, "two versions answer at once"
    report = left.sync(ListConnector(AFTER, every=4))
    assert report.failed == ""
    assert state(left) == uninterrupted
    check(left.database)
    again = left.sync(ListConnector(AFTER, every=4))
    assert (again.added, again.updated, again.deleted, again.access_changed) == (0, 0, 0, 0)


SCRIPT = """
import sys
from pathlib import Path
from ragkit.testing.light import LightIngest
from ragkit_connectors.files import FilesConnector

light = LightIngest(Path(sys.argv[1]), words=["Ada"])
print(light.sync(FilesConnector(name="notes", path=sys.argv[2])))
print(sorted(light.texts()))
"""


def test_the_environment_variable_arms_a_real_run(tmp_path: Path) -> None:
    """A sync of a folder in a fresh process dies where RAGKIT_CRASH_POINT says, and the next one completes it."""
    source, data = tmp_path / "source", tmp_path / "data"
    source.mkdir()
    data.mkdir()
    for n in range(5):
        (source / f"page{n}.txt").write_text(f"Page {n} of Ada")
    command = [sys.executable, "-c", SCRIPT, str(data), str(source)]
    environment = {**os.environ, "RAGKIT_CRASH_POINT": "sync.before_commit"}
    died = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert died.returncode == -signal.SIGKILL, died.stderr
    environment.pop("RAGKIT_CRASH_POINT")
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert "added=5" in done.stdout
    assert done.stdout.count("page") == 5
