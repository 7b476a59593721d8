"""Reading the event log back: for ``ragkit status`` and for tests."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ragkit.audit.segments import segment_paths


def read_events(directory: Path, *, kind: str | None = None) -> Iterator[dict[str, Any]]:
    """Yield events, oldest first; with ``kind``, only that type or, ending in a dot, that family (``"doc."``).

    A line torn by a kill or still being written is passed over; ``log.recovered`` in the log tells of it. A log that
    does not exist is empty.
    """
    for path in segment_paths(directory):
        with path.open("rb") as lines:
            for line in lines:
                try:
                    event = json.loads(line)
                except ValueError:
                    continue
                if isinstance(event, dict) and _matches(str(event.get("type", "")), kind):
                    yield event


def _matches(found: str, kind: str | None) -> bool:
    return kind is None or found == kind or (kind.endswith(".") and found.startswith(kind))
