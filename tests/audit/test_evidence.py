"""The evidence store keeps what an answer was made of and gives it back whole."""

from __future__ import annotations

import copy
import os
import pickle
import re
import sqlite3
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest

from ragkit.audit.evidence import EvidenceStore
from ragkit.audit.evidence_keys import commitment, open_part, seal_part, tokens_in, wrap_with
from ragkit.errors import KeyMismatch
from ragkit.testing.light import ANA
from ragkit.testing.parties import ADA, BOB, MemoryPeople, cause, evidence, store_of, token
from ragkit.types import Evidence

# --- keeping and reading ---------------------------------------------------------------------------------------------


def test_what_is_kept_comes_back_and_fits_its_commitment(store: EvidenceStore) -> None:
    """Bytes of every kind and length are the same again, by role, and their macs are those given out for the event."""
    contents = [b"", b"x", b"\xff" * 300, os.urandom(5_000), b"the same again and again, " * 400]
    entries = []
    for content in contents:
        entries += store.keep(Evidence(collection="care", parts={"request_body": content}), request="r" * 20, actor=ANA)
    parts = store.parts("r" * 20)
    assert [part.content for part in parts] == contents
    assert [(part.ref, part.mac) for part in parts] == [(entry["ref"], entry["mac"]) for entry in entries]
    assert [entry["len"] for entry in entries] == [len(content) for content in contents]
    assert list(store.read("r" * 20)) == ["request_body", *(f"request_body.{n}" for n in range(2, 6))]


def test_a_commitment_hides_what_it_is_to(store: EvidenceStore) -> None:
    """Two equal parts have two commitments, so that nobody who guesses a question can find it in the log."""
    one, two = (store.keep(evidence("How old is Ada?"), request=name * 20, actor=ANA)[0] for name in "ab")
    assert one["mac"] != two["mac"]
    assert re.fullmatch("hmac-sha256:[0-9a-f]{64}", one["mac"])
    assert one["mac"] not in {commitment(b"", b"How old is Ada?"), commitment(bytes(32), b"How old is Ada?")}


def test_another_process_reads_it(store: EvidenceStore, tmp_path: Path, people: MemoryPeople) -> None:
    """All that is needed is in the file and the workspace's secret; another secret opens nothing."""
    store.keep(evidence(f"About {token(ADA)}.", documents=(("d" * 20, 3),)), request="r" * 20, actor=ANA)
    other = store_of(tmp_path, people)
    assert other.read("r" * 20) == {"question": f"About {token(ADA)}.".encode()}
    assert other.documents("r" * 20) == [("d" * 20, 3)]
    assert other.collection_of("r" * 20) == "care"
    with pytest.raises(KeyMismatch):
        store_of(tmp_path, people, bytes(32)).read("r" * 20)


def test_two_processes_write_one_turn(store: EvidenceStore, tmp_path: Path, people: MemoryPeople) -> None:
    """The second finds the turn that the first began, and puts its part under the same key."""
    store.keep(evidence("asked", conversation="c" * 32), request="r" * 20, actor=ANA)
    other = store_of(tmp_path, people)
    other.keep(evidence(f"{token(BOB)}", role="answer", conversation="c" * 32), request="r" * 20, actor=None)
    assert list(store.read("r" * 20)) == ["question", "answer"]
    people.erase(BOB)
    assert cause(store, "r" * 20) == "erasure"


def test_threads_keep_beside_each_other(store: EvidenceStore) -> None:
    """Every part of every thread is there, whichever came first."""

    def write(thread: int) -> None:
        for number in range(20):
            for role in ("question", "answer"):
                store.keep(evidence(f"{thread}.{number}", role=role), request=f"{thread:010}{number:010}", actor=ANA)

    threads = [threading.Thread(target=write, args=(thread,)) for thread in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for thread in range(4):
        for number in range(20):
            assert set(store.read(f"{thread:010}{number:010}")) == {"question", "answer"}


def test_a_forked_child_opens_its_own_connection(store: EvidenceStore) -> None:
    """SQLite connections must not cross a fork; the child keeps its part and the parent's goes on."""
    store.keep(evidence("parent"), request="p" * 20, actor=ANA)
    child = os.fork()
    if child == 0:
        try:
            store.keep(evidence("child"), request="c" * 20, actor=ANA)
            store.sync()
        finally:
            os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    store.keep(evidence("parent again"), request="q" * 20, actor=ANA)
    assert [store.read(name * 20)["question"] for name in "pcq"] == [b"parent", b"child", b"parent again"]


def test_a_child_forgets_what_its_parent_undid(store: EvidenceStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """A conversation that was being begun when the process forked is begun anew by the parent, under another key."""
    undone, tell = os.pipe()
    mine = "c" * 32

    forget = store._forget

    def fail(*_: object, **__: object) -> tuple[bytes, str]:
        raise sqlite3.OperationalError("disk I/O error")

    def fork() -> None:
        monkeypatch.undo()
        if os.fork() == 0:
            try:
                os.read(undone, 1)
                store.keep(evidence("child", conversation=mine), request="c" * 20, actor=ANA)
            finally:
                os._exit(0)
        forget()

    monkeypatch.setattr("ragkit.audit.evidence.seal_part", fail)
    monkeypatch.setattr(store, "_forget", fork)
    with pytest.raises(OSError, match="evidence"):
        store.keep(evidence("parent", conversation=mine), request="p" * 20, actor=ANA)
    store.keep(evidence("parent again", conversation=mine), request="q" * 20, actor=ANA)
    os.write(tell, b"x")
    os.wait()
    assert [store.read(name * 20)["question"] for name in "qc"] == [b"parent again", b"child"]


def test_a_fork_waits_for_a_transaction(store: EvidenceStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the child SQLite would hold it open for ever, and nothing could be kept there."""
    inside, child = threading.Event(), 0

    def slow(*arguments: object, **named: object) -> tuple[bytes, str]:
        inside.set()
        time.sleep(0.3)
        return seal_part(*arguments, **named)  # type: ignore[arg-type]

    def keep() -> None:
        store.keep(evidence("parent"), request="p" * 20, actor=ANA)

    store.keep(evidence("first"), request="f" * 20, actor=ANA)
    monkeypatch.setattr("ragkit.audit.evidence.seal_part", slow)
    monkeypatch.setattr("ragkit.audit.evidence_schema.BUSY_TIMEOUT_MS", 100)
    thread = threading.Thread(target=keep)
    thread.start()
    inside.wait(10)
    child = os.fork()
    if child == 0:
        try:
            store.keep(evidence("child"), request="c" * 20, actor=ANA)
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    thread.join()
    assert [store.read(name * 20)["question"] for name in "fpc"] == [b"first", b"parent", b"child"]


def test_nothing_is_made_before_something_is_kept(store: EvidenceStore, tmp_path: Path) -> None:
    """Looking makes no file; an event without parts neither."""
    assert cause(store, "r" * 20) == "missing"
    assert store.keep(Evidence(collection="care"), request="r" * 20, actor=ANA) == ()
    assert store.counts()["turns"] == 0
    assert not list(tmp_path.iterdir())


# --- the file --------------------------------------------------------------------------------------------------------


def test_the_files_are_private_and_hold_no_word(store: EvidenceStore, tmp_path: Path) -> None:
    """Mode 0600, and neither content, token, asker nor a repeated pattern can be read in them."""
    text = f"SECRETWORD about {token(ADA)} " * 50
    store.keep(evidence(text), request="r" * 20, actor=ANA)
    store.sync()
    files = sorted(tmp_path.iterdir())
    assert [path.name for path in files] == ["evidence.db", "evidence.db-shm", "evidence.db-wal"]
    for path in files:
        assert path.stat().st_mode & 0o777 == 0o600
        held = path.read_bytes()
        assert not any(word in held for word in (b"SECRETWORD", b"SECR", ADA.encode(), ANA.subject.encode()))


def test_lengths_are_told_in_steps(store: EvidenceStore, tmp_path: Path) -> None:
    """Answers of nearly one length are sealed in one, so that the file does not tell yes from no."""
    for number, text in enumerate(["Yes.", "No.", "It is not known to anybody here."]):
        store.keep(evidence(text), request=f"{number}" * 20, actor=ANA)
    store.close()
    with sqlite3.connect(tmp_path / "evidence.db") as database:
        assert len({length for (length,) in database.execute("SELECT length(sealed) FROM parts")}) == 1


def test_sync_forces_the_log_and_never_opens_the_database(
    store: EvidenceStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Closing a descriptor of the database file would drop the locks of SQLite; of the -wal, none are on it."""
    store.keep(evidence(), request="r" * 20, actor=ANA)
    opened, forced = list[str](), list[int]()
    really_open, really_sync = os.open, os.fdatasync

    def watch(path: object, *args: int) -> int:
        opened.append(Path(str(path)).name)
        return really_open(path, *args)  # type: ignore[arg-type]

    def force(handle: int) -> None:
        forced.append(os.fstat(handle).st_ino)
        really_sync(handle)

    monkeypatch.setattr(os, "open", watch)
    monkeypatch.setattr(os, "fdatasync", force)
    store.sync()
    store.sync()
    assert forced == [(tmp_path / "evidence.db-wal").stat().st_ino]
    assert opened == ["evidence.db-wal", tmp_path.name]
    store.keep(evidence(), request="s" * 20, actor=ANA)
    store.sync()
    assert len(forced) == 2
    assert "evidence.db" not in opened


def test_a_log_that_was_emptied_by_another_is_followed(
    store: EvidenceStore, tmp_path: Path, people: MemoryPeople
) -> None:
    """The write-ahead log may be emptied or made anew between two commits; what is kept after it is forced too."""
    for number in range(3):
        store.keep(evidence(), request=f"{number}" * 20, actor=ANA)
        store.sync()
        other = store_of(tmp_path, people)
        assert other.empty_log()
        other.close()
    store.close()
    store.sync()
    assert len(store_of(tmp_path, people).requests("care")) == 3


def test_what_a_failed_sync_lost_is_written_again(
    store: EvidenceStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After an error the system forgets that pages are to be written; a second sync alone would force nothing."""
    store.keep(evidence(), request="a" * 20, actor=ANA)
    store.sync()
    store.keep(evidence(), request="b" * 20, actor=ANA)
    log, done = tmp_path / "evidence.db-wal", list[tuple[str, int]]()
    really_write, really_sync = os.pwrite, os.fdatasync

    def fail(_: int) -> None:
        raise OSError(5, "Input/output error")

    def write(handle: int, content: bytes, place: int) -> int:
        done.append(("write", os.fstat(handle).st_ino))
        assert (place, content) == (0, log.read_bytes())
        return really_write(handle, content, place)

    def force(handle: int) -> None:
        done.append(("sync", os.fstat(handle).st_ino))
        really_sync(handle)

    monkeypatch.setattr(os, "fdatasync", fail)
    for _ in range(2):
        with pytest.raises(OSError, match="Input"):
            store.sync()
    monkeypatch.setattr(os, "fdatasync", force)
    monkeypatch.setattr(os, "pwrite", write)
    store.sync()
    store.sync()
    inode = log.stat().st_ino
    assert done == [("write", inode), ("sync", inode)]
    assert store.read("b" * 20)


def test_emptying_the_log_waits_for_nobody(store: EvidenceStore, tmp_path: Path) -> None:
    """A reader of another process is in the way for as long as it reads; others here want to keep evidence."""
    store.keep(evidence(), request="a" * 20, actor=ANA)
    with closing(sqlite3.connect(tmp_path / "evidence.db", isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT COUNT(*) FROM turns").fetchone()
        store.keep(evidence(), request="b" * 20, actor=ANA)
        began = time.monotonic()
        assert not store.empty_log()
        assert time.monotonic() - began < 2
    assert store.empty_log()
    with store._file.held():
        assert store._file._connected().execute("PRAGMA busy_timeout").fetchone() == (10_000,)


def test_a_link_is_not_followed(tmp_path: Path, people: MemoryPeople) -> None:
    """Somebody who can write in the folder must not choose where evidence goes."""
    (tmp_path / "evidence.db").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="link"):
        store_of(tmp_path, people).keep(evidence(), request="r" * 20, actor=ANA)
    assert not (tmp_path / "elsewhere").exists()


def test_a_file_that_cannot_be_written_is_an_oserror_without_content(tmp_path: Path, people: MemoryPeople) -> None:
    """The recorder turns it into `AuditUnavailable`; nothing of the question is in it."""
    (tmp_path / "evidence.db").mkdir()
    with pytest.raises(OSError, match="evidence") as failed:
        store_of(tmp_path, people).keep(evidence("SECRETWORD"), request="r" * 20, actor=ANA)
    assert "SECRETWORD" not in str(failed.value)
    assert failed.value.__cause__ is None


def test_what_failed_once_is_not_believed_to_be_there(
    store: EvidenceStore, people: MemoryPeople, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A turn whose first part could not be stored is begun anew with the next one."""

    def fail(*_: object, **__: object) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    with monkeypatch.context() as patch:
        patch.setattr("ragkit.audit.evidence.seal_part", fail)
        with pytest.raises(OSError, match="evidence"):
            store.keep(evidence(f"{token(ADA)}"), request="r" * 20, actor=ANA)
    store.keep(evidence("answered", role="answer"), request="r" * 20, actor=ANA)
    assert store.read("r" * 20) == {"answer": b"answered"}


def test_neither_store_nor_evidence_can_be_carried_away(store: EvidenceStore) -> None:
    """No pickle, no copy, and a repr that says nothing."""
    with pytest.raises(TypeError):
        pickle.dumps(store)
    with pytest.raises(TypeError):
        copy.copy(store)
    assert repr(store) == "EvidenceStore()"
    assert "SECRETWORD" not in repr(evidence("SECRETWORD"))
    store.keep(evidence("SECRETWORD"), request="r" * 20, actor=ANA)
    assert "SECRETWORD" not in repr(store.parts("r" * 20))


# --- the keys --------------------------------------------------------------------------------------------------------


def test_every_key_is_needed() -> None:
    """A key or number that is missing, other or swapped gives another wrapping key."""
    one, two, three = (bytes([n]) * 32 for n in range(3))
    made = wrap_with(one, two, {1: two, 2: three})
    others = [
        wrap_with(two, two, {1: two, 2: three}),
        wrap_with(one, b"", {1: two, 2: three}),
        wrap_with(one, two, {1: two}),
        wrap_with(one, two, {1: three, 2: two}),
        wrap_with(one, two, {1: two, 3: three}),
        wrap_with(one, two, {}),
    ]
    assert len({made, *others}) == 7


def test_a_part_that_is_moved_or_changed_does_not_open() -> None:
    """It is bound to its turn, its id and its role."""
    key = os.urandom(32)
    sealed, mac = seal_part(key, b"content", place="evidence/r/p/answer")
    assert open_part(key, sealed, place="evidence/r/p/answer") == (b"content", mac)
    for changed, place in ((sealed, "evidence/r/p/question"), (sealed[:-1] + b"\0", "evidence/r/p/answer")):
        with pytest.raises(KeyMismatch):
            open_part(key, changed, place=place)


def test_tokens_are_found_in_json_and_text() -> None:
    """As they stand in record views; aliases and made-up forms are none."""
    held = [
        b'{"a":"x [PERSON:K7F3QX9M2T-4B] y"}',
        "[PERSON_1·k7] [PERSON:SHORT-4B] [IBAN:A1B2C3D4E5-7K]".encode(),
    ]
    assert tokens_in(held) == {ADA, BOB}
