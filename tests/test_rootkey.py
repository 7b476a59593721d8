"""Root key and secrets: where they may be, and what is refused."""

from __future__ import annotations

import base64
import stat
import sys
import tomllib
from pathlib import Path

import pytest

from ragkit.config import Config, parse_config
from ragkit.config_sections import SecretRef
from ragkit.errors import ConfigError, SecretUnavailable
from ragkit.rootkey import (
    create_key_file,
    default_key_path,
    key_path,
    load_root_key,
    open_options,
    read_key_file,
    read_key_variable,
    read_secret,
)

KEY = bytes(range(32))


def config_with(keys: str, folder: Path, *, workspace_id: str = 'id = "abc"') -> Config:
    """Return a configuration with these lines under [keys]."""
    text = (
        f'[workspace]\nname = "a"\nowner = "local|ana"\n{workspace_id}\n[keys]\n{keys}\n[collections.c]\naccess = []\n'
    )
    return parse_config(tomllib.loads(text), folder=folder)


def test_a_new_key_file_is_private_and_opens(tmp_path: Path) -> None:
    """The file has mode 0600, holds 32 random bytes, and is never overwritten."""
    path = tmp_path / "keys" / "a.key"
    create_key_file(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    config = config_with(f'path = "{path}"', tmp_path)
    key = load_root_key(config)
    assert len(key) == 32
    with pytest.raises(ConfigError, match="not overwritten"):
        create_key_file(path)
    assert load_root_key(config) == key


def test_the_key_is_under_the_users_configuration(tmp_path: Path, private_home: Path) -> None:
    """Without a path the key file is named by the workspace id, outside the workspace."""
    config = config_with("", tmp_path)
    assert key_path(config) == private_home / ".config" / "ragkit" / "abc.key"
    create_key_file(default_key_path("abc"))
    assert len(load_root_key(config)) == 32


def test_a_relative_configuration_home_is_ignored(monkeypatch: pytest.MonkeyPatch, private_home: Path) -> None:
    """XDG paths must be absolute; a relative one counts as unset."""
    monkeypatch.setenv("XDG_CONFIG_HOME", "somewhere")
    assert default_key_path("abc") == private_home / ".config" / "ragkit" / "abc.key"


def test_without_id_or_path_there_is_no_key(tmp_path: Path) -> None:
    """Nothing is guessed: the configuration must name the file."""
    with pytest.raises(ConfigError, match="names no key file"):
        load_root_key(config_with("", tmp_path, workspace_id=""))


@pytest.mark.parametrize("where", [".ragkit/a.key", "x/../.ragkit/deep/a.key", "link/a.key"])
def test_a_key_beside_what_it_protects_is_refused(tmp_path: Path, where: str) -> None:
    """A path in the data directory is refused, also through ``..`` or a symbolic link."""
    (tmp_path / ".ragkit").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / ".ragkit")
    with pytest.raises(ConfigError, match="data directory"):
        load_root_key(config_with(f'path = "{where}"', tmp_path))


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o660, 0o604])
def test_a_key_file_that_others_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    """Group or world access to the file is an error whose remedy is chmod."""
    path = tmp_path / "a.key"
    create_key_file(path)
    path.chmod(mode)
    with pytest.raises(SecretUnavailable, match=f"{mode:04o}") as caught:
        load_root_key(config_with(f'path = "{path}"', tmp_path))
    assert "chmod 600" in caught.value.remedy


@pytest.mark.parametrize(
    "text",
    [KEY.hex(), KEY.hex().upper(), base64.b64encode(KEY).decode(), base64.urlsafe_b64encode(KEY).decode() + "\n"],
)
def test_base64_and_hexadecimal_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """Both ways of writing 32 bytes give the same key, from file, variable and command."""
    path = tmp_path / "a.key"
    path.touch(mode=0o600)
    path.write_text(text)
    monkeypatch.setenv("MY_KEY", text)
    command = f'["{sys.executable}", "-c", "print(open({str(path)!r}).read())"]'
    assert load_root_key(config_with(f'path = "{path}"', tmp_path)) == KEY
    assert load_root_key(config_with('source = "env"\nvariable = "MY_KEY"', tmp_path)) == KEY
    assert load_root_key(config_with(f'source = "command"\ncommand = {command}', tmp_path)) == KEY


@pytest.mark.parametrize("text", ["", "   ", "c2hvcnQ=", "not a key", KEY.hex()[:-2], KEY.hex() + "00"])
def test_what_is_no_key_is_refused_without_being_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    """A short, long or garbled key is refused, and is in neither message nor remedy."""
    monkeypatch.setenv("MY_KEY", text)
    with pytest.raises(SecretUnavailable) as caught:
        load_root_key(config_with('source = "env"\nvariable = "MY_KEY"', tmp_path))
    assert caught.value.remedy
    assert not text.strip() or text.strip() not in f"{caught.value}{caught.value.remedy}"


@pytest.mark.parametrize(
    "keys",
    [
        'source = "env"\nvariable = "UNSET_KEY"',
        'path = "absent.key"',
        'path = "."',
        'source = "command"\ncommand = ["false"]',
        'source = "command"\ncommand = ["/no/such/program"]',
    ],
)
def test_an_absent_key_says_where_it_was_looked_for(tmp_path: Path, keys: str) -> None:
    """A missing variable, file or program is SecretUnavailable with a remedy."""
    with pytest.raises(SecretUnavailable) as caught:
        load_root_key(config_with(keys, tmp_path))
    assert caught.value.remedy


def test_a_failing_key_command_keeps_its_output_to_itself(tmp_path: Path) -> None:
    """Neither output stream of the command is in the error."""
    program = "import sys; print('canary-out'); print('canary-err', file=sys.stderr); sys.exit(3)"
    command = f'["{sys.executable}", "-c", "{program}"]'
    with pytest.raises(SecretUnavailable, match="exit status 3") as caught:
        load_root_key(config_with(f'source = "command"\ncommand = {command}', tmp_path))
    assert "canary" not in f"{caught.value}{caught.value.remedy}"


def test_a_key_command_that_hangs_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says for how long it waited, and what may be the matter."""
    monkeypatch.setattr("ragkit.rootkey._COMMAND_SECONDS", 0.2)
    command = f'["{sys.executable}", "-c", "import time; time.sleep(9)"]'
    with pytest.raises(SecretUnavailable, match="gave nothing within") as caught:
        load_root_key(config_with(f'source = "command"\ncommand = {command}', tmp_path))
    assert "password" in caught.value.remedy


def test_a_given_key_is_written_as_it_is(tmp_path: Path) -> None:
    """Mode 0600, and read back by file and by variable."""
    path = tmp_path / "a.key"
    create_key_file(path, KEY)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert read_key_file(path) == KEY
    with pytest.raises(SecretUnavailable):
        read_key_variable("UNSET_KEY")


def test_options_are_made_ready(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Secrets are read, relative paths count from the workspace, the rest is passed through."""
    monkeypatch.setenv("PW", "open sesame")
    file = tmp_path / "token"
    file.touch(mode=0o600)
    file.write_text("t0ken\n")
    options = {
        "path": "documents",
        "ca_path": "/etc/ca",
        "password": SecretRef(env="PW"),
        "token": SecretRef(file=Path("token")),
        "max_bytes": 3,
    }
    assert open_options(options, folder=tmp_path) == {
        "path": str(tmp_path / "documents"),
        "ca_path": "/etc/ca",
        "password": "open sesame",
        "token": "t0ken",
        "max_bytes": 3,
    }


def test_a_secret_file_must_be_private_too(tmp_path: Path) -> None:
    """The rule for the key file holds for every secret."""
    file = tmp_path / "token"
    file.write_text("t0ken")
    file.chmod(0o644)
    with pytest.raises(SecretUnavailable, match="0644"):
        read_secret(SecretRef(file=file), folder=tmp_path)
