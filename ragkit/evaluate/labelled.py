"""Labelled text as the user has it: one JSON object a line, and what its labels mean in ragkit's types.

::

    {"text": "Ana Kovač lives in Zagreb.", "spans": [{"start": 0, "end": 9, "label": "PER"}, …]}

``entity_type`` may stand for ``label``. ``entity_id`` joins the mentions of one person or thing within a line;
``identifier_type`` says how they identify (``DIRECT``, ``QUASI``, or ``NO_MASK`` for what need not be masked, as in the
Text Anonymization Benchmark). Offsets are in characters, half-open. Errors hold line numbers and names of labels only.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ragkit.errors import EvaluationError

NO_MASK = "NO_MASK"
"""Labelled, and meant to stay. Masking it is an error like masking any other word."""

VOCABULARY = frozenset({
    "PERSON", "EMAIL_ADDRESS", "PHONE_NUMBER", "ADDRESS", "DATE_OF_BIRTH", "AGE", "DATE_TIME", "MONEY", "CREDIT_CARD",
    "IBAN_CODE", "CRYPTO", "IP_ADDRESS", "MAC_ADDRESS", "UUID", "URL", "PROFILE_URL", "NATIONAL_ID", "CUSTOMER_NUMBER",
    "ACCOUNT_NUMBER", "ORDER_NUMBER", "TICKET_NUMBER", "CASE_NUMBER", "LOCATION", "ORGANIZATION", "NRP", "TITLE",
    "QUANTITY", "POSTCODE", "MEDICAL_RECORD_NUMBER", "HEALTH_PLAN_NUMBER", "LICENSE_NUMBER", "VEHICLE_ID",
    "LICENSE_PLATE", "DEVICE_ID", "BIOMETRIC_ID", "VAT_NUMBER", "UNIQUE_ID",
})  # fmt: skip
"""The entity types that ragkit's detectors have. A policy's dictionaries may add their own."""

NATIONAL = re.compile(r"(?!IP_)[A-Z]{2}_[A-Z_]+")
"""Types of one country, such as ``US_SSN``; ``NATIONAL_ID`` stands for all of them."""

_SHOWABLE = re.compile(r"[\w .:/+-]{1,60}")
_FORMAT = 'Write one JSON object a line: {"text": "…", "spans": [{"start": 0, "end": 3, "label": "PERSON"}]}.'

LabelMapping = Mapping[str, str | None]
"""ragkit's type by the file's label; ``None`` for labels that are not to be looked at."""


@dataclass(frozen=True, slots=True)
class Gold:
    """One labelled span; ``entity_type`` is ragkit's, ``entity`` and ``identifier`` are empty where not given."""

    start: int
    end: int
    entity_type: str
    entity: str = field(default="", repr=False)
    identifier: str = ""


@dataclass(frozen=True, slots=True, repr=False)
class Labelled:
    """One text with its labelled spans.

    Attributes:
        text: In clear.
        gold: What should be masked.
        ignored: Ranges of labels that are not looked at: neither right nor wrong to mask.
        kept: Ranges labelled ``NO_MASK``.
    """

    text: str
    gold: tuple[Gold, ...]
    ignored: tuple[tuple[int, int], ...] = ()
    kept: tuple[tuple[int, int], ...] = ()


def read_mapping(path: Path) -> dict[str, str | None]:
    """Read a mapping from labels to types: one JSON object, or TOML keys. ``null`` or ``""`` leaves a label out.

    Raises:
        EvaluationError: The file is neither, or a type is not written as one.
    """
    try:
        text = path.read_text(encoding="utf-8")
        found = tomllib.loads(text) if path.suffix.lower() == ".toml" else json.loads(text)
    except (OSError, ValueError) as error:
        raise EvaluationError(
            f"the mapping file cannot be read ({type(error).__name__})",
            remedy='Write a JSON object such as {"PER": "PERSON", "MISC": null}, or the same as TOML in a .toml file.',
        ) from None
    if not isinstance(found, dict) or not all(isinstance(one, str) or one is None for one in found.values()):
        raise EvaluationError(
            "the mapping file does not map labels to types",
            remedy='Give every label one type, or null (in TOML "") to leave it out.',
        )
    return {label: entity_type or None for label, entity_type in found.items()}


def check_labels(labels: Iterable[str], mapping: LabelMapping, known: Collection[str] = ()) -> None:
    """Check that every label is mapped or a type itself, and every type of the mapping is one.

    Args:
        labels: Those of the file.
        mapping: By label.
        known: Further types, those of the policy's dictionaries.

    Raises:
        EvaluationError: It names the labels, or the types.
    """

    def is_type(name: str) -> bool:
        return name in VOCABULARY or name in known or NATIONAL.fullmatch(name) is not None

    if unknown := sorted({one for one in mapping.values() if one is not None and not is_type(one)}):
        raise EvaluationError(
            f"the mapping names types that there are not: {_listed(unknown)}",
            remedy=f"The types are {', '.join(sorted({*VOCABULARY, *known}))}, and those of countries, such as US_SSN.",
        )
    if unmapped := sorted({one for one in labels if one not in mapping and not is_type(one)}):
        raise EvaluationError(
            f"labels that are no entity types and are not mapped: {_listed(unmapped)}",
            remedy="Map each of them to a type, or to null to leave it out, in a file given with --mapping.",
        )


def _listed(names: Iterable[str]) -> str:
    return ", ".join(name if _SHOWABLE.fullmatch(name) else "(one that cannot be shown)" for name in names)


def survey(path: Path, *, limit: int | None = None) -> tuple[int, Counter[str]]:
    """How many texts a file holds, and how often each label occurs. Raises as :func:`read_labelled`."""
    texts, labels = 0, Counter[str]()
    for row in _rows(path, limit):
        texts += 1
        labels.update(one.label for one in row.spans)
    return texts, labels


def read_labelled(path: Path, mapping: LabelMapping | None = None, *, limit: int | None = None) -> Iterator[Labelled]:
    """Read the texts of a file one by one.

    Raises:
        EvaluationError: With the number of the line that is wrong.
    """
    return (_mapped(row, mapping or {}) for row in _rows(path, limit))


def labelled(record: Mapping[str, Any], mapping: LabelMapping | None = None) -> Labelled:
    """One text from an object of the file's format.

    Raises:
        EvaluationError: It is not of this format.
    """
    return _mapped(_parsed(record, "the record"), mapping or {})


@dataclass(frozen=True, slots=True, repr=False)
class _Span:
    start: int
    end: int
    label: str
    entity: str
    identifier: str


@dataclass(frozen=True, slots=True, repr=False)
class _Row:
    text: str
    spans: tuple[_Span, ...]


def _rows(path: Path, limit: int | None) -> Iterator[_Row]:
    count = 0
    try:
        with path.open(encoding="utf-8", newline="\n") as lines:
            for number, line in enumerate(lines, start=1):
                if limit is not None and count >= limit:
                    return
                if not line.strip():
                    continue
                where = f"line {number} of the labelled file"
                try:
                    found = json.loads(line)
                except (ValueError, RecursionError):
                    found = None
                yield _parsed(found, where)
                count += 1
    except (OSError, UnicodeDecodeError) as error:
        raise EvaluationError(
            f"the labelled file cannot be read ({type(error).__name__})", remedy="Name a UTF-8 file of JSON lines."
        ) from None


def _parsed(found: Any, where: str) -> _Row:
    text = found.get("text") if isinstance(found, Mapping) else None
    spans = found.get("spans") if isinstance(found, Mapping) else None
    if not isinstance(text, str) or not isinstance(spans, list | tuple):
        raise EvaluationError(f"{where} is not a labelled text", remedy=_FORMAT)
    return _Row(text, tuple(_span(one, text, f"span {number} on {where}") for number, one in enumerate(spans, start=1)))


def _span(found: Any, text: str, where: str) -> _Span:
    if not isinstance(found, Mapping):
        raise EvaluationError(f"{where} is not a span", remedy=_FORMAT)
    start, end, label = found.get("start"), found.get("end"), found.get("label", found.get("entity_type"))
    if type(start) is not int or type(end) is not int or not isinstance(label, str) or not label:
        raise EvaluationError(f"{where} lacks its start, end or label", remedy=_FORMAT)
    if not 0 <= start < end <= len(text):
        raise EvaluationError(
            f"{where} lies outside its text, or is empty",
            remedy="Count characters, not bytes or UTF-16 units; `end` is one past the last.",
        )
    entity, identifier = found.get("entity_id"), found.get("identifier_type")
    return _Span(start, end, label, "" if entity is None else str(entity), str(identifier or ""))


def _mapped(row: _Row, mapping: LabelMapping) -> Labelled:
    gold, ignored, kept = [], [], []
    for one in row.spans:
        entity_type = mapping.get(one.label, one.label)
        if entity_type is None:
            ignored.append((one.start, one.end))
        elif one.identifier == NO_MASK:
            kept.append((one.start, one.end))
        else:
            gold.append(Gold(one.start, one.end, entity_type, one.entity, one.identifier))
    return Labelled(row.text, tuple(gold), tuple(ignored), tuple(kept))
