"""Kill -9 in the middle of recording: what was recorded stays, and the next process goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from ragkit.audit.reading import read_events
from ragkit.audit.recorder import EventRecorder

_WRITER = """
import sys
from pathlib import Path
from ragkit.audit.recorder import EventRecorder
events = EventRecorder(Path(sys.argv[1]), mode="required", software={}, actor_key=bytes(32), segment_bytes=50_000)
for number in range(10**9):
    events.record("doc.added", data={"doc": number})
    print(number, flush=True)
"""


def test_a_killed_writer_loses_nothing_it_had_recorded(tmp_path: Path) -> None:
    """Every event whose call had returned is in the log, once, and the numbers go on after the kill."""
    for _ in range(3):
        writer = subprocess.Popen([sys.executable, "-c", _WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
        assert writer.stdout is not None
        first = writer.stdout.readline()
        time.sleep(0.1)
        os.kill(writer.pid, signal.SIGKILL)
        acknowledged = [int(line) for line in [first, *writer.stdout] if line.endswith("\n")]
        writer.wait()
        found = list(read_events(tmp_path))
        mine = [
            event["data"]["doc"]
            for event in found
            if event["type"] == "doc.added" and f":{writer.pid}:" in event["writer"]
        ]
        assert mine[: len(acknowledged)] == acknowledged
        assert len(acknowledged) > 10
    EventRecorder(tmp_path, mode="required", software={}, actor_key=bytes(32)).record("doc.added", data={"doc": 1})
    seqs = [event["seq"] for event in read_events(tmp_path)]
    assert seqs == list(range(1, len(seqs) + 1))
