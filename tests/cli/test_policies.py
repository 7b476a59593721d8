"""policy list and policy show: what is looked for, what could find it, how long the lists are; never a term."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ragkit.profiles import PROFILES

TOML = """
[workspace]
name = "care"
owner = "local|ana"

[detectors.clinical]
kind = "spacy"
path = "models/clinical"
entities = ["PERSON"]

[policies.ours]
profile = "gdpr"
detectors = ["clinical"]
secrets = "unsafe_keep"
[policies.ours.deny.customers]
entity_type = "PERSON"
file = "customers.txt"
[policies.ours.allow.products]
file = "absent.txt"
[policies.ours.recognizers.badge]
entity_type = "BADGE"
patterns = ['B-\\d{5}']

[collections.care]
access = []
policy = "ours"
"""


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A workspace with a policy of its own, one list there and one not."""
    (tmp_path / "ragkit.toml").write_text(TOML)
    (tmp_path / "customers.txt").write_text("Zdravka Qvortrup\nOttokar Nnamdi\n")
    return tmp_path


def shown(done: Any) -> Any:
    """The JSON that was printed."""
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def test_profiles_are_listed_without_a_workspace(ragkit_cli: Any) -> None:
    """Outside a workspace, the profiles."""
    listed = shown(ragkit_cli("policy", "list", "--json"))
    assert listed["ragkit"] == "policies/1"
    assert [line["name"] for line in listed["policies"]] == list(PROFILES)
    assert "hipaa_safe_harbor" in ragkit_cli("policy", "list").stdout


def test_the_workspace_adds_its_own(ragkit_cli: Any, workspace: Path) -> None:
    """With the collections that use them."""
    last = shown(ragkit_cli("policy", "list", "--json"))["policies"][-1]
    assert (last["name"], last["kind"], last["collections"]) == ("ours", "policy", ["care"])


@pytest.mark.parametrize("name", PROFILES)
def test_every_profile_can_be_shown(ragkit_cli: Any, name: str) -> None:
    """A row an entity, with its operator; types that patterns or rules find say so."""
    policy = shown(ragkit_cli("policy", "show", name, "--json"))
    entities = {line["entity_type"]: line for line in policy["entities"]}
    assert policy["profile"] == name
    assert "patterns" in entities["EMAIL_ADDRESS"]["found_by"]
    assert {"rules", "detector builtin"} <= set(entities["PERSON"]["found_by"])
    assert "patterns" in entities["NATIONAL_ID"]["found_by"]
    assert ragkit_cli("policy", "show", name).stdout.count("\n") > len(entities)


def test_the_workspaces_policy_with_its_lists(ragkit_cli: Any, workspace: Path) -> None:
    """Without a name, that of the only collection: detectors and recognizers by name, lists by length."""
    policy = shown(ragkit_cli("policy", "show", "--json"))
    entities = {line["entity_type"]: line for line in policy["entities"]}
    assert policy["name"] == "ours"
    assert policy["unsafe"] == ["secrets=unsafe_keep"]
    assert {"deny list customers", "detector clinical"} <= set(entities["PERSON"]["found_by"])
    assert "detector clinical" not in entities["LOCATION"]["found_by"]
    assert entities["BADGE"]["found_by"] == ["recognizer badge"]
    customers, products = policy["lists"]
    assert (customers["kind"], customers["terms"], customers["problem"]) == ("deny", 2, "")
    assert (products["kind"], products["terms"]) == ("allow", None)
    assert "'products'" in products["problem"]


def test_no_term_and_no_file_is_shown(ragkit_cli: Any, workspace: Path) -> None:
    """Neither on the terminal nor in JSON."""
    for arguments in (("policy", "show"), ("policy", "show", "--json"), ("policy", "list", "--json")):
        output = ragkit_cli(*arguments).output
        assert "Qvortrup" not in output
        assert "customers.txt" not in output
    assert "UNSAFE: secrets=unsafe_keep" in ragkit_cli("policy", "show").stdout


def test_an_unknown_policy_lists_the_profiles(ragkit_cli: Any) -> None:
    """With a remedy, exit status 2."""
    done = ragkit_cli("policy", "show", "hipa")
    assert done.exit_code == 2
    assert "hipaa_safe_harbor" in done.output
