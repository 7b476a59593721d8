"""Building, proving, publishing and condemning generations, with real Chroma and tantivy."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ragkit.errors import IndexProblem, ManifestMismatch
from ragkit.index import manifest as marks
from ragkit.index import probe
from ragkit.index.collection import CollectionIndex
from ragkit.index.generations import Generations
from ragkit.index.probe import is_whole
from ragkit.testing.warm_children import cold_child
from ragkit.types import Masked

EVERYONE = {"everyone", "sales"}


def graph(directory: Path, name: str) -> Path:
    """One of the files of the generation's HNSW graph."""
    [path] = directory.glob(f"1/chroma/*/{name}")
    return path


def open_index(directory: Path, source: Any, make: Any, **changes: object) -> CollectionIndex:
    """The collection's index over a directory."""
    return CollectionIndex(directory, source, make(**changes))


def test_published_generation_answers_as_exact_search_does(built: Path, source: Any, make: Any) -> None:
    """Dense and lexical search through the generation find what the record store holds, whatever the classes."""
    index = open_index(built, source, make)
    assert index.generation == 1
    for number in (3, 7, 150, 300):
        vector = source.held[number].vector
        for classes in (EVERYONE, {"everyone"}, {"sales"}):
            found = [chunk for chunk, _ in index.search_dense(vector, 10, classes)]
            assert found == source.nearest(vector, 10, classes)
        [(best, _), *_] = index.search_lexical(Masked(f"what costs number{number}?"), 5, EVERYONE)
        assert best == number
    assert not index.search_lexical(Masked("number7"), 5, {"everyone"})
    assert index.search_dense(source.held[1].vector, 10, set()) == []
    index.close()


def test_search_can_be_narrowed_to_chunks(built: Path, source: Any, make: Any) -> None:
    """``only`` gives exactly these chunks, from the generation and from the delta, and never a forbidden class."""
    index = open_index(built, source, make)
    fresh = source.add("lamp from yesterday")
    only = {5, 7, 200, fresh}
    assert {n for n, _ in index.search_dense(source.held[1].vector, 10, EVERYONE, only=only)} == only
    assert {n for n, _ in index.search_dense(source.held[1].vector, 10, {"everyone"}, only=only)} == only - {7}
    assert {n for n, _ in index.search_lexical(Masked("lamp"), 10, EVERYONE, only=only)} == only


def test_delta_answers_at_once_and_is_folded_in(built: Path, source: Any, make: Any) -> None:
    """A chunk added after the build is found in the next question, before and after the fold; the old files go."""
    index = open_index(built, source, make)
    index.load()
    fresh = source.add("zebra crossing", "sales")
    assert index.search_lexical(Masked("zebra"), 5, EVERYONE)[0][0] == fresh
    assert index.search_dense(source.held[fresh].vector, 5, EVERYONE)[0][0] == fresh
    assert index.status().delta == 1
    report = index.generations.fold()
    assert (report.number, report.previous, report.chunks, report.built_through) == (2, 1, 301, fresh)
    assert index.search_dense(source.held[fresh].vector, 5, EVERYONE)[0][0] == fresh
    assert index.search_lexical(Masked("zebra"), 5, {"everyone"}) == []
    assert (index.status().generation, index.status().delta) == (2, 0)
    assert sorted(path.name for path in built.iterdir()) == ["2", "2.stamp", "current"]


def test_nothing_but_ids_vectors_and_classes_reaches_the_graph(built: Path) -> None:
    """No text of a chunk is in any file of the generation as text; the lexical index holds single terms."""
    for path in built.rglob("*"):
        if path.is_file():
            assert b"crowns lamp" not in path.read_bytes()
            assert b"costs 42 crowns" not in path.read_bytes()
            if "chroma" in path.parts:
                assert b"crowns" not in path.read_bytes()


def test_opening_changes_no_file_but_chromas_database(built: Path, source: Any, make: Any) -> None:
    """The graph is persisted whole by the build: opening replays and rewrites nothing, so the stamp still fits."""
    generations = Generations(built, source, make())
    manifest = generations.manifest(1)
    index = open_index(built, source, make)
    index.search_dense(source.held[1].vector, 5, EVERYONE)
    index.close()
    assert marks.stamp_matches(built / "1", manifest)
    marks.check_files(built / "1", manifest)


def truncate(name: str) -> Callable[[Path], None]:
    """Cut a graph file in half."""

    def damage(directory: Path) -> None:
        path = graph(directory, name)
        os.truncate(path, path.stat().st_size // 2)

    return damage


def sparse_links(directory: Path) -> None:
    """Claim four terabytes, as torn link files do."""
    os.truncate(graph(directory, "link_lists.bin"), 4 << 40)


def missing_pickle(directory: Path) -> None:
    """Take away what Chroma writes last."""
    graph(directory, "index_metadata.pickle").unlink()


def flipped_bit(directory: Path) -> None:
    """Flip one bit of a vector in the graph."""
    path = graph(directory, "data_level0.bin")
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 1
    path.write_bytes(raw)


def torn_database(directory: Path) -> None:
    """Write rubbish over Chroma's database."""
    (directory / "1" / "chroma" / "chroma.sqlite3").write_bytes(b"not a database" * 500)


def torn_terms(directory: Path) -> None:
    """Cut the end off a file of the lexical index."""
    path = next((directory / "1" / "lexical").glob("*.term"))
    os.truncate(path, path.stat().st_size - 3)


def torn_manifest(directory: Path) -> None:
    """Cut the manifest short."""
    (directory / "1" / "manifest.json").write_text('{"format": 1, "num')


def torn_pointer(directory: Path) -> None:
    """Empty the pointer."""
    (directory / "current").write_text("")


@pytest.mark.parametrize(
    "damage",
    [
        truncate("link_lists.bin"),
        truncate("data_level0.bin"),
        sparse_links,
        missing_pickle,
        flipped_bit,
        torn_database,
        torn_terms,
        torn_manifest,
        torn_pointer,
    ],
)
def test_damage_is_noticed_and_exact_search_answers(
    built: Path, source: Any, make: Any, damage: Callable[[Path], None]
) -> None:
    """A torn file never reaches a reader: the generation is condemned, answers stay right, a rebuild is asked for."""
    damage(built)
    index = open_index(built, source, make)
    vector = source.held[9].vector
    assert [n for n, _ in index.search_dense(vector, 10, EVERYONE)] == source.nearest(vector, 10, EVERYONE)
    assert index.search_lexical(Masked("number9"), 5, EVERYONE)[0][0] == 9
    assert index.generation == 0
    assert index.status().needs_rebuild
    index.close()


def test_rebuild_follows_damage(built: Path, source: Any, make: Any) -> None:
    """A fold replaces a condemned generation by a new number and leaves no trace of the old one."""
    truncate("link_lists.bin")(built)
    index = open_index(built, source, make)
    assert not index.status().healthy
    assert (built / "1.condemned").exists()
    assert index.generations.fold().number == 2
    assert index.status().healthy
    assert index.generation == 2
    assert not (built / "1.condemned").exists()


@pytest.mark.parametrize("child", ["cold", "warm"])
def test_graph_torn_behind_a_fitting_manifest_fails_the_probe(
    built: Path, monkeypatch: pytest.MonkeyPatch, child: str
) -> None:
    """Where sizes and digests agree with the manifest, opening in the child still condemns a torn graph.

    So in a process as the product starts it, and in one as the other tests do.
    """
    if child == "cold":
        monkeypatch.setattr("ragkit.index.probe.run_child", cold_child)
    assert is_whole(built / "1", rows=300)
    generation = built / "1"
    path = graph(built, "data_level0.bin")
    path.write_bytes(b"\xff" * path.stat().st_size)
    manifest = marks.Manifest.read(generation)
    files = {name: (size, "") for name, (size, _) in manifest.files.items()}
    changed = {field: getattr(manifest, field) for field in manifest.__slots__} | {"files": files}
    marks.Manifest(**changed).write(generation)
    assert not is_whole(generation, rows=manifest.chunks)


def test_child_that_dies_or_fails_is_a_no(tmp_path: Path) -> None:
    """The exit status of a child is all that counts; a signal is not 0. So in the product and in the other tests."""
    assert cold_child("ragkit.index.probe", [str(tmp_path / "absent")], rows=1) != 0
    assert probe.run_child("ragkit.index.probe", [str(tmp_path / "absent")], rows=1) != 0


def test_restored_copy_is_probed_and_stamped_again(built: Path, source: Any, make: Any) -> None:
    """Files with other times but the same bytes, as after a restore, answer after one probe."""
    for path in built.glob("1/**/*"):
        os.utime(path, ns=(10**18, 10**18))
    generations = Generations(built, source, make())
    assert not marks.stamp_matches(built / "1", generations.manifest(1))
    assert generations.is_healthy(1)
    assert marks.stamp_matches(built / "1", generations.manifest(1))


@pytest.mark.parametrize("part", ["policy", "encoder", "chunker", "language"])
def test_index_of_another_making_refuses_to_answer(built: Path, source: Any, make: Any, part: str) -> None:
    """A generation built under another policy, encoder, chunker or language is an error with a remedy, and due."""
    index = open_index(built, source, make, **{part: "de"})
    with pytest.raises(ManifestMismatch, match=part) as raised:
        index.search_lexical(Masked("lamp"), 5, EVERYONE)
    assert "rebuild" in raised.value.remedy
    assert index.generations.should_fold()


def test_fold_is_due_by_share(built: Path, source: Any, make: Any, tmp_path: Path) -> None:
    """A fold is due with no generation, and after more than a tenth of the rows died; else not."""
    generations = Generations(built, source, make())
    assert Generations(tmp_path / "none", source, make()).should_fold()
    assert not generations.should_fold()
    for number in range(1, 30):
        del source.held[number]
    assert not generations.should_fold()
    del source.held[30], source.held[31]
    assert generations.should_fold()


def test_fold_is_due_by_new_chunks(built: Path, source: Any, make: Any) -> None:
    """1,000 new chunks are searched exactly; one more is folded in."""
    generations = Generations(built, source, make())
    for _ in range(1_000):
        source.add("more")
    assert not generations.should_fold()
    source.add("one more")
    assert generations.should_fold()


def test_empty_collection_has_no_generation(tmp_path: Path, source: Any, make: Any) -> None:
    """Nothing live: nothing is built, searches find nothing, and what was there before is deleted."""
    source.held.clear()
    index = open_index(tmp_path / "index", source, make)
    assert index.search_dense(np.full(16, 0.25, np.float32), 5, EVERYONE) == []
    assert index.search_lexical(Masked("lamp"), 5, EVERYONE) == []
    assert index.lexical_bound(Masked("lamp")) == 0.0
    assert not index.generations.should_fold()
    assert index.generations.fold().number == 0


def test_wrong_vector_is_refused_without_condemning(built: Path, source: Any, make: Any) -> None:
    """A vector of another length, or with NaN, is the caller's fault and not the generation's."""
    index = open_index(built, source, make)
    for vector in (np.ones(3, np.float32), np.full(16, np.nan, np.float32)):
        with pytest.raises(IndexProblem, match="16 finite"):
            index.search_dense(vector, 5, EVERYONE)
    assert index.status().healthy


def test_questions_go_on_while_generations_change(built: Path, source: Any, make: Any) -> None:
    """Threads that ask all the time see no error and miss no live chunk while two folds publish and delete."""
    index = open_index(built, source, make)
    stop, asked = threading.Event(), [0]
    troubles: list[object] = []

    def ask() -> None:
        while not stop.is_set():
            try:
                number = 1 + asked[0] % 300
                asked[0] += 1
                dense = index.search_dense(source.held[number].vector, 5, EVERYONE)
                lexical = index.search_lexical(Masked(f"number{number}"), 5, EVERYONE)
                if dense[0][0] != number or lexical[0][0] != number:
                    troubles.append(number)
            except Exception as error:
                troubles.append(error)
                return

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for _ in range(2):
        source.add("another lamp")
        Generations(built, source, make()).fold()
    stop.set()
    for thread in threads:
        thread.join()
    assert not troubles
    assert asked[0] > 50
    assert index.generation == 3


CRASH_POINTS = [
    "index.before_sweep",
    "index.build_start",
    "index.after_lexical",
    "index.after_graph",
    "index.before_probe",
    "index.before_publish",
    "index.after_publish",
    "index.before_sweep:2",
]

FOLDER = """
import importlib.util, sys
from pathlib import Path
spec = importlib.util.spec_from_file_location("conftest_of_index", sys.argv[1])
parts = importlib.util.module_from_spec(spec)
sys.modules[spec.name] = parts
spec.loader.exec_module(parts)
source = parts.fill(parts.MemorySource(), 300)
source.add("zebra crossing")
parts.Generations(Path(sys.argv[2]), source, parts.make_fingerprints()).fold()
"""


@pytest.mark.parametrize("point", CRASH_POINTS)
def test_kill_at_a_crash_point_loses_nothing(built: Path, source: Any, make: Any, point: str) -> None:
    """Killed anywhere in a fold, the old or the new generation answers, and the next sweep leaves only that one."""
    conftest = Path(__file__).with_name("conftest.py")
    killed = subprocess.run(
        [sys.executable, "-c", FOLDER, str(conftest), str(built)], env={**os.environ, "RAGKIT_CRASH_POINT": point}
    )
    assert killed.returncode == -9
    fresh = source.add("zebra crossing")
    index = open_index(built, source, make)
    assert index.search_lexical(Masked("zebra"), 5, EVERYONE)[0][0] == fresh
    assert index.search_dense(source.held[fresh].vector, 5, EVERYONE)[0][0] == fresh
    assert index.status().healthy
    index.generations.sweep()
    number = str(index.generations.current())
    assert number == ("2" if point in {"index.after_publish", "index.before_sweep:2"} else "1")
    assert sorted(path.name for path in built.iterdir()) == [number, f"{number}.stamp", "current"]


def test_chunks_of_another_policy_are_neither_searched_nor_published(tmp_path: Path, source: Any, make: Any) -> None:
    """Without a generation to refuse, exact search refuses, and no generation is made of them."""
    source.policy = "p0"
    index = open_index(tmp_path, source, make)
    for attempt in (lambda: index.search_lexical(Masked("lamp"), 5, EVERYONE), index.generations.fold):
        with pytest.raises(ManifestMismatch) as raised:
            attempt()
        assert "ragkit remask" in raised.value.remedy
    source.policy = "p1"
    assert index.generations.fold().chunks == 300
    assert index.search_lexical(Masked("lamp"), 5, EVERYONE)
