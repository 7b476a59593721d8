"""Documents and questions through the whole masker."""

from __future__ import annotations

import traceback

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ragkit.crypto import CollectionKeys
from ragkit.errors import EmptyPolicy, ItemRefused, MaskingError
from ragkit.mask.build import build_detectors, build_masker
from ragkit.mask.masker import CollectionMasker
from ragkit.mask.vault import Vault
from ragkit.policy import Dictionary, Policy
from ragkit.protocols import Masker
from ragkit.testing.fakes import MemoryVaultTable
from ragkit.types import MaskedDocument, Principal, RawQuestion

ANA = Principal("local|ana")

LETTER = """Dear Ms Yalman,

your order number 4711-2234 went to Lindenstraße 5, 10115 Berlin. Galip Yalman called from +49 30 901820.
Card 4111 1111 1111 1111, born on 12 March 1985, mail galip.yalman@acme.de. YALMAN'S file: galip yalman, Galip
Yalman.

Kind regards,
John Okoro
"""
PERSONAL = (
    "Yalman",
    "YALMAN",
    "yalman",
    "Galip",
    "galip",
    "Okoro",
    "4711-2234",
    "Linden",
    "901820",
    "4111",
    "1985",
    "acme",
)


def make(policy: Policy | None = None) -> CollectionMasker:
    """A masker over an empty vault."""
    return build_masker(policy or Policy.default(), CollectionKeys(b"m" * 32), MemoryVaultTable(), "support")


@pytest.fixture(scope="module")
def loaded():
    """One masker for the tests by example."""
    return make()


def test_it_is_a_masker(masker: Masker):
    """The class keeps the contract; the policy is a fingerprint of policy and detectors, under the collection's key."""
    assert make().policy == make().policy != masker.policy
    assert masker.policy != make(Policy(default_threshold=0.4)).policy


def test_a_letter_is_masked_in_both_views_and_restored(masker, document):
    """No personal datum in either view; revealing gives the letter back exactly."""
    masked = masker.mask([document(LETTER)])[0]
    assert isinstance(masked, MaskedDocument)
    for view in (masked.text.record, masked.text.index):
        assert not [value for value in PERSONAL if value in view]
    assert masker.vault.reveal(masked.text.record)[0] == LETTER
    assert masked.counts["PERSON"] >= 6
    assert masked.policy == masker.policy


def test_every_field_is_masked_with_the_names_of_all(masker, document):
    """Title, file name, URI and metadata: names of the text are found there, and theirs in the text."""
    masked = masker.mask(
        [
            document(
                "Call Ms Yalman. Ortega agreed; priya.raman@x.de too. Raman left.",
                title="Complaint of Yalman",
                name="invoice_Galip_Yalman-2024.pdf",
                uri="/home/ana/galip.yalman@acme.de.eml",
                metadata={"author": "ana ortega", "subject": "re Yalman", "folder": "cases/yalman/open"},
            )
        ]
    )[0]
    everything = [masked.text, masked.title, masked.name, masked.uri, *masked.metadata.values()]
    for view in [v for text in everything for v in (text.record, text.index)]:
        assert not [name for name in ("yalman", "galip", "ortega", "raman", "acme") if name in view.lower()]
    assert masked.name.record.endswith("-2024.pdf")
    assert masked.uri.record.endswith("].eml")


@pytest.mark.parametrize(
    "name",
    [
        "Priya-Raman.docx",
        "priya_raman_cv.pdf",
        "CV Raman, Priya.pdf",
        "priya.raman@x.de.eml",
        "2024-01_Raman.Priya.txt",
    ],
)
def test_names_in_file_names(masker, document, name):
    """File names give names away with every kind of glue, whatever the text says."""
    assert "priya" not in masker.mask([document("Nothing.", name=name)])[0].name.record.lower()


@pytest.mark.parametrize(
    "name", ["return_policy.md", "price-list-2024.xlsx", "User_Guide.pdf", "README.md", "Terms of Service.html"]
)
def test_ordinary_file_names_stay(masker, document, name):
    """A file name without a name is not touched."""
    assert masker.mask([document("Nothing.", name=name)])[0].name.record == name


def test_propagation_spares_everyday_words(masker, document):
    """A customer called Brown does not blacken every brown thing; her name inside a sentence is masked."""
    text = "Dear Ms Brown,\nBrown paper is brown. We told Brown that brown is sold out."
    record = masker.mask([document(text)])[0].text.record
    assert "Brown paper is brown" in record
    assert "told [PERSON:" in record


def test_questions_insert_nothing_and_find_what_the_vault_knows(masker, document):
    """A bare surname in a short question is masked as in the documents; the vault does not grow."""
    masked = masker.mask([document(LETTER)])[0]
    masker.flush()
    rows = len(masker.vault._rows.table.rows)
    question = masker.mask_question(
        RawQuestion("yalman open orders?", history=("who is galip yalman", "ok")), principal=ANA
    )
    surrogate = masked.text.index.partition("Ms ")[2].partition(",")[0]
    assert question.text.index == f"{surrogate} open orders?"
    assert len(question.history) == 2
    assert "galip" not in question.history[0].record
    assert question.counts == {"PERSON": 2}
    assert (len(masker.vault._rows.table.rows), masker.vault.pending) == (rows, 0)


def test_questions_about_strangers_are_masked_by_detectors(masker):
    """An unknown name with an honorific is masked and matches nobody."""
    question = masker.mask_question(RawQuestion("Does Mr Quux pay by 4111 1111 1111 1111?"), principal=ANA)
    assert "Quux" not in question.text.record
    assert question.counts == {"PERSON": 1, "CREDIT_CARD": 1}


def test_everyday_words_in_questions_stay(masker, document):
    """``may`` is a word although the vault knows May."""
    masker.mask([document("Dear Ms May,\nhello")])
    masker.flush()
    assert masker.mask_question(RawQuestion("may I return it?"), principal=ANA).text.record == "may I return it?"


def test_operators(document):
    """Redact and generalise cannot be undone, keep leaves, refuse quarantines one document only."""
    policy = Policy(
        entities={
            "PERSON": "redact",
            "DATE_OF_BIRTH": "generalise",
            "AGE": "keep",
            "CREDIT_CARD": "refuse",
            "EMAIL_ADDRESS": "token",
        }
    )
    results = make(policy).mask(
        [document("Ms Yalman, 34 years old, born 12 March 1985"), document("4111 1111 1111 1111")]
    )
    assert results[0].text.record == "Ms [PERSON], 34 years old, born [DATE_OF_BIRTH~1985]"
    assert results[0].text.index == "Ms person, 34 years old, born 1985"
    assert isinstance(results[1], ItemRefused)
    assert "4111" not in f"{results[1]!r}{results[1]}"


def test_dictionaries_and_kept_terms(document):
    """The company's terms are masked under their own type; what it declares harmless stays."""
    policy = Policy(
        dictionaries={"projects": Dictionary(entity_type="PROJECT", terms=("Blue Falcon",))}, keep_terms=("Yalman",)
    )
    masked = make(policy).mask([document("Ms Yalman leads blue falcon with Ms Ortega")])[0]
    assert masked.text.record.startswith("Ms Yalman leads [PROJECT:")
    assert "falcon" not in masked.text.index.lower()
    assert "Ortega" not in masked.text.record


def test_a_planted_token_is_masked_like_a_value(masker, document):
    """Nobody can have a value revealed by writing its token into a document."""
    token = masker.vault.allocate("PERSON", "Galip Yalman")[0]
    masked = masker.mask([document(f"please reveal {token}")])[0]
    assert token not in masked.text.record
    assert masker.vault.reveal(masked.text.record)[0] == f"please reveal {token}"


def test_mask_text_for_the_command_line(masker):
    """Spans and views of one text, without a row inserted; secrets are masked rather than refused."""
    text = "Ms Yalman: password: Hunter22!x"
    spans, masked = masker.mask_text(text)
    assert [(text[s.start : s.end], s.entity_type) for s in spans] == [("Yalman", "PERSON"), ("Hunter22!x", "PASSWORD")]
    assert "Hunter22" not in masked.record
    assert masker.vault.pending == 0


def test_failed_batches_leave_nothing_pending(masker, document):
    """Discard forgets the batch."""
    masker.mask([document(LETTER)])
    masker.discard()
    assert masker.vault.pending == 0


def test_no_detectors_is_refused(keys):
    """A policy that names entities needs something to find them; masking nothing must be said."""
    vault = Vault(keys, MemoryVaultTable(), "c")
    with pytest.raises(EmptyPolicy):
        CollectionMasker(Policy.default(), [], vault, collection="c")
    assert build_detectors(Policy.unsafe_nothing()) == []
    off = make(Policy.unsafe_nothing())
    assert off.mask_text("Ms Yalman")[1].record == "Ms Yalman"


def test_reprs_and_errors_leak_nothing(masker, document):
    """Nothing personal in a repr of what the masker holds or fails with."""
    masked = masker.mask([document(LETTER)])[0]
    shown = repr(masker) + repr(masker.vault) + repr(masker.detectors) + repr(masked)
    assert not [value for value in PERSONAL if value in shown]


TEXTS = st.lists(
    st.one_of(
        st.sampled_from(["Ms Yalman", "GALIP YALMAN", "Galip\nYalman's", "+49 30 901820", "a.b@acme.de",
                         "Dear Anna,\n", "Straße 5", "4111 1111 1111 1111"]),
        st.text(max_size=12),
    ),
    max_size=12,
).map(" ".join)  # fmt: skip


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=TEXTS)
def test_reveal_undoes_mask(loaded, document, text):
    """For any text, in any script: reveal(mask(x)) is x, and both views agree outside spans."""
    masked = loaded.mask([document(text)])[0]
    loaded.flush()
    assert loaded.vault.reveal(masked.text.record)[0] == text
    assert masked.text.to("source", len(masked.text.record), came_from="record", end=True) == len(text)


def test_a_detector_that_fails_says_nothing_of_the_text(masker, document):
    """A foreign detector's error may quote what it read: it becomes our own, with its name and kind only."""

    class Failing:
        name = fingerprint = "learned:failing"

        def load(self):
            """Nothing to load."""

        def detect(self, texts):
            raise ValueError(f"cannot read {texts[0]}")

    masker.detectors = (*masker.detectors, Failing())
    letter = document("Dear Ms Galina Yalmanova")
    with pytest.raises(MaskingError, match=r"learned:failing failed \(ValueError\)") as refused:
        masker.mask([letter])
    assert "Galina" not in "".join(traceback.format_exception(refused.value))
    assert refused.value.__context__ is None
    assert refused.value.remedy
