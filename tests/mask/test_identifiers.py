"""Numbers by label, column and form: what each family finds, and the near misses it must leave alone."""

from __future__ import annotations

import pickle
import random

import pytest

from ragkit.crypto import CollectionKeys
from ragkit.mask.build import build_detectors, build_masker
from ragkit.mask.identifiers import ENTITIES, IdentifierDetector
from ragkit.mask.labels import entity_types, labels, pattern
from ragkit.mask.resolver import rank
from ragkit.policy import Policy
from ragkit.testing.clock import cpu_seconds
from ragkit.testing.fakes import MemoryVaultTable


@pytest.fixture(scope="module")
def identifiers():
    """Every type, the United States' numbers with them."""
    detector = IdentifierDetector(countries=("us",))
    detector.load()
    return detector


@pytest.fixture
def found(identifiers):
    """Types and values: ``found(text)``."""

    def find(text: str) -> set[tuple[str, str]]:
        return {(s.entity_type, text[s.start : s.end]) for s in identifiers.detect([text])[0]}

    return find


@pytest.mark.parametrize(
    ("text", "entity_type", "value"),
    [
        ("MRN 00448213 seen today", "MEDICAL_RECORD_NUMBER", "00448213"),
        ("Medical record no. is AB-44821", "MEDICAL_RECORD_NUMBER", "AB-44821"),
        ("NHC: 448213", "MEDICAL_RECORD_NUMBER", "448213"),
        ("Patientennummer: 99120034", "MEDICAL_RECORD_NUMBER", "99120034"),
        ("MRN\n00448213", "MEDICAL_RECORD_NUMBER", "00448213"),
        ("MRN: KX-00448213/report.txt", "MEDICAL_RECORD_NUMBER", "KX-00448213"),
        ("MRN KX-00448213.docx", "MEDICAL_RECORD_NUMBER", "KX-00448213"),
        ("my member id is xk448291", "HEALTH_PLAN_NUMBER", "xk448291"),
        ("Subscriber ID: XQ 4481 902", "HEALTH_PLAN_NUMBER", "XQ 4481 902"),
        ("card 1EG4-TE5-MK73 was scanned", "HEALTH_PLAN_NUMBER", "1EG4-TE5-MK73"),
        ("account ending in 4821", "ACCOUNT_NUMBER", "4821"),
        ("the account 448213379 is closed", "ACCOUNT_NUMBER", "448213379"),
        ("NPI: 1234567893", "LICENSE_NUMBER", "1234567893"),
        ("DEA no. BB1388568", "LICENSE_NUMBER", "BB1388568"),
        ("driver's license number D1234567", "LICENSE_NUMBER", "D1234567"),
        ("the 1HGCM82633A004352 was towed", "VEHICLE_ID", "1HGCM82633A004352"),
        ("Licence plate: AB12 CDE", "LICENSE_PLATE", "AB12 CDE"),
        ("his car, 7ABC123, was hit", "LICENSE_PLATE", "7ABC123"),
        ("Kennzeichen B-MW 1234", "LICENSE_PLATE", "B-MW 1234"),
        ("S/N: 4F-220871", "DEVICE_ID", "4F-220871"),
        ("IMEI 49-015420-323751-8", "DEVICE_ID", "49-015420-323751-8"),
        ("UDI (01)00844588003288(17)141120(10)7654321D", "DEVICE_ID", "(01)00844588003288(17)141120(10)7654321D"),
        ("fingerprint template id: FT-2201-98", "BIOMETRIC_ID", "FT-2201-98"),
        ("Participant ID: P-0042", "UNIQUE_ID", "P-0042"),
        ("postcode: YO97 1DX", "POSTCODE", "YO97 1DX"),
        ("Austin, TX 78701-1234", "POSTCODE", "78701-1234"),
        ("PLZ 10115", "POSTCODE", "10115"),
        ("see https://old.lee.biz/mary76/3438, please", "URL", "https://old.lee.biz/mary76/3438"),
        ("[results](https://a.example/x_(y)/z).", "URL", "https://a.example/x_(y)/z"),
        ("on www.smith-family.page.", "URL", "www.smith-family.page"),
        ("ssn=417198651", "US_SSN", "417198651"),
        ("paid by Maestro 501800000009", "CREDIT_CARD", "501800000009"),
        ("6221 2600 0000 0000 001 approved", "CREDIT_CARD", "6221 2600 0000 0000 001"),
        ("| Name | Member ID |\n|---|---|\n| Bo | W4482190 |", "HEALTH_PLAN_NUMBER", "W4482190"),
    ],
)
def test_identifying_numbers_are_found(found, text, entity_type, value):
    """A label, a column's head, or a form with its check digit gives a number away."""
    assert (entity_type, value) in found(text)


@pytest.mark.parametrize(
    "text",
    [
        "MRN field length is 35 characters",
        "serial number of 24 blanks",
        "policy 2019 applies, plan 9 too",
        "certificate no. 12/04/2024",
        "device: 2018-11-16",
        "group id 10.2.11",
        "The chart shows 4500 mL",
        'the "GroupId": "sg-98b6e0f2" of EC2',
        "SSL certificate: rds-ca-2019-root.pem",
        "the key's fingerprint is 20:F2:96:CB",
        "license plate reader v2",
        "vehicle speed 120 km/h, tag AWS4",
        "build 1HGCM82633A004353 failed",
        "4111 1111 1111 1112 is no card",
        "value 501800000009 of it",
        "zip 5 files",
        "Authorization: AWS4-HMAC-SHA256",
        "http:// and www. are prefixes",
    ],
)
def test_near_misses_stay(found, text):
    """Counts, years, dates, versions, machine names, and numbers whose check digit is wrong."""
    assert found(text) == set()


def test_every_plain_label_finds_its_number():
    """No label of the table is dead: each that is words alone, with a colon and a number of its kind, matches."""
    values = {
        "code": "4482137", "long": "44821379", "plate": "abc 1234", "postcode": "10115", "npi": "1234567893",
        "vin": "1hgcm82633a004352", "phone": "555-0192", "ssn": "417-19-8651",
    }  # fmt: skip
    every = [label for entity_type in entity_types() for label in labels(entity_type)]
    words = [label for label in every if not label.rest]
    assert len(words) > 150
    for label in words:
        match = pattern(label).match(f"{label.stem}: {values[label.value]}")
        assert match is not None, label
        assert match["value"] == values[label.value]


def test_random_numbers_are_no_identifiers(found):
    """Digits without a label, a form or a word nearby are left alone."""
    draw = random.Random(11)
    text = "\n".join(f"row {draw.randrange(10**6, 10**17)} done" for _ in range(2000))
    assert found(text) == set()


def test_check_digits_outrank_a_model_and_labels_do_not(identifiers):
    """What a check digit proves stands above a learned detector, what a label says below."""
    [spans] = identifiers.detect(["VIN 1HGCM82633A004352 and MRN 448213"])
    ranks = {span.recognizer: rank(span) for span in spans}
    assert ranks["identifiers:checksum"] == 40
    assert ranks["identifiers:label"] == 20


def test_a_number_found_by_its_label_is_masked_everywhere(document):
    """Where nothing says what it is, a medical record number is known from the one place that does."""
    policy = Policy(entities={"MEDICAL_RECORD_NUMBER": "token"}, detectors=())
    masker = build_masker(policy, CollectionKeys(bytes(range(32))), MemoryVaultTable(), "c")
    text = "MRN: KX-448213\n\nSent with KX448213 on the label, see KX-448213."
    [masked] = masker.mask([document(text, name="KX448213.txt")])
    assert "448213" not in masked.text.record + masked.name.record


def test_the_policy_says_what_is_looked_for():
    """A detector is built for the types that a policy wants, and finds no others."""
    policy = Policy(entities={"VEHICLE_ID": "token"})
    [detector] = [one for one in build_detectors(policy) if one.name == "identifiers"]
    assert detector.entities == ("VEHICLE_ID",)
    assert detector.detect(["MRN 448213"]) == [[]]
    assert "UNIQUE_ID" in ENTITIES


def test_it_pickles_and_its_fingerprint_tells_settings_apart(identifiers):
    """A child process finds the same; other types or countries are another detector."""
    copy = pickle.loads(pickle.dumps(identifiers))
    assert copy.detect(["MRN 448213"]) == identifiers.detect(["MRN 448213"])
    assert copy.fingerprint == identifiers.fingerprint
    others = {IdentifierDetector().fingerprint, IdentifierDetector(["VEHICLE_ID"]).fingerprint}
    assert len({identifiers.fingerprint, *others}) == 3


@pytest.mark.parametrize(
    "unit",
    [
        "mrn ", "mrn: a-", "4 ", "44 ", "a1", "(01)", "serial no. ", "plate a ", "| member id |\n|--|\n", "visa 4 ",
        "id id 1", "x*", "12 34 ",
    ],
)  # fmt: skip
def test_every_search_is_linear(identifiers, unit):
    """Texts made to run a search in circles take no longer than others."""
    text = (unit * 20_000)[:20_000]
    assert cpu_seconds(lambda: identifiers.detect([text])) < 1.0
