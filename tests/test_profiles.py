"""The profiles: tables that can be read, extended entity by entity, and that keep what they promise."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from ragkit.detect.decode import LABELS
from ragkit.errors import ConfigError
from ragkit.policy import COARSER, EntityRule, Policy
from ragkit.profiles import PROFILES

BY_THEMSELVES = (
    "MEDICAL_RECORD_NUMBER",
    "HEALTH_PLAN_NUMBER",
    "LICENSE_NUMBER",
    "VEHICLE_ID",
    "LICENSE_PLATE",
    "DEVICE_ID",
    "BIOMETRIC_ID",
)


@pytest.mark.parametrize("name", PROFILES)
def test_every_profile_is_a_policy_with_credentials_refused(name: str) -> None:
    """Each can be had by name, masks people, quarantines credentials and makes no unsafe choice."""
    policy = Policy.from_profile(name)
    assert policy.wants("PERSON")
    assert policy.secrets == "quarantine"
    assert policy.unsafe == ()
    assert policy.detectors == ("builtin",)


@pytest.mark.parametrize("name", PROFILES)
def test_no_profile_promises_compliance(name: str) -> None:
    """A detector misses; who uses a profile must not be told that it makes them compliant."""
    assert "complian" not in PROFILES[name].about.lower()


def test_the_default_profile_is_the_default_policy() -> None:
    """Naming it changes nothing that is stored."""
    assert Policy.from_profile("default").fingerprint() == Policy.default().fingerprint()


def test_default_masks_what_identifies_by_itself_and_leaves_the_rest() -> None:
    """Record, plan, licence, vehicle and device numbers are in; places, firms, links and part numbers are not."""
    policy = Policy.default()
    assert all(map(policy.wants, BY_THEMSELVES))
    left = ("LOCATION", "ORGANIZATION", "TITLE", "NRP", "URL", "UNIQUE_ID", "POSTCODE", "VAT_NUMBER", "QUANTITY")
    assert not any(map(policy.wants, left))


def test_strict_holds_all_of_the_others_and_is_less_sure() -> None:
    """Whatever another profile looks for, strict does, at a lower score; card parts belong to `pci` alone."""
    strict = Policy.from_profile("strict")
    for name in PROFILES:
        own = {part.entity_type for part in Policy.from_profile(name).recognizers.values()}
        assert set(Policy.from_profile(name).wanted) - own <= set(strict.wanted)
    assert strict.default_threshold < Policy.default().default_threshold
    assert all(strict.threshold(label) < 0.5 for label in LABELS)  # .5 is the measured threshold


def test_hipaa_names_every_identifier_but_photographs() -> None:
    """Each row of 164.514(b)(2)(i), photographs apart, has an entity type that is masked or made coarser."""
    rows = {
        "A": ("PERSON",), "B": ("ADDRESS", "LOCATION", "POSTCODE"), "C": ("DATE_OF_BIRTH", "DATE_TIME", "AGE"),
        "DE": ("PHONE_NUMBER",), "F": ("EMAIL_ADDRESS",), "G": ("US_SSN",), "H": ("MEDICAL_RECORD_NUMBER",),
        "I": ("HEALTH_PLAN_NUMBER",), "J": ("ACCOUNT_NUMBER", "IBAN_CODE", "CREDIT_CARD"), "K": ("LICENSE_NUMBER",),
        "L": ("VEHICLE_ID", "LICENSE_PLATE"), "M": ("DEVICE_ID",), "N": ("URL", "PROFILE_URL"), "O": ("IP_ADDRESS",),
        "P": ("BIOMETRIC_ID",), "R": ("UNIQUE_ID", "UUID"),
    }  # fmt: skip
    policy = Policy.from_profile("hipaa_safe_harbor")
    assert all(policy.wants(entity_type) for types in rows.values() for entity_type in types)
    assert policy.rule("AGE") == EntityRule(operator="generalise", to="under_90", threshold=0.35, learned=False)
    assert policy.rule("POSTCODE") == EntityRule(operator="generalise", to="zip3", threshold=0.35, learned=False)
    assert policy.rule("DATE_OF_BIRTH") == EntityRule(operator="generalise", to="year_under_90")


def test_pci_keeps_no_card_data() -> None:
    """Card number, holder, expiry, code and track are redacted; the vault never sees them."""
    policy = Policy.from_profile("pci")
    for entity_type in ("CREDIT_CARD", "PERSON", "CARD_EXPIRY", "CARD_SECURITY_CODE", "CARD_TRACK"):
        assert policy.rule(entity_type) == EntityRule(operator="redact")
    assert policy.rule("EMAIL_ADDRESS") == EntityRule()


def test_own_settings_come_on_top_entity_by_entity() -> None:
    """A rule written in the policy replaces the profile's; a threshold alone keeps the profile's operator."""
    policy = Policy(
        profile="hipaa_safe_harbor",
        entities={"AGE": {"threshold": 0.9}, "PERSON": "redact", "URL": "keep", "PROJECT_CODE": "token"},
        default_threshold=0.4,
    )
    assert policy.rule("AGE") == EntityRule(operator="generalise", to="under_90", threshold=0.9, learned=False)
    assert policy.rule("PERSON") == EntityRule(operator="redact")
    assert not policy.wants("URL")
    assert policy.wants("PROJECT_CODE")
    assert policy.wants("MEDICAL_RECORD_NUMBER")
    assert policy.default_threshold == 0.4


def test_recognizers_join_those_of_the_profile() -> None:
    """A recognizer of one's own leaves the profile's in place."""
    policy = Policy(profile="pci", recognizers={"badge": {"entity_type": "BADGE", "patterns": [r"B-\d{5}"]}})
    assert {"card_expiry", "badge"} <= set(policy.recognizers)


def test_without_a_profile_the_entities_named_are_all() -> None:
    """As ever: only what is named is masked."""
    assert set(Policy(entities={"PERSON": "token"}).entities) == {"PERSON"}


def test_an_unknown_profile_lists_the_known() -> None:
    """By name and in a table alike."""
    with pytest.raises(ConfigError) as caught:
        Policy.from_profile("hipaa")
    assert all(name in caught.value.remedy for name in PROFILES)
    with pytest.raises(ValidationError, match="profile that is not there"):
        Policy(profile="hipaa")


@pytest.mark.parametrize("name", PROFILES)
def test_a_profile_survives_json(name: str) -> None:
    """A policy read back from its JSON is the same, profile included."""
    policy = Policy(profile=name, entities={"PERSON": "redact"})
    assert Policy.model_validate_json(policy.model_dump_json()) == policy


@pytest.mark.parametrize(
    "rule", [{"operator": "token", "to": "year"}, {"operator": "generalise", "to": "century"}, {"to": "year"}]
)
def test_how_coarse_must_fit_the_type(rule: dict[str, str]) -> None:
    """`to` goes with `generalise` and names something the type knows."""
    with pytest.raises(ValidationError):
        Policy(entities={"DATE_TIME": rule})
    assert COARSER["DATE_TIME"] == ("year",)


def test_the_fingerprint_is_under_a_key_and_blind_to_names_of_things() -> None:
    """Another key gives another fingerprint; the profile's name and the detectors' names alone change nothing."""
    strict = Policy.from_profile("strict")
    same = Policy.model_validate(strict.model_dump() | {"profile": None, "detectors": ("other",)})
    assert strict.fingerprint(key=b"a") != strict.fingerprint(key=b"b")
    assert strict.fingerprint(key=b"a") == same.fingerprint(key=b"a")
