"""One event in one readable line: time, number, type, outcome, who, and the data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ragkit.compliance.events import Event
from ragkit.compliance.naming import Names, short

_LONG = 40  # a value longer than this is a hash or an id
_MANY = 12  # counts by type fit a line; the parts of a configuration do not


def told(event: Event, names: Names) -> str:
    """Return ``event`` as a line without its end."""
    outcome = str(event.get("outcome", ""))
    reason = str(event.get("reason", ""))
    parts = [
        f"{str(event.get('ts', ''))[:19]}Z",
        f"{event['seq']:>7}",
        f"{event.get('type', '')!s:<26}",
        f"{outcome if outcome != 'ok' else '':<8}",
        f"{names.shown(str(dict(event.get('actor') or {}).get('id', '')))}",
    ]
    parts += [reason] if reason else []
    parts += [f"request={short(str(event['request']))}"] if event.get("request") else []
    return " ".join([*parts, *facts(event)])


def facts(event: Event) -> list[str]:
    """Return the data of an event as ``key=value``, shortest form."""
    return [f"{key}={shown(value)}" for key, value in event["data"].items()]


def shown(value: Any) -> str:
    """Return a value of an event in a short form: a list by its length, counts as ``PERSON:3``, an id cut."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, Mapping) and len(value) > _MANY:
        return f"{{{len(value)}}}"
    if isinstance(value, Mapping):
        return "{" + " ".join(f"{key}:{_cut(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list | tuple):
        return f"[{len(value)}]"
    return _cut(value)


def _cut(value: Any) -> str:
    text = str(value)
    return text if len(text) <= _LONG else f"{text[:20]}…"


def amount(count: int, noun: str) -> str:
    """Return ``1 prompt``, ``1,200 prompts``."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
