"""From configuration to the event recorder: its log, who signs it, what keeps evidence, where copies go."""

from __future__ import annotations

from functools import partial
from importlib.metadata import version
from typing import TYPE_CHECKING

from ragkit import net_counts
from ragkit.config import Config
from ragkit.crypto import opaque_id
from ragkit.opening import note_opening

if TYPE_CHECKING:
    from ragkit.audit.noticing import NoticingRecorder


def build_recorder(config: Config, *, actor_key: bytes) -> NoticingRecorder:
    """Return the event recorder of a workspace; it opens nothing until the first event.

    Args:
        config: The workspace's configuration.
        actor_key: Hashes subjects, purposes and the configuration; 32 bytes that stay the same for the workspace.
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
        opening=partial(note_opening, config=config, mark=mark),
        closing=net_counts.begin,
    )


def config_mark(config: Config, actor_key: bytes) -> str:
    """Return the keyed hash of a configuration, ``h:…``: equal for the same tables, whatever the comments."""
    return "h:" + opaque_id(actor_key, "config", config.model_dump_json())


def log_origin(config: Config, actor_key: bytes) -> str:
    """Return the log's name in events and checkpoints.

    A workspace without an id is told apart by its own secret, so that no two logs have one name.
    """
    workspace = config.workspace
    own = workspace.id or opaque_id(actor_key, "log")[:16]
    return config.audit.checkpoints.origin or f"{workspace.name}/ragkit/{own}"
