"""What one JSON object of the command line has: its keys, their types, their meaning."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

Fields = Mapping[str, tuple[str, str]]
"""Key to (type, meaning)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """One object.

    Attributes:
        verb: The command that prints it; empty for an object inside another.
        version: Raised when a key changes or goes.
        about: What it is, in a sentence.
        fields: Exactly the keys it has.
    """

    about: str
    fields: Fields
    verb: str = ""
    version: int = field(default=1)
