"""A source added to ragkit.toml: the rest of the file stays as it is, whatever stands in it."""

from __future__ import annotations

import os
import stat
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragkit.config_adding import read_value, replace_file, toml_value, with_source
from ragkit.errors import ConfigError

NEW = {"connector": "files", "name": "new", "path": "docs"}
BASE = """# Ana's workspace
[workspace]
name = "w"   # the name

[collections.shop]
access = ["u:local|ana"]

[[collections.shop.sources]]   # the handbook
connector = "files"
name = "old"
path = 'C:\\docs'

# what comes after
[collections.other]
access = []

[serve]
port = 0
"""


def test_it_comes_behind_the_sources_there_are() -> None:
    """Every line stays, in order; the new table stands before the comment of the next one."""
    made = with_source(BASE, "shop", NEW)
    assert [line for line in made.splitlines() if line in BASE.splitlines()] != []
    kept = iter(made.splitlines())
    assert all(line in kept for line in BASE.splitlines() if line), "a line was lost or moved"
    assert made.index('name = "old"') < made.index('name = "new"') < made.index("# what comes after")
    assert tomllib.loads(made)["collections"]["shop"]["sources"][1] == NEW


def test_a_collection_without_sources_gets_its_first() -> None:
    """Behind its own table, before the next one."""
    made = with_source(BASE, "other", NEW)
    assert made.index("[collections.other]") < made.index('name = "new"') < made.index("[serve]")


@pytest.mark.parametrize(
    "text",
    [
        '[collections]\nshop = { access = ["pub"] }\n',
        '[collections.shop]\naccess = ["pub"]\nsources = [{ connector = "files", name = "a" }]\n',
    ],
)
def test_where_nothing_can_be_added_it_says_so(text: str) -> None:
    """Tables on one line are closed: nothing is guessed."""
    with pytest.raises(ConfigError, match="nothing can be added") as refused:
        with_source(text, "shop", NEW)
    assert "[[collections.shop.sources]]" in refused.value.remedy


@pytest.mark.parametrize(
    "text",
    [
        '[collections.shop]\naccess = ["pub"]\nabout = """\n[serve]\n"""\n',
        '[collections."shop"]\naccess = ["pub"]',
        '[collections.shop]\naccess = ["pub"]\n[collections.shop.more]\n[serve]\n[collections.b]\naccess = []\n',
        '[ collections . shop ]\r\naccess = ["pub"]\r\n',
    ],
)
def test_odd_files_are_added_to_all_the_same(text: str) -> None:
    """A header within a text, quotes, a last line without an end, spaces, another line end: what is read is right."""
    before = tomllib.loads(text)
    after = tomllib.loads(with_source(text, "shop", NEW))
    assert after["collections"]["shop"].pop("sources") == [NEW]
    assert after == before


def test_there_must_be_such_a_collection() -> None:
    """A typing mistake makes no collection."""
    with pytest.raises(ConfigError, match="no such collection"):
        with_source(BASE, "shopp", NEW)


VALUES: Any = st.recursive(
    st.booleans() | st.integers(-(2**60), 2**60) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)


@given(key=st.text(), value=VALUES)
def test_every_value_is_read_back(key: str, value: Any) -> None:
    """Quotes, controls, other planes, tables in lists: no value can break out of its line."""
    written = toml_value({key: value})
    assert "\n" not in written
    assert tomllib.loads(f"value = {written}")["value"] == {key: value}


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("docs", "docs"),
        ("true", True),
        ("50", 50),
        ('"50"', "50"),
        ('["*.md", "*.txt"]', ["*.md", "*.txt"]),
        ("2026-11-23", "2026-11-23"),
        ("https://wiki.example/a?b=c", "https://wiki.example/a?b=c"),
        ('1\nadmin = "x"', '1\nadmin = "x"'),
        ("", ""),
    ],
)
def test_an_option_means_what_toml_says_or_itself(written: str, meant: Any) -> None:
    """Numbers and lists are such; everything else is text, also what would be a second line."""
    assert read_value(written) == meant


def test_the_file_is_replaced_whole_with_its_mode(tmp_path: Path) -> None:
    """Through a link, with the mode it had; nothing is left beside it; one that changed meanwhile stays as it is."""
    real, link = tmp_path / "real.toml", tmp_path / "ragkit.toml"
    real.write_text("a")
    real.chmod(0o640)
    link.symlink_to(real)
    replace_file(link, "a", "b")
    assert (real.read_text(), stat.S_IMODE(real.stat().st_mode), link.is_symlink()) == ("b", 0o640, True)
    with pytest.raises(ConfigError, match="changed meanwhile"):
        replace_file(link, "a", "c")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ragkit.toml", "real.toml"]
    assert real.read_text() == "b"


def test_the_file_keeps_its_owner_and_its_mode_whatever_the_umask(tmp_path: Path) -> None:
    """Root's change leaves the service's file readable to the service; a group that may write it still may."""
    real = tmp_path / "ragkit.toml"
    real.write_text("a")
    real.chmod(0o660)
    if os.geteuid() == 0:
        os.chown(real, 65534, 65534)
    was, umask = real.stat(), os.umask(0o077)
    try:
        replace_file(real, "a", "b")
    finally:
        os.umask(umask)
    now = real.stat()
    assert (now.st_uid, now.st_gid, now.st_mode) == (was.st_uid, was.st_gid, was.st_mode)


def test_what_is_not_utf8_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    """An argument in another encoding, as Python hands it over."""
    real = tmp_path / "ragkit.toml"
    real.write_text("a")
    with pytest.raises(ConfigError, match="not UTF-8"):
        replace_file(real, "a", "caf\udce9")
    assert [path.name for path in tmp_path.iterdir()] == ["ragkit.toml"]
