"""The policy: what it accepts, what it refuses, and when its fingerprint moves."""

from __future__ import annotations

import subprocess
import sys

import pytest
from pydantic import ValidationError

from ragkit.errors import EmptyPolicy
from ragkit.policy import Dictionary, EntityRule, Policy


def test_default_masks_people_and_quarantines_secrets():
    """The default policy masks what identifies a person and quarantines credentials."""
    policy = Policy.default()
    assert policy.wants("PERSON")
    assert policy.wants("EMAIL_ADDRESS")
    assert policy.secrets == "quarantine"
    assert policy.unsafe == ()


def test_default_leaves_dates_prices_and_links_alone():
    """Types whose mentions are mostly not personal are off by default."""
    policy = Policy.default()
    assert not any(policy.wants(entity_type) for entity_type in ("DATE_TIME", "MONEY", "URL"))
    assert policy.wants("DATE_OF_BIRTH")


@pytest.mark.parametrize("entities", [{}, {"PERSON": {"operator": "keep"}}])
def test_empty_policy_is_refused(entities):
    """A policy that would mask nothing is an error with a remedy."""
    with pytest.raises(EmptyPolicy) as caught:
        Policy(entities=entities)
    assert "entities" in caught.value.remedy


def test_unsafe_choices_are_named():
    """Masking nothing is possible only under a name that says so, and is reported."""
    policy = Policy.unsafe_nothing()
    assert policy.unsafe == ("secrets=unsafe_keep", "unsafe_mask_nothing")
    assert not policy.wants("PERSON")


def test_unknown_keys_and_values_are_refused():
    """A misspelt key or operator does not pass."""
    with pytest.raises(ValidationError):
        Policy(entitys={})
    with pytest.raises(ValidationError):
        Policy(entities={"PERSON": "mask"})
    with pytest.raises(ValidationError):
        Policy(entities={"person": "token"})


def test_an_operator_can_be_one_word():
    """``PERSON = "redact"`` stands for the table with that operator."""
    assert Policy(entities={"PERSON": "redact"}).rule("PERSON") == EntityRule(operator="redact")


def test_thresholds_fall_back_to_the_default():
    """A type without a threshold takes the policy's."""
    policy = Policy(entities={"PERSON": "token", "AGE": {"threshold": 0.9}}, default_threshold=0.5)
    assert (policy.threshold("PERSON"), policy.threshold("AGE")) == (0.5, 0.9)


def test_national_ids_share_a_rule():
    """One entry stands for every country's identity numbers, unless one has its own."""
    policy = Policy(entities={"NATIONAL_ID": "token", "DE_TAX_ID": "refuse"})
    assert policy.wants("US_SSN")
    assert policy.rule("DE_TAX_ID").operator == "refuse"
    assert not policy.wants("IP_ADDRESS")


def test_fingerprint_moves_with_whatever_changes_the_output():
    """Every setting that changes stored text changes the fingerprint; the prompt view does not."""
    base = Policy.default()
    changed = [
        Policy(default_threshold=0.5),
        Policy(secrets="mask"),
        Policy(phone_regions=("US",)),
        Policy(countries=("us",)),
        Policy(keep_terms=("Acme",)),
        Policy(propagate_names=False),
        Policy(entities={"PERSON": "token"}),
        Policy(dictionaries={"p": Dictionary(entity_type="PROJECT", terms=("Falcon",))}),
    ]
    assert len({policy.fingerprint() for policy in [base, *changed]}) == len(changed) + 1
    assert base.fingerprint() == Policy.default().fingerprint()
    assert base.fingerprint(["a"]) != base.fingerprint(["b"])
    assert base.fingerprint() == Policy(prompt_view="surrogates").fingerprint()


def test_policy_survives_json():
    """A policy read back from its own JSON is the same policy."""
    policy = Policy(dictionaries={"p": Dictionary(entity_type="PROJECT", terms=("Falcon",), case="exact")})
    assert Policy.model_validate_json(policy.model_dump_json()).fingerprint() == policy.fingerprint()


@pytest.mark.parametrize("pattern", ["(", "x*", ""])
def test_bad_dictionary_patterns_are_refused(pattern):
    """A pattern that does not compile or matches nothing at all is refused at configuration time."""
    with pytest.raises(ValidationError):
        Dictionary(entity_type="PRICE", patterns=(pattern,))


def test_reprs_hide_the_companys_terms():
    """Project names are confidential too: neither repr nor a validation error shows them."""
    policy = Policy(dictionaries={"p": Dictionary(entity_type="PROJECT", terms=("Blue Falcon",))})
    assert "Falcon" not in f"{policy} {policy!r} {policy.dictionaries['p']!r}"
    with pytest.raises(ValidationError) as caught:
        Dictionary(entity_type="bad type", terms=("Blue Falcon",))
    assert "Falcon" not in str(caught.value)


def test_importing_the_policy_loads_nothing_heavy():
    """The command line reads policies without Presidio, spaCy or torch."""
    code = "import sys, ragkit.policy; print({'presidio_analyzer', 'spacy', 'torch'} & set(sys.modules))"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "set()"


def test_an_empty_policy_names_the_place_to_mend():
    """The remedy names the section that the configuration knows."""
    with pytest.raises(EmptyPolicy) as caught:
        Policy(entities={})
    assert "[policies.NAME.entities]" in caught.value.remedy
