"""What the gateway thinks of a call, before anything is sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from ragkit.config_answering import DestinationSection
from ragkit.egress.boundary import ceiling_of
from ragkit.types import DataClass, Location

Reason = Literal["ok", "data-class", "too-large", "not-text", "not-scanned", "leak", "path", "tls"]
"""Why it may leave or may not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """What is declared of a destination."""

    name: str
    host: str
    location: Location
    provider: str
    region: str | None
    contract: str | None
    retention: str | None
    ceiling: DataClass
    rescan: str

    @classmethod
    def declared(cls, name: str, section: DestinationSection) -> Destination:
        """The facts of a section of ``ragkit.toml``."""
        return cls(
            name=name,
            host=section.host,
            location=section.location,
            provider=section.provider,
            region=section.region,
            contract=section.contract,
            retention=section.retention,
            ceiling=ceiling_of(section),
            rescan=section.rescan,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Whether a body may go to a destination.

    Attributes:
        allowed: Whether it may.
        reason: ``ok``, or the first rule that forbids it.
        findings: Personal data found in the final bytes, by entity type. Also where the re-scan does not block.
        data_class: Of what was retrieved for it.
        bytes: Its length.
    """

    allowed: bool
    reason: Reason
    data_class: DataClass
    bytes: int
    destination: Destination
    findings: Mapping[str, int] = field(default_factory=dict)
