"""Signing states of the log: each continues the one before, and one that does not is refused.

::

    checkpointer = Checkpointer(data / "events", origin=origin, key=key_source(config, name), seen=path)
    announced = checkpointer.announce()          # the recorder appends it as the event `checkpoint`
    checkpointer.sign()                          # a note in checkpoints.txt, and the same in the file `seen`

The newest note is remembered outside the data directory (``seen``) before it is appended to ``checkpoints.txt``: a data
directory that somebody put back to an older state does not hold what was seen, and is not signed. A process goes on
from the tree in ``frontier.json`` if that hashes to the root of the newest note; otherwise it reads every line again.
Lines before the newest note are not read again: who edits them is found by ``ragkit audit verify``, since what was
signed is the tree over the lines as they were.
"""

from __future__ import annotations

import errno
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ragkit.audit.continuing import announces, cached_tree, hold_to, is_among, seen_outside, stamps_of, with_sizes
from ragkit.audit.current_key import ACCEPT, CurrentKey
from ragkit.audit.growing import GrowingTree
from ragkit.audit.note_file import NoteFile, write_single
from ragkit.audit.notes import Checkpoint, Note, VerifierKey, sign_note
from ragkit.audit.signing import KeySource
from ragkit.crashpoints import reach
from ragkit.errors import CheckpointRefused

NOTES = "checkpoints.txt"
FRONTIER = "frontier.json"


class Checkpointer:
    """Implements :class:`ragkit.audit.sealing.Signer`. For one process; the log's lock lets several take turns.

    Args:
        directory: Where the segments are.
        origin: The log's name.
        key: Gives the signing key, at the first need.
        seen: File outside the data directory with the newest note.
        every_seconds: A checkpoint is due after so many seconds …
        every_events: … or so many lines of this process.
    """

    def __init__(
        self,
        directory: Path,
        *,
        origin: str,
        key: KeySource,
        seen: Path,
        every_seconds: int = 60,
        every_events: int = 1_000,
    ) -> None:
        self.notes = NoteFile(directory / NOTES)
        self.origin = origin
        self.key = key
        self.seen = seen
        self._directory = directory
        self._every_seconds = every_seconds
        self._every_events = every_events
        self._current = CurrentKey(key, origin)
        self._newest: Note | None = None
        self._stamp: tuple[int, int, int] | None = None
        self._tree: GrowingTree | None = None
        self._held: Checkpoint | None = None
        self._wrong: tuple[object, OSError | CheckpointRefused] | None = None
        self._announced = 0
        self._next = b""
        self._keep_old = True
        self._since = time.monotonic()
        self._quiet_until = 0.0

    def __repr__(self) -> str:
        return f"Checkpointer(origin={self.origin!r})"

    def __reduce__(self) -> tuple[object, ...]:
        raise TypeError("a checkpointer holds a key and is not pickled; make one in the other process")

    def due(self, *, lines: int, now: float) -> bool:
        """Tell whether a checkpoint should be signed; after a refusal not before ``every_seconds`` are over."""
        if not lines or now < self._quiet_until:
            return False
        return lines >= self._every_events or now - self._since >= self._every_seconds

    def prepare(self) -> None:
        """Read the lines that this process does not know yet, and get the key; what is wrong, :meth:`announce` tells.

        It tells what was found here: a log that is refused is not read a second time under its lock.
        """
        self._wrong, stamps = None, stamps_of(self.notes, NoteFile(self.seen))
        try:
            tree, unknown = self._read()
            tree.grow()
            self._tree = tree
            self._current.fetch(unknown or self._newest)
        except BaseException as bad:
            told = self._told(bad) if isinstance(bad, CheckpointRefused) else bad
            self.forget()
            if isinstance(told, OSError | CheckpointRefused):
                self._wrong = stamps, told
            if not isinstance(bad, Exception):  # the caller was interrupted, perhaps in the middle of a line
                raise

    def announce(self) -> Mapping[str, Any] | None:
        """Return the data of the event ``checkpoint``; ``None`` if nothing was added since the last."""
        wrong, self._wrong = self._wrong, None
        try:
            if wrong is not None and wrong[0] == stamps_of(self.notes, NoteFile(self.seen)):
                raise wrong[1]
            tree, unknown = self._read()
            self._tree = tree
            private = self._current.after(unknown or self._newest)
            if unknown is not None:  # killed after it was remembered outside, before it was appended here
                self._append(unknown)
            tree.grow()
        except CheckpointRefused as refused:
            told = self._told(refused)
            self.forget()
            self._rest()
            raise told from None
        except BaseException as failed:
            self._rest() if isinstance(failed, OSError) else self.forget()
            raise
        if self._newest is not None and tree.size == self._newest.checkpoint.size:
            self._since = time.monotonic()
            return None
        self._announced = tree.size + 1
        return {"size": self._announced, "key": VerifierKey.of(self.origin, private).mark}

    def sign(self) -> None:
        """Sign all lines, the announced last one included: remember it outside, then append it to the notes."""
        reach("checkpoints.announced")
        tree, size, self._announced = self._tree, self._announced, 0
        try:
            if tree is None or not tree.grow(size) or not announces(tree.last, size):
                raise OSError(errno.EIO, "the announced line is not in the log")
            note = self._signed(size, tree.root())
            write_single(self.seen, note.written)
            reach("checkpoints.seen")
            self._append(note)
            reach("checkpoints.appended")
            write_single(self._directory / FRONTIER, tree.plain(), durable=False)
        except OSError:
            self._rest()
            raise
        except ValueError:
            self.forget()
            self._rest()
            raise OSError(errno.EIO, "the tree over the log does not fit its size") from None
        self._since = time.monotonic()
        if self._next:
            following, self._next = self._next, b""
            self._current.change(following)
            reach("checkpoints.before_install")
            self.key.install_next(keep_as=self._current.kept_as(note) if self._keep_old else None)

    def change_key(self, private: bytes, *, keep_old: bool) -> None:
        """Let the next note name this key, under both signatures, and those after be signed by it alone.

        With a key file, the key waits beside it already (:meth:`ragkit.audit.signing.KeySource.make_next`).
        """
        self._keep_old, self._next = keep_old, private

    def verifier_key(self) -> VerifierKey:
        """Return the public half of the key that signs the next checkpoint. Raises as :meth:`announce`."""
        if self._look():
            self._tree = None
        self._current.fetch(self._newest)
        return VerifierKey.of(self.origin, self._current.after(self._newest))

    def forget(self) -> None:
        """Read notes, key and lines anew when they are needed next."""
        self._current.forget()
        self._newest = self._stamp = self._tree = self._held = self._wrong = None

    def forked(self) -> None:
        """Start over in a forked child: what the parent was in the middle of reading, announcing or changing is its."""
        self.forget()
        self._announced, self._next, self._keep_old = 0, b"", True

    def _look(self) -> bool:
        """Read the newest note, if the file changed; say whether it did."""
        stamp = self.notes.stamp()
        if stamp == self._stamp:
            return False
        try:
            self._newest = self.notes.newest()
        except ValueError:
            raise CheckpointRefused(
                "the last note in the file of checkpoints is malformed", code="bad-notes", remedy=ACCEPT
            ) from None
        self._stamp = stamp
        self._current.doubt()
        return True

    def _from_newest(self) -> GrowingTree:
        """Return a tree that went through the newest note: its first lines have the root that was signed."""
        changed, tree, newest = self._look(), self._tree, self._newest
        if tree is not None and not changed:
            return tree
        if newest is None:
            return GrowingTree(self._directory)
        if tree is None or tree.size > newest.checkpoint.size:
            tree = cached_tree(self._directory, FRONTIER, newest)
        hold_to(tree, newest, origin=self.origin)
        return tree

    def _read(self) -> tuple[GrowingTree, Note | None]:
        """Hold the log to what was signed and seen; return the tree, and the note seen if the file here lacks it."""
        tree, outside = self._from_newest(), seen_outside(self.seen)
        newest = self._newest
        if outside is None or (newest is not None and outside.checkpoint == newest.checkpoint):
            self._held = None
            return tree, None
        size = outside.checkpoint.size
        ahead = newest is None or size > newest.checkpoint.size
        if tree is self._tree and outside.checkpoint == self._held:
            return tree, outside if ahead else None
        if ahead:
            if tree.size > size:
                tree = cached_tree(self._directory, FRONTIER, newest)
            hold_to(tree, outside, origin=self.origin)
        elif not is_among(outside, self.notes):
            hold_to(GrowingTree(self._directory), outside, origin=self.origin)
        self._held = outside.checkpoint
        return tree, outside if ahead else None

    def _signed(self, size: int, root: bytes) -> Note:
        private = self._current.after(self._newest)
        if not self._next:
            return sign_note(Checkpoint(self.origin, size, root), private)
        following = str(VerifierKey.of(self.origin, self._next))
        return sign_note(Checkpoint(self.origin, size, root, following), private, self._next)

    def _append(self, note: Note) -> None:
        self.notes.append(note)
        self._newest, self._stamp = note, self.notes.stamp()

    def _rest(self) -> None:
        self._quiet_until = time.monotonic() + self._every_seconds

    def _told(self, refused: CheckpointRefused) -> CheckpointRefused:
        size = self._tree.size if self._tree else 0
        return with_sizes(refused, notes=self.notes, seen=self.seen, size=size)
