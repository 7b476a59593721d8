"""Sources by the command line, over a real workspace: listed, tested, added, compared, tried again, and in turns."""

from __future__ import annotations

import json
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from ragkit import open_workspace
from ragkit.cli.main import app
from ragkit.cli.shapes import SHAPES
from ragkit.errors import MissingDependency
from ragkit.registry import Registry
from ragkit.store.lock import WriterLock
from ragkit.testing.service import copy_shop
from ragkit_connectors.files import FilesConnector

Run = Callable[..., Result]
WHY = ["--purpose", "case 7"]


@pytest.fixture
def shop(synced_shop: Path, tmp_path: Path) -> Path:
    """A copy of the shop: the sources `open` and `staff`."""
    return copy_shop(synced_shop, tmp_path / "shop", extra="[serve]\nport = 0\n")


@pytest.fixture
def run(shop: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a verb on it."""
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("RAGKIT_WORKSPACE", str(shop))
    return lambda *verb: CliRunner().invoke(app, list(verb))


def told(done: Result, shape: str) -> dict[str, Any]:
    """Return the JSON object that was printed; its keys are those of the page."""
    found: dict[str, Any] = json.loads(done.stdout)
    assert found.keys() == {"ragkit", *SHAPES[shape].fields}
    return found


def test_sources_are_listed_with_what_is_held_of_them(run: Run) -> None:
    """Figures by source, in both forms; a source that was never synced is there too."""
    rows = told(run("sources", "list", "--json"), "sources")["sources"]
    assert [(row["source"], row["documents"], row["quarantined"], row["state"]) for row in rows] == [
        ("open", 3, 0, "complete"),
        ("staff", 2, 0, "complete"),
    ]
    assert all(row["last"] and row["trust"] == "internal" for row in rows)
    assert "staff" in run("sources", "list").stdout


def test_a_source_is_tested_without_names(run: Run, shop: Path) -> None:
    """0 for all, 1 for one that cannot be read; the message has no path and no file name."""
    done = run("sources", "test", "--json")
    rows = told(done, "source_tests")["sources"]
    assert (done.exit_code, {row["outcome"] for row in rows}) == (0, {"ok"})
    assert "1042" not in done.output
    (shop / "staff").rename(shop / "away")
    done = run("sources", "test")
    assert (done.exit_code, str(shop) in done.output) == (1, False)
    assert "unreadable" in done.stdout
    assert run("sources", "test", "open").exit_code == 0
    assert run("sources", "test", "absent").exit_code == 2


def test_a_package_that_is_absent_is_hinted_at(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Status 2, and what to install."""

    def missing(self: Registry, kind: str, name: str) -> Any:
        raise MissingDependency("connector 'files' needs a package", remedy="pip install 'ragkit[files]'")

    monkeypatch.setattr(Registry, "load", missing)
    done = run("sources", "test", "open")
    assert (done.exit_code, "pip install 'ragkit[files]'" in done.stdout) == (2, True)


def test_a_fault_of_one_connector_stops_no_other(run: Run, shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told as an error of its source, without its text, by tests, differences and syncs."""
    real = FilesConnector.changes

    def changes(self: FilesConnector, cursor: str | None) -> Any:
        if self.name == "staff":
            raise KeyError("Galip Yalman")
        return real(self, cursor)

    monkeypatch.setattr(FilesConnector, "changes", changes)
    monkeypatch.setattr("time.sleep", lambda _: None)
    for verb in (["sources", "test"], ["diff"], ["sync"]):
        done = run(*verb)
        assert done.exit_code == (1 if verb[0] == "sources" else 2)
        told_of = done.stdout + done.stderr
        assert "FilesConnector has a fault: KeyError in test_sources.py" in told_of
        assert "Galip" not in told_of
    assert told(run("sync", "--json"), "sync")["unchanged"] == 3


def test_a_source_is_added_and_synced(run: Run, shop: Path) -> None:
    """Tried, written, taken in; a second of its name is refused and changes nothing."""
    (shop / "more").mkdir()
    (shop / "more" / "kayak.md").write_text("# Kayaks\n\nThe Ottermere kayak floats.\n")
    done = run("sources", "add", "files", "more", "-o", "path=more", "--access", "pub", "--trust", "external", "--json")
    added = told(done, "source_added")
    assert (added["collection"], added["source"], added["tested"]) == ("shop", "more", "it can be read, and has items")
    text = (shop / "ragkit.toml").read_text()
    assert 'trust = "external"' in text
    assert run("sync", "--source", "more", "--json").exit_code == 0
    assert "Ottermere" in run("search", "Which kayak floats?").stdout
    again = run("sources", "add", "files", "more", "-o", "path=more")
    assert (again.exit_code, "same name" in again.stderr) == (2, True)
    assert (shop / "ragkit.toml").read_text() == text


@pytest.mark.parametrize(
    ("verb", "says"),
    [
        (["files", "x", "-o", "path=absent"], "it was not added"),
        (["files", "x", "-o", "pth=docs"], "has no option"),
        (["files", "x"], "needs the option"),
        (["filse", "x", "-o", "path=open"], "Did you mean `files`"),
        (["files", "x", "-o", "path"], "needs a key and a value"),
        (["files", "X y", "-o", "path=open"], "name"),
        (["mailbox", "x", "-o", "password=hunter2"], "secret written inline"),
        (["mailbox", "x", "--secret", "password=hunter2"], "does not say where it is"),
        (["files", "x", "-o", "path=open", "--every", "soon"], "not a duration"),
        (["files", "x", "-o", "path=open", "-c", "other"], "no such collection"),
    ],
)
def test_what_cannot_be_added_changes_nothing(run: Run, shop: Path, verb: list[str], says: str) -> None:
    """Each mistake is told with a remedy, no secret is repeated, and the file is as it was."""
    before = (shop / "ragkit.toml").read_bytes()
    done = run("sources", "add", *verb)
    assert done.exit_code == 2
    assert says in done.stderr
    assert "try: " in done.stderr
    assert "hunter2" not in done.output
    assert (shop / "ragkit.toml").read_bytes() == before
    assert not [path for path in shop.iterdir() if path.name.startswith(".ragkit.toml")]


def test_a_secret_is_written_by_its_place(run: Run, shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`{env = …}` stands in the file; untried, the variable need not be there."""
    options = ["-o", "host=mail.example", "-o", "user=ana"]
    done = run("sources", "add", "mailbox", "mail", *options, "--secret", "password=env:MAIL_PASSWORD", "--no-test")
    assert done.exit_code == 0, done.output
    assert 'password = {env = "MAIL_PASSWORD"}' in (shop / "ragkit.toml").read_text()


def test_diff_tells_what_a_sync_would_do_and_does_nothing(run: Run, shop: Path) -> None:
    """Counts and opaque ids for all, names for the entitled; no lock is taken; the sync after it does just that."""
    (shop / "open" / "new.md").write_text("# New\n\nNew.\n")
    (shop / "open" / "returns.md").write_text("# Returns\n\nNothing can be returned.\n")
    (shop / "open" / "prices.csv").unlink()
    (shop / "staff" / "1042.txt").rename(shop / "staff" / "yalmanova.txt")
    with WriterLock(shop / ".ragkit" / "lock", command="test"):
        plain = told(run("diff", "--json"), "diff")["sources"]
        named = told(run("diff", *WHY, "--json"), "diff")["sources"]
    counts = [{key: one[key] for key in ("added", "updated", "deleted", "renamed", "unchanged")} for one in plain]
    assert counts == [
        {"added": 1, "updated": 1, "deleted": 1, "renamed": 0, "unchanged": 1},
        {"added": 0, "updated": 0, "deleted": 0, "renamed": 1, "unchanged": 1},
    ]
    assert {item["name"] for one in plain for item in one["differences"]} == {None}
    found = {(item["kind"], item["name"], item["to"]) for one in named for item in one["differences"]}
    assert found == {
        ("added", "new.md", None),
        ("updated", "returns.md", None),
        ("deleted", "prices.csv", None),
        ("renamed", "1042.txt", "yalmanova.txt"),
    }
    shown = run("diff", *WHY).stdout
    assert "renamed: shop/staff: 1042.txt → yalmanova.txt" in shown
    assert "yalmanova" not in run("diff").stdout
    done = told(run("sync", "--json"), "sync")
    assert [{key: one[key] for key in counts[0]} for one in done["sources"]] == counts
    events = b"".join(path.read_bytes() for path in (shop / ".ragkit" / "events").glob("*.jsonl"))
    assert b'"pii.unmasked"' in events
    assert b"yalmanova" not in events


def test_diff_of_what_was_never_synced_counts_all(run: Run, shop: Path) -> None:
    """Before the first sync everything is new, and nothing is made for it."""
    shutil.rmtree(shop / ".ragkit")
    rows = told(run("diff", "--json"), "diff")["sources"]
    assert [row["added"] for row in rows] == [3, 2]
    assert not (shop / ".ragkit" / "records.db").exists()


def test_what_was_set_aside_is_shown_and_tried_again(run: Run, shop: Path) -> None:
    """List, one item with its history, retry by id and by code; the name for a purpose only."""
    bad = shop / "staff" / "1042.txt"
    good = bad.read_bytes()
    bad.write_bytes(b"\x00\x01\x02" * 50)
    (shop / "open" / "bad.pdf").write_bytes(b"%PDF-1.7 no")
    done = run("sync")
    assert done.exit_code == 1, done.output
    listed = told(run("quarantine", "--json"), "quarantine")
    assert listed == told(run("quarantine", "list", "--json"), "quarantine")
    assert len(listed["items"]) == 2
    row = next(item for item in listed["items"] if item["source"] == "staff")
    assert told(run("quarantine", "--source", "staff", "--json"), "quarantine")["items"] == [row]
    assert told(run("quarantine", "--code", "archived", "--json"), "quarantine")["items"] == []
    shown = told(run("quarantine", "show", row["doc_id"], "--json"), "quarantine_item")
    assert (shown["attempts"], shown["answers"], shown["native_id"]) == (1, True, None)
    assert shown["message"]
    assert shown["first"] <= shown["last"]
    named = told(run("quarantine", "show", row["doc_id"], *WHY, "--json"), "quarantine_item")
    assert named["native_id"] == "1042.txt"
    assert "what to do:" in run("quarantine", "show", row["doc_id"]).stdout

    still = told(run("quarantine", "retry", row["doc_id"], "--json"), "quarantine_retried")
    assert [(item["status"], item["code"]) for item in still["items"]] == [("quarantined", row["code"])]
    assert still["exit_code"] == 1
    assert told(run("quarantine", "show", row["doc_id"], "--json"), "quarantine_item")["attempts"] == 2

    bad.write_bytes(good)
    (shop / "open" / "bad.pdf").unlink()
    done = run("quarantine", "retry", "--json")
    assert {(item["source"], item["status"]) for item in told(done, "quarantine_retried")["items"]} == {
        ("staff", "indexed"),
        ("open", "gone"),
    }
    assert done.exit_code == 0
    assert "Nothing is set aside" in run("quarantine", "retry", "--code", "encrypted").stdout
    absent = run("quarantine", "show", row["doc_id"])
    assert (absent.exit_code, "no such item" in absent.stderr) == (2, True)


def test_one_that_cannot_be_read_does_not_stop_the_others(run: Run, shop: Path) -> None:
    """The others are taken in and found; the failing one is named at the end with a remedy; status 2."""
    (shop / "open").rename(shop / "away")
    (shop / "staff" / "kayak.md").write_text("# Kayaks\n\nThe Ottermere kayak floats.\n")
    done = run("sync")
    assert done.exit_code == 2
    assert "failed: shop/open: " in done.stderr
    assert "try: " in done.stderr
    assert "Ottermere" in run("search", "Which kayak floats?").stdout
    found = told(run("sync", "--json"), "sync")
    assert (found["failed"], found["exit_code"]) == ("SourceError", 2)
    assert [(one["source"], one["failed"]) for one in found["sources"]] == [("open", "SourceError"), ("staff", "")]
    alone = run("sync", "--source", "open")
    assert (alone.exit_code, "cannot be listed" in alone.stderr) == (2, True)


def test_a_mass_deletion_waits_for_a_word(run: Run, shop: Path) -> None:
    """Over a fifth of a source gone: stopped, told by diff, and let pass once by the option; the others go on."""
    for number in range(30):
        (shop / "open" / f"n{number}.md").write_text(f"# Note {number}\n\nNote {number}.\n")
    assert run("sync").exit_code == 0
    for number in range(25):
        (shop / "open" / f"n{number}.md").unlink()
    (shop / "staff" / "new.md").write_text("# New\n\nNew.\n")
    (row, _) = told(run("diff", "--json"), "diff")["sources"]
    assert (row["deleted"], row["stopped"]) == (25, True)
    done = told(run("sync", "--json"), "sync")
    assert (done["failed"], done["deleted"], done["added"]) == ("MassDeletion", 0, 1)
    assert "--allow-mass-delete" in run("diff").stdout
    done = told(run("sync", "--allow-mass-delete", "--json"), "sync")
    assert (done["failed"], done["deleted"]) == ("", 25)


def test_a_sync_that_waits_for_its_source_can_be_stopped(shop: Path, monkeypatch: pytest.MonkeyPatch, run: Run) -> None:
    """Whoever asks for an end by the progress, as a service does, gets it while every source keeps it waiting."""
    over = threading.Event()

    def waits(self: FilesConnector, cursor: str | None) -> Iterator[Any]:
        over.wait(60)
        yield from ()

    def stop(*_: Any) -> None:
        over.set()
        raise KeyboardInterrupt

    monkeypatch.setattr(FilesConnector, "changes", waits)
    began = time.monotonic()
    with open_workspace(shop) as workspace, pytest.raises(KeyboardInterrupt):
        workspace.sync(progress=stop)
    assert time.monotonic() - began < 30
    monkeypatch.undo()
    with open_workspace(shop) as workspace:
        assert workspace.sync().unchanged == 5


def test_permissions_alone_are_read_again(run: Run, shop: Path) -> None:
    """Who may see a source's documents changes by one pass that reads no document again."""
    text = (shop / "ragkit.toml").read_text()
    (shop / "ragkit.toml").write_text(text.replace('["g:crm|staff", "u:local|ana"]', '["g:crm|staff"]'))
    (shop / "staff" / "new.md").write_text("# New\n\nNew.\n")
    assert "1043" in run("search", "Which stove has a broken burner?").stdout
    done = told(run("sync", "--permissions", "--json"), "sync")
    assert (done["access_changed"], done["added"]) == (2, 0)
    assert "1043" not in run("search", "Which stove has a broken burner?").stdout


def test_a_source_that_is_named_no_more_goes_on_a_word(run: Run, shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Renamed in ragkit.toml its documents are there twice: listed, told by diff, a stop, and let go by the option."""
    file = shop / "ragkit.toml"
    before = file.read_text()
    file.write_text(before.replace('name = "staff"', 'name = "crew"'))
    rows = told(run("sources", "list", "--json"), "sources")["sources"]
    states = {row["source"]: (row["connector"], row["documents"], row["state"]) for row in rows}
    assert (states["staff"], states["crew"][1:]) == (("", 2, "dropped"), (0, "never"))
    assert "names it no more" in run("sources", "list").stdout

    done = run("sync", "--json")
    found = told(done, "sync")
    assert (found["failed"], found["added"], found["deleted"], done.exit_code) == ("MassDeletion", 2, 0, 2)
    assert ("failed: shop/staff: " in done.stderr, "--allow-mass-delete" in done.stderr) == (True, True)
    assert told(run("sync", "--source", "open", "--json"), "sync")["failed"] == ""
    assert told(run("sync", "--permissions", "--json"), "sync")["failed"] == ""
    assert run("sync", "--dry-run").exit_code == 2
    with monkeypatch.context() as patched:  # a schedule goes by sources, and so tells when it begins
        patched.setattr("ragkit.scheduling.keep_to", lambda *_, **__: None)
        done = run("sync", "--every", "1h")
        assert (done.exit_code, done.stderr.count("shop/staff: ragkit.toml names this source no more")) == (0, 1)
        assert "names this source no more" not in run("sync", "--every", "1h", "--source", "open").stderr
    rows = {row["source"]: row for row in told(run("diff", "--json"), "diff")["sources"]}
    assert (rows["staff"]["deleted"], rows["staff"]["stopped"]) == (2, True)

    found = told(run("sync", "--allow-mass-delete", "--json"), "sync")
    assert (found["failed"], found["deleted"]) == ("", 2)
    assert told(run("documents", "list", "--source", "staff", "--json"), "documents")["documents"] == []
    assert {row["source"] for row in told(run("sources", "list", "--json"), "sources")["sources"]} == {"open", "crew"}
    assert run("sync").exit_code == 0
    file.write_text(before)  # the old name again: read anew, from the beginning
    assert told(run("sync", "--allow-mass-delete", "--json"), "sync")["added"] == 2
