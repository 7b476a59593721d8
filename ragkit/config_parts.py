"""A configuration cut into named parts, so that what changed between two dates can be told without telling what it is.

::

    parts_of(config)["collections.care.access"]     # canonical JSON; the event log holds its keyed hash only
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ragkit.config import Config
from ragkit.policy import Policy

_BY_NAME = ("generators", "destinations", "detectors", "policies")
_BY_KEY = ("workspace", "keys", "store", "audit", "roles", "backup", "answers", "routing")
"""Tables of which each key is a part of its own."""


def parts_of(config: Config) -> dict[str, str]:
    """Return every part as canonical JSON, by its dotted name, in order of names.

    Tables with names give a part each (``policies.default``, ``destinations.gpu-box``), a collection one a key
    (``collections.care.access``), its sources one each (``collections.care.sources.files``). The policy ``default`` is
    there also when ``ragkit.toml`` does not write it, since a new ragkit may bring another.
    """
    tables: dict[str, Any] = config.model_dump(mode="json")
    parts: dict[str, Any] = {"policies.default": Policy.default().model_dump(mode="json")}
    for name, collection in tables.pop("collections").items():
        sources = collection.pop("sources")
        parts |= _within(f"collections.{name}", collection)
        parts |= {f"collections.{name}.sources.{source['name']}": source for source in sources}
    for table, held in tables.items():
        parts |= _within(table, held) if table in _BY_NAME or table in _BY_KEY else {table: held}
    return {name: _canonical(parts[name]) for name in sorted(parts)}


def _within(name: str, table: Mapping[str, Any]) -> dict[str, Any]:
    return {f"{name}.{key}": value for key, value in table.items()}


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
