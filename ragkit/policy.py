"""What is masked, how, and how sure a detector must be: one frozen model, in the configuration and at run time.

::

    policy = Policy.default()
    policy.rule("PERSON").operator          # "token"
    policy.fingerprint(["presidio:…"])      # changes whenever the output could

A policy that would mask nothing raises :class:`~ragkit.errors.EmptyPolicy` unless it says ``unsafe_mask_nothing``.
Heavy libraries are never imported here: the command line reads policies.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from ragkit.errors import EmptyPolicy

Operator = Literal["token", "redact", "generalise", "keep", "refuse"]
"""``token``: reversible, through the vault. ``redact``: the type only. ``generalise``: a coarser value (a decade, a
year, a network). ``keep``: left in clear. ``refuse``: the document is quarantined."""

MASKING_VERSION = 2
"""Raised when masking gives another output for the same policy and detectors."""

NATIONAL_ID = "NATIONAL_ID"
"""Stands for every country-specific type (``US_SSN``, ``DE_TAX_ID``, …) that has no rule of its own."""

_NATIONAL = re.compile(r"[A-Z]{2}_[A-Z_]+")
_TYPE = re.compile(r"[A-Z][A-Z0-9_]{1,39}")

_DEFAULT_ENTITIES = (
    "PERSON", "EMAIL_ADDRESS", "PHONE_NUMBER", "ADDRESS", "DATE_OF_BIRTH", "AGE",
    "CREDIT_CARD", "IBAN_CODE", "CRYPTO", "IP_ADDRESS", "MAC_ADDRESS", "UUID", "PROFILE_URL", NATIONAL_ID,
    "CUSTOMER_NUMBER", "ACCOUNT_NUMBER", "ORDER_NUMBER", "TICKET_NUMBER", "CASE_NUMBER",
)  # fmt: skip
"""What identifies a person by itself or as a key to a file about them.

Left out on purpose, because most mentions are not personal and masking them costs retrieval: ``DATE_TIME`` (a birth
date
has its own type, found by its label or its sentence), ``MONEY`` and ``URL`` (profile pages have their own type).
"""


class EntityRule(BaseModel):
    """What happens to one type of entity. ``threshold`` in 0..1; ``None`` takes the policy's."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    operator: Operator = "token"
    threshold: float | None = Field(default=None, ge=0.0, le=1.0)

    @model_validator(mode="before")
    @classmethod
    def _from_word(cls, value: Any) -> Any:
        """Let ``PERSON = "token"`` stand for ``PERSON = {operator = "token"}``."""
        return {"operator": value} if isinstance(value, str) else value


_BY_TOKEN = EntityRule()
"""For the types of dictionaries, unless the policy says otherwise."""


class Dictionary(BaseModel):
    """A company's own terms: project names, price patterns, internal codes.

    Attributes:
        entity_type: Type of what is found, such as ``PROJECT``.
        terms: Whole words or phrases; any white space matches any white space.
        patterns: Regular expressions, searched under a time limit.
        case: ``exact``; ``ignore``; or ``smart``, where a term with a capital letter must match exactly.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    entity_type: str
    terms: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()
    case: Literal["exact", "ignore", "smart"] = "ignore"

    @field_validator("entity_type")
    @classmethod
    def _type_is_a_name(cls, value: str) -> str:
        return _checked_type(value)

    @field_validator("terms")
    @classmethod
    def _terms_have_letters(cls, terms: tuple[str, ...]) -> tuple[str, ...]:
        if any(not re.search(r"\w", term) for term in terms):
            raise ValueError("a term needs at least one letter or digit")
        return terms

    @field_validator("patterns")
    @classmethod
    def _patterns_compile(cls, patterns: tuple[str, ...]) -> tuple[str, ...]:
        for number, pattern in enumerate(patterns, 1):
            try:
                compiled = re.compile(pattern)
            except re.error as bad:
                raise ValueError(f"pattern {number} is not a regular expression: {bad.msg}") from None
            if compiled.match("") is not None:
                raise ValueError(f"pattern {number} matches the empty text")
        return patterns

    @model_validator(mode="after")
    def _holds_something(self) -> Self:
        if not self.terms and not self.patterns:
            raise ValueError("a dictionary needs terms or patterns")
        return self

    def __repr__(self) -> str:
        return f"Dictionary({self.entity_type}, {len(self.terms)} terms, {len(self.patterns)} patterns)"

    __str__ = __repr__


class Policy(BaseModel):
    """What is masked in one collection.

    Attributes:
        entities: Rule by entity type. A type that is absent is not looked for.
        default_threshold: Least score in 0..1 for types without a threshold of their own; 0.35 is where Presidio's
            weak number patterns stay out unless a context word confirms them.
        secrets: Documents with API keys, private keys or passwords are quarantined, or their secrets masked.
        dictionaries: The company's own terms by dictionary name.
        phone_regions: Regions (ISO 3166 alpha-2) whose national notation of phone numbers is read.
        countries: Countries (ISO 3166 alpha-2, lower case; ``uk`` too) whose identity numbers are looked for.
        propagate_names: Mask every other mention of a name found anywhere in the document.
        keep_terms: Words that are never personal here, such as the company's own name. Compared without case.
        prompt_view: What a generator outside the process sees instead of record tokens.
        unsafe_mask_nothing: Allow a policy without entities. Everything then stays in clear.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    entities: Mapping[str, EntityRule] = Field(
        default_factory=lambda: {entity_type: EntityRule() for entity_type in _DEFAULT_ENTITIES}
    )
    default_threshold: float = Field(default=0.35, ge=0.0, le=1.0)
    secrets: Literal["quarantine", "mask", "unsafe_keep"] = "quarantine"
    dictionaries: Mapping[str, Dictionary] = Field(default_factory=dict)
    phone_regions: tuple[str, ...] = ("US", "GB", "DE", "FR", "ES", "IT", "NL")
    countries: tuple[str, ...] = ("us", "uk", "de", "es", "it")
    propagate_names: bool = True
    keep_terms: tuple[str, ...] = ()
    prompt_view: Literal["aliases", "surrogates", "tokens"] = "aliases"
    unsafe_mask_nothing: bool = False

    @field_validator("entities")
    @classmethod
    def _types_are_names(cls, entities: Mapping[str, EntityRule]) -> Mapping[str, EntityRule]:
        return {_checked_type(entity_type): rule for entity_type, rule in entities.items()}

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
        masks = any(rule.operator != "keep" for rule in self.entities.values()) or bool(self.dictionaries)
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
    def unsafe_nothing(cls) -> Policy:
        """Mask nothing at all, secrets included. For public text and for measuring what masking costs."""
        return cls(entities={}, secrets="unsafe_keep", unsafe_mask_nothing=True)

    @property
    def unsafe(self) -> tuple[str, ...]:
        """The unsafe choices this policy makes, for the audit log and ``ragkit doctor``."""
        marks = [("secrets=unsafe_keep", self.secrets == "unsafe_keep")]
        marks.append(("unsafe_mask_nothing", self.unsafe_mask_nothing))
        return tuple(name for name, made in marks if made)

    def rule(self, entity_type: str) -> EntityRule | None:
        """The rule for a type, or ``None`` when the policy does not ask for it."""
        own = self.entities.get(entity_type)
        if own is not None:
            return own
        if any(dictionary.entity_type == entity_type for dictionary in self.dictionaries.values()):
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

    def fingerprint(self, detectors: Sequence[str] = ()) -> str:
        """16 hex characters that change whenever masking by these detectors could give another output.

        Args:
            detectors: The fingerprints of the detectors, in order.
        """
        # The prompt view is made from the record view at question time and changes nothing that is stored.
        settings = self.model_dump(mode="json", exclude={"prompt_view"})
        document = json.dumps([MASKING_VERSION, settings, list(detectors)], sort_keys=True, ensure_ascii=True)
        return hashlib.sha256(document.encode()).hexdigest()[:16]

    def __repr__(self) -> str:
        return f"Policy({len(self.entities)} entities, {len(self.dictionaries)} dictionaries, secrets={self.secrets!r})"

    __str__ = __repr__


def _checked_type(entity_type: str) -> str:
    if not _TYPE.fullmatch(entity_type):
        raise ValueError("an entity type is capital letters, digits and underscores, such as PERSON or PROJECT")
    return entity_type
