"""init, config, doctor and models: from an empty folder to a checked workspace."""

from __future__ import annotations

import json
import stat
import tomllib
from pathlib import Path
from typing import Any

import pytest

from ragkit.config import load_config
from ragkit.doctor import Check
from ragkit.errors import KeyMismatch
from ragkit.rootkey import key_path, load_root_key


def test_init_makes_a_workspace_that_loads(ragkit_cli: Any, tmp_path: Path, private_home: Path) -> None:
    """A commented ragkit.toml, a key outside it, a private data folder, the local user as the only reader."""
    done = ragkit_cli("init", "My Handbook")
    assert done.exit_code == 0, done.output
    folder = tmp_path / "My Handbook"
    config = load_config(folder)
    assert config.workspace.name == "my-handbook"
    assert config.workspace.owner.startswith("local|")
    collection = config.collections["documents"]
    assert collection.access == (f"u:{config.workspace.owner}",)
    assert collection.reveal == ()
    assert (folder / "documents").is_dir()
    assert stat.S_IMODE((folder / ".ragkit").stat().st_mode) == 0o700
    assert key_path(config).is_relative_to(private_home / ".config" / "ragkit")
    assert len(load_root_key(config)) == 32
    assert ragkit_cli("config", "check", "-w", str(folder)).exit_code == 0


def test_two_workspaces_have_two_keys(ragkit_cli: Any, tmp_path: Path) -> None:
    """Workspaces of the same name in different folders do not share a key file."""
    for parent in ("a", "b"):
        assert ragkit_cli("init", f"{parent}/handbook").exit_code == 0
    first, second = (load_config(tmp_path / parent / "handbook") for parent in ("a", "b"))
    assert load_root_key(first) != load_root_key(second)


@pytest.mark.parametrize(("template", "connector"), [("files", "files"), ("jsonl", "jsonl")])
def test_init_takes_a_source(ragkit_cli: Any, tmp_path: Path, template: str, connector: str) -> None:
    """A source elsewhere is written as an absolute path, one inside as a relative path."""
    assert ragkit_cli("init", "w", "--template", template, "--source", "there").exit_code == 0
    assert ragkit_cli("init", "v", "--template", template, "--source", "v/docs").exit_code == 0
    outside = load_config(tmp_path / "w").collections["documents"].sources[0]
    inside = load_config(tmp_path / "v").collections["documents"].sources[0]
    assert (outside.connector, outside.options["path"]) == (connector, str(tmp_path / "there"))
    assert inside.options["path"] == "docs"


def test_init_overwrites_nothing(ragkit_cli: Any, tmp_path: Path) -> None:
    """A second init in the same folder is refused and changes nothing."""
    ragkit_cli("init", ".")
    before = (tmp_path / "ragkit.toml").read_text()
    done = ragkit_cli("init", ".")
    assert done.exit_code == 2
    assert "not overwritten" in done.stderr
    assert (tmp_path / "ragkit.toml").read_text() == before


def test_init_leaves_no_half_workspace(ragkit_cli: Any, tmp_path: Path, private_home: Path) -> None:
    """When the key cannot be written, no ragkit.toml is left that would block the next try."""
    (private_home / ".config").touch()
    done = ragkit_cli("init", ".")
    assert done.exit_code == 2
    assert not (tmp_path / "ragkit.toml").exists()
    (private_home / ".config").unlink()
    assert ragkit_cli("init", ".").exit_code == 0


def test_check_names_the_right_key(ragkit_cli: Any, tmp_path: Path) -> None:
    """A misspelt key ends with status 2, its path and the right one on standard error."""
    ragkit_cli("init", ".")
    file = tmp_path / "ragkit.toml"
    file.write_text(file.read_text().replace("data_class", "dataclass"))
    done = ragkit_cli("config", "check")
    assert done.exit_code == 2
    assert "collections.documents.dataclass" in done.stderr
    assert "`collections.documents.data_class`" in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('connector = "files"', 'connector = "file"', "Did you mean `files`?"),
        ('name = "folder"', 'name = "folder"\nincludes = []', "Did you mean `include`?"),
        ('path = "documents"', "", "'path'"),
        ('kind = "extractive"', 'kind = "extractive"\nsentence = 2', "Did you mean `sentences`?"),
    ],
)
def test_check_looks_into_sources_and_generator(ragkit_cli: Any, tmp_path: Path, old: str, new: str, said: str) -> None:
    """Connector names and options are checked too, before anything is read."""
    ragkit_cli("init", ".")
    file = tmp_path / "ragkit.toml"
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new))
    done = ragkit_cli("config", "check")
    assert done.exit_code == 2
    assert said in done.stderr


def test_check_needs_the_key(ragkit_cli: Any, tmp_path: Path) -> None:
    """A lost key file is found by the check, not by the first sync."""
    ragkit_cli("init", ".")
    key_path(load_config(tmp_path)).unlink()
    done = ragkit_cli("config", "check")
    assert done.exit_code == 2
    assert "backup" in done.stderr


def test_check_warns_when_nobody_may_read(ragkit_cli: Any, tmp_path: Path) -> None:
    """An empty access list is allowed, and said."""
    ragkit_cli("init", ".")
    config = load_config(tmp_path)
    file = tmp_path / "ragkit.toml"
    file.write_text(file.read_text().replace(f'access = ["u:{config.workspace.owner}"]', "access = []", 1))
    done = ragkit_cli("config", "check")
    assert done.exit_code == 0
    assert "nobody may see" in done.stderr


def test_show_prints_what_is_in_force(ragkit_cli: Any, tmp_path: Path) -> None:
    """Text output is TOML with the defaults, JSON has the same settings; a secret is shown by its place only."""
    ragkit_cli("init", ".")
    file = tmp_path / "ragkit.toml"
    file.write_text(file.read_text() + 'password = {env = "CARE_PASSWORD"}\n')
    shown = tomllib.loads(ragkit_cli("config", "show").stdout)
    as_json = json.loads(ragkit_cli("config", "show", "--json").stdout)
    assert as_json["ragkit"] == "config/1"
    assert shown["audit"]["mode"] == as_json["settings"]["audit"]["mode"] == "required"
    assert shown["collections"]["documents"]["sources"][0]["password"] == {"env": "CARE_PASSWORD"}


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ('kind = "spacy"\npath = "m"\nbatchsize = 3', "no option 'batchsize'"),
        ('kind = "nope"', "there is no detector of the name 'nope'"),
        ('kind = "huggingface"', "needs the option 'path'"),
    ],
)
def test_config_check_reads_the_options_of_detectors(ragkit_cli: Any, tmp_path: Path, written: str, said: str) -> None:
    """A misspelt option, an unknown kind and a missing path are found before anything is masked."""
    ragkit_cli("init", ".")
    file = tmp_path / "ragkit.toml"
    file.write_text(file.read_text() + f"\n[detectors.ours]\n{written}\n")
    done = ragkit_cli("config", "check")
    assert done.exit_code == 2
    assert said in done.stderr


def test_without_a_workspace_the_remedy_is_init(ragkit_cli: Any) -> None:
    """Every verb that needs a workspace says how to make one."""
    for verb in (["config", "check"], ["sync"], ["status"], ["ask", "why?"]):
        done = ragkit_cli(*verb)
        assert done.exit_code == 2, verb
        assert "ragkit init" in done.stderr


def test_doctor_tells_what_is_wrong(ragkit_cli: Any, standin: Any) -> None:
    """Status 0 when all is well, 1 with the remedy when not; JSON holds the same."""
    assert ragkit_cli("doctor").exit_code == 0
    standin.checks.append(Check("index of care", ok=False, detail="condemned", remedy="Run `ragkit rebuild`."))
    done = ragkit_cli("doctor")
    assert done.exit_code == 1
    assert "ragkit rebuild" in done.stdout
    found = json.loads(ragkit_cli("doctor", "--json").stdout)
    assert (found["ragkit"], found["ok"]) == ("doctor/1", False)
    assert [check["name"] for check in found["checks"]] == ["encoder", "index of care"]


def test_doctor_finds_that_the_workspace_does_not_open(ragkit_cli: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong key is itself the finding, with its remedy, in text and JSON."""

    def refuse(_path: Path) -> None:
        raise KeyMismatch("the key does not open it", remedy="Restore the key.")

    monkeypatch.setattr("ragkit.open_workspace", refuse)
    done = ragkit_cli("doctor", "--json")
    assert done.exit_code == 1
    assert json.loads(done.stdout)["checks"][0]["remedy"] == "Restore the key."


def test_models_are_verified_without_a_workspace(ragkit_cli: Any) -> None:
    """The bundled encoder's files match the pinned hashes."""
    done = ragkit_cli("models", "verify", "--json")
    found = json.loads(done.stdout)
    assert done.exit_code == 0
    assert found["ok"]
    assert "MiniLM" in found["checks"][0]["name"]


def test_a_model_folder_that_is_none_is_told(ragkit_cli: Any, tmp_path: Path) -> None:
    """The configured folder is checked, as seen from the workspace."""
    ragkit_cli("init", ".")
    file = tmp_path / "ragkit.toml"
    file.write_text(file.read_text().replace("[embedder]", '[embedder]\nmodel = "documents"'))
    done = ragkit_cli("models", "verify")
    assert done.exit_code == 1
    assert "modules.json" in done.stdout
