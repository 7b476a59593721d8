"""What was erased stays out of what is masked later, detected or not; what was corrected becomes the other value."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from ragkit.crypto import CollectionKeys
from ragkit.mask.build import build_masker
from ragkit.mask.masker import CollectionMasker
from ragkit.policy import Policy
from ragkit.testing.fakes import MemoryVaultTable
from ragkit.types import Document, MaskedDocument, RulingRow

REQUEST, OTHER = "a" * 32, "b" * 32
GALIP = ("PERSON", "Galip Yalmanova")
OWN = [
    GALIP,
    ("EMAIL_ADDRESS", "galip.yalmanova@acme.example"),
    ("PHONE_NUMBER", "+49 30 901820"),
    ("ADDRESS", "12 Lindenweg, 10115 Berlin"),
    ("CUSTOMER_NUMBER", "KD-4711"),
]
HOME = ("PHONE_NUMBER", "+49 30 555012")


class Table:
    """Rulings in a list."""

    def __init__(self) -> None:
        self.list: list[RulingRow] = []

    def mark(self) -> int:
        return len(self.list)

    def rows(self) -> list[RulingRow]:
        return list(self.list)


@pytest.fixture
def table() -> Table:
    """No rulings yet."""
    return Table()


@pytest.fixture
def masker(table: Table) -> CollectionMasker:
    """The default policy with these rulings."""
    return build_masker(Policy.default(), CollectionKeys(b"m" * 32), MemoryVaultTable(), "support", rulings=table)


def erase(masker: CollectionMasker, table: Table, own: Iterable[tuple[str, str]] = OWN, **more: object) -> None:
    """Rule that these values are out."""
    assert masker.rulings is not None
    table.list += masker.rulings.erasing(REQUEST, own=own, is_taken=lambda key: key[0] == "word", **more)


def masked(masker: CollectionMasker, text: str, **more: object) -> MaskedDocument:
    """One document masked."""
    given = {"title": "A title", "name": "a.txt", "blocks": (), "media_type": "text/plain", **more}
    found = masker.mask([Document(text=text, **given)])[0]  # type: ignore[arg-type]
    assert isinstance(found, MaskedDocument)
    return found


def shown(document: MaskedDocument) -> str:
    """All of both views."""
    parts = [document.text, document.title, document.name, *document.metadata.values()]
    parts += [document.uri] if document.uri else []
    return "\n".join(f"{part.record}\n{part.index}" for part in parts)


@pytest.mark.parametrize(
    "text",
    [
        "Ask Galip Yalmanova about it.",
        "the file of galip yalmanova is closed",
        "YALMANOVA, GALIP",
        "Yalmanova Galip",
        "paid by G. Yalmanova in time",
        "Mr Galip Yalmanova's tent",
        "Gálip  Yalmanova",
        "write to galip.yalmanova@acme.example now",
        "call 030 / 901820 or +49 (0)30 901820",
        "sent to 12 Lindenweg, 10115 Berlin",
        "customer kd-4711 again",
        "the key kd 4711 opens it",
        "galip.yalmanova@other.example",
    ],
)
def test_erased_values_are_redacted_in_whatever_form(text: str, masker: CollectionMasker, table: Table) -> None:
    """Detected or not, as it is written in the text, it is gone from both views, and no row is made for it."""
    erase(masker, table)
    document = masked(masker, text)
    gone = ("yalmanova", "galip", "901820", "lindenweg", "4711")
    assert not [word for word in gone if word in shown(document).casefold()], shown(document)
    assert document.erased == {REQUEST}
    assert not document.mentions
    assert not document.people
    assert masker.vault.pending == 0
    assert "[" in document.text.record


@pytest.mark.parametrize("named", ["default", "strict"])
def test_a_value_is_redacted_whatever_type_the_policy_gives_it(named: str, table: Table) -> None:
    """A date of birth that another policy takes for any date, a number that it takes for another number."""
    policy = Policy.default() if named == "default" else Policy(profile="strict")
    masker = build_masker(policy, CollectionKeys(b"m" * 32), MemoryVaultTable(), "support", rulings=table)
    erase(masker, table, own=[("DATE_OF_BIRTH", "12 March 1961"), ("UNIQUE_ID", "KD-4711")])
    document = masked(masker, "Seen on 12 March 1961 by the clerk. Customer number: KD-4711.")
    assert "1961" not in shown(document)
    assert "4711" not in shown(document)
    assert {span.entity_type for span in document.text.spans} <= {
        "DATE_OF_BIRTH",
        "DATE_TIME",
        "CUSTOMER_NUMBER",
        "UNIQUE_ID",
    }
    assert not [one for one in masker.vault.mentions([("DATE_TIME", "12 March 1961")]) if one in document.mentions]
    assert masker.vault.reveal(document.text.record)[1] == {}


def test_fields_are_redacted_too(masker: CollectionMasker, table: Table) -> None:
    """Title, name, address and metadata, glued or in capitals."""
    erase(masker, table)
    document = masked(
        masker,
        "Nothing here.",
        title="The case of Galip Yalmanova",
        name="galip_yalmanova-kd-4711.pdf",
        uri="file:///cases/GalipYalmanova/letter.pdf",
        metadata={"author": "yalmanova, galip", "customer": "KD-4711"},
    )
    assert not [word for word in ("yalmanova", "galip", "4711") if word in shown(document).casefold()], shown(document)


@pytest.mark.parametrize(
    "text",
    [
        "Ask Galip Ozturk about it.",
        "Ask Peter Yalmanova about it.",
        "Ms Yalmanova and Ada Yalmanova came.",
        "call 030 901821",
        "order 4711-2234",
        "sent to 14 Lindenweg, 10115 Berlin",
    ],
)
def test_others_keep_their_values(text: str, masker: CollectionMasker, table: Table) -> None:
    """Namesakes by one word, and numbers alike, are masked as before, and can be revealed."""
    erase(masker, table)
    document = masked(masker, text)
    assert not document.erased
    assert masker.vault.reveal(document.text.record)[0] == text


def test_a_single_name_of_nobody_else_goes_unless_another_is_meant(masker: CollectionMasker, table: Table) -> None:
    """``Yalmanova`` alone means the erased person, but not beside an Ada Yalmanova."""
    assert masker.rulings is not None
    table.list += masker.rulings.erasing(REQUEST, own=[GALIP], is_taken=lambda key: "galip" in key)
    assert "yalmanova" not in shown(masked(masker, "then yalmanova left")).casefold()
    document = masked(masker, "Ms Ada Yalmanova came. Then Ms Yalmanova left.")
    assert not document.erased


def test_shared_values_stay_with_the_living(masker: CollectionMasker, table: Table) -> None:
    """A number that a living person has too goes only where it stands as the erased person's."""
    erase(masker, table, shared=[HOME])
    rulings = masker.rulings
    assert rulings is not None
    ada = ("PERSON", "Ada Berg")
    both = [GALIP, HOME, ada]
    assert HOME in rulings.decide(both, [{GALIP, HOME}])
    assert HOME not in rulings.decide(both, [{GALIP, HOME}, {ada, HOME}])
    assert HOME not in rulings.decide(both, [])
    assert GALIP in rulings.decide(both, [])
    assert "[PHONE_NUMBER:" in masked(masker, "Ada Berg, phone +49 30 555012").text.record


def test_corrections_become_the_other_value(masker: CollectionMasker, table: Table) -> None:
    """What is written is masked as what it became, and that is what reveal shows; what was erased goes first."""
    assert masker.rulings is not None
    table.list += masker.rulings.correcting(OTHER, ("PHONE_NUMBER", "+49 30 901820"), "+49 30 555013")
    document = masked(masker, "call +49 30 901820 today")
    assert masker.vault.reveal(document.text.record)[0] == "call +49 30 555013 today"
    assert not document.erased
    table.list += masker.rulings.erasing(REQUEST, own=[("PHONE_NUMBER", "+49 30 555013")])
    assert "[PHONE_NUMBER]" in masked(masker, "call +49 30 901820 today").text.record


def test_single_texts_are_ruled_too(masker: CollectionMasker, table: Table) -> None:
    """``mask_text``, stored or not."""
    erase(masker, table)
    for store in (True, False):
        spans, views = masker.mask_text("then galip yalmanova left", store=store)
        assert views.record == "then [PERSON] left"
        assert len(spans) == 1


def test_rows_tell_nothing(masker: CollectionMasker, table: Table) -> None:
    """No value is in a row, and without the collection's key none can be tried."""
    erase(masker, table)
    stored = repr(table.list).casefold()
    assert not [word for word in ("galip", "yalmanova", "901820", "4711", "phone") if word in stored]
    other = build_masker(Policy.default(), CollectionKeys(b"n" * 32), MemoryVaultTable(), "support")
    assert other.rulings is None
    assert repr(masker.rulings).count("galip") == 0


def test_lifted_rulings_are_gone_at_once(masker: CollectionMasker, table: Table) -> None:
    """The table is read again when it changed."""
    erase(masker, table)
    assert masked(masker, "Galip Yalmanova").erased
    table.list = table.list[:0]
    assert not masked(masker, "Galip Yalmanova").erased
