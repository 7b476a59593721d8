"""Look-ups by number: what they find, and that each descends an index."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import text

from ragkit import crypto
from ragkit.store import subjectrows
from ragkit.store.dialect_words import Worded
from ragkit.store.schema import links, mentions, vault
from ragkit.store.subjectrows import Group, SubjectRows
from ragkit.testing.light import LightIngest
from ragkit.testing.served_store import only_sqlite


@pytest.fixture
def light(tmp_path):
    """Two documents and nothing in the vault."""
    light = LightIngest(tmp_path)
    light.sync({"a.txt": "One.", "b.txt": "Two."})
    return light


def versions(light: LightIngest) -> list[int]:
    """The answering versions."""
    with light.database.read() as connection:
        return list(connection.execute(text("SELECT version_id FROM documents ORDER BY version_id")).scalars())


def put_value(light: LightIngest, mac: bytes, *, kind: str = "value", collection: str | None = None) -> None:
    """Put a row into the vault."""
    with light.database.write() as connection:
        connection.execute(
            vault.insert(),
            {"collection_id": collection or light.collection.id, "value_mac": mac, "kind": kind,
             "entity_type": "PERSON", "token": mac.hex()[:12], "surrogate_mac": mac, "sealed_surrogate": b"",
             "sealed_value": b"", "wrapped_key": b""},
        )  # fmt: skip


def test_a_number_is_the_first_eight_bytes_of_a_row(light) -> None:
    """Negative numbers too, the edges of the range, and only whole values of this collection."""
    macs = [bytes([first]) * 8 + tail * 24 for first in (0, 127, 128, 255) for tail in (b"\x00", b"\xff")][::2]
    for mac in macs:
        put_value(light, mac)
    put_value(light, b"\x07" * 32, kind="component")
    rows = SubjectRows(light.database, light.collection)
    numbers = [crypto.key_number(mac) for mac in macs]
    found = rows.values([*numbers, crypto.key_number(b"\x07" * 32), 42])
    assert {number: row.value_mac for number, row in found.items()} == dict(zip(numbers, macs, strict=True))
    assert rows.types() == ["PERSON"]
    assert len(rows.values(range(5_000))) == 1  # many at once; 0 is one of them


def test_groups_and_documents_of_a_number(light) -> None:
    """Members, documents that answer, and limits."""
    one, two = versions(light)
    with light.database.write() as connection:
        groups = [(1, one, 0), (2, one, 0), (1, one, 1), (3, one, 1), (1, two, 0), (4, two, 0)]
        connection.execute(links.insert(), [{"key": k, "version_id": v, "person": p} for k, v, p in groups])
        held = [(1, one), (2, one), (3, one), (1, two), (4, two)]
        connection.execute(mentions.insert(), [{"key": k, "class_number": 7, "version_id": v} for k, v in held])
    rows = SubjectRows(light.database, light.collection)
    assert rows.groups_of([1, 2, 9], limit=10) == {
        1: [Group(one, 0), Group(one, 1), Group(two, 0)],
        2: [Group(one, 0)],
        9: [],
    }
    assert len(rows.groups_of([1], limit=2)[1]) == 2
    assert rows.members([Group(one, 1), Group(two, 0)]) == {Group(one, 1): {1, 3}, Group(two, 0): {1, 4}}
    assert rows.documents_of([1, 3], limit=100) == {one: {1, 3}, two: {1}}
    assert sorted(rows.numbers_in(one)) == [1, 2, 3]
    places = rows.places([one, two, 999])
    names = light.store.native_ids([place.doc_id for place in places.values()])
    assert sorted(names.values()) == ["a.txt", "b.txt"]
    light.sync({"a.txt": "One."})
    assert rows.places([one, two]).keys() == {one}
    assert rows.documents_of([4], limit=100) == {}


@only_sqlite
@pytest.mark.parametrize(
    ("query", "given"),
    [
        (subjectrows.GROUPS_OF, {"key": 1, "limit": 5}),
        (subjectrows.MEMBERS_OF, {"versions": json.dumps([1])}),
        (subjectrows.DOCUMENTS_OF, {"numbers": json.dumps([1]), "limit": 5}),
        (subjectrows.NUMBERS_IN, {"version": 1}),
        (subjectrows.VERSIONS, {"versions": json.dumps([1]), "collection": "c"}),
        (subjectrows.ROWS_OF.format("(:l0, :h0)"), {"l0": b"", "h0": b"", "collection": "c"}),
    ],
)
def test_every_look_up_descends_an_index(light, query, given) -> None:
    """No table of the store is scanned."""
    with light.database.read() as connection:
        plan = [row[-1] for row in connection.execute(Worded("EXPLAIN QUERY PLAN " + query), given)]
    assert any(step.startswith("SEARCH") for step in plan)
    scanned = [step for step in plan if step.startswith("SCAN") and "wanted" not in step and "CONSTANT" not in step]
    assert not scanned, plan
