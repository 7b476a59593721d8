"""Presidio behind gates: the same findings as its own engine, without its traps."""

from __future__ import annotations

import pickle
import random
import subprocess
import sys

import pytest

from ragkit.errors import ConfigError
from ragkit.mask.phones import whole
from ragkit.mask.plausible import is_plausible
from ragkit.mask.presidio import PresidioDetector
from ragkit.mask.recognizers import rows

SAMPLES = [
    "my phone number is 212-555-0192",
    "Call +49 30 901820 or (030) 901820-11, fax 020 7946 0018 x12; US 415.555.2671",
    "card 4111 1111 1111 1111 and 5500-0000-0000-0004, not 4111 1111 1111 1112",
    "IBAN DE89 3704 0044 0532 0130 00, GB29NWBK60161331926819, bad DE00370400440532013000",
    "write to galip.yalman@acme.de, <o'hara+x@mail.example.co.uk>, nobody@invalid.notatld, a@b",
    "hosts 192.0.2.7, 10.0.0.0/16, 2001:db8::8a2e:370:7334 and ::ffff:192.0.2.1 at 12:30:45",
    "mac 00:1B:44:11:3A:B7 or 00-1B-44-11-3A-B7 or 001b.4411.3ab7",
    "bitcoin 1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2 and bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq",
    "uuid 550e8400-e29b-41d4-a716-446655440000 and 00000000-0000-0000-0000-000000000000",
    "social security number 078-05-1121 or 536-90-4399, itin 912-70-1234",
    "please debit my bank account 123456789012; passport number 912803456 for travel",
    "my driver license is H12345678, S3 is not",
    "NHS number 943 476 5919; NINO AB 12 34 56 C; licence MORGA657054SM9IJ",
    "Steuer-ID 12345678911 und 86095742719",
    "DNI 12345678Z, NIE X1234567L; codice fiscale RSSMRA85T10A562S",
    "İstanbul’da numaram 212-555-0192, ﬁne",
    "tokens before the end number number number 212-555-0192\n\n\n| phone | 212-555-0193 |",
    "2019-10-12T07:20:50Z order 09-05-2017 build 72.0.3626.121 row 49    9173813",
    "x" * 300 + " 212-555-0192 " + "y" * 300 + " galip@acme.de",
]


@pytest.fixture(scope="module")
def engine(presidio):
    """Presidio's own engine with the same recognizers, whole-word context and lower-case lemmas."""
    import spacy
    from presidio_analyzer import AnalyzerEngine, LemmaContextAwareEnhancer, RecognizerRegistry
    from presidio_analyzer.nlp_engine import NlpArtifacts, SpacyNlpEngine

    class LowerLemmas(SpacyNlpEngine):
        def __init__(self):
            super().__init__()
            self.nlp = {"en": spacy.blank("en")}

        def process_text(self, text, language):
            tokens = self.nlp["en"](text)
            return NlpArtifacts([], tokens, [t.idx for t in tokens], [t.lower_ for t in tokens], self, "en")

    recognizers = [runner._recognizer for runner in presidio._runners]
    for recognizer in recognizers:
        recognizer.supported_language = "en"
    return AnalyzerEngine(
        registry=RecognizerRegistry(recognizers=recognizers),
        nlp_engine=LowerLemmas(),
        supported_languages=["en"],
        context_aware_enhancer=LemmaContextAwareEnhancer(context_matching_mode="whole_word"),
    )


def by_presidio(engine, text):
    """What Presidio's engine finds at 0.35, less what cannot be personal and what only counts when confirmed."""
    confirmed = {row.entity_type for row in rows(None, ("us", "uk", "de", "es", "it")) if row.confirmed}
    found = set()
    for r in engine.analyze(text, language="en", score_threshold=0.35, return_decision_process=True):
        explained = r.analysis_explanation
        if r.entity_type in confirmed and not explained.supportive_context_word and r.score < 1.0:
            continue
        if is_plausible(r.entity_type, text, r.start, r.end, confirmed=r.entity_type in confirmed):
            where = whole(text, r.start, r.end) if r.entity_type == "PHONE_NUMBER" else (r.start, r.end)
            found.add((*where, r.entity_type, round(r.score, 4)))
    return found


def by_ragkit(presidio, text):
    """What our detector finds, without a finding that a longer one of its type contains, as Presidio does."""
    spans = presidio.detect([text])[0]
    return {
        (s.start, s.end, s.entity_type, s.score)
        for s in spans
        if not any(
            o != s and o.entity_type == s.entity_type and o.start <= s.start and s.end <= o.end and o.score >= s.score
            for o in spans
        )
    }


@pytest.mark.parametrize("number", range(len(SAMPLES)))
def test_findings_equal_those_of_presidios_engine(presidio, engine, number):
    """Types, places and scores agree on texts that exercise every recognizer."""
    assert by_ragkit(presidio, SAMPLES[number]) == by_presidio(engine, SAMPLES[number])


def test_findings_agree_on_shuffled_texts(presidio, engine):
    """Sentences run together in random order, so that findings stand close to each other and far from their context."""
    draw = random.Random(7)
    fillers = [
        "The quick brown fox jumps over it. ",
        "See section 4.2 of the manual.\n\n",
        "| a | b | 12 |\n",
        "S3:: EC2 ",
    ]
    for _ in range(12):
        parts = [draw.choice(fillers if draw.random() < 0.5 else SAMPLES[:-1]) for _ in range(14)]
        text = draw.choice([" ", "\n", "; "]).join(parts)
        assert by_ragkit(presidio, text) == by_presidio(engine, text)


def test_the_context_boost_works(presidio):
    """A context word lifts a phone number from 0.40 to 0.75; on a plain blank pipeline it never does."""
    [span] = presidio.detect(["my phone number is 212-555-0192"])[0]
    assert (span.entity_type, span.score) == ("PHONE_NUMBER", 0.75)
    [span] = presidio.detect(["reach me under 212-555-0192"])[0]
    assert span.score == 0.4


def test_weak_numbers_need_their_context(presidio):
    """A long number is a bank account only when something says so."""
    assert not presidio.detect(["value 123456789012345"])[0]
    assert [s.entity_type for s in presidio.detect(["bank account 123456789012345"])[0]] == ["US_BANK_NUMBER"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("lastUpdatedDate: 1533849811", []),
        ("9434765919", []),
        ("943-476-5919 in stock", []),
        ("943 476 5919", ["UK_NHS"]),
        ("NHS number 9434765919", ["UK_NHS"]),
    ],
)
def test_a_weak_checksum_needs_its_groups_or_its_context(presidio, text, found):
    """One ten-digit number in eleven passes the check of an NHS number: a time stamp is none."""
    assert [s.entity_type for s in presidio.detect([text])[0] if s.entity_type == "UK_NHS"] == found


def test_few_bare_ten_digit_numbers_are_identity_numbers(presidio):
    """Of numbers drawn at random, none is an identity number of the default countries by itself."""
    draw = random.Random(3)
    text = "\n".join(f"value {draw.randrange(10**9, 10**10)} of it" for _ in range(500))
    assert not [s for s in presidio.detect([text])[0] if s.entity_type == "UK_NHS"]


def test_nobodys_addresses_and_fingerprints_are_left(presidio):
    """0.0.0.0/0, loopback, netmasks, dates, versions and certificate fingerprints are not personal."""
    text = "0.0.0.0/0 127.0.0.1 255.255.255.0 Step 1:: 2019-10-12 09-05-2017 20:F2:96:CB:A5:20:11:22:33"
    assert [s.entity_type for s in presidio.detect([text])[0]] == []


def test_no_socket_and_no_torch():
    """An e-mail address opens no connection, and loading imports neither torch nor transformers."""
    code = (
        "import sys\n"
        "def hook(event, args):\n"
        "    if event in ('socket.connect', 'socket.getaddrinfo', 'socket.gethostbyname'): raise SystemExit('socket')\n"
        "sys.addaudithook(hook)\n"
        "from ragkit.mask.presidio import PresidioDetector\n"
        "d = PresidioDetector(); d.load()\n"
        "print(d.detect(['a.b@acme.de'])[0][0].entity_type, {'torch', 'transformers'} & set(sys.modules))\n"
        "import importlib.util; assert importlib.util.find_spec('torch')  # hidden only meanwhile\n"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "EMAIL_ADDRESS set()"


def test_constructing_imports_nothing_heavy():
    """The constructor stores plain values."""
    code = (
        "import sys; from ragkit.mask.build import build_detectors; from ragkit.policy import Policy\n"
        "build_detectors(Policy.default()); print({'presidio_analyzer', 'spacy', 'torch'} & set(sys.modules))"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "set()"


def test_unknown_country_is_a_configuration_error():
    """The remedy lists the countries there are."""
    with pytest.raises(ConfigError) as caught:
        PresidioDetector(countries=("zz",))
    assert "de" in caught.value.remedy


def test_it_pickles_by_value(presidio):
    """A loaded detector travels to a child process and finds the same there."""
    copy = pickle.loads(pickle.dumps(presidio))
    assert copy.fingerprint == presidio.fingerprint
    assert copy.detect(SAMPLES[:2]) == presidio.detect(SAMPLES[:2])


def test_presidios_logger_is_silenced(presidio, caplog):
    """Presidio logs text that it fails to validate; ours does not."""
    presidio.detect(["IBAN DE89 3704 0044 0532 0130 0é"])
    assert caplog.text == ""
