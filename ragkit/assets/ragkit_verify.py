#!/usr/bin/env python3
"""Verify a ragkit event log without ragkit.

    python ragkit_verify.py LOG_FOLDER --key 'NAME+ID+KEY' [--checkpoint FILE] [--proof FILE] [--json]

One file for Python 3.9 or newer and the package `cryptography`; it imports nothing of ragkit and shares no code with
what writes the log. It checks what `docs/audit-format.md` says; what a finding means, and what no verifier can show, is
in `docs/audit-verify.md`. Exit status: 0 all is well, 1 something was found, 2 it could not be checked, and why.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import re
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

sha256 = hashlib.sha256
BLOCK, LONGEST_LINE = 1 << 20, 1 << 24
KEPT = 20
"""Findings of one code that are told in full; the others are counted."""
_REMEMBERED = 4096  # writers whose clocks, and sets of keys that, were looked at

_TEXT = rb"([!-*,-~]{1,200})\n([1-9][0-9]{0,17})\n([A-Za-z0-9+/]{43}=)\n(?:next-key ([!-~]{1,300})\n)?"
_SIGNATURE = rb"\xe2\x80\x94 [!-*,-~]{1,200} [A-Za-z0-9+/]+={0,2}\n"
NOTE = re.compile(_TEXT + rb"\n((?:" + _SIGNATURE + rb"){1,2})\n")
NOTE_ELSEWHERE = re.compile(_TEXT + rb"\n((?:" + _SIGNATURE + rb")+)")
_VKEY = re.compile(r"([!-*,-~]{1,200})\+([0-9a-f]{8})\+([A-Za-z0-9+/]+={0,2})")
_TIME = re.compile(r"20\d\d-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{6}Z")
_UUID7 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
_WORD = re.compile(r"[a-z][a-z0-9]*(?:[._-][a-z0-9]+){0,5}")
_MAC = re.compile(r"hmac-sha256:[0-9a-f]{64}")
_MUST = frozenset(
    ("actor", "boot", "data", "id", "mono_ns", "outcome", "reason", "request", "seq", "sw", "ts", "type", "v", "writer")
)
_MAY = frozenset(("log", "tenant", "session", "trace", "span", "payload"))
_OUTCOMES = frozenset(("ok", "denied", "error", "degraded"))


# --- the tree: RFC 6962, section 2.1; RFC 9162, sections 2.1.3.2 and 2.1.4.2 ------------------------------------------


def leaf_hash(line: bytes) -> bytes:
    """Return the hash of a line as a leaf."""
    return sha256(b"\0" + line).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of two subtrees joined."""
    return sha256(b"\1" + left + right).digest()


def root_of(subtrees: Sequence[bytes]) -> bytes:
    """Return the root over full subtrees, largest first."""
    node = subtrees[-1] if subtrees else sha256(b"").digest()
    for left in reversed(subtrees[:-1]):
        node = node_hash(left, node)
    return node


def inclusion_holds(index: int, size: int, leaf: bytes, proof: Sequence[bytes], root: bytes) -> bool:
    """Tell whether a proof shows that this leaf hash is at `index` (from 0) of the tree of `size` leaves."""
    if not 0 <= index < size or len(leaf) != 32:
        return False
    at, last, node = index, size - 1, leaf
    for other in proof:
        if last == 0:
            return False
        if at & 1 or at == last:
            node = node_hash(other, node)
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        else:
            node = node_hash(node, other)
        at, last = at >> 1, last >> 1
    return last == 0 and node == root


def consistency_holds(size1: int, size2: int, root1: bytes, root2: bytes, proof: Sequence[bytes]) -> bool:
    """Tell whether a proof shows that the tree of `size2` leaves continues the one of `size1`."""
    if not 0 < size1 <= size2:
        return False
    if size1 == size2:
        return not proof and root1 == root2
    path = list(proof) if size1 & (size1 - 1) else [root1, *proof]
    if not path or not proof:
        return False
    at, last = size1 - 1, size2 - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    first = second = path[0]
    for other in path[1:]:
        if last == 0:
            return False
        if at & 1 or at == last:
            first, second = node_hash(other, first), node_hash(other, second)
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        else:
            second = node_hash(second, other)
        at, last = at >> 1, last >> 1
    return last == 0 and first == root1 and second == root2


# --- signed notes: C2SP signed-note and tlog-checkpoint --------------------------------------------------------------


def unbase64(text: bytes) -> bytes:
    """Return the bytes of canonical base64. Raises ValueError for any other."""
    raw = base64.b64decode(text, validate=True)
    if base64.b64encode(raw) != text:
        raise ValueError("base64 is not canonical")
    return raw


class Key(NamedTuple):
    """A public key of Ed25519, and the name it signs for."""

    name: bytes
    id: bytes
    public: bytes

    def signed(self, text: bytes, name: bytes, raw: bytes) -> bool:
        """Tell whether a signature (its name; key id and 64 bytes) over a text is of this key."""
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        if name != self.name or raw[:4] != self.id or len(raw) != 68:
            return False
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(raw[4:], text)
        except (InvalidSignature, ValueError):
            return False
        return True


def parse_key(text: str) -> Key:
    """Return the key of a C2SP verifier key, `name+hex id+base64`. Raises ValueError if it is none."""
    found = _VKEY.fullmatch(text.strip())
    if not found:
        raise ValueError("a key is written NAME+ID+KEY")
    name, raw = found[1].encode(), unbase64(found[3].encode())
    if len(raw) != 33 or raw[0] != 1 or sha256(name + b"\n" + raw).hexdigest()[:8] != found[2]:
        raise ValueError("a key does not fit its id, or is not of Ed25519")
    return Key(name, bytes.fromhex(found[2]), raw[1:])


class Note(NamedTuple):
    """A signed checkpoint: its text and what that says, its signatures (name; key id and 64 bytes), and its place."""

    text: bytes
    origin: bytes
    size: int
    root: bytes
    next_key: Key | None
    signatures: list[tuple[bytes, bytes]]
    place: str
    elsewhere: bool

    def is_signed_by(self, key: Key, which: slice = slice(None)) -> bool:
        """Tell whether one of these signatures is of the key."""
        return any(key.signed(self.text, *one) for one in self.signatures[which])


def note_of(found: re.Match[bytes], place: str, elsewhere: bool = False) -> Note:
    """Return the note of a match. Raises ValueError if its base64 or its next key are none."""
    origin, size, root, following, signed = found.groups()
    lines = [line.split(b" ") for line in signed.split(b"\n")[:-1]]
    signatures = [(name, unbase64(packed)) for _, name, packed in lines]
    next_key = parse_key(following.decode()) if following else None
    text = found[0][: found[0].index(b"\n\n") + 1]
    return Note(text, origin, int(size), unbase64(root), next_key, signatures, place, elsewhere)


def is_torn_note(rest: bytes, origin: bytes) -> bool:
    """Tell whether these last bytes can be the beginning of a note."""
    *whole, begun = rest.split(b"\n")
    patterns = [re.escape(origin), rb"[1-9][0-9]{0,17}", rb"[A-Za-z0-9+/]{43}="]
    patterns += [rb"next-key [!-~]{1,300}"] * any(line.startswith(b"next-key ") for line in whole)
    patterns += [b"", _SIGNATURE[:-2], _SIGNATURE[:-2]]
    fits = all(re.fullmatch(pattern, line) for pattern, line in zip(patterns, whole))
    opening = (origin[: len(begun)], b"next-key "[: len(begun)], b"\xe2\x80\x94 "[: len(begun)])
    plain = re.fullmatch(rb"[A-Za-z0-9+/]*=?|(?:next-key |\xe2\x80\x94 )[!-~ ]*", begun)
    return fits and len(whole) <= len(patterns) and (begun in opening or plain is not None)


# --- the verification ------------------------------------------------------------------------------------------------


class Finding(NamedTuple):
    """What was found; a `finding` counts against the log, a `notice` does not. A place of 0 is none."""

    level: str
    code: str
    message: str
    segment: int = 0
    line: int = 0
    seq: int = 0


class _Enough(Exception):
    pass


def _refuse(text: str) -> Any:
    raise ValueError(f"{text[:20]} is no whole number")


_decode = json.JSONDecoder(parse_float=_refuse, parse_constant=_refuse).raw_decode
_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, check_circular=False).encode


class Verification:
    """Verifies one log: `run()`, then `findings`, `unchecked` and the counts tell what was seen.

    Args:
        folder: Where the segments and `checkpoints.txt` are; `None` to check proofs alone.
        keys: Trusted keys. Whoever trusts the first can follow the changes of keys to the last.
        structure_only: Whether no key is given on purpose.
        progress: Called with the bytes read, and with all of them.
        stop_after: Stop after so many findings; 0 for never.
    """

    def __init__(
        self,
        folder: Path | None,
        keys: Sequence[Key] = (),
        *,
        structure_only: bool = False,
        progress: Callable[[int, int], None] | None = None,
        stop_after: int = 0,
    ) -> None:
        self.folder, self.keys, self.progress, self.stop_after = folder, list(keys), progress, stop_after
        self.origin = keys[0].name if keys else b""
        self.findings: list[Finding] = []
        self.counts: dict[str, int] = {}
        self.unchecked: list[str] = []
        self.proven: list[str] = []
        self.segments = self.lines = self.events = self.torn = self.notes = self.signed = self.anchored = 0
        self.seq = self.failed = self._segment = self._line = self._length = self._last_size = self._notes_end = 0
        self._given, self._unproven, self._named, self._unkeyed = bool(keys), 0, False, structure_only
        self._retired: list[Key] = []
        self._before: set[bytes] = set()
        self._no_anchor: set[str] = set()
        self._signer: Key | None = None
        self._by: Key | None = None
        self._subtrees: list[bytes] = []
        self._expected: dict[int, list[tuple[Note, Key | None]]] = {}
        self._announced: dict[int, tuple[bytes, tuple[int, int, int]]] = {}
        self._pending: list[tuple[str, int, tuple[int, int, int]]] = []
        self._refused: tuple[int, int, int] | None = None
        self._shapes: set[tuple[str, ...]] = set()
        self._clocks: dict[str, tuple[str, int]] = {}

    def tell(self, code: str, message: str, level: str = "finding", at: tuple[int, int, int] | None = None) -> None:
        """Note something; `at` is segment, line and seq, by default those being read."""
        self.counts[code] = self.counts.get(code, 0) + 1
        if self.counts[code] <= KEPT:
            self.findings.append(Finding(level, code, message, *(at or (self._segment, self._line, self.seq))))
        if level == "finding":
            self.failed += 1
            if self.failed == self.stop_after:
                raise _Enough

    @property
    def status(self) -> int:
        """0: all is well; 1: something was found; 2: something could not be checked."""
        return 1 if self.failed else 2 if self.unchecked else 0

    def run(
        self,
        elsewhere: Sequence[tuple[str, bytes]] = (),
        proofs: Sequence[tuple[str, bytes]] = (),
        remembered: bytes = b"",
    ) -> int:
        """Verify the log, checkpoints that were kept elsewhere, and proofs, each a name and bytes; return `status`.

        `remembered` is the newest checkpoint that the signer itself keeps: compared, but not somebody else's word.
        """
        try:
            if self.folder is not None:
                self._check_log(self.folder, elsewhere, remembered)
            for name, raw in proofs:
                self._check_proof(name, raw)
        except _Enough:
            pass
        except OSError as failed:
            self.unchecked.append(f"{Path(failed.filename or '').name} cannot be read ({type(failed).__name__})")
        except ImportError:
            self.unchecked.append("the Python package `cryptography` is not installed: no signature was checked")
        return self.status

    def _check_log(self, folder: Path, elsewhere: Sequence[tuple[str, bytes]], remembered: bytes) -> None:
        file = folder / "checkpoints.txt"
        raw = file.read_bytes() if file.exists() else b""
        notes = list(self._read_notes(raw))
        for place, note in enumerate(notes):  # a given key may come in at a change of keys, by the second signature
            if note.next_key in self.keys and note.is_signed_by(note.next_key, slice(1, 2)):
                self._unproven = place if not any(map(notes[0].is_signed_by, self.keys)) else 0
                break
        for note in notes:
            self._expect(note)
        for name, kept in elsewhere:
            self._check_elsewhere(name, kept)
        if remembered:
            self._check_elsewhere("the file that the signer keeps", remembered, remembered=True)
        paths = sorted(path for path in folder.iterdir() if path.suffix == ".jsonl")
        total, done = sum(path.stat().st_size for path in paths), 0
        for place, path in enumerate(paths, 1):
            self._segment, self._line = place, 0
            if path.name != f"{place:08d}.jsonl":
                self.tell("segment", f"{place:08d}.jsonl should be here and {path.name} is", at=(place, 0, self.seq))
            for size in self._read_segment(path, last=place == len(paths)):
                done += size
                if self.progress:
                    self.progress(done, total)
        self.segments = len(paths)
        if not paths:
            self.unchecked.append("there is no log here: no file 00000001.jsonl")
        self._check_end(file, raw)

    # --- notes

    def _read_notes(self, raw: bytes) -> Iterator[Note]:
        """Yield the notes after the last whole one that was read."""
        while self._notes_end < len(raw):
            found = NOTE.match(raw, self._notes_end)
            if not found:
                if is_torn_note(raw[self._notes_end :], self.origin):
                    self.tell("torn-note", "the last note of checkpoints.txt was not written out", "notice", (0, 0, 0))
                    return
                where = f"at byte {self._notes_end} of checkpoints.txt"
                self.tell("note-form", f"there is no well-formed note {where}", at=(0, 0, 0))
                found = NOTE.search(raw, self._notes_end + 1)
            if not found:
                return
            self._notes_end, self.notes = found.end(), self.notes + 1
            try:
                yield note_of(found, f"note {self.notes} of checkpoints.txt")
            except ValueError as why:
                self.tell("note-form", f"note {self.notes} of checkpoints.txt: {why}", at=(0, 0, 0))

    def _expect(self, note: Note) -> None:
        """Check a note by itself and after those before it, and remember what root has to be at its size."""
        self.origin = self.origin or note.origin
        if note.size <= self._last_size:
            self.tell("note-order", f"{note.place} is of {note.size} lines, no more than before", at=(0, 0, 0))
        self._last_size = max(self._last_size, note.size)
        if note.origin != self.origin:
            self.tell("note-origin", f"{note.place} is of another log", at=(0, 0, 0))
        elif not self._given or self._is_signed(note):
            self._expected.setdefault(note.size, []).append((note, self._by))

    def _is_signed(self, note: Note) -> bool:
        """Tell whether a note is signed as it has to be, and follow a change of keys."""
        name, raw = note.signatures[0]
        keys = [key for key in (self._signer, *self.keys) if key and key not in self._retired and key.id == raw[:4]]
        changes = note.next_key is not None and note.is_signed_by(note.next_key, slice(1, 2))
        self._unproven, self._by = self._unproven - 1, None
        if len(note.signatures) != 1 + (note.next_key is not None) or changes != (note.next_key is not None):
            self.tell("note-signature", f"{note.place} does not have the signatures it has to", at=(0, 0, 0))
        elif not keys and changes and note.next_key in self.keys:
            self._signer = note.next_key
            return True
        elif not keys and self._unproven >= 0:
            self._before.add(raw[:4])
            if "note-before" in self.counts:
                self.counts["note-before"] += 1
            else:
                what = "and maybe others are by keys before a change of keys; --key with the first key checks them too"
                self.tell("note-before", f"{note.place} {what}", "notice", (0, 0, 0))
            return True
        elif not keys:
            self.tell("note-key", f"{note.place} is by key {raw[:4].hex()}, which is not in force", at=(0, 0, 0))
        elif not keys[0].signed(note.text, name, raw):
            self.tell("note-signature", f"the signature of {note.place} is not valid", at=(0, 0, 0))
        else:
            self._signer = self._by = keys[0]
            if note.next_key:
                self._retired.append(keys[0])
                self._signer = note.next_key
            return True
        return False

    def _trusted(self) -> list[Key]:
        return [*self.keys, *self._retired, *([self._signer] if self._signer else [])]

    def _check_elsewhere(self, name: str, kept: bytes, *, remembered: bool = False) -> None:
        """Remember what roots have to be by checkpoints from elsewhere: the notes in any text, such as a syslog."""
        kept, ours = kept.replace(b"#012", b"\n").replace(b"\r\n", b"\n"), 0
        for found in NOTE_ELSEWHERE.finditer(kept):
            if found[1] != self.origin and self.origin:
                continue
            ours += 1
            try:
                note = note_of(found, f"checkpoint {ours} of {name}", elsewhere=True)
            except ValueError as why:
                self.tell("kept-form", f"checkpoint {ours} of {name}: {why}", at=(0, 0, 0))
                continue
            trusted = not self._given or any(map(note.is_signed_by, self._trusted()))
            if not trusted and not self._before.intersection(raw[:4] for _, raw in note.signatures):
                self.tell("kept-signature", f"{note.place} is not signed by a key known here", at=(0, 0, 0))
                continue
            if not trusted:
                what = "is by a key before a change of keys: its lines are compared, its signature is not"
                self.tell("kept-before", f"{note.place} {what}", "notice", (0, 0, 0))
            if not trusted or remembered:
                self._no_anchor.add(note.place)
            self._expected.setdefault(note.size, []).append((note, None))
        if not ours:
            self.unchecked.append(f"{name} holds no checkpoint of this log")

    # --- lines

    def _read_segment(self, path: Path, *, last: bool) -> Iterator[int]:
        """Read one segment in blocks; yields the bytes of each."""
        rest = b""
        with path.open("rb") as file:
            while block := file.read(BLOCK):
                *lines, rest = (rest + block).split(b"\n")
                self._take(lines)
                if len(rest) > LONGEST_LINE:
                    self.tell("line", "a line is longer than 16 MiB; the rest of the segment was not read")
                    return
                yield len(block)
        if rest and last:
            self.tell("torn-tail", f"the last {len(rest)} bytes are no whole line (yet)", "notice")
        elif rest:
            self.tell("segment", f"segment {self._segment} ends within a line, and is not the last")

    def _take(self, lines: Sequence[bytes]) -> None:
        """Add whole lines to the tree and check each; at the size of a note, compare the root."""
        subtrees, expected = self._subtrees, self._expected
        for line in lines:
            node, size = sha256(b"\0" + line).digest(), self.lines
            while size & 1:
                node, size = sha256(b"\1" + subtrees.pop() + node).digest(), size >> 1
            subtrees.append(node)
            self.lines += 1
            self._line += 1
            event = self._event(line)
            self._length = len(line)
            if self.lines in expected:
                self._compare(event)

    def _event(self, line: bytes) -> dict[str, Any] | None:
        """Return the event of a line if it is one in canonical form."""
        try:
            text = line.decode()
            event = _decode(text)[0]
            why = "" if type(event) is dict and _encode(event) == text else "is not in canonical form"
        except (ValueError, RecursionError):
            why = "is no event"
        data = {} if why or not isinstance(event.get("data"), dict) else event["data"]
        if why:
            self._pending.append((why, len(line), (self._segment, self._line, self.seq)))
            return None
        if event.get("type") == "log.recovered":
            self._recover(data.get("bytes"))
        else:
            self._unrecovered()
        self.events += 1
        self._check_event(event, line)
        if event.get("type") == "checkpoint":
            if data.get("size") != self.lines:
                self.tell("announced", f"a checkpoint of {data.get('size')} lines is announced in line {self.lines}")
            if self.lines > self._last_size:
                where = (self._segment, self._line, self.seq)
                self._announced[self.lines] = (root_of(self._subtrees), where)
        elif event.get("type") == "checkpoint.refused":
            self._refused = self._refused or (self._segment, self._line, self.seq)
        elif event.get("type") == "checkpoint.accepted":
            self._refused = None
            self.tell(
                "accepted", "what was signed before was left aside, and signing begun anew under a new key", "notice"
            )
        return event  # type: ignore[no-any-return]

    def _check_event(self, event: dict[str, Any], line: bytes) -> None:
        """Check number, origin, envelope and clock of an event."""
        seq, writer, now = event.get("seq"), event.get("writer"), (event.get("ts", ""), event.get("mono_ns", -1))
        if seq != self.seq + 1:
            self.tell("seq", f"event {seq} comes after event {self.seq}")
        self.seq = seq if type(seq) is int else self.seq + 1
        shape = tuple(event)
        if shape not in self._shapes:
            self._check_keys(frozenset(shape))
            if len(self._shapes) < _REMEMBERED:
                self._shapes.add(shape)
        if "log" in event or self._named:
            self.origin, self._named = self.origin or str(event.get("log")).encode(), True
            if event.get("log") != self.origin.decode():
                self.tell("origin", "the event is of another log, or does not say of which")
        if not (
            type(now[0]) is str and _TIME.fullmatch(now[0]) and type(now[1]) is int and now[1] >= 0
            and type(event.get("v")) is int and event["v"] == 1 and type(writer) is str
            and type(event.get("type")) is str and _WORD.fullmatch(event["type"])
            and type(event.get("id")) is str and _UUID7.fullmatch(event["id"])
            and type(event.get("data")) is dict and type(event.get("actor")) is dict and type(event.get("sw")) is dict
            and event.get("outcome") in _OUTCOMES and type(event.get("reason")) is str
            and type(event.get("request")) is str and type(event.get("boot")) is str
            and ("payload" not in event or _is_payload(event["payload"]))
            and (b"null" not in line or _is_plain(event)) and (line.isascii() or _is_plain(event))
        ):  # fmt: skip
            self.tell("envelope", "a field of the event does not have the form it has to")
            return
        before = self._clocks.get(writer)
        if before and (now[0] < before[0] or now[1] < before[1]) and event["type"] != "clock.jump":
            self.tell("clock", "the clock of a writer goes back and no clock.jump tells of it", "notice")
        self._clocks[writer] = now
        if event["type"] == "log.closed" or len(self._clocks) > _REMEMBERED:
            del self._clocks[writer if event["type"] == "log.closed" else next(iter(self._clocks))]

    def _check_keys(self, keys: frozenset[str]) -> None:
        if lacking := sorted(_MUST - keys):
            self.tell("envelope", f"the event lacks {', '.join(lacking)}")
        if more := sorted(keys - _MUST - _MAY):
            self.tell("envelope-new", f"the event has keys this verifier does not know: {', '.join(more)}", "notice")

    # --- lines against notes

    def _compare(self, event: dict[str, Any] | None) -> None:
        """Compare the tree with the notes of its size."""
        root, size = root_of(self._subtrees), self.lines
        for note, key in self._expected.pop(size):
            same, good = root == note.root, self.anchored if note.elsewhere else self.signed
            code = "rewritten" if note.elsewhere else "tree"
            if same and note.elsewhere:
                self.anchored = self.anchored if note.place in self._no_anchor else size
            elif same:
                self.signed = size
                self._check_announced(event, note, key)
            elif code not in self.counts:
                what = f"the lines {good + 1} to {size} are not those of {note.place}"
                self.tell(code, f"{what}: some were edited, added, removed or moved")

    def _recover(self, length: Any) -> None:
        """Take the first torn line that waits for its ``log.recovered``; a power cut can leave several in a row.

        What was torn just before its line feed is a whole event, and no torn line.
        """
        expected = self._pending.pop(0)[1] if self._pending else -1
        self.torn += expected == length
        if length not in (expected, self._length if expected < 0 else expected):
            self.tell("recovered", "log.recovered does not tell the length of the line before it")

    def _unrecovered(self) -> None:
        """Tell of lines that are no events though no writer closed them off."""
        for why, _, at in self._pending:
            self.tell("line", f"the line {why}, and no log.recovered follows", at=at)
        self._pending.clear()

    def _check_announced(self, event: dict[str, Any] | None, note: Note, key: Key | None) -> None:
        data = event["data"] if event and event.get("type") == "checkpoint" else {}
        if data.get("size") != note.size or (key and data.get("key") != "sha256:" + sha256(key.public).hexdigest()):
            self.tell("unannounced", f"no checkpoint event tells of {note.place}")

    def _check_end(self, file: Path, raw: bytes) -> None:
        """Look at what is after the last note, and at notes that were written while the lines were read."""
        self._unrecovered()
        if self._refused:
            what = "the writer itself found that the log does not continue what it had signed"
            self.tell("refused", what, at=self._refused)
        for size, notes in sorted(self._expected.items()):
            for note, _ in notes:
                what = f"the log has {self.lines} lines, and {note.place} is of {size}"
                if note.elsewhere:
                    self.tell("rolled-back", f"{what}: its end was cut, or an older copy put in its place")
                else:
                    self.tell("truncated", f"{what}: its end was cut")
        self._expected.clear()
        newest = max((path.stat().st_mtime for path in file.parent.glob("*.jsonl")), default=0.0)
        tries = 20 if not self.failed and time.time() - newest < 10 else 1  # somebody may be signing just now
        while max(self._announced, default=0) > self._last_size and tries:
            self._take_late(file, raw)
            tries -= 1
            time.sleep(0.05 if tries else 0)
        for size, (_, where) in self._announced.items():
            if size > self._last_size:
                what = "has no note: the process was killed before it signed, or somebody took the note away"
                self.tell("note-missing", f"the announced checkpoint of {size} lines {what}", at=where)
        if self.lines and not self.signed and not self.failed:
            self.unchecked.append("nothing is signed: no checkpoint proves these lines")
        if not self._given and not self._unkeyed:
            self.unchecked.append("no key was given: signatures were not checked, so that anybody may have made them")

    def _take_late(self, file: Path, raw: bytes) -> None:
        now = file.read_bytes() if file.exists() else b""
        if not now.startswith(raw[: self._notes_end]):
            self.unchecked.append("checkpoints.txt was changed while it was read")
        for note in self._read_notes(now):
            self._expect(note)
            root, where = self._announced.get(note.size, (b"", (0, 0, 0)))
            if note.size <= self.lines and root == note.root:
                self.signed = note.size
            elif note.size <= self.lines:
                self.tell("tree", f"the lines up to {note.size} are not those of {note.place}", at=where)
        self._expected.clear()

    def _check_proof(self, name: str, raw: bytes) -> None:
        """Check a proof of inclusion or consistency by itself: it needs the keys and no log."""
        try:
            told = json.loads(raw)
            path = [unbase64(one.encode()) for one in told["proof"]]
            notes = [self._proof_note(told[key], name) for key in ("note", "note1", "note2") if key in told]
            if told["kind"] == "inclusion":
                (note,), index = notes, told["index"]
                holds = told["size"] == note.size
                leaf = leaf_hash(told["leaf_line"].encode())
                holds = holds and inclusion_holds(index, note.size, leaf, path, note.root)
                what = f"the line stands at {index + 1} in the log of {note.size} lines that was signed"
            elif told["kind"] == "consistency":
                one, two = notes
                holds = (told["size1"], told["size2"]) == (one.size, two.size)
                holds = holds and consistency_holds(one.size, two.size, one.root, two.root, path)
                what = f"the log of {two.size} lines continues the one of {one.size} unchanged"
            else:
                raise ValueError("it is of no kind known here")
        except (KeyError, TypeError, ValueError, AttributeError) as why:
            self.tell("proof", f"{name} is no proof ({why or type(why).__name__})", at=(0, 0, 0))
            return
        if not holds:
            self.tell("proof", f"{name} does not show what it says", at=(0, 0, 0))
        elif self._given:
            self.proven.append(f"{name}: {what}")
        else:
            self.unchecked.append(f"{name}: no key was given, so that anybody may have signed its checkpoint")

    def _proof_note(self, text: str, name: str) -> Note:
        found = NOTE_ELSEWHERE.fullmatch(text.encode().rstrip(b"\n") + b"\n")
        if not found:
            raise ValueError("it holds no signed note")
        note = note_of(found, name, elsewhere=True)
        if self._given and not any(map(note.is_signed_by, self._trusted())):
            raise ValueError("its note is not signed by a key known here")
        return note

    def report(self) -> dict[str, Any]:
        """Return everything as plain values, for JSON."""
        counts = ("status", "segments", "lines", "events", "torn", "seq", "notes", "signed", "anchored")
        return {
            "origin": self.origin.decode(),
            **{name: getattr(self, name) for name in counts},
            "keyed": self._given,
            "unsigned": self.lines - self.signed,
            "unanchored": self.lines - self.anchored,
            "counts": self.counts,
            "findings": [one._asdict() for one in self.findings],
            "unchecked": self.unchecked,
            "proven": self.proven,
        }


def _is_payload(value: Any) -> bool:
    return type(value) is list and all(
        type(one) is dict and sorted(one) == ["len", "mac", "ref", "role"] and type(one["len"]) is int
        and type(one["mac"]) is str and _MAC.fullmatch(one["mac"]) is not None
        for one in value
    )  # fmt: skip


def _is_plain(value: Any) -> bool:
    """Tell whether there is no null, and no key that is not ASCII."""
    if isinstance(value, dict):
        return all(key.isascii() and _is_plain(one) for key, one in value.items())
    return all(map(_is_plain, value)) if isinstance(value, list) else value is not None


def told(found: dict[str, Any]) -> str:
    """Return a report in words."""
    of, by = found["origin"] or "(unnamed)", found["notes"]
    what = "{lines:,} lines in {segments:,} segments, {events:,} events, {torn:,} torn lines".format(**found)
    signed = "{signed:,} lines, {unsigned:,} after the last checkpoint".format(**found)
    kept = "{anchored:,} lines, {unanchored:,} rest on this folder and its key alone".format(**found)
    how = "signed, by" if found["keyed"] else "as long as signatures are right, which nobody checked, signed by"
    lines = [f"log {of}: {what}", f"{how} {by:,} checkpoints: {signed}", f"by checkpoints from elsewhere: {kept}"]
    for one in found["findings"]:
        place = f" (segment {one['segment']}, line {one['line']}, after event {one['seq']})" if one["segment"] else ""
        lines.append(f"{one['level']} {one['code']}{place}: {one['message']}")
    lines += [f"{code}: {count:,} in all" for code, count in found["counts"].items() if count > KEPT]
    lines += [f"proven: {what}" for what in found["proven"]]
    lines += [f"could not be checked: {what}" for what in found["unchecked"]]
    well = "all is well" if found["keyed"] else "the structure is well; no signature was checked"
    return "\n".join([*lines, (well, "something was found", "it could not be checked")[found["status"]]])


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, help="folder of the segments and checkpoints.txt")
    parser.add_argument("--key", action="append", default=[], help="a trusted verifier key, NAME+ID+KEY")
    parser.add_argument("--no-key", action="store_true", help="check the structure alone, without a key")
    for option, what in (("--checkpoint", "checkpoints that were kept elsewhere"), ("--proof", "a proof, as JSON")):
        parser.add_argument(option, action="append", default=[], type=Path, metavar="FILE", help=what)
    parser.add_argument("--json", action="store_true", help="print JSON")
    given = parser.parse_args(arguments)
    try:
        if given.folder is None and not given.proof:
            raise ValueError("name the folder of the log, or a proof")
        keys = [parse_key(key) for key in given.key]
        kept, proofs = ([(one.name, one.read_bytes()) for one in files] for files in (given.checkpoint, given.proof))
    except (ValueError, OSError) as failed:
        print(f"could not be checked: {failed}", file=sys.stderr)
        return 2
    found = Verification(given.folder, keys, structure_only=given.no_key)
    found.run(kept, proofs)
    print(json.dumps(found.report(), indent=2) if given.json else told(found.report()))
    return found.status


if __name__ == "__main__":
    sys.exit(main())
