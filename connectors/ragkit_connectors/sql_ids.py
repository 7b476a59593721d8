"""Ids of rows as text, and back: cursors and identities are text, the database compares values of its own types."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from ragkit_connectors.texts import clean

_FROM: dict[str, Callable[[str], Any]] = {
    "int": int,
    "str": str,
    "UUID": UUID,
    "Decimal": Decimal,
    "float": float,
    "datetime": datetime.fromisoformat,
    "date": date.fromisoformat,
    "bytes": bytes.fromhex,
}


def is_kept(value: object) -> bool:
    """Tell whether an id of this type can be found again by its text."""
    return kind_of(value) in _FROM


def kind_of(value: object) -> str:
    """Name the type of an id."""
    return "bytes" if isinstance(value, bytes | bytearray | memoryview) else type(value).__name__


def to_text(value: object) -> str:
    """Return an id as text; the same id is always the same text."""
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).hex()
    if isinstance(value, date):
        return value.isoformat()
    return clean(str(value))


def from_text(kind: str, text: str) -> Any | None:
    """Return the id of a kind, ``None`` when the text is none of that kind."""
    try:
        value = _FROM[kind](text)
    except (ValueError, KeyError, TypeError, InvalidOperation):
        return None
    return value if to_text(value) == text else None
