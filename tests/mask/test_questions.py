"""Recognition of people and numbers in questions, over a real record store with two readers."""

from __future__ import annotations

import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event

from ragkit.mask.build import build_masker
from ragkit.mask.sight import Sight
from ragkit.policy import Policy
from ragkit.testing.light import ANA, BEN, LightIngest
from ragkit.types import MaskedQuestion, RawQuestion, SourceItem, Span

LETTERS = {
    "galip": "Dear Mr Galip Yalman,\n\nyour customer number: KD-12 345. Call +49 30 901820, mail gy77@example.org.",
    "ursula": "Dear Ms Ursula von der Leyen,\n\nthe contract is signed.",
    "shane": "Dear Mr Shane O'Neill,\n\nthe refund is on its way.",
    "amina": "Dear Ms Amina Al-Hassan,\n\nthe tent is repaired.",
    "jurgen": "Dear Mr Jürgen Müller,\n\nthe stove is here.",
    "maria": "Dear Ms Maria Dolores Ibarra,\n\nthe lamp is sold out.",
    "grace": "Dear Ms Grace Okonkwo,\n\nthe invoice is paid.",
    "will": "Dear Mr Will Ostrowsky,\n\nthe boots were exchanged.",
    "peter1": "Dear Mr Peter Quintana,\n\nthe boots were exchanged.",
    "peter2": "Dear Ms Paula Quintana,\n\nthe boots were exchanged.",
}
SECRET = {"secret": "Dear Mr Zoltan Vasarhelyi,\n\nyour customer number: QX-99 881. Mail zovas@example.org."}


def masked_store(folder, letters, **readers) -> LightIngest:
    """Sync letters through the default policy; Ana reads them unless ``readers`` says who reads one."""
    light = LightIngest(folder)
    masker = build_masker(Policy.default(), light.collection.keys, light.store.vault(), "default")
    light.masker = masker  # type: ignore[assignment]
    light.sync(
        {
            name: SourceItem(
                native_id=name,
                content=text.encode(),
                name="letter.txt",
                access=readers.get(name, frozenset({f"u:{ANA.subject}"})),
            )
            for name, text in letters.items()
        }
    )
    return light


@pytest.fixture(scope="module")
def office(tmp_path_factory):
    """Ana reads the letters, Ben the secret ones."""
    ben = frozenset({f"u:{BEN.subject}"})
    light = masked_store(tmp_path_factory.mktemp("office"), LETTERS | SECRET, secret=ben)
    yield light
    light.database.close()


@pytest.fixture(scope="module")
def ask(office):
    """Mask a question of Ana's, or of another's."""

    def asked(text: str, principal=ANA) -> MaskedQuestion:
        return office.masker.mask_question(RawQuestion(text), principal=principal)

    return asked


@pytest.fixture(scope="module")
def stands_for(office):
    """The surrogate words that a document has for a person."""

    def words(name: str) -> set[str]:
        return set(office.masker.vault.lookup("PERSON", name)[1].lower().replace("'", " ").replace("-", " ").split())

    return words


@pytest.mark.parametrize(
    ("question", "person", "rest"),
    [
        ("yalman invoices", "Galip Yalman", "invoices"),
        ("YALMAN INVOICES", "Galip Yalman", "INVOICES"),
        ("galip yalman", "Galip Yalman", ""),
        ("yalman galip contract", "Galip Yalman", "contract"),
        ("Yalman, Galip contract", "Galip Yalman", "contract"),
        ("G. Yalman contract", "Galip Yalman", "contract"),
        ("G Yalman contract", "Galip Yalman", "contract"),
        ("g. yalman contract", "Galip Yalman", "contract"),
        ("g.yalman contract", "Galip Yalman", "contract"),
        ("Yalman G. contract", "Galip Yalman", "contract"),
        ("Yalman's contract", "Galip Yalman", "'s contract"),
        ("invoice of Mrs Yalman", "Galip Yalman", "invoice of"),
        ("galip order", "Galip Yalman", "order"),
        ("leyen contract", "Ursula von der Leyen", "contract"),
        ("ursula leyen", "Ursula von der Leyen", ""),
        ("u. von der leyen", "Ursula von der Leyen", ""),
        ("oneill refund", "Shane O'Neill", "refund"),
        ("o'neill refund", "Shane O'Neill", "refund"),
        ("O’Neill refund", "Shane O'Neill", "refund"),
        ("al-hassan tent", "Amina Al-Hassan", "tent"),
        ("alhassan tent", "Amina Al-Hassan", "tent"),
        ("hassan tent", "Amina Al-Hassan", "tent"),
        ("muller stove", "Jürgen Müller", "stove"),
        ("mueller stove", "Jürgen Müller", "stove"),
        ("jurgen müller", "Jürgen Müller", ""),
        ("maria ibarra lamp", "Maria Dolores Ibarra", "lamp"),
        ("m. d. ibarra lamp", "Maria Dolores Ibarra", "lamp"),
    ],
)
def test_a_person_is_recognised_however_they_are_called(ask, stands_for, question, person, rest):
    """The index view holds the surrogates of the documents and nothing of the name."""
    found = ask(question)
    assert found.counts == {"PERSON": 1}
    assert not found.ambiguous
    own = set(found.text.index.lower().replace("'", " ").replace("-", " ").replace(",", " ").split())
    left = own - set(rest.lower().replace("'", " ").split()) - {"mrs", "s"}
    assert left
    assert left <= stands_for(person)


def test_the_token_is_the_one_of_the_documents(ask, office):
    """So that a generator can tell that question and document speak of one person."""
    token, _ = office.masker.vault.lookup("PERSON", "Galip Yalman")
    for question in ("G. Yalman contract", "yalman contract", "yalman galip contract"):
        assert ask(question).text.record == f"{token} contract"


def test_initials_alone_are_nobody(ask):
    """``GY`` is no name of Galip Yalman."""
    assert ask("GY contract").counts == {}
    assert ask("g contract").counts == {}


@pytest.mark.parametrize(
    ("question", "entity_type", "value"),
    [
        ("call 030 901820", "PHONE_NUMBER", "+49 30 901820"),
        ("call 0049 30 90 18 20", "PHONE_NUMBER", "+49 30 901820"),
        ("who is 030/901820", "PHONE_NUMBER", "+49 30 901820"),
        ("KD12345", "CUSTOMER_NUMBER", "KD-12 345"),
        ("kd-12345 orders", "CUSTOMER_NUMBER", "KD-12 345"),
        ("KD 12 345 orders", "CUSTOMER_NUMBER", "KD-12 345"),
        ("gy77 orders", "EMAIL_ADDRESS", "gy77@example.org"),
    ],
)
def test_numbers_and_addresses_in_another_notation(ask, office, question, entity_type, value):
    """The surrogate is that of the notation in the documents; of an address, its local part."""
    found = ask(question)
    assert found.counts == {entity_type: 1}
    surrogate = office.masker.vault.lookup(entity_type, value)[1]
    assert surrogate.partition("@")[0] in found.text.index


def test_several_people_are_said_to_be_several(ask, stands_for):
    """The mention stays masked; the search follows each of them; no value is told."""
    found = ask("P. Quintana boots")
    assert found.ambiguous == {"PERSON": 1}
    assert "Quintana" not in found.text.record + found.text.index
    read = [set(reading.text.index.lower().split()) - {"boots"} for reading in found.readings]
    assert {frozenset(one) for one in read} == {
        frozenset(stands_for("Peter Quintana")),
        frozenset(stands_for("Paula Quintana")),
    }
    surname = ask("quintana boots")
    assert surname.ambiguous == {"PERSON": 1}
    assert not ask("Peter Quintana boots").ambiguous
    assert not ask("galip yalman boots").ambiguous


def test_readings_are_bounded(tmp_path):
    """However many people fit, a question is read in four ways at most."""
    people = [f"{first} Quintana" for first in ("Pablo", "Paula", "Pedro", "Petra", "Pilar", "Priscila", "Paco")]
    light = masked_store(tmp_path, {name: f"Dear Ms {name},\n\nhello" for name in people})
    found = light.masker.mask_question(RawQuestion("P. Quintana, may will grace pay?"), principal=ANA)
    assert found.ambiguous == {"PERSON": 1}
    assert len(found.readings) == 3
    light.database.close()


def test_everyday_words_are_read_both_ways(ask, stands_for):
    """First as the word that they mostly are; in the middle of a sentence and capitalised, first as the name."""
    lower = ask("grace invoice")
    assert lower.text.index == "grace invoice"
    assert [set(reading.text.index.lower().split()) for reading in lower.readings] == [
        {"invoice"} | (stands_for("Grace") & stands_for("Grace Okonkwo"))
    ]
    capital = ask("what did Grace pay")
    assert capital.counts == {"PERSON": 1}
    assert [reading.text.index for reading in capital.readings] == ["what did Grace pay"]


def test_a_detector_is_doubted_about_an_everyday_word(office, monkeypatch):
    """What it takes for a name in lower case has a plain reading, too, whether or not anybody is called so."""
    masker = office.masker
    span = Span(0, 5, "PERSON", 0.9, "learned:test")
    monkeypatch.setattr(masker, "detect", lambda texts: [[span] for _ in texts])
    for principal in (ANA, BEN):
        found = masker.mask_question(RawQuestion("grace period"), principal=principal)
        assert found.counts == {"PERSON": 1}
        assert [reading.text.index for reading in found.readings] == ["grace period"]
    assert not masker.mask_question(RawQuestion("galip period"), principal=ANA).readings


@pytest.mark.parametrize("question", ["will I get a refund", "Will it rain", "how will you ship", "it will be late"])
def test_words_that_the_sentence_needs_are_no_names(ask, question):
    """No second search for a ``will`` beside a pronoun."""
    found = ask(question)
    assert found.text.index == question
    assert not found.readings


def test_a_word_that_only_the_vault_takes_for_a_name_is_read_both_ways(ask):
    """In lower case and alone, it may be a mistake of a detector in some document."""
    assert not ask("zoltan vasarhelyi invoice", principal=BEN).readings
    assert not ask("an invoice for Vasarhelyi", principal=BEN).readings
    found = ask("vasarhelyi invoice", principal=BEN)
    assert "vasarhelyi" not in found.text.index
    assert [reading.text.index for reading in found.readings] == ["vasarhelyi invoice"]


# --- what the asker may not read -------------------------------------------------------------------------------------


def outline(found: MaskedQuestion, name: str) -> list[object]:
    """What of a masked question can be told apart, with the name and what stands for it cut out."""
    views = [found.text, *found.history, *(reading.text for reading in found.readings)]
    shapes = [
        (
            [(span.entity_type, span.source_start, span.source_end) for span in view.spans],
            name in view.index,
            name in view.record,
            len(view.record) - sum(span.record_end - span.record_start for span in view.spans),
        )
        for view in views
    ]
    return [shapes, found.counts, found.ambiguous, [reading.weight for reading in found.readings]]


TEMPLATES = ("{} invoices", "invoice of Mr {}", "what did {} buy?", "Dear Ms {}, hello", "{}'s contract", "is {} late")
HIDDEN = ("Zoltan Vasarhelyi", "zoltan vasarhelyi", "Vasarhelyi", "vasarhelyi", "Z. Vasarhelyi", "Vasarhelyi, Zoltan")
UNKNOWN = ("Zoltan Vasarhelxi", "zoltan vasarhelxi", "Vasarhelxi", "vasarhelxi", "Z. Vasarhelxi", "Vasarhelxi, Zoltan")


@pytest.mark.parametrize("template", TEMPLATES)
@pytest.mark.parametrize("pair", list(zip(HIDDEN, UNKNOWN, strict=True)))
def test_what_the_asker_may_not_read_is_not_confirmed(ask, template, pair):
    """A name that others' documents hold is masked as one that stands nowhere; who may read them sees it recognised."""
    hidden, unknown = (outline(ask(template.format(name)), name) for name in pair)
    assert hidden == unknown
    assert ask(template.format(pair[0]), principal=BEN).counts == {"PERSON": 1}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    words=st.lists(
        st.sampled_from(["invoice", "of", "Mr", "galip", "will", "G.", "P.", "quintana", "the", "?"]), max_size=5
    ),
    at=st.integers(0, 5),
    form=st.integers(0, len(HIDDEN) - 1),
)
def test_any_question_about_hidden_and_unknown_people_is_masked_alike(ask, words, at, form):
    """Whatever stands around the name."""
    asked = [" ".join([*words[:at], name[form], *words[at:]]) for name in (HIDDEN, UNKNOWN)]
    assert outline(ask(asked[0]), HIDDEN[form]) == outline(ask(asked[1]), UNKNOWN[form])


def test_a_hidden_value_lends_neither_token_nor_surrogate(ask, office):
    """What a detector finds in the question gets fresh ones, the same each time, which reveal nothing."""
    vault = office.masker.vault
    token, surrogate = vault.lookup("PERSON", "Zoltan Vasarhelyi")
    once, again = (ask("Does Mr Zoltan Vasarhelyi pay?") for _ in range(2))
    assert once == again
    assert once.counts == {"PERSON": 1}
    assert token not in once.text.record
    assert not set(surrogate.split()) & set(once.text.index.split())
    assert vault.reveal(once.text.record) == (once.text.record, {})
    seen = ask("Does Mr Zoltan Vasarhelyi pay?", principal=BEN)
    assert token in seen.text.record
    assert surrogate in seen.text.index


def test_an_unknown_name_is_masked_the_same_after_others_got_to_know_it(tmp_path):
    """Asking again after a closed document came tells nothing."""
    light = masked_store(tmp_path, {"a": LETTERS["galip"]})
    question = RawQuestion("Does Mr Zoltan Vasarhelyi pay 4111 1111 1111 1111, zovas@example.org, QX-99 881?")
    before = light.masker.mask_question(question, principal=ANA)
    ben = frozenset({f"u:{BEN.subject}"})
    light.sync({"s": SourceItem(native_id="s", content=SECRET["secret"].encode(), name="s.txt", access=ben)}, "other")
    assert light.masker.mask_question(question, principal=ANA) == before
    light.database.close()


@pytest.mark.parametrize("pair", list(zip(HIDDEN, UNKNOWN, strict=True)))
def test_hidden_and_unknown_cost_the_same_look_ups(office, ask, pair):
    """The same SQL statements with as many parameters: the way to the answer is the same, so is the time it takes."""
    statements: list[tuple[str, int]] = []

    def note(_connection, _cursor, statement, parameters, *_more) -> None:
        statements.append((statement, len(str(parameters)) // 1000))

    event.listen(office.database._engine, "before_cursor_execute", note)
    try:
        counts = []
        for name in pair:
            statements.clear()
            ask(f"invoice of Mr {name}, galip and will")
            counts.append(list(statements))
    finally:
        event.remove(office.database._engine, "before_cursor_execute", note)
    assert counts[0] == counts[1]
    assert counts[0]


def test_ambiguity_counts_only_who_the_asker_may_read_of(tmp_path):
    """Ana reads of one Quintana, Ben of both."""
    both = {name: LETTERS[name] for name in ("peter1", "peter2")}
    everybody = frozenset({f"u:{ANA.subject}", f"u:{BEN.subject}"})
    light = masked_store(tmp_path, both, peter1=everybody, peter2=frozenset({f"u:{BEN.subject}"}))
    ana, ben = (light.masker.mask_question(RawQuestion("P. Quintana boots"), principal=one) for one in (ANA, BEN))
    assert (dict(ana.ambiguous), dict(ben.ambiguous)) == ({}, {"PERSON": 1})
    assert not ana.readings
    light.database.close()


def test_recognition_follows_access_and_deletion(tmp_path):
    """Who gains access has the name recognised, who loses it no longer, and a deleted document lends nothing."""
    ana, ben = (frozenset({f"u:{one.subject}"}) for one in (ANA, BEN))

    def counts(principal) -> dict[str, int]:
        return dict(light.masker.mask_question(RawQuestion("yalman invoices"), principal=principal).counts)

    light = masked_store(tmp_path, {"galip": LETTERS["galip"]})
    assert (counts(ANA), counts(BEN)) == ({"PERSON": 1}, {})
    item = SourceItem(native_id="galip", content=LETTERS["galip"].encode(), name="letter.txt", access=ben)
    assert light.sync({"galip": item}).access_changed == 1
    assert (counts(ANA), counts(BEN)) == ({}, {"PERSON": 1})
    light.options["max_delete_share"] = 1.0
    light.sync({"other": SourceItem(native_id="other", content=b"nothing", name="o.txt", access=ana)})
    assert (counts(ANA), counts(BEN)) == ({}, {})
    light.database.close()


def test_ten_words_cost_less_than_three_milliseconds(office, ask):
    """Recognition alone, warm, in the vault of a small office; processor time, the best of many."""
    question = RawQuestion("please show me the open yalman invoices and contracts now")
    masker = office.masker
    masker.load()
    found = masker.detect([question.text])[0]
    best = 1.0
    for _ in range(30):
        began = time.thread_time()
        masker._read(question.text, found, Sight(masker.vault, ANA))
        best = min(best, time.thread_time() - began)
    assert best < 0.003
