from __future__ import annotations

import pytest

from ragkit.errors import FilterRefused, KeyMismatch
from ragkit.store.schema import bodies, documents
from ragkit.testing.light import ANA, BEN, LightIngest
from ragkit.testing.served_store import only_sqlite
from ragkit.testing.stages import text_item
from ragkit.types import Hit, Principal

PAGE = "Ada opened the meeting.\n\nGrace read the report.\n\nEverybody left."


def only(light: LightIngest, principal: Principal = ANA) -> list[Hit]:
    """Every hit there is."""
    return light.hits(principal)


def test_a_hit_carries_what_a_reader_needs(light: LightIngest) -> None:
    """Text, place, title, URI, metadata, version and neighbours come back as they were masked."""
    item = text_item("m.txt", PAGE, title="Minutes of Ada", uri="file:Ada/m.txt", metadata={"team": "Ada's"})
    light.sync({"m.txt": item})
    first, second, third = only(light)
    token = first.chunk.record.split(" opened")[0]
    assert token.startswith("[PERSON:")
    assert second.chunk.record.endswith(" read the report.")
    assert (second.before, second.after) == (first.chunk.record, "Everybody left.")
    assert (first.before, third.after) == ("", "")
    assert second.title == f"Minutes of {token}"
    assert second.uri == f"file:{token}/m.txt"
    assert second.metadata == {"team": f"{token}'s"}
    assert (second.version, second.chunk.ordinal) == (1, 1)
    assert PAGE[second.chunk.source_start : second.chunk.source_end] == "Grace read the report."
    assert second.chunk.source_range(0, second.chunk.record.index(" read")) == (25, 30)
    assert second.chunk.index.startswith("Person")
    assert len({hit.doc_id for hit in (first, second, third)}) == 1


def test_nobody_sees_what_the_list_does_not_grant(light: LightIngest) -> None:
    """A chunk shows to holders of a token of its list alone; an empty list is nobody, ``pub`` everybody."""
    light.sync(
        {
            "ana": text_item("ana", "for ana"),
            "team": text_item("team", "for the team", access=frozenset({"g:hr|team", "u:local|ben"})),
            "none": text_item("none", "for nobody", access=frozenset()),
            "all": text_item("all", "for all", access=frozenset({"pub"})),
        }
    )
    member = Principal("local|cem", frozenset({"hr|team"}))
    stranger = Principal("other|ana", frozenset({"crm|team"}))
    assert set(light.texts(ANA)) == {"ana", "all"}
    assert set(light.texts(BEN)) == {"team", "all"}
    assert set(light.texts(member)) == {"team", "all"}
    assert set(light.texts(stranger)) == {"all"}
    source = light.store.hit_source()
    granted = {row.chunk_id for row in light.store.index_source().rows() if row.access_class in source.classes_for(BEN)}
    assert granted == {hit.chunk_id for hit in only(light, BEN)}, "the index's filter agrees with the re-check"
    assert source.classes_for(Principal("x|y")) == source.classes_for(stranger)


def test_the_list_decides_not_the_index(light: LightIngest) -> None:
    """A stale index that still proposes a chunk is overruled by the document's present class."""
    light.sync({"a": "secret plan"})
    (hit,) = only(light)
    light.sync({"a": text_item("a", "secret plan", access=frozenset({"u:local|ben"}))})
    source = light.store.hit_source()
    assert source.hits([hit.chunk_id], principal=ANA) == {}
    assert source.hits([hit.chunk_id], principal=BEN) == {}, "the old number is dead"
    assert light.texts(ANA) == {}
    assert light.texts(BEN) == {"a": ["secret plan"]}
    assert light.embedder.embedded == 1, "nothing was embedded again"


def test_unknown_and_dead_numbers_are_no_hits(light: LightIngest) -> None:
    """Numbers that were never given, or whose document changed or went, are left out; thousands may be asked."""
    light.sync({"a": "one", "b": "two"})
    numbers = [hit.chunk_id for hit in only(light)]
    light.sync({"a": "one, changed"})
    source = light.store.hit_source()
    asked = [*numbers, *range(5_000, 45_000)]
    assert source.hits(asked, principal=ANA) == {}
    assert source.hits([], principal=ANA) == {}


def test_filters_match_whitelisted_keys(light: LightIngest) -> None:
    """A filter narrows to documents with that value; case and outer blanks do not count; several must all match."""
    light.options["filter_keys"] = ["lang", "year"]
    light.sync(
        {
            "a": text_item("a", "eins", metadata={"lang": "DE", "year": "2025", "owner": "x"}),
            "b": text_item("b", "one", metadata={"lang": "en", "year": "2025"}),
            "c": text_item("c", "no metadata"),
        }
    )
    source = light.store.hit_source(filter_keys=["lang", "year"])
    numbers = [hit.chunk_id for hit in only(light)]

    def found(**filters: str) -> set[str]:
        hits = source.hits(numbers, principal=ANA, filters=filters)
        assert source.filtered_ids(filters, principal=ANA) == frozenset(hits)
        return {str(hit.chunk.record) for hit in hits.values()}

    assert found(lang=" de ") == {"eins"}
    assert found(year="2025") == {"eins", "one"}
    assert found(year="2025", lang="en") == {"one"}
    assert found(lang="fr") == set()
    assert source.filtered_ids({"year": "2025"}, principal=BEN) == frozenset()


@pytest.mark.parametrize("filters", [{}, {"lang": ""}, {"lang": "  "}, {"owner": "x"}, {"lang": "de", "1=1--": "x"}])
def test_empty_and_unknown_filters_are_refused(light: LightIngest, filters: dict[str, str]) -> None:
    """An empty filter or an unlisted key is an error, never "everything"."""
    source = light.store.hit_source(filter_keys=["lang"])
    with pytest.raises(FilterRefused) as refused:
        source.hits([1], principal=ANA, filters=filters)
    assert "1=1" not in str(refused.value) + refused.value.remedy
    with pytest.raises(FilterRefused):
        source.filtered_ids(filters, principal=ANA)


def test_a_filter_that_matches_too_much_is_not_listed(light: LightIngest) -> None:
    """Above its limit filtered_ids says None, and the caller filters afterwards."""
    from ragkit.store.hits import CheckedHits

    light.options["filter_keys"] = ["lang"]
    light.sync({name: text_item(name, f"text {name}", metadata={"lang": "de"}) for name in "abc"})
    few = CheckedHits(light.database, light.collection, filter_keys=["lang"], filter_limit=2)
    assert few.filtered_ids({"lang": "de"}, principal=ANA) is None
    enough = CheckedHits(light.database, light.collection, filter_keys=["lang"], filter_limit=3)
    assert len(enough.filtered_ids({"lang": "de"}, principal=ANA) or ()) == 3


def test_exchanged_rows_do_not_open(light: LightIngest) -> None:
    """A sealed body moved to another place, or a document pointed at another's key, is refused, not shown."""
    light.sync({"a": "one\n\ntwo"})
    with light.database.write() as connection:
        sealed = connection.execute(bodies.select().where(bodies.c.ordinal == 0)).one().sealed
        connection.execute(bodies.update().where(bodies.c.ordinal == 1).values(sealed=sealed))
    with pytest.raises(KeyMismatch):
        only(light)


def test_collections_do_not_see_each_other(light: LightIngest) -> None:
    """Chunk numbers of one collection are no hits in another of the same store."""
    from ragkit.store.catalog import open_collection
    from ragkit.store.records import RecordStore
    from ragkit.testing.light import ROOT_KEY

    light.sync({"a": text_item("a", "one", access=frozenset({"pub"}))})
    other = RecordStore(light.database, open_collection(light.database, ROOT_KEY, "other", create=True))
    numbers = [hit.chunk_id for hit in only(light)]
    assert numbers
    assert other.hit_source().hits(numbers, principal=ANA) == {}
    assert other.index_source().live(numbers) == set()
    assert list(other.index_source().rows()) == []
    assert other.inventory().documents == 0
    with light.database.read() as connection:
        assert connection.execute(documents.select()).one().collection_id == light.collection.id


@only_sqlite
def test_no_query_scans_the_chunks(light: LightIngest) -> None:
    """Checking hits looks rows up by key, however large the store: no statement scans a table."""
    from sqlalchemy import event

    light.options["filter_keys"] = ["lang"]
    light.sync({name: text_item(name, f"one {name}\n\ntwo", metadata={"lang": "de"}) for name in "abc"})
    statements: list[tuple[str, tuple[object, ...]]] = []
    event.listen(
        light.database._engine,
        "before_cursor_execute",
        lambda _connection, _cursor, statement, values, *_rest: statements.append((statement, values)),
    )
    source = light.store.hit_source(filter_keys=["lang"])
    assert source.hits([1, 2, 3], principal=ANA, filters={"lang": "de"})
    source.classes_for(ANA)
    light.store.index_source(encoder=light.embedder.fingerprint).live([1, 2])
    selects = [(statement, values) for statement, values in statements if statement.startswith("SELECT")]
    assert len(selects) >= 4
    with light.database.read() as connection:
        for statement, values in selects:
            plan = [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)]
            assert not [step for step in plan if step.startswith("SCAN")], plan
