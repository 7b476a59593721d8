"""What stands for a span in the two views, by the policy's operator."""

from __future__ import annotations

from ragkit.mask.coarse import KEPT, coarse
from ragkit.mask.views import Replacement
from ragkit.policy import EntityRule


def redacted(entity_type: str) -> Replacement:
    """The type only, which nothing can undo: ``[PERSON]``, and the word ``person`` for the index."""
    return Replacement(f"[{entity_type}]", entity_type.lower().replace("_", " "))


def generalised(entity_type: str, value: str, to: str | None = None) -> Replacement:
    """A coarser value; the value itself where it is coarse enough; the type only where nothing can be made of it."""
    left = coarse(entity_type, value, to)
    if left == KEPT:
        return Replacement(value, value)
    return Replacement(f"[{entity_type}~{left}]", left) if left else redacted(entity_type)


def irreversible(rule: EntityRule | None, entity_type: str, value: str) -> Replacement | None:
    """The replacement of ``redact`` and ``generalise``; ``None`` where the vault has to give one."""
    if rule is None:
        return None
    if rule.operator == "redact":
        return redacted(entity_type)
    return generalised(entity_type, value, rule.to) if rule.operator == "generalise" else None
