"""Who asks, and how far content may travel. Imported through :mod:`ragkit.types`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal


class DataClass(StrEnum):
    """How far a collection's content may travel. Compared by what was retrieved, not by what the prompt says."""

    PUBLIC = "public"
    INTERNAL = "internal"
    CONFIDENTIAL = "confidential"
    RESTRICTED = "restricted"


class Location(StrEnum):
    """Where a generator runs, as seen from the process that holds the documents."""

    IN_PROCESS = "in-process"
    ON_PREM = "on-prem"
    MANAGED = "managed"
    REMOTE = "remote"


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks. Access tokens are typed and scoped by source, so that two systems' ``sales`` groups differ.

    Attributes:
        subject: Opaque identity, ``issuer|name``, such as ``local|ana``.
        groups: Group names, ``source|name``.
        kind: ``local`` for the workspace owner of a call without a principal; every use is recorded.
    """

    subject: str
    groups: frozenset[str] = frozenset()
    kind: Literal["user", "service", "local", "system"] = "user"

    @property
    def tokens(self) -> frozenset[str]:
        """The access tokens this principal holds: ``u:…``, one ``g:…`` a group, and ``pub``."""
        return frozenset({f"u:{self.subject}", "pub", *(f"g:{group}" for group in self.groups)})
