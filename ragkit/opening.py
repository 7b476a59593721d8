"""What is recorded when a process begins to act in a workspace: that it did, and what is configured otherwise now."""

from __future__ import annotations

import os
from collections import Counter
from contextlib import suppress
from hashlib import sha256
from itertools import islice
from typing import TYPE_CHECKING

from ragkit.config import Config
from ragkit.config_parts import parts_of

if TYPE_CHECKING:
    from ragkit.audit.recorder import EventRecorder

_STATE = "config.seen"
_FIRST_BYTES = 4096
_AT_ONCE = 400
"""Parts in one event, so that no line grows long."""


def note_opening(recorder: EventRecorder, config: Config, *, mark: str) -> None:
    """Record ``workspace.opened``, and ``config.changed`` where the configuration is not the one last recorded.

    What was last recorded is in a small file of the data folder: its keyed hash, bound to the log it was recorded in,
    so that a log that begins anew gets the configuration, too. The log is not read.

    Args:
        recorder: Takes the events.
        config: The configuration now.
        mark: Its keyed hash, as it stands in every event.

    Raises:
        AuditUnavailable: It could not be recorded.
    """
    classes = Counter(one.data_class.value for one in config.collections.values())
    opened = {"collections": len(config.collections), "data_classes": dict(classes)}
    recorder.record("workspace.opened", data=opened)
    file, log = config.data_folder / _STATE, _log_begun(config)
    seen = its_log = ""
    with suppress(OSError, ValueError):
        seen, _, its_log = file.read_text("ascii").partition(" ")
    if (seen, its_log) == (mark, log):
        return
    parts = {name: recorder.keyed(f"config\0{name}\0{text}") for name, text in parts_of(config).items()}
    pieces = -(-len(parts) // _AT_ONCE)
    rest = iter(parts.items())
    for piece in range(1, pieces + 1):
        data = {"config": mark, "parts": dict(islice(rest, _AT_ONCE)), "piece": piece, "pieces": pieces}
        if seen and its_log == log:
            data["previous"] = seen
        recorder.record("config.changed", data=data)
    with suppress(OSError):  # recorded it is; at worst it will be once more
        new = file.with_suffix(f".{os.getpid()}")
        new.touch(mode=0o600)
        new.write_text(f"{mark} {log}", "ascii")
        new.replace(file)


def _log_begun(config: Config) -> str:
    """A hash of the log's first line, which is written when this is asked; empty where nothing is written."""
    try:
        with (config.data_folder / "events" / "00000001.jsonl").open("rb") as begun:
            return sha256(begun.read(_FIRST_BYTES).partition(b"\n")[0]).hexdigest()[:32]
    except OSError:
        return ""
