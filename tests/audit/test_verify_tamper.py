"""Whatever is done to a log is found by the stand-alone verifier: every bit, and every way to tamper with it."""

from __future__ import annotations

import copy
import json
import os
import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ragkit.assets import ragkit_verify as verifier
from ragkit.testing.made_log import MadeLog, SigningKey, as_line
from ragkit.testing.tampering import NOTES, WITHOUT_KEY, put, spliced

FIRST = SigningKey("first")
KEY = verifier.parse_key(FIRST.verifier)
DROPPED = {"session": ..., "span": ..., "trace": ..., "tenant": ...}
"""Fields that an event may lack; without them there are fewer bits to flip."""


def log_of_200(seed: int = 0) -> MadeLog:
    """Return a log of 200 events: three segments, twenty notes, a torn line and a change of keys."""
    log = MadeLog(seed=seed)
    log.add("log.opened", **DROPPED)
    while (number := len(log.lines)) < 199:
        if number in (70, 140):
            log.rotate()
        elif number == 100:
            log.tear()
        elif number % 10 == 9:
            log.sign(next_key=SigningKey("second") if number == 119 else None)
        else:
            log.add("auth.ok", {"verb": "ask", "via": "caller"}, **DROPPED)
    log.sign()
    log.sign()
    return log


def verified(folder: Path, *, stop_after: int = 1, kept: bytes = b"", key: verifier.Key = KEY) -> verifier.Verification:
    """Return a finished verification."""
    found = verifier.Verification(folder, [key], stop_after=stop_after)
    found.run([("kept.txt", kept)] if kept else [])
    return found


def codes(found: verifier.Verification) -> list[str]:
    """Return what was found, without notices."""
    return [one.code for one in found.findings if one.level == "finding"]


@contextmanager
def flipped(file: int, at: int, bit: int) -> Iterator[None]:
    """Flip one bit of an open file, for a while."""
    (held,) = os.pread(file, 1, at)
    os.pwrite(file, bytes([held ^ 1 << bit]), at)
    try:
        yield
    finally:
        os.pwrite(file, bytes([held]), at)


@pytest.fixture(scope="module")
def log() -> MadeLog:
    """The log that nobody changes."""
    return log_of_200()


@pytest.fixture
def folder(log: MadeLog, tmp_path: Path) -> Path:
    """The log on the disk."""
    return log.write(tmp_path / "events")


def test_the_log_itself_is_well(log: MadeLog, folder: Path) -> None:
    """Nothing is found in the log that is tampered with below: a torn line and a change of keys are no findings."""
    found = verified(folder)
    assert (found.status, found.findings, found.unchecked) == (0, [], [])
    assert (found.events, found.torn, found.signed) == (200, 1, 201)


# --- every bit -------------------------------------------------------------------------------------------------------


def whole_runs(folder: Path, places: list[tuple[Path, int, int]]) -> list[tuple[str, int, int]]:
    """Flip each of these bits on the disk and verify the whole log; return those that were not noticed."""
    missed = []
    files = {path: os.open(path, os.O_RDWR) for path in {path for path, _, _ in places}}
    for path, at, bit in places:
        with flipped(files[path], at, bit):
            if verified(folder).status != 1:
                missed.append((path.name, at, bit))
    for file in files.values():
        os.close(file)
    return missed


def resumed(before: verifier.Verification) -> verifier.Verification:
    """Return a copy of a verification that has read some lines, to go on with others."""
    twin = copy.copy(before)
    for name, value in vars(before).items():
        if isinstance(value, list | dict | set):
            setattr(twin, name, value.copy())
    return twin


def flips_in_lines(folder: Path, lines: list[bytes], bits_of: list[int] | None, draw: random.Random) -> int:
    """Flip bits of every byte of the lines, one a byte or all of these; return how many were not noticed.

    The verification goes on from where it was before the line, with the very methods of a whole run: with that line,
    and those after it up to the next note.
    """
    walk = verifier.Verification(folder, [KEY], stop_after=1)
    for note in walk._read_notes((folder / NOTES).read_bytes()):
        walk._expect(note)
    sizes = sorted(walk._expected)
    missed = 0
    for place, line in enumerate(lines):
        after = lines[place + 1 : next(size for size in sizes if size > place)]
        for at, held in enumerate(line):
            for bit in bits_of or [draw.randrange(8)]:
                changed = line[:at] + bytes([held ^ 1 << bit]) + line[at + 1 :]
                twin = resumed(walk)
                try:
                    twin._take([*changed.split(b"\n"), *after])
                except verifier._Enough:
                    continue
                missed += 1
        walk._take([line])
    return missed


def test_a_flipped_bit_of_every_byte_of_200_events_is_found(log: MadeLog, folder: Path) -> None:
    """One bit of each byte, drawn at random; `benchmarks/audit_verify.py --every-bit` flips all of them on the disk."""
    assert flips_in_lines(folder, log.lines, None, random.Random(1)) == 0


@pytest.mark.slow
def test_every_flipped_bit_of_200_events_is_found(log: MadeLog, folder: Path) -> None:
    """All eight bits of each byte of each line."""
    assert flips_in_lines(folder, log.lines, list(range(8)), random.Random(1)) == 0


def test_flipped_bits_of_the_checkpoints_are_found(log: MadeLog, folder: Path) -> None:
    """A bit of each byte of the note of the change of keys, and of every fourth of the others."""
    path, draw = folder / NOTES, random.Random(2)
    raw = path.read_bytes()
    note = next(note for note in log.notes if b"next-key" in note)
    whole = range(raw.index(note), raw.index(note) + len(note) + 1)
    places = [(path, at, draw.randrange(8)) for at in whole]
    places += [(path, at, draw.randrange(8)) for at in range(0, len(raw), 4)]
    places += [(path, len(raw) - 1, bit) for bit in range(8)]
    assert whole_runs(folder, places) == []


@pytest.mark.slow
def test_every_flipped_bit_of_the_checkpoints_is_found(folder: Path) -> None:
    """All eight bits of each byte."""
    path = folder / NOTES
    places = [(path, at, bit) for at in range(path.stat().st_size) for bit in range(8)]
    assert whole_runs(folder, places) == []


def test_flipped_line_feeds_and_a_sample_of_all_bits_are_found_on_the_disk(folder: Path) -> None:
    """Line feeds join lines or end the log early; and three hundred bits anywhere, with the whole command's work."""
    draw, places = random.Random(3), []
    for path in sorted(folder.glob("*.jsonl")):
        raw = path.read_bytes()
        feeds = [at for at, byte in enumerate(raw) if byte == 10]
        places += [(path, at, draw.randrange(8)) for at in feeds]
        places += [(path, feeds[-1], bit) for bit in range(8)]
        places += [(path, draw.randrange(len(raw)), draw.randrange(8)) for _ in range(100)]
    assert whole_runs(folder, places) == []


# --- every way -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", WITHOUT_KEY)
@pytest.mark.parametrize("seed", range(3))
def test_tampering_without_the_key_is_found(way: str, seed: int, folder: Path) -> None:
    """Whoever does not hold the signing key can change nothing that was signed."""
    WITHOUT_KEY[way](folder, random.Random(seed))
    found = verified(folder, stop_after=0)
    assert found.status == 1
    assert found.findings


def test_a_splice_of_two_logs_is_found(log: MadeLog, folder: Path, tmp_path: Path) -> None:
    """The beginning of one log and the end of another, of one key and one origin, with the notes that fit each part."""
    other = log_of_200(seed=9).write(tmp_path / "other")
    assert verified(other).status == 0
    spliced(folder, other, tmp_path / "spliced")
    assert "tree" in verified(tmp_path / "spliced", stop_after=0).counts


def test_an_event_of_another_log_is_found(log: MadeLog, tmp_path: Path) -> None:
    """After the last checkpoint, too: each event names its log."""
    alien = MadeLog("other/ragkit/1")
    line = alien.add("auth.ok", {"via": "local"}, seq=201)
    folder = log.write(tmp_path / "events")
    put(folder, [*log.lines, line])
    found = verified(folder, stop_after=0)
    assert codes(found) == ["origin"]
    assert (found.findings[0].segment, found.findings[0].seq, found.lines - found.signed) == (3, 201, 1)


def test_truncation_before_a_kept_checkpoint_is_found(log: MadeLog, tmp_path: Path) -> None:
    """The end is cut off with its notes, so that the log is well by itself; a checkpoint kept elsewhere shows it."""
    short = MadeLog()
    short.segments, short.notes = [log.lines[:58]], log.notes[:5]
    folder = short.write(tmp_path / "events")
    found = verified(folder)
    assert (found.status, found.lines - found.signed) == (0, 8)
    assert verified(folder, kept=log.notes[4]).status == 0
    found = verified(folder, kept=log.notes[5])
    assert codes(found) == ["rolled-back"]


def test_a_rollback_of_the_whole_directory_is_found(log: MadeLog, tmp_path: Path) -> None:
    """An older copy of everything is well by itself and shorter than what was seen."""
    older = MadeLog()
    older.segments, older.notes = [log.lines[:70]], log.notes[:7]
    folder = older.write(tmp_path / "events")
    assert verified(folder).status == 0
    found = verified(folder, kept=log.notes[9])
    assert codes(found) == ["rolled-back"]
    assert "70 lines" in found.findings[0].message
    assert "of 100" in found.findings[0].message


def test_a_rollback_that_goes_on_is_found(log: MadeLog, tmp_path: Path) -> None:
    """An older copy that grew past the checkpoint that was kept has other lines below it."""
    grown = MadeLog()
    grown.segments, grown.notes, grown._seq = [log.lines[:70]], log.notes[:7], 70
    for _ in range(60):
        grown.add("auth.ok", {"via": "local"})
    grown.sign()
    folder = grown.write(tmp_path / "events")
    assert verified(folder).status == 0
    assert codes(verified(folder, kept=log.notes[9])) == ["rewritten"]


def test_a_rewrite_signed_anew_is_found_only_from_elsewhere(log: MadeLog, tmp_path: Path) -> None:
    """Who holds the signing key can write everything anew; a checkpoint kept elsewhere shows it, and nothing here."""
    forged = MadeLog()
    for line in log.lines[:130]:
        try:
            event = json.loads(line)
        except ValueError:
            forged.segments[-1].append(line)
            continue
        if event["type"] == "checkpoint":
            forged.sign()
            continue
        forged._seq = event["seq"]
        event["actor"] |= {"id": "h:" + "d4" * 16} if event["seq"] == 33 else {}
        forged.segments[-1].append(as_line(event))
    folder = forged.write(tmp_path / "events")
    assert verified(folder).status == 0
    for kept in log.notes[3:11]:
        found = verified(folder, kept=kept)
        assert codes(found) == ["rewritten"]


def test_a_rewrite_under_another_key_is_found(tmp_path: Path) -> None:
    """Without the key, all notes are by a stranger."""
    forged = MadeLog(key=SigningKey("stranger"))
    forged.add("log.opened")
    forged.sign()
    found = verified(forged.write(tmp_path / "events"))
    assert codes(found) == ["note-key"]


def test_a_retired_key_signs_no_more(tmp_path: Path) -> None:
    """After a change of keys the old one, which may have been stolen, is a stranger's."""
    log = MadeLog()
    log.sign(next_key=SigningKey("second"))
    log.sign()
    assert verified(log.write(tmp_path / "events")).status == 0
    log.key = FIRST
    log.sign()
    assert codes(verified(log.write(tmp_path / "events"))) == ["note-key"]


def test_a_change_of_keys_needs_both_signatures(log: MadeLog, folder: Path) -> None:
    """A note that names a next key and is not signed by it, or by it alone, does not count."""
    place = next(at for at, note in enumerate(log.notes) if b"next-key" in note)
    text, _, signed = log.notes[place].partition(b"\n\n")
    old, new = signed.splitlines(keepends=True)
    for by in (old, new, new + old, old + old):
        changed = [*log.notes]
        changed[place] = text + b"\n\n" + by
        (folder / NOTES).write_bytes(b"".join(note + b"\n" for note in changed))
        assert verified(folder).status == 1


def test_whoever_holds_the_last_key_can_verify_too(folder: Path) -> None:
    """The note of a change carries both signatures: the new key proves all lines, those before included."""
    found = verified(folder, key=verifier.parse_key(SigningKey("second").verifier))
    assert (found.status, found.signed) == (0, 201)
    assert found.counts == {"note-before": 11}
