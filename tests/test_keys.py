"""The keys of a workspace: changed without indexing again, put into escrow, brought back."""

from __future__ import annotations

import base64
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ragkit import crypto, escrow, open_workspace
from ragkit.build import OpenCollection
from ragkit.config import load_config
from ragkit.doctor import _keys
from ragkit.errors import ConfigError, KeyMismatch, RagkitError, SecretUnavailable
from ragkit.keyfiles import next_key_path
from ragkit.recovery import recover
from ragkit.rootkey import key_path, load_root_key
from ragkit.store.schema import documents
from ragkit.testing.light import LightIngest

OLD, NEW = bytes(range(32)), bytes(reversed(range(32)))
WORDS = "correct horse battery staple"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A workspace whose record store was filled by light stages; its root key is in a file."""
    here = tmp_path / "here"
    (here / ".ragkit").mkdir(mode=0o700, parents=True)
    write_config(here, f'path = "{tmp_path}/root.key"')
    key = tmp_path / "root.key"
    key.touch(mode=0o600)
    key.write_text(base64.b64encode(OLD).decode())
    light = LightIngest(here / ".ragkit", words=["Ada"], name="care")
    light.sync({"a": "Ada wrote", "b": "two\n\nthree"})
    light.database.close()
    monkeypatch.setitem(escrow._SCRYPT, "n", 2**12)  # quicker than a real one
    monkeypatch.setenv("OLD_KEY", OLD.hex())
    monkeypatch.setenv("NEW_KEY", NEW.hex())
    return here


def write_config(folder: Path, keys: str) -> None:
    """A ragkit.toml with these lines under [keys]."""
    (folder / "ragkit.toml").write_text(
        f'[workspace]\nname = "a"\nowner = "local|ana"\nid = "abc"\n[keys]\n{keys}\n[collections.care]\naccess = []\n'
    )


def texts(folder: Path) -> dict[str, str]:
    """Every stored chunk, and a vault value revealed, as the workspace's own key opens them."""
    with open_workspace(folder) as workspace:
        part = workspace._handles.reader(None)
        return {str(row.chunk_id): row.text for row in part.store.index_source().rows()}


def test_a_key_file_is_exchanged(folder: Path, tmp_path: Path) -> None:
    """Another key in the same place, mode 0600; the same texts; the old key opens nothing; record keys untouched."""
    before, path = texts(folder), tmp_path / "root.key"
    sealed = (folder / ".ragkit" / "records.db").stat().st_size
    with open_workspace(folder) as workspace:
        events = workspace._handles.secret("events")
        done = workspace.keys.rotate(keep_old=tmp_path / "old.key")
        assert done.finished
        assert done.generation == 2
        state = workspace.keys.show()
    assert (state.generation, state.root_keys, state.source) == (2, 1, "file")
    assert state.collections["care"].counts.documents == 2
    new = load_root_key(load_config(folder))
    assert new != OLD
    assert state.mark == crypto.root_mark(new)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert not next_key_path(path).exists()
    assert (folder / ".ragkit" / "records.db").stat().st_size == sealed
    assert texts(folder) == before
    with open_workspace(folder) as workspace:
        assert workspace._handles.secret("events") == events, "the log goes on to name the same actors"
    (tmp_path / "old.key").replace(path)
    with pytest.raises(KeyMismatch) as refused:
        texts(folder)
    assert "ragkit key recover" in refused.value.remedy


@pytest.mark.parametrize(
    ("point", "still_old"),
    [("keys.in_admit", True), ("keys.after_admit", True), ("keys.after_swap", False), ("keys.after_retire", False)],
)
def test_killed_anywhere_the_key_in_the_file_opens(folder: Path, tmp_path: Path, point: str, still_old: bool) -> None:
    """And `rotate` again goes on: to one key, which is neither lost nor changed twice."""
    before = texts(folder)
    code = f"import ragkit; ragkit.open_workspace({str(folder)!r}).keys.rotate()"
    env = {**os.environ, "RAGKIT_CRASH_POINT": point}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    path = tmp_path / "root.key"
    assert (load_root_key(load_config(folder)) == OLD) is still_old
    assert next_key_path(path).exists() is still_old
    assert texts(folder) == before
    made = load_root_key(load_config(folder)) if not still_old else None
    with open_workspace(folder) as workspace:
        if point != "keys.after_retire":
            assert workspace.keys.rotate().generation == 2
        assert workspace.keys.show().root_keys == 1
    assert made is None or load_root_key(load_config(folder)) == made
    assert texts(folder) == before


@pytest.mark.parametrize("kind", ["env", "command"])
def test_a_key_from_elsewhere_is_changed_in_two_steps(folder: Path, kind: str) -> None:
    """Both open it until the source gives the new one and the change is finished."""
    before = texts(folder)

    def source(name: str) -> None:
        program = f"import os; print(os.environ[{name!r}])"
        by = {
            "env": f'source = "env"\nvariable = "{name}"',
            "command": f'source = "command"\ncommand = ["{sys.executable}", "-c", "{program}"]',
        }
        write_config(folder, by[kind].replace("'", "\\u0027"))

    source("OLD_KEY")
    with open_workspace(folder) as workspace:
        with pytest.raises(ConfigError, match="cannot change"):
            workspace.keys.rotate()
        assert not workspace.keys.rotate(new_key=NEW).finished
        assert workspace.keys.show().root_keys == 2
        with pytest.raises(KeyMismatch, match="still gives the old"):
            workspace.keys.finish()
    assert texts(folder) == before
    source("NEW_KEY")
    assert texts(folder) == before
    with open_workspace(folder) as workspace:
        assert workspace.keys.finish().finished
        assert workspace.keys.show().root_keys == 1
    assert texts(folder) == before
    source("OLD_KEY")
    with pytest.raises(KeyMismatch):
        texts(folder)


def test_what_is_open_stays_open_through_every_change(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that changes its keys, as a service does, goes on reading with what it has open: no restart."""

    def read() -> int:
        part = workspace._handles.reader(None)
        assert part is opened
        part.collection.records._wrapping.forget()  # what it remembers would do
        return len(list(part.store.index_source().rows()))

    with open_workspace(folder) as workspace:
        opened = workspace._handles.reader(None)
        count = read()
        assert count
        workspace.keys.rotate_wrapping()
        assert read() == count
        workspace.keys.rotate()
        assert read() == count
    monkeypatch.setenv("RAGKIT_ROOT_KEY", load_root_key(load_config(folder)).hex())
    write_config(folder, 'source = "env"')
    with open_workspace(folder) as workspace:
        opened = workspace._handles.reader(None)
        assert not workspace.keys.rotate(new_key=OLD).finished
        with pytest.raises(KeyMismatch, match="still gives the old"):
            workspace.keys.finish()
        assert read() == count
        monkeypatch.setenv("RAGKIT_ROOT_KEY", OLD.hex())
        assert workspace.keys.finish().finished, "the source is read again"
        assert read() == count


def test_wrapping_keys_are_changed_alone(folder: Path) -> None:
    """Record keys are wrapped again; the record store and the root key are as before."""
    before = texts(folder)
    with open_workspace(folder) as workspace:
        done = workspace.keys.rotate_wrapping()
        assert (done.record_keys, done.generation) == (5, 2)
        assert workspace.keys.show().collections["care"].generation == 2
    assert texts(folder) == before


def test_the_doctor_counts_what_nothing_opens(folder: Path) -> None:
    """Rows whose key is destroyed are an interrupted erasure; before, all is well."""
    with open_workspace(folder) as workspace:
        part = workspace._handles.reader(None)
        assert _keys(part) == "2 of documents, 1 of values, 0 of replaced records"
        with workspace._handles.writing("test") as database:
            records = workspace._handles.collection("care", database).collection.records
            records.destroy_documents(doc_ids(part)[:1])
        with pytest.raises(RagkitError, match="1 records have no key") as found:
            _keys(part)
        assert found.value.remedy


def doc_ids(part: OpenCollection) -> list[str]:
    """The documents that answer."""
    with part.store.database.read() as connection:
        return [row.doc_id for row in connection.execute(documents.select())]


def escrow_in(folder: Path, make: Callable[[object], object]) -> None:
    """Make an escrow and lose the key file."""
    with open_workspace(folder) as workspace:
        make(workspace.keys)
        assert len(workspace.keys.show().escrows) == 1
    key_path(load_config(folder)).unlink()
    with pytest.raises(SecretUnavailable):
        texts(folder)


def test_a_lost_key_comes_back_by_its_passphrase(folder: Path, tmp_path: Path) -> None:
    """Into a new file of mode 0600; a wrong passphrase is told; nothing is overwritten."""
    before = texts(folder)
    escrow_in(folder, lambda keys: keys.escrow_to_passphrase(tmp_path / "e.json", WORDS))
    text = (tmp_path / "e.json").read_text()
    assert stat.S_IMODE((tmp_path / "e.json").stat().st_mode) == 0o600
    config = load_config(folder)
    with pytest.raises(KeyMismatch, match="does not open this escrow"):
        recover(config, [text], passphrase=WORDS + "!")
    assert not key_path(config).exists()
    path = recover(config, [text], passphrase=WORDS)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert texts(folder) == before
    with pytest.raises(ConfigError, match="not overwritten"):
        recover(config, [text], passphrase=WORDS)


def test_shares_bring_it_back(folder: Path, tmp_path: Path) -> None:
    """Any two of three; one alone, and two of different keys, do not."""
    before = texts(folder)
    escrow_in(folder, lambda keys: keys.escrow_in_shares(tmp_path, 2, 3))
    shares = [path.read_text() for path in sorted(tmp_path.glob("share-*.json"))]
    config = load_config(folder)
    with pytest.raises(ConfigError, match="share of a key"):
        recover(config, shares[:1])
    with pytest.raises(KeyMismatch, match="do not give a key"):
        recover(config, [shares[0], shares[0]])
    recover(config, shares[1:])
    assert texts(folder) == before


def test_an_escrow_of_another_key_is_refused(folder: Path, tmp_path: Path) -> None:
    """One made before the root key was changed opens nothing now, and writes no file."""
    with open_workspace(folder) as workspace:
        workspace.keys.escrow_to_passphrase(tmp_path / "e.json", WORDS)
        workspace.keys.rotate()
    with pytest.raises(KeyMismatch, match="does not open this workspace"):
        recover(load_config(folder), [(tmp_path / "e.json").read_text()], to=tmp_path / "new.key", passphrase=WORDS)
    assert not (tmp_path / "new.key").exists()


def test_no_escrow_beside_what_it_opens(folder: Path) -> None:
    """In the data directory it would travel with every copy of it."""
    with open_workspace(folder) as workspace, pytest.raises(ConfigError, match="beside what it opens"):
        workspace.keys.escrow_to_passphrase(folder / ".ragkit" / "e.json", WORDS)
