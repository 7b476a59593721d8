"""What one type of event is. Imported through :mod:`ragkit.audit.catalogue`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ragkit.audit.fields import Shape


@dataclass(frozen=True, slots=True)
class EventType:
    """One type of event.

    Attributes:
        owner: The part that writes it.
        about: What it means, in a sentence.
        fields: Allowed keys of ``data`` with their shapes; none is required.
        durable: On the disk before the action it announces goes on.
    """

    owner: str
    about: str
    fields: Mapping[str, Shape] = field(default_factory=dict)
    durable: bool = False


def keys(*groups: tuple[Shape, str], **more: Shape) -> dict[str, Shape]:
    """Return keys with their shapes; each group gives one shape to several keys."""
    return {key: shape for shape, names in groups for key in names.split()} | more
