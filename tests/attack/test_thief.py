"""The thief works from files alone, without a key, and tells what stands in clear."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from ragkit.attack.inventory import inventory
from ragkit.attack.loot import steal
from ragkit.attack.people import KnownPerson
from ragkit.attack.thief import send_thief
from ragkit.errors import EvaluationError, KeyMismatch
from ragkit.testing.light import LightIngest

TEXTS = {f"file-{name}.txt": f"{name} works here.\n\n{name} asked for leave." for name in ("Ada", "Grace", "Edsger")}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A data directory with three documents, closed."""
    light = LightIngest(tmp_path, words=["Ada", "Grace", "Edsger"])
    light.sync(TEXTS)
    light.database.close()
    with sqlite3.connect(tmp_path / "records.db") as connection:  # the light masker notes no mentions: each its own
        macs = [mac for (mac,) in connection.execute("SELECT value_mac FROM vault")]
        versions = [version for (version,) in connection.execute("SELECT version_id FROM versions")]
        rows = [(int.from_bytes(mac[:8], "big", signed=True), 1, one) for mac, one in zip(macs, versions, strict=True)]
        connection.executemany("INSERT INTO mentions VALUES (?, ?, ?)", rows)
    connection.close()
    return tmp_path


def test_the_loot_is_documents_vectors_and_numbers(folder: Path) -> None:
    """Six chunks of three documents, and which of them mention the same value."""
    loot = steal(folder)
    assert len(loot.documents) == 3
    assert loot.vectors.shape == (6, 16)
    assert sorted(loot.chunk_documents.tolist()) == [0, 0, 1, 1, 2, 2]
    assert len(loot.numbers) >= 3


def test_nothing_of_the_text_is_in_the_loot(folder: Path) -> None:
    """Neither names nor other words stand in any column."""
    loot = steal(folder)
    columns = repr((loot.documents, loot.numbers.labels, loot.values))
    assert not any(word in columns for word in ("Ada", "Grace", "works", "leave"))
    raw = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
    assert not any(word in raw for word in (b"Ada", b"Grace", b"asked for leave"))


def test_the_thief_has_no_key_and_no_code_that_could_use_one(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A key of the environment is not passed on, and the process loads nothing that opens seals."""
    monkeypatch.setenv("RAGKIT_ROOT_KEY", "c2VjcmV0")
    import ragkit.attack.thief as thief

    assert "RAGKIT_ROOT_KEY" not in thief._PASSED_ON
    loads = (
        "import ragkit.attack.thief, sys; "
        "print([name for name in sys.modules if name in ('cryptography', 'ragkit.crypto', 'ragkit.rootkey', "
        "'ragkit.workspace', 'ragkit.handles', 'ragkit.config') or name.startswith('ragkit.store')])"
    )
    found = subprocess.run([sys.executable, "-c", loads], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
    del folder


def test_what_is_sealed_does_not_open_without_the_key(folder: Path) -> None:
    """Tried on the real columns, by who has the library and any other key."""
    from ragkit.crypto import new_key, unseal

    with sqlite3.connect(folder / "records.db") as connection:
        (wrapped, sealed) = connection.execute(
            "SELECT versions.wrapped_key, bodies.sealed FROM bodies JOIN versions USING (version_id)"
        ).fetchone()
    for raw in (wrapped, sealed):
        with pytest.raises(KeyMismatch):
            unseal(new_key(), raw, bound_to="chunk")


def test_the_child_answers_with_ids_and_positions_only(folder: Path) -> None:
    """A guess a person; the attacks that a workspace without an index does not allow are left out."""
    people = [KnownPerson("Ada Lovelace", {"city": "London"}), KnownPerson("Grace Hopper")]
    haul = send_thief(folder, people, collection="default")
    assert set(haul.documents) == set(steal(folder).documents)
    assert {"sizes", "numbers"} <= set(haul.guesses)
    assert "vectors" not in haul.guesses
    assert [one.person for one in haul.guesses["sizes"]] == [0, 1]


def test_a_folder_without_a_store_is_refused_without_its_name(tmp_path: Path) -> None:
    """Also by the child."""
    for attempt in (lambda: steal(tmp_path / "ana"), lambda: send_thief(tmp_path / "ana", [], collection="x")):
        with pytest.raises(EvaluationError) as refused:
            attempt()
        assert "ana" not in str(refused.value)


def test_the_inventory_needs_no_key_and_changes_nothing(folder: Path) -> None:
    """What it lists are counts; the files are as they were."""
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file() and "-shm" not in path.name}
    found = {one.where: one.count for one in inventory(folder)}
    assert found["versions"] == 3
    assert found["bodies"] == 6
    assert found["mentions"] >= 3
    assert {path: path.read_bytes() for path in before} == before


def test_deleted_pages_are_looked_at(folder: Path) -> None:
    """A store that does not overwrite what it deletes is found out; ragkit's own overwrites."""
    light = LightIngest(folder, words=["Ada"])
    light.store.writer("list").remove(list(steal(folder).documents))
    light.database.close()
    assert not any("free pages" in one.where for one in inventory(folder))
    with sqlite3.connect(folder / "records.db") as connection:
        connection.execute("PRAGMA secure_delete = OFF")
        connection.execute("CREATE TABLE left_over (raw BLOB)")
        connection.execute("INSERT INTO left_over VALUES (?)", (b"secret" * 20_000,))
        connection.commit()
        connection.execute("DROP TABLE left_over")
    connection.close()
    assert any(one.where == "records.db, free pages" for one in inventory(folder))


def test_the_order_is_not_on_a_command_line(folder: Path) -> None:
    """Names go through a pipe: another user of the machine sees the command, and it is the same for every list."""
    from ragkit.attack import thief

    answer = subprocess.run(
        [sys.executable, "-m", thief.__name__],
        input=json.dumps(
            {"folder": str(folder), "collection": "", "attacks": ["sizes"], "model": "", "threads": 1, "seed": 0,
             "known": [], "people": [["Ada", {}], ["Bo", {}]]}
        ),
        capture_output=True, text=True, check=True, env={"PATH": os.environ["PATH"]},
    )  # fmt: skip
    assert json.loads(answer.stdout)["guesses"]["sizes"]
    assert "Ada" not in answer.stdout
