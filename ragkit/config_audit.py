"""The tables ``[audit]`` and ``[roles]`` of ``ragkit.toml``: what is recorded, proven and kept, and who may do what."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from ragkit.config_sections import AccessToken, KeysSection, Section, Slug

LEAST_DAYS = 183
"""Six months: how long a provider and a deployer keep logs at least (AI Act, Articles 19(1) and 26(6))."""


class SigningKeySection(KeysSection):
    """Where the key that signs checkpoints comes from: outside the data directory, best outside this machine."""

    path: Path | None = Field(
        None, description="For `file`. Default: `$XDG_CONFIG_HOME/ragkit/<workspace id>.audit.key`, mode 0600."
    )
    variable: str = Field(
        "RAGKIT_AUDIT_KEY",
        min_length=1,
        description="For `env`: the variable, base64 or hex; with `_NEXT` at its end, the next key during a change.",
    )


class CheckpointSection(Section):
    """When the log is signed, and where the signature is taken."""

    every_seconds: int = Field(60, ge=1, le=86_400, description="A checkpoint is signed after so many seconds …")
    every_events: int = Field(1_000, ge=1, description="… or so many events, and when a process ends.")
    origin: str | None = Field(
        None,
        pattern=r"^[!-*,-~]{1,200}$",
        description="The log's name in every event and checkpoint. Default: `<workspace name>/ragkit/<workspace id>`.",
    )
    seen: Path | None = Field(
        None,
        description="File outside the data directory with the newest checkpoint, so that a directory rolled back is "
        "noticed. Default: beside the signing key's file.",
    )


class AnchorSection(Section):
    """A place off this machine to which checkpoints are taken."""

    name: Slug = Field(description="Name, for events and commands.")
    kind: Literal["file", "syslog", "command"] = Field(description="How it is taken there.")
    path: Path | None = Field(
        None, description="For `file`: appended to; best on another machine or a write-once disk."
    )
    address: str | None = Field(
        None, description="For `syslog`: `unix:/dev/log`, `udp://host:514`, `tcp://host:601`; RFC 5424."
    )
    command: tuple[str, ...] = Field(
        (), description="For `command`: program and arguments; reads the checkpoint on its input. No shell."
    )
    timeout: float = Field(30.0, gt=0, le=600, description="Seconds before it counts as failed.")


class SinkSection(Section):
    """A second place to which every event is written."""

    name: Slug = Field(description="Name, for events and messages.")
    kind: Literal["file", "syslog"] = Field(description="A file, or a syslog server by RFC 5424.")
    path: Path | None = Field(None, description="For `file`.")
    address: str | None = Field(None, description="For `syslog`: `unix:/dev/log`, `udp://host:514`, `tcp://host:601`.")
    timeout: float = Field(5.0, gt=0, le=60, description="Seconds before it counts as failed.")
    required: bool = Field(False, description="Without it, too, nothing is done; otherwise its failure is recorded.")


class EvidenceSection(Section):
    """What was asked, retrieved, sent and answered, encrypted, for the officers."""

    keep: bool | None = Field(None, description="Whether it is kept. Default: in the mode `compliance`.")
    days: int = Field(183, ge=1, description="How long; then its keys are destroyed.")


class HistorySection(Section):
    """Replaced chunks, kept for a while so that an answer can be replayed."""

    days: int | None = Field(
        None, ge=0, description="How long. Default: 30 in the mode `compliance`, otherwise 0, which keeps none."
    )


class ControllerSection(Section):
    """Who answers for the processing; stands in the report (GDPR, Article 30(1)(a))."""

    name: str | None = Field(None, max_length=200, description="Name of the company or body.")
    contact: str | None = Field(None, max_length=200, description="How it is reached.")
    data_protection_officer: str | None = Field(None, max_length=200, description="Who is, and how they are reached.")


class AuditSection(Section):
    """What is recorded of everything that is done, and what happens when it cannot be."""

    mode: Literal["compliance", "required", "best_effort", "unsafe_off"] = Field(
        "required",
        description="`required`: no record, no action. `best_effort`: go on and count. `unsafe_off`: nothing. "
        "`compliance`: as `required`, with evidence, a window of history, and roles that are written down.",
    )
    timeout: float = Field(
        5.0, gt=0, le=60, description="Seconds until a disk that does not answer counts as unwritable."
    )
    retention_days: int = Field(
        LEAST_DAYS, ge=LEAST_DAYS, description="How long events are kept at least; six months is the floor."
    )
    key: SigningKeySection = Field(SigningKeySection(), description="The key that signs checkpoints.")
    checkpoints: CheckpointSection = Field(CheckpointSection(), description="Signed states of the log.")
    anchors: tuple[AnchorSection, ...] = Field((), description="Where checkpoints are taken to.")
    sinks: tuple[SinkSection, ...] = Field((), description="Where events are written besides.")
    evidence: EvidenceSection = Field(EvidenceSection(), description="What was asked and answered.")
    history: HistorySection = Field(HistorySection(), description="Chunks as they were.")
    controller: ControllerSection = Field(ControllerSection(), description="Who answers for the processing.")

    @property
    def writes(self) -> Literal["required", "best_effort", "unsafe_off"]:
        """What happens when an event cannot be written."""
        return "required" if self.mode == "compliance" else self.mode

    @property
    def keeps_evidence(self) -> bool:
        """Whether prompts, passages and answers are kept, encrypted."""
        return self.mode == "compliance" if self.evidence.keep is None else self.evidence.keep

    @property
    def history_days(self) -> int:
        """How many days a replaced version can still be replayed; 0 for not at all."""
        if self.history.days is not None:
            return self.history.days
        return 30 if self.mode == "compliance" else 0

    @model_validator(mode="after")
    def _places_given(self) -> Self:
        needed = {"file": "path", "syslog": "address", "command": "command"}
        places: list[tuple[str, AnchorSection | SinkSection]] = [("anchors", one) for one in self.anchors]
        places += [("sinks", one) for one in self.sinks]
        for table, one in places:
            key = needed[one.kind]
            if not getattr(one, key):
                raise PydanticCustomError(
                    "audit_place",
                    "{table} has a {kind} without its {key}",
                    {"table": table, "kind": one.kind, "key": key, "remedy": f"Write `{key}`."},
                )
        names = [one.name for _, one in places]
        if len(set(names)) < len(names):
            raise PydanticCustomError(
                "audit_names", "has two anchors or sinks of one name", {"remedy": "Give each its own name."}
            )
        return self


class RolesSection(Section):
    """Who may do what besides asking. What is not written is the owner's; an empty list is nobody's.

    Readers are named by a collection's `access`, those who may see clear text by `reveal`, privacy officers by
    `officers`.
    """

    ingesters: tuple[AccessToken, ...] | None = Field(
        None, description="Who may sync, mask again and rebuild. Default: the owner."
    )
    operators: tuple[AccessToken, ...] | None = Field(
        None, description="Who may look after the installation: doctor, backups, keys, usage. They see no content."
    )
    auditors: tuple[AccessToken, ...] | None = Field(
        None, description="Who may read the event log. They see no evidence. Default: the owner."
    )
    two_person: tuple[Literal["reveal", "evidence", "erase"], ...] = Field(
        (), description="What needs the approval of a second officer."
    )
    approval_hours: int = Field(24, ge=1, le=24 * 30, description="How long an approval holds.")
