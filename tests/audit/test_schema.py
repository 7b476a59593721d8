"""The event catalogue: what fits, what is refused, and that nothing in it can hold content."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragkit.audit.catalogue import CATALOGUE
from ragkit.audit.fields import is_hash, is_id, is_key, is_name, is_version, is_word
from ragkit.audit.schema import canonical, check
from ragkit.errors import AuditUnavailable, EventRefused

FITTING: dict[str, Any] = {
    "is_count": 3, "is_micro": -250_000, "is_flag": True, "is_id": "k7f3qx9m2t4bk7f3qx9m2t4b22",
    "is_hash": "h:k7f3qx9m2t4bk7f3qx9m2t4b22", "is_name": "care", "is_word": "encrypted-pdf", "is_version": "0.1.0",
    "is_counts": {"PERSON": 2, "no-text-layer": 1}, "is_host": "api.example.com",
    "is_parts": {"collections.care.access": "h:k7f3qx9m2t4bk7f3qx9m2t4b22"},
}  # fmt: skip


@pytest.mark.parametrize("kind", CATALOGUE)
def test_every_type_has_an_owner_and_a_sentence(kind: str) -> None:
    """The catalogue says of each type who writes it and what it means."""
    event = CATALOGUE[kind]
    assert event.owner.islower()
    assert event.about.endswith(".")
    assert event.about[0].isupper()
    assert is_word(kind)
    assert all(key.isascii() and key.isidentifier() and key == key.lower() for key in event.fields)


@pytest.mark.parametrize("kind", CATALOGUE)
def test_every_key_takes_a_fitting_value_and_refuses_text(kind: str) -> None:
    """No key of any type takes a sentence, a file name, an address, a float or null."""
    for key, shape in CATALOGUE[kind].fields.items():
        if shape.__name__ in FITTING:
            check(kind, {key: FITTING[shape.__name__]})
        for content in (
            "Ana Kovač called",
            "report of Ana.pdf",
            "ana@example.com",
            "/home/ana/x",
            "+1 555 0100",
            0.5,
            None,
        ):
            for value in (content, [content], {"chunk": content}, {content: 1}):
                with pytest.raises(EventRefused) as caught:
                    check(kind, {key: value})
                if isinstance(content, str):
                    assert content not in f"{caught.value}{caught.value.remedy}"


def test_an_unknown_type_or_key_is_refused() -> None:
    """An event that the catalogue does not know is a fault, and refused like one that cannot be written."""
    with pytest.raises(EventRefused):
        check("doc.invented", {})
    with pytest.raises(AuditUnavailable):
        check("doc.added", {"title": 3})


@pytest.mark.parametrize(
    "envelope",
    [{"outcome": "fine"}, {"reason": "Ana Kovač was angry"}, {"reason": "a" * 60}, {"request": "the question"}],
)
def test_the_envelope_holds_no_content_either(envelope: dict[str, str]) -> None:
    """Outcome, reason and request are codes and opaque ids."""
    with pytest.raises(EventRefused):
        check("query.received", {}, **envelope)


@given(st.text(min_size=1, max_size=60).filter(lambda text: any(char.isspace() or char in "@/." for char in text)))
def test_text_with_a_space_a_dot_or_an_at_is_no_identifier(text: str) -> None:
    """Sentences, file names and addresses fit none of the shapes for ids, hashes and names."""
    assert [shape for shape in (is_id, is_hash, is_key, is_name) if shape(text)] == []


@pytest.mark.parametrize("text", ["two words", "a@b", "a/b", "naïve", "a\nb", "x" * 200])
def test_words_and_versions_are_short_and_plain(text: str) -> None:
    """Codes and fingerprints have no blanks, at-signs, slashes or letters beyond ASCII."""
    assert not is_word(text)
    assert not is_version(text)


def test_true_is_not_a_count() -> None:
    """A boolean is not taken for the number one."""
    with pytest.raises(EventRefused):
        check("doc.added", {"version": True})


plain = st.recursive(
    st.text(st.characters(exclude_categories=["Cs"])) | st.integers() | st.booleans(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(max_codepoint=127)), inner),
)


@given(plain)
def test_canonical_bytes_mean_the_same_and_are_their_own_canon(value: Any) -> None:
    """Reading canonical bytes gives the value back, and writing that gives the same bytes."""
    written = canonical(value)
    assert json.loads(written) == value
    assert canonical(json.loads(written)) == written
    assert b"\n" not in written


def test_canonical_bytes_do_not_depend_on_order() -> None:
    """Two objects with the same keys in another order are the same bytes, sorted and without blanks."""
    assert (
        canonical({"b": 1, "a": [True, "é"]})
        == canonical({"a": [True, "é"], "b": 1})
        == '{"a":[true,"é"],"b":1}'.encode()
    )


@pytest.mark.parametrize("value", [0.5, None, {"é": 1}, {1: 2}, [b"bytes"], {"a": {"b": [1.0]}}])
def test_what_has_no_single_way_of_writing_is_refused(value: Any) -> None:
    """Floats, nulls, bytes and keys beyond ASCII are not in an event."""
    with pytest.raises(EventRefused):
        canonical(value)
