"""Kill -9 while versions are put aside or destroyed: each is whole on one side, and the next run finishes."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ragkit import crashpoints
from ragkit.lifecycle.history import purge_past
from ragkit.lifecycle.holds import Holds
from ragkit.store.history import History
from ragkit.store.past import moment
from ragkit.store.records import check
from ragkit.testing.light import ANA, BEN, LightIngest
from ragkit.testing.stages import text_item
from ragkit.types import SourceItem

PUT_ASIDE = (
    "sync.after_record_keys",
    "sync.after_vault_flush",
    "sync.before_commit",
    "sync.after_commit",
    "sync.in_access",
    "sync.in_delete",
    "sync.after_delete",
    "sync.after_stage_slice",
)
PURGED = ("history.before_purge", "history.after_fate", "history.after_keys", "history.after_rows", "sync.in_purge")


def large(mark: str) -> str:
    """A document of more chunks than are deleted in one transaction."""
    return "\n\n".join(f"{mark} paragraph {number}" for number in range(280))


BEFORE: dict[str, str | SourceItem] = {
    **{f"changes{n}": f"old text {n} of Ada\n\nsecond" for n in range(4)},
    **{f"goes{n}": f"goes {n}" for n in range(3)},
    "large": large("old"),
    "handed over": "for another",
}
AFTER: dict[str, str | SourceItem] = {
    **{f"changes{n}": f"new text {n}\n\nsecond\n\nthird" for n in range(4)},
    "large": large("new"),
    "handed over": text_item("handed over", "for another", access=frozenset({f"u:{BEN.subject}"})),
}


def ingest(folder: Path) -> LightIngest:
    """A store that keeps what it replaces."""
    return LightIngest(folder, words=["Ada"], keeps_past=True, max_delete_share=1.0)


def update(folder: Path) -> None:
    """Bring the store in step with a source that changed in every way."""
    ingest(folder).sync(AFTER)


def purge(folder: Path) -> None:
    """Destroy all that is past, after a window that ended; keys too."""
    light = ingest(folder)
    light.store.sweep()
    then = datetime.now(UTC) + timedelta(days=9)
    purge_past(light.store, Holds(light.database, light.collection), light.recorder, days=1, keep_days=1, now=then)
    light.database.close()


def killed(work: Callable[[Path], None], folder: Path, point: str) -> bool:
    """Do something in a process of its own that dies at a point; false when it got through."""

    def run() -> None:
        crashpoints._armed[point] = 1
        work(folder)

    process = multiprocessing.get_context("fork").Process(target=run)
    process.start()
    process.join(60)
    assert process.exitcode in (0, -signal.SIGKILL)
    return process.exitcode == -signal.SIGKILL


def found_at(history: History, at: datetime) -> list[tuple[str, int, int, str]]:
    """Everything that could be found at a time, opened."""
    rows = history.rows_at(at, classes=None)
    hits = history.hits_at([row.chunk_id for row in rows], at=at)
    assert len(hits) == len(rows)
    return sorted((row.doc_id, row.version, row.ordinal, hits[row.chunk_id].chunk.record) for row in rows)


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store before its source changed."""
    folder = tmp_path_factory.mktemp("begun")
    light = ingest(folder)
    light.sync(BEFORE)
    light.database.close()
    return folder


@pytest.fixture(scope="module")
def changed(begun: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same after it changed."""
    folder = tmp_path_factory.mktemp("changed")
    copy(begun, folder)
    light = ingest(folder)
    light.sync(AFTER)
    light.database.close()
    return folder


def copy(source: Path, folder: Path) -> None:
    """Copy the files of a store."""
    for file in source.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())


@pytest.mark.parametrize("point", PUT_ASIDE)
def test_a_killed_sync_keeps_the_past_whole(point: str, begun: Path, tmp_path: Path) -> None:
    """After the kill, and after the next sync, what was found before is found as of then, no chunk more or less."""
    copy(begun, tmp_path)
    light = ingest(tmp_path)
    before = datetime.fromtimestamp(moment() / 1_000_000, tz=UTC)
    expected = found_at(light.store.history(), before)
    light.database.close()
    assert killed(update, tmp_path, point), "the point was never reached"
    left = ingest(tmp_path)
    check(left.database)
    assert found_at(left.store.history(), before) == expected
    left.sync(AFTER)
    check(left.database)
    assert found_at(left.store.history(), before) == expected
    now = [hit for who in (ANA, BEN) for hit in left.hits(who)]
    rows = left.store.history().rows_at(datetime.now(UTC) + timedelta(seconds=1), classes=None)
    assert sorted(row.chunk_id for row in rows) == sorted(hit.chunk_id for hit in now)
    assert left.store.history().kept().versions == 8
    left.database.close()


@pytest.mark.parametrize("point", PURGED)
def test_a_killed_purge_goes_on(point: str, changed: Path, tmp_path: Path) -> None:
    """What answers is whole at any moment; the next run destroys what is left, and its keys; its end is known."""
    copy(changed, tmp_path)
    light = ingest(tmp_path)
    answers = [hit for who in (ANA, BEN) for hit in light.hits(who)]
    with light.database.read() as connection:
        query = "SELECT doc_id, number FROM versions WHERE state = 'past'"
        places = [(row[0], row[1]) for row in connection.exec_driver_sql(query)]
    assert len(places) == 8
    light.database.close()
    assert killed(purge, tmp_path, point), "the point was never reached"
    left = ingest(tmp_path)
    check(left.database)
    assert [hit for who in (ANA, BEN) for hit in left.hits(who)] == answers
    left.database.close()
    purge(tmp_path)
    left = ingest(tmp_path)
    check(left.database)
    history = left.store.history()
    assert history.kept().versions == 0
    assert {history.fate(*place) for place in places} == {"purged"}
    assert not left.collection.records.present(f"d/{doc_id}/{number}" for doc_id, number in places)
    assert [hit for who in (ANA, BEN) for hit in left.hits(who)] == answers
    with left.database.read() as connection:
        for table in ("periods", "past_chunks", "past_mentions"):
            assert connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one() == 0
    left.database.close()
