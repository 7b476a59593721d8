"""Whether a source can be read, tried without taking anything in."""

from __future__ import annotations

import time
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Literal

from ragkit.build import SUPPLIED, build_connector
from ragkit.config_sections import UPLOADS
from ragkit.connect.patience import said_by
from ragkit.errors import RagkitError, SourceError
from ragkit.protocols import Probes
from ragkit.registry import Registry
from ragkit.source_views import Tested
from ragkit.types import Checkpoint

if TYPE_CHECKING:
    from ragkit.config import Config
    from ragkit.config_sections import SourceSection

_LOOKED_AT = 3


def check_options(config: Config, section: SourceSection) -> None:
    """Check a source's options by name against its connector. Raises as ``Registry.check_options``."""
    registry = Registry(allow=config.plugins.allow)
    registry.check_options("connectors", section.connector, section.options, supplied=SUPPLIED)


def try_source(config: Config, collection: str, section: SourceSection) -> Tested:
    """Try whether a source can be read: by its own probe, or by its first changes."""
    began = time.perf_counter()
    outcome: Literal["ok", "unreadable", "unusable"] = "ok"
    remedy = ""
    try:
        detail = _tried(config, section)
    except RagkitError as bad:
        outcome = "unreadable" if isinstance(bad, SourceError) else "unusable"
        detail, remedy = str(bad), bad.remedy
    return Tested(
        collection=collection,
        source=section.name,
        connector=section.connector,
        outcome=outcome,
        detail=detail,
        remedy=remedy,
        seconds=time.perf_counter() - began,
    )


def _tried(config: Config, section: SourceSection) -> str:
    if section.connector == UPLOADS:
        return "kept by ragkit itself"
    connector = build_connector(config, section)
    if isinstance(connector, Probes):
        (seen,) = said_by(connector, lambda: [connector.probe()])
        return seen
    changes = said_by(connector, partial(connector.changes, None))
    items = any(not isinstance(change, Checkpoint) for change in islice(changes, _LOOKED_AT))
    return "it can be read, and has items" if items else "it can be read, and is empty"
