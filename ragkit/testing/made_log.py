"""An event log made up byte by byte from ``docs/audit-format.md``, without ragkit's writer: for tests of verifiers.

::

    log = MadeLog()
    log.add("doc.added", {"collection": "care", "doc": 7, "version": 1})
    log.sign()                                   # announces a checkpoint and signs it
    log.write(tmp_path)

The tree is the recursive definition of RFC 6962, section 2.1, the slow and plain way, so that it shares nothing with
the incremental ones it is compared with.
"""

from __future__ import annotations

import base64
import hashlib
import json
import random
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

ORIGIN = "acme/ragkit/0123456789abcdef"
_START = datetime(2026, 11, 1, 8, tzinfo=UTC)
_REMEMBERED = 256  # leaves of the smallest subtree whose hash is kept


class SigningKey:
    """A key of Ed25519 made of a word.

    Args:
        word: Whatever; the same word is the same key.
        name: Whom it signs for: the log's origin.
    """

    def __init__(self, word: str, name: str = ORIGIN) -> None:
        self.name = name
        self._private = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(word.encode()).digest())
        self.public = self._private.public_key().public_bytes_raw()
        packed = b"\x01" + self.public
        self.id = hashlib.sha256(name.encode() + b"\n" + packed).digest()[:4]
        self.verifier = f"{name}+{self.id.hex()}+{base64.b64encode(packed).decode()}"
        self.hash = "sha256:" + hashlib.sha256(self.public).hexdigest()

    def line(self, text: bytes) -> bytes:
        """Return the signature line of a note over its text."""
        packed = base64.b64encode(self.id + self._private.sign(text))
        return "— ".encode() + self.name.encode() + b" " + packed + b"\n"


class MadeLog:
    """A log in memory: lines in segments, and notes.

    Args:
        origin: Name of the log.
        key: Signs; default: one made of the word ``first``.
        seed: Makes ids and times; another seed gives another log.
    """

    def __init__(self, origin: str = ORIGIN, *, key: SigningKey | None = None, seed: int = 0) -> None:
        self.origin = origin
        self.key = key or SigningKey("first", origin)
        self.segments: list[list[bytes]] = [[]]
        self.notes: list[bytes] = []
        self.writer = "0badcafe:77:1"
        self.now = _START + timedelta(days=seed)
        self.tail = b""
        self._draw = random.Random(seed)
        self._mono = 1_000_000
        self._seq = 0
        self._full: dict[tuple[int, int], bytes] = {}

    @property
    def lines(self) -> list[bytes]:
        """All lines, in order."""
        return [line for segment in self.segments for line in segment]

    def add(self, kind: str, data: Mapping[str, Any] | None = None, **more: Any) -> bytes:
        """Append an event; ``more`` replaces fields of its envelope. Returns the line."""
        self._seq += 1
        self.now += timedelta(microseconds=self._draw.randint(50, 5_000))
        self._mono += self._draw.randint(50_000, 5_000_000)
        digits = f"{int(self.now.timestamp() * 1000):012x}7{self._draw.getrandbits(76):019x}"
        event = {
            "actor": {"auth": "local", "groups": "h:" + "a1" * 16, "id": "h:" + "b2" * 16, "kind": "user"},
            "boot": "6f1d2c3b-0000-4000-8000-000000000001",
            "data": dict(data or {}),
            "id": f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-8{digits[17:20]}-{digits[20:32]}",
            "log": self.origin,
            "mono_ns": self._mono,
            "outcome": "ok",
            "reason": "",
            "request": "",
            "seq": self._seq,
            "session": "",
            "span": "",
            "sw": {"cfg": "h:" + "c3" * 16, "ragkit": "0.1.0"},
            "tenant": "acme",
            "trace": "",
            "ts": self.now.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            "type": kind,
            "v": 1,
            "writer": self.writer,
            **more,
        }
        self._seq = event["seq"] if isinstance(event["seq"], int) else self._seq
        line = as_line({key: value for key, value in event.items() if value is not ...})
        self.segments[-1].append(line)
        return line

    def ask(self) -> None:
        """Append the seven events of a question that is answered remotely, with about as many bytes as real ones."""
        request = f"0199{self._draw.getrandbits(48):012x}".ljust(32, "7")
        ids = [f"{self._draw.getrandbits(128):032x}" for _ in range(8)]
        scored = [
            {"chunk": at, "doc": one, "rank": rank, "score_u": 900_000 - rank, "version": 1}
            for rank, (at, one) in enumerate(enumerate(ids, 1_000), 1)
        ]
        place = {"destination": "acme-llm", "location": "remote", "provider": "acme", "region": "eu-1"}
        for kind, data in (
            ("query.received", {"characters": 41, "collection": "care", "entities": {"PERSON": 1}, "ms": 3}),
            ("retrieval.done", {"candidates": 80, "chunks": scored, "collection": "care", "generation": 3, "k": 8}),
            ("route.chosen", {"collection": "care", "generator": "large", "location": "remote", "route": "large"}),
            ("egress.intent", {**place, "bytes": 5_120, "collection": "care", "scanned": True}),
            ("egress.done", {**place, "bytes": 900, "ms": 812, "status": 200}),
            ("generation.done", {"collection": "care", "input": 1_204, "model": "m-1", "ms": 815, "output": 120}),
            ("answer.released", {"citations": 2, "cited": [{"chunk": 1_000, "doc": ids[0], "version": 1}], "hits": 8}),
        ):
            self.add(kind, data, request=request)

    def tear(self, line: bytes = b'{"actor":{"auth":"loc') -> None:
        """Append a line that a killed process tore, and the event of the next writer that tells of it."""
        self.segments[-1].append(line)
        self.add("log.recovered", {"bytes": len(line), "segment": len(self.segments)})

    def rotate(self) -> None:
        """Begin a new segment."""
        self.segments.append([])
        self.add("log.rotated", {"segment": len(self.segments)})

    def sign(self, *, next_key: SigningKey | None = None) -> bytes:
        """Announce a checkpoint, sign all lines, and go on with the next key if there is one. Returns the note."""
        self.add("checkpoint", {"key": self.key.hash, "size": sum(map(len, self.segments)) + 1})
        return self.note(next_key=next_key)

    def note(self, *, next_key: SigningKey | None = None) -> bytes:
        """Sign all lines without an announcement. Returns the note."""
        lines = self.lines
        root = base64.b64encode(self._root(lines, 0, len(lines))).decode()
        text = f"{self.origin}\n{len(lines)}\n{root}\n"
        if next_key:
            text += f"next-key {next_key.verifier}\n"
        raw = text.encode()
        note = raw + b"\n" + self.key.line(raw)
        if next_key:
            note += next_key.line(raw)
            self.key = next_key
        self.notes.append(note)
        return note

    def write(self, folder: Path) -> Path:
        """Write the log to a folder, in the place of what is there. Returns the folder."""
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.iterdir():
            old.unlink()
        for number, segment in enumerate(self.segments, 1):
            last = self.tail if number == len(self.segments) else b""
            (folder / f"{number:08d}.jsonl").write_bytes(b"".join(line + b"\n" for line in segment) + last)
        (folder / "checkpoints.txt").write_bytes(b"".join(note + b"\n" for note in self.notes))
        return folder

    def _root(self, lines: Sequence[bytes], start: int, size: int) -> bytes:
        """MTH(D[n]) of RFC 6962; hashes of full subtrees are kept, since lines are only added."""
        if size == 0:
            return hashlib.sha256(b"").digest()
        if size == 1:
            return hashlib.sha256(b"\0" + lines[start]).digest()
        if (start, size) in self._full:
            return self._full[start, size]
        left = 1 << (size - 1).bit_length() - 1
        halves = self._root(lines, start, left) + self._root(lines, start + left, size - left)
        node = hashlib.sha256(b"\1" + halves).digest()
        if size >= _REMEMBERED and size == 2 * left:
            self._full[start, size] = node
        return node


def as_line(event: Mapping[str, Any]) -> bytes:
    """Return an event in canonical form."""
    return json.dumps(event, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
