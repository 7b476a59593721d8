"""Checkpoints: each continues the one before, processes take turns, and a log cut or put back is not signed."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import signal
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ragkit.audit.checkpoints import FRONTIER, NOTES, Checkpointer
from ragkit.audit.growing import GrowingTree
from ragkit.audit.notes import VerifierKey
from ragkit.audit.tree import EMPTY_ROOT, leaf_hash, tree_root
from ragkit.config_audit import SigningKeySection
from ragkit.errors import CheckpointRefused
from ragkit.rootkey import create_key_file
from ragkit.testing.signed_log import ORIGIN, SignedLog


def refusal(log: SignedLog, signer: Checkpointer | None = None) -> CheckpointRefused:
    """Return the error of a checkpoint that must not be signed."""
    before = log.signer.notes.path.read_bytes() if log.signer.notes.path.exists() else b""
    with pytest.raises(CheckpointRefused) as found:
        log.checkpoint(signer or log.process())
    assert found.value.remedy
    assert (log.signer.notes.path.read_bytes() if before else b"") == before
    return found.value


def counting(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return a list that gets the number of each segment read from its beginning."""
    read: list[int] = []
    whole = GrowingTree._read_segment

    def counted(self: GrowingTree, to: int | None) -> int | None:
        if self._offset == 0:
            read.append(self._segment)
        return whole(self, to)

    monkeypatch.setattr(GrowingTree, "_read_segment", counted)
    return read


def test_a_checkpoint_is_over_every_line_and_its_own_announcement(tmp_path: Path) -> None:
    """Size, root and key are those of the lines; the key and the memory outside are private files."""
    log = SignedLog(tmp_path)
    log.add(3)
    note = log.checkpoint()
    assert note is not None
    assert note.checkpoint.size == 4
    assert note.checkpoint.root == tree_root([leaf_hash(line) for line in log.lines()])
    key = log.signer.key.read()
    assert note.is_signed_by(VerifierKey.of(ORIGIN, key))
    assert json.loads(log.lines()[3])["data"] == {"size": 4, "key": VerifierKey.of(ORIGIN, key).mark}
    for path in (log.key_path, log.seen, log.events / NOTES, log.events / FRONTIER):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert log.seen.read_bytes() == note.written
    assert log.checkpoint() is None  # nothing was added since


def test_processes_take_turns(tmp_path: Path) -> None:
    """Each notices the notes of the other, whichever signed last, and the sizes grow."""
    log = SignedLog(tmp_path)
    first, second = log.process(), log.process()
    for turn in range(6):
        log.add(turn % 3 + 1)
        assert log.checkpoint(first if turn % 2 else second) is not None
    assert len(log.notes()) == 6
    assert log.verified()
    first.prepare()  # reads ahead
    log.add()
    log.checkpoint(second)
    log.add()
    log.checkpoint(first)
    assert log.verified()


def test_a_new_process_reads_what_is_new_and_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The cache is used when it hashes to what was signed; without it, or with another, every line is read again."""
    log = SignedLog(tmp_path)
    log.add(50)
    log.checkpoint()
    read = counting(monkeypatch)
    log.add(2)
    log.checkpoint(log.process())
    assert read == []
    cache = log.events / FRONTIER
    good = json.loads(cache.read_bytes())
    bad: list[Any] = [
        {**good, "hashes": ["00" * 32, *good["hashes"][1:]]},
        {**good, "size": good["size"] - 1},
        {**good, "offset": good["offset"] - 1},
        {**good, "offset": good["offset"] + 10_000},
        {**good, "offset": len(log.lines()[0]) + 1},  # a line end, but not that of the announcement
        {**good, "segment": 2},
        {**good, "hashes": None},
        {**good, "form": "other"},
        [],
    ]
    for number, told in enumerate([*bad, None], 1):
        log.add()
        cache.write_text(json.dumps(told)) if told is not None else cache.unlink()
        assert log.checkpoint(log.process()) is not None
        assert read == [1] * number
    assert log.verified()


def test_segments_are_one_row(tmp_path: Path) -> None:
    """Lines go on in the next segment; one that is missing in the middle, or gone at the end, is noticed."""
    log = SignedLog(tmp_path)
    log.add(3)
    log.checkpoint()
    log.add(2, segment=2)
    log.checkpoint(segment=2)
    log.add(1, segment=3)
    note = log.checkpoint(log.process(), segment=3)
    assert note is not None
    assert note.checkpoint.size == 9
    assert log.verified()
    (log.events / "00000002.jsonl").rename(tmp_path / "taken")
    (log.events / FRONTIER).unlink()
    assert refusal(log).code == "rolled-back"
    (log.events / "00000003.jsonl").rename(tmp_path / "taken too")
    assert refusal(log, log.signer).code == "rolled-back"


def test_a_line_that_is_still_being_written_is_not_signed(tmp_path: Path) -> None:
    """The bytes after the last line feed are no line; closed off, they are one."""
    log = SignedLog(tmp_path)
    log.add(2)
    segment = log.events / "00000001.jsonl"
    with segment.open("ab") as file:
        file.write(b'{"seq":3')
    tree = GrowingTree(log.events)
    tree.grow()
    assert tree.size == 2
    with segment.open("ab") as file:
        file.write(b"\n")
    log.checkpoint()
    assert log.notes()[0].checkpoint.size == 4
    assert log.verified()


def test_a_log_that_was_cut_is_not_signed(tmp_path: Path) -> None:
    """Fewer lines than were signed, in this process and in a new one, with the cache and without."""
    log = SignedLog(tmp_path)
    log.add(10)
    log.checkpoint()
    log.rewrite(log.lines()[:8])
    for signer in (log.signer, log.process()):
        found = refusal(log, signer)
        assert (found.code, found.seen) == ("rolled-back", 11)
    (log.events / FRONTIER).unlink()
    found = refusal(log)
    assert (found.code, found.size, found.seen) == ("rolled-back", 8, 11)
    log.add(9)
    assert refusal(log).code == "edited"


def test_a_line_that_was_edited_is_never_signed_as_if_it_had_been_so(tmp_path: Path) -> None:
    """Read anew, the log is refused; gone on from the cache, what is signed is the tree over the true lines."""
    log = SignedLog(tmp_path)
    log.add(10)
    log.checkpoint()
    true = log.lines()
    log.rewrite([true[0].replace(b"added", b"mixed"), *true[1:]])
    log.add()
    note = log.checkpoint(log.process())
    assert note is not None
    assert note.checkpoint.root == tree_root([leaf_hash(line) for line in [*true, *log.lines()[11:]]])
    assert not log.verified()
    (log.events / FRONTIER).unlink()
    assert refusal(log).code == "edited"


def test_a_data_directory_put_back_to_an_older_state_is_not_signed(tmp_path: Path) -> None:
    """Notes, lines and cache all fit each other, and still do not hold what was seen outside."""
    log = SignedLog(tmp_path)
    log.add(5)
    log.checkpoint()
    shutil.copytree(log.data, tmp_path / "copy")
    log.add(5)
    log.checkpoint()
    shutil.rmtree(log.data)
    shutil.copytree(tmp_path / "copy", log.data)
    found = refusal(log)
    assert (found.code, found.size, found.seen) == ("rolled-back", 6, 12)
    log.add(20)  # as long again, and other lines
    assert refusal(log).code == "edited"


def test_checkpoints_that_were_taken_away_come_back_from_the_memory_outside(tmp_path: Path) -> None:
    """The lines are whole: the note that was seen is appended again, and signing goes on."""
    log = SignedLog(tmp_path)
    log.add(5)
    first = log.checkpoint()
    kept = (log.events / NOTES).read_bytes()
    log.add(5)
    second = log.checkpoint()
    (log.events / NOTES).write_bytes(kept)
    log.add()
    third = log.checkpoint(log.process())
    assert log.notes() == [first, second, third]
    (log.events / NOTES).unlink()
    log.add()
    fourth = log.checkpoint(log.process())
    assert log.notes() == [third, fourth]
    assert log.verified()


def test_an_old_memory_outside_is_held_against_the_notes(tmp_path: Path) -> None:
    """One that is among the notes is passed; one of another log of that size is not."""
    log = SignedLog(tmp_path)
    log.add(5)
    log.checkpoint()
    old = log.seen.read_bytes()
    log.add()
    log.checkpoint()
    log.seen.write_bytes(old)
    log.add()
    assert log.checkpoint(log.process()) is not None
    other = SignedLog(tmp_path / "other")
    shutil.copy(log.key_path, other.key_path)
    other.add(3)
    other.checkpoint()
    shutil.copy(other.seen, log.seen)
    log.add()
    assert refusal(log).code == "edited"
    log.seen.write_text("nothing of the kind\n")
    assert refusal(log).code == "bad-seen"


def test_a_malformed_last_note_is_told(tmp_path: Path) -> None:
    """Somebody wrote into the file of checkpoints: nothing is signed on top of it."""
    log = SignedLog(tmp_path)
    log.add()
    log.checkpoint()
    text = (log.events / NOTES).read_text()
    (log.events / NOTES).write_text(text.replace("\n2\n", "\n02\n"))
    assert refusal(log).code == "bad-notes"


def test_without_its_key_nothing_is_signed_and_no_new_key_is_made(tmp_path: Path) -> None:
    """A key that is gone after the first checkpoint is an error, also when only the memory outside tells of it."""
    log = SignedLog(tmp_path)
    log.add()
    log.checkpoint()
    log.add()
    kept = tmp_path / "kept"
    log.key_path.rename(kept)
    assert log.checkpoint() is not None  # this process has it still
    log.add()
    found = refusal(log)
    assert (found.code, found.seen) == ("no-key", 4)
    (log.events / NOTES).unlink()
    assert refusal(log).code == "no-key"
    assert not log.key_path.exists()
    create_key_file(log.key_path)
    assert refusal(log).code == "other-key"
    kept.replace(log.key_path)
    assert log.checkpoint(log.process()) is not None
    assert log.verified()


def test_a_key_from_a_variable_is_never_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Unset, nothing is signed; set, it signs, and no key file appears."""
    log = SignedLog(tmp_path, SigningKeySection(source="env"))
    log.add()
    assert refusal(log).code == "no-key"
    monkeypatch.setenv("RAGKIT_AUDIT_KEY", "11" * 32)
    assert log.checkpoint() is not None
    assert not log.key_path.exists()
    monkeypatch.setenv("RAGKIT_AUDIT_KEY", "11" * 31)
    log.add()
    assert refusal(log).code == "no-key"


def test_a_refusal_is_not_repeated_at_every_event(tmp_path: Path) -> None:
    """After a refusal nothing is due until the time is over."""
    log = SignedLog(tmp_path)
    log.add(3)
    log.checkpoint()
    log.rewrite(log.lines()[:1])
    assert log.signer.due(lines=1_000, now=log.signer._since + 1)
    refusal(log, log.signer)
    assert not log.signer.due(lines=1_000, now=log.signer._quiet_until - 1)
    assert log.signer.due(lines=1_000, now=log.signer._quiet_until + 1)


def test_when_a_checkpoint_is_due(tmp_path: Path) -> None:
    """After so many lines or seconds, and never when nothing was written."""
    signer = SignedLog(tmp_path).signer
    at = signer._since
    assert not signer.due(lines=0, now=at + 10_000)
    assert not signer.due(lines=999, now=at + 59)
    assert signer.due(lines=1_000, now=at)
    assert signer.due(lines=1, now=at + 60.001)


def test_a_key_is_changed_under_both_signatures(tmp_path: Path) -> None:
    """The note at the change has both; the next has the new key's; another process finds the new key by itself."""
    log = SignedLog(tmp_path)
    other = log.process()
    log.add()
    log.checkpoint(other)
    old = VerifierKey.of(ORIGIN, log.signer.key.read())
    log.add()
    log.signer.change_key(log.signer.key.make_next(), keep_old=True)
    change = log.checkpoint()
    new = VerifierKey.of(ORIGIN, log.signer.key.read())
    assert change is not None
    assert new != old
    assert change.checkpoint.next_key == str(new)
    assert change.is_signed_by(old)
    assert change.is_signed_by(new)
    assert [path.name for path in log.home.glob("*.old")] == [f"ws.audit.key.{old.key_id.hex()}.old"]
    for signer in (other, log.signer, log.process()):
        log.add()
        note = log.checkpoint(signer)
        assert note is not None
        assert note.is_signed_by(new)
        assert not note.is_signed_by(old)
    assert log.verified()


def test_an_old_key_can_be_destroyed_at_the_change(tmp_path: Path) -> None:
    """Nothing of it is left beside the new one, and its bytes were written over."""
    log = SignedLog(tmp_path)
    log.add()
    log.checkpoint()
    beside = tmp_path / "same file"
    os.link(log.key_path, beside)
    log.signer.change_key(log.signer.key.make_next(), keep_old=False)
    log.add()
    log.checkpoint()
    assert sorted(path.name for path in log.home.iterdir()) == ["ws.audit.key", "ws.audit.seen"]
    assert set(beside.read_bytes()) == {0}


def test_a_key_from_a_variable_is_changed_with_the_next_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Until the variable gives the new key, the one that waits beside it signs; a process without it does not."""
    monkeypatch.setenv("RAGKIT_AUDIT_KEY", "11" * 32)
    log = SignedLog(tmp_path, SigningKeySection(source="env"))
    log.add()
    log.checkpoint()
    monkeypatch.setenv("RAGKIT_AUDIT_KEY_NEXT", "22" * 32)
    log.signer.change_key(log.signer.key.make_next(), keep_old=True)
    log.add()
    log.checkpoint()
    log.add()
    note = log.checkpoint(log.process())
    assert note is not None
    assert note.is_signed_by(VerifierKey.of(ORIGIN, b"\x22" * 32))
    monkeypatch.delenv("RAGKIT_AUDIT_KEY_NEXT")
    log.add()
    assert refusal(log).code == "other-key"
    monkeypatch.setenv("RAGKIT_AUDIT_KEY", "22" * 32)
    assert log.checkpoint(log.process()) is not None
    assert log.verified()


CRASHING = """
import sys
from pathlib import Path
from ragkit.testing.signed_log import SignedLog

log = SignedLog(Path(sys.argv[1]))
log.add(2)
if sys.argv[2] == "change":
    log.signer.change_key(log.signer.key.make_next(), keep_old=True)
log.checkpoint()
"""
POINTS = (
    "checkpoints.announced",
    "checkpoints.seen",
    "checkpoints.torn_note",
    "checkpoints.appended",
)


@pytest.mark.parametrize("what", ["sign", "change"])
@pytest.mark.parametrize("point", [*POINTS, "checkpoints.before_install"])
def test_killed_anywhere_the_next_process_goes_on(tmp_path: Path, point: str, what: str) -> None:
    """Killed between announcement and end, twice in a row: the log verifies, and so does what is signed next."""
    if (point, what) == ("checkpoints.before_install", "sign"):
        point = "checkpoints.appended:2"  # there is nothing to install: never reached, and nothing breaks
    log = SignedLog(tmp_path)
    log.add(3)
    log.checkpoint()
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-c", CRASHING, str(tmp_path), what],
            env={**os.environ, "RAGKIT_CRASH_POINT": point},
            check=False,
            capture_output=True,
            text=True,
        )
        assert done.returncode == (0 if point.endswith(":2") else -signal.SIGKILL), done.stderr
    log.add()
    note = log.checkpoint(log.process())
    assert note is not None
    assert note.checkpoint.size == len(log.lines())
    assert log.verified()
    assert log.seen.read_bytes() == note.written
    log.add()
    assert log.checkpoint(log.process()) is not None
    assert log.verified()


def test_what_is_not_a_whole_note_is_cut_off(tmp_path: Path) -> None:
    """Wherever the write of a note stopped, the newest whole one is found and the next follows it."""
    log = SignedLog(tmp_path)
    log.add()
    first = log.checkpoint()
    whole = (log.events / NOTES).read_bytes()
    log.add()
    second = log.checkpoint()
    assert second is not None
    torn = second.written + b"\n"
    for end in range(len(torn)):
        (log.events / NOTES).write_bytes(whole + torn[:end])
        assert log.signer.notes.newest() == first
        assert log.notes() == [first]
    log.signer.notes.append(second)
    assert log.notes() == [first, second]
    assert (log.events / NOTES).read_bytes() == whole + torn


def test_nothing_to_read_is_an_empty_tree(tmp_path: Path) -> None:
    """A log without a line has the root of nothing."""
    tree = GrowingTree(tmp_path)
    assert tree.grow()
    assert not tree.grow(1)
    assert tree.root() == EMPTY_ROOT


def test_a_disk_that_is_full_leaves_no_half_note(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The note is not there, the error is an OSError, and when there is room again it is made good."""
    log = SignedLog(tmp_path)
    log.add()
    log.checkpoint()
    log.add()

    def full(handle: int, data: bytes, at: int) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("ragkit.audit.note_file.os.pwrite", full)
        with pytest.raises(OSError, match="No space"):
            log.checkpoint()
    assert len(log.notes()) == 1
    log.add()
    assert log.checkpoint() is not None
    assert len(log.notes()) == 3  # the one that was remembered outside came back
    assert log.verified()


def test_a_signer_shows_and_gives_no_key(tmp_path: Path) -> None:
    """Neither repr nor pickle holds it."""
    signer = SignedLog(tmp_path).signer
    assert repr(signer) == f"Checkpointer(origin={ORIGIN!r})"
    assert repr(signer.key) == "KeySource('file')"
    with pytest.raises(TypeError, match="pickled"):
        pickle.dumps(signer)
