from __future__ import annotations

import multiprocessing
import sqlite3
import threading
from pathlib import Path

import numpy as np
import psycopg
import pytest

from ragkit.errors import StoreCorrupt, StoreError
from ragkit.store.records import check
from ragkit.store.schema import bodies, chunks, items, versions
from ragkit.testing.light import LightIngest
from ragkit.testing.served_store import only_sqlite, serve_from_environment
from ragkit.testing.stages import text_item


def large(mark: str, paragraphs: int = 700) -> str:
    """A document of many chunks, one a paragraph."""
    return "\n\n".join(f"{mark} paragraph {number}" for number in range(paragraphs))


def rows_of(light: LightIngest) -> tuple[int, int, int]:
    """How many versions, bodies and chunk numbers there are, whoever points to them."""
    with light.database.read() as connection:
        count = [len(connection.execute(table.select()).all()) for table in (versions, bodies, chunks)]
    return count[0], count[1], count[2]


def test_an_update_replaces_whole(light: LightIngest) -> None:
    """The new version answers alone, with the next number; nothing of the old is left in the tables."""
    light.sync({"a": "one of Ada\n\ntwo\n\nthree"})
    light.sync({"a": "only one"})
    (hit,) = light.hits()
    assert (hit.chunk.record, hit.version) == ("only one", 2)
    assert rows_of(light) == (1, 1, 1)
    check(light.database)


def test_the_old_version_answers_until_the_swap(light: LightIngest) -> None:
    """While a large new version is being staged, readers get the old one, whole; afterwards the new one, whole."""
    light.sync({"a": large("old")})
    seen: list[set[str]] = []
    embed = light.embedder.embed

    def look(texts: list[str]) -> object:
        seen.append({text.split()[0] for text in light.texts()["a"]})
        assert len(light.texts()["a"]) == 700
        return embed(texts)

    light.embedder.embed = look  # type: ignore[method-assign,assignment]
    light.sync({"a": large("new")})
    assert len(seen) >= 3, "it was staged in slices"
    assert set().union(*seen) == {"old"}
    assert {text.split()[0] for text in light.texts()["a"]} == {"new"}
    assert rows_of(light) == (1, 700, 700), "the old version was purged by slices"


def test_a_failed_update_leaves_the_old_version(light: LightIngest) -> None:
    """An update that is refused is quarantined; the old version goes on answering, under its new permissions."""
    light.sync({"a": "fine"})
    report = light.sync({"a": text_item("a", "key AKIA0000", access=frozenset({"u:local|ben"}))})
    assert (report.quarantined, report.exit_code) == ({"secret": 1}, 1)
    assert light.texts() == {}
    from ragkit.testing.light import BEN

    assert light.texts(BEN) == {"a": ["fine"]}


def test_a_document_that_a_new_policy_refuses_is_withdrawn(light: LightIngest) -> None:
    """What was masked under another policy does not go on answering when the policy in force refuses it."""
    light.sync({"a": "fine", "b": "fine too"})
    light.masker._policy = "words-2"
    light.parser.parse = _refuse  # type: ignore[method-assign,assignment]
    report = light.sync({"a": "fine", "b": "fine too"})
    assert report.quarantined == {"not-text": 2}
    assert light.texts() == {}


def _refuse(item: object) -> object:
    from ragkit.errors import ParseError

    raise ParseError("no", code="not-text")


def test_equal_documents_stay_two(light: LightIngest) -> None:
    """Two documents that are equal after masking both answer, and deleting one leaves the other."""
    light.sync({"a": "the same words", "b": "the same words"})
    assert light.texts() == {"a": ["the same words"], "b": ["the same words"]}
    light.sync({"b": "the same words"})
    assert light.texts() == {"b": ["the same words"]}


def stored_bytes(folder: Path, store: str, request: pytest.FixtureRequest) -> bytes:
    """All files of the store; of a server those of its tables, without its log."""
    if store == "sqlite":
        return b"".join(file.read_bytes() for file in folder.iterdir())
    server = request.getfixturevalue("server")
    with psycopg.connect(server.url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute("CHECKPOINT")  # files of before are deleted by then
    files = [*folder.iterdir(), *(server.folder / "data" / "base").rglob("*")]
    return b"".join(file.read_bytes() for file in files if file.is_file())


def test_a_deleted_document_leaves_no_byte(tmp_path: Path, store: str, request: pytest.FixtureRequest) -> None:
    """After deletion and a checkpoint, its sealed bytes, keys and vectors are in no file of the store."""
    light = LightIngest(tmp_path)
    light.sync({"a": "kept", "b": large("gone", 300), "c": "gone as well"})
    with light.database.read() as connection:
        gone = connection.execute(bodies.select()).all()
        kept_text = light.texts()["a"]
        keys = connection.execute(versions.select()).all()
        natives = {row.sealed_native_id for row in connection.execute(items.select())}
    light.options["max_delete_share"] = 1.0
    light.sync({"a": "kept"})
    assert light.database.checkpoint_truncate()
    stored = stored_bytes(tmp_path, store, request)
    with light.database.read() as connection:
        left = connection.execute(bodies.select()).one()
        live_key = connection.execute(versions.select()).one().wrapped_key
        live_native = connection.execute(items.select().where(items.c.status == "active")).one().sealed_native_id
    for row in gone:
        assert (row.sealed in stored) == (row.sealed == left.sealed)
        assert (row.vector in stored) == (row.vector == left.vector)
    assert [key.wrapped_key for key in keys if key.wrapped_key in stored] == [live_key]
    assert [native for native in natives if native in stored] == [live_native]
    assert light.texts() == {"a": kept_text}


def test_no_clear_text_in_any_file(tmp_path: Path) -> None:
    """Text, title, name, URI, metadata, native id, cursor and access tokens are in no file of the store in clear."""
    light = LightIngest(tmp_path, filter_keys=["owner"])
    words = ["Zaubertrank", "Drachenkopf", "Wolkenturm", "Silberpfad", "Mondgesang"]
    item = text_item(
        words[4],
        f"{words[0]} body",
        title=f"{words[1]} title",
        uri=f"file:///{words[2]}",
        metadata={"owner": words[3]},
        access=frozenset({"u:local|Klabauter"}),
    )
    from ragkit.testing.stages import ListConnector

    light.sync(ListConnector({words[4]: item, "x": "y"}, every=1))
    stored = b"".join(file.read_bytes() for file in tmp_path.iterdir()).lower()
    for word in [*words, "Klabauter", "local|ana"]:
        for raw in (word.lower().encode(), word.lower().encode("utf-16-le"), word.lower().encode()[:6]):
            assert raw not in stored, "clear text on disk"


def test_absence_keeps_only_the_number(light: LightIngest) -> None:
    """A deleted item keeps its id and last version number and nothing else; when it returns, numbers go on."""
    light.sync({"a": "one"})
    light.sync({"a": "two"})
    light.sync({})
    with light.database.read() as connection:
        row = connection.execute(items.select()).one()
    assert (row.status, row.version) == ("absent", 2)
    assert (row.sealed_native_id, row.content_mac, row.access_mac) == (None, None, None)
    report = light.sync({"a": "two"})
    assert report.added == 1
    assert light.hits()[0].version == 3


def test_leftovers_are_swept(light: LightIngest) -> None:
    """What an interrupted run staged is deleted when the next begins, and never answers."""
    light.sync({"a": "one"})
    embed, calls = light.embedder.embed, []

    def break_off(texts: list[str]) -> object:
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return embed(texts)

    light.embedder.embed = break_off  # type: ignore[method-assign,assignment]
    with pytest.raises(KeyboardInterrupt):
        light.sync({"a": "one", "big": large("big")})
    assert light.texts() == {"a": ["one"]}
    assert rows_of(light)[0] == 2, "there is something to sweep"
    assert light.store.sweep() == 1
    assert rows_of(light) == (1, 1, 1)
    light.embedder.embed = embed  # type: ignore[method-assign]
    light.sync({"a": "one", "big": large("big")})
    assert len(light.texts()["big"]) == 700
    check(light.database)


def test_vectors_are_checked(light: LightIngest) -> None:
    """Vectors of the wrong number or with NaN are an error, and nothing of the document is stored."""
    light.embedder.embed = lambda texts: np.full((len(texts), 4), np.nan, dtype=np.float32)  # type: ignore[method-assign]
    with pytest.raises(StoreError, match="vectors"):
        light.sync({"a": "one"})
    assert rows_of(light) == (0, 0, 0)


def test_write_transactions_are_short(light: LightIngest, monkeypatch: pytest.MonkeyPatch, store: str) -> None:
    """No transaction of a sync with small and large documents holds the lock for long; many documents share one."""
    import time
    from contextlib import contextmanager

    held: list[float] = []
    write = light.database.write

    @contextmanager
    def timed() -> object:  # type: ignore[misc]
        outer = light.database._current("writing") is None
        started = time.thread_time()
        with write() as connection:
            yield connection
        if outer:
            held.append(time.thread_time() - started)

    monkeypatch.setattr(light.database, "write", timed)
    light.options["max_delete_share"] = 1.0
    light.sync({f"d{n}": f"text {n}" for n in range(300)} | {"big": large("big", 3_000)})
    light.sync({f"d{n}": f"text {n} changed" for n in range(300)} | {"big": large("new", 3_000)})
    light.sync({})
    usual = sorted(held)[: int(0.99 * len(held))]  # a collection of garbage may fall into one in a hundred
    assert usual[-1] < 0.1, "CPU seconds under the lock"
    assert max(held) < 0.5
    most = 300 if store == "sqlite" else 600  # of 900; a server takes longer for each, and a turn is as long
    assert len(held) < most, "small documents share transactions"


def test_the_check_finds_damage(light: LightIngest, tmp_path: Path) -> None:
    """A missing chunk, a stray one, a lost key and a broken page are each found."""
    light.sync({"a": "one\n\ntwo", "b": "three"})
    check(light.database)
    for damage in (
        "DELETE FROM chunks WHERE chunk_id = 1",
        "UPDATE versions SET wrapped_key = NULL WHERE version_id = 1",
        "UPDATE versions SET state = 'retired' WHERE version_id = 1",
        "DELETE FROM documents WHERE document_id = 1",
    ):
        with pytest.raises(ZeroDivisionError), light.database.write() as connection:  # noqa: PT012 - rolled back below
            connection.exec_driver_sql(damage)
            with pytest.raises(StoreCorrupt):
                check(light.database)
            raise ZeroDivisionError
        check(light.database)


def _write_much(folder: str, rounds: int) -> None:
    serve_from_environment()
    light = LightIngest(Path(folder), words=["Ada"])
    for turn in range(rounds):
        light.sync({f"d{n}": f"round {turn} of Ada\n\nsecond {n}" for n in range(60)} | {"big": large(f"r{turn}", 300)})


def test_readers_see_no_error_while_another_process_writes(tmp_path: Path) -> None:
    """Through whole syncs of a writer in another process, reading threads get whole documents and no error."""
    LightIngest(tmp_path, words=["Ada"]).sync({"big": large("r", 300)} | {f"d{n}": "start" for n in range(60)})
    writer = multiprocessing.get_context("spawn").Process(target=_write_much, args=(str(tmp_path), 2))
    writer.start()
    problems: list[object] = []
    reads = [0]

    def read() -> None:
        reader = LightIngest(tmp_path, writable=False)
        while writer.is_alive():
            try:
                with reader.database.read():  # one snapshot for listing and checking
                    texts = reader.texts()
                marks = {text.split()[0] for text in texts["big"]}
                if len(texts["big"]) != 300 or len(marks) != 1 or len(texts) != 61:
                    problems.append((len(texts), len(texts["big"]), marks))
                reads[0] += 1
            except Exception as bad:
                problems.append(bad)

    threads = [threading.Thread(target=read) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    writer.join()
    assert writer.exitcode == 0
    assert problems == []
    assert reads[0] > 5


@only_sqlite
def test_a_full_disk_is_named_and_loses_nothing(light: LightIngest, tmp_path: Path) -> None:
    """When the file cannot grow the run stops with a remedy; what was there answers, and a later run goes on."""
    light.sync({"a": "one"})
    raw = sqlite3.connect(tmp_path / "records.db")
    pages = raw.execute("PRAGMA page_count").fetchone()[0]
    raw.close()
    with light.database.read() as connection:
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages + 2}")
    with pytest.raises(StoreError, match="FULL") as full:
        light.sync({"a": "one", "big": large("big")})
    assert "Free some space" in full.value.remedy
    assert light.texts() == {"a": ["one"]}
    light.database.close()
    light.sync({"a": "one", "big": large("big")})
    assert len(light.texts()["big"]) == 700
    check(light.database)
