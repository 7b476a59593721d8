"""The last look before a prompt leaves: it sees what was not masked, and nothing in what was."""

from __future__ import annotations

import base64
import pickle
import re
from urllib.parse import quote

import pytest

from ragkit.crypto import CollectionKeys
from ragkit.errors import MaskingError
from ragkit.generate.aliases import AliasBook
from ragkit.mask.build import build_masker
from ragkit.mask.encodings import hidden
from ragkit.mask.masker import CollectionMasker
from ragkit.mask.rescan import CollectionScanner
from ragkit.mask.vouching import Vouched, veiled
from ragkit.policy import Policy
from ragkit.testing.canaries import make_canaries
from ragkit.testing.fakes import MemoryVaultTable
from ragkit.types import Block, BlockKind, Conversation, Document, Masked, MaskedDocument, Span

LETTER = (
    "Dear Mr Galip Yalman,\n\nthank you for your letter of May. The parcel for customer number C-40718822 went to "
    "Anneliese Brandt, phone +49 30 901820, at the depot in the harbour, and she signed for it on the same day."
)


class Namesake:
    """A learned detector that takes every ``Washington`` for a person, and counts what it is given to read."""

    name = "learned:namesake"
    fingerprint = "namesake"

    def __init__(self) -> None:
        self.read = 0

    def load(self) -> None:
        """Nothing to load."""

    def detect(self, texts: list[str]) -> list[list[Span]]:
        """Where the word stands."""
        self.read += sum(map(len, texts))
        return [
            [Span(*place.span(), "PERSON", 0.9, self.name) for place in re.finditer("Washington", text)]
            for text in texts
        ]


@pytest.fixture
def learned() -> Namesake:
    """A detector with an opinion."""
    return Namesake()


@pytest.fixture(scope="module")
def kept() -> tuple[CollectionMasker, str]:
    """A masker whose vault holds the letter's values, and the letter in the record view; loaded once."""
    masker = build_masker(Policy.default(), CollectionKeys(bytes(range(32))), MemoryVaultTable(), "care")
    masker.load()
    block = Block(BlockKind.PARAGRAPH, 0, len(LETTER))
    document = Document(text=LETTER, blocks=(block,), title="Letter", name="a.txt", media_type="text/plain")
    masked = masker.mask([document])[0]
    assert isinstance(masked, MaskedDocument)
    masker.flush()
    return masker, masked.text.record


@pytest.fixture
def stored(kept, learned: Namesake) -> tuple[CollectionMasker, CollectionScanner, str]:
    """The same with a scanner that nobody has told anything."""
    masker, record = kept
    return masker, CollectionScanner(masker.rules, [*masker.detectors, learned], masker.vault), record


def test_masked_text_passes_and_raw_text_does_not(stored) -> None:
    """In the record view and in the prompt view, vouched for or not; the letter itself is full of findings."""
    _, scanner, record = stored
    prompt = AliasBook(Conversation()).hide(record)
    assert "Yalman" not in record
    assert "·" in prompt
    for _ in range(2):
        assert not scanner.scan(record)
        assert not scanner.scan(f"BEGIN SOURCE 1 bcdfghjkmnpqrstv\n{prompt}\nEND SOURCE 1 bcdfghjkmnpqrstv")
        scanner.vouch([record])
    found = scanner.scan(LETTER)
    assert found["PERSON"] >= 1
    assert found["PHONE_NUMBER"] == 1
    assert found["CUSTOMER_NUMBER"] == 1


@pytest.mark.parametrize("value", ["yalman", "Brandt, Anneliese", "c-40718822", "Galip", "GALIP YALMAN"])
def test_what_the_vault_holds_is_known_without_a_cue(stored, value: str) -> None:
    """In any case and order, in the middle of masked text, where no rule would find it."""
    _, scanner, record = stored
    scanner.vouch([record])
    where = record.index("went to")
    assert scanner.scan(f"{record[:where]}{value} {record[where:]}")


def test_what_the_detector_saw_and_let_stand_is_no_leak(stored, learned: Namesake) -> None:
    """The word is in the stored text in clear: no leak there. In another place it is one."""
    _, scanner, _ = stored
    chunk = "The office is in Washington these days, and the door is open until five."
    assert scanner.scan(chunk)  # nobody vouches for it
    scanner.vouch([chunk])
    learned.read = 0
    assert not scanner.scan(f"Source 1:\n{chunk[4:60]}")  # cut and put into a prompt
    assert learned.read == 0  # and not read again
    assert scanner.scan(f"{chunk}\nAsk Washington about it.")


def test_a_rule_that_goes_by_the_words_around_does_not_take_a_rest_for_a_name(stored) -> None:
    """``Rev. Dr Hume`` became ``Rev. Dr [PERSON:…]``: the title is not a name now."""
    _, scanner, record = stored
    token = record[record.index("[PERSON:") :].partition("]")[0] + "]"
    text = f"the sermon was on duty, and then the Rev. Dr {token} spoke for an hour"
    scanner.vouch([text])
    assert not scanner.scan(text)


@pytest.mark.parametrize(
    "write",
    [
        lambda text: base64.b64encode(text.encode()).decode(),
        lambda text: base64.urlsafe_b64encode(text.encode()).decode().rstrip("="),
        lambda text: text.encode().hex(),
        lambda text: text.encode().hex(" "),
        lambda text: quote(text, safe=""),
        lambda text: "".join(f"%{byte:02x}" for byte in text.encode()),
        lambda text: "".join(f"\\u{ord(char):04x}" for char in text),
        lambda text: "".join(f"&#{ord(char)};" for char in text),
        lambda text: base64.b64encode(quote(text, safe="").encode()).decode(),
    ],
    ids=["base64", "base64url", "hex", "hex pairs", "percent", "percent all", "escapes", "entities", "twice"],
)
def test_other_ways_of_writing_hide_nothing(stored, write) -> None:
    """Decoded in place, once and twice over."""
    _, scanner, record = stored
    scanner.vouch([record])
    assert scanner.scan(f"{record}\nSee {write('Dear Mr Galip Yalman')} for it.")
    assert not scanner.scan(f"{record}\nSee {write('an open door')} for it.")


def test_a_learned_detector_reads_what_was_decoded(stored) -> None:
    """No rule and no vault knows the name."""
    _, scanner, record = stored
    scanner.vouch([record])
    assert scanner.scan(f"{record}\nSee {b'over there Washington waits'.hex()} for it.")


def test_a_detector_that_fails_lets_nothing_pass(stored, learned: Namesake) -> None:
    """And its words, which may hold the text, are not passed on."""
    _, scanner, _ = stored

    def fail(texts: list[str]) -> list[list[Span]]:
        raise ValueError(texts[0])

    learned.detect = fail  # type: ignore[method-assign]
    with pytest.raises(MaskingError) as caught:
        scanner.scan("over there Washington waits")
    assert "Washington" not in repr(caught.value)


def test_patterns_count_wherever_they_stand(stored) -> None:
    """A card number in stored text is a fault of the store, and stays here."""
    _, scanner, _ = stored
    text = "It was paid by credit card 4111 1111 1111 1111 in two parts, they say."
    scanner.vouch([text])
    assert scanner.scan(text) == {"CREDIT_CARD": 1}


def test_canaries_of_every_type_are_seen(stored) -> None:
    """Planted with their cue into vouched text."""
    _, scanner, record = stored
    scanner.vouch([record])
    missed = [one.entity_type for one in make_canaries(46, seed=5) if not scanner.scan(f"{record}\n{one.sentence}\n")]
    assert not missed


def test_a_policy_that_keeps_a_term_lets_it_go() -> None:
    """Allow lists and kept terms of the collection hold for the last look too."""
    policy = Policy.default().model_copy(update={"keep_terms": ("Mr Galip Yalman", "Galip Yalman")})
    masker = build_masker(policy, CollectionKeys(bytes(32)), MemoryVaultTable(), "care")
    scanner = CollectionScanner(masker.rules, masker.detectors, masker.vault)
    assert not scanner.scan("Please ask Mr Galip Yalman about it.")
    assert scanner.scan("Please ask Mr Galip Yalmann about it.")


def test_nothing_that_is_remembered_can_be_read() -> None:
    """Keyed hashes of word runs, in memory; old ones go."""
    vouched = Vouched()
    vouched.add(["the parcel for Galip Yalman went out today"])
    assert "Yalman" not in repr(vouched) + repr(vouched.__dict__)
    with pytest.raises(TypeError):
        pickle.dumps(vouched)
    assert not vouched.strays("the parcel for Galip Yalman went out today")
    for number in range(80):
        vouched.add([" ".join(f"w{number}x{word}" for word in range(5000))])
    assert vouched.strays("the parcel for Galip Yalman went out today")


def test_a_value_in_the_place_of_a_token_is_a_stray() -> None:
    """Its neighbours are known, and it is not."""
    vouched = Vouched()
    vouched.add([Masked("thank you for the parcel of [PERSON:K7F3QX9M2T-4B] which came in the morning")])
    shown = veiled("thank you for the parcel of [PERSON_3·k7] which came in the morning")
    assert not vouched.strays(shown)
    raw = "thank you for the parcel of Yalman which came in the morning"
    assert [raw[slice(*place)] for place in vouched.strays(raw)] == ["Yalman"]


def test_chance_bytes_are_no_text() -> None:
    """Hashes, ids and codes decode to nothing that could be read."""
    for text in (
        "3f9c0a12bc34d5e6f708192a3b4c5d6e",
        "YWJjZGVmZ2hpamts!",
        "K7F3QX9M2T-4B",
        "100 % of 50 %25 done",
        "a b",
    ):
        assert not [plain for _, _, plain in hidden(text) if "Yalman" in plain]
    assert not list(hidden("3f9c0a12bc34d5e6f708192a3b4c5d6e"))
