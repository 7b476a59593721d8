"""Backups, restores, retention and holds on a real workspace, by the library and by the command line."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import ragkit
from ragkit.cli.main import app
from ragkit.errors import AccessDenied, BackupError, KeyMismatch, SecretUnavailable, StoreError
from ragkit.restoring import restore_workspace
from ragkit.rootkey import create_key_file
from ragkit.workspace import Workspace

MakeWorkspace = Callable[..., Path]

DOCUMENTS = {
    "warranty.md": "# Warranty\n\nThe warranty on every tent lasts five years from purchase.\n",
    "1042.txt": "Dear Ms Galina Yalmanova,\n\nthe zip of your tent will be repaired free of charge. Your e-mail "
    "address is galina.yalmanova@example.org.\n\nKind regards,\nPeter Ostrowsky\n",
    "1043.txt": "Dear Mr Henrik Thorvald,\n\nthe stove you sent us has a broken burner.\n\nKind regards,\n"
    "Peter Ostrowsky\n",
}
QUESTIONS = ("How long is the warranty on a tent?", "What did Henrik Thorvald send?", "Whose zip is repaired?")


def answers(workspace: Workspace) -> list[Any]:
    """All that an asker sees of some answers."""
    found = [workspace.ask(question) for question in QUESTIONS]
    return [
        (one.text, one.citations, [(hit.chunk_id, hit.chunk.record, hit.score) for hit in one.hits]) for one in found
    ]


@pytest.fixture(scope="module")
def base(make_workspace: MakeWorkspace, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a synced workspace, its backup and its key copy; and what it answered."""
    base = tmp_path_factory.mktemp("keeping")
    safe = base / "safe"
    safe.mkdir()
    retention = '[backup]\nkeys = "' + str(safe / "keys") + '"\n[[retention]]\ncollection = "shop"\ndays = 100\n'
    folder = make_workspace(DOCUMENTS, collection='officers = ["u:local|ana"]', extra=retention)
    (base / "ws").symlink_to(folder)
    with ragkit.open_workspace(folder) as workspace:
        assert workspace.sync().exit_code == 0
        made = workspace.keeping.backup(base / "backup")
        assert made.keys is not None
        assert made.keys_problem == ""
        assert made.documents == 3
    return base


def test_restored_elsewhere_the_answers_are_the_same(base: Path, tmp_path: Path) -> None:
    """With the root key and the key copy, in another folder: same chunks, same order, same citations; then a sync."""
    with ragkit.open_workspace(base / "ws") as workspace:
        before = answers(workspace)
    report = restore_workspace(base / "backup", to=tmp_path / "other", keys=base / "safe" / "keys")
    assert (report.documents, report.dropped, report.waiting) == (3, 0, ())
    assert (tmp_path / "other" / ".ragkit").stat().st_mode & 0o777 == 0o700
    (tmp_path / "other" / "documents").symlink_to(base / "ws" / "documents")
    with ragkit.open_workspace(tmp_path / "other") as workspace:
        assert answers(workspace) == before
        (figures,) = workspace.status()["collections"].values()
        assert figures["healthy"]
        assert figures["generation"] > 0
        assert workspace.sync().unchanged == 3
    events = [line for file in (tmp_path / "other/.ragkit/events").glob("*.jsonl") for line in file.open()]
    seqs = [json.loads(line)["seq"] for line in events]
    assert seqs == list(range(1, len(seqs) + 1)), "the log goes on where the backup's ended"
    assert any('"backup.restored"' in line for line in events)


def test_a_wrong_or_missing_key_touches_nothing(base: Path, tmp_path: Path, make_workspace: MakeWorkspace) -> None:
    """Another root key, none, keys of another workspace, and no key file: a remedy each, and no file more or less."""
    other = make_workspace(DOCUMENTS)
    with pytest.raises(KeyMismatch) as wrong:
        restore_workspace(base / "backup", to=other)
    assert "[keys]" in wrong.value.remedy
    assert sorted(path.name for path in other.iterdir()) == ["documents", "ragkit.toml"]
    text = (base / "backup" / "ragkit.toml").read_text()
    (tmp_path / "bare").mkdir()
    toml = tmp_path / "bare" / "ragkit.toml"
    toml.write_text("\n".join(line for line in text.splitlines() if not line.startswith("keys = ")))
    with pytest.raises(BackupError, match="no key file") as none:
        restore_workspace(base / "backup", to=tmp_path / "bare")
    assert "--keys" in none.value.remedy
    assert [path.name for path in (tmp_path / "bare").iterdir()] == ["ragkit.toml"]
    toml.write_text(text.replace("root.key", "absent.key"))
    with pytest.raises(SecretUnavailable) as missing:
        restore_workspace(base / "backup", to=tmp_path / "bare")
    assert missing.value.remedy
    create_key_file(tmp_path / "k" / "other.key")
    lines = [f'path = "{tmp_path / "k" / "other.key"}"' if "root.key" in line else line for line in text.splitlines()]
    toml.write_text("\n".join(lines))
    with pytest.raises(KeyMismatch):
        restore_workspace(base / "backup", to=tmp_path / "bare", keys=base / "safe" / "keys")
    assert [path.name for path in (tmp_path / "bare").iterdir()] == ["ragkit.toml"]


def test_a_damaged_store_comes_back_and_what_went_stays_gone(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Through the command line: hold, retention, damage, restore; the old document and its name do not come back."""
    monkeypatch.chdir(base / "ws")
    monkeypatch.setattr(sys.stdin, "isatty", lambda: False, raising=False)
    runner = CliRunner()

    def run(*arguments: str, stdin: str | None = None) -> Any:
        return runner.invoke(app, list(arguments), input=stdin, prog_name="ragkit")

    for name in ("1042.txt", "1043.txt"):
        old = time.time() - 200 * 86_400
        os.utime(base / "ws" / "documents" / name, (old, old))
    assert run("sync").exit_code == 0
    held = run("hold", "place", "-", "--reason", "case 7", "--json", stdin="Henrik Thorvald\n")
    assert held.exit_code == 0, held.output
    hold = json.loads(held.stdout)
    assert (hold["scope"], hold["documents"]) == ("value", 1)
    told = json.loads(run("retention", "run", "--dry-run", "--json").stdout)
    assert (told["documents"], told["held"], told["dry_run"]) == (1, 1, True)
    status = json.loads(run("status", "--json").stdout)
    assert status["collections"]["shop"]["retention_due"] == 1
    refused = run("retention", "run")
    assert refused.exit_code == 2
    assert "--yes" in refused.stderr
    done = json.loads(run("retention", "run", "--yes", "--json").stdout)
    assert (done["documents"], done["keys_problem"]) == (1, "")
    assert done["values"] >= 2
    assert "case 7" in run("hold", "list").stdout

    records = base / "ws" / ".ragkit" / "records.db"
    raw = bytearray(records.read_bytes())
    raw[8192 : 8192 * 5] = os.urandom(8192 * 4)
    records.write_bytes(raw)
    assert run("restore", str(base / "backup")).exit_code == 2
    back = run("restore", str(base / "backup"), "--yes", "--json")
    assert back.exit_code == 0, back.output
    report = json.loads(back.stdout)
    assert (report["documents"], report["dropped"], report["unsafe_keys"]) == (2, 1, False)
    assert report["values"] >= 2
    found = json.loads(run("ask", "Whose zip is repaired?", "--json").stdout)
    assert not any("zip" in hit["text"] for hit in found["hits"])
    synced = json.loads(run("sync", "--json").stdout)
    assert (synced["expired"], synced["unchanged"], synced["added"]) == (1, 2, 0)
    released = run("hold", "release", hold["hold"], "--reason", "over")
    assert released.exit_code == 0


def test_only_officers(make_workspace: MakeWorkspace, tmp_path: Path) -> None:
    """Without `officers` nobody places holds or runs retention; a backup of nothing is refused."""
    folder = make_workspace(DOCUMENTS, extra='[[retention]]\ncollection = "shop"\ndays = 1\n')
    with ragkit.open_workspace(folder) as workspace:
        for attempt in (
            lambda: workspace.keeping.place_hold(value="x", reason="case"),
            lambda: workspace.keeping.release_hold("x", reason="case"),
            lambda: workspace.keeping.retain(),
            lambda: workspace.keeping.retain(dry_run=True),
        ):
            with pytest.raises(AccessDenied):
                attempt()
        with pytest.raises((BackupError, StoreError)):
            workspace.keeping.backup(tmp_path / "b")
    assert not (tmp_path / "b").exists()


def test_no_copy_tells_a_name(base: Path) -> None:
    """Neither a backup, nor its manifest, nor the key copy holds a value or a file name in clear."""
    for path in [*(base / "backup").rglob("*"), *(base / "safe").rglob("*")]:
        if path.is_file():
            held = path.read_bytes().lower()
            assert not [word for word in (b"yalmanova", b"thorvald", b"ostrowsky", b"1042", b"case 7") if word in held]


def test_an_erasure_is_not_undone(base: Path, tmp_path: Path) -> None:
    """Who was erased after the backup stays erased: restored elsewhere, before a sync and after it."""
    with ragkit.open_workspace(base / "ws") as workspace:
        token = workspace.mask_text("Peter Ostrowsky", store=False)[0].record
        assert any(token in hit.chunk.record for hit in workspace.search("Peter Ostrowsky", k=10))
        done = workspace.subjects.erase("Peter Ostrowsky", purpose="request 1")
        assert done.complete
        assert done.levels["L3"] == "true", "the key copy was made anew, so no copy has the keys"
    place = tmp_path / "other"
    assert restore_workspace(base / "backup", to=place, keys=base / "safe" / "keys").dropped >= 1
    (place / "documents").symlink_to(base / "ws" / "documents")
    for _ in range(2):
        with ragkit.open_workspace(place) as workspace:
            found = workspace.search("Kind regards, Peter Ostrowsky", k=10)
            assert not any(token in hit.chunk.record or "Ostrowsky" in hit.chunk.index for hit in found)
            assert workspace.subjects.find("Peter Ostrowsky", purpose="look") == []
            assert workspace.reveal(token, purpose="look") == token
            assert workspace.sync().exit_code in {0, 1}
