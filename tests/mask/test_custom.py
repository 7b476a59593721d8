"""The company's own recognizers: form, context words, check digits, and failing closed."""

from __future__ import annotations

import pickle
import subprocess
import sys

import pytest
from pydantic import ValidationError

from ragkit.errors import MaskingError
from ragkit.mask.build import build_masker
from ragkit.mask.custom import CustomDetector
from ragkit.mask.resolver import rank
from ragkit.policy import Policy, Recognizer
from ragkit.testing.fakes import MemoryVaultTable
from ragkit.types import Span

BADGE = {"entity_type": "BADGE", "patterns": [r"\b\d{6}\b"], "context": ["badge", "Ausweis"]}


def spans(text: str, **settings: object) -> list[Span]:
    """What one recognizer finds."""
    return CustomDetector({"own": Recognizer(**{**BADGE, **settings})}).detect([text])[0]


def found(text: str, **settings: object) -> list[tuple[str, float]]:
    """Its texts and scores."""
    return [(text[span.start : span.end], span.score) for span in spans(text, **settings)]


def test_context_raises_the_score_as_in_presidio() -> None:
    """A context word within five words before adds 0.35; case does not count, stop words do not take room."""
    assert found("number 123456", score=0.3) == [("123456", 0.3)]
    assert found("the badge of it is 123456", score=0.3) == [("123456", 0.65)]
    assert found("AUSWEIS 123456", score=0.3) == [("123456", 0.65)]
    assert found("badge alpha beta gamma delta epsilon zeta 123456", score=0.3) == [("123456", 0.3)]
    assert found("badges 123456", score=0.3) == [("123456", 0.3)]


def test_required_context_is_required() -> None:
    """Without one of its words nothing is found, whatever the score."""
    assert found("order 123456", require_context=True, score=1.0) == []
    assert found("badge 123456", require_context=True, score=0.3) == [("123456", 0.65)]


def test_the_group_value_is_what_is_masked() -> None:
    """A label in the pattern stays readable."""
    assert found("Locker no. 77-A1", patterns=[r"locker no\.? (?P<value>[\w-]+)"]) == [("77-A1", 0.5)]


def test_check_digits_decide() -> None:
    """What fails them is not found; what passes has the score 1, and outranks what a model says."""
    text = "79927398713 or 79927398714"
    (only,) = spans(text, patterns=[r"\d{11}"], validator="luhn", score=0.1)
    assert (text[only.start : only.end], only.score, only.recognizer) == ("79927398713", 1.0, "custom:checksum:own")
    assert rank(only) > rank(Span(0, 1, "X_X", 1.0, "learned:minilm")) < rank(spans("badge 123456")[0])


@pytest.mark.parametrize(
    ("validator", "right", "wrong"),
    [
        ("luhn", "7992 739 8713", "7992 739 8714"),
        ("iban", "GB82 WEST 1234 5698 7654 32", "GB83 WEST 1234 5698 7654 32"),
        ("iso7064.mod_97_10", "99991234567890121414 90", "99991234567890121414 91"),
        ("de.idnr", "36 574 261 809", "36 574 261 890"),
    ],
)
def test_check_digits_by_the_library(validator: str, right: str, wrong: str) -> None:
    """Examples of the standards and of python-stdnum, grouped as on paper."""
    settings = {"patterns": [r"[A-Z\d][A-Z\d ]+[A-Z\d]"], "validator": validator}
    assert found(right, **settings) == [(right, 1.0)]
    assert found(wrong, **settings) == []


@pytest.mark.parametrize("validator", ["nope", "de.nope", "util", "../x", "os", "luhn.x.y", ""])
def test_a_validator_that_is_none_is_refused(validator: str) -> None:
    """Only modules of python-stdnum that check."""
    with pytest.raises(ValidationError, match="module of python-stdnum"):
        Recognizer(**BADGE, validator=validator)


def test_a_runaway_pattern_is_an_error_not_a_miss(monkeypatch: pytest.MonkeyPatch) -> None:
    """Presidio skips a pattern that runs out of time; here nothing passes unmasked, and the text is not quoted."""
    monkeypatch.setattr("ragkit.mask.custom._SECONDS", 0.05)
    with pytest.raises(MaskingError, match="'own'") as caught:
        found("a" * 40 + "!", patterns=[r"(?:a|a)+b|(a+)+$"])
    assert "aaa" not in str(caught.value)


def test_many_findings_take_time_in_proportion() -> None:
    """Twenty thousand findings in one text are no square of it."""
    assert len(found("badge 123456\n" * 20_000, context=())) == 20_000


def test_the_policy_runs_it_and_the_vault_gives_tokens(keys, document) -> None:
    """Found, masked in both views, revealed."""
    policy = Policy(profile="default", recognizers={"own": BADGE | {"require_context": True}})
    masker = build_masker(policy, keys, MemoryVaultTable(), "c")
    masked = masker.mask(
        [document("Show badge 482913 at the gate. Rooms along corridor seventeen stay shut; take 482914.")]
    )[0]
    assert "482913" not in masked.text.record + masked.text.index
    assert "482914" in masked.text.record
    assert masker.vault.reveal(masked.text.record)[0].startswith("Show badge 482913")


def test_pci_redacts_the_parts_of_a_card(keys, document) -> None:
    """Number, expiry and code leave no trace; a date that is no expiry stays."""
    masker = build_masker(Policy.from_profile("pci"), keys, MemoryVaultTable(), "c")
    text = "Card 4111 1111 1111 1111, exp 09/27, CVV: 123. Service code 201. Sprint 05/26 starts. PIN 4821"
    record = masker.mask([document(text)])[0].text.record
    assert record == (
        "Card [CREDIT_CARD], exp [CARD_EXPIRY], CVV: [CARD_SECURITY_CODE]. Service code [CARD_SECURITY_CODE]. "
        "Sprint 05/26 starts. PIN [CARD_SECURITY_CODE]"
    )
    assert masker.vault.pending == 0


def test_it_pickles_and_its_fingerprint_moves_with_its_settings() -> None:
    """A detector goes to a child process by value."""
    detector = CustomDetector({"own": Recognizer(**BADGE)})
    detector.load()
    assert pickle.loads(pickle.dumps(detector)).fingerprint == detector.fingerprint
    assert CustomDetector({"own": Recognizer(**BADGE, score=0.6)}).fingerprint != detector.fingerprint


def test_presidio_is_imported_only_beside_a_context_word() -> None:
    """A policy with recognizers of its own costs nothing until one of their words occurs."""
    code = (
        "import sys; from ragkit.mask.custom import CustomDetector; from ragkit.policy import Recognizer;"
        "d = CustomDetector({'x': Recognizer(entity_type='BADGE', patterns=[r'\\d{6}'], context=['badge'])});"
        "d.load(); d.detect(['room 123456']); print({'presidio_analyzer', 'spacy', 'torch'} & set(sys.modules));"
        "d.detect(['badge 123456']); print('torch' in sys.modules)"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True).split() == ["set()", "False"]
