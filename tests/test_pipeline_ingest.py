from __future__ import annotations

import threading
import tracemalloc
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from ragkit.audit import schema
from ragkit.errors import AuditUnavailable, MaskingError, StoreError
from ragkit.ingest.report import SyncReport
from ragkit.ingest.settings import IngestLimits
from ragkit.store.records import check
from ragkit.testing.light import LightIngest
from ragkit.testing.stages import FakeEmbedder, ListConnector, RecordingRecorder, text_item
from ragkit.types import Change, Checkpoint, Masked, Notice, SourceItem, Upsert


@pytest.fixture
def light(tmp_path: Path) -> Iterator[LightIngest]:
    """A fresh record store with light stages; Ada and Grace are people."""
    made = LightIngest(tmp_path, words=["Ada", "Grace"])
    yield made
    made.database.close()


def test_a_report_counts_what_happened(light: LightIngest) -> None:
    """The report names every outcome: added, updated, unchanged, re-permitted, deleted, refused, with its counts."""
    light.sync({"same": "same", "changed": "old", "moved": "moved", "gone": "gone", "bad": "AKIA0000"})
    report = light.sync(
        {
            "same": "same",
            "changed": "new of Ada and Grace\n\nAda",
            "moved": text_item("moved", "moved", access=frozenset({"pub"})),
            "bad": "AKIA0000",
            "worse": "AKIA1111",
            "empty": " \n ",
            "new": "new",
        }
    )
    assert (report.added, report.updated, report.access_changed, report.deleted) == (1, 1, 1, 1)
    assert (report.unchanged, report.refused, report.chunks) == (2, 2, 3)
    assert report.quarantined == {"secret": 2, "no-text": 1}
    assert report.masked == {"PERSON": 3}
    assert report.exit_code == 1
    assert set(report.seconds) >= {"source", "parse", "mask", "chunk", "embed", "store"}
    assert report.elapsed > 0


def test_exit_codes_and_sums() -> None:
    """0 for all well, 1 for a quarantine, 2 for a failure; reports of several sources add up."""
    well = SyncReport(source="a", added=2, chunks=3, seconds={"mask": 1.0})
    partly = SyncReport(source="b", updated=1, quarantined={"x": 1}, seconds={"mask": 0.5})
    failed = SyncReport(source="c", failed="SourceError")
    assert [report.exit_code for report in (well, partly, failed)] == [0, 1, 2]
    both = SyncReport.together([well, partly])
    assert (both.added, both.updated, both.chunks, both.exit_code, both.seconds) == (2, 1, 3, 1, {"mask": 1.5})
    assert SyncReport.together([well, partly, failed]).exit_code == 2


def test_a_dry_run_counts_and_writes_nothing(light: LightIngest, tmp_path: Path) -> None:
    """A dry run tells additions, updates, permissions and deletions, and leaves every byte of the store as it was."""
    light.sync({"same": "same", "changed": "old", "gone": "gone", "moved": "m"})
    light.database.checkpoint_truncate()
    before = (tmp_path / "records.db").read_bytes()
    parsed = light.parser.parsed
    after = {"same": "same", "changed": "new", "new": "n", "moved": text_item("moved", "m", access=frozenset({"pub"}))}
    report = light.sync(after, dry_run=True)
    assert (report.added, report.updated, report.unchanged) == (1, 1, 1)
    assert (report.access_changed, report.deleted, report.dry_run) == (1, 1, True)
    light.database.checkpoint_truncate()
    assert (tmp_path / "records.db").read_bytes() == before
    assert light.parser.parsed == parsed
    kinds = light.recorder.kinds()
    assert kinds[-2:] == ["ingest.run.started", "ingest.run.finished"]
    real = light.sync(after)
    assert (real.added, real.updated, real.unchanged, real.deleted) == (1, 1, 1, 1)
    fresh = light.sync({"x": "y"}, name="never seen", dry_run=True)
    assert (fresh.added, fresh.deleted) == (1, 0)


def test_every_event_fits_the_catalogue_and_carries_no_content(light: LightIngest) -> None:
    """All that happens is recorded, in shapes that the audit accepts, with one run id, and no word of the content."""
    light.sync({"a": "Ada reads", "b": "AKIA0000", "c": "x"}, name="notes")
    light.sync({"a": "Ada writes", "b": "AKIA0000", "d": text_item("d", "x")}, name="notes")
    light.sync({"a": text_item("a", "Ada writes", access=frozenset({"pub"}))}, name="notes")
    kinds = set(light.recorder.kinds())
    assert kinds >= {
        "ingest.run.started",
        "ingest.run.checkpoint",
        "ingest.run.finished",
        "doc.added",
        "doc.updated",
        "doc.deleted",
        "doc.quarantined",
        "acl.changed",
        "pii.masked",
    }
    for event in light.recorder.events:
        schema.check(event.kind, event.data, outcome=event.outcome, reason=event.reason)
        assert not any(word in repr(event) for word in ("Ada", " reads", " writes", "AKIA"))
    assert len({event.data["run"] for event in light.recorder.events}) == 3


def test_nothing_is_visible_that_was_not_recorded(light: LightIngest) -> None:
    """When the recorder refuses, the run stops before the commit, and nothing of the batch answers."""

    class Full(RecordingRecorder):
        def record(self, kind: str, **more: object) -> None:  # type: ignore[override]
            if kind == "doc.added":
                raise AuditUnavailable("the disk of the log is full")

    light.recorder = Full()
    with pytest.raises(AuditUnavailable):
        light.sync({"a": "one"})
    assert light.texts() == {}


def test_masking_that_cannot_be_done_stops_the_run(light: LightIngest) -> None:
    """A masking failure ends the run: nothing passes unmasked, what was committed stays, tokens are discarded."""
    light.sync({"a": "one"})
    mask, discarded = light.masker.mask, []

    def fail(documents: Sequence[object]) -> object:
        raise MaskingError("a detector is missing")

    light.masker.mask = fail  # type: ignore[method-assign,assignment]
    light.masker.discard = lambda: discarded.append(1)  # type: ignore[method-assign]
    with pytest.raises(MaskingError):
        light.sync({"a": "one", "b": "two"})
    assert discarded == [1]
    assert light.texts() == {"a": ["one"]}
    assert light.recorder.events[-1].kind == "ingest.run.finished"
    assert (light.recorder.events[-1].outcome, light.recorder.events[-1].reason) == ("error", "masking-error")
    light.masker.mask = mask  # type: ignore[method-assign]
    assert light.sync({"a": "one", "b": "two"}).added == 1


def test_vault_rows_and_documents_are_one_transaction(light: LightIngest) -> None:
    """When the vault cannot be written, the documents whose tokens it lacks are not stored either."""

    def fail() -> None:
        raise StoreError("the vault is full")

    light.masker.flush = fail  # type: ignore[method-assign]
    with pytest.raises(StoreError):
        light.sync({"a": "Ada"})
    assert light.texts() == {}
    assert light.store.vault().count() == 0
    del light.masker.flush  # type: ignore[attr-defined]
    light.sync({"a": "Ada"})
    assert light.store.vault().count() == 1


def test_a_chunk_that_is_too_long_fails_its_document_alone(light: LightIngest) -> None:
    """One chunk beyond the encoder's window quarantines its document, whole; the others are stored."""
    light.embedder = FakeEmbedder(max_tokens=8)
    light.options["limits"] = IngestLimits(slab_chunks=4)
    long = "\n\n".join(["fits"] * 10 + ["far too long for this encoder to read it all"] + ["fits"] * 10)
    report = light.sync({"a": "one", "long": long, "b": "two"})
    assert report.quarantined == {"chunk-too-long": 1}
    assert sorted(light.texts()) == ["a", "b"]
    check(light.database)
    assert light.store.inventory().chunks == 2
    with light.database.read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM bodies").scalar_one() == 2


def test_notices_and_titles_arrive(light: LightIngest) -> None:
    """Notices of the parser reach the report."""
    parse = light.parser.parse

    def with_notice(item: SourceItem) -> object:
        from dataclasses import replace

        return replace(parse(item), notices=(Notice("no-text-layer", 2, (1, 3)), Notice("hidden-text")))

    light.parser.parse = with_notice  # type: ignore[method-assign,assignment]
    report = light.sync({"a": "one", "b": "two"})
    assert report.notices == {"no-text-layer": 4, "hidden-text": 2}


class Endless(ListConnector):
    """Makes items as they are asked for, and notes the highest cursor it was resumed at."""

    def __init__(self, count: int, *, every: int, stop_at: int = -1, characters: int = 0) -> None:
        super().__init__({})
        self.count, self.every, self.stop_at, self.characters = count, every, stop_at, characters
        self.cursors: list[str | None] = []

    def changes(self, cursor: str | None) -> Iterator[Change]:
        self.cursors.append(cursor)
        for number in range(int(cursor or 0), self.count):
            if number == self.stop_at:
                raise KeyboardInterrupt
            yield Upsert(text_item(f"d{number}", f"text {number} " + "x" * self.characters))
            if (number + 1) % self.every == 0:
                yield Checkpoint(str(number + 1))
        yield Checkpoint(None, complete=True)


def test_an_interrupted_sync_goes_on_from_its_checkpoint(light: LightIngest) -> None:
    """After Ctrl-C the next sync resumes at the last cursor whose documents are all stored, and treats none twice.

    Then it looks at the whole source once more, for what changed before that cursor meanwhile.
    """
    light.options["limits"] = IngestLimits(mask_documents=8, slab_chunks=16)
    source = Endless(400, every=10, stop_at=300)
    with pytest.raises(KeyboardInterrupt):
        light.sync(source)
    stored = {int(name[1:]) for name in light.texts()}
    source.stop_at = -1
    parsed = light.parser.parsed
    report = light.sync(source)
    cursor = int(source.cursors[1] or 0)
    assert source.cursors == [None, str(cursor), None]
    assert cursor >= 200
    assert stored >= set(range(cursor)), "everything before the cursor was stored"
    assert report.added == 400 - len(stored)
    assert report.deleted == 0
    assert light.parser.parsed - parsed == 400 - len(stored)
    assert len(light.texts()) == 400
    again = light.sync(source)
    assert again.unchanged == 400
    assert source.cursors[-1] is None


def test_cursors_wait_for_what_is_before_them(light: LightIngest) -> None:
    """A cursor is stored only when each item before it is committed, however far the parser looks ahead."""
    light.options["limits"] = IngestLimits(mask_documents=4, slab_chunks=8)
    embed, seen = light.embedder.embed, []

    def look(texts: Sequence[Masked]) -> object:
        cursor = _cursor(light)
        seen.append((light.store.inventory().documents, cursor))
        return embed(texts)

    light.embedder.embed = look  # type: ignore[method-assign,assignment]
    light.sync(Endless(200, every=5))
    assert all(cursor <= stored for stored, cursor in seen)
    assert any(cursor > 0 for _stored, cursor in seen), "cursors are stored on the way"


def _cursor(light: LightIngest) -> int:
    from ragkit import crypto
    from ragkit.store.schema import sources

    with light.database.read() as connection:
        sealed = connection.execute(sources.select()).one().sealed_cursor
    if sealed is None:
        return 0
    return int(crypto.unseal(light.collection.keys.wrapping, sealed, bound_to=f"cursor/{light.collection.id}/list"))


def test_embedding_overlaps_with_the_rest(light: LightIngest) -> None:
    """Chunks are embedded in one worker thread, in order, while the caller's thread goes on."""
    light.options["limits"] = IngestLimits(mask_documents=4, slab_chunks=8)
    embed, threads, parsed = light.embedder.embed, set(), []

    def look(texts: Sequence[Masked]) -> object:
        threads.add(threading.current_thread().name)
        parsed.append(light.parser.parsed)
        import time

        time.sleep(0.02)
        parsed.append(light.parser.parsed)
        return embed(texts)

    light.embedder.embed = look  # type: ignore[method-assign,assignment]
    light.sync({f"d{n}": f"text {n}" for n in range(64)})
    assert len(threads) == 1
    assert threading.current_thread().name not in threads
    assert any(after > before for before, after in zip(parsed[::2], parsed[1::2])), "parsing went on meanwhile"


def test_memory_stays_flat(tmp_path: Path) -> None:
    """Ten times the documents take no more memory at the peak."""
    peaks = []
    for count in (60, 600):
        folder = tmp_path / str(count)
        folder.mkdir()
        light = LightIngest(folder, limits=IngestLimits(mask_documents=8, slab_chunks=16))
        light.recorder.record = lambda kind, **more: None  # type: ignore[method-assign,assignment]
        light.sync({"warm": "up"}, name="warm")
        tracemalloc.start()
        light.sync(Endless(count, every=20, characters=20_000))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        light.database.close()
    assert peaks[1] < 1.5 * peaks[0] + 2_000_000, peaks


def test_progress_is_told(light: LightIngest) -> None:
    """Progress counts items through, with the number known from the pass before."""
    told: list[tuple[str, int, int | None]] = []
    light.options["progress"] = lambda stage, done, total: told.append((stage, done, total))
    light.options["limits"] = IngestLimits(slab_chunks=4)
    light.sync({f"d{n}": f"text {n}" for n in range(20)})
    assert told[-1] == ("sync", 20, None)
    assert [done for _stage, done, _total in told] == sorted(done for _stage, done, _total in told)
    told.clear()
    light.sync({f"d{n}": f"text {n}" for n in range(20)} | {"more": "more"})
    assert told[-1] == ("sync", 21, 20)


def test_two_sources_share_a_collection(light: LightIngest) -> None:
    """The same native id in two sources is two documents, and a pass over one deletes nothing of the other."""
    light.sync({"a": "from one"}, name="one")
    light.sync({"a": "from two", "b": "two"}, name="two")
    assert light.store.inventory().documents == 3
    assert light.sync({}, name="one").deleted == 1
    assert light.store.inventory().documents == 2
    assert len({hit.doc_id for hit in light.hits()}) == 2


def test_bytes_of_no_use_leave_no_trace(light: LightIngest, tmp_path: Path) -> None:
    """A quarantined item leaves its fingerprints and sealed id, and nothing of its content, in any file."""
    light.sync({"x": SourceItem(native_id="Rumpelstilz", content=b"\xff\xfeKnusperhaus", name="Rumpelstilz")})
    stored = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert b"Rumpelstilz" not in stored
    assert b"Knusperhaus" not in stored
