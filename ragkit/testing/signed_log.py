"""A log that is written and signed without a recorder, for tests of signing: line by line, and what a forger does.

::

    log = SignedLog(tmp_path)
    log.add(3)
    log.checkpoint()                 # the announcement, then the note
    log.lines()[1] = b"…"            # see SignedLog.rewrite
"""

from __future__ import annotations

import fcntl
import json
import os
from pathlib import Path

from ragkit.audit.checkpoints import Checkpointer
from ragkit.audit.notes import Note, VerifierKey
from ragkit.audit.schema import canonical
from ragkit.audit.signing import KeySource
from ragkit.audit.tree import leaf_hash, tree_root
from ragkit.config_audit import SigningKeySection

ORIGIN = "acme/ragkit/0123456789abcdef"


class SignedLog:
    """A data directory and, outside it, a key and what was seen.

    Args:
        folder: Empty; gets ``data/events`` and ``home``.
        section: ``[audit.key]``.
    """

    def __init__(self, folder: Path, section: SigningKeySection | None = None) -> None:
        self.data = folder / "data"
        self.events = self.data / "events"
        self.home = folder / "home"
        self.events.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.home.mkdir(mode=0o700, exist_ok=True)
        self.key_path = self.home / "ws.audit.key"
        self.seen = self.home / "ws.audit.seen"
        self.section = section or SigningKeySection()
        self.signer = self.process()

    def process(self) -> Checkpointer:
        """Return the signer of another process."""
        key = KeySource(self.section, path=self.key_path, folder=self.home)
        return Checkpointer(self.events, origin=ORIGIN, key=key, seen=self.seen)

    def add(self, count: int = 1, *, segment: int = 1) -> None:
        """Append events that are nothing but numbered."""
        seq = len(self.lines())
        with self._segment(segment).open("ab") as file:
            for number in range(count):
                file.write(canonical({"seq": seq + number + 1, "type": "doc.added", "data": {}}) + b"\n")

    def checkpoint(self, signer: Checkpointer | None = None, *, segment: int = 1) -> Note | None:
        """Do what the recorder does: announce, append the event, sign; return the note."""
        by = signer or self.signer
        handle = os.open(self.events / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            told = by.announce()
            if told is None:
                return None
            event = {"seq": len(self.lines()) + 1, "type": "checkpoint", "data": dict(told)}
            with self._segment(segment).open("ab") as file:
                file.write(canonical(event) + b"\n")
            by.sign()
        finally:
            os.close(handle)
        return by.notes.newest()

    def lines(self) -> list[bytes]:
        """Return all complete lines."""
        return [line for path in sorted(self.events.glob("*.jsonl")) for line in path.read_bytes().split(b"\n")[:-1]]

    def rewrite(self, lines: list[bytes], *, segment: int = 1) -> None:
        """Put other lines in the place of a segment's."""
        self._segment(segment).write_bytes(b"".join(line + b"\n" for line in lines))

    def notes(self) -> list[Note]:
        """Return every note."""
        return list(self.signer.notes.read())

    def verified(self) -> bool:
        """Say whether every note has the root of its lines and follows an announcement; signatures by key in turn."""
        hashes = [leaf_hash(line) for line in self.lines()]
        key: VerifierKey | None = None
        size = 0
        for note in self.notes():
            told = note.checkpoint
            if told.size <= size or told.size > len(hashes) or told.root != tree_root(hashes, 0, told.size):
                return False
            event = json.loads(self.lines()[told.size - 1])
            if (event["type"], event["data"]["size"]) != ("checkpoint", told.size):
                return False
            if key is not None and not note.is_signed_by(key):
                return False
            if told.next_key:
                key = VerifierKey.parse(told.next_key)
                if not note.is_signed_by(key):
                    return False
            size = told.size
        return True

    def _segment(self, number: int) -> Path:
        return self.events / f"{number:08d}.jsonl"
