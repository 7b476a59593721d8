"""A folder tree as a source: every file below ``path`` whose relative path the globs let through.

One pass lists the whole tree in a fixed order (folder by folder, names sorted), so the position in it is one path and
a broken pass goes on where it stopped. Symbolic links, pipes and devices are never followed or opened; they, files
over ``max_bytes`` and files that cannot be read arrive as items with a ``problem`` and no content, so that the sync
summary names them. So does a folder that may not be read: nobody may see what is known of its files until it can be
read again, and none of them is deleted for it. A file that vanishes between listing and reading is simply not there.
"""

from __future__ import annotations

import mimetypes
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

from ragkit.errors import SourceError
from ragkit.types import Change, Checkpoint, SourceItem, Unlisted, Upsert
from ragkit_connectors.globs import Globs
from ragkit_connectors.texts import MIB, OPEN_FILE, of_source, readable

DEFAULT_EXCLUDE = (
    "**/.*",
    "**/.*/**",
    "**/~$*",
    "**/*.tmp",
    "**/*.swp",
    "**/*~",
    "**/Thumbs.db",
    "**/desktop.ini",
    "**/__pycache__/**",
    "**/node_modules/**",
)
_MAX_DEPTH = 100
# O_NONBLOCK: opening a named pipe for reading would wait for a writer; on a regular file it does nothing.
_OPEN_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_MEDIA_TYPES = {".md": "text/markdown", ".markdown": "text/markdown", ".eml": "message/rfc822"}


@dataclass(frozen=True, slots=True, kw_only=True)
class FilesConnector:
    """Reads a folder tree.

    Args:
        name: The source's name in the configuration.
        path: The folder. ``~`` is the home folder. The folder itself may be a symbolic link; nothing below it.
        include: Globs on the path relative to the folder; ``**`` crosses folders, ``*`` does not.
        exclude: Globs that win over ``include``; by default hidden files, lock and temporary files.
        max_bytes: A larger file becomes an item with the problem ``too-large``.
        access: Access tokens of every item; ``None`` takes the collection's.
        checkpoint_every: Items between checkpoints.
    """

    name: str
    path: str = field(repr=False)
    include: Sequence[str] = ("**/*",)
    exclude: Sequence[str] = DEFAULT_EXCLUDE
    max_bytes: int = 50 * MIB
    access: Sequence[str] | None = None
    checkpoint_every: int = 100

    def changes(self, cursor: str | None) -> Iterator[Change]:
        """List the tree; ``cursor`` is the relative path of the last item already handed over.

        Raises:
            SourceError: The folder is missing, is no folder, or may not be listed.
        """
        after = tuple(cursor.split("/")) if cursor else ()
        try:
            root = os.open(Path(self.path).expanduser(), _OPEN_FOLDER)
        except OSError as error:
            raise _unreadable(self.name, error) from None
        try:
            since = 0
            for item in self._walk(root, (), after, Globs(self.include, self.exclude)):
                if isinstance(item, Unlisted):
                    yield item
                    continue
                yield Upsert(item)
                since += 1
                if since >= self.checkpoint_every:
                    since = 0
                    yield Checkpoint(item.native_id)
        finally:
            os.close(root)
        yield Checkpoint(None, complete=True)

    def _walk(
        self, folder: int, parents: tuple[str, ...], after: tuple[str, ...], globs: Globs
    ) -> Iterator[SourceItem | Unlisted]:
        try:
            names = sorted(os.listdir(folder), key=readable)
        except OSError as error:
            if not parents:
                raise _unreadable(self.name, error) from None
            yield from self._closed(parents)
            return
        for name in names:
            parts = (*parents, readable(name))
            if parts <= after and parts != after[: len(parts)]:
                continue  # handed over before the cursor, subtree included
            try:
                status = os.stat(name, dir_fd=folder, follow_symlinks=False)
            except FileNotFoundError:
                continue  # gone since it was listed
            except OSError:
                if not globs.prunes("/".join(parts)):
                    yield from self._closed(parts)  # a file or a folder: it cannot be told
                continue
            if stat.S_ISDIR(status.st_mode):
                yield from self._descend(folder, name, parts, after, globs)
            elif parts > after and globs.match("/".join(parts)):
                item = self._read(folder, name, parts, status)
                if item is not None:
                    yield item

    def _descend(
        self, folder: int, name: str, parts: tuple[str, ...], after: tuple[str, ...], globs: Globs
    ) -> Iterator[SourceItem | Unlisted]:
        if globs.prunes("/".join(parts)):
            return
        if len(parts) > _MAX_DEPTH:
            yield self._item(parts, None, problem="too-deep")
            return
        try:
            below = os.open(name, _OPEN_FOLDER | os.O_NOFOLLOW, dir_fd=folder)
        except FileNotFoundError:
            return
        except OSError:
            yield from self._closed(parts)
            return
        try:
            yield from self._walk(below, parts, after, globs)
        finally:
            os.close(below)

    def _closed(self, parts: tuple[str, ...]) -> Iterator[SourceItem | Unlisted]:
        """Name a folder that cannot be looked into; its files are not gone for that."""
        yield Unlisted("/".join(parts) + "/")
        yield self._item(parts, None, problem="unreadable")

    def _read(self, folder: int, name: str, parts: tuple[str, ...], listed: os.stat_result) -> SourceItem | None:
        if stat.S_ISLNK(listed.st_mode):
            return self._item(parts, listed, problem="symbolic-link")
        if not stat.S_ISREG(listed.st_mode):
            return self._item(parts, listed, problem="not-a-file")
        try:
            handle = os.open(name, OPEN_FILE, dir_fd=folder)
        except FileNotFoundError:
            return None
        except OSError:
            return self._item(parts, listed, problem="unreadable")
        try:
            # Decided on what was opened, not on what was listed: the name may mean another file by now.
            status = os.fstat(handle)
            if not stat.S_ISREG(status.st_mode):
                return self._item(parts, status, problem="not-a-file")
            content = _read_at_most(handle, self.max_bytes) if status.st_size <= self.max_bytes else None
        except OSError:
            return self._item(parts, listed, problem="unreadable")
        finally:
            os.close(handle)
        if content is None:
            return self._item(parts, status, problem="too-large")
        return self._item(parts, status, content=content)

    def _item(
        self, parts: tuple[str, ...], status: os.stat_result | None, *, content: bytes = b"", problem: str | None = None
    ) -> SourceItem:
        relative = PurePosixPath(*parts)
        extension = relative.suffix.lower()
        modified = None
        if status is not None:
            with suppress(OverflowError, ValueError):  # a file system may hold any number
                modified = datetime.fromtimestamp(status.st_mtime, UTC)
        return SourceItem(
            native_id=str(relative),
            content=content,
            name=relative.name,
            media_type=_MEDIA_TYPES.get(extension) or mimetypes.guess_type(relative.name)[0],
            uri=str(relative),
            modified=modified,
            access=of_source(self.access),
            metadata={"folder": "/".join(parts[:-1]), "extension": extension.removeprefix(".")},
            problem=problem,
        )


def _read_at_most(handle: int, limit: int) -> bytes | None:
    """The whole file, or ``None`` when it has grown over the limit while it was read."""
    pieces, total = [], 0
    while piece := os.read(handle, 4 * MIB):
        total += len(piece)
        if total > limit:
            return None
        pieces.append(piece)
    return b"".join(pieces)


def _unreadable(name: str, error: OSError) -> SourceError:
    reason = type(error).__name__
    return SourceError(
        f"the folder of source {name!r} cannot be listed ({reason})",
        remedy="Check `path` of this source in ragkit.toml, and that this user may read the folder.",
    )
