"""Names in file names, paths, titles and identifiers, with every kind of glue."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragkit.mask.glued import is_glued, unglued, words_of_name
from ragkit.types import MaskedDocument, Span

SPELLINGS = [
    "Galina_Yalmanova",
    "galina-yalmanova",
    "Yalmanova.Galina",
    "galina+yalmanova",
    "Galina%20Yalmanova",
    "Yalmanova%2C%20Galina",
    "GalinaYalmanova",
    "YalmanovaGalina",
    "galinayalmanova",
    "GALINA_YALMANOVA",
]
SHAPES = ["{}", "{}.pdf", "2024-05-01_{}_invoice", "customers/{}", "Dear_{}", "/srv/cases/{}/open.txt"]


def shown(masked: MaskedDocument) -> str:
    """Every view of every field, in lower case."""
    texts = [masked.text, masked.title, masked.name, masked.uri, *masked.metadata.values()]
    return " ".join(view for text in texts if text is not None for view in (text.record, text.index)).lower()


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_name_of_the_text_is_masked_in_every_field(masker, document, spelling, shape):
    """Whatever glues it, a customer of the text reaches neither title, heading, name, place nor metadata."""
    glued = shape.format(spelling)
    text = f"# {spelling}\n\nDear Ms Galina Yalmanova,\n\nyour tent is repaired.\n"
    masked = masker.mask([document(text, title=glued, name=glued, uri=f"file:///{glued}", metadata={"folder": glued})])
    assert not [part for part in ("galina", "yalmanova") if part in shown(masked[0])]
    assert masker.vault.reveal(masked[0].title.record)[0] == glued
    assert masker.vault.reveal(masked[0].text.record)[0] == text


@pytest.mark.parametrize(
    "glued",
    [
        "Dear_Galina_Yalmanova",
        "customers/galina-yalmanova",
        "GalinaYalmanova.pdf",
        "2024-05-01_Yalmanova_Galina_invoice",
        "Galina%20Yalmanova.pdf",
        "M%C3%BCllerova_Galina_contract.docx",
        "complaint-yalmanova-galina-20240501.txt",
    ],
)
def test_a_file_name_gives_its_name_away_by_itself(masker, document, glued):
    """A given name beside a word in no list is a person in a file name, though the text says nothing; so in it."""
    masked = masker.mask([document("Nothing.", title=glued, name=glued, uri=glued, metadata={"folder": glued})])[0]
    assert not [part for part in ("galina", "yalmanova", "llerova") if part in shown(masked)]


def test_a_name_of_the_file_name_is_masked_in_the_text(masker, document):
    """Words of a glued name are looked for one by one."""
    masked = masker.mask([document("We wrote to Yalmanova.", name="Galina-Yalmanova.pdf")])[0]
    assert "Yalmanova" not in masked.text.record


@pytest.mark.parametrize("glued", ["invoice_4711-2234.pdf", "order-4711_2234", "scan 47112234.pdf"])
def test_a_number_of_the_text_is_masked_in_every_field(masker, document, glued):
    """An order number found by its label is the same number in a file name, without one."""
    masked = masker.mask([document("Order number 4711-2234. See 4711-2234.", title=glued, metadata={"scan": glued})])[0]
    assert not [digits for digits in ("4711", "2234") if digits in shown(masked)]
    assert masker.vault.reveal(masked.text.record)[0] == "Order number 4711-2234. See 4711-2234."


@pytest.mark.parametrize(
    "name",
    ["GetIceServerConfig", "API_CreateBucket.md", "raid-config.md", "guides/step-by-step", "Q3-2024_sales_report",
     "user-guide/windows", "README", "customers/open-orders", "MathFunctions.java", "Edit_Policy"],
)  # fmt: skip
def test_ordinary_glued_words_stay(masker, document, name):
    """Identifiers, pages of a manual and kinds of documents are not people."""
    masked = masker.mask([document("Nothing.", title=name, name=name, metadata={"folder": name})])[0]
    assert (masked.title.record, masked.name.record, masked.metadata["folder"].record) == (name, name, name)


@pytest.mark.parametrize(
    ("text", "glued"),
    [("A title", False), ("Step-by-step guide", False), ("a_b", True), ("Return Policy.pdf", True), ("AnnaLee", True),
     ("x/y", True), ("Title", False), ("", False)],
)  # fmt: skip
def test_what_is_glued(text, glued):
    """A sentence with a hyphen is not; an underscore, an extension, or a single joined word is."""
    assert is_glued(text) is glued


def test_names_as_words():
    """Glue and capitals part words; a prefix does not."""
    assert words_of_name("GalinaYalmanova") == "Galina Yalmanova"
    assert words_of_name("Galina%20Yalmanova") == "Galina Yalmanova"
    assert words_of_name("McDonald") == "McDonald"
    assert words_of_name("O'Connor") == "O'Connor"
    assert words_of_name("J.Smith") == "J Smith"


@pytest.mark.parametrize("value", ["galina.smith", "Galina.Weber", "smith.galina", "Zzyx.Smith"])
def test_a_surname_is_no_extension(masker, document, value):
    """A short last word behind a dot is read as a name too."""
    masked = masker.mask([document("We met.", title="Note", metadata={"author": value})])[0]
    assert not [part for part in value.lower().split(".") if part in masked.metadata["author"].record.lower()]


def test_a_short_name_with_an_initial_is_propagated(masker, document):
    """``Mr J.Smith`` gives Smith away, though ``.Smith`` could be an extension."""
    assert "Smith" not in masker.mask([document("Dear Mr J.Smith,\n\nthe file of Smith is lost.")])[0].text.record


@given(text=st.text(alphabet="aB1_-.+%20C3BC/ ü", max_size=30))
def test_readings_lead_back(text):
    """Each character of a reading stands for a stretch of the original, in order and inside it."""
    for reading in (unglued(text), unglued(text, camel=True), unglued(text).titled()):
        pieces = reading.pieces
        assert len(pieces) == len(reading.text)
        assert all(0 <= start <= end <= len(text) for start, end in pieces)
        assert all(left[1] <= right[0] for left, right in pairwise(pieces))
        assert all(text[start:end] == char for char, (start, end) in zip(reading.text, pieces, strict=True)
                   if char.isalnum() and end - start == 1 and char == text[start])  # fmt: skip


def test_a_label_has_no_place():
    """What is put in front of a reading is nowhere in the original."""
    reading = unglued("a_b").labelled("Name")
    assert reading.place(Span(0, 4, "PERSON", 1.0, "x")) is None
    placed = reading.place(Span(6, 9, "PERSON", 1.0, "x"))
    assert placed is not None
    assert (placed.start, placed.end) == (0, 3)
