"""Checks events against the catalogue and writes them as canonical JSON.

Every key has a shape of ``ragkit.audit.fields``; an event that does not fit is refused, because the ledger is kept
long and cannot be cleaned: what must not be in it must not get in.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ragkit.audit.catalogue import CATALOGUE, EventType
from ragkit.audit.fields import is_id, is_word
from ragkit.errors import EventRefused

SCHEMA_VERSION = 1
OUTCOMES = frozenset({"ok", "denied", "error", "degraded"})


def check(
    kind: str, data: Mapping[str, Any], *, outcome: str = "ok", reason: str = "", request: str | None = None
) -> EventType:
    """Return the event's type if the event fits the catalogue.

    Raises:
        EventRefused: An unknown type or key, or a value of another shape. The value is not in the message.
    """
    known = CATALOGUE.get(kind)
    if known is None:
        raise EventRefused(f"no event type {kind!r} is in the catalogue", remedy="Add it to ragkit.audit.schema.")
    if outcome not in OUTCOMES or (reason and not is_word(reason)):
        raise EventRefused(f"{kind}: outcome or reason is not a code", remedy="Use a short code as reason.")
    if request and not is_id(request):
        raise EventRefused(f"{kind}: the request id is not an opaque id", remedy="Use a UUID or a keyed hash.")
    for key, value in data.items():
        shape = known.fields.get(key)
        if shape is None:
            raise EventRefused(f"{kind}: no key {key!r} is in the catalogue", remedy="Add it to ragkit.audit.schema.")
        if not shape(value):
            wanted = str(shape.__doc__).partition("\n")[0]
            raise EventRefused(f"{kind}: {key} does not have its shape", remedy=f"Wanted: {wanted}")
    return known


def canonical(value: Any) -> bytes:
    """Return the one byte string of a value: RFC 8785 restricted to text, whole numbers, booleans, lists and objects.

    Keys are ASCII and sorted, there is no white space, and floats and nulls do not exist.

    Raises:
        EventRefused: The value holds something else.
    """
    _only_plain(value)
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def _only_plain(value: Any) -> None:
    if isinstance(value, Mapping):
        for key, item in value.items():
            if not (isinstance(key, str) and key.isascii()):
                raise EventRefused("an event key is not ASCII text", remedy="Use ASCII keys.")
            _only_plain(item)
    elif isinstance(value, list | tuple):
        for item in value:
            _only_plain(item)
    elif not isinstance(value, str | int):
        raise EventRefused("an event holds a float, null or object", remedy="Use whole numbers, such as millionths.")
