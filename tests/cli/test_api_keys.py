"""``ragkit keys``: what is printed, to whom, and what is kept."""

from __future__ import annotations

import base64
import json
import re
import time
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from ragkit import Principal, open_workspace
from ragkit.auth.keys import NewKey
from ragkit.auth.keystore import KEY, KeyRecord
from ragkit.cli.main import app
from ragkit.errors import AccessDenied, ConfigError
from ragkit.testing.light import ROOT_KEY, LightIngest

STAFF = ("--subject", "crm|galina.yalmanova", "--group", "crm|staff", "--group", "crm|sales")


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """A workspace, synced by light stages, with its root key beside it."""
    folder = tmp_path / "here"
    (folder / ".ragkit").mkdir(mode=0o700, parents=True)
    (folder / "ragkit.toml").write_text(
        f'[workspace]\nname = "a"\nowner = "local|ana"\nid = "abc"\n[keys]\npath = "{tmp_path}/root.key"\n'
        "[collections.care]\naccess = []\n"
    )
    light = LightIngest(folder / ".ragkit", name="care")
    light.sync({"a": "A lamp."})
    light.database.close()
    (tmp_path / "root.key").touch(mode=0o600)
    (tmp_path / "root.key").write_text(base64.b64encode(ROOT_KEY).decode())
    return folder


@pytest.fixture
def keys(here: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs a verb of ``ragkit keys`` in the workspace."""
    monkeypatch.setenv("COLUMNS", "220")

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(app, ["keys", *arguments, "--workspace", str(here)])

    return run


def record_of(here: Path, key: str) -> KeyRecord | None:
    """What a service would find for a key."""
    with open_workspace(here) as workspace:
        gate = workspace.api_keys.gate("a")
        try:
            return gate.keys.check(key.strip())
        finally:
            gate.close()


def test_a_key_is_printed_alone_so_that_it_can_be_piped(keys: Any, here: Path) -> None:
    """On standard output the key and a line end; what is said of it goes elsewhere."""
    done = keys("create", *STAFF, "--scope", "search", "--scope", "ask", "--expires", "30d", "--name", "her laptop")
    assert done.exit_code == 0, done.stderr
    assert KEY.fullmatch(done.stdout.removesuffix("\n"))
    found = record_of(here, done.stdout)
    assert found is not None
    assert found.id in done.stderr
    assert (found.subject, found.groups) == ("crm|galina.yalmanova", {"crm|staff", "crm|sales"})
    assert (found.scopes, found.name) == ({"search", "ask"}, "her laptop")
    assert found.expires is not None
    assert abs(found.expires - time.time() - 30 * 86_400) < 60


def test_it_is_said_at_once_what_a_key_cannot_see_and_how_to_let_it(keys: Any, here: Path) -> None:
    """A scope stands in for no access list and no role; who reads a refusal later is not who can mend it."""
    blind = keys("create", "--subject", "crm|bo", "--group", "crm|staff")
    assert 'names "g:crm|staff" or "u:crm|bo"' in blind.stderr
    blind = keys("create", "--subject", "crm|bo", "--scope", "operate")
    assert 'operators = ["u:local|ana", "u:crm|bo"]' in blind.stderr
    assert "access" not in blind.stderr
    written = (here / "ragkit.toml").read_text().replace("access = []", 'access = ["g:crm|staff"]')
    (here / "ragkit.toml").write_text(written + '[roles]\noperators = ["u:local|ana", "u:crm|bo"]\n')
    for scopes in (("search",), ("operate",), ("agent",)):
        seeing = keys("create", "--subject", "crm|bo", "--group", "crm|staff", "--scope", *scopes)
        assert seeing.exit_code == 0
        assert seeing.stderr.count("\n") == 1, seeing.stderr


def test_the_defaults_are_those_of_a_reader_for_90_days(keys: Any, here: Path) -> None:
    """Nothing that writes, operates or reveals."""
    found = record_of(here, keys("create", "--subject", "crm|bo").stdout)
    assert found is not None
    assert found.scopes == {"search", "ask", "feedback", "documents.read"}
    assert found.expires is not None
    assert found.expires - found.created == 90 * 86_400


def test_listing_shows_everything_but_the_key(keys: Any) -> None:
    """For people and as JSON."""
    key = keys("create", *STAFF).stdout.strip()
    shown, told = keys("list").stdout, json.loads(keys("list", "--json").stdout)
    assert "crm|galina.yalmanova" in shown
    assert key[20:] not in shown + json.dumps(told)
    (one,) = told["keys"]
    assert (one["state"], one["subject"], one["groups"]) == (
        "valid",
        "crm|galina.yalmanova",
        ["crm|sales", "crm|staff"],
    )
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", one["expires"])


def test_nothing_is_there_before_the_first_key(keys: Any, here: Path) -> None:
    """And listing makes no file."""
    assert "no API key" in keys("list").stdout
    assert json.loads(keys("list", "--json").stdout)["keys"] == []
    assert not (here / ".ragkit" / "callers.db").exists()


def test_a_revoked_key_is_listed_as_such_until_it_is_pruned(keys: Any, here: Path) -> None:
    """Revoking twice is no error; an id that is not there is one."""
    key = keys("create", "--subject", "crm|bo").stdout.strip()
    number = key[3:19]
    assert keys("revoke", number).exit_code == 0
    assert json.loads(keys("revoke", number, "--json").stdout)["record"]["state"] == "revoked"
    assert (found := record_of(here, key)) is not None
    assert not found.alive(time.time())
    assert keys("revoke", "a" * 16).exit_code == 2
    assert json.loads(keys("prune", "--json").stdout)["removed"] == 0
    assert json.loads(keys("prune", "--days", "0", "--json").stdout)["removed"] == 1
    assert record_of(here, key) is None


def test_rotating_gives_the_same_rights_and_a_time_to_change(keys: Any, here: Path) -> None:
    """The old one ends after its overlap, or sooner where it would anyhow."""
    old = keys("create", *STAFF, "--scope", "ask", "--expires", "10d").stdout.strip()
    new = keys("rotate", old[3:19], "--overlap-hours", "2").stdout.strip()
    before, after = record_of(here, old), record_of(here, new)
    assert before is not None
    assert after is not None
    assert (after.subject, after.groups, after.scopes) == (before.subject, before.groups, before.scopes)
    assert after.replaced == before.id
    assert before.expires is not None
    assert after.expires is not None
    assert abs(before.expires - time.time() - 7200) < 60
    assert after.expires - after.created == 10 * 86_400
    assert keys("rotate", old[3:19], "--expires", "never").exit_code == 2
    again = json.loads(keys("rotate", new[3:19], "--overlap-hours", "0", "--json").stdout)
    assert (ended := record_of(here, new)) is not None
    assert ended.revoked is not None
    assert record_of(here, again["key"]) is not None
    assert keys("rotate", new[3:19]).exit_code == 2


@pytest.mark.parametrize("wrong", [
    ("--subject", "ana"), ("--subject", "|ana"), ("--subject", "crm|"), ("--subject", "crm|a\nb"),
    ("--subject", "chat|visitor"), ("--subject", "crm|a", "--group", "staff"), ("--subject", "crm|a", "--scope", "all"),
    ("--subject", "crm|a", "--expires", "never"), ("--subject", "crm|a", "--expires", "0d"),
    ("--subject", "crm|a", "--expires", "4000d"), ("--subject", "crm|a", "--expires", "soon"),
    ("--subject", "crm|a", "--name", "x" * 121), ("--subject", "crm|a", "--name", "two\nlines"),
])  # fmt: skip
def test_what_is_no_key_is_refused_with_a_remedy(keys: Any, here: Path, wrong: tuple[str, ...]) -> None:
    """And nothing is kept."""
    done = keys("create", *wrong)
    assert done.exit_code == 2
    assert "try: " in done.stderr
    assert done.stdout == ""
    assert not (here / ".ragkit" / "callers.db").exists()


def test_a_key_without_an_end_is_asked_for_by_its_name(keys: Any, here: Path) -> None:
    """The danger is in the option."""
    found = record_of(here, keys("create", "--subject", "crm|a", "--expires", "never", "--unsafe-no-expiry").stdout)
    assert found is not None
    assert found.expires is None


def test_events_tell_which_key_and_not_whose(keys: Any, here: Path) -> None:
    """Made and revoked, durably, with the id, the scopes and keyed hashes."""
    key = keys("create", *STAFF, "--name", "her laptop").stdout.strip()
    keys("revoke", key[3:19])
    raw = b"".join(path.read_bytes() for path in sorted((here / ".ragkit" / "events").glob("*.jsonl")))
    told = [json.loads(line) for line in raw.splitlines()]
    made, ended = (next(one for one in told if one["type"] == f"caller.key.{kind}") for kind in ("created", "revoked"))
    assert made["data"]["key"] == ended["data"]["key"] == key[3:19]
    assert made["data"]["seconds"] == 90 * 86_400
    assert made["data"]["holder"].startswith("h:")
    for secret in (key[20:], "galina", "her laptop", "crm|"):
        assert secret.encode() not in raw


def test_no_key_breaks_when_the_root_key_changes(keys: Any, here: Path) -> None:
    """Keys are hashed under a secret of the workspace, which goes on."""
    key = keys("create", *STAFF).stdout.strip()
    with open_workspace(here) as workspace:
        workspace.keys.rotate()
        assert workspace.api_keys.list()[0].id == key[3:19]
    found = record_of(here, key)
    assert found is not None
    assert found.subject == "crm|galina.yalmanova"


def test_keys_can_be_made_before_the_first_sync(tmp_path: Path, here: Path) -> None:
    """A new workspace has no key file yet; the key still opens after the first sync made one."""
    fresh = tmp_path / "fresh"
    fresh.mkdir()
    (fresh / "ragkit.toml").write_text((here / "ragkit.toml").read_text())
    with open_workspace(fresh) as workspace:
        made = workspace.api_keys.create("crm|bo")
    light = LightIngest(fresh / ".ragkit", name="care")
    light.sync({"a": "A lamp."})
    light.database.close()
    assert record_of(fresh, made.key) is not None


def test_who_is_no_operator_makes_and_sees_no_key(here: Path) -> None:
    """Every method."""
    eve = Principal("crm|eve")
    with open_workspace(here) as workspace:
        made = workspace.api_keys.create("crm|bo")
        for refused in (
            lambda: workspace.api_keys.create("crm|eve", principal=eve),
            lambda: workspace.api_keys.list(principal=eve),
            lambda: workspace.api_keys.revoke(made.record.id, principal=eve),
            lambda: workspace.api_keys.rotate(made.record.id, principal=eve),
            lambda: workspace.api_keys.prune(principal=eve),
        ):
            with pytest.raises(AccessDenied):
                refused()
        assert [one.id for one in workspace.api_keys.list()] == [made.record.id]
        with pytest.raises(ConfigError, match="never expires"):
            workspace.api_keys.create("crm|bo", days=None)


def test_a_new_key_does_not_show_itself(here: Path) -> None:
    """Its repr holds neither key nor name, so that no log of an application has it."""
    with open_workspace(here) as workspace:
        made: NewKey = workspace.api_keys.create("crm|galina.yalmanova", name="her laptop")
    assert made.key not in repr(made)
    assert "galina" not in repr(made)
    assert "laptop" not in repr(made)
