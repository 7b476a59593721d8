"""Wires the detectors that a policy needs into a masker."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ragkit.crypto import CollectionKeys, derive
from ragkit.mask.allowed import Allowed
from ragkit.mask.custom import CustomDetector
from ragkit.mask.denied import ListDetector
from ragkit.mask.dictionary import DictionaryDetector
from ragkit.mask.identifiers import IdentifierDetector, identifier_types
from ragkit.mask.masker import CollectionMasker
from ragkit.mask.presidio import PresidioDetector
from ragkit.mask.recognizers import rows
from ragkit.mask.rules import ENTITIES, RulesDetector
from ragkit.mask.rulings import Rulings, RulingTable
from ragkit.mask.secrets import SecretDetector
from ragkit.mask.vault import Vault
from ragkit.policy import Policy
from ragkit.protocols import Detector, VaultTable


def build_detectors(policy: Policy, folder: Path = Path()) -> list[Detector]:
    """The detectors for a policy, unloaded: Presidio's patterns, our rules, the company's own terms, secrets.

    Args:
        policy: What to look for.
        folder: What relative paths of its lists count from.

    Raises:
        ConfigError: The policy names a country whose identity numbers ragkit does not know.
    """
    detectors: list[Detector] = []
    patterns = [row.entity_type for row in rows(None, policy.countries) if policy.wants(row.entity_type)]
    if patterns:
        lowest = min(policy.threshold(entity_type) for entity_type in patterns)
        detectors.append(
            PresidioDetector(patterns, phone_regions=policy.phone_regions, countries=policy.countries, threshold=lowest)
        )
    if ruled := [entity_type for entity_type in ENTITIES if policy.wants(entity_type)]:
        detectors.append(RulesDetector(ruled))
    if numbered := [one for one in identifier_types(policy.countries) if policy.wants(one)]:
        detectors.append(IdentifierDetector(numbered, countries=policy.countries))
    if policy.dictionaries:
        detectors.append(DictionaryDetector(policy.dictionaries))
    if policy.recognizers:
        detectors.append(CustomDetector(policy.recognizers))
    if policy.deny:
        detectors.append(ListDetector(policy.deny, folder))
    if policy.secrets != "unsafe_keep":
        detectors.append(SecretDetector())
    return detectors


def build_masker(
    policy: Policy,
    keys: CollectionKeys,
    table: VaultTable,
    collection: str,
    *,
    learned: Sequence[Detector] = (),
    folder: Path = Path(),
    rulings: RulingTable | None = None,
) -> CollectionMasker:
    """A masker for one collection, unloaded.

    Args:
        policy: What to mask.
        keys: The collection's keys.
        table: Where the vault keeps its rows.
        collection: Its name.
        learned: Further detectors, whose recognizer names begin with ``learned:``.
        folder: What relative paths of the policy's lists count from.
        rulings: What was erased or corrected.

    Raises:
        ConfigError: A list cannot be read, or a country's identity numbers are not known.
    """
    vault = Vault(keys, table, collection, own_types=policy.own_types)
    return CollectionMasker(
        policy,
        [*build_detectors(policy, folder), *learned],
        vault,
        collection=collection,
        allowed=Allowed(policy, folder),
        key=derive(keys.content, "policy"),
        rulings=Rulings(keys, vault, rulings) if rulings is not None else None,
    )
