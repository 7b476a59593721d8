"""What a report needs beside the events: the configuration, who is who, and what other parts found."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ragkit.compliance.naming import short
from ragkit.config import Config
from ragkit.report.model import Level


@dataclass(frozen=True, slots=True)
class Found:
    """One line that another part of ragkit found: of the verifier, a check, a look for gaps.

    Attributes:
        name: Of the check, or a code.
        level: How it stands.
        detail: In a sentence, without content.
        remedy: What to do; empty when all is well.
        seqs: Events behind it.
    """

    name: str
    level: Level
    detail: str
    remedy: str = ""
    seqs: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What is known beside the events.

    Attributes:
        shown: From the keyed hash of an actor to a name that ragkit.toml has, or a short form of the hash.
        collections: Figures by collection, as ``ragkit status`` gives them.
        receipts: Signed receipts of erasures by request, as plain values.
        verified: What the verifier found.
        checks: What the checks found.
        gaps: Gaps, jumps and overlaps of the log.
        anchors: By anchor: newest size taken there, and when.
        lines: How many lines the log has.
        key: The verifier key of the log.
        measured: Recall of the detector in use, as measured beforehand.
    """

    config: Config
    since: str
    until: str
    shown: Callable[[str], str] = short
    collections: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    receipts: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    verified: Sequence[Found] = ()
    checks: Sequence[Found] = ()
    gaps: Sequence[Found] = ()
    anchors: Sequence[tuple[str, int, str]] = ()
    lines: int = 0
    key: str = ""
    measured: Mapping[str, Any] = field(default_factory=dict)

    def who(self, actor: Mapping[str, Any] | str) -> str:
        """Return who acted: by name where ragkit.toml names them, else the beginning of the keyed hash."""
        return self.shown(actor if isinstance(actor, str) else str(actor.get("id", "")))
