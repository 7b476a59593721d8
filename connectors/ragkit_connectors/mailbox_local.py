"""Mail in files on this machine: Maildirs, mbox files, or a folder of both at any depth.

A folder with ``cur`` and ``new`` in it is a Maildir (D. J. Bernstein, "Using maildir format"), and may hold others
below it. A file that begins with ``From `` is an mbox; other files are no mail and are passed over, but where ``path``
itself is a file it must be one. Folder names are paths relative to ``path``, that of a Maildir at ``path`` is empty.

A message of a Maildir is known by its folder and the unique part of its file name, which stays the same while flags
change and it moves from ``new`` to ``cur``; its version is size and time of last change. Nothing is opened for writing,
no lock is taken and no symbolic link below ``path`` is followed.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from ragkit.errors import SourceError
from ragkit.types import Change, Checkpoint, Listed, SourceItem, Upsert
from ragkit_connectors.mailbox_mbox import Mbox, is_mbox
from ragkit_connectors.mailbox_rules import Rules, header_of
from ragkit_connectors.texts import OPEN_FILE, readable

_EVERY = 250
_SCANS = 4
_HEADER_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class _File:
    """A file of a Maildir, as it was listed."""

    path: Path
    key: str
    status: os.stat_result

    @property
    def version(self) -> str:
        return f"{self.status.st_size}.{self.status.st_mtime_ns}"

    @property
    def came(self) -> datetime | None:
        with suppress(OverflowError, ValueError):  # a file system may hold any number
            return datetime.fromtimestamp(self.status.st_mtime, UTC)
        return None


class LocalMailbox:
    """What :class:`ragkit_connectors.mailbox.MailboxConnector` does with ``path``.

    Args:
        name: The source's name.
        path: The file or folder.
        rules: What counts.
    """

    def __init__(self, name: str, path: str, rules: Rules) -> None:
        self._name = name
        self._path = Path(path).expanduser()
        self._rules = rules

    def changes(self, cursor: str | None) -> Iterator[Change]:
        """Name every message; the cursor holds a folder and the last place in it."""
        at_folder, at_place = _place(cursor)
        for folder, path in self._boxes():
            if folder < at_folder:
                continue
            after = at_place if folder == at_folder else None
            yield from self._maildir(folder, path, after) if path.is_dir() else self._mbox(folder, path, after)
        yield Checkpoint(None, complete=True)

    def fetch(self, native_ids: Sequence[str]) -> Iterator[SourceItem]:
        """Read messages of Maildirs; those that are gone are left out."""
        wanted: dict[str, set[str]] = {}
        for native_id in native_ids:
            folder, _, key = native_id.rpartition("/")
            wanted.setdefault(folder, set()).add(key)
        for folder, path in self._boxes():
            left = wanted.get(folder, set())
            for _ in range(2):  # a flag that is set renames the file between the two steps
                if left and path.is_dir():
                    for file in self._files(path):
                        if file.key in left and (item := self._item(folder, file)) is not None:
                            left.discard(file.key)
                            yield item

    def probe(self) -> str:
        """Count folders and messages of Maildirs, and mbox files."""
        boxes = [path for _, path in self._boxes()]
        maildirs = [path for path in boxes if path.is_dir()]
        messages = sum(len(self._files(path)) for path in maildirs)
        return f"{len(maildirs)} Maildir folders with {messages} messages, {len(boxes) - len(maildirs)} mbox files"

    def _boxes(self) -> list[tuple[str, Path]]:
        """Every Maildir and mbox that counts, with its folder name, sorted by that.

        Raises:
            SourceError: The path is not there, may not be read, or holds no mailbox.
        """
        try:
            if stat.S_ISREG(self._path.stat().st_mode):
                boxes = [(self._path.name, self._path)] if is_mbox(self._path) or not self._path.stat().st_size else []
            else:
                boxes = list(self._walk())
        except OSError as failed:
            raise self._unreadable(failed) from None
        if not boxes:
            raise SourceError(
                f"there is no mailbox at the `path` of source {self._name!r}",
                remedy="Name an mbox file, a Maildir (a folder with `cur` and `new`) or a folder of these.",
            )
        return sorted(boxes)

    def _walk(self) -> Iterator[tuple[str, Path]]:
        for where, folders, files in os.walk(self._path, onerror=_raise):
            here = Path(where)
            relative = "" if here == self._path else readable(here.relative_to(self._path).as_posix())
            if {"cur", "new"} <= set(folders) and not any((here / part).is_symlink() for part in ("cur", "new")):
                folders[:] = [name for name in folders if name not in ("cur", "new", "tmp")]
                if self._rules.takes_folder(relative):
                    yield relative, here
                continue  # files beside `cur` are the server's own
            for name in files:
                folder = f"{relative}/{readable(name)}" if relative else readable(name)
                if self._rules.takes_folder(folder) and is_mbox(here / name):
                    yield folder, here / name

    def _maildir(self, folder: str, path: Path, after: object) -> Iterator[Change]:
        since = 0
        for file in self._files(path):
            if isinstance(after, str) and file.key <= after:
                continue
            yield Listed(f"{folder}/{file.key}", file.version, self._readers(file))
            since += 1
            if since % _EVERY == 0:
                yield Checkpoint(json.dumps([folder, file.key]))

    def _mbox(self, folder: str, path: Path, after: object) -> Iterator[Change]:
        box = Mbox(path, max_bytes=self._rules.max_bytes)
        try:
            for count, (message, place) in enumerate(box.messages(after), start=1):
                if self._rules.takes_day(message.came):
                    yield Upsert(message.item(folder, self._rules.readers(message.header)))
                if count % _EVERY == 0:
                    yield Checkpoint(json.dumps([folder, place]))
        except OSError as failed:
            raise self._unreadable(failed) from None

    def _files(self, path: Path) -> list[_File]:
        """The messages of a Maildir by key, without those marked as trashed and those that came in too early.

        A flag that is set renames the file, and a listing may miss what is renamed meanwhile; a message that is not
        named would be deleted. So what changes while it is listed is listed again, and counts if it was met once.
        """
        found: dict[str, _File] = {}
        for _ in range(_SCANS):
            before = self._marks(path)
            for part in ("new", "cur"):  # a message that moves from one to the other is met in the second
                found |= self._scan(path / part)
            if self._marks(path) == before:
                break
        return [found[key] for key in sorted(found)]

    def _scan(self, part: Path) -> dict[str, _File]:
        found: dict[str, _File] = {}
        try:
            entries = list(os.scandir(part))
        except FileNotFoundError:
            return {}  # the whole folder went
        except OSError as failed:
            raise self._unreadable(failed) from None
        for entry in entries:
            key, _, flags = readable(entry.name).partition(":2,")
            if entry.name.startswith(".") or "T" in flags:
                continue
            with suppress(OSError):  # gone or renamed since it was listed
                file = _File(Path(entry.path), key, entry.stat(follow_symlinks=False))
                if self._rules.takes_day(file.came):
                    found[key] = file
        return found

    def _marks(self, path: Path) -> list[int]:
        """When names in it changed last, in nanoseconds."""
        return [(path / part).stat().st_mtime_ns for part in ("new", "cur") if (path / part).is_dir()]

    def _readers(self, file: _File) -> frozenset[str] | None:
        if not self._rules.issuer:
            return self._rules.access
        content, _ = _read(file.path, _HEADER_BYTES)
        return self._rules.readers(header_of(content))

    def _item(self, folder: str, file: _File) -> SourceItem | None:
        content, problem = b"", None
        if stat.S_ISREG(file.status.st_mode) and file.status.st_size > self._rules.max_bytes:
            problem = "too-large"
        else:
            content, problem = _read(file.path, self._rules.max_bytes + 1)
            if problem == "gone":
                return None
            if len(content) > self._rules.max_bytes:
                content, problem = b"", "too-large"
        return SourceItem(
            native_id=f"{folder}/{file.key}",
            content=content,
            name=f"{file.key}.eml",
            media_type="message/rfc822",
            version=file.version,
            modified=file.came,
            access=self._readers(file),
            metadata={"folder": folder},
            problem=problem,
        )

    def _unreadable(self, failed: OSError) -> SourceError:
        return SourceError(
            f"the mail files of source {self._name!r} cannot be read ({type(failed).__name__})",
            remedy="Check `path` of this source in ragkit.toml, and that this user may read it.",
        )


def _read(path: Path, limit: int) -> tuple[bytes, str | None]:
    """At most ``limit`` bytes of a regular file, or nothing and why."""
    try:
        handle = os.open(path, OPEN_FILE)
    except FileNotFoundError:
        return b"", "gone"
    except OSError:
        return b"", "symbolic-link" if path.is_symlink() else "unreadable"
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        return b"", "not-a-file"
    with os.fdopen(handle, "rb") as stream:
        try:
            return stream.read(limit), None
        except OSError:
            return b"", "unreadable"


def _raise(failed: OSError) -> None:
    raise failed  # a folder that is left out silently would be deleted


def _place(cursor: str | None) -> tuple[str, object]:
    try:
        folder, place = json.loads(cursor or "null")
        return str(folder), place
    except (ValueError, TypeError):
        return "", None
