"""What stands for a span in the two views, by the policy's operator."""

from __future__ import annotations

import re

from ragkit.mask.views import Replacement
from ragkit.policy import Operator

_YEAR = re.compile(r"(?:1[89]|20)\d\d")


def redacted(entity_type: str) -> Replacement:
    """The type only, which nothing can undo: ``[PERSON]``, and the word ``person`` for the index."""
    return Replacement(f"[{entity_type}]", entity_type.lower().replace("_", " "))


def generalised(entity_type: str, value: str) -> Replacement:
    """A coarser value: a year, a decade, a network, a mail domain's kind; the type only where there is none."""
    coarse = _coarse(entity_type, value)
    return Replacement(f"[{entity_type}~{coarse}]", coarse) if coarse else redacted(entity_type)


def _coarse(entity_type: str, value: str) -> str:
    if entity_type in {"DATE_OF_BIRTH", "DATE_TIME"}:
        year = _YEAR.search(value)
        return year[0] if year else ""
    if entity_type == "AGE" and value.strip().isdigit():
        decade = int(value) // 10 * 10
        return f"{decade}-{decade + 9}"
    if entity_type == "IP_ADDRESS" and value.count(".") == 3:
        return ".".join(value.partition("/")[0].split(".")[:3]) + ".0/24"
    return ""


def irreversible(operator: Operator, entity_type: str, value: str) -> Replacement | None:
    """The replacement of ``redact`` and ``generalise``; ``None`` where the vault has to give one."""
    if operator == "redact":
        return redacted(entity_type)
    return generalised(entity_type, value) if operator == "generalise" else None
