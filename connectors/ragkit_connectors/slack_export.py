"""The files of a Slack export, in a zip or a folder: who is there, which channels, and their messages by day.

Nothing is unpacked. A file is opened by the name that the lists of the export make for it (``general/2026-01-31.json``)
and in no other way, so that names in a zip lead nowhere; links in a folder are not followed.

Source: slack.com/help, "How to read Slack data exports".
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from ragkit.errors import SourceError
from ragkit_connectors.texts import OPEN_FILE, clean

_LISTS = {"channels.json": "public", "groups.json": "private", "dms.json": "direct", "mpims.json": "group"}
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_MOST_ENTRIES = 1_000_000
_REMEDY = "Name the zip file that Slack gave, or the folder that it was unpacked into, as `path` of this source."


@dataclass(frozen=True, slots=True)
class User:
    """A member: name to show, address if the export has it, and whether the account is deactivated."""

    id: str
    name: str
    email: str
    deactivated: bool

    def __repr__(self) -> str:
        return "User(…)"


@dataclass(frozen=True, slots=True)
class Channel:
    """A conversation: its folder in the export, its kind, and the ids of its members."""

    id: str
    name: str
    kind: str
    folder: str
    members: Sequence[str]

    def __repr__(self) -> str:
        return f"Channel({self.kind}, {len(self.members)} members)"


class _Files(Protocol):
    """Where the files are. ``read`` gives bytes, or the code of a problem, ``None`` where there is none."""

    mark: str

    def names(self, folder: str) -> list[str]: ...

    def read(self, name: str, limit: int) -> bytes | str | None: ...


class Export:
    """An open export.

    Attributes:
        users: By id.
        channels: In order of their ids. Whose messages lie in a folder that two channels claim is not known: such
            are private, and nobody's.
        mark: Another one for another export.

    Raises:
        SourceError: It holds no list of channels, or a list that cannot be read.
    """

    def __init__(self, files: _Files, source: str, limit: int) -> None:
        self._files = files
        self._source = source
        self._limit = limit
        self.mark = files.mark
        people = [
            *(self._list("org_users.json") or ()),
            *(self._list("users.json") or ()),
        ]  # the first of an Enterprise
        self.users = {user.id: user for one in people if (user := _user(one)) is not None}
        channels: dict[str, Channel] = {}
        listed = False
        for name, kind in _LISTS.items():
            found = self._list(name)
            listed = listed or found is not None
            channels |= {one.id: one for row in found or () if (one := self._channel(row, kind)) is not None}
        if not listed:
            raise SourceError(f"source {source!r} holds no list of channels", remedy=_REMEDY)
        folders = Counter(one.folder for one in channels.values())
        self.channels = [
            channels[key] if folders[channels[key].folder] == 1 else replace(channels[key], kind="private", members=())
            for key in sorted(channels)
        ]

    def days(self, channel: Channel) -> list[str]:
        """The days of a channel, in order."""
        stems = (name.removesuffix(".json") for name in self._files.names(channel.folder) if name.endswith(".json"))
        return sorted(stem for stem in stems if _DAY.fullmatch(stem))

    def messages(self, channel: Channel, day: str) -> list[dict[str, Any]] | str:
        """The events of a day, or the code of the problem."""
        found = self._files.read(f"{channel.folder}/{day}.json", self._limit)
        if found is None:
            return []
        if isinstance(found, str):
            return found
        rows = _rows(found)
        return "malformed" if rows is None else rows

    def _list(self, name: str) -> list[dict[str, Any]] | None:
        found = self._files.read(name, self._limit)
        if found is None:
            return None
        rows = None if isinstance(found, str) else _rows(found)
        if rows is None:
            raise SourceError(
                f"a list of source {self._source!r} cannot be read", remedy="Take the export from Slack again."
            )
        return rows

    def _channel(self, row: Mapping[str, Any], kind: str) -> Channel | None:
        identity, name = row.get("id"), row.get("name")
        folder = name if isinstance(name, str) and kind != "direct" else identity
        if not isinstance(identity, str) or not isinstance(folder, str) or not _plain(folder) or not _plain(identity):
            return None
        named = row.get("members")
        members = [one for one in named if isinstance(one, str)] if isinstance(named, list) else []
        if kind in ("direct", "group"):
            shown = [self.users[one].name for one in members if one in self.users]
            return Channel(identity, ", ".join(shown) or "conversation", kind, folder, members)
        return Channel(identity, folder, kind, folder, members)


def _plain(name: str) -> bool:
    return bool(name) and name not in (".", "..") and not re.search(r"[/\\\x00-\x1f\ud800-\udfff]", name)


def _user(row: Mapping[str, Any]) -> User | None:
    identity = row.get("id")
    if not isinstance(identity, str) or not identity:
        return None
    told = row.get("profile")
    profile = told if isinstance(told, dict) else {}
    names = (profile.get("display_name"), profile.get("real_name"), row.get("real_name"), row.get("name"), "someone")
    name = next(one for one in names if isinstance(one, str) and one.strip())
    email = profile.get("email")
    return User(
        identity, clean(" ".join(name.split())), email if isinstance(email, str) else "", bool(row.get("deleted"))
    )


def _rows(content: bytes) -> list[dict[str, Any]] | None:
    try:
        rows = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else None


@contextmanager
def open_export(path: str, source: str, limit: int) -> Iterator[Export]:
    """Open what is at a path.

    Raises:
        SourceError: Nothing is there, or it is no export.
    """
    place = Path(path).expanduser()
    try:
        status = place.stat()
        if stat.S_ISDIR(status.st_mode):
            yield Export(_Folder(place), source, limit)
            return
        if not stat.S_ISREG(status.st_mode):
            raise SourceError(f"source {source!r} is neither a zip file nor a folder", remedy=_REMEDY)
        with zipfile.ZipFile(place) as archive:
            yield Export(_Zip(archive, f"{status.st_size} {status.st_mtime_ns}", source), source, limit)
    except (OSError, zipfile.BadZipFile) as failed:
        raise SourceError(
            f"the export of source {source!r} cannot be read ({type(failed).__name__})", remedy=_REMEDY
        ) from None


class _Folder:
    """An export in a folder."""

    def __init__(self, root: Path) -> None:
        self._root = root
        digest = hashlib.sha256()
        for folder in (root, *sorted(one for one in root.iterdir() if one.is_dir() and not one.is_symlink())):
            digest.update(f"{folder.name}\0{folder.stat().st_mtime_ns}\n".encode("utf-8", "surrogateescape"))
        self.mark = digest.hexdigest()[:16]

    def names(self, folder: str) -> list[str]:
        place = self._root / folder
        with suppress(FileNotFoundError, NotADirectoryError):  # another error is no empty channel
            if not place.is_symlink():
                return [one.name for one in place.iterdir()]
        return []

    def read(self, name: str, limit: int) -> bytes | str | None:
        try:
            handle = os.open(self._root / name, OPEN_FILE)
        except FileNotFoundError:
            return None
        except OSError:
            return "unreadable"
        with os.fdopen(handle, "rb") as file:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                return "not-a-file"
            content = file.read(limit + 1)
        return "too-large" if len(content) > limit else content


class _Zip:
    """An export in a zip file; all its files may lie in one folder."""

    def __init__(self, archive: zipfile.ZipFile, mark: str, source: str) -> None:
        entries = archive.infolist()
        if len(entries) > _MOST_ENTRIES:
            raise SourceError(f"the zip file of source {source!r} has too many entries", remedy=_REMEDY)
        self.mark = hashlib.sha256(mark.encode()).hexdigest()[:16]
        self._archive = archive
        self._entries = {entry.filename: entry for entry in entries if not entry.is_dir()}
        lists = [name for name in self._entries if name.rpartition("/")[2] in _LISTS and name.count("/") <= 1]
        self._top = min(lists, key=len).rpartition("/")[0] if lists else ""
        self._folders: dict[str, list[str]] = {}
        for name in self._entries:
            folder, _, file = name.rpartition("/")
            self._folders.setdefault(folder, []).append(file)

    def names(self, folder: str) -> list[str]:
        return self._folders.get(self._within(folder), [])

    def read(self, name: str, limit: int) -> bytes | str | None:
        entry = self._entries.get(self._within(name))
        if entry is None:
            return None
        if entry.flag_bits & 1:
            return "encrypted"
        if entry.file_size > limit:
            return "too-large"
        try:
            with self._archive.open(entry) as file:
                content = file.read(limit + 1)  # what it unpacks to, whatever the entry says
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError):
            return "malformed"
        return "too-large" if len(content) > limit else content

    def _within(self, name: str) -> str:
        return f"{self._top}/{name}" if self._top else name
