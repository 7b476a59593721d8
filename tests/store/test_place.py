"""Which server the configuration names, and that no password is in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from ragkit.config import parse_config
from ragkit.errors import ConfigError, SecretUnavailable
from ragkit.store.place import has_records, record_server
from ragkit.testing.served_store import only_sqlite

BASE = {"workspace": {"name": "my-shop", "owner": "local|ana"}, "collections": {"default": {"access": []}}}


@only_sqlite
def test_without_a_section_the_records_are_in_a_file(tmp_path: Path) -> None:
    """And a file is looked for."""
    config = parse_config(BASE, folder=tmp_path)
    assert record_server(config) is None
    assert not has_records(config)
    config.data_folder.mkdir()
    (config.data_folder / "records.keys.db").touch()
    assert not has_records(config)
    (config.data_folder / "records.db").touch()
    assert has_records(config)


@only_sqlite
def test_a_url_comes_from_where_it_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Out of a variable, read when it is needed, or written out without a password; the schema is the workspace's."""
    config = parse_config({**BASE, "store": {"url": {"env": "RAGKIT_STORE_URL"}}}, folder=tmp_path)
    with pytest.raises(SecretUnavailable, match="RAGKIT_STORE_URL"):
        record_server(config)
    monkeypatch.setenv("RAGKIT_STORE_URL", "postgresql://ana:open-sesame@db/shop")
    server = record_server(config)
    assert server is not None
    assert "sesame" not in repr(server) + repr(vars(server))
    assert server._schema == "ragkit_my_shop"
    assert not has_records(config)
    config.data_folder.mkdir()
    (config.data_folder / "records.keys.db").touch()
    assert has_records(config)
    plain = {**BASE, "store": {"url": "postgresql://ana@db/shop?sslmode=verify-full", "schema_name": "shop"}}
    server = record_server(parse_config(plain, folder=tmp_path))
    assert server is not None
    assert server._schema == "shop"


@only_sqlite
@pytest.mark.parametrize(
    "store",
    [
        {"url": "postgresql://ana:open-sesame@db/shop"},
        {"url": "postgresql://db/shop?user=ana&password=open-sesame"},
        {"url": {"env": "A", "file": "b"}},
        {"url": {"env": "A"}, "schema_name": 'x"; DROP'},
        {"url": 5},
        {"urls": "postgresql://db/shop"},
    ],
)
def test_what_is_written_wrong_is_refused_unseen(tmp_path: Path, store: dict[str, object]) -> None:
    """A password inline, two places at once, a schema that is no name, a key that nobody reads."""
    with pytest.raises(ConfigError) as refused:
        parse_config({**BASE, "store": store}, folder=tmp_path)
    assert "sesame" not in str(refused.value) + refused.value.remedy
