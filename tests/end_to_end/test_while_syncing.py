"""Questions are answered while another process syncs."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from ragkit import open_workspace
from ragkit.errors import WriterBusy

from .conftest import DOCUMENTS, MakeWorkspace, write_documents

SYNC = "from ragkit import open_workspace\nwith open_workspace({folder!r}) as w:\n    print(w.sync().exit_code)\n"


def _note(number: int, edition: int) -> str:
    return f"# Note {number}\n\nThe note of shelf {number} in edition {edition} tells where the lamps are kept.\n"


def _sync(folder: Path) -> subprocess.Popen[str]:
    code = SYNC.format(folder=str(folder))
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.parametrize("questions", [250, pytest.param(1_000, marks=pytest.mark.slow)])
def test_questions_during_syncs_meet_no_error(make_workspace: MakeWorkspace, questions: int) -> None:
    """While documents come, change and go, every question is answered, and what did not change is always found."""
    folder = make_workspace(DOCUMENTS, collection="max_delete_share = 1.0")
    with open_workspace(folder) as workspace:
        workspace.sync()
        workspace.ask("How long is the warranty on a tent?")
        finished, runs = threading.Event(), 0
        failures: list[str] = []

        def keep_syncing() -> None:
            nonlocal runs
            while not finished.is_set():
                runs += 1
                notes = {f"notes/{n}.md": _note(n, runs) for n in range(questions // 25 * (runs % 3))}
                for old in (folder / "documents" / "notes").glob("*.md"):
                    old.unlink()
                write_documents(folder / "documents", notes)
                out, err = _sync(folder).communicate()
                if out.strip() != "0":
                    failures.append(err)

        writer = threading.Thread(target=keep_syncing)
        writer.start()
        try:
            asked = 0
            while asked < questions or runs < 2:
                hits = workspace.search("How long is the warranty on a tent?", k=5)
                assert any("five years" in hit.chunk.record for hit in hits), asked
                asked += 1
        finally:
            finished.set()
            writer.join()
        assert failures == []
        assert workspace.sync().exit_code == 0


def test_a_second_writer_is_told_who_writes(make_workspace: MakeWorkspace) -> None:
    """While one process syncs, another is refused at once with the first one's process number."""
    notes = {f"{n}.md": _note(n, 0) * 20 for n in range(40)}
    folder = make_workspace({**DOCUMENTS, **notes})
    first = _sync(folder)
    lock = folder / ".ragkit" / "lock"
    try:
        deadline = time.monotonic() + 60
        while not (lock.exists() and lock.read_text()) and time.monotonic() < deadline:
            time.sleep(0.02)
        with open_workspace(folder) as workspace, pytest.raises(WriterBusy, match=str(first.pid)) as refused:
            workspace.sync()
        assert refused.value.remedy
    finally:
        out, err = first.communicate()
    assert out.strip() == "0", err
