"""``ragkit key`` on a real workspace, whose store was filled by light stages."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import x25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from typer.testing import CliRunner, Result

from ragkit import crypto, escrow
from ragkit.cli.main import app
from ragkit.testing.light import ROOT_KEY, LightIngest


@pytest.fixture
def key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs a verb of ``ragkit key`` in a workspace."""
    monkeypatch.setitem(escrow._SCRYPT, "n", 2**12)  # quicker than a real one
    here = tmp_path / "here"
    (here / ".ragkit").mkdir(mode=0o700, parents=True)
    (here / "ragkit.toml").write_text(
        f'[workspace]\nname = "a"\nowner = "local|ana"\nid = "abc"\n[keys]\npath = "{tmp_path}/root.key"\n'
        "[collections.care]\naccess = []\n"
    )
    light = LightIngest(here / ".ragkit", words=["Ada"], name="care")
    light.sync({"a": "Ada wrote"})
    light.database.close()
    file = tmp_path / "root.key"
    file.touch(mode=0o600)
    file.write_text(base64.b64encode(ROOT_KEY).decode())

    def run(*arguments: object) -> Result:
        return CliRunner().invoke(app, ["key", *map(str, arguments), "--workspace", str(here)])

    return run


def secret_file(path: Path, text: str) -> Path:
    """A file of mode 0600."""
    path.touch(mode=0o600)
    path.write_text(text)
    return path


def test_show_tells_which_key_and_not_the_key(key: Any) -> None:
    """The check value, counts, dates; the key in no way of writing it."""
    shown = json.loads(key("show", "--json").stdout)
    assert shown["mark"] == crypto.root_mark(ROOT_KEY)
    assert shown["collections"]["care"]["documents"] == 1
    assert shown["collections"]["care"]["values"] == 1
    plain = key("show").stdout
    assert "No escrow was made" in plain
    for secret in (ROOT_KEY.hex(), base64.b64encode(ROOT_KEY).decode()):
        assert secret not in plain + json.dumps(shown)


def test_rotate_asks_before_the_old_key_goes(key: Any, tmp_path: Path) -> None:
    """Without a terminal it wants --yes, or a place for the old key."""
    refused = key("rotate")
    assert refused.exit_code == 2
    assert "--keep-old" in refused.stderr
    done = json.loads(key("rotate", "--yes", "--json").stdout)
    assert (done["scope"], done["generation"], done["finished"]) == ("root", 2, True)
    kept = key("rotate", "--keep-old", tmp_path / "old.key")
    assert "generation 3" in kept.stdout
    assert (tmp_path / "old.key").stat().st_mode & 0o777 == 0o600
    assert "wrapped again" in key("rotate", "--wrapping").stdout
    assert key("rotate", "--wrapping", "--finish").exit_code == 2


def test_escrow_and_recover_by_passphrase(key: Any, tmp_path: Path) -> None:
    """Written once, never over another; wrong words are told with exit status 2."""
    words = secret_file(tmp_path / "words", "correct horse battery staple")
    made = json.loads(key("escrow", tmp_path / "e.json", "--passphrase-file", words, "--json").stdout)
    assert made["files"] == [str(tmp_path / "e.json")]
    assert key("escrow", tmp_path / "e.json", "--passphrase-file", words).exit_code == 2
    assert key("escrow", tmp_path / "f.json").exit_code == 2, "nobody to ask"
    wrong = secret_file(tmp_path / "wrong", "correct horse battery stable")
    (tmp_path / "root.key").unlink()
    refused = key("recover", tmp_path / "e.json", "--passphrase-file", wrong)
    assert refused.exit_code == 2
    assert "does not open this escrow" in refused.stderr
    assert "Root key written" in key("recover", tmp_path / "e.json", "--passphrase-file", words).stdout
    shown = key("show").stdout
    assert "passphrase" in shown


def test_escrow_and_recover_by_officer_and_shares(key: Any, tmp_path: Path) -> None:
    """An officer's private key, and two of three shares."""
    private = x25519.X25519PrivateKey.generate()
    public = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (tmp_path / "public.pem").write_bytes(public)
    (tmp_path / "private.pem").write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    assert key("escrow", tmp_path / "o.json", "--public-key", tmp_path / "public.pem").exit_code == 0
    assert key("escrow", tmp_path, "--shares", "2/3").exit_code == 0
    assert key("escrow", tmp_path, "--shares", "two").exit_code == 2
    shares = sorted(tmp_path.glob("share-*.json"))
    file = tmp_path / "root.key"
    clear = base64.b64decode(file.read_text())
    for given in (["o.json", "--private-key", tmp_path / "private.pem"], shares[:2]):
        file.unlink()
        names = [tmp_path / given[0], *given[1:]]
        assert key("recover", *names).exit_code == 0
        assert base64.b64decode(file.read_text()) == clear
    assert key("recover", shares[0], "--to", tmp_path / "x.key").exit_code == 2
