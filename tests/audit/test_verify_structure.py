"""What the stand-alone verifier says of a log by itself: what is a finding, what a notice, and what it cannot check."""

from __future__ import annotations

import ast
import base64
import hashlib
import json
import random
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ragkit.assets import ragkit_verify as verifier
from ragkit.audit.checkpoints import Checkpointer
from ragkit.audit.notes import VerifierKey
from ragkit.audit.recorder import EventRecorder
from ragkit.audit.signing import KeySource
from ragkit.config_audit import SigningKeySection
from ragkit.testing.made_log import ORIGIN, MadeLog, SigningKey, as_line
from ragkit.testing.tampering import NOTES, WITHOUT_KEY, segments

FIRST = SigningKey("first")
SOURCE = Path(verifier.__file__).read_text(encoding="utf-8")


def small(count: int = 5) -> MadeLog:
    """A log of a few events, not signed."""
    log = MadeLog()
    for _ in range(count):
        log.add("auth.ok", {"via": "local"})
    return log


def verified(folder: Path, **options: Any) -> verifier.Verification:
    """A finished verification with the first key."""
    found = verifier.Verification(folder, [verifier.parse_key(FIRST.verifier)])
    found.run(**options)
    return found


def told(found: verifier.Verification, level: str) -> list[str]:
    """The codes of a level."""
    return [one.code for one in found.findings if one.level == level]


def run(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, str]:
    """Run the command; return its status and what it printed."""
    status = verifier.main([str(one) for one in arguments])
    printed = capsys.readouterr()
    return status, printed.out + printed.err


# --- the file itself -------------------------------------------------------------------------------------------------


def test_it_imports_the_standard_library_and_cryptography_only() -> None:
    """No name of ragkit is imported, and nothing else has to be installed."""
    names = set()
    for node in ast.walk(ast.parse(SOURCE, feature_version=(3, 9))):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            names.add(str(node.module).partition(".")[0])
    assert names <= {*sys.stdlib_module_names, "cryptography"}


# --- what cannot be checked ------------------------------------------------------------------------------------------


def test_without_a_key_only_the_structure_is_checked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """That is no success unless it was asked for."""
    log = small()
    log.sign()
    folder = log.write(tmp_path / "log")
    status, said = run(capsys, folder)
    assert status == 2
    assert "no key was given" in said
    assert run(capsys, folder, "--no-key")[0] == 0
    assert run(capsys, folder, "--key", FIRST.verifier)[0] == 0


def test_a_broken_structure_is_found_without_a_key(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Root and order need none."""
    log = small()
    log.sign()
    log.segments[0][2] = log.segments[0][2].replace(b'"local"', b'"cocal"', 1)
    status, said = run(capsys, log.write(tmp_path / "log"), "--no-key")
    assert status == 1
    assert "finding tree" in said


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ([], "name the folder"),
        (["absent"], "cannot be read"),
        (["empty"], "no log"),
        (["log", "--key", "nonsense"], "NAME+ID+KEY"),
        (["log", "--checkpoint", "absent"], "No such file"),
        (["log", "--checkpoint", "letter.txt"], "holds no checkpoint"),
    ],
)
def test_what_cannot_be_checked_is_said(
    arguments: list[str], why: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Status 2, and why."""
    monkeypatch.chdir(tmp_path)
    log = small()
    log.sign()
    log.write(tmp_path / "log")
    (tmp_path / "empty").mkdir()
    (tmp_path / "letter.txt").write_text("Dear auditor,\n\nnothing here.\n")
    status, said = run(capsys, *arguments, *(["--key", FIRST.verifier] if "--key" not in arguments else []))
    assert status == 2
    assert why in said


def test_a_log_that_nothing_signs_proves_nothing(tmp_path: Path) -> None:
    """Whoever takes all notes and their announcements away gets no success for it."""
    found = verified(small().write(tmp_path / "log"))
    assert (found.status, found.findings) == (2, [])
    assert "nothing is signed" in found.unchecked[0]


def test_a_missing_library_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without `cryptography` nothing was proven."""
    log = small()
    log.sign()
    monkeypatch.setitem(sys.modules, "cryptography.exceptions", None)
    found = verified(log.write(tmp_path / "log"))
    assert found.status == 2
    assert "not installed" in found.unchecked[0]


# --- what is no finding ----------------------------------------------------------------------------------------------


def test_lines_after_the_last_checkpoint_are_counted(tmp_path: Path) -> None:
    """They are not proven, and no finding: the next checkpoint covers them."""
    log = small()
    log.sign()
    log.add("auth.ok")
    log.add("auth.ok")
    found = verified(log.write(tmp_path / "log"))
    assert (found.status, found.lines, found.signed, found.report()["unsigned"]) == (0, 8, 6, 2)


def test_a_torn_tail_is_a_notice(tmp_path: Path) -> None:
    """A line is being written, or was torn and nobody wrote since."""
    log = small()
    log.sign()
    log.tail = b'{"actor":{"au'
    found = verified(log.write(tmp_path / "log"))
    assert (found.status, told(found, "notice")) == (0, ["torn-tail"])


@pytest.mark.parametrize("keep", range(1, 40))
def test_a_torn_note_is_a_notice_where_nothing_announced_it(keep: int, tmp_path: Path) -> None:
    """Whatever part of the last note was written; its lines count as not signed."""
    log = small()
    log.sign()
    log.add("auth.ok")
    log.note()
    folder = log.write(tmp_path / "log")
    file = folder / NOTES
    raw = file.read_bytes()
    whole = len(log.notes[0]) + 1
    end = whole + (len(raw) - whole) * keep // 40
    file.write_bytes(raw[:end])
    found = verified(folder)
    assert (found.status, told(found, "notice"), found.signed) == (0, ["torn-note"], 6)


def test_a_torn_line_closed_off_across_segments_is_no_finding(tmp_path: Path) -> None:
    """`log.recovered` may open the next segment."""
    log = small()
    log.segments[-1].append(b'{"actor"')
    log.segments.append([])
    log.add("log.recovered", {"bytes": 8, "segment": 1})
    log.sign()
    found = verified(log.write(tmp_path / "log"))
    assert (found.status, found.torn, found.findings) == (0, 1, [])


def test_an_event_torn_before_its_line_feed_counts(tmp_path: Path) -> None:
    """It is whole; the next writer closed it off and said so."""
    log = small()
    log.add("log.recovered", {"bytes": len(log.lines[-1]), "segment": 1})
    log.sign()
    found = verified(log.write(tmp_path / "log"))
    assert (found.status, found.torn, found.events, found.findings) == (0, 0, 7, [])


def test_a_kill_between_announcement_and_note_is_covered_by_the_next(tmp_path: Path) -> None:
    """An announced checkpoint without a note is a finding only while no later note covers its lines."""
    log = small()
    log.sign()
    log.add("checkpoint", {"key": FIRST.hash, "size": len(log.lines) + 1})
    assert told(verified(log.write(tmp_path / "killed")), "finding") == ["note-missing"]
    log.writer = "0badcafe:78:2"
    log.add("log.opened")
    log.sign()
    assert verified(log.write(tmp_path / "later")).status == 0


def test_events_of_the_first_format_are_no_finding(tmp_path: Path) -> None:
    """They lack the log's origin; once an event names it, all do."""
    log = MadeLog()
    log.add("log.opened", log=..., tenant=..., session=..., trace=..., span=...)
    log.add("auth.ok")
    log.sign()
    assert verified(log.write(tmp_path / "old")).status == 0
    log.add("auth.ok", log=...)
    assert told(verified(log.write(tmp_path / "mixed")), "finding") == ["origin"]


def test_a_key_of_a_later_version_is_a_notice(tmp_path: Path) -> None:
    """An older verifier passes over what it does not know, and says so."""
    log = small()
    log.add("auth.ok", zone="eu")
    log.sign()
    found = verified(log.write(tmp_path / "log"))
    assert (found.status, told(found, "notice")) == (0, ["envelope-new"])


def test_a_clock_that_goes_back_is_a_notice_unless_it_is_told(tmp_path: Path) -> None:
    """Of one writer; another may have another clock."""
    log = small()
    early = log.now.replace(hour=1).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    log.add("auth.ok", ts=early)
    log.add("clock.jump", {"ms": -1}, ts=early.replace("T01", "T00"))
    log.add("auth.ok", ts=early, writer="0badcafe:78:2")
    log.sign()
    found = verified(log.write(tmp_path / "log"))
    assert (found.status, told(found, "notice")) == (0, ["clock"])
    assert found.findings[0].seq == 6


# --- what is one -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"v": 2}, "envelope"),
        ({"v": True}, "envelope"),
        ({"ts": "2026-13-01T00:00:00.000000Z"}, "envelope"),
        ({"ts": "2026-11-01T00:00:00Z"}, "envelope"),
        ({"mono_ns": -1}, "envelope"),
        ({"id": "0"}, "envelope"),
        ({"outcome": "maybe"}, "envelope"),
        ({"actor": []}, "envelope"),
        ({"data": {"x": None}}, "envelope"),
        ({"data": {"ü": 1}}, "envelope"),
        ({"payload": [{"role": "question"}]}, "envelope"),
        ({"type": "Doc"}, "envelope"),
        ({"writer": ...}, "envelope"),
        ({"data": {"x": 0.5}}, "line"),
        ({"seq": 5}, "seq"),
        ({"seq": 8}, "seq"),
        ({"seq": "6"}, "seq"),
        ({"log": "other/ragkit/1"}, "origin"),
    ],
)
def test_an_event_out_of_form_is_found_though_it_is_signed(change: dict[str, Any], code: str, tmp_path: Path) -> None:
    """Whoever signs, an event has its form."""
    log = small()
    log.add("auth.ok", **change)
    log.sign()
    found = verified(log.write(tmp_path / "log"))
    assert found.status == 1
    assert code in told(found, "finding")


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"null",
        b"[]",
        b'{"a":1,"a":1}',
        b'{"b":1,"a":1}',
        b'{"a":NaN}',
        b'{"a":-0}',
        b'{"a":1e2}',
        b'{"a": 1}',
        b'{"a":"\\u0041"}',
        b'{"a":"\\ud800"}',
        b'{"a":"\xff"}',
        b'\xef\xbb\xbf{"a":1}',
        b'{"a":1}\r',
        b'{"a":1} ',
        b"[" * 100_000,
        b"1" * 5_000,
        b'{"type":"log.recovered"}',
    ],
    ids=lambda line: repr(line[:14]),
)
def test_a_line_out_of_form_is_found_though_it_is_signed(line: bytes, tmp_path: Path) -> None:
    """One form of each event, and nothing beside them; whatever stands there, the verifier does not fall over."""
    log = small()
    log.segments[-1].append(line)
    log.add("auth.ok")
    log.sign()
    assert verified(log.write(tmp_path / "log")).status == 1


def test_a_wrong_length_of_a_torn_line_is_found(tmp_path: Path) -> None:
    """What a torn line was is told by its length alone."""
    log = small()
    log.segments[-1].append(b'{"actor"')
    log.add("log.recovered", {"bytes": 9, "segment": 1})
    log.sign()
    assert told(verified(log.write(tmp_path / "log")), "finding") == ["recovered"]


def test_several_torn_lines_are_told_in_order(tmp_path: Path) -> None:
    """A power cut can tear lines before the last; each is told of, in order, by its length."""
    log = small()
    log.segments[-1] += [b'{"actor"', b"", b'{"actor":{']
    for length in (8, 0, 10):
        log.add("log.recovered", {"bytes": length, "segment": 1})
    log.sign()
    found = verified(log.write(tmp_path / "log"))
    assert (told(found, "finding"), found.torn) == ([], 3)
    log = small()
    log.segments[-1] += [b'{"actor"', b'{"actor":{']
    log.add("log.recovered", {"bytes": 8, "segment": 1})
    log.add("auth.ok")
    log.sign()
    assert told(verified(log.write(tmp_path / "other")), "finding") == ["line"]


def test_a_note_that_nothing_announces_is_found(tmp_path: Path) -> None:
    """Somebody signed past ragkit."""
    log = small()
    log.note()
    assert told(verified(log.write(tmp_path / "log")), "finding") == ["unannounced"]


def test_an_announcement_of_another_key_is_found(tmp_path: Path) -> None:
    """The event names the key that signs."""
    log = small()
    log.add("checkpoint", {"key": SigningKey("stranger").hash, "size": 6})
    log.note()
    assert told(verified(log.write(tmp_path / "log")), "finding") == ["unannounced"]


def test_what_the_writer_refused_to_sign_is_found(tmp_path: Path) -> None:
    """The writer saw that the log had been put back; it is a notice when somebody answered for it."""
    log = small()
    log.add("checkpoint.refused", {"seen": 90, "size": 6}, outcome="error", reason="rolled-back")
    log.sign()
    assert told(verified(log.write(tmp_path / "log")), "finding") == ["refused"]
    log.add("checkpoint.accepted", {"aside": "left-1", "seen": 90, "size": 6})
    log.sign()
    found = verified(log.write(tmp_path / "log"))
    assert (found.status, told(found, "notice")) == (0, ["accepted"])


def test_many_findings_of_a_code_are_counted_and_not_all_listed(tmp_path: Path) -> None:
    """A log of another program does not fill the screen."""
    log = MadeLog()
    for _ in range(100):
        log.add("auth.ok", v=3)
    log.sign()
    found = verified(log.write(tmp_path / "log"))
    assert (found.counts["envelope"], len(found.findings)) == (100, verifier.KEPT)
    assert "envelope: 100 in all" in verifier.told(found.report())


def test_where_it_was_is_told(tmp_path: Path) -> None:
    """A finding names segment, line and event; a broken tree the lines between two checkpoints."""
    log = small()
    log.sign()
    log.rotate()
    log.add("auth.ok", outcome="never")
    log.sign()
    (finding,) = verified(log.write(tmp_path / "log")).findings
    assert (finding.segment, finding.line, finding.seq) == (2, 2, 8)
    log.segments[1][0] = as_line({**json.loads(log.segments[1][0]), "outcome": "denied"})
    tree = [one for one in verified(log.write(tmp_path / "log")).findings if one.code == "tree"]
    assert "lines 7 to 9" in tree[0].message


def test_an_endless_line_does_not_fill_the_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is given up at a limit."""
    monkeypatch.setattr(verifier, "LONGEST_LINE", 4 * verifier.BLOCK)
    log = small()
    log.sign()
    folder = log.write(tmp_path / "log")
    with segments(folder)[0].open("ab") as file:
        file.truncate(64 * verifier.BLOCK)
    assert "line" in told(verified(folder), "finding")


# --- checkpoints from elsewhere, and proofs --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "form",
    [
        lambda note: note,
        lambda note: note + b"\n",
        lambda note: b"kept on 1 November:\n\n" + note + b"\n\n",
        lambda note: note.replace(b"\n", b"\r\n"),
        lambda note: b"<110>1 2026-11-01T08:00:00Z host ragkit - - - " + note.replace(b"\n", b"#012"),
        lambda note: note + b"\xe2\x80\x94 witness.example/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWX\n",
    ],
    ids=["plain", "with an empty line", "in a letter", "from a mail", "from a syslog", "cosigned"],
)
def test_a_checkpoint_is_found_in_whatever_it_was_kept_in(form: Callable[[bytes], bytes], tmp_path: Path) -> None:
    """An anchor keeps text its own way."""
    log = small()
    log.sign()
    log.add("auth.ok")
    log.sign()
    found = verified(log.write(tmp_path / "log"), elsewhere=[("kept", form(log.notes[0]))])
    assert (found.status, found.anchored, found.signed, found.findings) == (0, 6, 8, [])


def test_a_file_may_hold_the_checkpoints_of_many_logs(tmp_path: Path) -> None:
    """Those of others are passed over."""
    log, other = small(), MadeLog("other/ragkit/1", key=SigningKey("other", "other/ragkit/1"))
    log.sign()
    other.sign()
    kept = other.notes[0] + b"\n" + log.notes[0] + b"\n"
    found = verified(log.write(tmp_path / "log"), elsewhere=[("kept", kept)])
    assert (found.status, found.anchored) == (0, 6)


def test_a_checkpoint_from_elsewhere_by_a_stranger_is_found(tmp_path: Path) -> None:
    """It proves nothing for the log, and nothing against it; somebody has to look."""
    log = small()
    log.sign()
    log.key = SigningKey("stranger")
    kept = log.note()
    log.notes.pop()
    found = verified(log.write(tmp_path / "log"), elsewhere=[("kept", kept)])
    assert told(found, "finding") == ["kept-signature"]


def test_a_proof_of_a_line_holds_without_the_log(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Of three lines the second: its neighbours' hashes, the note, the key."""
    log = small(2)
    note = log.sign()
    leaves = [hashlib.sha256(b"\0" + line).digest() for line in log.lines]
    proof = {
        "kind": "inclusion",
        "index": 1,
        "size": 3,
        "leaf_line": log.lines[1].decode(),
        "proof": [base64.b64encode(leaves[0]).decode(), base64.b64encode(leaves[2]).decode()],
        "note": note.decode(),
    }
    file = tmp_path / "proof.json"
    file.write_text(json.dumps(proof))
    status, said = run(capsys, "--proof", file, "--key", FIRST.verifier)
    assert status == 0
    assert "stands at 2 in the log of 3 lines" in said
    assert run(capsys, "--proof", file)[0] == 2
    assert run(capsys, "--proof", file, "--key", SigningKey("stranger").verifier)[0] == 1
    for change in ({"index": 0}, {"size": 4}, {"leaf_line": "{}"}, {"proof": []}, {"kind": "x"}, {"note": "x"}):
        file.write_text(json.dumps({**proof, **change}))
        assert run(capsys, "--proof", file, "--key", FIRST.verifier)[0] == 1
    file.write_text("[]")
    assert run(capsys, "--proof", file, "--key", FIRST.verifier)[0] == 1


def test_a_proof_that_a_log_goes_on_holds_without_it(tmp_path: Path) -> None:
    """From one line to three."""
    log = MadeLog()
    one = log.sign()
    log.add("auth.ok")
    two = log.sign()
    leaves = [hashlib.sha256(b"\0" + line).digest() for line in log.lines]
    told_ = {
        "kind": "consistency",
        "size1": 1,
        "size2": 3,
        "proof": [base64.b64encode(leaf).decode() for leaf in leaves[1:]],
        "note1": one.decode(),
        "note2": two.decode(),
    }
    found = verifier.Verification(None, [verifier.parse_key(FIRST.verifier)])
    assert found.run(proofs=[("p", json.dumps(told_).encode())]) == 0
    assert "continues the one of 1 unchanged" in found.proven[0]
    swapped = {**told_, "note1": two.decode(), "note2": one.decode()}
    assert found.run(proofs=[("p", json.dumps(swapped).encode())]) == 1


# --- logs of the real writer -----------------------------------------------------------------------------------------


class Real:
    """A log of ragkit's own recorder and signer, in small segments."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "events"
        self.seen = folder / "home" / "abc.audit.seen"
        self.seen.parent.mkdir()
        self.source = KeySource(SigningKeySection(), path=self.seen.with_name("abc.audit.key"), folder=folder)

    def signer(self) -> Checkpointer:
        """The signer of another process."""
        return Checkpointer(self.folder, origin=ORIGIN, key=self.source, seen=self.seen, every_events=20)

    def write(self, count: int, *, signer: Checkpointer | None = None) -> None:
        """Write events as another process."""
        recorder = EventRecorder(
            self.folder,
            mode="required",
            software={"ragkit": "0.1.0"},
            actor_key=bytes(32),
            origin=ORIGIN,
            tenant="acme",
            signer=signer or self.signer(),
            segment_bytes=20_000,
        )
        for number in range(count):
            recorder.record("doc.added", data={"collection": "care", "doc": number, "version": 1})
        recorder.close()

    def verified(self) -> verifier.Verification:
        """Verified with the key that signs now and the checkpoint remembered outside."""
        key = verifier.parse_key(str(VerifierKey.of(ORIGIN, self.source.read())))
        found = verifier.Verification(self.folder, [key])
        found.run([("seen", self.seen.read_bytes())])
        return found


@pytest.fixture
def real(tmp_path: Path) -> Real:
    """Four processes, one of which changed the key, and one that was killed within a line."""
    made = Real(tmp_path)
    made.write(50)
    signer = made.signer()
    made.write(10, signer=signer)
    signer.change_key(made.source.make_next(), keep_old=False)
    made.write(30)
    with segments(made.folder)[-1].open("ab") as file:
        file.write(b'{"actor":{"auth":"sys')
    made.write(30)
    return made


def test_a_log_of_the_real_writer_is_well(real: Real) -> None:
    """Two programs that share no code agree on every line, checkpoint and key."""
    found = real.verified()
    assert (found.status, told(found, "finding"), found.unchecked) == (0, [], [])
    assert found.events > 120
    assert found.torn == 1
    assert found.segments > 2
    assert found.anchored == found.signed
    assert found.notes >= 6


@pytest.mark.parametrize("way", WITHOUT_KEY)
def test_tampering_with_a_log_of_the_real_writer_is_found(way: str, real: Real) -> None:
    """The same ways, on the real bytes."""
    for seed in range(3):
        held = {path: path.read_bytes() for path in real.folder.iterdir()}
        WITHOUT_KEY[way](real.folder, random.Random(seed))
        assert real.verified().status == 1
        for path in real.folder.iterdir():
            path.unlink()
        for path, raw in held.items():
            path.write_bytes(raw)


def test_a_note_torn_by_a_kill_is_written_anew(real: Real) -> None:
    """The next writer cuts it off; nothing is left to find."""
    file = real.folder / NOTES
    file.write_bytes(file.read_bytes()[:-30])
    real.write(5)
    found = real.verified()
    assert (found.status, told(found, "finding")) == (0, [])


def test_a_log_is_verified_while_it_is_written(real: Real) -> None:
    """A line being written, a checkpoint announced and not signed yet, notes newer than the lines: no findings."""
    stop = threading.Event()

    def write() -> None:
        while not stop.is_set():
            real.write(15)

    thread = threading.Thread(target=write)
    thread.start()
    try:
        results = [real.verified() for _ in range(25)]
    finally:
        stop.set()
        thread.join()
    assert [told(found, "finding") for found in results] == [[]] * 25
    assert results[-1].lines > results[0].lines
