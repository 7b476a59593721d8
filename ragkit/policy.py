"""What is masked, how, and how sure a detector must be: one frozen model, in the configuration and at run time.

::

    policy = Policy.from_profile("strict")
    policy.rule("PERSON").operator          # "token"
    policy.fingerprint(["presidio:…"])      # changes whenever the output could

A policy that would mask nothing raises :class:`~ragkit.errors.EmptyPolicy` unless it says ``unsafe_mask_nothing``.
Heavy libraries are never imported here: the command line reads policies.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic_core import PydanticCustomError

from ragkit.errors import ConfigError, EmptyPolicy
from ragkit.policy_parts import (
    COARSER,
    SHIFTED,
    AllowList,
    DenyList,
    Dictionary,
    EntityRule,
    Operator,
    Recognizer,
    TermQuery,
    TermSource,
    checked_type,
)
from ragkit.profiles import PROFILES, extended

__all__ = [
    "COARSER",
    "MASKING_VERSION",
    "NATIONAL_ID",
    "SHIFTED",
    "AllowList",
    "DenyList",
    "Dictionary",
    "EntityRule",
    "Operator",
    "Policy",
    "Recognizer",
    "TermQuery",
    "TermSource",
]

MASKING_VERSION = 4
"""Raised when masking gives another output for the same policy and detectors."""

NATIONAL_ID = "NATIONAL_ID"
"""Stands for every country-specific type (``US_SSN``, ``DE_TAX_ID``, …) that has no rule of its own."""

_NATIONAL = re.compile(r"[A-Z]{2}_[A-Z_]+")
_BY_TOKEN = EntityRule()
"""For the types of dictionaries, recognizers and deny lists, unless the policy says otherwise."""


class Policy(BaseModel):
    """What is masked in one collection.

    Attributes:
        profile: A ready policy that this one extends: `default`, `strict`, `hipaa_safe_harbor`, `gdpr`, `pci`. What
            is written here comes on top, entity by entity. Without one, the entities named here are all.
        entities: Rule by entity type. A type that is absent is not looked for.
        default_threshold: Least score in 0..1 for types without a threshold of their own; 0.35 is where Presidio's
            weak number patterns stay out unless a context word confirms them.
        secrets: Documents with API keys, private keys or passwords are quarantined, or their secrets masked.
        dictionaries: The company's own terms by dictionary name.
        recognizers: The company's own numbers and codes, by name.
        deny: Lists of terms that are always personal, by name.
        allow: Lists of terms that are never personal, by name.
        detectors: Which learned detectors run: `builtin`, or the name of a section under [detectors]. None if empty.
        phone_regions: Regions (ISO 3166 alpha-2) whose national notation of phone numbers is read.
        countries: Countries (ISO 3166 alpha-2, lower case; ``uk`` too) whose identity numbers are looked for.
        propagate_names: Mask every other mention of a name found anywhere in the document.
        keep_terms: Words that are never personal here, such as the company's own name. Compared without case; a
            finding that is exactly such a word stays, whatever found it.
        prompt_view: What a generator outside the process sees instead of record tokens.
        unsafe_mask_nothing: Allow a policy without entities. Everything then stays in clear.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    profile: str | None = None
    entities: Mapping[str, EntityRule] = Field(
        default_factory=lambda: {name: EntityRule.model_validate(r) for name, r in PROFILES["default"].entities.items()}
    )
    default_threshold: float = Field(default=0.35, ge=0.0, le=1.0)
    secrets: Literal["quarantine", "mask", "unsafe_keep"] = "quarantine"
    dictionaries: Mapping[str, Dictionary] = Field(default_factory=dict)
    recognizers: Mapping[str, Recognizer] = Field(default_factory=dict)
    deny: Mapping[str, DenyList] = Field(default_factory=dict)
    allow: Mapping[str, AllowList] = Field(default_factory=dict)
    detectors: tuple[str, ...] = ("builtin",)
    phone_regions: tuple[str, ...] = ("US", "GB", "DE", "FR", "ES", "IT", "NL")
    countries: tuple[str, ...] = ("us", "uk", "de", "es", "it", "fr", "nl")
    propagate_names: bool = True
    keep_terms: tuple[str, ...] = ()
    prompt_view: Literal["aliases", "surrogates", "tokens"] = "aliases"
    unsafe_mask_nothing: bool = False

    @model_validator(mode="before")
    @classmethod
    def _over_the_profile(cls, value: Any) -> Any:
        if not isinstance(value, Mapping) or value.get("profile") is None:
            return value
        if value["profile"] not in PROFILES:
            raise PydanticCustomError(
                "policy_profile",
                "names a profile that is not there",
                {"remedy": f"Choose `profile` from: {', '.join(PROFILES)}."},
            )
        return extended(value["profile"], value)

    @field_validator("entities")
    @classmethod
    def _types_are_names(cls, entities: Mapping[str, EntityRule]) -> Mapping[str, EntityRule]:
        for entity_type, rule in entities.items():
            known = COARSER.get(checked_type(entity_type), ())
            if rule.to is not None and rule.to not in known:
                choice = f"one of: {', '.join(known)}" if known else "nothing but its type"
                raise ValueError(f"{entity_type} can be generalised to {choice}")
            if rule.operator == "shift" and entity_type not in SHIFTED:
                raise ValueError(f"{entity_type} cannot be shifted; {' and '.join(sorted(SHIFTED))} can")
        return entities

    @field_validator("phone_regions")
    @classmethod
    def _regions(cls, regions: tuple[str, ...]) -> tuple[str, ...]:
        if any(not re.fullmatch(r"[A-Za-z]{2}", region) for region in regions):
            raise ValueError("a phone region is a two-letter country code, such as US or DE")
        return tuple(region.upper() for region in regions)

    @field_validator("countries")
    @classmethod
    def _countries(cls, countries: tuple[str, ...]) -> tuple[str, ...]:
        if any(not re.fullmatch(r"[A-Za-z]{2}", country) for country in countries):
            raise ValueError("a country is a two-letter code, such as us or de")
        return tuple("uk" if country.lower() == "gb" else country.lower() for country in countries)

    @model_validator(mode="after")
    def _masks_something(self) -> Self:
        masks = any(rule.operator != "keep" for rule in self.entities.values()) or bool(self.own_types)
        if not masks and not self.unsafe_mask_nothing:
            raise EmptyPolicy(
                "the policy masks no entity",
                remedy="Name entities under [policies.NAME.entities], or leave the section out to take the "
                "default policy. Only public text may say `unsafe_mask_nothing = true`.",
            )
        return self

    @classmethod
    def default(cls) -> Policy:
        """Mask what identifies a person; quarantine documents that hold credentials."""
        return cls()

    @classmethod
    def from_profile(cls, name: str) -> Policy:
        """Return a ready policy.

        Raises:
            ConfigError: There is none of that name; the remedy lists them.
        """
        try:
            return cls(profile=name)
        except ValidationError:
            refusal = ConfigError(
                "there is no policy profile of that name", remedy=f"Choose one of: {', '.join(PROFILES)}."
            )
        raise refusal

    @classmethod
    def unsafe_nothing(cls) -> Policy:
        """Mask nothing at all, secrets included. For public text and for measuring what masking costs."""
        return cls(entities={}, secrets="unsafe_keep", unsafe_mask_nothing=True)

    @property
    def unsafe(self) -> tuple[str, ...]:
        """The unsafe choices this policy makes, for the audit log and ``ragkit doctor``."""
        marks = [("secrets=unsafe_keep", self.secrets == "unsafe_keep")]
        marks.append(("unsafe_mask_nothing", self.unsafe_mask_nothing))
        return tuple(name for name, made in marks if made)

    @cached_property
    def own_types(self) -> frozenset[str]:
        """The types of the policy's own dictionaries, recognizers and deny lists."""
        return frozenset(part.entity_type for part in self._own_parts())

    def rule(self, entity_type: str) -> EntityRule | None:
        """The rule for a type, or ``None`` when the policy does not ask for it."""
        own = self.entities.get(entity_type)
        if own is not None:
            return own
        if entity_type in self.own_types:
            return _BY_TOKEN
        if entity_type[:3] != "IP_" and _NATIONAL.fullmatch(entity_type):
            return self.entities.get(NATIONAL_ID)
        return None

    def threshold(self, entity_type: str) -> float:
        """The least score, in 0..1, at which a span of this type counts."""
        rule = self.rule(entity_type)
        return self.default_threshold if rule is None or rule.threshold is None else rule.threshold

    def wants(self, entity_type: str) -> bool:
        """Whether spans of this type are to be looked for at all."""
        rule = self.rule(entity_type)
        return rule is not None and rule.operator != "keep"

    @cached_property
    def wanted(self) -> tuple[str, ...]:
        """Every type named here that is looked for, sorted; ``NATIONAL_ID`` stands for many."""
        return tuple(sorted(name for name in {*self.entities, *self.own_types} if self.wants(name)))

    def fingerprint(self, detectors: Sequence[str] = (), *, key: bytes = b"") -> str:
        """16 hex characters that change whenever masking by these detectors could give another output.

        Args:
            detectors: The fingerprints of the detectors, in order.
            key: A key of the collection. The fingerprint stands in clear in the index manifest; without a key, who
                reads it could try names against a short list of terms.
        """
        # The prompt view is made from the record view at question time and changes nothing that is stored. Detectors
        # and lists are in `detectors`, by what they are and hold and not by what they are called or where they lie.
        settings = self.model_dump(mode="json", exclude={"prompt_view", "profile", "detectors", "deny", "allow"})
        document = json.dumps([MASKING_VERSION, settings, list(detectors)], sort_keys=True, ensure_ascii=True)
        return hmac.new(key, document.encode(), hashlib.sha256).hexdigest()[:16]

    def _own_parts(self) -> Iterator[Dictionary | Recognizer | DenyList]:
        yield from self.dictionaries.values()
        yield from self.recognizers.values()
        yield from self.deny.values()

    def __repr__(self) -> str:
        return f"Policy({len(self.entities)} entities, {len(self.dictionaries)} dictionaries, secrets={self.secrets!r})"

    __str__ = __repr__
