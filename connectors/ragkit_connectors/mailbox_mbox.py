"""One mbox file (RFC 4155; quoting as in mboxrd), read in one go with flat memory and without a lock.

A message is known by its Message-ID, or by a hash of its bytes where it has none; of several with one Message-ID the
second and later ones carry their number. The cursor is the place after a message, with a mark of what stands before
the end as it was then: it is good for as long as the file is only appended to. A file that was rewritten while it was
read, or is shorter than it was, ends the pass with an error: half of it would read as deletions.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import BinaryIO

from ragkit.types import SourceItem
from ragkit_connectors.mailbox_rules import header_of
from ragkit_connectors.texts import OPEN_FILE, numbered

_LINE = 64 * 1024
_EDGE = 4096
_SEPARATOR = re.compile(rb"From (.*\d\d:\d\d.*)?\r?\n?", re.DOTALL)  # without anything: Thunderbird
_SEPARATOR_ALONE = re.compile(rb"From \S+ +[A-Z][a-z]{2} [A-Z][a-z]{2} +\d{1,2} \d\d:\d\d.* \d{4}.*", re.DOTALL)
_QUOTED = re.compile(rb"^>(>*From )", re.MULTILINE)
_ID = re.compile(rb"^message-id:[ \t\r\n]*<?([^<>\s]+)", re.IGNORECASE | re.MULTILINE)
_DATE = re.compile(rb"^date:[ \t]*([^\r\n]+)", re.IGNORECASE | re.MULTILINE)


class MboxChanged(OSError):
    """The file was rewritten while it was read."""


@dataclass(frozen=True, slots=True)
class MboxMessage:
    """A message as it stands in the file, its quoting undone. ``content`` is ``None`` when it is too long."""

    identity: str
    header: bytes
    content: bytes | None

    def __repr__(self) -> str:
        return f"MboxMessage({len(self.content or b'')} bytes)"

    @property
    def came(self) -> datetime | None:
        """The Date field; the separator's own date has no zone."""
        found = _DATE.search(self.header)
        if found:
            with suppress(ValueError, TypeError, OverflowError):
                when = parsedate_to_datetime(found[1].decode("ascii", "replace"))
                return when if when.tzinfo else when.replace(tzinfo=UTC)
        return None

    def item(self, folder: str, access: frozenset[str] | None) -> SourceItem:
        """Return it as an item of a folder."""
        return SourceItem(
            native_id=f"{folder}/{self.identity}",
            content=self.content or b"",
            name=f"{self.identity}.eml",
            media_type="message/rfc822",
            modified=self.came,
            access=access,
            metadata={"folder": folder},
            problem="too-large" if self.content is None else None,
        )


class Mbox:
    """Reads one file.

    Args:
        path: The file.
        max_bytes: Longer messages have no content.
    """

    def __init__(self, path: Path, *, max_bytes: int) -> None:
        self._path = path
        self._max_bytes = max_bytes

    def messages(self, after: object) -> Iterator[tuple[MboxMessage, list[object]]]:
        """Yield each message with the cursor behind it; those before the cursor ``after`` are passed over.

        Raises:
            OSError: The file cannot be read.
            MboxChanged: It was rewritten meanwhile.
        """
        with os.fdopen(os.open(self._path, OPEN_FILE), "rb", _LINE) as stream:
            if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
                raise MboxChanged("not a regular file")
            size = os.fstat(stream.fileno()).st_size
            mark = _mark(stream, size)
            skip = _good_place(stream, size, after)
            times: dict[int, int] = {}
            stream.seek(0)
            for end, message in self._split(stream, size):
                key = _short(message.identity)
                number = times[key] = times.get(key, 0) + 1
                if end <= skip:
                    continue
                identity = numbered(message.identity, number)
                yield MboxMessage(identity, message.header, message.content), [size, mark, end]
            if os.fstat(stream.fileno()).st_size < size or _mark(stream, size) != mark or self._replaced(stream):
                raise MboxChanged("rewritten while it was read")

    def _replaced(self, stream: BinaryIO) -> bool:
        return self._path.stat().st_ino != os.fstat(stream.fileno()).st_ino

    def _split(self, stream: BinaryIO, size: int) -> Iterator[tuple[int, MboxMessage]]:
        """Yield where each message ends, and the message.

        A separator follows an empty line, or has sender and date as RFC 4155 wants them.
        """
        kept: list[bytes] = []
        length, place, blank, inside, whole_line = 0, 0, True, False, True
        while place < size and (line := stream.readline(min(_LINE, size - place))):
            if whole_line and (_SEPARATOR if blank else _SEPARATOR_ALONE).fullmatch(line):
                if inside:
                    yield place, self._message(kept, length)
                kept, length, inside = [], 0, True
            elif inside:
                length += len(line)
                if length <= self._max_bytes or not kept:
                    kept.append(line)
            place += len(line)
            blank = whole_line and line in (b"\n", b"\r\n")
            whole_line = line.endswith(b"\n")
        if inside:
            yield place, self._message(kept, length)

    def _message(self, lines: list[bytes], length: int) -> MboxMessage:
        raw = b"".join(lines)
        header = header_of(raw)
        found = _ID.search(header)
        identity = (
            found[1].decode("ascii", "backslashreplace") if found else hashlib.blake2b(raw, digest_size=16).hexdigest()
        )
        content = None if length > self._max_bytes else _QUOTED.sub(rb"\1", raw.rstrip(b"\r\n")) + b"\n"
        return MboxMessage(identity, header, content)


def is_mbox(path: Path) -> bool:
    """Tell whether a regular file begins as an mbox does. Never follows a symbolic link.

    Raises:
        OSError: It cannot be read.
    """
    if not stat.S_ISREG(os.lstat(path).st_mode):
        return False
    with os.fdopen(os.open(path, OPEN_FILE), "rb") as stream:
        return stream.read(5) == b"From "


def _mark(stream: BinaryIO, size: int) -> str:
    """A mark of the first ``size`` bytes: both edges, which a file that was compacted does not keep."""
    stream.seek(0)
    head = stream.read(min(_EDGE, size))
    stream.seek(max(0, size - _EDGE))
    return hashlib.blake2b(head + stream.read(min(_EDGE, size)), digest_size=16).hexdigest()


def _good_place(stream: BinaryIO, size: int, after: object) -> int:
    """Where to go on: the cursor's place, or the beginning where the file is another by now."""
    match after:
        case [int(then), str(mark), int(place)] if then <= size and _mark(stream, then) == mark:
            return place
    return 0


def _short(identity: str) -> int:
    """Eight bytes of hash, so that memory does not grow with the length of the ids."""
    return int.from_bytes(hashlib.blake2b(identity.encode(), digest_size=8).digest(), "big")
