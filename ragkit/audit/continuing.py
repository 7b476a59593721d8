"""Whether a log continues what was signed: the tree of the cache, and the lines held against a note."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from ragkit.audit.current_key import ACCEPT
from ragkit.audit.growing import GrowingTree
from ragkit.audit.note_file import NoteFile, read_single
from ragkit.audit.notes import Note
from ragkit.errors import CheckpointRefused


def cached_tree(directory: Path, cache: str, newest: Note | None) -> GrowingTree:
    """Return the tree of the cache, if it is the one that the newest note is about; otherwise one of no lines.

    Args:
        directory: Where the segments are.
        cache: Name of the file there that :meth:`ragkit.audit.growing.GrowingTree.plain` was written to. It is never
            trusted.
        newest: The newest note; ``None``: there is none.
    """
    if newest is None:
        return GrowingTree(directory)
    checkpoint = newest.checkpoint
    try:
        tree = GrowingTree.resumed(directory, (directory / cache).read_bytes())
    except (OSError, ValueError):
        return GrowingTree(directory)
    is_it = (tree.size, tree.root()) == (checkpoint.size, checkpoint.root) and announces(tree.last, tree.size)
    return tree if is_it else GrowingTree(directory)


def hold_to(tree: GrowingTree, note: Note, *, origin: str) -> None:
    """Grow the tree to the size of a note.

    Args:
        tree: Not larger than the note.
        note: Of this log.
        origin: The log's name.

    Raises:
        OSError: A segment cannot be read.
        CheckpointRefused: The log is not what the note says.
    """
    if note.checkpoint.origin != origin:
        raise CheckpointRefused(
            "the checkpoints are of a log of another name: the workspace's name or `origin` was changed",
            code="other-origin",
            size=tree.size,
            remedy="Write the old name back, or the first line of the last note in `checkpoints.txt` as `origin` "
            "under [audit.checkpoints].",
        )
    if not tree.grow(note.checkpoint.size):
        raise CheckpointRefused(
            f"the event log has {tree.size} lines, and {note.checkpoint.size} were signed: it was cut or put back",
            code="rolled-back",
            size=tree.size,
            remedy=ACCEPT,
        )
    if tree.root() != note.checkpoint.root:
        raise CheckpointRefused(
            f"the first {tree.size} lines of the event log are not those that were signed",
            code="edited",
            size=tree.size,
            remedy=ACCEPT,
        )


def seen_outside(path: Path) -> Note | None:
    """Return the newest note as it is remembered outside the data directory, ``None`` if nothing is.

    Raises:
        OSError: It cannot be read.
        CheckpointRefused: It is malformed.
    """
    try:
        return read_single(path)
    except ValueError:
        raise CheckpointRefused(
            "the checkpoint remembered outside the data directory is malformed", code="bad-seen", remedy=ACCEPT
        ) from None


def is_among(note: Note, notes: NoteFile) -> bool:
    """Say whether the file has a note of the same state; one that is malformed has none."""
    try:
        return any(one.checkpoint == note.checkpoint for one in notes.read())
    except ValueError:
        return False


def stamps_of(*files: NoteFile) -> object:
    """Return what changes when somebody signs, here or outside; a log that only grew is as right as it was."""
    try:
        return [one.stamp() for one in files]
    except OSError:
        return object()  # like no other


def with_sizes(refused: CheckpointRefused, *, notes: NoteFile, seen: Path, size: int) -> CheckpointRefused:
    """Fill in the sizes of the log and of the newest checkpoint, as far as they are known; return the same error."""
    found = [_or_none(notes.newest), _or_none(lambda: seen_outside(seen))]
    refused.seen = refused.seen or max((one.checkpoint.size for one in found if one is not None), default=0)
    refused.size = refused.size or size
    return refused


def _or_none(read: Callable[[], Note | None]) -> Note | None:
    try:
        return read()
    except (OSError, ValueError, CheckpointRefused):
        return None


def announces(line: bytes, size: int) -> bool:
    """Say whether a line is the event ``checkpoint`` of this size."""
    try:
        event = json.loads(line)
        return bool(event["type"] == "checkpoint" and event["data"]["size"] == size)
    except (ValueError, KeyError, TypeError):
        return False
