"""From configuration to the event recorder: its log, who signs it, what keeps evidence, where copies go."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from typing import TYPE_CHECKING

from ragkit import net_counts
from ragkit.config import Config
from ragkit.crypto import opaque_id
from ragkit.errors import ConfigError
from ragkit.opening import note_opening

if TYPE_CHECKING:
    from ragkit.audit.checkpoints import Checkpointer
    from ragkit.audit.evidence import EvidenceStore
    from ragkit.audit.evidence_keys import PartyKeys
    from ragkit.audit.noticing import NoticingRecorder
    from ragkit.audit.sealing import EvidenceKeeper, Sink


def build_recorder(
    config: Config, *, actor_key: bytes, keeper: Callable[[], EvidenceKeeper] | None = None
) -> NoticingRecorder:
    """Return the event recorder of a workspace; it opens nothing until the first event.

    Args:
        config: The workspace's configuration.
        actor_key: Hashes subjects, purposes and the configuration; 32 bytes that stay the same for the workspace.
        keeper: Gives the evidence store; it is asked only where evidence is to be kept.
    """
    from ragkit.audit.noticing import NoticingRecorder

    section, mark = config.audit, config_mark(config, actor_key)
    return NoticingRecorder(
        config.data_folder / "events",
        mode=section.writes,
        software={"ragkit": version("ragkit"), "cfg": mark},
        actor_key=actor_key,
        origin=log_origin(config, actor_key),
        tenant=config.workspace.name,
        timeout=section.timeout,
        signer=build_signer(config, actor_key=actor_key) if section.writes != "unsafe_off" else None,
        opening=partial(note_opening, config=config, mark=mark),
        sinks=build_sinks(config) if section.writes != "unsafe_off" else (),
        closing=net_counts.begin,
        keeper=keeper() if keeper is not None and section.keeps_evidence else None,
    )


def build_sinks(config: Config) -> list[Sink]:
    """Return the second places of the log, by ``[[audit.sinks]]``; they are opened by the first event.

    Raises:
        ConfigError: An address is none.
    """
    from ragkit.audit.sinks import FileSink
    from ragkit.net_syslog import SyslogSink

    made: list[Sink] = []
    for one in config.audit.sinks:
        if one.kind == "file" and one.path is not None:
            path = config.resolve(one.path)
            made.append(FileSink(path, name=one.name, timeout=one.timeout, required=one.required))
            continue
        try:
            sink = SyslogSink(one.address or "", name=one.name, timeout=one.timeout, required=one.required)
        except ValueError:
            raise ConfigError(
                f"the address of the sink {one.name!r} is none of a syslog server",
                remedy="Write `unix:/dev/log`, `udp://host:514` or `tcp://host:601`.",
            ) from None
        made.append(sink)
    return made


def build_signer(config: Config, *, actor_key: bytes) -> Checkpointer:
    """Return what signs states of the log; it opens nothing until the first checkpoint.

    Raises:
        ConfigError: The signing key, or the memory of the newest checkpoint, would be in the data directory.
    """
    from ragkit.audit.checkpoints import Checkpointer
    from ragkit.audit.signing import key_source, seen_path

    section, name = config.audit.checkpoints, log_id(config, actor_key)
    return Checkpointer(
        config.data_folder / "events",
        origin=log_origin(config, actor_key),
        key=key_source(config, name),
        seen=seen_path(config, name),
        every_seconds=section.every_seconds,
        every_events=section.every_events,
    )


def build_evidence(config: Config, *, secret: bytes, people: Callable[[str], PartyKeys]) -> EvidenceStore:
    """Return the evidence store of a workspace, also where nothing is kept now; it opens nothing until it is used.

    Args:
        config: The workspace's configuration.
        secret: Wraps its keys; 32 bytes that stay the same for the workspace.
        people: Gives the people of a collection, by its name.
    """
    from ragkit.audit.evidence import EvidenceStore

    return EvidenceStore(config.data_folder / "evidence.db", secret=secret, people=people)


def config_mark(config: Config, actor_key: bytes) -> str:
    """Return the keyed hash of a configuration, ``h:…``: equal for the same tables, whatever the comments."""
    return "h:" + opaque_id(actor_key, "config", config.model_dump_json())


def log_origin(config: Config, actor_key: bytes) -> str:
    """Return the log's name in events and checkpoints."""
    origin = config.audit.checkpoints.origin
    return origin or f"{config.workspace.name}/ragkit/{log_id(config, actor_key)}"


def log_id(config: Config, actor_key: bytes) -> str:
    """Return the workspace's id, under which its signing key is kept by default.

    A workspace without an id is told apart by its own secret, so that no two logs have one name.
    """
    return config.workspace.id or opaque_id(actor_key, "log")[:16]
