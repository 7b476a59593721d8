"""Which values stand where, as the vault is asked by a question: live documents and their readers only."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from sqlalchemy import text

from ragkit.errors import ItemError
from ragkit.store.access import class_number
from ragkit.store.migrations import MIGRATIONS, upgrade
from ragkit.store.schema import mentions, vault, vault_names
from ragkit.testing.light import ANA, BEN, LightIngest
from ragkit.testing.served_store import only_sqlite
from ragkit.testing.stages import text_item
from ragkit.testing.word_masker import WordMasker
from ragkit.types import Document, MaskedDocument, VaultRow

SHARED = 7


class Mentioning(WordMasker):
    """Mentions the length of a document's text, a number that all share, and one below zero."""

    def mask(self, documents: list[Document]) -> list[MaskedDocument | ItemError]:  # type: ignore[override]
        return [
            replace(masked, mentions=frozenset({len(document.text), SHARED, -(2**63)}))  # type: ignore[type-var]
            for document, masked in zip(documents, super().mask(documents), strict=True)
        ]


def mentioning(light: LightIngest) -> LightIngest:
    """The same ingest with a masker that mentions."""
    light.masker = Mentioning([], light.store.vault(), light.collection.keys)
    return light


def seen(light: LightIngest, numbers: set[int], principal: object) -> set[int]:
    """What one of them reads of."""
    table = light.store.vault()
    return table.seen(sorted(numbers), table.classes_for(principal))  # type: ignore[arg-type]


def test_each_reads_of_their_own(light: LightIngest) -> None:
    """A number is seen by who may read a document that mentions it; any signed 64-bit number will do."""
    light = mentioning(light)
    ana, ben = (frozenset({f"u:{one.subject}"}) for one in (ANA, BEN))
    light.sync({"a": text_item("a", "12345678", access=ana), "b": text_item("b", "123456789", access=ben)})
    asked = {8, 9, 10, SHARED, -(2**63)}
    assert seen(light, asked, ANA) == {8, SHARED, -(2**63)}
    assert seen(light, asked, BEN) == {9, SHARED, -(2**63)}
    assert light.store.vault().seen([8], ()) == set()


def test_an_update_forgets_what_the_old_version_mentioned(light: LightIngest) -> None:
    """So do a deletion, of a large document too, and a change of readers for those who lost it."""
    light = mentioning(light)
    long = "word\n\n" * 400
    light.sync({"a": "12345678", "b": long})
    assert seen(light, {8, len(long)}, ANA) == {8, len(long)}
    light.sync({"a": "123", "b": long})
    assert seen(light, {3, 8}, ANA) == {3}
    light.sync({"a": text_item("a", "123", access=frozenset({f"u:{BEN.subject}"})), "b": long})
    assert (seen(light, {3}, ANA), seen(light, {3}, BEN)) == (set(), {3})
    light.options["max_delete_share"] = 1.0
    light.sync({"c": "1"})
    assert seen(light, {3, len(long), SHARED}, BEN) == set()
    with light.database.read() as connection:
        assert len(connection.execute(mentions.select()).all()) == 3


def test_who_is_in_very_many_classes_reads_of_the_same(light: LightIngest) -> None:
    """Above the limit the look-up goes the other way round."""
    light = mentioning(light)
    light.sync({"a": "12345678"})
    table = light.store.vault()
    classes = table.classes_for(ANA)
    many = {*classes, *(class_number(str(number)) for number in range(600))}
    assert table.seen([8, 9], many) == {8}
    assert table.seen([8, 9], many - classes) == set()


def test_names_find_their_rows(light: LightIngest) -> None:
    """At most as many as asked for; they go with the row."""
    table = light.store.vault()
    rows = [
        VaultRow(
            value_mac=bytes([n]) * 32,
            kind="value",
            entity_type="PERSON",
            token=f"T{n}",
            surrogate_mac=bytes([n]) * 32,
            sealed_surrogate=b"s",
            sealed_value=b"v",
            wrapped_key=b"k",
            names=(1, n, -n, n),
        )
        for n in range(2, 7)
    ]
    table.insert(rows[:3])
    table.insert(rows[3:])
    assert [row.token for row in table.named(-3, 9)] == ["T3"]
    assert len(table.named(1, 9)) == 5
    assert len(table.named(1, 2)) == 2
    with light.database.write() as connection:
        connection.execute(vault.delete().where(vault.c.token == "T3"))
    assert table.named(-3, 9) == []
    with light.database.read() as connection:
        assert len(connection.execute(vault_names.select()).all()) == 12


@only_sqlite
def test_a_vault_of_the_first_schema_keeps_its_rows(tmp_path: Path) -> None:
    """The migration copies them, in order."""
    light = LightIngest(tmp_path)
    with light.database.write() as connection:
        for table in ("vault_names", "vault", "mentions", "links", "past_chunks", "past_mentions", "periods", "fates"):
            connection.execute(text(f"DROP TABLE {table}"))
        for column in ("key_form", "kept_since"):
            connection.execute(text(f"ALTER TABLE collections DROP COLUMN {column}"))
        connection.execute(text("ALTER TABLE documents DROP COLUMN valid_from"))
        connection.execute(text("ALTER TABLE sources DROP COLUMN trust"))
        connection.execute(text("DROP INDEX ix_items_body"))
        for column in ("indexed_at", "sealed_dates", "version_mac", "body_mac", "came_pass"):
            connection.execute(text(f"ALTER TABLE items DROP COLUMN {column}"))
        connection.execute(text("DELETE FROM migrations WHERE number > 1"))
        create = next(one for one in MIGRATIONS[0].statements if "CREATE TABLE vault" in one)
        connection.execute(text(create))
        for number in (2, 1):
            connection.execute(
                text(f"INSERT INTO vault VALUES (:c, :m, 'value', 'PERSON', 'T{number}', :m, 's', 'v', X'6b')"),
                {"c": light.collection.id, "m": bytes([number]) * 32},
            )
    assert upgrade(light.database) == [step.number for step in MIGRATIONS[1:]]
    assert set(light.store.vault().by_token(["T1", "T2"])) == {"T1", "T2"}
    light.database.close()
