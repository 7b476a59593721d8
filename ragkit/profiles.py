"""Ready policies by name, each a table that can be read.

A profile says what is looked for and what happens to it; it does not say that everything is found. How much is missed
is measured in ``benchmarks`` and, on your own text, by ``ragkit eval pii``. No profile makes a use of data lawful.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

Rules = Mapping[str, Any]


def _tokens(*entity_types: str) -> dict[str, Any]:
    return dict.fromkeys(entity_types, "token")


def _to(coarser: str) -> dict[str, str]:
    return {"operator": "generalise", "to": coarser}


@dataclass(frozen=True, slots=True)
class Profile:
    """A ready policy: what it is for in a sentence, its rule by type, and its other settings."""

    about: str
    entities: Rules
    settings: Rules = field(default_factory=dict)


_DEFAULT = _tokens(
    "PERSON", "EMAIL_ADDRESS", "PHONE_NUMBER", "ADDRESS", "DATE_OF_BIRTH", "AGE",
    "CREDIT_CARD", "IBAN_CODE", "CRYPTO", "IP_ADDRESS", "MAC_ADDRESS", "UUID", "PROFILE_URL", "NATIONAL_ID",
    "CUSTOMER_NUMBER", "ACCOUNT_NUMBER", "ORDER_NUMBER", "TICKET_NUMBER", "CASE_NUMBER",
    "MEDICAL_RECORD_NUMBER", "HEALTH_PLAN_NUMBER", "LICENSE_NUMBER", "VEHICLE_ID", "LICENSE_PLATE", "DEVICE_ID",
    "BIOMETRIC_ID",
) | {"AGE": {"operator": "token", "learned": False}}  # fmt: skip
"""What identifies a person by itself, or as a key to a file about one.

Left out on purpose, because most mentions are not personal and masking them costs retrieval: DATE_TIME (a birth date
has its own type), MONEY, QUANTITY, URL (profile pages have their own type), LOCATION, ORGANIZATION, TITLE, POSTCODE
(an address takes its own along), UNIQUE_ID (part numbers look like it) and VAT_NUMBER (public, mostly of companies).
Ages are left to the rules, since a learned detector takes "opens at nine" for one.
"""

_LEARNED = (
    "PERSON", "LOCATION", "ADDRESS", "ORGANIZATION", "NRP", "DATE_TIME", "AGE", "TITLE", "QUANTITY", "UNIQUE_ID",
    "POSTCODE", "PHONE_NUMBER",
)  # fmt: skip
"""What the shipped detector finds. Its scores are bent so that .5 is each type's measured threshold."""


def _less_sure(entities: Rules, threshold: float) -> dict[str, Any]:
    """The same rules, learned findings counted from a lower score: more is found, and more that is nothing."""
    rules = {name: {"operator": rule} if isinstance(rule, str) else rule for name, rule in entities.items()}
    return {name: rule | {"threshold": threshold} if name in _LEARNED else rule for name, rule in rules.items()}


def _by_form_only(entities: Rules, *names: str) -> dict[str, Any]:
    """The same rules, these types left to patterns and rules.

    On the dev half of ``benchmarks/hipaa.py`` those find all of them, and a learned detector adds only false alarms.
    """
    return {name: rule | {"learned": False} if name in names else rule for name, rule in entities.items()}


_STRICT = _less_sure(
    _DEFAULT
    | _tokens(
        "LOCATION", "ORGANIZATION", "NRP", "TITLE", "DATE_TIME", "MONEY", "QUANTITY", "URL", "UNIQUE_ID", "POSTCODE",
        "VAT_NUMBER", "AGE",
    ),
    0.25,
)  # fmt: skip

_HIPAA: dict[str, Any] = {
    # (A) names; also those of relatives, employers and household members
    **_tokens("PERSON", "ORGANIZATION"),
    # (B) geography below the state; three digits of the ZIP where more than 20,000 people live
    "ADDRESS": "token",
    "LOCATION": _to("state"),
    "POSTCODE": _to("zip3"),
    # (C) dates but the year; ages over 89, and years that tell of one
    "DATE_OF_BIRTH": _to("year_under_90"),
    "DATE_TIME": _to("year"),
    "AGE": _to("under_90"),
    # (D) telephone, (E) fax, (F) e-mail
    **_tokens("PHONE_NUMBER", "EMAIL_ADDRESS"),
    # (G) social security numbers
    "NATIONAL_ID": "token",
    # (H) medical records, (I) health plans
    **_tokens("MEDICAL_RECORD_NUMBER", "HEALTH_PLAN_NUMBER"),
    # (J) accounts
    **_tokens("ACCOUNT_NUMBER", "CUSTOMER_NUMBER", "CREDIT_CARD", "IBAN_CODE", "CRYPTO"),
    # (K) certificates and licences
    "LICENSE_NUMBER": "token",
    # (L) vehicles, (M) devices
    **_tokens("VEHICLE_ID", "LICENSE_PLATE", "DEVICE_ID", "MAC_ADDRESS"),
    # (N) web addresses, (O) IP addresses
    **_tokens("URL", "PROFILE_URL", "IP_ADDRESS"),
    # (P) biometric identifiers; (Q) photographs: ragkit reads text only
    "BIOMETRIC_ID": "token",
    # (R) any other code
    **_tokens("UNIQUE_ID", "UUID", "VAT_NUMBER", "ORDER_NUMBER", "TICKET_NUMBER", "CASE_NUMBER"),
}

_GDPR = _DEFAULT | _tokens("LOCATION", "POSTCODE", "UNIQUE_ID", "VAT_NUMBER", "NRP", "TITLE")

_PCI = _DEFAULT | dict.fromkeys(
    ("CREDIT_CARD", "PERSON", "CARD_EXPIRY", "CARD_SECURITY_CODE", "CARD_TRACK"), "redact"
)  # fmt: skip

_CARD_RECOGNIZERS: dict[str, dict[str, Any]] = {
    "card_expiry": {
        "entity_type": "CARD_EXPIRY",
        "patterns": (r"(?<![\d/.\-])(?:0?[1-9]|1[0-2])[ ]?[/\-][ ]?(?:20)?[2-4]\d(?![\d/\-])",),
        "context": ("exp", "expiry", "expires", "expire", "expiration", "expdate", "valid", "thru", "gültig", "ablauf"),
        "require_context": True,
    },
    "card_security_code": {
        "entity_type": "CARD_SECURITY_CODE",
        "patterns": (
            (
                r"\b(?:CVV2?|CVC2?|CSC|CID|CAV2?|CVN|(?:card )?(?:security|verification) (?:code|value|number)|"
                r"service code|prüfnummer|PIN)\b[ \t]*(?:code|number|no\.?)?[ \t]*(?:is|was|ist|[:=#|])?[ \t]*"
                r"(?P<value>\d{3,6})(?!\d)"
            ),
        ),
        "score": 0.9,
    },
    "card_track": {
        "entity_type": "CARD_TRACK",
        "patterns": (r"%B\d{12,19}\^[^^\n]{2,26}\^\d{4}[^?\n]{0,60}\?", r";\d{12,19}=\d{4}\d{0,40}\?"),
        "score": 0.9,
    },
}

PROFILES: Mapping[str, Profile] = MappingProxyType(
    {
        "default": Profile("What identifies a person by itself, or as a key to a file about one.", _DEFAULT),
        "strict": Profile(
            "Everything that a detector can tell, also when it is less sure: retrieval by date, place and amount "
            "suffers.",
            _STRICT,
            {"default_threshold": 0.2},
        ),
        "hipaa_safe_harbor": Profile(
            "Looks for the 18 identifiers of 45 CFR 164.514(b)(2). Dates keep their year, ages below 90 and states "
            "stay, ZIP codes keep three digits; other identifiers become tokens, which whoever has the vault and its "
            "key can undo.",
            _by_form_only(_less_sure(_HIPAA, 0.35), "DATE_TIME", "AGE", "POSTCODE", "PHONE_NUMBER"),
            {"default_threshold": 0.3},
        ),
        "gdpr": Profile(
            "The identifiers of Article 4(1), online ones included, and of Article 9 what a detector can tell: "
            "nationality, religion and political groups. Health, sex life, trade union membership and convictions "
            "told in prose are not detected.",
            _GDPR,
        ),
        "pci": Profile(
            "As default, and cardholder data for good: card number, cardholder's name, expiry, security code, service "
            "code and track data are redacted, never stored.",
            _PCI,
            {"recognizers": _CARD_RECOGNIZERS},
        ),
    }
)
"""By name, in the order of the documentation."""


def extended(name: str, own: Mapping[str, Any]) -> dict[str, Any]:
    """Return a profile's settings with a policy's own written over them: tables by key, rules by their parts.

    A rule that states no operator keeps the profile's: ``AGE = {threshold = 0.2}`` changes the threshold alone.

    Raises:
        KeyError: There is no such profile.
    """
    profile = PROFILES[name]
    merged: dict[str, Any] = {**profile.settings, "entities": dict(profile.entities)}
    for key, value in own.items():
        base = merged.get(key)
        if isinstance(base, dict) and isinstance(value, Mapping):
            merged[key] = base | {inner: _over(base.get(inner), one) for inner, one in value.items()}
        else:
            merged[key] = value
    return merged


def _over(base: Any, own: Any) -> Any:
    if not isinstance(own, Mapping) or base is None:
        return own
    parts = {"operator": base} if isinstance(base, str) else dict(base)
    return dict(own) if "operator" in own or "entity_type" in own else parts | dict(own)
