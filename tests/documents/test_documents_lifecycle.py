"""What lasts: masking again, rebuilding, erasing a person, retention; and what a kill leaves of an upload."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ragkit.errors import ExternalIdTaken, ItemRefused, NoSuchDocument
from ragkit.restoring import restore_workspace
from ragkit.testing.bytescan import ByteScanner
from ragkit.testing.canaries import Canary
from ragkit.testing.uploading import change, make_desk, uploading
from ragkit.types import Principal
from ragkit.workspace import Workspace

MAIL, OTHER = "galina.yalmanova@example.org", "henrik.thorvald@example.org"
WHY = "case 7"
STRANGER = Principal("crm|eve")
INGESTERS = '[roles]\ningesters = ["u:local|ana", "u:crm|eve"]\n'


def test_originals_outlast_a_change_of_policy_and_go_with_the_person_they_name(tmp_path: Path) -> None:
    """Erasing destroys each original that names the person, indexed or not; the redacted text stays, and says so.

    Masking again and rebuilding read the originals that are there. What has none any more waits, hidden and counted,
    until it is handed in again.
    """
    both = f"Order 1 of {MAIL} and of {OTHER}: a tent of Ottermere."
    with uploading(tmp_path, extra=INGESTERS) as desk:
        added = {
            "hers": desk.documents.add(f"Only {MAIL} ordered.".encode(), name="a.txt", metadata={"no": "1"}),
            "both": desk.documents.add(both.encode(), name="b.txt", external_id="both"),
            "nobody": desk.documents.add(b"Ottermere opens at nine.", name="c.txt"),
        }
        refused_later = desk.documents.hand_in(f"A note on {MAIL}, not indexed yet.".encode(), name="d.txt")
        innocent = desk.documents.hand_in(b"Ottermere has boats, not indexed yet.", name="e.txt")
        desk.workspace.rebuild()
        before = {path.name for path in desk.files()}
        told = desk.workspace.subjects.erase(MAIL, purpose=WHY, dry_run=True)
        assert "uploads" not in told.naming, "nothing names the person there afterwards"
        hers = added["hers"].doc_id
        report = desk.workspace.subjects.erase(MAIL, purpose=WHY, delete_documents=[hers])
        assert report.complete
        assert report.levels["L3"] == "true"
        assert (set(report.deleted), set(report.redacted)) == ({added["hers"].doc_id}, {added["both"].doc_id})
        assert len(before) == 5
        assert len(desk.files()) == 2, "one of nobody, one of what waits and names nobody"
        assert desk.documents.get(added["both"].doc_id).original == "destroyed"
        assert desk.documents.get(added["nobody"].doc_id).original == "kept"
        assert not desk.holds(MAIL)
        desk.workspace.sync()
        found = {one.doc_id for one in desk.documents.list().documents}
        assert found == {added["both"].doc_id, added["nobody"].doc_id, innocent}
        assert refused_later not in found
        (passage,) = desk.documents.passages(added["both"].doc_id).passages
        assert "[EMAIL_ADDRESS]" in passage.text
        named = desk.documents.add(f"Again: {MAIL} of Ottermere.".encode(), name="f.txt")
        assert desk.documents.get(named.doc_id).original == "destroyed", "it names who was erased"
    change(tmp_path / "desk", 'profile = "default"', 'profile = "strict"')
    with uploading(tmp_path) as desk:
        done = desk.workspace.remask()
        assert done.hidden == {"uploads": 2}, "those that lost their original"
        assert done.exit_code == 1
        assert {one.doc_id for one in desk.documents.list().documents} == {added["nobody"].doc_id, innocent}
        with pytest.raises(ExternalIdTaken):
            desk.documents.add(b"Ottermere.", name="b.txt", external_id="both", principal=STRANGER)
        again = desk.documents.add(f"Order 1 of {OTHER}: a tent.".encode(), name="b.txt", external_id="both")
        assert again.doc_id == added["both"].doc_id
        assert again.doc_id in desk.found("tent order")
        assert desk.documents.get(again.doc_id).original == "kept"


@pytest.mark.slow
def test_a_restore_elsewhere_brings_originals_that_can_be_masked_again(tmp_path: Path) -> None:
    """A change of policy afterwards finds them, and hides nothing.

    What names who was erased since does not come back; what came after the backup is told, and waits for nobody.
    """
    backup, keys, other = tmp_path / "backup", tmp_path / "keys", tmp_path / "moved" / "desk"
    with uploading(tmp_path) as desk:
        hers = desk.documents.add(f"Ottermere letter of {MAIL}, and of {OTHER}.".encode(), name="a.txt")
        plain = desk.documents.add(b"Ottermere opens at nine.", name="b.txt")
        desk.workspace.keeping.backup(backup, keys=keys)
        erased = desk.workspace.subjects.erase(MAIL, purpose=WHY)
        assert list(erased.redacted) == [hers.doc_id]
        desk.documents.hand_in(b"Ottermere closes at six.", name="c.txt")
        desk.workspace.keeping.backup(tmp_path / "next", keys=keys)  # and with it the key copy of now
    scanner = ByteScanner([Canary("TEXT", text, (text,), text) for text in (MAIL, OTHER, "Ottermere")])
    assert scanner.scan_tree(backup) == []
    restored = restore_workspace(backup, to=other, keys=keys)
    assert (restored.documents, restored.dropped, restored.originals_missing) == (1, 1, 1)
    change(other, 'profile = "default"', 'profile = "strict"')
    with uploading(tmp_path / "moved") as desk:
        assert len(desk.files()) == 1
        done = desk.workspace.remask()
        assert (done.hidden, done.exit_code) == ({}, 0)
        assert desk.documents.get(plain.doc_id).original == "kept"
        assert desk.found("Ottermere") == [plain.doc_id]
        assert len(desk.documents.waiting()) == 1
        assert desk.workspace.sync().exit_code == 0
        assert desk.documents.waiting() == []
        again = desk.documents.add(b"Ottermere closes at six.", name="c.txt")
        assert set(desk.found("Ottermere")) == {plain.doc_id, again.doc_id}
        assert not desk.holds(MAIL)


def test_retention_takes_the_original_too(tmp_path: Path) -> None:
    """What a rule lets go of has no original and no key, and what is too old already is not taken."""
    extra = '[[retention]]\ncollection = "handbook"\ndays = 30\nat = "due"\n'
    with uploading(tmp_path, extra=extra) as desk:
        with pytest.raises(ItemRefused) as refused:
            desk.documents.add(b"Ottermere of old", name="b.txt", metadata={"due": "2001-01-01"})
        assert refused.value.code == "expired"
        assert desk.files() == []
        kept = desk.documents.add(b"Ottermere in future", name="a.txt", metadata={"due": "2999-01-01"})
        keeping, handles = desk.workspace.keeping, desk.workspace._handles
        with handles.writing("retention") as database:
            part = handles.collection("handbook", database)
            retention = keeping._retention(part)
            retention._now = datetime(2999, 6, 1, tzinfo=UTC)
            assert retention.run().documents == 1
            part.close()
        assert desk.files() == []
        assert desk.found("Ottermere") == []
        with pytest.raises(NoSuchDocument):
            desk.documents.get(kept.doc_id)
        assert desk.workspace.sync().quarantined == {}


SCRIPT = """
import sys
from ragkit.workspace import Workspace
with Workspace.open(sys.argv[1]) as workspace:
    content = b"Ottermere " * (30 if sys.argv[2:] else 30_000)
    done = workspace.documents.hand_in(content, name="killed.txt", external_id="7")
    print("acknowledged", done)
    if sys.argv[2:]:
        workspace.documents.take_in(done)
"""


def _run(folder: Path, point: str, *more: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "RAGKIT_CRASH_POINT": point} if point else dict(os.environ)
    return subprocess.run(
        [sys.executable, "-c", SCRIPT, str(folder), *more], env=env, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    "point",
    [
        pytest.param("upload.in_file:2", marks=pytest.mark.slow),
        pytest.param("upload.before_header", marks=pytest.mark.slow),
        "upload.after_file",
        "upload.in_row",
    ],
)
def test_a_killed_upload_leaves_nothing_for_ever(tmp_path: Path, point: str) -> None:
    """Whatever was not acknowledged is swept with the next sync: the file, and any key."""
    folder = make_desk(tmp_path)
    died = _run(folder, point)
    assert died.returncode == -signal.SIGKILL, died.stderr
    assert "acknowledged" not in died.stdout
    with uploading(tmp_path) as desk:
        assert len(desk.files()) == 1
        assert desk.documents.waiting() == []
        part = desk.workspace._handles.reader("handbook")
        assert part.uploads.files.sweep(part.uploads.rows.files) == 1
        assert desk.files() == []


@pytest.mark.slow
def test_an_acknowledged_upload_survives_a_kill(tmp_path: Path) -> None:
    """Killed while it is being indexed, it is there, found after the next sync, and once only."""
    folder = make_desk(tmp_path)
    died = _run(folder, "sync.before_commit", "take_in")
    assert died.returncode == -signal.SIGKILL, died.stderr
    assert "acknowledged" in died.stdout
    with uploading(tmp_path) as desk:
        (waiting,) = desk.documents.waiting()
        assert waiting in died.stdout
        desk.workspace.sync()
        assert desk.documents.waiting() == []
        assert desk.documents.get(waiting).chunks > 0
        assert len(desk.files()) == 1


@pytest.mark.slow
def test_a_killed_deletion_is_finished_by_the_next_sync(tmp_path: Path) -> None:
    """Once it is said, nobody finds the document, whatever happens then."""
    with uploading(tmp_path) as desk:
        gone = desk.documents.add(b"The Ottermere kayak floats.", name="x.txt")
        desk.documents.take_back(gone.doc_id)
    with uploading(tmp_path) as desk:
        assert desk.found("Ottermere kayak") == []
        assert desk.files() == []
        assert desk.workspace.sync().deleted == 1
        assert desk.documents.waiting() == []


@pytest.mark.slow
def test_two_who_write_at_once_do_not_lose_an_upload(tmp_path: Path) -> None:
    """Uploads of two open workspaces in turn: each has a row, a key and a file."""
    with uploading(tmp_path) as desk, Workspace.open(desk.folder) as other:
        ids = [
            room.hand_in(f"Notice {number} of Ottermere".encode(), name="n.txt")
            for number in range(3)
            for room in (desk.documents, other.documents)
        ]
        desk.documents.catch_up()
        assert {one.doc_id for one in other.documents.list().documents} == set(ids)
