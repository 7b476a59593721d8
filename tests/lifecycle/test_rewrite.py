"""Masked values are replaced in stored documents as if they had been masked that way from the beginning."""

from __future__ import annotations

import string
from collections.abc import Iterator, Mapping
from dataclasses import replace as changed
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ragkit.crypto import CollectionKeys
from ragkit.lifecycle.rewrite import RewriteReport, rewrite
from ragkit.lifecycle.rewriting import DocumentRewriter, Replace
from ragkit.mask.masker import CollectionMasker
from ragkit.mask.operators import redacted
from ragkit.mask.tokens import TOKEN, find_tokens
from ragkit.mask.vault import Vault
from ragkit.mask.views import Replacement
from ragkit.policy import Policy
from ragkit.store.records import check
from ragkit.testing.fakes import MemoryVaultTable
from ragkit.testing.light import ANA, BEN
from ragkit.testing.named import NamedIngest, TermDetector
from ragkit.testing.stages import FakeEmbedder, ParagraphChunker, PlainParser, text_item
from ragkit.types import Chunk, Masked, MaskedDocument, SourceItem

PEOPLE = {
    "Ada Byron": "PERSON",
    "Byron": "PERSON",
    "Grace Hopper": "PERSON",
    "Zoë O'Neil-Šmid": "PERSON",
    "ada@mail.example": "EMAIL_ADDRESS",
    "0 30 / 901820": "PHONE_NUMBER",
}


TWO: Mapping[str, SourceItem] = {
    "a": text_item(
        "a", "Ada Byron came.\n\nNobody.\n\nGrace Hopper met Byron.", title="By Ada Byron", metadata={"by": "Ada Byron"}
    ),
    "b": text_item("b", "Grace Hopper left.", metadata={"team": "Grace Hopper"}),
}


def run(light: NamedIngest, replace: Replace, **more: Any) -> RewriteReport:
    """Rewrite every document."""
    ids = sorted({hit.doc_id for hit in light.hits()})
    return rewrite(light.store, light.embedder, light.vault, ids, replace, recorder=light.recorder, **more)


def redact(only: set[str] | None = None) -> Replace:
    """Replace every token, or these."""
    return lambda kind, token_id: redacted(kind) if only is None or token_id in only else None


def ids_of(light: NamedIngest, *values: tuple[str, str]) -> set[str]:
    """The ids of the tokens of some values."""
    return {found[3] for value in values for found in find_tokens(light.token(*value))}


def views(light: NamedIngest) -> dict[str, list[tuple[object, ...]]]:
    """All that is stored of each document, by the source's own id."""
    found: dict[str, list[tuple[object, ...]]] = {}
    names = light.store.native_ids(sorted({hit.doc_id for hit in light.hits()}))
    for doc_id, name in names.items():
        stored = light.store.stored(doc_id)
        assert stored is not None
        rows = list(zip(stored.chunks, (v.tobytes() for v in stored.vectors)))
        found[name] = [(stored.header, dict(stored.counts)), *rows]
    return found


@st.composite
def documents(draw: st.DrawFn) -> SourceItem:
    """Texts, titles and metadata with people between other words, glued and apart."""
    word = st.one_of(st.sampled_from(sorted(PEOPLE)), st.text(string.ascii_lowercase + " .,-_'\n(", max_size=12))
    line = st.lists(word, max_size=9).map("".join)
    spaced = st.lists(word, max_size=9).map(" ".join)
    body = "\n\n".join(part for part in draw(st.lists(st.one_of(line, spaced), min_size=1, max_size=4)))
    meta = draw(st.dictionaries(st.sampled_from(["by", "to"]), st.one_of(line, spaced).filter(str.strip), max_size=2))
    title = draw(st.one_of(line, spaced).filter(str.strip))
    return text_item("a.txt", body + " end", title=title, uri=f"x/{draw(line)}", metadata=meta)


def masker(operator: str) -> CollectionMasker:
    """The real masker over a vault in memory."""
    policy = {"entities": dict.fromkeys(PEOPLE.values(), operator), "propagate_names": False, "secrets": "unsafe_keep"}
    keys, table = CollectionKeys(bytes(range(32))), MemoryVaultTable()
    vault = Vault(keys, table, "default")
    return CollectionMasker(Policy.model_validate(policy), [TermDetector(PEOPLE)], vault, collection="default")


def parts(document: MaskedDocument) -> tuple[list[Chunk], list[tuple[Masked, Masked]]]:
    """Its chunks, and the views of its title, name, URI and metadata."""
    fields = (document.title, document.name, document.uri, *document.metadata.values())
    return ParagraphChunker().chunk(document), [(field.record, field.index) for field in fields if field]


@settings(max_examples=100, deadline=None)
@given(item=documents())
def test_rewriting_to_redacted_is_masking_with_redact(item: SourceItem) -> None:
    """All views, spans and offsets are what the operator ``redact`` would have given."""
    parsed = PlainParser().parse(item)
    one, other = (masker(operator).mask([parsed])[0] for operator in ("token", "redact"))
    assert isinstance(one, MaskedDocument)
    assert isinstance(other, MaskedDocument)
    chunks, (title, *others) = parts(one)
    texts = DocumentRewriter(redact())
    texts.learn(chunks, title, others)
    assert ([texts.chunk(chunk) for chunk in chunks], [texts.pair(pair) for pair in (title, *others)]) == parts(other)
    assert texts.unaligned == 0


def test_a_stored_document_becomes_what_redact_would_have_stored(tmp_path: Path) -> None:
    """Header, counts, chunks and vectors alike."""
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    light, other = NamedIngest(tmp_path / "one", PEOPLE), NamedIngest(tmp_path / "two", PEOPLE, operator="redact")
    for one in (light, other):
        one.sync(TWO)
    report = run(light, redact())
    assert views(light) == views(other)
    assert report.spans == {"PERSON": 4}
    light.database.close()
    other.database.close()


def held(light: NamedIngest) -> dict[str, int]:
    """How many rows each table has."""
    with light.database.read() as connection:
        tables = ("versions", "bodies", "chunks", "mentions", "links", "filters")
        return {t: connection.exec_driver_sql(f"SELECT count(*) FROM {t}").scalar_one() for t in tables}


@pytest.fixture
def light(tmp_path: Path) -> Iterator[NamedIngest]:
    """A fresh store."""
    made = NamedIngest(tmp_path, PEOPLE, filter_keys=frozenset({"by", "team"}))
    yield made
    made.database.close()


def test_only_what_was_named_goes(light: NamedIngest) -> None:
    """Other people keep their tokens, and their documents their version."""
    light.sync(TWO)
    gone = ids_of(light, ("PERSON", "Ada Byron"))
    before = {hit.doc_id: hit.version for hit in light.hits()}
    vectors = views(light)["a"]
    numbers = light.store.index_source().last_chunk_id()
    light.embedder.embedded = 0
    report = run(light, redact(gone))
    texts = light.texts()
    assert texts["a"][0] == "[PERSON] came."
    assert TOKEN.search(texts["a"][2])
    assert texts["b"] == [f"{light.token('PERSON', 'Grace Hopper')} left."]
    names = light.store.native_ids(list(before))
    after = {names[hit.doc_id]: hit.version - before[hit.doc_id] for hit in light.hits()}
    assert after == {"a": 1, "b": 0}
    assert report.unchanged == 1
    assert report.spans == {"PERSON": 1}
    assert report.replaced == (f"{report.documents[0]}/1",)
    assert all(row.chunk_id > numbers for row in light.store.index_source().rows() if "person came" in row.text)
    assert light.embedder.embedded == report.embedded == 3  # the title stands before every chunk
    assert [one[1] == two[1] for one, two in zip(vectors[1:], views(light)["a"][1:])] == [False, False, False]
    check(light.database)


def test_vectors_of_untouched_chunks_are_kept(light: NamedIngest) -> None:
    """A chunk whose index view stays is not embedded again."""
    light.sync({"a": text_item("a", "Ada Byron came.\n\nNobody.", title="Report")})
    light.embedder.embedded = 0
    vectors = views(light)["a"]
    assert run(light, redact()).embedded == light.embedder.embedded == 1
    assert vectors[2] == views(light)["a"][2]


def test_mentions_links_and_filters_of_what_went_go(light: NamedIngest) -> None:
    """A word of a name that another name has stays mentioned; the filter on the person's name is gone, others stay."""
    light.sync(TWO)
    number = light.vault.value_number
    word = light.vault.mentions([("PERSON", "Ada Byron")]) & light.vault.mentions([("PERSON", "Byron")])
    run(light, redact(ids_of(light, ("PERSON", "Ada Byron"))))
    table, mine = light.store.vault(), {number(("PERSON", "Ada Byron")), number(("PERSON", "Grace Hopper")), *word}
    assert table.seen(mine, table.classes_for(ANA)) == mine - {number(("PERSON", "Ada Byron"))}
    hits = light.store.hit_source(filter_keys={"by", "team"})
    assert hits.filtered_ids({"by": "Ada Byron"}, principal=ANA) == frozenset()
    assert len(hits.filtered_ids({"team": "grace hopper"}, principal=ANA) or ()) == 1


def test_links_lose_and_change_their_numbers(light: NamedIngest) -> None:
    """Of a group, what went is left out, and what became another value is that value."""
    mail, ada = ("EMAIL_ADDRESS", "ada@mail.example"), ("PERSON", "Ada Byron")
    number = light.vault.value_number
    mask = light.masker.mask
    light.masker.mask = lambda docs: [changed(d, people=(frozenset(map(number, (mail, ada))),)) for d in mask(docs)]
    light.sync({"a": text_item("a", "Ada Byron, ada@mail.example", title="x")})
    token, surrogate = light.vault.allocate("PERSON", "Grace Hopper")
    old = ids_of(light, ada)
    run(light, lambda _, i: Replacement(token, surrogate) if i in old else None, inside=light.vault.flush)
    with light.database.read() as connection:
        keys = set(connection.exec_driver_sql("SELECT key FROM links").scalars())
    assert keys == {number(mail), number(("PERSON", "Grace Hopper"))}
    run(light, redact(ids_of(light, mail)))
    assert held(light)["links"] == 1


def test_a_second_run_changes_nothing(light: NamedIngest) -> None:
    """What is done already is passed over, and no row is left behind."""
    light.sync(TWO)
    run(light, redact())
    rows = held(light)
    again = run(light, redact())
    assert (again.documents, again.unchanged, held(light)) == ((), 2, rows)


def test_permissions_and_sync_state_stay(light: NamedIngest) -> None:
    """Who may see it stays, and the next sync takes the item for unchanged, with its version number going on."""
    light.sync(TWO)
    run(light, redact())
    assert light.texts(BEN) == {}
    report = light.sync(TWO)
    assert (report.unchanged, report.updated) == (2, 0)
    light.sync({**TWO, "a": text_item("a", "Byron again.")})
    assert {hit.version for hit in light.hits() if hit.chunk.record.endswith("again.")} == {3}


def test_a_chunk_that_grows_beyond_the_window_is_embedded_in_parts(light: NamedIngest) -> None:
    """First the context gives way; then the vector is the unit mean of the parts, and the text is whole."""
    light.embedder = FakeEmbedder(max_tokens=8)
    light.sync({"a": text_item("a", "Ada Byron two three four", title="one two")})
    long = " ".join(f"w{n}" for n in range(12))
    report = run(light, lambda kind, _: Replacement(f"[{kind}]", long))
    stored = light.store.stored(report.documents[0])
    assert stored is not None
    assert report.parted == 1
    chunk: Chunk = stored.chunks[0]
    assert chunk.context_index == ""
    assert chunk.index == f"{long} two three four"
    assert np.linalg.norm(stored.vectors[0]) == pytest.approx(1)


def test_every_event_fits_the_catalogue_and_tells_no_value(light: NamedIngest) -> None:
    """``doc.rewritten`` holds counts and ids."""
    from ragkit.audit.catalogue import CATALOGUE

    light.sync(TWO)
    run(light, redact(), request="0" * 32)
    events = [event for event in light.recorder.events if event.kind == "doc.rewritten"]
    fields = CATALOGUE["doc.rewritten"].fields
    assert len(events) == 2
    assert all(fields[key](value) for event in events for key, value in event.data.items())
