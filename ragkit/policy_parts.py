"""What a policy is made of: rules by type, the company's own terms, patterns, and lists of what is and is not personal.

Imported through :mod:`ragkit.policy`. Nothing here reads a list or compiles for use: that is ``ragkit.mask``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from ragkit.config_sections import SecretRef

Operator = Literal["token", "shift", "redact", "generalise", "keep", "refuse"]
"""``token``: reversible, through the vault. ``shift``: the same for dates, which the index holds moved by some days.
``redact``: the type only. ``generalise``: a coarser value (a decade, a year, a network). ``keep``: left in clear.
``refuse``: the document is quarantined."""

SHIFTED = frozenset({"DATE_TIME", "DATE_OF_BIRTH"})
"""What can be shifted."""

COARSER: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "AGE": ("decade", "under_90"),
        "DATE_OF_BIRTH": ("year", "year_under_90"),
        "DATE_TIME": ("year",),
        "IP_ADDRESS": ("network",),
        "LOCATION": ("state",),
        "POSTCODE": ("area", "region", "zip3"),
    }
)
"""What a type can be generalised to, the usual first. Any other type is redacted instead."""

_TYPE = re.compile(r"[A-Z][A-Z0-9_]{1,39}")
_MODULE = re.compile(r"[a-z][a-z0-9_]*(?:\.[a-z0-9_]+)?")


def checked_type(entity_type: str) -> str:
    """Return the name of an entity type.

    Raises:
        ValueError: It is not one.
    """
    if not _TYPE.fullmatch(entity_type):
        raise ValueError("an entity type is capital letters, digits and underscores, such as PERSON or PROJECT")
    return entity_type


def check_digits(name: str) -> Callable[[str], bool]:
    """Return the check of a module of python-stdnum, by its name there.

    Raises:
        ValueError: There is none.
    """
    try:
        check: Callable[[str], bool] | None = (
            getattr(import_module(f"stdnum.{name}"), "is_valid", None) if _MODULE.fullmatch(name) else None
        )
    except ImportError:
        check = None
    if check is None:
        raise ValueError("a validator is a module of python-stdnum, such as luhn, iban or de.idnr")
    return check


def _checked_patterns(patterns: tuple[str, ...]) -> tuple[str, ...]:
    for number, pattern in enumerate(patterns, 1):
        try:
            compiled = re.compile(pattern)
        except re.error as bad:
            raise ValueError(f"pattern {number} is not a regular expression: {bad.msg}") from None
        if compiled.match("") is not None:
            raise ValueError(f"pattern {number} matches the empty text")
    return patterns


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class EntityRule(_Part):
    """What happens to one type of entity; ``PERSON = "token"`` stands for ``PERSON = {operator = "token"}``.

    Attributes:
        operator: `token`: reversible, through the vault. `shift` (DATE_TIME, DATE_OF_BIRTH): likewise, and the index
            holds all dates of a person moved by one number of days, so that the time between them stays. `redact`: the
            type only. `generalise`: a coarser value. `keep`: left in clear. `refuse`: the document is quarantined.
        threshold: Least score in 0..1; default: the policy's.
        to: How coarse, for `generalise`. AGE: `decade`, or `under_90` (kept, and "90 or over"). DATE_OF_BIRTH:
            `year`, or `year_under_90` (none for who may be 90). DATE_TIME: `year`. POSTCODE: `area` (about a town:
            the outward code, two digits), `region` (letters of the post town, Canadian province, one digit), or `zip3`
            (three digits, 000 where few live). LOCATION: `state` (of the United States). IP_ADDRESS: `network`.
        learned: Whether learned detectors may find it too; `false` leaves it to patterns and rules, which raise fewer
            false alarms where a value has a form.
        days: How far `shift` moves a date at most, forward or back; default: 182.
    """

    operator: Operator = "token"
    threshold: float | None = Field(default=None, ge=0.0, le=1.0)
    to: str | None = None
    learned: bool = True
    days: int | None = Field(default=None, ge=1, le=3660, exclude_if=lambda days: days is None)

    @model_validator(mode="before")
    @classmethod
    def _from_word(cls, value: Any) -> Any:
        return {"operator": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _coarser_only_to_generalise(self) -> Self:
        if self.to is not None and self.operator != "generalise":
            raise ValueError("`to` goes with the operator `generalise`")
        if self.days is not None and self.operator != "shift":
            raise ValueError("`days` goes with the operator `shift`")
        return self


class Dictionary(_Part):
    """A company's own terms: project names, price patterns, internal codes.

    Attributes:
        entity_type: Type of what is found, such as ``PROJECT``.
        terms: Whole words or phrases; any white space matches any white space.
        patterns: Regular expressions, searched under a time limit.
        case: ``exact``; ``ignore``; or ``smart``, where a term with a capital letter must match exactly.
    """

    entity_type: str
    terms: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()
    case: Literal["exact", "ignore", "smart"] = "ignore"

    _type = field_validator("entity_type")(checked_type)
    _compile = field_validator("patterns")(_checked_patterns)

    @field_validator("terms")
    @classmethod
    def _terms_have_letters(cls, terms: tuple[str, ...]) -> tuple[str, ...]:
        if any(not re.search(r"\w", term) for term in terms):
            raise ValueError("a term needs at least one letter or digit")
        return terms

    @model_validator(mode="after")
    def _holds_something(self) -> Self:
        if not self.terms and not self.patterns:
            raise ValueError("a dictionary needs terms or patterns")
        return self

    def __repr__(self) -> str:
        return f"Dictionary({self.entity_type}, {len(self.terms)} terms, {len(self.patterns)} patterns)"

    __str__ = __repr__


class Recognizer(_Part):
    """A number or code of the company's own, told by its form, the words before it and its check digits.

    Attributes:
        entity_type: Type of what is found.
        patterns: Regular expressions, case ignored; the group `value` is what is masked, or else the whole match.
        context: Single words; one among the five before a finding raises its score by 0.35, as in Presidio.
        score: Score without context, in 0..1; below the type's threshold, a finding needs its context.
        require_context: Count only what a context word confirms, whatever its score.
        validator: Check digits that a finding must have: a module of python-stdnum, such as `luhn`, `iban`,
            `iso7064.mod_97_10` or `de.idnr`. A finding that has them has the score 1.
    """

    entity_type: str
    patterns: tuple[str, ...] = Field(min_length=1)
    context: tuple[str, ...] = ()
    score: float = Field(default=0.5, gt=0.0, le=1.0)
    require_context: bool = False
    validator: str | None = None

    _type = field_validator("entity_type")(checked_type)
    _compile = field_validator("patterns")(_checked_patterns)

    @field_validator("context")
    @classmethod
    def _single_words(cls, words: tuple[str, ...]) -> tuple[str, ...]:
        if any(not re.fullmatch(r"\w+", word) for word in words):
            raise ValueError("a context word is one word, of letters and digits")
        return tuple(word.lower() for word in words)

    @field_validator("validator")
    @classmethod
    def _validator_exists(cls, name: str | None) -> str | None:
        if name is not None:
            check_digits(name)
        return name

    @model_validator(mode="after")
    def _context_to_require(self) -> Self:
        if self.require_context and not self.context:
            raise ValueError("`require_context` needs `context` words")
        return self

    def __repr__(self) -> str:
        return f"Recognizer({self.entity_type}, {len(self.patterns)} patterns)"

    __str__ = __repr__


class TermQuery(_Part):
    """A list of terms in a database, read with one query that changes nothing.

    Attributes:
        url: SQLAlchemy URL of the database, by reference: `{env = "CRM_URL"}` or `{file = "path"}`. Its driver must
            be installed.
        query: The query, such as `select full_name from customers`.
        column: Column of the result; default: the first.
    """

    url: SecretRef
    query: str = Field(min_length=1)
    column: str | None = None


class TermSource(_Part):
    """Where a list of terms comes from: exactly one of ``file`` and ``sql``. It is read each time masking is set up.

    Attributes:
        file: UTF-8 text, one term a line; with `column`, CSV with a header.
        column: For CSV: the column's name.
        delimiter: For CSV: what stands between columns.
        sql: For a database.
        at_least: A list of fewer terms is refused, so that an empty export does not unmask anybody.
        tracked: A list that changed counts as a changed policy, and the index refuses until `ragkit remask`; else a
            change holds for what is masked from then on.
    """

    file: Path | None = None
    column: str | None = None
    delimiter: str = Field(default=",", min_length=1, max_length=1)
    sql: TermQuery | None = None
    at_least: int = Field(default=1, ge=0)
    tracked: bool = True

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.file is None) == (self.sql is None):
            raise ValueError("a list needs exactly one of `file` and `sql`")
        return self


class DenyList(TermSource):
    """Terms that are always personal, such as the names in the customer table. Read from a file or a database.

    Attributes:
        entity_type: Type of what is found.
        case: `smart`: any case, but a term of everyday words ("Will Young") needs its capitals. `ignore`: any case.
            `exact`: as written.
    """

    entity_type: str
    case: Literal["smart", "ignore", "exact"] = "smart"

    _type = field_validator("entity_type")(checked_type)


class AllowList(TermSource):
    """Terms that are never personal, such as product names. Read from a file or a database.

    A finding that lies within such a term stays in clear, unless it is a credential, a term of the policy's own
    dictionaries and deny lists, or a number with valid check digits.

    Attributes:
        entity_types: The list holds for these types only, and for their numbers with valid check digits too.
    """

    entity_types: tuple[str, ...] = ()

    @field_validator("entity_types")
    @classmethod
    def _types_are_names(cls, entity_types: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(map(checked_type, entity_types))
