"""The signing key: where it comes from, where it may not be, and how the next one takes its place."""

from __future__ import annotations

import stat
import sys
from pathlib import Path
from typing import Any

import pytest

from ragkit.audit.signing import KeySource, key_source, seen_path
from ragkit.config import Config, parse_config
from ragkit.config_audit import SigningKeySection
from ragkit.errors import ConfigError, SecretUnavailable
from ragkit.keyfiles import next_key_path
from ragkit.rootkey import create_key_file, default_key_path

OLD, NEW = bytes(range(32)), bytes(range(32, 64))


def configured(folder: Path, **audit: Any) -> Config:
    """A configuration with this table ``[audit]``."""
    return parse_config(
        {
            "workspace": {"name": "test", "id": "abc", "owner": "local|ana"},
            "collections": {"shop": {"access": []}},
            "audit": audit,
        },
        folder=folder,
    )


def file_source(folder: Path) -> KeySource:
    """A source that is a file."""
    return KeySource(SigningKeySection(), path=folder / "a.key", folder=folder)


def test_the_default_is_beside_the_root_key(tmp_path: Path) -> None:
    """Key and memory are named after the workspace, in the key directory; a path of one's own moves both."""
    config = configured(tmp_path)
    assert key_source(config, "abc").path == default_key_path("abc").with_name("abc.audit.key")
    assert seen_path(config, "abc") == default_key_path("abc").with_name("abc.audit.seen")
    config = configured(tmp_path, key={"path": str(tmp_path / "usb/log.key")})
    assert key_source(config, "abc").path == tmp_path / "usb/log.key"
    assert seen_path(config, "abc") == tmp_path / "usb/log.seen"
    config = configured(tmp_path, key={"source": "env"}, checkpoints={"seen": str(tmp_path / "seen")})
    assert seen_path(config, "abc") == tmp_path / "seen"


@pytest.mark.parametrize("place", [".ragkit/a.key", ".ragkit/events/../a.key", "link/a.key"])
def test_a_key_inside_the_data_directory_is_refused(tmp_path: Path, place: str) -> None:
    """However it is written, and through a link."""
    (tmp_path / ".ragkit").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / ".ragkit")
    with pytest.raises(ConfigError, match="inside the data directory") as found:
        key_source(configured(tmp_path, key={"path": place}), "abc")
    assert "[audit.key]" in found.value.remedy
    with pytest.raises(ConfigError, match="inside the data directory"):
        seen_path(configured(tmp_path, key={"source": "env"}, checkpoints={"seen": place}), "abc")


def test_a_file_is_made_once_and_private(tmp_path: Path) -> None:
    """Mode 0600; a second making is an error, and so is one that others may read."""
    source = file_source(tmp_path)
    assert source.can_make
    key = source.make()
    assert len(key) == 32
    assert source.read() == key
    assert stat.S_IMODE(source.path.stat().st_mode) == 0o600
    assert not source.can_make
    with pytest.raises(ConfigError, match="is there already"):
        source.make()
    source.path.chmod(0o644)
    with pytest.raises(SecretUnavailable, match="others may read it"):
        source.read()


def test_a_dangling_link_is_no_place_for_a_new_key(tmp_path: Path) -> None:
    """A key kept on a stick that is not plugged in is missing, and not made anew."""
    source = file_source(tmp_path)
    source.path.symlink_to(tmp_path / "stick/a.key")
    assert not source.can_make


def test_variables_and_commands_give_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Base64 or hex; what is none, or nothing, is told without showing it."""
    section = SigningKeySection(source="env", variable="LOG_KEY")
    source = KeySource(section, path=tmp_path / "unused", folder=tmp_path)
    assert not source.can_make
    with pytest.raises(SecretUnavailable, match="LOG_KEY is not set"):
        source.read()
    monkeypatch.setenv("LOG_KEY", OLD.hex())
    assert source.read() == OLD
    assert source.next() is None
    monkeypatch.setenv("LOG_KEY_NEXT", NEW.hex())
    assert source.next() == source.make_next() == NEW
    monkeypatch.setenv("LOG_KEY", "short")
    with pytest.raises(SecretUnavailable, match="key that signs checkpoints is not 32 bytes"):
        source.read()
    command = (sys.executable, "-c", f"print('{OLD.hex()}')")
    spoken = KeySource(SigningKeySection(source="command", command=command), path=tmp_path / "unused", folder=tmp_path)
    assert spoken.read() == OLD
    assert spoken.next() is None
    with pytest.raises(ConfigError, match="comes from a command"):
        spoken.make_next()
    assert spoken.make_next(NEW) == NEW
    spoken.install_next(keep_as=None)  # not ours to change
    spoken.set_aside(tmp_path / "aside")
    assert not any(tmp_path.iterdir())


def test_the_next_key_waits_and_takes_the_place(tmp_path: Path) -> None:
    """Made once, the same until it is installed; the old one is kept where it was said, or not at all."""
    source = file_source(tmp_path)
    create_key_file(source.path, OLD)
    following = source.make_next()
    assert source.make_next() == following == source.next()
    with pytest.raises(ConfigError, match="another key that signs checkpoints waits"):
        source.make_next(NEW)
    source.install_next(keep_as=tmp_path / "old.key")
    assert source.read() == following
    assert not next_key_path(source.path).exists()
    assert KeySource(SigningKeySection(), path=tmp_path / "old.key", folder=tmp_path).read() == OLD
    assert source.make_next(NEW) == NEW
    source.install_next(keep_as=None)
    assert source.read() == NEW
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.key", "old.key"]


def test_a_key_is_put_aside(tmp_path: Path) -> None:
    """Moved, so that another can be made; nothing happens when there is none."""
    source = file_source(tmp_path)
    source.set_aside(tmp_path / "aside")
    assert not any(tmp_path.iterdir())
    key = source.make()
    source.set_aside(tmp_path / "aside")
    assert source.can_make
    assert KeySource(SigningKeySection(), path=tmp_path / "aside", folder=tmp_path).read() == key


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    """The waiting key is not there: the change cannot be finished, and the error says where to look."""
    source = file_source(tmp_path)
    create_key_file(source.path, OLD)
    with pytest.raises(ConfigError, match="cannot be put in place") as found:
        source.install_next(keep_as=None)
    assert "folder" in found.value.remedy
    assert source.read() == OLD
