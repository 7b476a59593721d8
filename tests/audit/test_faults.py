"""No answer without a record: full, failing, hanging, unlinked, forbidden and read-only disks under ``ask``.

In ``required`` mode each of them refuses the answer with a code and a remedy, and when the fault is over the next
question is answered without anything being done about it.
"""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ragkit.audit.reading import read_events
from ragkit.audit.segments import segment_paths
from ragkit.audit.sinks import FileSink
from ragkit.testing.light_asking import LightAsking
from ragkit.testing.logs import is_whole, kinds, soon

NOBODY = 65_534


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 256 KiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k,mode=0700", "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("a tmpfs cannot be mounted here")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def refused_with(asking: LightAsking, number: int) -> None:
    """The last refusal names the fault by its number, a remedy and a code for services, and no path."""
    last = asking.refused[-1]
    assert f"errno {number}" in str(last)
    assert last.remedy.endswith("Nothing was done; recording goes on by itself as soon as it can.")
    assert (last.code, last.status) == ("audit_unavailable", 503)
    assert str(asking.folder) not in f"{last}{last.remedy}"


def test_a_full_disk(small_disk: Path) -> None:
    """Answers stop with the room for their events, and go on with it; streams give no word of theirs."""
    asking = LightAsking(small_disk / "events")
    assert asking.ask() == "ok"
    filler = small_disk / "filler"
    with filler.open("wb") as file:
        while True:
            try:
                os.write(file.fileno(), b"x" * 4096)
            except OSError:
                break
    while asking.ask() == "ok":  # what was left of the log's own last page
        assert len(asking.given) < 20
    refused_with(asking, errno.ENOSPC)
    assert "Free disk space" in asking.refused[-1].remedy
    generated = asking.parts.generated
    for _ in range(3):
        assert asking.ask() == "audit_unavailable"
        assert asking.stream() == ("audit_unavailable", "")
    assert asking.parts.generated == generated
    assert asking.unrecorded() == set()
    assert segment_paths(asking.folder)[0].read_bytes().endswith(b"}\n")
    filler.unlink()
    assert asking.ask() == "ok"
    assert asking.stream() == ("ok", "Five years.")
    asking.recorder.close()
    assert is_whole(asking.folder)
    assert asking.unrecorded() == set()
    (resumed,) = read_events(asking.folder, kind="log.resumed")
    assert resumed["data"]["code"] == "enospc"
    assert resumed["data"]["events"] == len(asking.refused)


def test_a_disk_that_is_read_only(small_disk: Path) -> None:
    """As after ``errors=remount-ro``: nothing is answered until it can be written again."""
    asking = LightAsking(small_disk / "events")
    assert asking.ask() == "ok"
    asking.recorder.close()  # a file system with a file open for writing is not made read-only by hand
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    assert asking.ask() == "audit_unavailable"
    refused_with(asking, errno.EROFS)
    subprocess.run(["mount", "-o", "remount,rw", str(small_disk)], check=True)
    assert asking.ask() == "ok"
    assert asking.unrecorded() == set()
    assert is_whole(asking.folder)


def test_a_folder_that_nobody_may_enter() -> None:
    """With chmod 000, as another user than root, whom that does not stop; folder and file each."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        log = folder / "log"
        log.mkdir(mode=0o700)
        if os.getuid() == 0:
            os.chown(log, NOBODY, NOBODY)
        child = os.fork()
        if child == 0:
            status = 1
            try:
                if os.getuid() == 0:
                    os.setgroups([])
                    os.setgid(NOBODY)
                    os.setuid(NOBODY)
                status = _forbidden(log)
            finally:
                os._exit(status)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert is_whole(log / "events")


def _forbidden(log: Path) -> int:
    """Return 0 if all went as it should, else the number of the step."""
    asking = LightAsking(log / "events")
    if asking.ask() != "ok":
        return 2
    asking.recorder.close()
    log.chmod(0)
    if asking.ask() != "audit_unavailable" or "errno 13" not in str(asking.refused[-1]):
        return 3
    log.chmod(0o700)
    segment_paths(log / "events")[0].chmod(0)
    if asking.ask() != "audit_unavailable" or "errno 13" not in str(asking.refused[-1]):
        return 4
    segment_paths(log / "events")[0].chmod(0o600)
    if asking.ask() != "ok" or asking.unrecorded():
        return 5
    return 0


def test_a_log_that_was_unlinked(tmp_path: Path) -> None:
    """Open handles swallow nothing: the next event is in a file that can be found, behind a note and a hole."""
    asking = LightAsking(tmp_path)
    assert asking.ask() == "ok"
    before = len(list(read_events(tmp_path)))
    segment_paths(tmp_path)[0].unlink()
    asking.given.clear()
    assert asking.ask() == "ok"
    assert asking.unrecorded() == set()
    found = list(read_events(tmp_path))
    assert (found[0]["type"], found[0]["seq"]) == ("log.reopened", before + 1)


def test_a_second_place_that_hangs(tmp_path: Path) -> None:
    """A pipe without a reader, required: nothing is answered, nothing waits longer than it may; then all goes on."""
    os.mkfifo(tmp_path / "pipe")
    sink = FileSink(tmp_path / "pipe", name="pipe", timeout=0.3, required=True)
    asking = LightAsking(tmp_path / "events", sinks=[sink])
    began = time.monotonic()
    assert [asking.ask() for _ in range(5)] == ["audit_unavailable"] * 5
    assert time.monotonic() - began < 2
    assert "sink pipe: etimedout" in str(asking.refused[-1])
    assert asking.parts.generated == 0
    reading = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    assert soon(lambda: asking.ask() == "ok")
    os.close(reading)
    assert asking.unrecorded() == set()
    assert {"sink.failed", "sink.recovered", "log.resumed"} < set(kinds(tmp_path / "events"))
    assert is_whole(tmp_path / "events")


@pytest.mark.parametrize(
    ("fault", "number"),
    [
        ("fdatasync:error=EIO:when=3..4", errno.EIO),
        ("write:error=EIO:when=10..14", errno.EIO),
        ("write:error=EROFS:when=10..14", errno.EROFS),
        ("write:error=EDQUOT:when=10..14", errno.EDQUOT),
        ("fdatasync:delay_enter=1500000:when=3", None),
        ("write:delay_enter=1500000:when=10", None),
    ],
)
def test_system_calls_that_fail_or_hang(tmp_path: Path, fault: str, number: int | None) -> None:
    """By strace, on the log's own file: answers before, refusals within the timeout during, answers after."""
    if shutil.which("strace") is None:
        pytest.skip("strace is absent")
    events = tmp_path / "events"
    events.mkdir(mode=0o700)
    file = events / "00000001.jsonl"
    call = fault.partition(":")[0]
    strace = ["strace", "-f", "-qq", "-o", os.devnull, "-P", str(file), "-e", f"trace={call}", "-e", f"inject={fault}"]
    program = [sys.executable, "-m", "ragkit.testing.light_asking", str(events), "30" if number is None else "12"]
    done = subprocess.run(
        [*strace, *program],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if "ptrace" in done.stderr:
        pytest.skip("strace may not trace here")
    assert done.returncode == 0, done.stderr
    told = [line.split(" ", 2) for line in done.stdout.splitlines()]
    became = [word for word, _, _ in told]
    refused = became.index("audit_unavailable")
    assert refused > 0
    assert became[-1] == "ok"
    first_after = became.index("ok", refused)
    assert became[first_after:] == ["ok"] * (len(became) - first_after)
    assert all(float(seconds) < 1.2 for _, seconds, _ in told)
    wanted = "TimeoutError" if number is None else f"errno {number}"
    assert all(wanted in why for word, _, why in told if word != "ok")
    given = {request for word, _, request in told if word == "ok"}
    assert given <= {event["request"] for event in read_events(events, kind="answer.released")}
    assert is_whole(events)
    assert "log.resumed" in kinds(events)
