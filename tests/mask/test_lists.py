"""Deny and allow lists from files and databases: what they find, what they cost, and that they show nothing."""

from __future__ import annotations

import pickle
import sqlite3
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from ragkit.crypto import CollectionKeys
from ragkit.errors import ConfigError, RagkitError
from ragkit.mask.allowed import Allowed
from ragkit.mask.build import build_masker
from ragkit.mask.denied import ListDetector
from ragkit.mask.lists import Terms
from ragkit.mask.masker import CollectionMasker
from ragkit.policy import DenyList, Policy, TermSource
from ragkit.testing.clock import cpu_seconds
from ragkit.testing.fakes import MemoryVaultTable
from ragkit.types import Principal, RawQuestion, Span
from ragkit.wordlists import pool

KEYS = CollectionKeys(b"l" * 32)


@pytest.fixture
def crm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A customer table, its URL in a variable."""
    file = tmp_path / "crm.db"
    with sqlite3.connect(file) as database:
        database.execute("create table customers (id integer primary key, full_name text)")
        rows = [("Zdravka Qvortrup",), ("Marsh, May",), (None,), ("  Ottokar\tNnamdi ",), ("-",)]
        database.executemany("insert into customers (full_name) values (?)", rows)
    monkeypatch.setenv("CRM_URL", f"sqlite:///{file}")
    return file


def sql(query: str = "select full_name from customers", **more: Any) -> dict[str, Any]:
    """A list in that table."""
    return {"sql": {"url": {"env": "CRM_URL"}, "query": query, **more}}


def written(folder: Path, *terms: str, name: str = "list.txt") -> Path:
    """A file with these lines."""
    file = folder / name
    file.write_text("\n".join(terms), encoding="utf-8")
    return file


def found(text: str, file: Path, **settings: Any) -> list[str]:
    """What a deny list finds in a text."""
    detector = ListDetector({"own": DenyList(**{"entity_type": "PERSON", "file": file, **settings})})
    return [text[span.start : span.end] for span in detector.detect([text])[0]]


def make(**settings: Any) -> CollectionMasker:
    """A masker without learned detectors."""
    return build_masker(Policy(profile="default", **settings), KEYS, MemoryVaultTable(), "c")


# --- reading -------------------------------------------------------------------------------------------------------


def test_a_file_has_one_term_a_line(tmp_path: Path) -> None:
    """White space is evened out; blank lines, doubles and terms of one character are left out; a BOM is no letter."""
    file = tmp_path / "terms.txt"
    file.write_text("\ufeffBlue  Falcon\n\nBlue Falcon \r\nX\n--\nOrchid", encoding="utf-8")
    assert Terms("list", TermSource(file=Path("terms.txt")), tmp_path).read() == ("Blue Falcon", "Orchid")


def test_a_csv_column(tmp_path: Path) -> None:
    """Quoted cells with commas and line breaks, by the header's name."""
    file = written(tmp_path, "id;name", '1;"Marsh; May"', '2;"Ottokar\nNnamdi"', "3")
    terms = Terms("list", TermSource(file=file, column="name", delimiter=";"), tmp_path)
    assert terms.read() == ("Marsh; May", "Ottokar Nnamdi")


def test_a_query_on_a_database(crm: Path) -> None:
    """The first column, or the one named; nulls are left out, and nothing is written to the database."""
    before = crm.read_bytes()
    names = ("Marsh, May", "Ottokar Nnamdi", "Zdravka Qvortrup")
    assert Terms("list", TermSource(**sql()), Path()).read() == names
    named = sql("select id, full_name as name from customers", column="name")
    assert Terms("list", TermSource(**named), Path()).read() == names
    Terms("list", TermSource(**sql("delete from customers returning full_name")), Path()).read()
    assert crm.read_bytes() == before


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ({"file": "Qvortrup.txt"}, "cannot be read (FileNotFoundError)"),
        ({"file": "."}, "cannot be read (IsADirectoryError)"),
        ({"file": "latin.txt"}, "is not UTF-8"),
        ({"file": "good.txt", "column": "nom"}, "no column of that name"),
        ({"file": "good.txt", "at_least": 2}, "has 1 terms, fewer than its `at_least`"),
        ({"file": "empty.txt"}, "has 0 terms"),
        (sql("select full_name from clients"), "failed (OperationalError)"),
        (sql(column="nom"), "failed (NoSuchColumnError)"),
        ({"sql": {"url": {"env": "NOWHERE"}, "query": "q"}}, "failed (FileNotFoundError)"),
        ({"sql": {"url": {"env": "BAD_URL"}, "query": "q"}}, "failed"),
        ({"sql": {"url": {"env": "NO_DRIVER"}, "query": "q"}}, "failed"),
        ({"sql": {"url": {"env": "UNSET"}, "query": "q"}}, "UNSET is not set"),
    ],
)
def test_a_list_that_cannot_be_read_is_named_and_nothing_else(
    source: dict[str, Any], said: str, tmp_path: Path, crm: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error says which list by its key, with a remedy; no name, path, URL or query, in its whole chain."""
    (tmp_path / "latin.txt").write_bytes("Kovač Müller".encode("latin2"))
    written(tmp_path, "Qvortrup", name="good.txt")
    written(tmp_path, "", name="empty.txt")
    monkeypatch.setenv("NOWHERE", f"sqlite:///{tmp_path}/Qvortrup.db")
    monkeypatch.setenv("BAD_URL", "Qvortrup")
    monkeypatch.setenv("NO_DRIVER", "oracle+qvortrup://user:Qvortrup@host/db")
    detector = ListDetector({"customers": DenyList(entity_type="PERSON", **source)}, tmp_path)
    for read in (detector.load, lambda: detector.fingerprint):
        with pytest.raises(RagkitError) as caught:
            read()
        assert said in str(caught.value)
        assert "'customers'" in str(caught.value) or "UNSET" in str(caught.value)
        assert caught.value.remedy
        assert "vortrup" not in f"{caught.value} {caught.value.remedy}".lower()
        assert caught.value.__context__ is None
    assert not (tmp_path / "Qvortrup.db").exists()


def test_a_policy_with_a_broken_list_masks_nothing_at_all(tmp_path: Path) -> None:
    """No masker can be had, so no document passes with the list left out."""
    with pytest.raises(ConfigError, match="deny list 'customers'"):
        make(deny={"customers": {"entity_type": "PERSON", "file": tmp_path / "none"}})
    with pytest.raises(ConfigError, match="allow list 'products'"):
        make(allow={"products": {"file": tmp_path / "none"}})


@pytest.mark.parametrize("source", [{}, {"file": "a", "sql": {"url": {"env": "A"}, "query": "q"}}])
def test_a_list_has_exactly_one_source(source: dict[str, Any]) -> None:
    """A file or a query, not both and not neither."""
    with pytest.raises(ValidationError, match="exactly one"):
        TermSource(**source)


# --- deny ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    ["Ana Kovač", "KOVAČ, ANA", "kovac ana", "Kovač, Ana", "ana kovac", "Ana\nKovač", "Dr. Ana Kovač"],
)
@pytest.mark.parametrize("term", ["Ana Kovač", "Kovač, Ana", "Dr. Ana Kovač", "ANA KOVAC"])
def test_a_person_is_found_in_every_order_and_case(term: str, text: str, tmp_path: Path) -> None:
    """Order, case, accents and the list's honorific do not count."""
    (hit,) = found(f"Please ask {text} today", written(tmp_path, term))
    assert hit == text.removeprefix("Dr. ")


@pytest.mark.parametrize("text", ["Gabriel García Márquez", "García Márquez, Gabriel", "Márquez, Gabriel García"])
@pytest.mark.parametrize("term", ["Gabriel García Márquez", "García Márquez, Gabriel"])
def test_names_of_three_words(term: str, text: str, tmp_path: Path) -> None:
    """One or two family names, before or after."""
    assert found(f"by {text}.", written(tmp_path, term)) == [text]


def test_everyday_words_need_their_capitals(tmp_path: Path) -> None:
    """`May` and `Will Young` are names, `may` and `will young` are not; `ignore` and `exact` do as they say."""
    file = written(tmp_path, "May", "Will Young", "Qvortrup")
    text = "May I? It may. MAY. Will young people follow Will Young or WILL YOUNG? qvortrup"
    assert found(text, file) == ["May", "MAY", "Will Young", "WILL YOUNG", "qvortrup"]
    assert found("it may be qvortrup", file, case="ignore") == ["may", "qvortrup"]
    assert found("May may MAY qvortrup", file, case="exact") == ["May"]


def test_only_whole_words(tmp_path: Path) -> None:
    """A name inside another word is not that name."""
    assert found("Qvortrupson and Qvortrup-Berg", written(tmp_path, "Qvortrup")) == ["Qvortrup"]


def test_other_types_have_no_orders(tmp_path: Path) -> None:
    """A project is not a name: its words do not change places."""
    assert found("Falcon Blue, blue falcon", written(tmp_path, "Zyx Falcon", "Blue Falcon"), entity_type="PROJECT") == [
        "blue falcon"
    ]


def test_a_hundred_thousand_names_load_in_seconds_and_cost_nothing_a_name(tmp_path: Path) -> None:
    """Look-up is by word: ten thousand times the names, and not three times the time."""
    given, family = pool("given"), pool("family")
    names = [f"{given[i * 7 % len(given)]} {family[i * 13 % len(family)]} {i}q" for i in range(100_000)]
    text = "Nothing to see in this long report about the weather and the river. " * 3000
    times = []
    for count in (10, 100_000):
        file = written(tmp_path, *names[:count], name=f"{count}.txt")
        detector = ListDetector({"own": DenyList(entity_type="PERSON", file=file)})
        assert cpu_seconds(detector.load, runs=1) < 10
        assert detector.detect([text]) == [[]]
        times.append(cpu_seconds(partial(detector.detect, [text]), runs=3))
    assert times[1] < 3 * times[0] + 0.05


def test_a_customer_is_masked_everywhere_and_found_by_a_question(crm: Path, document: Any) -> None:
    """The table's people are masked in text, title and file name, in both views, and in questions."""
    masker = make(deny={"customers": {"entity_type": "PERSON", **sql()}})
    text = "it was qvortrup zdravka who wrote, and ottokar nnamdi."
    masked = masker.mask([document(text, title="zdravka qvortrup", name="zdravka_qvortrup.txt")])[0]
    for view in (masked.text, masked.title, masked.name):
        assert "qvortrup" not in (view.record + view.index).lower()
    assert masker.vault.reveal(masked.text.record)[0] == text
    asked = masker.mask_question(RawQuestion("letters of zdravka qvortrup"), principal=Principal("local|ana"))
    assert asked.counts == {"PERSON": 1}


def test_the_fingerprint_moves_with_the_list_and_tells_nothing_of_it(tmp_path: Path) -> None:
    """A term more is another policy, unless the list is not tracked; without the key it cannot be guessed."""
    file = written(tmp_path, "Qvortrup")
    table = {"entity_type": "PERSON", "file": file}
    first, loose = make(deny={"c": table}), make(deny={"c": table | {"tracked": False}})
    moved = written(tmp_path, "Qvortrup", name="elsewhere.txt")
    assert make(deny={"c": table | {"file": moved}}).policy == first.policy
    written(tmp_path, "Qvortrup", "Nnamdi")
    assert make(deny={"c": table}).policy != first.policy
    assert make(deny={"c": table | {"tracked": False}}).policy == loose.policy
    assert make(allow={"c": {"file": file}}).policy != make(allow={"c": {"file": moved}}).policy
    other = build_masker(
        Policy(profile="default", deny={"c": table}), CollectionKeys(b"o" * 32), MemoryVaultTable(), "c"
    )
    assert other.policy != make(deny={"c": table}).policy


def test_a_detector_is_pickled_without_its_terms(tmp_path: Path) -> None:
    """A child process reads the list anew; the pipe and the repr hold no name."""
    detector = ListDetector({"own": DenyList(entity_type="PERSON", file=written(tmp_path, "Qvortrup"))})
    detector.load()
    packed = pickle.dumps(detector)
    assert b"Qvortrup" not in packed
    assert pickle.loads(packed).detect(["qvortrup"]) == detector.detect(["qvortrup"])
    assert "Qvortrup" not in repr(detector) + repr(Terms("x", TermSource(file=Path("Qvortrup")), Path()))


# --- allow ---------------------------------------------------------------------------------------------------------


def left(text: str, *spans: Span, **lists: Any) -> list[str]:
    """The texts of the spans that stay."""
    return [text[span.start : span.end] for span in Allowed(Policy(allow=lists)).without(text, spans)]


def at(text: str, part: str, entity_type: str = "PERSON", recognizer: str = "learned:x") -> Span:
    """A finding of this part of the text."""
    start = text.index(part)
    return Span(start, start + len(part), entity_type, 0.9, recognizer)


def test_a_finding_inside_an_allowed_term_stays_in_clear(tmp_path: Path) -> None:
    """In any case and across a line break; one that reaches beyond the term is masked."""
    products = {"file": written(tmp_path, "Johnson & Johnson", "Mercedes")}
    text = "JOHNSON & Johnson sells; Mercedes Huber drives a mercedes"
    spans = [at(text, "JOHNSON"), at(text, "JOHNSON & Johnson"), at(text, "Mercedes Huber"), at(text, "mercedes")]
    assert left(text, *spans, products=products) == ["Mercedes Huber"]


@pytest.mark.parametrize("finder", ["presidio:checksum:X", "identifiers:checksum:X", "custom:checksum:own"])
def test_what_the_company_or_a_checksum_says_outweighs_a_list(tmp_path: Path, finder: str) -> None:
    """Deny beats allow; check digits beat a list for all types and yield to one that names the type; secrets never."""
    file = written(tmp_path, "4111 1111 1111 1111", "Falcon", "hunter22")
    text = "4111 1111 1111 1111 Falcon hunter22"
    card = at(text, "4111 1111 1111 1111", "CREDIT_CARD", finder)
    falcon = at(text, "Falcon", "PROJECT", "dictionary:list")
    secret = at(text, "hunter22", "PASSWORD", "secrets:password")
    assert left(text, card, falcon, secret, all={"file": file}) == [text[:19], "Falcon", "hunter22"]
    typed = {"file": file, "entity_types": ["CREDIT_CARD", "PASSWORD", "PROJECT"]}
    assert left(text, card, falcon, secret, some=typed) == ["Falcon", "hunter22"]


def test_a_list_for_one_type_leaves_the_others(tmp_path: Path) -> None:
    """A product called Paris does not unmask the town."""
    lists = {"products": {"file": written(tmp_path, "Paris"), "entity_types": ["PERSON"]}}
    text = "Paris"
    assert left(text, at(text, "Paris"), at(text, "Paris", "LOCATION"), **lists) == ["Paris"]


def test_allowed_terms_are_not_propagated_as_names(tmp_path: Path, document: Any) -> None:
    """A product named like a person stays in clear wherever it stands; people are masked."""
    masker = make(allow={"products": {"file": written(tmp_path, "Dr. Martens")}})
    record = masker.mask([document("Mr Tobias Qvortrup wore Dr. Martens. Martens, he says, last.")])[0].text.record
    assert "wore Dr. Martens." in record
    assert "Qvortrup" not in record
